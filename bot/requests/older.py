"""Older requests for the same place: a newer deploy replaces what has been asked there and has not started."""

import structlog

from agents.requests import Request, RequestId
from bot.errors import NotFound
from bot.policy.record import RequestRecord
from bot.requests.decisions import Decisions
from bot.requests.stored import TRIES
from bot.store import OtherRelease
from bot.store.journal import Journal, place_of_call
from language import say

log = structlog.stdlib.get_logger()

# What was approved and has not started is among the newest, if there is any.
_NEWEST = 100


class OlderRequests:
    """Closes requests of other runs that a newer one replaces. Repeating it changes nothing."""

    def __init__(self, journal: Journal, decisions: Decisions) -> None:
        self._journal, self._lists, self._decisions = journal, journal.store.lists, decisions

    async def supersede(self, newer: Request) -> None:
        """Close every request of another run for the same tool and environment that is older than `newer`.

        What has started is finished. Whoever starts one of them at the same moment wins, or is superseded: never both.
        """
        place = place_of_call(newer)
        if not place:
            return
        opened = await self._lists.open_in(place)
        recent = [request_id for _, request_id in await self._lists.newest_requests(None, _NEWEST, only_open=False)]
        for request_id in dict.fromkeys((*opened, *recent)):
            try:
                await self._close(RequestId(request_id), newer, place)
            except (NotFound, OtherRelease) as error:
                log.warning("not superseded", request_id=request_id, error=str(error))

    async def _close(self, request_id: RequestId, newer: Request, place: str) -> None:
        for _ in range(TRIES):
            record, version, now = read = await self._decisions.request(request_id)
            if read.is_archived or not _is_replaced(record, newer, place):
                return None
            why = say("run.superseded-by", run=newer.run_id)
            commit = self._decisions.closing(record, version, "superseded", None, why, now, newer.run_id)
            if (await self._journal.write(commit)).state == "committed":
                return log.info("superseded", request_id=request_id, newer=newer.run_id)
        raise RuntimeError(f"{request_id} changed {TRIES} times while it was superseded")


def _is_replaced(record: RequestRecord, newer: Request, place: str) -> bool:
    older = record.request
    waits = record.state == "open" or (record.state == "approved" and record.started_at is None)
    is_older = (older.opened_at, older.id) < (newer.opened_at, newer.id)
    return waits and is_older and older.run_id != newer.run_id and place_of_call(older) == place
