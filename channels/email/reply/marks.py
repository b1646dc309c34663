"""Our own lines, by which a card of ours is known in an answer that repeats it: in every language, whatever its reader
speaks by now.
"""

import re
import unicodedata
from functools import cache

from channels.email.reply import vocabulary
from channels.email.reply.lines import BLANK, LINE_CHARS
from language import dates, in_all

_ZONE = r"(?:[A-Z]{3,5}|[+-]\d{2,4})"
_SPAN = r"\d{1,5}\s[^\W\d_]{1,7}\.?(?:\s\d{1,2}\s[^\W\d_]{1,7}\.?)?"
_REF = r"\s(?=\D{0,40}\d)[\w.:-]{1,80}"
"""One word with a number in it, as every id of ours has."""

MOST_LINES = 3
"""Most lines that a mail program makes of one of our sentences."""


def ends_card(line: str, below: str = "") -> bool:
    """Return whether `line` is one of the last of a card; above it, in a quote without `>`, are our own words.

    All of it must be ours: what somebody adds may take back what they say. A mail program may have moved the end of it
    to the line `below`.
    """
    first = _plain(line)
    if not first.startswith(_beginnings()):
        return False
    return any(_ends().fullmatch(each) for each in (first, f"{first} {_plain(below)}"))


def instructs(*lines: str) -> int:
    """Return how many of the folded `lines`, from the first on, are one sentence that says how a card is answered."""
    said = ""
    for count, line in enumerate(lines[:MOST_LINES], 1):
        said = f"{said} {line}".strip()
        if " ".join(said.split()) in _sentences():
            return count
    return 0


def code_labels() -> tuple[str, ...]:
    """Return what begins the line of the body that brings a token back where no address can."""
    return in_all("mail.answer-code")


def prepare() -> None:
    """Load what tells these lines; else the first mail that needs it does."""
    _beginnings()
    _ends()
    _sentences()
    code_labels()


def _plain(line: str) -> str:
    return unicodedata.normalize("NFC", line[:LINE_CHARS].strip(BLANK))


@cache
def _beginnings() -> tuple[str, ...]:
    """The first word of each line that ends a card: hardly any other line begins so."""
    return tuple(each.split()[0] for each in (*in_all("mail.expires"), *in_all("mail.reference")))


@cache
def _ends() -> re.Pattern[str]:
    until = [*zip(in_all("mail.expires"), dates.shapes("mail.moment"), strict=True)]
    whole = [_filled(sentence, moment) for sentence, moment in until]
    # Where a line is broken right behind the moment, no word of anybody's is on it.
    broken = [_spaced(sentence.partition("{moment}")[0]) + rf"\s{moment}" for sentence, moment in until]
    return re.compile("|".join((*whole, *broken, *(_spaced(each) + _REF for each in in_all("mail.reference")))))


def _filled(sentence: str, moment: str) -> str:
    return _spaced(sentence).replace(r"\{moment\}", rf"{moment}\s{_ZONE}").replace(r"\{span\}", _SPAN)


def _spaced(words: str) -> str:
    """A pattern for `words`, whichever spaces stand between them by now."""
    return r"\s".join(map(re.escape, words.split()))


@cache
def _sentences() -> frozenset[str]:
    said = (
        *in_all("mail.how-to-approve"),
        *in_all("mail.how-to-deny"),
        *in_all("mail.how-to-ask"),
        *in_all("mail.how-to-say-yes-or-no"),
        *in_all("mail.how-to-choose"),
        *in_all("mail.how-to-choose-several"),
        *in_all("mail.how-to-fill-in"),
        *in_all("mail.how-to-answer"),
    )
    return frozenset(" ".join(vocabulary.fold(each).lower().split()) for each in said)
