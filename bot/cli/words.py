"""What somebody typed as an answer in a terminal: a vote, a denial with its reason, or words. Pure."""

import re
from dataclasses import dataclass
from typing import Literal

# A denial stops, so what follows it after a mark is its reason, as in a mail. "deny nothing" is not plainly one.
_DENIAL = re.compile(r"\s*deny\s*(?:[,:;.!\n]|\s[-\u2013\u2014]+\s|\Z)\s*(?P<reason>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Typed:
    """An answer as it goes on; `reason` belongs to a vote."""

    said: Literal["approve", "deny", "free_text"]
    text: str
    reason: str = ""


def typed(asked: str, text: str, reason: str) -> Typed:
    """`text` as an answer to a request of the format `asked`; nothing but the word itself approves."""
    if asked != "approval":
        return Typed("free_text", text)
    if text == "approve":
        return Typed("approve", text, reason)
    denial = _DENIAL.fullmatch(text)
    if denial is None:
        return Typed("free_text", text)
    return Typed("deny", "deny", "\n".join(filter(None, (denial["reason"].strip(), reason))))


def as_a_vote(request_id: str, speaker: str) -> str:
    """How to deny in place of words that decided nothing; `speaker` is how the command says who speaks."""
    return f"To deny: ./sayso answer {request_id} deny --reason '…'{speaker}"


def as_a_note(request_id: str, speaker: str) -> str:
    """How to say whether words beside an approval are a note or a comment; `speaker` is as in `as_a_vote`."""
    return (
        f"To approve with this note: ./sayso answer {request_id} approve --reason '…' --with-note{speaker}\n"
        f"To comment: ./sayso answer {request_id} '…'{speaker}"
    )
