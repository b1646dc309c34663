"""Coding agents as their makers publish them, with a model that is scripted and a hook that asks sayso."""
