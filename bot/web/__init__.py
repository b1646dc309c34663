"""HTTP: the API for programs, the console for people, health and figures.

Others use `listen`, `serve` and `Demo`. It decides nothing: `decide` judges every answer. The web framework stays in
this folder.
"""
