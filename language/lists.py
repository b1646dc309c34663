"""Lists of names as each language writes them."""

from collections.abc import Sequence

from language import say


def both(names: Sequence[str]) -> str:
    """`Bo Berg, Cy Cole and Dan Dorn`; empty for nobody."""
    return _joined(names, "words.and")


def either(names: Sequence[str]) -> str:
    """`Bo Berg, Cy Cole or Dan Dorn`; empty for nobody."""
    return _joined(names, "words.or")


def _joined(names: Sequence[str], key: str) -> str:
    if len(names) < 2:
        return "".join(names)
    return say(key, most=", ".join(names[:-1]), last=names[-1])
