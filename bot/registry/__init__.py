"""This installation's own agents, prompt versions, release and environments.

Others use `own_agents`, `with_chosen_prompts`, `environments_of` and `release_of`. It never runs a step.
"""
