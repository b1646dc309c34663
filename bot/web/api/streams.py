"""A run's events over HTTP: as a page, or as a stream of server-sent events that can be taken up again."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.types import Message, Receive, Scope, Send

from agents.events import RunEnded
from bot.ids import check
from bot.store import StoreError
from bot.store.following import FollowingEnds, Told, Watch
from bot.summary import Summary
from bot.web.api import examples
from bot.web.api.docs import Worded, answers
from bot.web.api.keyed import HereNow, MayRead, only_known_queries
from bot.web.api.runs import RunPath
from bot.web.api.shapes import Absent, Events, Numbered, Seq
from bot.web.api.waits import WaitsNow
from bot.web.here import Here
from bot.web.problems import not_found

router = APIRouter(prefix="/v1/runs", tags=["runs"], dependencies=[Depends(only_known_queries)])

# Counts one stream while it is open. Raises Trouble.
Counted = Callable[[], AbstractContextManager[None]]

_STREAM = "text/event-stream"
_ENDED = {"done", "failed", "cancelled"}
_SEQ_AT_MOST = 1_000_000
_PATIENCE_MS = 2_000

_described = answers(
    403, 404, 422, 429, shown={200: examples.EVENTS, 204: Worded("The run has ended and all is told.", None)}
)
_described[200]["content"][_STREAM] = {"schema": {"type": "string"}, "example": examples.STREAM}
del _described[204]["content"]


@router.get("/{run_id}/events", operation_id="runEvents", response_model=Events, responses=_described)
async def events(
    run_id: RunPath,
    key: MayRead,
    here: HereNow,
    waits: WaitsNow,
    request: Request,
    after: Annotated[int, Query(ge=0, le=_SEQ_AT_MOST, description="Only events after this one.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many at most; a stream has no limit.")] = 1_000,
    last_event_id: Annotated[Seq | Absent, Header(alias="Last-Event-ID", description="Where a stream was cut.")] = None,
) -> Response | Events:
    """A run's events, oldest first.

    With `Accept: text/event-stream` they come as they happen, until the run has ended: `id` is the sequence number,
    and a stream that was cut goes on after `Last-Event-ID`. There is a ping every 15 s, and status 204 (which browsers
    take as the end) when the run has ended and all of it was told.
    """
    [line] = await here.app.store.lists.summaries_of([check(run_id, "run")])
    if not line:
        raise not_found(f"There is no run {run_id}.", "GET /v1/runs lists them")
    if _STREAM not in request.headers.get("accept", ""):
        found = await here.app.store.events_after(run_id, after, limit)
        told = tuple(Numbered(seq=seq, event=event) for seq, event in enumerate(found, after + 1))
        return Events(events=told, seq=told[-1].seq if told else after)
    seq = after if last_event_id is None else int(last_event_id)
    has_ended = Summary.model_validate_json(line).state in _ENDED
    if has_ended and seq >= await here.app.store.length(run_id):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return EventStream(here, run_id, seq, lambda: waits.one_more(key))


class EventStream(Response):
    """Tells a run's events after `seq` until it has ended, its reader has gone, or this process leaves."""

    def __init__(self, here: Here, run_id: str, seq: int, counted: Counted) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"}, media_type=_STREAM)
        del self.headers["content-length"]
        self._here, self._run_id, self._seq, self._counted = here, run_id, seq, counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        with self._counted():
            await self._stream(start, receive, send)
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, start: Message, receive: Receive, send: Send) -> None:
        self._here.metrics.streams.inc()
        try:
            async with self._here.follower.watch(self._run_id, self._seq) as watch:
                await send(start)
                await _send(send, f"retry: {_PATIENCE_MS}\n\n".encode())
                gone = asyncio.create_task(_until_gone(receive, watch))
                try:
                    await self._tell(watch, send)
                finally:
                    gone.cancel()
        finally:
            self._here.metrics.streams.dec()

    async def _tell(self, watch: Watch, send: Send) -> None:
        has_ended = False
        with suppress(FollowingEnds, StoreError, OSError):  # its reader takes it up again elsewhere, or later
            while not has_ended:
                told = await watch.next(self._here.ping_s)
                await _send(send, b"".join(map(_written, told)) or b": ping\n\n")
                has_ended = any(isinstance(event, RunEnded) for _, event in told)


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


def _written(told: Told) -> bytes:
    body = Numbered(seq=told[0], event=told[1]).model_dump_json().encode()
    return b"id: %d\ndata: %b\n\n" % (told[0], body)


async def _until_gone(receive: Receive, watch: Watch) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    watch.news.put_nowait(None)
