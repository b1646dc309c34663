"""A storm over every process, judged from outside.

`python -m bench storm [--long] [--seconds N] [--approvals N] [--seed S] [--servers one|cluster|sentinel]`
"""

import random
from dataclasses import replace

from tests.storm.facts import Setup
from tests.storm.storm import SkippedHere, Wanted, table

# A long storm kills less often than a short one: processes that only start approve nothing.
_LONG, _LONG_AT_ONCE, _LONG_CALM = 25_000, 60, 4.0


def storm(seconds: float, approvals: int | None, seed: int | None, setup: Setup, *, is_long: bool) -> bool:
    """Print the table of a storm; whether nothing went wrong, and enough was tried to say so."""
    drawn = random.randrange(2**16) if seed is None else seed  # noqa: S311
    print(f"seed {drawn}", flush=True)
    wanted = Wanted(seconds, seed=drawn, setup=setup)
    if is_long:
        wanted = replace(wanted, approvals=_LONG, at_once=_LONG_AT_ONCE, calm=_LONG_CALM)
    if approvals is not None:
        wanted = replace(wanted, approvals=approvals)
    try:
        is_well, lines = table(wanted)
    except SkippedHere as error:
        print(f"No storm here: {error}")
        return False
    print(lines)
    return is_well
