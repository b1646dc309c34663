"""Standing approvals over HTTP and in the console: asked for and listed.

Others mount `api.router` and the pages of `console`. What one covers, `bot/policy/standing.py` says.
"""
