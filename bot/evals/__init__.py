"""Recorded cases for agents: what happened, and which next step is right.

Others use `planned`, `by_rules`, `by_models` and `Report`; `sayso evals` does. No case executes or sends anything.
"""
