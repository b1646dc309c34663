"""`sayso doctor`: checks of every service and permission, each with the fix for what is wrong.

Others use `examine` of `overall` and `Finding`. It sends one mail to itself, brings mirrors of repositories up to date,
changes nothing else, and never prints a secret.
"""
