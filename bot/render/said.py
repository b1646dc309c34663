"""Words that people said beside a request, whatever they are: one type, and one line for each in every medium. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from agents.requests import PersonId, Remark, Vote
from agents.requests.record import COMMENTS, Comment
from agents.text import quote
from bot.people.directory import People
from channels import Line
from language import say
from language.recorded import answer_of

Kind = Literal["remark", "note", "glass", "reason", "comment", "question", "answer"]
_BY: Final[dict[Kind, str]] = {
    "remark": "card.remark-by",
    "note": "card.note-by",
    "glass": "card.glass-by",
    "reason": "standing.reason",
    "comment": "card.comment-by",
    "question": "card.question-by",
    "answer": "card.answer-by",
}
_CHARS = 500


@dataclass(frozen=True, slots=True)
class Said:
    """Words of people, and which `kind` they are of: a `remark` of whoever asked, a `note` beside an approval, why
    somebody broke the `glass`, the reason of a denial, or a comment, a question and its answer. An answer names their
    `id`, that of the reply that they came with.

    `is_before`: the card was another one when they were said.
    """

    kind: Kind
    by: tuple[PersonId, ...]
    text: str
    id: str = ""
    is_before: bool = False


def remarked(remarks: Iterable[Remark]) -> tuple[Said, ...]:
    """Return what those who asked wrote after people were asked."""
    return tuple(Said("remark", (one.person,), answer_of(one.text)) for one in remarks)


def noted(votes: Iterable[Vote]) -> tuple[Said, ...]:
    """Return what people wrote beside their approvals, and why they broke the glass."""
    return tuple(
        Said("glass" if one.breaks_glass else "note", (one.person,), one.reason, one.reply_id)
        for one in votes
        if one.approve and one.reason.strip()
    )


def commented(comments: Iterable[Comment], revision: int) -> tuple[Said, ...]:
    """Return the words that decide nothing, as of the card of `revision`."""
    return tuple(
        Said(one.kind, (one.person,), answer_of(one.text), one.id, 0 < one.revision < revision)
        for one in comments
        if one.text.strip()
    )


def newest(said: Iterable[Said]) -> tuple[Said, ...]:
    """Return as many as a card takes beside its own facts: questions and answers, and then the newest comments."""
    every = tuple(said)
    asked = tuple(one for one in every if one.kind != "comment")
    plain = tuple(one for one in every if one.kind == "comment")
    return (*asked, *plain[max(0, len(every) - COMMENTS) :])


def whose(said: Said, people: People) -> str:
    """Return whose words these are, and that the card was another one when they were said, where it was."""
    label = say(_BY[said.kind], names=people.names_of(said.by))
    return say("card.said-before", label=label) if said.is_before else label


def said_line(said: Said, people: People) -> Line:
    """Return the line that quotes them."""
    return Line(label=whose(said, people), text=quote(said.text, _CHARS), kind="said", id=said.id)
