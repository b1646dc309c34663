"""Finished runs outside Redis: written to a directory or an S3-compatible store, taken out of Redis, read again.

Others use `Archive` to read and `Retention` to have runs leave. What is here is history: nothing in it is ever changed,
and no run goes on from here but as a copy. Nothing is deleted in Redis before the place has given it back unchanged.
"""
