"""Sentences that code records in English, as their reader reads them."""

import re
from collections.abc import Iterator
from functools import cache

from language import in_all, say, spoken

# In this order: of two that fit, the first one is meant.
_KEYS = (
    "recorded.none",
    "recorded.none-differ",
    "recorded.live-already",
    "recorded.passed",
    "recorded.failed",
    "recorded.running",
    "recorded.unknown",
    "recorded.passed-checks",
    "recorded.passed-why",
    "recorded.failed-why",
    "recorded.running-why",
    "recorded.unknown-why",
    "recorded.no-checks",
    "recorded.some-checks",
    "recorded.took-long",
    "recorded.nothing-printed",
    "recorded.healthy",
    "recorded.failing",
    "recorded.one-file",
    "recorded.files",
    "recorded.one-commit",
    "recorded.commits",
    "recorded.more",
    "recorded.rollback-one",
    "recorded.rollback",
    "recorded.no-common",
    "recorded.takes-back-one",
    "recorded.takes-back",
    "recorded.commits-at-once",
    "recorded.files-at-once",
    "recorded.one-migration",
    "recorded.migrations",
    "recorded.list-not-whole",
    "recorded.ci-failed",
    "recorded.ci-running",
    "recorded.ci-unknown",
    "recorded.live-unknown",
    "recorded.unreached",
    "recorded.files-unknown",
    "recorded.changes-unknown",
    "recorded.program-in-commit",
    "recorded.program-bound",
    "recorded.program-folder",
    "recorded.list-changes",
    "recorded.list-taken",
    "recorded.list-checks",
    "recorded.list-files",
    "recorded.list-migrations",
    "recorded.list-authors",
    "recorded.list-notes",
    "recorded.tag-message",
    "recorded.what-is-live",
    "recorded.newest-only",
    "recorded.lines-kept",
)
# Facts whose words are ours; what people, mails and programs wrote stays as it is.
_OURS = frozenset(
    {
        *("Authors", "CI", "Changes", "Files", "Files touched", "From", "Health", "Migrations", "Program", "Risks"),
        "Takes back",
    }
)
# Of these only the first line is ours.
_HEADED = frozenset({"Release notes"})
_PLACE = re.compile(r"\\{(\w+)\\}")
_NUMBERS = {"count", "number", "left", "added", "removed"}


def fact_text(label: str, text: str) -> str:
    """Return the text of a fact that was recorded under `label`, in the language that is spoken; others' words stay."""
    if label in _HEADED:
        head, end, below = text.partition("\n")
        return f"{text_of(head)}{end}{below}"
    return text_of(text) if label in _OURS else text


def text_of(text: str) -> str:
    """`text` in the language that is spoken, as far as its lines, or what stands between semicolons, are ours."""
    if spoken() == "en":
        return text
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    whole = _said(line)
    return whole if whole is not None else "; ".join(_said(part) or part for part in line.split("; "))


def _said(sentence: str) -> str | None:
    """Return the sentence in the language that is spoken; None for one that is not ours."""
    for key, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            parts = found.groupdict()
            return say(key, **{name: _said(part) or part if name == "why" else part for name, part in parts.items()})
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(_compiled())


def _compiled() -> Iterator[tuple[str, re.Pattern[str]]]:
    for key in _KEYS:
        english = re.escape(in_all(key)[0])
        yield key, re.compile(_PLACE.sub(_group, english))


def _group(place: re.Match[str]) -> str:
    name = place[1]
    return rf"(?P<{name}>[\d,.]+)" if name in _NUMBERS else rf"(?P<{name}>.+)"
