"""Word the result of a survey: counts, each one's own words, and who said nothing. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from agents.ask.directory import Directory, name_of
from agents.text import quote
from language import say
from language.dates import date

_QUESTION_CHARS, _ANSWER_CHARS = 300, 500


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer of one person, None for nothing; `is_reached`: a card of the question got to them.

    `is_withdrawn`: it was taken back before they gave any.
    """

    person: str
    answer: str | None
    is_reached: bool
    is_withdrawn: bool = False


def report(
    question: str, options: Sequence[str], heard: Sequence[Heard], deadline: datetime, zone: str, directory: Directory
) -> str:
    """Lines for the requester. Everything that somebody else wrote stands in quotation marks."""
    answered = [one for one in heard if one.answer is not None]
    until = f"{date(deadline.astimezone(ZoneInfo(zone)), 'ask.day')} ({zone})"
    asked = quote(question, _QUESTION_CHARS)
    lines = [say("ask.answered", answered=len(answered), asked=len(heard), question=asked, until=until)]
    picked = Counter(line for one in answered for line in (one.answer or "").splitlines())
    lines += [f"{quote(option, _ANSWER_CHARS)}: {picked[option]}" for option in options]
    lines += [f"{name_of(directory, one.person)}: {quote(one.answer or '', _ANSWER_CHARS)}" for one in answered]
    silent = [one for one in heard if one.answer is None and not one.is_withdrawn]
    lines += _listed(say("ask.silent"), [one.person for one in silent if one.is_reached], directory)
    lines += _listed(say("ask.unreached"), [one.person for one in silent if not one.is_reached], directory)
    taken_back = [one.person for one in heard if one.answer is None and one.is_withdrawn]
    lines += _listed(say("ask.withdrawn"), taken_back, directory)
    return "\n".join(lines)


def _listed(label: str, people: Sequence[str], directory: Directory) -> list[str]:
    return [f"{label}: {', '.join(name_of(directory, person) for person in people)}."] if people else []
