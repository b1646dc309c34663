"""Tests of the measurement: that it works, and never how fast anything is."""
