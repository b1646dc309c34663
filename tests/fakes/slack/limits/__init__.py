"""Slack's refusals of what an app sends: the documented limits of Block Kit."""
