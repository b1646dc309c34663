"""Settings and `sayso.toml`: their shapes, defaults, errors, and the data directory.

Others use `Settings` and the tables. It imports no other room, and starts nothing.
"""
