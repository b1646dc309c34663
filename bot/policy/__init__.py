"""Pure rules: who may decide, how many are enough, what an answer means, what an approval covers.

Others use `judge`, `eligible`, `read_answer`, `call_digest` and `RequestRecord`. It reads no clock, no store and no
settings.
"""
