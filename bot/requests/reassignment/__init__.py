"""Others may decide from now on: the fact, cards for those who could not before, and all cards that say so."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from agents.events import RequestReassigned
from agents.events.requests import ReassignedWhy
from agents.requests import Anyone, AskedAs, PersonId, PolicySnapshot, Vote
from agents.requests.record import RequestRecord, after
from agents.run import Run, fold
from bot.people.directory import People
from bot.people.recognition import as_known_now, may_have_sat, with_other_ids
from bot.policy.approvers.quorum import eligible
from bot.policy.approvers.steps import without
from bot.policy.due import waited_for
from bot.render.words import present
from bot.requests.card_updates import moved
from bot.requests.opening import card_for, parts_in, placement
from bot.store import Store
from bot.store.journal import outbox_entry

_SAY_IT: frozenset[ReassignedWhy] = frozenset({"next_step", "delegated", "absent"})
"""The policy itself says then why somebody is asked: by the seats of its step, or by whose seats went to whom."""


@dataclass(frozen=True, slots=True)
class Reassignment:
    """What is to be written: the event, outbox entries, and the deliveries of new cards."""

    event: RequestReassigned
    outgoing: Sequence[tuple[str, bytes]]
    deliveries: Sequence[tuple[str, bytes]]


def reassigning(
    record: RequestRecord,
    policy: PolicySnapshot,
    why: ReassignedWhy,
    people: People,
    edits: Set[str],
    now: datetime,
    *,
    by: PersonId | None = None,
    person: PersonId | None = None,
    reason: str = "",
    void: Sequence[Vote] = (),
) -> Reassignment:
    """Return what puts `policy` in force for `record`, which stands as it does before that. Nothing is written.

    Whose votes are `void` are asked again, with a new card: what they hold may have gone to another address.
    """
    request, here = record.request, people.all()
    known, then = (as_known_now(one, people) for one in (record, under(record, policy)))
    before, may = (eligible(one.request.policy, one.requesters) for one in (known, then))
    may = present(may, people)
    # Whoever was kept for a later step could decide, but was not waited for.
    kept = {*before} - {*waited_for(known, here)} - {vote.person for vote in known.votes}
    again = {vote.person for vote in void} | {one for one in waited_for(then, here) if one in kept}
    to = tuple(one for one in may if one not in before or one in again)
    policy = policy if why in _SAY_IT else _saying_why(policy, to, why, person, people, now)
    event = RequestReassigned(
        at=now,
        request_id=request.id,
        why=why,
        policy=policy,
        by=by,
        person=person,
        to=to,
        reason=reason,
        void=tuple(vote.reply_id for vote in void),
    )
    stands = after(record, [event])
    made = [placement(request, card_for(stands.request, people, one, now, stands), one) for one in to]
    return Reassignment(
        event=event.model_copy(update={"holders": tuple(one.holder for one in made)}),
        outgoing=[*(one.outgoing for one in made), *map(outbox_entry, moved(stands, edits, now))],
        deliveries=[one.delivery for one in made],
    )


def under(record: RequestRecord, policy: PolicySnapshot) -> RequestRecord:
    """Return `record` as it would stand under `policy`; it is not what is written."""
    return record.model_copy(update={"request": record.request.under(policy)})


def _saying_why(
    policy: PolicySnapshot,
    to: Sequence[PersonId],
    why: ReassignedWhy,
    person: PersonId | None,
    people: People,
    now: datetime,
) -> PolicySnapshot:
    """Return `policy` with the reason why each of `to` is asked."""
    seats = [people.filled(seat, now) for seat in policy.escalate_to] if why == "escalated" else []

    def reason(one: PersonId) -> AskedAs:
        seat = next((seat for seat in seats if one in seat.people), None)
        source, until = (seat.source, seat.until) if seat else ("", None)
        return AskedAs(why=why, in_step=policy.in_step, person=person, source=source, until=until)

    return policy.model_copy(update={"asked_as": {**policy.asked_as, **{one: reason(one) for one in to}}})


async def screened(
    store: Store, people: People, record: RequestRecord, policies: Sequence[PolicySnapshot]
) -> list[PolicySnapshot]:
    """Return `policies`, each without those new to `record` who took part in what its approval asks for, in any step.

    Whoever could decide when it was opened was looked at then, for each step of it: those who are in by now were not.
    """
    request = record.request
    if request.purpose != "gate":
        return list(policies)
    run = with_other_ids(fold((await store.load(request.run_id)).events), people)
    looked_at = {*request.requesters, *request.policy.everybody, *request.policy.may_deny}

    def seen(policy: PolicySnapshot) -> PolicySnapshot:
        out = parts_in(run, policy, request.call).keys() - looked_at
        if policy.requester_may_approve or not out:
            return policy
        steps = tuple(step.model_copy(update={"rule": without(step.rule, out)}) for step in policy.steps)
        return policy.model_copy(update={"rule": without(policy.rule, out), "steps": steps})

    return [seen(policy) for policy in policies]


async def took_part(
    store: Store, directory: People, record: RequestRecord, people: Collection[PersonId], run: Run | None = None
) -> frozenset[PersonId]:
    """Return those of `people`, new to `record`, who took part in what its approval asks for: none stands in.

    Nor does anybody who may be somebody that has had a seat of it. `run` is read where it is not known.
    """
    request, sat = record.request, frozenset(people).intersection(may_have_sat(record, directory))
    if not people or request.purpose != "gate":
        return sat
    run = with_other_ids(run or fold((await store.load(request.run_id)).events), directory)
    named = request.policy.model_copy(update={"rule": Anyone(source="", people=tuple(people))})
    looked_at = {*request.requesters, *request.policy.everybody, *request.policy.may_deny}
    return sat | frozenset(people) & (parts_in(run, named, request.call).keys() - looked_at)
