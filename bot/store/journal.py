"""Writes a change, then notifies the queue of it. A notification may be lost: the schedule remembers."""

from datetime import datetime
from typing import Protocol

from bot.policy.quorum import eligible
from bot.policy.record import RequestRecord
from bot.store import Commit, RecordWrite, Store, WorkItem, Written
from bot.store.ids import new_id, shard_of
from bot.store.outbox_entry import OutboxEntry


class WorkQueue(Protocol):
    """Has scheduled work done soon, here or elsewhere."""

    async def notify(self, item: WorkItem, turn: str | int, *, is_answer: bool = False) -> None:
        """`turn` tells two wake-ups of one item apart. Never raises: the schedule remembers."""
        ...


class Journal:
    """The store and the queue, in that order."""

    def __init__(self, store: Store, queue: WorkQueue) -> None:
        self.store, self.queue = store, queue

    async def write(self, commit: Commit) -> Written:
        """Commit; on success notify for what is to be done now."""
        written = await self.store.commit(commit)
        if written.state == "committed":
            for entry, _ in commit.outgoing:
                await self.queue.notify(WorkItem("out", entry), 0)
            for wake in commit.wake:
                if wake.at is None:
                    await self.queue.notify(wake.item, written.seq)
        return written


def record_write(record: RequestRecord, version: int, before: datetime | None = None) -> RecordWrite:
    """`record` as a commit wants it; it is listed for those who could decide it when it was opened."""
    request = record.request
    return RecordWrite(
        request_id=request.id,
        version=version,
        state=record.state,
        body=record.model_dump_json().encode(),
        opened_at=request.opened_at,
        people=eligible(request.policy, request.requesters),
        before=before,
    )


def outbox_entry(outgoing: OutboxEntry) -> tuple[str, bytes]:
    """`outgoing` as a commit wants it."""
    return outgoing.id, outgoing.model_dump_json().encode()


def outgoing_id(near: str) -> str:
    """A fresh id of an outbox entry in the shard of `near`."""
    return new_id("outgoing", shard_of(near))
