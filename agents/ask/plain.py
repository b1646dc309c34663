"""A plain order to ask: `ask group:release: which day suits? | Mon, Tue, Wed | until Thursday 12:00`. Pure."""

import re
from dataclasses import dataclass

from agents.text import visible


def how_to_ask(whom: str) -> str:
    """An order to ask `whom`, as it may be typed."""
    return f"ask {whom}: which day suits? | Mon, Tue, Wed | until Thursday 12:00"


HOW_TO_ASK = how_to_ask("group:release")
_REF = r"(?:person|group):[A-Za-z0-9][A-Za-z0-9._-]*"
_ASK = re.compile(
    rf"(?:please\s+)?ask\s+(?P<people>{_REF}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+){_REF})*)\s*:\s*(?P<rest>.+)",
    re.IGNORECASE,
)
_REFS = re.compile(_REF, re.IGNORECASE)
_UNTIL = re.compile(r"(?:until|till|by|before|in|within)\b", re.IGNORECASE)
_TEXT_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What was ordered, word for word; `until` is empty where it was not said."""

    people: tuple[str, ...]
    question: str
    options: tuple[str, ...] = ()
    until: str = ""


def plain_ask(text: str) -> Asked | None:
    """The order in `text`: its one line, or the one below a heading; None for anything else."""
    lines = [line.strip() for line in visible(text[: _TEXT_CHARS + 1]).splitlines() if line.strip()]
    found = _ASK.fullmatch(lines[-1]) if len(text) <= _TEXT_CHARS and len(lines) in {1, 2} else None
    if found is None or (len(lines) == 2 and _ASK.fullmatch(lines[0]) and lines[0] != lines[1]):
        return None
    question, *more = (part.strip() for part in found["rest"].split("|"))
    until = more.pop() if more and _UNTIL.match(more[-1]) else ""
    if "," in until and not more:  # "by bus, by car" or "until Thursday, 12:00": options, or a deadline
        return None
    options = [option.strip() for option in more[0].split(",")] if more else []
    if not question or len(more) > 1 or (more and (len(options) < 2 or not all(options))):
        return None
    return Asked(refs_of(found["people"]), question, tuple(dict.fromkeys(options)), until)


def refs_of(text: str) -> tuple[str, ...]:
    """The `person:…` and `group:…` in `text`, each once."""
    return tuple(dict.fromkeys(_REFS.findall(text)))
