"""Lists across runs, as people want them."""

from collections.abc import Sequence

from agents.requests import PersonId, RequestState
from agents.run import RunState
from bot.quorum import eligible
from bot.records import RequestRecord
from bot.store.lists import Mark
from bot.summary import Summary
from bot.views import RequestView, request_view
from bot.web.here import Here
from bot.web.paging import page

_LOOK_AT_MOST = 2_000
_WAITING_AT_MOST = 100


async def runs(
    here: Here,
    *,
    state: RunState | None = None,
    requester: PersonId | None = None,
    cursor: str | None = None,
    limit: int = 30,
) -> tuple[tuple[Summary, ...], str | None]:
    """Runs, newest first, and the cursor of what follows."""
    lists = here.app.store.lists

    async def places(before: Mark | None, count: int) -> list[Mark]:
        return await lists.newest_runs(before, count, state=state, requester=requester)

    async def fetch(run_ids: Sequence[str]) -> list[Summary | None]:
        found = [Summary.model_validate_json(line) if line else None for line in await lists.summaries_of(run_ids)]
        return [
            one if one and state in {None, one.state} and requester in {None, one.requester} else None for one in found
        ]

    return await page(places, fetch, cursor, limit)


async def waiting(here: Here, person: PersonId) -> tuple[RequestView, ...]:
    """Open requests that `person` may decide and has not voted on, newest first."""
    found, _ = await _requests(here, person, only_open=True, cursor=None, limit=_WAITING_AT_MOST)
    return tuple(one for one in found if person not in {vote.person for vote in one.votes})


async def waiting_on(here: Here, person: PersonId) -> int:
    """About how many of those there are: whoever has voted already is still counted."""
    return await here.app.store.lists.count_for(person)


async def requests(
    here: Here, *, only_open: bool, cursor: str | None = None, limit: int = 30
) -> tuple[tuple[RequestView, ...], str | None]:
    """Everybody's requests, newest first, and the cursor of what follows."""
    return await _requests(here, None, only_open=only_open, cursor=cursor, limit=limit)


async def _requests(
    here: Here, person: PersonId | None, *, only_open: bool, cursor: str | None, limit: int
) -> tuple[tuple[RequestView, ...], str | None]:
    lists = here.app.store.lists
    state: RequestState | None = "open" if only_open else None

    async def places(before: Mark | None, count: int) -> list[Mark]:
        return await lists.newest_requests(before, count, only_open=only_open, person=person)

    async def fetch(request_ids: Sequence[str]) -> list[RequestView | None]:
        bodies = await lists.records_of(request_ids)
        records = [RequestRecord.model_validate_json(body) if body else None for body in bodies]
        return [request_view(one, here.app.people) if one and _fits(one, person, state) else None for one in records]

    return await page(places, fetch, cursor, limit, _LOOK_AT_MOST)


def _fits(record: RequestRecord, person: PersonId | None, state: RequestState | None) -> bool:
    may = eligible(record.request.policy, record.request.requesters)
    return state in {None, record.state} and (person is None or person in may)
