"""Our own lines, by which a mail of ours is known in an answer that repeats it: in every language, whatever its reader
speaks by now.
"""

import re
import unicodedata
from functools import cache

from channels.email.reply.lines import BLANK, LINE_CHARS
from language import in_all

_REF = r"\s(?=\D{0,40}\d)[\w.:-]{1,80}"
"""One word with a number in it, as every id of ours has."""


def ends_mail(line: str) -> bool:
    """Return whether `line` is the last one of a mail of ours; above it, in a quote without `>`, are our own words.

    All of it must be ours: what somebody adds may take back what they say.
    """
    return _ends().fullmatch(unicodedata.normalize("NFC", line[:LINE_CHARS].strip(BLANK))) is not None


def code_labels() -> tuple[str, ...]:
    """Return what begins the line of the body that brings a token back where no address can."""
    return in_all("mail.answer-code")


def prepare() -> None:
    """Load what tells these lines; else the first mail that needs it does."""
    _ends()
    code_labels()


@cache
def _ends() -> re.Pattern[str]:
    return re.compile("|".join(rf"{re.escape(each)}{_REF}".replace(r"\ ", r"\s") for each in in_all("mail.reference")))
