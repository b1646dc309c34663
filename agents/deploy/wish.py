"""What a plain sentence wishes: "please deploy v1.2.0 to production", "roll staging back to v1.1.0". Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass

_POLITE = r"(?:please|kindly|(?:can|could|would|will) you(?: please)?|i(?:'d| would) like (?:you )?to|let's),?\s+"
_WORD = r"[^\s,;:!?()<>]+?"
_END = r"(?:,?\s+(?:please|now|thanks|thank you))*\s*[.!?]*(?:\s+(?:thanks|thank you|cheers)\b.{0,40})?"
# Anything more than this is left to people, or to a model: "don't deploy" must not deploy.
_SENTENCES = (
    re.compile(
        rf"(?:{_POLITE})?(?:deploy|release|ship|promote)(?:\s+version)?(?:\s+(?P<version>{_WORD}))?"
        rf"(?:\s+(?:to|on|in|into)\s+(?:the\s+)?(?P<environment>{_WORD}))?{_END}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?:{_POLITE})?(?:roll\s*back|revert|roll)(?:\s+(?:the\s+)?(?P<environment>{_WORD}))?(?:\s+back)?"
        rf"(?:\s+to\s+(?:version\s+)?(?P<version>{_WORD}))?{_END}",
        re.IGNORECASE,
    ),
)
_GREETING = re.compile(r"(?:hi|hello|hey|dear)\b[^,.!?\n]{0,40}[,!.]?", re.IGNORECASE)
_MENTION = re.compile(r"\A\s*(?:<@\w+>|@?sayso\b)[,:]?\s*", re.IGNORECASE)
# What is longer is not plain.
_SENTENCE_CHARS = 300
_QUOTES = str.maketrans("", "", '`*"\u201c\u201d')


@dataclass(frozen=True, slots=True)
class Wish:
    """What was named, word for word; None for what was not."""

    version: str | None = None
    environment: str | None = None


def wish_of(text: str, environments: Collection[str]) -> Wish:
    """The wish in the first sentence of `text`, if it is one of a few plain ones; only exact environments count."""
    sentence = _first_sentence(text)
    for pattern in _SENTENCES:
        if found := pattern.fullmatch(sentence):
            version, environment = found["version"], found["environment"]
            if environment is None and version in environments:
                version, environment = None, version
            return Wish(version, environment if environment in environments else None)
    return Wish()


def word_of(text: str) -> str | None:
    """The one word that `text` is; None when it is more or less than that."""
    words = text.translate(_QUOTES).strip().rstrip(".!").split()
    return words[0] if len(words) == 1 else None


def _first_sentence(text: str) -> str:
    """The first line that says something: without greeting, address and quotation marks."""
    lines = (_MENTION.sub("", line).translate(_QUOTES).strip() for line in text.splitlines())
    return next((line for line in lines if line and not _GREETING.fullmatch(line)), "")[:_SENTENCE_CHARS]
