"""The texts that people read, worded by code from data.

Others use `cards`, `views`, `status_line` and `transcript`. It reads no clock and never changes what it shows; only
`StatusLines` uses the store.
"""
