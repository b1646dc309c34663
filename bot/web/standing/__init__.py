"""Standing approvals over HTTP and in the console: asked for, listed, revoked.

Others mount `api.router`. Nothing here decides what one covers: that is `bot/policy/standing.py`.
"""
