"""Our own lines, by which a card of ours is known in an answer that repeats it: in every language, whatever its reader
speaks by now, and as the release before wrote them.
"""

import re
import unicodedata
from functools import cache

from channels.email.reply import vocabulary
from channels.email.reply.lines import BLANK, LINE_CHARS
from language import in_all

_FORMER = ("Answers count until",)
"""Began what is `mail.expires` now, in English."""

# Down to the minute: somebody's own line may begin with the same word.
_MOMENT = r"\s.{3,40}?\b\d{4}, \d\d:\d\d\b"
_INSTRUCTIONS = ("reply ", "reply:", "to approve", "to refuse", "to answer", "to choose")


def ends_card(line: str) -> bool:
    """Return whether `line` is one of the last of a card; above it, in a quote without `>`, are our own words."""
    return _ends().match(unicodedata.normalize("NFC", line[:LINE_CHARS].strip(BLANK))) is not None


def instructs(line: str) -> bool:
    """Return whether the folded `line` says how a card is answered."""
    return line.startswith(_sentences())


def code_labels() -> tuple[str, ...]:
    """Return what begins the line of the body that brings a token back where no address can."""
    return in_all("mail.answer-code")


def prepare() -> None:
    """Load what tells these lines; else the first mail that needs it does."""
    _ends()
    _sentences()
    code_labels()


@cache
def _ends() -> re.Pattern[str]:
    until = [_spaced(each.partition("{moment}")[0]) + _MOMENT for each in in_all("mail.expires")]
    return re.compile("|".join((*until, *map(_spaced, (*_FORMER, *in_all("mail.reference"))))))


def _spaced(words: str) -> str:
    """A pattern for `words`, whichever spaces stand between them by now."""
    return r"\s".join(map(re.escape, words.split()))


@cache
def _sentences() -> tuple[str, ...]:
    said = (
        *in_all("mail.how-to-approve"),
        *in_all("mail.how-to-deny"),
        *in_all("mail.how-to-say-yes-or-no"),
        *in_all("mail.how-to-choose"),
        *in_all("mail.how-to-choose-several"),
        *in_all("mail.how-to-fill-in"),
        *in_all("mail.how-to-answer"),
    )
    return (*_INSTRUCTIONS, *(vocabulary.fold(each).lower() for each in said))
