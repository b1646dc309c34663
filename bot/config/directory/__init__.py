"""The tables that say who somebody is beside `[people]`: groups kept elsewhere, and who is on call when.

Others use the tables of `oncall.py` and `groups.py`, and `read_group_file`. Nothing here asks Slack or knows the time.
"""
