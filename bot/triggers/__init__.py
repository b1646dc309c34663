"""Triggers that start runs without a person: times, signed webhooks, GitHub; and signed reports for waiting runs.

Others use `Crons`, `Hooks`, `TriggerStarts` and `Reports`. It never starts a run except through `runs.start`.
"""
