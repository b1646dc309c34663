"""Server-sent events: they can be taken up again, and end with the process that sends them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext, suppress
from typing import Generic, Protocol, TypeVar

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bot.store import StoreError
from bot.store.watch import FollowingEnds, ended
from bot.web.here import Here

MEDIA_TYPE = "text/event-stream"
_PATIENCE_MS = 2_000
_PING = b": ping\n\n"

N_co = TypeVar("N_co", bound=Collection[object], covariant=True)
N = TypeVar("N", bound=Collection[object])


class Source(Protocol[N_co]):
    """A source of news: the events of a run, changes anywhere, mail."""

    async def next(self, within_s: float) -> N_co:
        """Wait for news; return none if none comes within `within_s`. Raises FollowingEnds and StoreError."""
        ...

    def end(self) -> None:
        """Have `next` raise FollowingEnds."""
        ...


class EventStream(Response, Generic[N]):
    """Tells the news of a source until `tell` says it was the last, its reader has gone, or this process leaves.

    `tell` gives what is sent for some news, and whether that is the end. With `at_once` it is asked about that first,
    for whoever may have missed something. Before each news, and every few seconds without any, `farewell` says what its
    reader is told last who may hear no more; None for whoever still may. `counted` is entered while the stream is open,
    and may refuse it.
    """

    def __init__(
        self,
        here: Here,
        source: AbstractAsyncContextManager[Source[N]],
        tell: Callable[[N], Awaitable[tuple[bytes, bool]]],
        farewell: Callable[[], Awaitable[bytes | None]],
        counted: Callable[[], AbstractContextManager[None]] = nullcontext,
        at_once: N | None = None,
    ) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"}, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._here, self._source, self._render, self._counted = here, source, tell, counted
        self._farewell, self._at_once = farewell, at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        if scope["method"] == "HEAD":  # nothing is to follow, so there is nothing to wait for
            await send(start)
        else:
            with self._counted():
                await self._stream(start, receive, send)
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, start: Message, receive: Receive, send: Send) -> None:
        self._here.metrics.streams.inc()
        try:
            async with self._source as source:
                await send(start)
                await _send(send, f"retry: {_PATIENCE_MS}\n\n".encode())
                gone = asyncio.create_task(until_gone(receive, source))
                try:
                    await self._send_news(source, send)
                finally:
                    await ended([gone])
        finally:
            self._here.metrics.streams.dec()

    async def _send_news(self, source: Source[N], send: Send) -> None:
        is_last, clock = False, asyncio.get_running_loop().time
        with suppress(FollowingEnds, StoreError, OSError):  # its reader takes it up again elsewhere, or later
            news, pings_at = self._at_once, clock() + self._here.ping_s
            while not is_last:
                if not news:
                    news = await source.next(min(self._here.look_s, max(0.0, pings_at - clock())))
                body, is_last = await self._rendered(news, is_silent=clock() >= pings_at)
                if body:
                    await _send(send, body)
                    pings_at = clock() + self._here.ping_s
                news = None

    async def _rendered(self, news: N, *, is_silent: bool) -> tuple[bytes, bool]:
        if (farewell := await self._farewell()) is not None:
            return farewell, True
        if news:
            return await self._render(news)
        return _PING if is_silent else b"", False


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def until_gone(receive: Receive, source: Source[Collection[object]]) -> None:
    """Ends `source` when whoever asked has hung up."""
    while (await receive())["type"] != "http.disconnect":
        continue
    source.end()
