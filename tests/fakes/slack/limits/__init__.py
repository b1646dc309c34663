"""What Slack refuses in what an app sends: the documented limits of Block Kit."""
