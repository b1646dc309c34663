"""A signed report about work that goes on outside: a reason to look now for the run that waits, no result."""

from collections.abc import Sequence

from agents.events import OutsideReported, own
from agents.requests import RunId
from agents.run import fold
from agents.text import one_line
from bot.errors import NotFound
from bot.store import Commit, StoreError, Wake, WorkItem
from bot.store.commit import MAX_EVENTS
from bot.store.indexes import runs_of_handle
from bot.store.journal import Journal

TEXT_CHARS = 2_000
_TRIES = 20

_WHEN = "Report after the work was handed over, and before its result is in"


class Reports:
    """Hands reports to runs, each once."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._store = journal, journal.store

    async def runs_of(self, handle: str) -> tuple[RunId, ...]:
        """The runs that wait for `handle`, as far as is known without reading them. Raises NotFound."""
        found = await runs_of_handle(self._store, handle)
        if not found:
            raise NotFound("No run waits for such a handle", _WHEN)
        return found

    async def report_to(self, run_ids: Sequence[RunId], report_id: str, handle: str, text: str) -> dict[RunId, bool]:
        """Report to each that still waits, and whether it was new to it. Raises NotFound where none does.

        One that can't be told just now keeps nobody else from being told: then StoreError is raised at the end, and
        the same report is to come again.
        """
        told, nobody, failed = (
            dict[RunId, bool](),
            NotFound("No run waits for such a handle", _WHEN),
            list[StoreError](),
        )
        for run_id in run_ids:
            try:
                told[run_id] = await self.report(run_id, report_id, handle, text)
            except NotFound as error:
                nobody = error
            except StoreError as error:
                failed.append(error)
        if failed:
            raise failed[0]
        if not told:
            raise nobody
        return told

    async def report(self, run_id: RunId, report_id: str, handle: str, text: str) -> bool:
        """Append the report and wake the run; False when it had it already. Raises NotFound."""
        for _ in range(_TRIES):
            loaded = await self._store.load(run_id)
            run = fold(loaded.events)
            if any(isinstance(one, OutsideReported) and one.report_id == report_id for one in own(loaded.events)):
                return False
            waits = run.pending.waits if run.pending else None
            if waits is None or waits.handle != handle:
                raise NotFound("No run waits for such a handle any longer", _WHEN)
            said = one_line(text, TEXT_CHARS)
            event = OutsideReported(at=loaded.now, report_id=report_id, handle=handle, text=said, by=())
            commit = Commit(
                run_id=run_id,
                events=[event],
                expect=len(loaded.events),
                wake=[Wake(WorkItem("run", run_id))],
                limit=MAX_EVENTS,
            )
            written = await self._journal.write(commit)
            if written.state == "committed":
                return True
            if written.state == "full":
                raise NotFound(f"{run_id} has too many events; it looks by itself in its own time", _WHEN)
        raise StoreError(f"{run_id} changed all the time", "Send the same again")
