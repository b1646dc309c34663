"""Lists across runs, newest first, page by page: for programs and for people."""

import json
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from enum import Enum
from typing import Generic, Literal, NamedTuple, TypeVar, get_args

from agents.requests import PersonId, RequestId, RequestState
from agents.requests.record import RequestRecord
from agents.run import RunState
from bot.people.directory import People
from bot.people.offers import approvers_now, waits_for
from bot.people.recognition import as_known_now
from bot.render.outcome import ONLY_SAID
from bot.render.views import ListedAs, RequestView, Summary, request_view, summary_in
from bot.requests.stored import record_in
from bot.store import Store
from bot.store.lists import Mark

_ANSWERED = ("answered", "ended")
_STATES: dict[str, RunState] = {one: one for one in get_args(RunState)}
_KEPT_AS: dict[ListedAs, RunState] = {"denied": "failed", "unchanged": "done", "answered": "done"}
_WORDS: dict[ListedAs, Collection[str]] = {"denied": ("denied",), "unchanged": ONLY_SAID, "answered": _ANSWERED}
_BUT: dict[ListedAs, Collection[str]] = {"failed": ("denied",), "done": (*ONLY_SAID, *_ANSWERED)}

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """What a list shows at once: what was `found`, the cursor of what `follows`, how many could not be read."""

    found: tuple[T, ...]
    follows: str | None
    unread: int


class _Unread(Enum):
    UNREAD = 0


_Item = T | None | Literal[_Unread.UNREAD]
"""One of a list; None for what does not belong into it."""

# Records are larger than a run's line in a list.
_REQUESTS_LOOKED_AT = 2_000
_WAITING_AT_MOST = 100


async def runs(
    store: Store,
    *,
    stands: ListedAs | None = None,
    requesters: Collection[str] | None = None,
    agent: str | None = None,
    seen_by: Collection[str] | None = None,
    cursor: str | None = None,
    limit: int,
) -> Page[Summary]:
    """Runs that fit all filters, and the cursor of what follows. A page is not moved by what is started meanwhile.

    With `requesters` only those that one of these asked for, with `seen_by` those that concern one of these.
    """
    lists, state = store.lists, stands and _kept_as(stands)
    wanted = {"state": state, "agent": agent}
    filters = {name: value for name, value in wanted.items() if value is not None}
    parts = [_as_it_stands(name, value) for name, value in filters.items()]

    def fits(run: Summary) -> bool:
        is_theirs = requesters is None or run.requester in requesters
        return is_theirs and filters.items() <= dict(run).items() and (stands is None or stands_so(run, stands))

    async def places(before: Mark | None, count: int) -> list[Mark]:
        return await lists.newest_runs(before, count, state=state, requesters=requesters, agent=agent, seen_by=seen_by)

    def item(line: bytes) -> _Item[Summary]:
        run = summary_in(line)
        if run is None:
            return _Unread.UNREAD
        return run if fits(run) else None

    async def fetch(run_ids: Sequence[str]) -> list[_Item[Summary]]:
        lines = await lists.summaries_of(run_ids)
        return [item(line) if line and all(part in line for part in parts) else None for line in lines]

    listed = await _page(places, fetch, cursor, limit)
    silent = await store.silent([one.id for one in listed.found if one.word == "running"])
    return listed._replace(found=tuple(one.silent() if one.id in silent else one for one in listed.found))


def stands_so(run: Summary, stands: ListedAs) -> bool:
    """Return whether `run` belongs into the list of those that stand so."""
    is_said = run.word not in _BUT.get(stands, ()) and run.word in _WORDS.get(stands, (run.word,))
    return run.state == _kept_as(stands) and is_said


def _kept_as(stands: ListedAs) -> RunState:
    return _KEPT_AS.get(stands) or _STATES[stands]


async def requests(
    store: Store,
    people: People,
    *,
    person: str | None = None,
    state: RequestState | None = None,
    seen_by: Collection[str] | None = None,
    cursor: str | None = None,
    limit: int,
) -> Page[RequestView]:
    """Requests in `state` that `person` may decide, and the cursor of what follows.

    With `seen_by` only those that concern one of these people, and not somebody else who had their id.
    """

    def fits(record: RequestRecord) -> bool:
        return person is None or person in approvers_now(record, people)

    return await _requests(store, people, fits, person, state, seen_by, cursor, limit)


async def _requests(
    store: Store,
    people: People,
    fits: Callable[[RequestRecord], bool],
    person: str | None,
    state: RequestState | None,
    seen_by: Collection[str] | None,
    cursor: str | None,
    limit: int,
) -> Page[RequestView]:
    lists = store.lists
    # An open one does not say so: records leave out what holds their defaults.
    part = _as_it_stands("state", state) if state and state != "open" else b""

    async def places(before: Mark | None, count: int) -> list[Mark]:
        is_open = state == "open"
        ids = None if person is None else people.ids_of(person)
        return await lists.newest_requests(before, count, only_open=is_open, people=ids, seen_by=seen_by)

    def item(body: bytes) -> _Item[RequestView]:
        record = record_in(body)
        if record is None:
            return _Unread.UNREAD
        return request_view(record, people) if state in {None, record.state} and fits(record) else None

    async def fetch(request_ids: Sequence[str]) -> list[_Item[RequestView]]:
        return [item(body) if body and part in body else None for body in await lists.records_of(request_ids)]

    return await _page(places, fetch, cursor, limit, _REQUESTS_LOOKED_AT)


async def waiting(store: Store, people: People, person: str) -> Page[RequestView]:
    """Open requests that `person` may decide and has not voted on, or about which they are asked back."""
    me = PersonId(person)

    def fits(record: RequestRecord) -> bool:
        return as_known_now(record, people).question_for(me) is not None or waits_for(record, me, people)

    return await _requests(store, people, fits, person, "open", None, None, _WAITING_AT_MOST)


async def waiting_on(store: Store, people: People, person: str) -> int:
    """About how many of those there are: whoever has voted already is still counted."""
    if len(people.ids_of(person)) > 1:  # of what the other ids could decide nothing waits
        return len((await waiting(store, people, person)).found)
    return await store.lists.count_for(person)


async def left_by(store: Store, prefix: str) -> tuple[RequestId, ...]:
    """What an API key asked that still waits: for people, or approved for its program to begin it."""
    found, needle = list[RequestId](), _as_it_stands("asked_with", prefix)
    for shard in range(store.shards):
        for request_id in await store.freezes.concerned(shard):
            stored = await store.record(request_id)
            if stored is None or needle not in stored.body:
                continue
            record = record_in(stored.body)
            if record and record.request.asked_with == prefix and (record.state == "open" or record.waits):
                found.append(record.request.id)
    return tuple(found)


def _as_it_stands(name: str, value: str) -> bytes:
    """Return the bytes that a stored body must hold to be worth parsing; parsing each for a rare filter costs much."""
    return f'"{name}":{json.dumps(value, ensure_ascii=False)}'.encode(errors="replace")


# A filter that nothing fits must not read the whole store at once: such a page is short, and its cursor goes on.
_LOOK_AT_MOST = 20_000
_LARGEST_BATCH = 4_000
_CURSOR = re.compile(r"([0-9]{1,15})\.(s[0-9]{1,2}[a-z]-[a-z2-7]{13})")


async def _page(
    places: Callable[[Mark | None, int], Awaitable[list[Mark]]],
    fetch: Callable[[Sequence[str]], Awaitable[list[_Item[T]]]],
    cursor: str | None,
    limit: int,
    look_at_most: int = _LOOK_AT_MOST,
) -> Page[T]:
    """Return at most `limit` of what `fetch` gives, with what could not be read among them."""
    before, found, looked = _mark(cursor), list[tuple[Mark, T | Literal[_Unread.UNREAD]]](), 0
    batch = limit + 1
    while looked < look_at_most:
        marks = await places(before, batch)
        items = await fetch([some_id for _, some_id in marks])
        found += [(mark, item) for mark, item in zip(marks, items, strict=True) if item is not None]
        if len(found) > limit:
            return _listed(found[:limit], found[limit - 1][0])
        if len(marks) < batch:
            return _listed(found, None)
        before, looked, batch = marks[-1], looked + len(marks), min(4 * batch, _LARGEST_BATCH)
    return _listed(found, before)


def _listed(found: Sequence[tuple[Mark, T | Literal[_Unread.UNREAD]]], follows: Mark | None) -> Page[T]:
    items = tuple(item for _, item in found if item is not _Unread.UNREAD)
    return Page(items, _cursor(follows) if follows else None, len(found) - len(items))


def _mark(cursor: str | None) -> Mark | None:
    """The place that `cursor` is; none, and so the front of the list, for a text that is no cursor."""
    found = _CURSOR.fullmatch(cursor or "")
    return (int(found[1]), found[2]) if found else None


def _cursor(mark: Mark) -> str:
    return f"{mark[0]}.{mark[1]}"
