"""A run's events over HTTP: as a page, or as a stream of server-sent events that can be taken up again."""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field

from agents.events import RunEnded
from agents.requests import Frozen
from bot.errors import NotFound
from bot.render.views import summary_in
from bot.store.watch import RunNews
from bot.web.api import docs
from bot.web.api.docs import Worded, answers
from bot.web.api.keyed import HereNow, MayRead, check_run, still_sees
from bot.web.api.runs import RunPath
from bot.web.api.shapes import Absent, Events, Numbered, Seq
from bot.web.here import Here
from bot.web.streaming import MEDIA_TYPE, EventStream
from language import say

router = APIRouter(prefix="/v1/runs", tags=["runs"])

_ENDED = {"done", "failed", "cancelled"}
_SEQ_AT_MOST = 1_000_000

_described = answers(
    403, 404, 422, 429, shown={200: docs.EVENTS, 204: Worded("The run has ended and all is told.", None)}
)
_described[200]["content"][MEDIA_TYPE] = {"schema": {"type": "string"}, "example": docs.STREAM}
del _described[204]["content"]


class EventsWanted(Frozen):
    """Which events of a run are wanted."""

    after: int = Field(default=0, ge=0, le=_SEQ_AT_MOST, description="Only events after this one.")
    limit: int = Field(default=1_000, ge=1, le=1_000, description="How many at most; a stream has no limit.")


@router.get("/{run_id}/events", operation_id="runEvents", response_model=Events, responses=_described)
async def events(
    run_id: RunPath,
    key: MayRead,
    here: HereNow,
    request: Request,
    wanted: Annotated[EventsWanted, Query()],
    last_event_id: Annotated[Seq | Absent, Header(alias="Last-Event-ID", description="Where a stream was cut.")] = None,
) -> Response | Events:
    """List a run's events, oldest first.

    With `Accept: text/event-stream` they come as they happen, until the run has ended: `id` is the sequence number,
    and a stream that was cut goes on after `Last-Event-ID`. There is a ping every 15 s, and status 204 (which browsers
    take as the end) when the run has ended and all of it was told.
    """
    who, after, limit = await check_run(here, key, "see", run_id), wanted.after, wanted.limit
    [line] = await here.app.store.lists.summaries_of([run_id])
    if not line:
        return await _archived(here, run_id, after if last_event_id is None else int(last_event_id), limit, request)
    if MEDIA_TYPE not in request.headers.get("accept", ""):
        found = await here.app.store.events_after(run_id, after, limit)
        told = tuple(Numbered(seq=seq, event=event) for seq, event in enumerate(found, after + 1))
        return Events(events=told, seq=told[-1].seq if told else after)
    seq = after if last_event_id is None else int(last_event_id)
    told = summary_in(line)
    has_ended = told is not None and told.state in _ENDED
    if has_ended and seq >= await here.app.store.length(run_id):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    counted = partial(here.waits.one_more, key.counted_as)

    async def farewell() -> bytes | None:
        return None if await still_sees(request, who, run_id) else b""

    return EventStream(here, here.follower.watch(run_id, seq), _render, farewell, counted)


async def _archived(here: Here, run_id: str, seq: int, limit: int, request: Request) -> Response | Events:
    """The same of a run that is in the archive, where nothing more happens to it."""
    archived = await here.app.history.archive.run(run_id)
    if archived is None:
        raise NotFound(say("error.no-run", run=run_id), say("error.runs-listed"))
    told = list(enumerate(archived.events[seq:], seq + 1))
    if MEDIA_TYPE in request.headers.get("accept", ""):
        body = b"".join(map(_written, told))
        return Response(body, media_type=MEDIA_TYPE) if told else Response(status_code=HTTPStatus.NO_CONTENT)
    found = tuple(Numbered(seq=number, event=event) for number, event in told[:limit])
    return Events(events=found, seq=found[-1].seq if found else seq)


async def _render(news: Sequence[RunNews]) -> tuple[bytes, bool]:
    return b"".join(map(_written, news)), any(isinstance(event, RunEnded) for _, event in news)


def _written(told: RunNews) -> bytes:
    body = Numbered(seq=told[0], event=told[1]).model_dump_json().encode()
    return b"id: %d\ndata: %b\n\n" % (told[0], body)
