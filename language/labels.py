"""Labels of facts that are recorded in English, as their reader calls them."""

import re
from collections.abc import Iterator
from functools import cache

from language import in_all, say

_LABELS = {
    "Allows": "label.allows",
    "Asked for by": "label.asked-for-by",
    "Authors": "label.authors",
    "CI": "label.ci",
    "Changes": "label.changes",
    "Environment": "label.environment",
    "Files": "label.files",
    "Files touched": "label.files-touched",
    "From": "label.from",
    "Groups": "label.groups",
    "Health": "label.health",
    "May be anything": "label.may-be-anything",
    "Migrations": "label.migrations",
    "People": "label.people",
    "Plan": "label.plan",
    "Program": "label.program",
    "Release notes": "label.release-notes",
    "Reply": "label.reply",
    "Repository": "label.repository",
    "Resources": "label.resources",
    "Started": "label.started",
    "Subject": "label.subject",
    "Takes back": "label.takes-back",
    "To have it changed": "label.to-have-it-changed",
    "prefetch failed": "label.prefetch-failed",
    "Their subject": "label.their-subject",
    "They attached": "label.they-attached",
    "They wrote": "label.they-wrote",
    "To": "label.to",
    "Until": "label.until",
    "Uses": "label.uses",
    "Variables": "label.variables",
}

# Labels with names in them; of two that fit, the first one is meant.
_NAMED = (
    *("label.versions-for", "label.live-in", "label.last-deploy", "label.health-of", "label.meant-by"),
    *("label.with-argument", "label.of-version", "label.knowledge", "label.knowledge-cut", "label.knowledge-missing"),
)
_NAME = re.compile(r"\\{(\w+)\\}")

LOOK_UP_FAILED = ": look-up failed"
"""The end of the label of a fact that could not be found out."""


def label_of(label: str) -> str:
    """Return the label of a fact in the language that is spoken; one that nobody here recorded, as it is."""
    if label.endswith(LOOK_UP_FAILED):
        return say("label.look-up-failed", label=label_of(label.removesuffix(LOOK_UP_FAILED)))
    return say(_LABELS[label]) if label in _LABELS else next(_named(label), label)


def _named(label: str) -> Iterator[str]:
    for key, pattern in _patterns():
        if found := pattern.fullmatch(label):
            names = found.groupdict().items()
            yield say(key, **{name: label_of(part) if name == "label" else part for name, part in names})


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    english = ((key, re.escape(in_all(key)[0])) for key in _NAMED)
    return tuple((key, re.compile(_NAME.sub(r"(?P<\1>.+)", sentence))) for key, sentence in english)
