"""A request as it is kept: in Redis, or in the archive once its run has left."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from agents.events import ToolOrphaned, ToolQueued
from agents.requests import RunId
from agents.requests.record import RequestRecord, after
from agents.run import Run
from bot.archive.keeper import Archive
from bot.errors import NotFound
from bot.policy.judgements import AlreadyDecided, ClosedOtherwise, Judgement
from bot.store import RecordWrite, Store
from bot.store.indexes import forks_of
from bot.store.journal import record_write
from language import say

# Conflicts come from other answers to the same request, and each of those that wins is progress.
TRIES = 1_000
# Whoever stops what has ended hears of so many runs that were made from it.
_COPIES = 5


class RequestRead(NamedTuple):
    """A request's record, the version that a commit must still find, and the time when it was read.

    A request that is in the archive has no version, and nothing can be written about it.
    """

    record: RequestRecord
    version: int
    now: datetime

    @property
    def is_archived(self) -> bool:
        """True if its run has left Redis."""
        return self.version == 0


def record_in(body: bytes | None) -> RequestRecord | None:
    """Return the record that is stored so; None for none, and for one that can't be read until a rebuild."""
    try:
        return RequestRecord.model_validate_json(body) if body else None
    except ValidationError:
        return None


async def read_request(store: Store, archive: Archive, request_id: str) -> RequestRead:
    """The request as it stands. Raises NotFound, and ArchiveUnavailable where it may be there."""
    found = await store.record(request_id)
    if found is not None:
        record = RequestRecord.model_validate_json(found.body)
        return RequestRead(record, found.version, found.now)
    archived = await archive.record(request_id)
    if archived is None:
        raise NotFound(say("error.no-request", request=request_id), say("error.requests-listed"))
    return RequestRead(archived, 0, await store.now(request_id))


def long_closed(record: RequestRecord) -> Judgement:
    """Return what is said of an answer to a request whose run has left Redis: too late, and not kept."""
    if record.decision and record.decision.by:
        return AlreadyDecided(decision=record.decision)
    return ClosedOtherwise(state=record.state)


async def copies_of(store: Store, run_id: RunId, has_say: Callable[[Run], bool]) -> list[RunId]:
    """Return the newest runs that go on and were made from `run_id`, from what is above it, which has the same started
    once more, from what is below it, which ends with it, and from those: of each the first in which somebody `has_say`,
    which may be one below it.
    """
    family, found = [run async for run in family_of(store, run_id)], list[RunId]()
    # Of one in the archive only its id is known here.
    made, above = [run_id, *(run.id for run in family[1:] if run.started)], family[0].started
    while above and above.parent:
        made.append(above.parent.run_id)
        above = (await store.run(above.parent.run_id)).started
    known = len(made)
    for source in made:
        newest = map(RunId, (await forks_of(store.client, source))[-_COPIES:])
        made += [copy for copy in newest if copy not in made][: known + _COPIES - len(made)]
    for copy in made[known:]:
        goes_on = [run async for run in family_of(store, copy) if run.started and not run.ended]
        found += [run.id for run in goes_on if goes_on[0].id == copy and has_say(run)][:1]
    return found


async def family_of(store: Store, root: RunId, *, also_before: bool = False) -> AsyncIterator[Run]:
    """Yield the run `root` and all below it; `also_before`: of a copy also the run whose story it goes on from, as it
    was then, with what had been begun below that, and as it is now, with all that belongs to it.
    """
    left, seen = [root], {root}
    while left:
        told = [await store.run(left.pop())]
        while also_before and told[-1].before:
            told.append(told[-1].before)
        for run in told:
            yield run
        near = {child.run_id for run in told for child in run.children}
        for copy in (run.forked for run in told if also_before and run.forked and run.forked.how != "import"):
            source = (await store.run(copy.source)).started
            near |= {source.root if source else copy.source}
        left += near - seen  # a file may name a circle
        seen |= near


async def of_attempt(store: Store, run: Run, event: ToolOrphaned | ToolQueued) -> RecordWrite | None:
    """Return the record of the request whose tool has not begun, or begins now: until it does, people can stop it.

    None where nothing of it changes.
    """
    request_id = next((about for about, one in run.requests.items() if one.attempt == event.attempt_id), None)
    found = await store.record(request_id) if request_id else None
    if found is None:
        return None
    record = RequestRecord.model_validate_json(found.body)
    stands = after(record, [event])
    return record_write(stands, found.version) if stands != record else None
