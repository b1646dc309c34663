"""The closed ways to name one of a few answers in text: an option, a yes or a no. Pure."""

import re
from collections import Counter

from agents.text import as_seen

NAME_ENDS = (": ", " — ")
"""Ends of an option's name in its label: `deploy: puts versions live` may be answered with `deploy`."""

YES = frozenset(("yes", "y", "ja", "oui", "sí", "si", "sim", "sì", "はい"))
NO = frozenset(("no", "n", "nein", "non", "nee", "não", "nao", "いいえ"))
"""The words for a plain yes, and for a plain no, in small letters."""

_MARKED = re.compile(r"(?:[-*\u2022\u00b7]|(\d+)[.)])\s+")


def yes_or_no(text: str) -> bool | None:
    """Return what `text` plainly says; None for anything but one word for it."""
    word = text.strip().rstrip(".!\u3002\uff01 ").casefold()
    return True if word in YES else False if word in NO else None


def bare(text: str) -> str:
    """`text` without the marks that stand behind a number in a list."""
    return text.strip().strip(".)").strip()


def unlisted(text: str) -> str:
    """`text` without the bullets or numbers before its lines, where all have one: mail programs make such lists.

    A number before one line alone may be an answer itself.
    """
    lines, items = [line.strip() for line in text.splitlines() if line.strip()], list[str]()
    for at, line in enumerate(lines, 1):
        found = _MARKED.match(line)
        if not found or found[1] not in ((None, str(at)) if len(lines) > 1 else (None,)):
            return text
        items.append(line[found.end() :])
    return "\n".join(items)


def pick(text: str, options: tuple[str, ...]) -> str | None:
    """The option that `text` names by its label, its number or its name, by nothing else, and as no other one.

    A line as a card has it, `1. shop`, is both.
    """
    word = bare(text)
    folded = word.casefold()
    lines = ((option, bare(option).casefold(), at) for at, option in enumerate(options, 1))
    labelled = {option for option, label, at in lines if word and folded in {label, f"{at}. {label}"}}
    named = labelled or _called(word, options)
    if word.isascii() and word.isdigit() and len(word) <= 3 and 1 <= int(word) <= len(options):
        named = {*named, options[int(word) - 1]}
    return next(iter(named)) if len(named) == 1 else None


def misread(options: tuple[str, ...]) -> int | None:
    """Return the place, from 1, of an option that its label, number or looks do not name alone, or None."""
    seen = Counter(map(as_seen, options))
    places = enumerate(options, 1)
    return next(
        (
            at
            for at, one in places
            if pick(one, options) != one or pick(str(at), options) != one or seen[as_seen(one)] > 1
        ),
        None,
    )


def _called(name: str, options: tuple[str, ...]) -> set[str]:
    """Options that begin with `name`, where the one is labelled `NAME: what it is`; more than one is no answer."""
    word = name.casefold()
    found = {option for option in options if word and _begins(option.casefold(), word)}
    return (
        found if any(option.casefold().startswith(f"{word}{end}") for option in found for end in NAME_ENDS) else set()
    )


def _begins(label: str, word: str) -> bool:
    after = label[len(word) : len(word) + 1]
    return label.startswith(word) and not after.isalnum() and after not in {"-", "_"}
