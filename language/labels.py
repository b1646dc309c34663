"""Labels of facts that are recorded in English, as their reader calls them."""

from language import say

_LABELS = {
    "Authors": "label.authors",
    "CI": "label.ci",
    "Changes": "label.changes",
    "Files": "label.files",
    "Files touched": "label.files-touched",
    "From": "label.from",
    "Groups": "label.groups",
    "Health": "label.health",
    "Migrations": "label.migrations",
    "People": "label.people",
    "Plan": "label.plan",
    "Program": "label.program",
    "Release notes": "label.release-notes",
    "Reply": "label.reply",
    "Repository": "label.repository",
    "Resources": "label.resources",
    "Risks": "label.risks",
    "Started": "label.started",
    "Subject": "label.subject",
    "Takes back": "label.takes-back",
    "To have it changed": "label.to-have-it-changed",
    "prefetch failed": "label.prefetch-failed",
    "Their subject": "label.their-subject",
    "They attached": "label.they-attached",
    "They wrote": "label.they-wrote",
    "To": "label.to",
    "Variables": "label.variables",
}

# To the end of the label of a fact that could not be found out.
_FAILED = ": look-up failed"


def label_of(label: str) -> str:
    """Return the label of a fact in the language that is spoken; one that nobody here recorded, as it is."""
    if label.endswith(_FAILED):
        what = label.removesuffix(_FAILED)
        return say("label.look-up-failed", label=say(_LABELS[what]) if what in _LABELS else what)
    return say(_LABELS[label]) if label in _LABELS else label
