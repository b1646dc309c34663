"""How times and channels are worded, wherever people read them in the words of code."""

TIME, HOURS = "%H:%M UTC on %d %B %Y", "%H:%M UTC"
"""For `strftime`: a moment, and one of today."""

CHANNEL_NAMES = {"email": "e-mail", "slack": "Slack"}
"""What people call the channels that reach them."""
