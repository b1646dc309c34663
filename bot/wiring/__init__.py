"""What an installation's own mail and Slack are made of, for the composition root.

Others use the functions that build a channel from settings. It reads no events and decides nothing.
"""
