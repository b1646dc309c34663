"""The model that chooses steps: one call, the answer read as a step, its price, and what to do when it fails.

Others use `claude.Model` and `Claude`, `reply.NoStep` and `tools_hash`, `failures` and `prices`. Nothing here executes
a step or waits: a failure is an answer, and the bot decides when to try again.
"""
