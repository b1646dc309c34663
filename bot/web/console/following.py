"""Event streams of pages: only so many for a person, and none for longer than the session."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from bot.web.console.visits import visit_of
from bot.web.here import here
from bot.web.streaming import EventStream, Source

N = TypeVar("N", bound=Collection[object])


def following(
    request: Request,
    source: AbstractAsyncContextManager[Source[N]],
    tell: Callable[[N], Awaitable[tuple[bytes, bool]]],
    at_once: N | None = None,
) -> EventStream[N]:
    """A stream of what `tell` gives for news of `source`, and whether that is the end; `at_once` is told first."""
    process, visit = here(request), visit_of(request)

    async def told(news: N) -> tuple[bytes, bool]:
        if await process.app.logins.find(visit.text) is None:
            return b"", True
        return await tell(news)

    return EventStream(process, source, told, partial(process.waits.one_more, f"person {visit.known.person}"), at_once)
