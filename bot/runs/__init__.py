"""A run's life: start, loop, next move, thinking, budgets, children, forks and export.

Others use `Starter`, `Loop` and `Steering`. A run never waits here for a person: the turn ends, and an event wakes it.
"""
