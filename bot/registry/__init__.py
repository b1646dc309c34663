"""This installation's agents, prompt versions, release and environments.

Others use `agents_of`, `models_of`, `with_chosen_prompts`, `environments_of` and `release_of`. It never runs a step.
"""
