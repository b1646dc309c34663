"""Requests and their decisions: opening, the single writer of votes, changed cards, reply tokens.

Others use `opening`, `Decisions` and `Tokens`. Nobody else writes a vote or a decision.
"""
