"""Recorded cases for agents: what happened, and which next step is right. `sayso evals` runs them."""
