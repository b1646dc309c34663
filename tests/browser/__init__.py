"""The console as people see it: Chromium in front of a real `sayso dev`."""
