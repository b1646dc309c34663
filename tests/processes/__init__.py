"""Real processes as people and process managers start and stop them."""
