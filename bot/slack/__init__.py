"""One's own Slack workspace: settings, wiring, what `sayso doctor` checks, what `sayso slack` and `sayso people` do."""
