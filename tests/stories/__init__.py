"""Stories that cross rooms: one behaviour of a whole sayso per file, from what happens to what people see.

`faults/` has what goes wrong, `mail/` and `slack/` what belongs to one of the two; `tests/test_tour.py` is the first to
read.
"""
