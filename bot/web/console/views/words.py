"""Sentences with markup in them, and words for kinds of requests. Pure."""

from typing import Final

from markupsafe import Markup

from channels.showing import escape_invisible
from language import say

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


def kind_word(kind: str) -> str:
    """Return the word for a kind of requests in the filter of a list."""
    return say(_KINDS[kind]) if kind in _KINDS else kind
