"""One request as it stands, and waiting until it has changed."""

import asyncio

from starlette.types import Receive

from agents.events import (
    Event,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunEnded,
    ToolStarted,
    VoteCast,
)
from agents.requests import Request, RequestId
from agents.run import fold
from bot.render.views import RequestView, is_of_program, request_view
from bot.store.tasks import ended
from bot.store.watch import FollowingEnds, Watch
from bot.web.here import Here
from bot.web.streaming import until_gone


async def view_of(here: Here, request_id: RequestId) -> RequestView:
    """The request as it stands. Raises NoSuchRequest."""
    record, _, _ = await here.app.decisions.request(request_id)
    run = fold((await here.app.store.load(record.request.run_id)).events) if is_of_program(record.request) else None
    return request_view(record, here.app.people, run, await here.app.decisions.lists(record.request))


async def changed(here: Here, view: RequestView, wait_s: float, receive: Receive) -> RequestView:
    """The request once it has changed, after `wait_s`, or when whoever asked has hung up."""
    seq = await here.app.store.length(view.run_id)
    record, _, now = await here.app.decisions.request(view.id)
    if record.state == "open" and now >= record.request.expires_at:
        return await view_of(here, view.id)
    view = await view_of(here, view.id)
    if not is_open(view):
        return view
    here.metrics.streams.inc()
    try:
        await _told(here, record.request, seq, wait_s, receive)
    except FollowingEnds:
        pass
    finally:
        here.metrics.streams.dec()
    return await view_of(here, view.id)


def is_open(view: RequestView) -> bool:
    """Whether people can still decide; for a program's approval, also whether it must still wait for the last check."""
    waits_for_check = bool(view.program) and view.state == "approved" and view.may_act is None
    return view.state == "open" or waits_for_check


async def _told(here: Here, request: Request, seq: int, wait_s: float, receive: Receive) -> None:
    """Returns at the first news of the request after `seq`, or after `wait_s`. Raises FollowingEnds."""
    async with here.follower.watch(request.run_id, seq) as watch:
        gone = asyncio.create_task(until_gone(receive, watch))
        try:
            await _news(watch, request, wait_s)
        finally:
            await ended([gone])


async def _news(watch: Watch, request: Request, wait_s: float) -> None:
    clock = asyncio.get_running_loop().time
    until = clock() + wait_s
    while (left_s := until - clock()) > 0:
        if any(_is_news(event, request) for _, event in await watch.next(left_s)):
            return


def _is_news(event: Event, request: Request) -> bool:
    """A program waits for what is final: not for votes, an approval or its start, but for the end of the run."""
    waits_for_end = is_of_program(request)
    match event:
        case RequestOpened() | RequestRevised():
            return event.request.id == request.id
        case RequestDecided() if waits_for_end and event.decision.state == "approved":
            return False
        case RequestDecided() | RequestRevoked():
            return event.request_id == request.id
        case VoteCast() | ToolStarted():
            return event.request_id == request.id and not waits_for_end
        case RunEnded():
            return waits_for_end
        case _:
            return False
