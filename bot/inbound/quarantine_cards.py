"""The cards and notes about a message that was not accepted as anybody's word. Pure.

The subject of such a message is its writer's: it only ever stands in `quoted`.
"""

from collections.abc import Sequence
from datetime import datetime

from agents.requests import PersonId, Request, RequestId
from agents.requests.record import RequestRecord
from bot.outbound.dead_letter import Note
from bot.people.directory import People
from bot.people.offers import deciders, offers
from bot.render.cards import notice
from bot.render.words import decided
from channels import Card, Quarantined
from language import say
from language.dates import in_words
from language.recorded import reason_of, recorded

_WHY_CHARS = 1_000


def quarantine_note(item: Quarantined, sender: str, channel: str, now: datetime) -> Note:
    """Return the list's entry for a quarantined message; `sender` is the name of its proven writer."""
    if sender:
        what = recorded("notice.listed-from", name=sender)
    elif item.claims:
        what = recorded("notice.listed-claims", claims=item.claims)
    else:
        what = recorded("notice.listed-nobody")
    return Note(
        kind="quarantined",
        what=what,
        why="; ".join(item.reasons)[:_WHY_CHARS],
        at=now,
        claims=item.claims,
        person=item.person,
        about=item.about,
        channel=channel,
    )


def stranger_card(item: Quarantined, now: datetime) -> Card:
    """Return the card for a stranger, in the channel's own words if it has some; it names nobody.

    Where they wrote or pressed it is one line.
    """
    if item.place:
        line = notice(say("notice.stranger-title"), item.notice or say("notice.stranger"), now)
        return line.model_copy(update={"is_line": True})
    return notice(say("notice.stranger-mail-title"), item.notice or say("notice.stranger-mail"), now)


def held_answer(request: Request, note: Note, people: People) -> Card:
    """Return the card for the requester, who may wait for exactly this answer."""
    text = say("notice.answer-quarantined", what=_message(note, people), why=reason_of(note.why))
    return notice(say("notice.answer-quarantined-title", title=request.title), text, note.at, request.id)


def _message(note: Note, people: People) -> str:
    if note.person:
        return say("notice.message-from", name=people.name_of(note.person))
    return say("notice.message-claims", claims=note.claims) if note.claims else say("notice.message-nobody")


def unheard(note: Note, answered: RequestRecord | None, open_ones: Sequence[RequestRecord], people: People) -> Card:
    """Return the card for the message's writer: why it does nothing, and what to do.

    `answered` is the request it would have answered; if it named none, `open_ones` are those its writer can answer.
    """
    lines = [say("notice.not-accepted", why=reason_of(note.why))]
    if answered:
        lines.append(_again(note, answered, people))
    else:
        lines += [_waits(record.request, PersonId(note.person)) for record in open_ones]
        lines.append(say("notice.write-anew"))
    ref = answered.request.id if answered else ""
    card = notice(say("notice.not-accepted-title"), "\n".join(lines), note.at, ref, topic=note.about)
    return card.model_copy(update={"quoted": _subject(note)})


def _waits(request: Request, person: PersonId) -> str:
    """Return that `request` waits for `person`, and where they answer it; what stands in a list has no message."""
    key = "notice.still-waits-listed" if person in request.together else "notice.still-waits"
    return say(key, title=request.title, request=request.id)


def _again(note: Note, answered: RequestRecord, people: People) -> str:
    """Return the way to answer `answered` now, or why there is none."""
    request = answered.request
    if answered.decision:
        told = decided(answered.decision, people)
        return say("notice.needs-no-answer", title=request.title, decided=told)
    person = PersonId(note.person)
    if person not in deciders(answered, people) and "deny" not in offers(
        answered, people, person, note.channel, note.at
    ):
        return say("notice.not-yours", title=request.title)
    return say("notice.still-waits-again", title=request.title, request=request.id)


def was_it_you(note: Note, request_id: RequestId | None, now: datetime) -> Card:
    """Return the card for the person whose word a message claims to be. They can answer `request_id` again."""
    key = "notice.was-it-you-answer" if request_id else "notice.was-it-you"
    text = say(key, when=in_words(note.at), why=reason_of(note.why))
    card = notice(say("notice.was-it-you-title"), text, now, request_id or "")
    return card.model_copy(update={"quoted": _subject(note)})


def _subject(note: Note) -> str:
    return say("notice.subject", subject=note.about) if note.about else ""
