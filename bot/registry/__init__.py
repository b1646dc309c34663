"""What this installation runs: its own agents, prompt versions, the release, its environments.

Used by the composition root and by commands that list them. Nothing here runs a step.
"""
