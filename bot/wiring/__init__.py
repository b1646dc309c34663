"""The parts of an installation's own mail and Slack, for the composition root.

Others use `RealMail`, `local_mail` and `slack_parts`, which build channels from settings. It reads no events and
decides nothing.
"""
