"""A run's story wherever it is kept: in Redis, or in the archive once it has left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from agents.events import Event
from agents.requests import RequestId, RunId
from agents.requests.record import RequestRecord
from agents.run import Run, fold
from bot.archive.keeper import Archive
from bot.archive.left import may_have_left
from bot.errors import NotFound
from bot.render.views import Summary, summary_in
from bot.runs.forks import RunForks
from bot.store import Store, folded
from bot.store.indexes import restored_at
from language import say

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Story:
    """All events of a run, and when they were read. `archived_at` is set if it has left Redis, then also `forks`."""

    events: tuple[Event, ...]
    now: datetime
    archived_at: datetime | None = None
    forks: tuple[RunId, ...] = ()

    def record(self, request_id: RequestId) -> RequestRecord | None:
        """The record of a request of an archived run."""
        return fold(self.events).requests.get(request_id) if self.archived_at else None


class History:
    """Reads runs for whoever looks. All methods raise StoreUnavailable and ArchiveUnavailable."""

    def __init__(self, store: Store, archive: Archive, forks: RunForks) -> None:
        self.archive, self._store, self._forks = archive, store, forks

    async def read(self, run_id: str) -> Story:
        """The story of a run. Raises NotFound."""
        loaded = await self._store.load(run_id)
        if loaded.events:
            return Story(loaded.events, loaded.now)
        # A run is there before it leaves here, so that this order misses none.
        archived = await self.archive.run(run_id)
        if archived is None:
            raise NotFound(say("error.no-run", run=run_id), say("error.runs-listed"))
        return Story(archived.events, loaded.now, archived.archived_at, archived.forks)

    async def as_heard(self, events: Sequence[Event]) -> Run:
        """Return the run as it is shown: also whether nothing is heard of the worker that executes something in it."""
        run = await folded(events)
        is_under_way = run.pending is not None and run.pending.attempt is not None
        return run.silent() if is_under_way and await self._store.silent([run.id]) else run

    async def has_begun(self, run_id: str) -> bool:
        """Return whether there is such a run. The archive is needed only for one that may have left."""
        if await self._store.length(run_id):
            return True
        return await may_have_left(self._store.client, run_id) and await self.archive.run(run_id) is not None

    async def begun_since(self, run_id: str, since: datetime) -> tuple[Event, ...]:
        """The events of a run that can't have begun before `since`; none where there is no such run.

        The archive is needed only for one that may have left: while it is away, what is new is heard all the same.
        """
        loaded = await self._store.load(run_id)
        if loaded.events:
            return loaded.events
        restored = await restored_at(self._store.client)
        # What left since the backup was made, the store that was put back does not know.
        knows = restored is None or restored < since
        if knows and not await may_have_left(self._store.client, run_id):
            return ()
        archived = await self.archive.run(run_id)
        return archived.events if archived else ()

    async def forks_of(self, run_id: str, story: Story) -> tuple[str, ...]:
        """The runs that go on from this one's story, oldest first."""
        return tuple(dict.fromkeys((*story.forks, *await self._forks.forks_of(run_id))))

    async def ended_in(self, month: str, cursor: str | None, limit: int) -> tuple[tuple[Summary, ...], str | None]:
        """The runs in the archive that ended in a month such as `2026-10` (UTC), newest first, page by page.

        With them the cursor of what follows. A line that can't be read hides none of the others. Raises Invalid.
        """
        lines, following = await self.archive.ended_in(month, cursor, limit)
        found = list[Summary]()
        for line in lines:
            if run := summary_in(line):
                found.append(run)
            else:
                log.warning("the archive's list of a month holds a line that can't be read", month=month)
        return tuple(found), following
