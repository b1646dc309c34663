"""Pages that follow: each news is answered with the parts of the page as they are now."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from agents.events import ToolFinished
from agents.requests import RunId
from bot.errors import WaitsForFile
from bot.queries.lists import waiting_on
from bot.store import beside
from bot.store.watch import EVERYTHING, RunNews
from bot.web.console import requests, runs
from bot.web.console.home import lists_of, live_panel
from bot.web.console.pages import fragment, part
from bot.web.console.runs import around_run, told_of
from bot.web.console.visits import caller_of, check_run, request_for, visit_of
from bot.web.here import here
from bot.web.streaming import EventStream, Source

N = TypeVar("N", bound=Collection[object])


def following(
    request: Request,
    source: AbstractAsyncContextManager[Source[N]],
    render: Callable[[N], Awaitable[tuple[bytes, bool]]],
    at_once: N | None = None,
    run_id: RunId | None = None,
) -> EventStream[N]:
    """A stream of what `render` gives for news of `source`, and whether that is the end; `at_once` is sent first.

    When the session has ended, or its person may see `run_id` no longer, the last event is `gone`, with words to show.
    """
    process, visit, before = here(request), visit_of(request), caller_of(request)

    async def farewell() -> bytes | None:
        try:
            session = await process.app.access.sessions.find(visit.text)
        except WaitsForFile as error:
            return part("gone", fragment(request, "_gone.html", {"waits": str(error)}))
        who = process.app.access.rights.of_session(session) if session else None
        if who and (run_id is None or await process.app.guard.still_sees(who, before, run_id)):
            return None
        return part("gone", fragment(request, "_hidden.html" if who else "_gone.html", {}))

    @contextmanager
    def counted() -> Generator[None]:
        with process.pages.one_more(visit.known.counted_as), process.waits.one_more(visit.known.counted_as):
            yield

    return EventStream(process, source, render, farewell, counted, at_once)


# What the last event that a page has got was marked with: how many events of the run, and which card.
_MARK = re.compile(r"([0-9]{1,7})(?: ([!-~]{1,100}))?")
_NOT_MORE_OFTEN_S = 0.4


async def run(request: Request) -> Response:
    """The parts of a run's page after those events that the page has; the card only if it has another one.

    The mark is on the last part alone: a page that was cut off between two gets all of them again.

    A card that stays as it is must not be sent again: somebody may be writing into it. When the run has ended, a page
    that no longer follows takes the place of the one that did.
    """
    process, session = here(request), visit_of(request).known
    run_id = await check_run(request, "see")
    seq, shown = _has(request)

    async def render(news: Sequence[RunNews]) -> tuple[bytes, bool]:
        nonlocal shown
        async with process.drawing.one():
            told = await told_of(process, run_id, session)
            data = await around_run(request, told)
            if told.run.ended:
                return part("end", await beside(told.events, fragment, request, "_ended.html", data)), True
            count = {"waiting": await waiting_on(process.app.store, process.app.people, session.person)}
            story = await beside(told.events, fragment, request, "_story.html", data)
            parts = {"head": fragment(request, "_head.html", data), "story": story}
            parts["count"] = fragment(request, "_count.html", count)
            if told.version != shown:
                parts["card"], shown = fragment(request, "_card.html", data), told.version
        if any(isinstance(event, ToolFinished) for _, event in news):  # it asks the environments, which may take long
            parts["live"] = await live_panel(request, anew=True)
        *before, (name, html) = parts.items()
        last = part(name, html, f"{told.run.seq} {shown}".strip())
        return b"".join(part(*one) for one in before) + last, False

    return following(request, process.follower.watch(run_id, seq), render, run_id=run_id)


async def home(request: Request) -> Response:
    """The lists of the first page."""
    process, me = here(request), visit_of(request).known.person

    async def parts() -> dict[str, str]:
        data = await lists_of(process, me)
        return {"waiting": fragment(request, "_waiting.html", data), "mine": fragment(request, "_mine.html", data)}

    return _on_any_change(request, parts)


async def listed_runs(request: Request) -> Response:
    """The newest runs."""

    async def parts() -> dict[str, str]:
        return {"list": fragment(request, "_runs.html", await runs.newest(request))}

    return _on_any_change(request, parts)


async def listed_requests(request: Request) -> Response:
    """The newest requests."""

    async def parts() -> dict[str, str]:
        return {"list": fragment(request, "_requests.html", await requests.newest(request))}

    return _on_any_change(request, parts)


async def one_request(request: Request) -> Response:
    """A request's card, whenever it is another one than that of `card`."""
    shown = request.query_params.get("card", "")
    asked = (await request_for(request, "see")).record.request

    async def parts() -> dict[str, str]:
        nonlocal shown
        data = await requests.card_of(request)
        if data["version"] == shown:
            return {}
        shown = str(data["version"])
        return {"card": fragment(request, "_card.html", data | {"on_own_page": True})}

    return _on_any_change(request, parts, asked.run_id)


def _on_any_change(
    request: Request, parts: Callable[[], Awaitable[dict[str, str]]], run_id: RunId | None = None
) -> Response:
    """A page's parts, anew when anything has changed; at most a few times a second."""
    process, me = here(request), visit_of(request).known.person
    last = -_NOT_MORE_OFTEN_S

    async def render(_: frozenset[str]) -> tuple[bytes, bool]:
        nonlocal last
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, last + _NOT_MORE_OFTEN_S - clock()))
        async with process.drawing.one():
            number = await waiting_on(process.app.store, process.app.people, me)
            count = fragment(request, "_count.html", {"waiting": number})
            found, last = {"count": count} | await parts(), clock()
        return b"".join(part(name, html) for name, html in found.items()), False

    return following(request, process.follower.changes(), render, at_once=EVERYTHING, run_id=run_id)


def _has(request: Request) -> tuple[int, str]:
    """Return the number of events and the card a page has: as its reconnect says, else as its address did."""
    query = request.query_params
    for said in (request.headers.get("last-event-id", ""), f"{query.get('seq', '')} {query.get('card', '')}".strip()):
        if found := _MARK.fullmatch(said):
            return int(found[1]), found[2] or ""
    return 0, ""
