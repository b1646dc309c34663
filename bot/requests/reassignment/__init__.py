"""Others may decide from now on: the fact, cards for those who could not before, and all cards that say so."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass

from agents.events import RequestReassigned
from agents.moves import bringing_nobody_of
from agents.requests import PersonId
from agents.requests.record import RequestRecord, after, as_reassigned
from agents.run import Run
from bot.people.directory import People
from bot.people.recognition import as_known_now, may_have_sat, with_other_ids
from bot.policy.approvers.who import who_of
from bot.policy.due import waited_for
from bot.render.words import present
from bot.requests.card_updates import moved
from bot.requests.opening import cards_of, parts_in, placement
from bot.store import Store
from bot.store.journal import outbox_entry


@dataclass(frozen=True, slots=True)
class Reassignment:
    """What is to be written: the event, outbox entries, and the deliveries of new cards."""

    event: RequestReassigned
    outgoing: Sequence[tuple[str, bytes]]
    deliveries: Sequence[tuple[str, bytes]]


def reassigning(record: RequestRecord, wanted: RequestReassigned, people: People, edits: Set[str]) -> Reassignment:
    """Return what writes `wanted` for `record`, which stands as it does before that. Nothing is written.

    The event says then who is asked by it. Whose votes are void are asked again, with a new card: what they hold may
    have gone to another address.
    """
    request, here, now = record.request, people.all(), wanted.at
    known, then = (as_known_now(one, people) for one in (record, as_reassigned(record, wanted)))
    may = present(who_of(then).approve, people)
    # Another step's card says something else. Nobody is asked who is kept for a later step, until they are no more.
    asked = waited_for(known, here) if known.asked.in_step == then.asked.in_step else ()
    again = {vote.person for vote in record.votes if vote.reply_id in wanted.void}
    again |= {*waited_for(then, here)} - {*asked}
    to = tuple(one for one in may if one in again)
    event = wanted.model_copy(update={"to": to})
    stands = after(record, [event])
    card = cards_of(stands, people, now)
    made = [placement(request, card(one), one) for one in to]
    return Reassignment(
        event=event.model_copy(update={"holders": tuple(one.holder for one in made)}),
        outgoing=[*(one.outgoing for one in made), *map(outbox_entry, moved(stands, edits, now))],
        deliveries=[one.delivery for one in made],
    )


async def screened(
    store: Store, people: People, record: RequestRecord, wanted: Sequence[RequestReassigned]
) -> list[RequestReassigned]:
    """Return what is `wanted`, without those new to `record` who took part in what its approval asks for, in any step.

    Whoever could decide when it was opened was looked at then, for each step of it: those who are in by now were not.
    Who asked comes to it only where the policy lets them approve.
    """
    request = record.request
    if request.purpose != "gate":
        return list(wanted)
    run, looked_at = with_other_ids(await store.run(request.run_id), people), _looked_at(record)

    def seen(one: RequestReassigned) -> RequestReassigned:
        then = as_reassigned(record, one)
        out = parts_in(run, who_of(then).named, request.call).keys() - looked_at
        if then.asked.requester_may_approve or not out:
            return one
        return one.model_copy(update={"moves": tuple(bringing_nobody_of(out, move) for move in one.moves)})

    return [seen(one) for one in wanted]


async def took_part(
    store: Store, directory: People, record: RequestRecord, people: Collection[PersonId], run: Run | None = None
) -> frozenset[PersonId]:
    """Return those of `people`, new to `record`, who took part in what its approval asks for: none stands in.

    Nor does anybody who may be somebody that has had a seat of it. `run` is read where it is not known.
    """
    request, sat = record.request, frozenset(people).intersection(may_have_sat(record, directory))
    if not people or request.purpose != "gate":
        return sat
    run = with_other_ids(run or (await store.run(request.run_id)), directory)
    return sat | frozenset(people) & (parts_in(run, people, request.call).keys() - _looked_at(record))


def _looked_at(record: RequestRecord) -> set[PersonId]:
    """Return those of whom it was known before whether they took part in what it asks for."""
    return {*record.request.requesters, *who_of(record).named_ever}
