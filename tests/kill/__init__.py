"""kill -9 at named points, and what must be true afterwards."""
