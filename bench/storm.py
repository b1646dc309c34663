"""A storm over every process, judged from outside.

`python -m bench storm [--long | --seconds N --seed S] [--servers one|cluster|sentinel]`
"""

import random
from dataclasses import replace

from tests.storm.facts import Setup
from tests.storm.storm import SkippedHere, Wanted, table

# A long storm kills less often than a short one: processes that only start approve nothing.
_LONG, _LONG_S, _LONG_AT_ONCE, _LONG_CALM = 25_000, 3_600.0, 40, 4.0


def storm(seconds: float, seed: int | None, setup: Setup, *, is_long: bool) -> bool:
    """Print the table of a storm; whether nothing went wrong, and enough was tried to say so."""
    drawn = random.randrange(2**16) if seed is None else seed  # noqa: S311
    print(f"seed {drawn}", flush=True)
    short, long = Wanted(seconds, seed=drawn), Wanted(_LONG_S, _LONG, drawn, _LONG_AT_ONCE, _LONG_CALM)
    wanted = replace(long if is_long else short, setup=setup)
    try:
        is_well, lines = table(wanted)
    except SkippedHere as error:
        print(f"No storm here: {error}")
        return False
    print(lines)
    return is_well
