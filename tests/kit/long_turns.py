"""What computes for long in one go: some seconds by itself, on any machine, and in three ways."""

import re

_SLOW, _TEXT = re.compile("x*x*x*y"), "x" * 600


def expression() -> None:
    """An expression that costs the fourth power of a text."""
    _SLOW.search(_TEXT)


def loop() -> None:
    """Plain steps of the interpreter."""
    for _ in range(500_000_000):
        pass


def calls() -> None:
    """Many short calls."""
    for _ in range(2_000):
        _SLOW.search(_TEXT[:100])


LONG_TURNS = (expression, loop, calls)
