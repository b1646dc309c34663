"""The cards and notes about a message that was not accepted as anybody's word. Pure.

The subject of such a message is its writer's: it only ever stands in `quoted`.
"""

from collections.abc import Sequence
from datetime import datetime

from agents.requests import Request, RequestId
from bot.outbound.dead_letter import Note
from bot.people.directory import People
from bot.policy.quorum import eligible
from bot.policy.record import RequestRecord
from bot.render.cards import notice
from bot.render.words import TIME, decided
from channels import Card, Quarantined

STRANGER = (
    "Only people who are registered here can ask for something at this address. Yours is not registered, so nothing "
    "was done with your mail. If you should be able to, please ask the person you know here to have your address "
    "added.\nThis is an automatic answer; there is at most one a day."
)
NOT_REGISTERED = (
    "Only people who are registered here can ask for something or decide it. You are not, so nothing was done. If you "
    "should be able to, please ask the person you know here to have you added."
)
_WHY_CHARS = 1_000


def quarantine_note(item: Quarantined, sender: str, channel: str, now: datetime) -> Note:
    """Return the list's entry for a quarantined message; `sender` is the name of its proven writer."""
    what = f"a message that claims to be from {item.claims}" if item.claims else "a message that is from nobody we know"
    return Note(
        kind="quarantined",
        what=f"a message from {sender}" if sender else what,
        why="; ".join(item.reasons)[:_WHY_CHARS],
        at=now,
        claims=item.claims,
        person=item.person,
        about=item.about,
        channel=channel,
    )


def stranger_card(item: Quarantined, now: datetime) -> Card:
    """Return the card for a stranger, in the channel's own words if it has some; it names nobody."""
    if item.place:
        return notice("Nothing was done", item.notice or NOT_REGISTERED, now)
    return notice("Your mail could not be taken", item.notice or STRANGER, now)


def held_answer(request: Request, note: Note) -> Card:
    """Return the card for the requester, who may wait for exactly this answer."""
    text = f"{note.what[0].upper()}{note.what[1:]} was not accepted as an answer: {note.why}. Nothing was decided."
    return notice(f"An answer was quarantined: {request.title}", text, note.at, request.id)


def unheard(note: Note, answered: RequestRecord | None, open_ones: Sequence[RequestRecord], people: People) -> Card:
    """Return the card for the message's writer: why it does nothing, and what to do.

    `answered` is the request it would have answered; if it named none, `open_ones` are those its writer can answer.
    """
    lines = [f"Your message was not accepted: {note.why}. Nothing was decided or started by it."]
    if answered:
        lines.append(_again(note, answered, people))
    else:
        lines += [
            f"“{record.request.title}” still waits for an answer: reply to the message that asks it, or write in a "
            f"terminal: sayso answer {record.request.id}"
            for record in open_ones
        ]
        lines.append("To ask for something new, write a new message; do not reply to an older one.")
    ref = answered.request.id if answered else ""
    card = notice("Your message was not accepted", "\n".join(lines), note.at, ref, topic=note.about)
    return card.model_copy(update={"quoted": _subject(note)})


def _again(note: Note, answered: RequestRecord, people: People) -> str:
    """Return the way to answer `answered` now, or why there is none."""
    request = answered.request
    if answered.decision:
        return f"“{request.title}” needs no answer any more. {decided(answered.decision, people)}"
    if note.person not in eligible(request.policy, answered.requesters):
        return f"“{request.title}” is not yours to decide."
    return (
        f"“{request.title}” still waits for an answer: reply once more to the message that asks it, in plain text, or "
        f"write in a terminal: sayso answer {request.id}"
    )


def was_it_you(note: Note, request_id: RequestId | None, now: datetime) -> Card:
    """Return the card for the person whose word a message claims to be. They can answer `request_id` again."""
    again = "answer the request again, with the card you got or on its page" if request_id else "write again"
    text = (
        f"A message that says it is from you arrived at {note.at.strftime(TIME)} and was not accepted: {note.why}. "
        f"If it was yours, {again}; this message can't be replied to. If it was not, nothing needs to be done."
    )
    card = notice("Was this message yours?", text, now, request_id or "")
    return card.model_copy(update={"quoted": _subject(note)})


def _subject(note: Note) -> str:
    return f"Subject: {note.about}" if note.about else ""
