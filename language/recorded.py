"""Sentences that code records in English, as their reader reads them: known again by the English catalogs.

What is recorded is English for everybody: programs and models read it, too. Some code has the English words itself, as
it reads mails or looks things up in a hurry and loads no catalogs; a test holds its words and the catalogs together.
Nothing is known again of what people, mails and programs wrote: that stays as it is.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from language import in_all, say, speaking, spoken
from language.catalogs import keys_of
from language.labels import LOOK_UP_FAILED

FILES: Final = ("recorded", "reason", "trouble", "file")
"""The catalogs whose sentences are all known again. Of two that fit, the one that stands first is meant."""

_NUMBERS = {"count", "number", "left", "added", "removed", "size", "seconds", "code", "status", "limit"}
# Of what is filled in, these are sentences of ours as well.
_SENTENCES = {"why", "place", "fix"}
# And this may end with one.
_ITEMS = "items"
# Whoever has an API is named by one of these: others write that something answered 404, too.
_APIS = "GitHub|GitLab|Argo CD"
# Of these only the first line is ours.
_HEADED = frozenset({"Release notes"})
_PLACE = re.compile(r"\\{(\w+)\\}")
# Some sentences have a joint in them: so many parts are looked at together, and sentences within sentences so deep.
_TOGETHER, _DEEP = 4, 3
# More than so many in a line are not ours, and looking for each would take long.
_MOST_PARTS = 40


class _Known(NamedTuple):
    """Whole catalogs and single keys, and a pattern of what stands between two of their sentences.

    `is_list`: a line holds several, and so may what is filled in; else it is one where it can be.
    """

    files: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    joint: str = "; "
    is_list: bool = False


_FACTS = _Known(("recorded",))
# Facts whose words are ours.
_OURS = {"CI", "Changes", "Files", "Files touched", "From", "Health", "Migrations", "Program", "Takes back"}
# Others may end or begin a line with such words as well, so they are known only where nothing else stands.
_ONLY_THERE = {
    "Authors": ("deploy.and-more-authors",),
    "Resources": (
        *("deploy.resources-added", "deploy.resources-changed", "deploy.resources-left-over"),
        *("deploy.resources-removed", "deploy.resources-more"),
    ),
    "Variables": ("deploy.variables-machine", "deploy.variables-files", "deploy.variables-settings"),
}
_RISKS = _FACTS._replace(keys=("deploy.risk-changed", "deploy.risk-link"))
# A program wrote the others.
_PLAN = _Known(keys=("recorded.nothing-printed",))
_STRANGERS = ("unlisted", "unknown", "deactivated", "bot", "guest", "elsewhere")
_REASONS = _Known(("reason",), tuple(f"slack.who-{why}" for why in _STRANGERS), is_list=True)
_REFUSALS = (
    *("run.limit-of-trigger", "run.limit-of-trigger-do", "run.text-too-long", "run.text-too-long-do"),
    *("run.text-empty", "run.text-empty-do", "run.there-are", "error.half-taken", "error.half-taken-do"),
    *("right.has-left", "right.has-left-do"),
)
# An error is what happened and, after a full stop, what to do; of several channels there are several.
_TROUBLES = _Known(("trouble",), _REFUSALS, r"; |\. ", is_list=True)
_NOTES = _Known(("file", "trouble"), ("card.left-out",))
_ENDS = _Known(
    keys=(
        *("run.stopped-unknown", "run.begun-elsewhere", "run.confirmed"),
        *("run.not-approved", "run.stopped-late", "run.not-the-same", "run.too-old", "run.breaker-left"),
        "run.voter-left",
    )
)
_STARTS = _Known(keys=("run.can-not-start", "run.no-folder", "run.no-clean-copy"))
_RESULTS = _Known(keys=("deploy.output-deployed", "deploy.output-before"))
_ANSWERS = _Known(keys=("card.only-files",))
_ARTIFACTS = _Known(
    keys=(
        *("card.artifact-live", "card.artifact-mail", "card.artifact-sha256", "card.artifact-answers"),
        *("card.artifact-variables", "card.artifact-plan"),
    )
)


def recorded(key: str, /, **values: object) -> str:
    """Return the sentence `key` in English, as it is recorded. Raises KeyError as `say` does."""
    with speaking("en"):
        return say(key, **values)


def fact_text(label: str, text: str) -> str:
    """Return the text of a fact that was recorded under `label`, in the language that is spoken; others' words stay."""
    if label in _HEADED:
        head, end, below = text.partition("\n")
        return f"{text_of(head)}{end}{below}"
    if label in _ONLY_THERE:
        return _told(text, _FACTS._replace(keys=_ONLY_THERE[label]))
    if label == "Plan":
        return _told(text, _PLAN)
    return text_of(text) if label in _OURS or label.endswith(LOOK_UP_FAILED) else text


def risk_text(words: str) -> str:
    """Return the words of a risk in the language that is spoken; others' words stay."""
    return _told(words, _RISKS)


def text_of(text: str) -> str:
    """`text`, which a look recorded, in the language that is spoken as far as its lines, or parts of them, are ours."""
    return _told(text, _FACTS)


def reason_of(text: str) -> str:
    """Why a message was not accepted, in the language that is spoken."""
    return _told(text, _REASONS)


def trouble_of(text: str) -> str:
    """What a channel, or a model, could not do and why, in the language that is spoken; others' words stay."""
    return _told(text, _TROUBLES)


def note_of(text: str) -> str:
    """What is to be known of an attached file, in the language that is spoken."""
    return _told(text, _NOTES)


def ending_of(text: str) -> str:
    """How a step ended, in the language that is spoken where the fold of the events words it."""
    return _told(text, _ENDS)


def start_of(text: str) -> str:
    """What a command printed, in the language that is spoken where it could not be started and that stands there."""
    return _told(text, _STARTS)


def result_of(text: str) -> str:
    """What a tool gave, in the language that is spoken as far as it is a deploy's first two lines."""
    first, rest = text.split("\n")[:2], text.split("\n")[2:]
    return "\n".join([*(_told(line, _RESULTS) for line in first), *rest])


def answer_of(text: str) -> str:
    """What somebody wrote; in the language that is spoken where they sent nothing but files."""
    return _told(text, _ANSWERS)


def artifact_of(name: str) -> str:
    """The name of something that an approval is bound to, in the language that is spoken."""
    return _told(name, _ARTIFACTS)


def _told(text: str, known: _Known) -> str:
    if spoken() == "en":
        return text
    return "\n".join(_line(line, known) for line in text.split("\n"))


def _line(line: str, known: _Known, depth: int = 0) -> str:
    whole = None if known.is_list else _said(line, known, depth)
    if whole is not None:
        return whole
    parts = re.split(f"({known.joint})", line)
    return "".join(_parts(parts, known, depth)) if len(parts) <= _MOST_PARTS else line


def _parts(parts: list[str], known: _Known, depth: int) -> Iterator[str]:
    """Each sentence and each joint of `parts`: as many together as make one; what is none stays as it is."""
    at = 0
    while at < len(parts):
        ends = range(min(len(parts), at + 2 * _TOGETHER - 1), at, -2)
        found = ((end, _said("".join(parts[at:end]), known, depth)) for end in ends)
        at, said = next(((end, said) for end, said in found if said is not None), (at + 1, parts[at]))
        yield said
        yield "".join(parts[at : at + 1])
        at += 1


def _said(sentence: str, known: _Known, depth: int) -> str | None:
    """Return the sentence in the language that is spoken; None for one that is not ours."""
    for key, pattern in _patterns(known):
        if found := pattern.fullmatch(sentence):
            filled = {name: _filled(name, part, known, depth) for name, part in found.groupdict().items()}
            return say(key, **filled)
    return None


def _filled(name: str, part: str, known: _Known, depth: int) -> str:
    if name not in {*_SENTENCES, _ITEMS} or depth == _DEEP:
        return part
    return _line(part, known, depth + 1) if known.is_list else _said(part, known, depth + 1) or part


@cache
def _patterns(known: _Known) -> tuple[tuple[str, re.Pattern[str]], ...]:
    keys = (*(key for file in known.files for key in keys_of(file)), *known.keys)
    return tuple((key, re.compile(_pattern(in_all(key)[0], known.joint))) for key in keys)


def _pattern(english: str, joint: str) -> str:
    def group(place: re.Match[str]) -> str:
        name = place[1]
        if name in _NUMBERS:
            return rf"(?P<{name}>-?[\d,.]+)"
        if name == "api":
            return f"(?P<api>{_APIS})"
        # A joint within is more likely one between two sentences.
        return rf"(?P<{name}>.+)" if name in _SENTENCES else rf"(?P<{name}>(?:(?!{joint}).)+)"

    return _PLACE.sub(group, re.escape(english))
