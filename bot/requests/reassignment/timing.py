"""The things that time brings to an open request: reminders to those who have not answered, and escalation."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from agents.events import CardReplaced, Event, RequestReassigned, RequestReminded
from agents.requests import Decision, DeliveryId, PersonId
from agents.requests.moves import StepBegan
from agents.requests.record import RequestRecord, after
from bot.config.tables import CHANNELS
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.offers import deciders
from bot.people.recognition import as_known_now
from bot.policy.approvers.steps import escalated
from bot.policy.due import Due, next_due
from bot.policy.judge import made_by_votes
from bot.render.cards import notice
from bot.requests.card_updates import changed, moved, newest_of
from bot.requests.opening import card_for, placement
from bot.requests.reassignment import reassigning, screened
from bot.store import Commit, Store, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import outbox_entry, outgoing_id, record_write
from bot.store.outbox_entry import Delivery, Tell, UpdateCard, tell_about
from channels import Address
from language import say


class Timing:
    """Knows what is due, and what it means for the cards. `edits`: the channels that can change a card in place."""

    def __init__(self, store: Store, people: People, edits: Set[str]) -> None:
        self._store, self._people, self._edits, self._noted = store, people, edits, NotedTables(store)

    def due(self, record: RequestRecord, now: datetime) -> Due | None:
        """Return what is due next for `record`; None when it is decided."""
        return next_due(as_known_now(record, self._people), self._people.zones(), now)

    def made_by_votes(self, record: RequestRecord, now: datetime) -> Decision | StepBegan | None:
        """Return what the votes of those who are here make of an open request; None where they are too few."""
        is_open = record.state == "open" and now < record.request.expires_at
        return made_by_votes(as_known_now(record, self._people), self._people.all(), now) if is_open else None

    def wake(self, record: RequestRecord, now: datetime) -> list[Wake]:
        """Return the one entry of `record` in the schedule, as it has to be from `now` on."""
        due = self.due(record, now)
        return [Wake(WorkItem("ask", record.request.id), due.moment)] if due else []

    def waiting(self, record: RequestRecord, version: int, now: datetime) -> Commit:
        """Return the commit that has it looked at again when something is due, and changes nothing else.

        It writes the record as it is: what was written meanwhile may have set an earlier moment.
        """
        return Commit(
            run_id=record.request.run_id, records=[record_write(record, version)], wake=self.wake(record, now)
        )

    def expiring(self, record: RequestRecord) -> Commit:
        """Return the commit that waits for the expiry alone: the run has no room for more."""
        wake = Wake(WorkItem("ask", record.request.id), record.request.expires_at)
        return Commit(run_id=record.request.run_id, wake=[wake])

    async def escalating(self, record: RequestRecord, version: int, now: datetime) -> Commit:
        """Return the commit that lets those decide as well to whom the policy escalates.

        Raises WaitsForFile while a newer file than ours names one of them and ours does not.
        """
        reserve = (person for seat in record.asked.escalate_to for person in seat.people)
        await self._noted.check_joined(reserve, self._people)
        await self._people.look_up_policy(record.request.policy.name)
        [wanted] = await screened(self._store, self._people, record, [escalation(record, self._people, now)])
        made = reassigning(record, wanted, self._people, self._edits)
        stands = after(record, [made.event])
        # Whoever decides it already and is on call has not answered so far, unless that makes their votes enough.
        is_answered = made.event.to or self.made_by_votes(stands, now)
        told = () if is_answered else tuple(outbox_entry(one) for one in self._told_of_nobody(stands, now))
        return Commit(
            run_id=record.request.run_id,
            events=[made.event],
            records=[record_write(stands, version, before=record.request.expires_at)],
            outgoing=[*made.outgoing, *told],
            deliveries=made.deliveries,
            # Its status line names who may decide.
            wake=[*self.wake(stands, now), Wake(WorkItem("run", record.request.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )

    def _told_of_nobody(self, record: RequestRecord, now: datetime) -> Iterator[Tell]:
        """Tell the operators that nobody was there to whom it escalates: it does so once."""
        request = record.request
        for person in self._people.alerted(now):
            with self._people.speaking_to(person):
                title = say("notice.escalated-nobody-title", title=request.title.removesuffix("?"))
                names = self._people.names_of(deciders(record, self._people))
                card = notice(title, say("notice.escalated-nobody", names=names), now, request.id)
            yield tell_about(request, person, card, CHANNELS)

    async def reminding(self, record: RequestRecord, version: int, due: Due, now: datetime) -> Commit:
        """Return the commit that reminds those who have not answered, each on the card that they hold."""
        request = record.request
        reminded = RequestReminded(at=now, request_id=request.id, number=due.number, people=due.people)
        made = await self._bumps(after(record, [reminded]), due.people, now)
        events = [reminded, *made.events]
        stands = after(record, events)
        return Commit(
            run_id=request.run_id,
            events=events,
            records=[record_write(stands, version, before=request.expires_at)],
            outgoing=[*made.outgoing, *map(outbox_entry, moved(stands, self._edits, now))],
            deliveries=made.deliveries,
            wake=self.wake(stands, now),
            limit=MAX_EVENTS_AT_ALL,
        )

    async def _bumps(self, record: RequestRecord, people: Sequence[PersonId], now: datetime) -> "_Bumps":
        """Make what brings the cards of `people` back to their eyes.

        Where a card can be changed, a message in its thread does: one for all who share the card. Where it can't, the
        card is sent again in its thread. A card that is still on its way needs nothing.
        """
        made, shared = _Bumps(), dict[DeliveryId, tuple[Address, list[PersonId]]]()
        for holder in newest_of(record):
            placed = await self._placed(holder.delivery_id) if holder.person in people else None
            if placed is None or placed.delivery is None or not placed.stands:
                continue
            there = placed.delivery.address
            if placed.together:
                made.outgoing.append(outbox_entry(_reminder(record, placed, now)))
            elif there.channel in self._edits:
                thread = there.model_copy(update={"thread": there.thread or placed.delivery.handle})
                shared.setdefault(placed.shares or placed.id, (thread, []))[1].append(holder.person)
            else:
                made.again(record, self._people, holder.person, there.channel, now)
        for thread, persons in shared.values():
            made.outgoing.append(outbox_entry(self._call(record, thread, persons, now)))
        return made

    async def _placed(self, delivery_id: DeliveryId) -> Delivery | None:
        body = await self._store.delivery(delivery_id)
        return Delivery.model_validate_json(body) if body else None

    def _call(self, record: RequestRecord, thread: Address, persons: Sequence[PersonId], now: datetime) -> Tell:
        """The message below a card that calls those who have not answered."""
        request = record.request
        with self._people.speaking_to("" if thread.is_shared else persons[0]):
            card = notice(say("timing.reminder", title=request.title), "", now, request.id)
        card = card.model_copy(update={"mentions": tuple(persons)})
        return tell_about(request, persons[0], card, (thread.channel,), beside=thread)


def _reminder(record: RequestRecord, placed: Delivery, now: datetime) -> UpdateCard:
    """The reminder of what stands in one message with others, where it stands."""
    request = record.request
    return UpdateCard(
        id=outgoing_id(request.id),
        run_id=request.run_id,
        person=placed.person,
        reach=request.policy.reach,
        card=changed(request.title, now),
        thread=request.thread,
        request_id=request.id,
        delivery_id=placed.id,
        reminds=True,
    )


def escalation(record: RequestRecord, people: People, now: datetime) -> RequestReassigned:
    """Return what is wanted once `record` escalates at a moment: whoever is there then may decide as well."""
    asked = record.asked
    there = ((seat, people.filled(seat, now)) for seat in asked.escalate_to)
    on_call = tuple(filled for seat, filled in there if filled != seat)
    move = escalated(asked, people.escalates_to(record, now)).model_copy(update={"on_call": on_call})
    return RequestReassigned(at=now, request_id=record.request.id, why="escalated", moves=(move,))


@dataclass(slots=True)
class _Bumps:
    """What reminders add to a commit."""

    events: list[Event] = field(default_factory=list[Event])
    outgoing: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    deliveries: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])

    def again(self, record: RequestRecord, people: People, person: PersonId, channel: str, now: datetime) -> None:
        """Add the card of `person` once more, under a token of its own; the one before works as well."""
        request = record.request
        card = card_for(record, people, person, now)
        with people.speaking_to(person):
            told = {"summary": f"{say('timing.reminded')}\n{card.summary}", "reminds": True}
            card = card.model_copy(update=told)
        placed = placement(request, card, person, first=channel)
        self.events.append(
            CardReplaced(at=now, request_id=request.id, person=person, why="reminder", holder=placed.holder)
        )
        self.outgoing.append(placed.outgoing)
        self.deliveries.append(placed.delivery)
