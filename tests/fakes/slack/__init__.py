"""A stand-in for Slack, as a process of its own: the Web API, Socket Mode and HTTP mode as an app meets them.

`README.md` beside this file says what it does and how to drive it; `driver/` is how tests talk to it. Nothing here
knows the product, and the product knows nothing of this.
"""
