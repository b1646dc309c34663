"""Resolve a name that is not written as it is configured or tagged, where it stands for one thing. Pure."""

import re
from collections.abc import Collection, Iterable, Sequence

LATEST = "latest"
# Fewer letters begin too many words.
_LEAST_CHARS = 3
_WORDS = re.compile(r"[^\s,;:!?()<>\"“”'`*|]+")
# Numbers alone: what has more to it (`v2.0.0-rc.1`) is no release yet, or nothing that we could put in order.
_RELEASE = re.compile(r"(?P<v>v?)(?P<numbers>[0-9]+(?:\.[0-9]+){0,3})")
# One number alone may count anything.
_NUMBERED = re.compile(r"(?:v[0-9]{1,9}|v?[0-9]{1,9}(?:\.[0-9]{1,9}){1,3})(?:-[0-9A-Za-z.]{1,20})?", re.ASCII)


def environment_called(word: str, environments: Collection[str]) -> str | None:
    """The one environment that `word` names: exactly, else by its first three letters or more, in any case."""
    if word in environments:
        return word
    short = word.casefold()
    found = [name for name in environments if name.casefold().startswith(short)]
    return found[0] if len(short) >= _LEAST_CHARS and len(found) == 1 else None


def named_in(text: str, names: Sequence[str]) -> str | None:
    """The one of `names` that stands in `text` as a word, in any case; None for none or several."""
    words = {word.rstrip(".").casefold() for word in _WORDS.findall(text)}
    found = [name for name in dict.fromkeys(names) if name.casefold() in words]
    return found[0] if len(found) == 1 else None


def version_in(text: str) -> str | None:
    """The one word of `text` that is written like a release, such as `v1.2.0`; None for none or several."""
    found = {word for word in (word.rstrip(".") for word in _WORDS.findall(text)) if _NUMBERED.fullmatch(word)}
    return found.pop() if len(found) == 1 else None


def is_latest(word: str) -> bool:
    """Return whether `word` asks for the highest version, whatever that is."""
    return word.casefold() == LATEST


def highest(tags: Iterable[str]) -> str | None:
    """The highest release among `tags`, by the order of versions; None where there is none, or where it is not one.

    With and without `v` in front are two ways of counting, and nobody knows which one goes on.
    """
    found = [(match["v"], _order(match["numbers"]), tag) for tag in tags if (match := _RELEASE.fullmatch(tag))]
    if len({v for v, _, _ in found}) != 1:
        return None
    top = max(order for _, order, _ in found)
    named = [tag for _, order, tag in found if order == top]
    return named[0] if len(named) == 1 else None


def _order(numbers: str) -> tuple[int, ...]:
    """`1.2` and `1.2.0` are the same version."""
    return tuple(map(int, re.sub(r"(?:\.0+)+\Z", "", numbers).split(".")))
