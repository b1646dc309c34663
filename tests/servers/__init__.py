"""Real servers for tests, each a process of its own: they live on when what they watch is killed."""
