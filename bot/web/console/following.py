"""Event streams of pages: only so many for a person, and none for longer than the session."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from bot.web.console.pages import fragment, part
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
    """A stream of what `tell` gives for news of `source`, and whether that is the end; `at_once` is told first.

    When the session has ended, the last event is `gone`, with words to show.
    """
    process, visit = here(request), visit_of(request)

    async def is_welcome() -> bool:
        return await process.app.logins.find(visit.text) is not None

    counted = partial(process.waits.one_more, f"person {visit.known.person}")
    farewell = part("gone", fragment(request, "_gone.html", {}))
    return EventStream(process, source, tell, is_welcome, counted, at_once, farewell)
