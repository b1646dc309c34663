"""Words that stop what runs, as people type them in a hurry: `ok, stop bitte`, `oh no, cancel that`. Pure.

A text is one only as a whole: `stop the old server first, then deploy` tells what to do, and `don't stop` to go on.
"""

import re
import unicodedata

from agents.text import strip_invisible
from channels.email.reply.vocabulary import fold

MOST_CHARS = 120
"""Longest text that is nothing but a stop."""

_CALL = re.compile(r"\s*@[\w.-]+[ \t,:]*|\s*(?:wait|hold on)\s*[,.!]\s*", re.IGNORECASE)
_BEFORE = (
    "ok(?:ay)?|oh|no|nope|nein|hm+|um+|uh+|ah|ach|argh|well|actually|sorry|hey|hi|hello|hallo|sayso|wait|hold on|warte|"
    "moment|oops|ups|sofort|jetzt|please|pls|bitte|por favor|per favore|never ?mind|i(?: have|'ve)? changed my mind|"
    "on second thoughts?|doch|lieber|and|then|(?:can|could|would|will) you|i (?:want|need|have) to|"
    "(?:i would|i'd) like to|(?:kannst|konntest) du|(?:konnen|konnten) sie|ich mochte|i"
)
_STOPS = (
    "stop+|stoppen?|cancel|abort|halt|withdraw|abbrechen|abbruch|anhalten|stornieren|forget (?:it|this|that|about it)|"
    "take (?:it|this|that) back|"
    "call (?:it|this|that) off|halte[tn]?(?: sie)?|annulez?|(?<!no )cancela|"
    "brich|brechen sie|vergiss (?:es|das)|(?<=bitte )nicht|(?<=doch )nicht"
)
_AFTER = (
    "(?:the|this|that|my) (?:run|deploy(?:ment)?|release|request)|it|this|that|all|everything|"
    "(?:das|den|diesen?) (?:deployment|deploy|lauf|release|anfrage)|das|es|alles|ab|please|pls|now|"
    "here|right now|immediately|bitte|jetzt|sofort|an|"
    "danke|thanks|thank you|sorry|alsjeblieft|por favor|per favore|s'il (?:vous|te) plait|[🛑⛔✋]+"
)
_PLAIN = re.compile(rf"(?:(?:{_BEFORE}) )*+(?:{_STOPS})(?: (?:{_AFTER}|{_STOPS}))*+|[🛑⛔✋ ]+")
_BESIDE = re.compile(r"(?<!\w)'|'(?!\w)|[\s.,;:!?*_\"`\u201c\u201d\u201e()\ufe0f-]+")

# `no` is also `not` there: `não pare`, `no cancele`.
_GOES_ON = re.compile(
    r"\s*n(?:ão|ao|o|on)\s+(?:par[aeo]\w*|cancel[aeo]\w*|abort[aeo]\w*|deten\w+|ferm\w+|annull\w+)", re.IGNORECASE
)


def stops_plainly(text: str) -> bool:
    """Return whether `text` says stop, and else nothing but hesitation, courtesy and what is to be stopped."""
    if len(text) > MOST_CHARS:
        return False
    plain = fold(unicodedata.normalize("NFKC", strip_invisible(called(text))))
    return _PLAIN.fullmatch(" ".join(_BESIDE.sub(" ", plain).split())) is not None


def goes_on(text: str) -> bool:
    """Return whether `text` says not to stop, in words of which the first alone would be a no."""
    return _GOES_ON.match(text) is not None


def called(text: str) -> str:
    """`text` without the names and words that only call somebody."""
    bare, before = text, ""
    while bare != before:
        bare, before = _CALL.sub("", bare, count=1) if _CALL.match(bare) else bare, bare
    return bare
