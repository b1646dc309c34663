"""Paused runs of which everybody who asked has left: who hears how they go on is not there, and nobody else knows that
they wait. The operators hear of each pause once.
"""

from collections.abc import Sequence

import structlog

from agents.requests import RunId
from agents.run import Run
from bot.config.tables import CHANNELS
from bot.errors import WaitsForFile
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.policy.approvers.concern import concern_of
from bot.render.cards import notice
from bot.render.views import summary_in
from bot.render.words import asking_now
from bot.store import StoreError
from bot.store.journal import Journal, outgoing_id
from bot.store.outbox_entry import Tell
from language import say

# Longer than a request stays open.
_REMEMBERED_S = 31 * 24 * 3600.0
# The newest that are looked at, and so many of them as one message names: `sayso runs` lists all.
_MOST, _LISTED = 1_000, 20

log = structlog.stdlib.get_logger()


class PausedRuns:
    """Tells the operators of paused runs after somebody has left, and of a run of leavers after it was paused."""

    def __init__(self, journal: Journal, people: People) -> None:
        self._journal, self._people, self._noted = journal, people, NotedTables(journal.store)

    async def look_at_all(self) -> bool:
        """Look at the newest paused runs; return whether that went well.

        One of whose effect nobody knows may be paused as well, and stays so once that is known. One that can't be read
        is for a worker of its own release. Raises StoreError.
        """
        store, found, is_done = self._journal.store, list[Run](), True
        newest = store.lists.newest_runs
        marks = (*await newest(None, _MOST, state="paused"), *await newest(None, _MOST, state="unknown"))
        lines = await store.lists.summaries_of([run_id for _, run_id in marks])
        for line in filter(None, map(summary_in, lines)):
            if asking_now((line.requester,), self._people):
                continue
            try:
                found.append(await store.run(line.id))
            except StoreError:
                raise
            except Exception:
                log.exception("a paused run was not looked at after somebody left", run_id=line.id)
                is_done = False
        return await self.tell_of(found) and is_done

    async def tell_of(self, runs: Sequence[Run]) -> bool:
        """Tell the operators of those that nobody is left to resume; return whether that went well.

        Whoever comes to hear alerts later hears it then. Raises StoreError.
        """
        store, found = self._journal.store, dict[RunId, str]()
        for run in runs:
            asked, told = concern_of(run).requesters, f"nobody resumes {run.id} {run.paused_at}"
            if not run.is_paused or asking_now(asked, self._people) or await store.remembered(told) is not None:
                continue
            try:
                await self._noted.check_joined(asked, self._people)
            except WaitsForFile:
                return False
            found[run.id] = told
        alerted = self._people.alerted(store.about_now())
        if not (found and alerted) or self._people.half_taken:
            return not self._people.half_taken
        near = next(iter(found))
        for person in alerted:
            with self._people.speaking_to(person):
                text = say("notice.nobody-resumes", runs=", ".join([*found][:_LISTED]))
                card = notice(say("notice.nobody-resumes-title"), text, store.about_now())
            thread = f"paused-{near}"
            entry = Tell(id=outgoing_id(near), run_id=near, person=person, reach=CHANNELS, card=card, thread=thread)
            await self._journal.send(entry)
        for told in found.values():
            await store.remember(told, b"1", _REMEMBERED_S)
        return True
