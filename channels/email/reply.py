"""What a reply by mail says, read from its whole new text with a closed vocabulary. English for now.

`approve` means that every word of the text belongs to consent, politeness or the person's own name. One word more
("yes, but", "approve?", "ok let me check") and it is free text. A refusal may go on: the rest is its reason.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from channels.email import english
from channels.email.newtext import NEW_TEXT_CHARS, new_text

DECISION_CHARS = 2000
"""Longest text that can be a decision; a reason for a refusal fits, a discussion does not."""

SEGMENT_CHARS = 100
"""Longest piece between two punctuation marks that can be consent; it bounds the time of the patterns."""

DECISION_LINE_CHARS = 200
"""Longest line that can be consent, or a decision by itself."""

PHRASE_WORDS = 12
"""Most words of one phrase inside a longer piece; the vocabulary's longest has seven, greetings add names."""

_SPLIT = re.compile(r"[.!,;:\n]+|\s[-\u2013\u2014]+\s")
_PICTURES = re.compile(r"(👍|✅|👌|✔|☑)[\U0001f3fb-\U0001f3ff\ufe0f]*")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ\u2019", "abcdefghijklmnopqrstuvwxyz'")
_CONSENT = "|".join(english.APPROVE)
_LEAD = rf"(?:{english.ANSWER}|{'|'.join(english.POLITE)}|(?:i'm )?sorry)".replace("|NAMES", "")
_ONE = rf"(?:{'|'.join((*english.FIRM, english.SOFT))})(?![\w'])"
# Possessive, so that a long run of blank lines is tried once and not in every division.
_STOP = r"(?=[ \t]*[,.!\n])[\s,.!]++"
# Atomic, because `best regards` is also `best` and `regards`: what was taken once is not divided again.
_REFUSAL = re.compile(rf"(?>{_LEAD}[\s,.!:]+(?:but )?)*+(?P<words>{_ONE}(?:{_STOP}{_ONE})*)")
_REASON = re.compile(
    r"(?!\s*(?:\.\.|…))"
    r"(?:(?=[ \t]*[,.!:;\n])[\s,.!:;]++|\s+[-\u2013\u2014]+\s+|\s+(?=because|since|as )"
    r"|(?<=[👎❌🚫⛔\U0001f3fb-\U0001f3ff\ufe0f])\s+|\Z)"
    r"(?P<reason>.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Said:
    """What a reply says. `text` is the new text without greeting and sign-off; `reason` the rest of a denial."""

    said: Literal["approve", "deny", "free_text", "empty"]
    text: str
    reason: str = ""


def read_reply(body: str, author: str = "") -> Said:
    """What `body`, the whole text of a reply, says. `author` is its writer's name, which may stand below it.

    Pure, and linear in the length of `body`.
    """
    text = new_text(body)
    if not text:
        return Said("empty", "")
    if len(text) > NEW_TEXT_CHARS:
        return Said("free_text", text)
    manners = _manners(author)
    text = _without_manners(text, manners)
    if len(text) > DECISION_CHARS:
        return Said("free_text", text)
    if _is_consent(text, manners):
        return Said("approve", text)
    reason = _refusal(text, manners)
    return Said("free_text", text) if reason is None else Said("deny", text, reason)


def is_decision(line: str) -> bool:
    """Whether `line` alone would be read as an approval, or as a denial of at most `DECISION_LINE_CHARS`."""
    return len(line) <= DECISION_LINE_CHARS and read_reply(line).said in ("approve", "deny")


@lru_cache(maxsize=1024)
def _manners(author: str) -> re.Pattern[str]:
    """What may stand around a decision without being part of it, as a whole piece or line."""
    names = (word.strip(".,") for word in author.translate(_LOWER).split())
    safe = [re.escape(name) for name in names if name and not re.search(english.NO_NAME, name)]
    own = "|".join(dict.fromkeys(name for name in safe if not re.fullmatch(_CONSENT, name))) or "(?!)"
    named = rf"(?:(?:{own})(?: |\Z))++"
    return re.compile("|".join((*english.POLITE, english.ANSWER, named)).replace("NAMES", own))


def _plain(text: str) -> str:
    """`text` in lower-case ASCII letters; other letters, such as a look-alike, stay as they are and match nothing."""
    return _PICTURES.sub(r" \1 ", text.replace(":+1:", "👍").translate(_LOWER)).replace("*", "")


def _pieces(text: str) -> list[str]:
    return [piece for part in _SPLIT.split(_plain(text)) if (piece := " ".join(part.split()).strip("-\u2013\u2014 "))]


def _without_manners(text: str, manners: re.Pattern[str]) -> str:
    """`text` without greeting lines above and thanks and names below; all of it when nothing else is there."""
    lines = text.split("\n")
    while lines and _is_mannered(lines[-1], manners):
        lines.pop()
    lines.reverse()
    while lines and _is_mannered(lines[-1], manners):
        lines.pop()
    return "\n".join(reversed(lines)) or text


def _is_mannered(line: str, manners: re.Pattern[str]) -> bool:
    return len(line) <= SEGMENT_CHARS and all(manners.fullmatch(piece) for piece in _pieces(line))


def _is_consent(text: str, manners: re.Pattern[str]) -> bool:
    """Whether every word of `text` agrees or is polite, and at least one agrees."""
    pieces = _pieces(text)
    if ".." in text or "…" in text or any(len(piece) > SEGMENT_CHARS for piece in pieces):
        return False
    if any(len(line) > DECISION_LINE_CHARS for line in text.split("\n")):
        return False
    phrase = re.compile(rf"{_CONSENT}|{manners.pattern}")
    decides = [piece for piece in pieces if not manners.fullmatch(piece)]
    return bool(decides) and all(_is_made_of(phrase, piece) for piece in decides)


def _is_made_of(phrase: re.Pattern[str], piece: str) -> bool:
    """Whether `piece` is one `phrase` after the other. Word by word: one pattern for it would try every division."""
    words, ends = piece.split(), [0]
    for end in range(1, len(words) + 1):
        starts = (start for start in reversed(ends) if end - start <= PHRASE_WORDS)
        if any(phrase.fullmatch(" ".join(words[start:end])) for start in starts):
            ends.append(end)
    return ends[-1] == len(words)


def _refusal(text: str, manners: re.Pattern[str]) -> str | None:
    """The reason of a refusal, which may be empty; None when `text` is not clearly one."""
    plain = text.translate(_LOWER).replace("*", " ")
    start = _REFUSAL.match(plain)
    if start is None:
        return None
    rest = _REASON.fullmatch(plain, start.end())
    if rest is None:
        return None
    firm = re.search("|".join(english.FIRM), start["words"]) is not None
    return _clear(text[rest.start("reason") :].strip(), manners, firm=firm)


def _clear(reason: str, manners: re.Pattern[str], *, firm: bool) -> str | None:
    """`reason`, unless it takes the refusal back or turns it into a question."""
    plain, pieces = reason.translate(_LOWER), _pieces(reason)
    if all(manners.fullmatch(piece) for piece in pieces):
        return ""
    if any(re.fullmatch(_CONSENT, piece) for piece in pieces) or re.search(r"\bunless\b", plain):
        return None
    if not firm and ("?" in plain or re.search(english.DOUBT, plain)):
        return None
    return re.sub(r"^(?:the )?reason(?: is)?:?\s+", "", reason, flags=re.IGNORECASE)
