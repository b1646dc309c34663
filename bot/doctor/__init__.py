"""`sayso doctor`: checks of every service and permission, each with the fix for what is wrong.

Others use `examine` of `overall` and `Finding`. It changes nothing, and never prints a secret.
"""
