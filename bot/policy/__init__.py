"""Pure rules: who may decide, how many are enough, what an answer means, what an approval covers.

Others use `judge`, `who_of`, `read_answer` and `call_digest`. It reads no clock, no store and no settings.
"""
