"""Writes a change, and has done what it causes. A notification may be lost: the schedule remembers."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from agents.requests import Request
from agents.requests.record import RequestRecord
from bot.policy.approvers.concern import people_of_record
from bot.policy.approvers.who import who_at_first, who_of
from bot.store import Accepted, Commit, RecordWrite, Store, WorkItem, Written
from bot.store.ids import new_id, shard_of
from bot.store.outbox_entry import OutboxEntry


class WorkQueue(Protocol):
    """Has scheduled work done soon, here or elsewhere."""

    @property
    def is_here(self) -> bool:
        """Whether this process does what it causes itself; else it is pushed to whichever worker takes it."""
        ...

    @property
    def is_worker(self) -> bool:
        """Whether this process takes work; what others write, somebody outside waits for."""
        ...

    async def notify(self, item: WorkItem) -> None:
        """Have `item` done soon. Never raises: the schedule remembers."""
        ...

    async def hear_first(self) -> bool:
        """Wait until what people have written by now is read, here or by others; return whether there was any."""
        ...


class Journal:
    """The store and the queue, in that order."""

    def __init__(self, store: Store, queue: WorkQueue) -> None:
        self.store, self.queue = store, queue
        self.hears = list[Callable[[Commit, int], None]]()
        """Who hears of each change that is written here, and how many events its run has then, before anybody acts."""

    async def write(self, commit: Commit) -> Written:
        """Commit; what is to be done now is done here, or pushed by the same script.

        Replicas have what no worker writes before anybody is told that it was taken.
        """
        is_here = self.queue.is_here
        written = await self.store.commit(commit, push=not is_here, replicated=not self.queue.is_worker)
        if written.state == "committed":
            for hear in self.hears:
                hear(commit, written.seq)
        if is_here and written.state == "committed":
            for item in commit.due_now:
                await self.queue.notify(item)
        return written

    async def send(self, *entries: OutboxEntry) -> None:
        """Put these entries into the outbox, all of one run; where there are none, nothing."""
        if entries:
            await self.write(Commit(run_id=entries[0].run_id, outgoing=list(map(outbox_entry, entries))))

    async def accept(self, item: Accepted) -> tuple[str, bool]:
        """Make an inbound item durable, to be handled soon; (the id it has, whether it is new)."""
        is_here = self.queue.is_here
        inbound_id, is_new = await self.store.accept(item, push=not is_here)
        if is_here and is_new:
            await self.queue.notify(WorkItem("in", inbound_id))
        return inbound_id, is_new


def record_write(
    record: RequestRecord, version: int, before: datetime | None = None, was: RequestRecord | None = None
) -> RecordWrite:
    """`record` as a commit wants it; it is listed for those who may decide it, who held a card of it before, and who
    are asked back, and no more for those who could decide it, also as it `was`, and had no card.
    """
    request, who = record.request, who_of(record)
    held = (holder.person for holder in record.holders)
    askers = record.askers if record.comments else ()  # nobody else was ever asked back
    asked = (person for person in askers if record.question_for(person))
    seated = (*who_at_first(request.policy, ()).seated_ever, *who.seated, *(who_of(was).seated if was else ()))
    could = (*seated, *who.denied_before)
    people = tuple(person for person in dict.fromkeys((*who.approve, *held, *asked)) if person)
    return RecordWrite(
        request_id=request.id,
        version=version,
        state=record.state,
        body=record.as_stored(),
        opened_at=request.opened_at,
        people=people,
        others=tuple(person for person in dict.fromkeys((*askers, *could)) if person not in people),
        place=place_of_call(request),
        concerns=people_of_record(record),
        before=before,
        waits=record.waits if request.purpose == "gate" and record.state != "open" else None,
    )


def place_of_call(request: Request) -> str:
    """Return the name of the tool and environment an approval is about, by which the newest are listed.

    Empty where it is about none.
    """
    call = request.call if request.purpose == "gate" else None
    return f"in {call.effect.environment} {call.tool}" if call and call.effect.environment else ""


def outbox_entry(outgoing: OutboxEntry) -> tuple[str, bytes]:
    """`outgoing` as a commit wants it."""
    return outgoing.id, outgoing.model_dump_json().encode()


def outgoing_id(near: str) -> str:
    """A fresh id of an outbox entry in the shard of `near`."""
    return new_id("outgoing", shard_of(near))
