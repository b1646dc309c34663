"""The parts of an installation's own mail, Slack and Redis, for the composition root and for commands.

Others use `RealMail`, `local_mail` and `slack_parts`, which build channels from settings, and `office_of`, what works
beside Redis itself. It reads no events and decides nothing.
"""
