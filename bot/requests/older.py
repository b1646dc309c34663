"""Older requests for the same place: a newer deploy replaces what has been asked there and has not started."""

import structlog

from agents.requests import Request, RequestId
from agents.requests.record import RequestRecord
from bot.errors import NotFound
from bot.people.directory import People
from bot.requests.decisions import Decisions
from bot.requests.stored import TRIES
from bot.store.journal import Journal, place_of_call
from language import say

log = structlog.stdlib.get_logger()


class OlderRequests:
    """Closes requests of other runs that a newer one replaces. Repeating it changes nothing."""

    def __init__(self, journal: Journal, decisions: Decisions, people: People) -> None:
        self._journal, self._lists, self._decisions, self._people = journal, journal.store.lists, decisions, people

    async def supersede(self, mine: Request) -> None:
        """Close all but the newest of the requests of other runs for the same tool and environment, and of `mine`.

        What has started is finished. Whoever starts one of them at the same moment wins, or is superseded: never both.
        """
        place = place_of_call(mine)
        if not place:
            return
        for request_id in await self._lists.newest_in(place):
            try:
                await self._compare(RequestId(request_id), mine, place)
            except NotFound as error:
                log.warning("not superseded", request_id=request_id, error=str(error))

    async def _compare(self, other_id: RequestId, mine: Request, place: str) -> None:
        other = (await self._decisions.request(other_id)).record
        if place_of_call(other.request) != place:
            return
        if other.state in {"open", "approved"} and _is_older(mine, other.request):
            await self._close(mine.id, other.request, place)
        elif _is_older(other.request, mine):
            await self._close(other_id, mine, place)

    async def _close(self, request_id: RequestId, newer: Request, place: str) -> None:
        for _ in range(TRIES):
            record, version, now = read = await self._decisions.request(request_id)
            if read.is_archived or not _is_replaced(record, newer, place):
                return None
            names = self._people.names_of(newer.requesters[:1])
            why = say("run.superseded-by", names=names, run=newer.run_id)
            commit = self._decisions.closing(record, version, "superseded", why, now, newer)
            if (await self._journal.write(commit)).state == "committed":
                return log.info("superseded", request_id=request_id, newer=newer.run_id)
        raise RuntimeError(f"{request_id} changed {TRIES} times while it was superseded")


def _is_replaced(record: RequestRecord, newer: Request, place: str) -> bool:
    older = record.request
    waits = record.state == "open" or (record.state == "approved" and record.started_at is None)
    return waits and _is_older(older, newer) and place_of_call(older) == place


def _is_older(one: Request, other: Request) -> bool:
    return one.run_id != other.run_id and (one.opened_at, one.id) < (other.opened_at, other.id)
