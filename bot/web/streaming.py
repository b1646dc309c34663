"""Server-sent events of one run: they can be taken up again, and end with the process that sends them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.store import StoreError
from bot.store.following import FollowingEnds, Told, Watch
from bot.web.here import Here

MEDIA_TYPE = "text/event-stream"
_PATIENCE_MS = 2_000

# What is sent for news of a run, and whether it is the last.
Tell = Callable[[Sequence[Told]], Awaitable[tuple[bytes, bool]]]


class EventStream(Response):
    """Tells a run's news after `seq` until `tell` says it is the last, its reader has gone, or this process leaves."""

    def __init__(self, here: Here, run_id: str, seq: int, tell: Tell) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"}, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._here, self._run_id, self._seq, self._tell = here, run_id, seq, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        if scope["method"] == "HEAD":  # nothing is to follow, so there is nothing to wait for
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return
        self._here.metrics.streams.inc()
        try:
            async with self._here.follower.watch(self._run_id, self._seq) as watch:
                await send(start)
                await _send(send, f"retry: {_PATIENCE_MS}\n\n".encode())
                gone = asyncio.create_task(_until_gone(receive, watch))
                try:
                    await self._send_news(watch, send)
                finally:
                    gone.cancel()
        finally:
            self._here.metrics.streams.dec()
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_news(self, watch: Watch, send: Send) -> None:
        is_last = False
        with suppress(FollowingEnds, StoreError, OSError):  # its reader takes it up again elsewhere, or later
            while not is_last:
                news = await watch.next(self._here.ping_s)
                body, is_last = await self._tell(news) if news else (b": ping\n\n", False)
                await _send(send, body)


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_gone(receive: Receive, watch: Watch) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    watch.news.put_nowait(None)
