"""Takes due work from the store and dispatches it to the run, the inbox or the outbox.

Others use `Queue` and `Dispatcher`. It knows no channel, and loses nothing that a crash leaves behind.
"""
