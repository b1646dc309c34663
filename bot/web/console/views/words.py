"""Sentences with markup in them, and words for what records name: states, channels, kinds of requests. Pure."""

from typing import Final

from markupsafe import Markup

from agents.requests import Decision
from channels.showing import escape_invisible
from language import say

_STATES: Final = {
    "open": "console.state-open",
    "running": "console.state-running",
    "waiting": "console.state-waiting",
    "paused": "console.state-paused",
    "unknown": "console.state-unknown",
    "done": "console.state-done",
    "failed": "console.state-failed",
    "cancelled": "console.state-cancelled",
    "approved": "console.state-approved",
    "denied": "console.state-denied",
    "answered": "console.state-answered",
    "expired": "console.state-expired",
    "withdrawn": "console.state-withdrawn",
    "revoked": "console.state-revoked",
    "superseded": "console.state-superseded",
    "stopped": "console.state-stopped",
    "ended": "console.state-ended",
    "unchanged": "console.state-unchanged",
    "interrupted": "console.state-interrupted",
    "not begun": "console.state-not-begun",
    "not done": "console.state-not-done",
    "started": "console.state-started",
    "glass": "console.state-glass",
}
_KINDS: Final = {
    "": "console.requests-everything",
    "approvals": "console.requests-approvals",
    "questions": "console.requests-questions",
}


def say_html(key: str, /, **values: object) -> Markup:
    """Return the sentence `key` as markup. The sentence and each value are escaped; a value that is Markup is not.

    Raises KeyError as `say` does.
    """
    # Each name stands for itself until the sentence is escaped.
    sentence = say(key, **{name: f"{{{name}}}" for name in values})
    return Markup("{}").format(sentence).format(**{name: visible(value) for name, value in values.items()})


def visible(value: object) -> object:
    """Escape a value of a template, so that nothing in it hides or reorders other text; our own markup stays."""
    return escape_invisible(value) if type(value) is str else value


def stands(state: str, decision: Decision | None) -> str:
    """Return `state`, or `glass` for what was approved by breaking the glass: nobody is to read it as approved."""
    return "glass" if state == "approved" and decision and decision.broke_glass else state


def state_word(state: str) -> str:
    """Return the word for the state of a run or a request; `state` itself where there is none."""
    return _worded(_STATES, state)


def kind_word(kind: str) -> str:
    """Return the word for a kind of requests in the filter of a list."""
    return _worded(_KINDS, kind)


def _worded(words: dict[str, str], name: str) -> str:
    return say(words[name]) if name in words else name
