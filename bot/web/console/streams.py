"""Pages that follow: each news is answered with the parts of the page as they are now."""

import asyncio
import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from agents.events import ToolFinished
from agents.requests import RunId
from bot.ids import check
from bot.store.changing import EVERYTHING
from bot.store.following import Told
from bot.web.console.following import following
from bot.web.console.home import lists_of
from bot.web.console.live import panel
from bot.web.console.pages import fragment, part
from bot.web.console.runs import around_run, told_of
from bot.web.console.visits import visit_of
from bot.web.here import here

# What the last event that a page has got was marked with: how many events of the run, and which card.
_MARK = re.compile(r"([0-9]{1,7})(?: ([!-~]{1,100}))?")
_NOT_MORE_OFTEN_S = 0.4


async def run(request: Request) -> Response:
    """The parts of a run's page after those events that the page has; the card only if it has another one.

    The mark is on the last part alone: a page that was cut off between two gets all of them again.

    A card that stays as it is must not be sent again: somebody may be writing into it. When the run has ended, a page
    that no longer follows takes the place of the one that did.
    """
    process, me = here(request), visit_of(request).known.person
    run_id = RunId(check(request.path_params["run_id"], "run"))
    seq, shown = _has(request)

    async def tell(news: Sequence[Told]) -> tuple[bytes, bool]:
        nonlocal shown
        told = await told_of(process, run_id, me)
        data = around_run(request, told)
        if told.run.ended:
            return part("end", fragment(request, "_ended.html", data)), True
        parts = {"head": fragment(request, "_head.html", data), "story": fragment(request, "_story.html", data)}
        if told.version != shown:
            parts["card"], shown = fragment(request, "_card.html", data), told.version
        if any(isinstance(event, ToolFinished) for _, event in news):
            parts["live"] = await panel(request, anew=True)
        *before, (name, html) = parts.items()
        last = part(name, html, f"{told.run.seq} {shown}".strip())
        return b"".join(part(*one) for one in before) + last, False

    return following(request, process.follower.watch(run_id, seq), tell)


async def home(request: Request) -> Response:
    """The parts of the first page, anew when anything has changed; at most a few times a second."""
    process, me = here(request), visit_of(request).known.person
    last = -_NOT_MORE_OFTEN_S

    async def tell(_: frozenset[str]) -> tuple[bytes, bool]:
        nonlocal last
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, last + _NOT_MORE_OFTEN_S - clock()))
        data, last = await lists_of(process, me), clock()
        parts = {"waiting": fragment(request, "_waiting.html", data), "mine": fragment(request, "_mine.html", data)}
        return b"".join(part(name, html) for name, html in parts.items()), False

    return following(request, process.follower.changes(), tell, at_once=EVERYTHING)


def _has(request: Request) -> tuple[int, str]:
    """How many events the page has and which card: as it says after a cut, else as its address had it."""
    query = request.query_params
    for said in (request.headers.get("last-event-id", ""), f"{query.get('seq', '')} {query.get('card', '')}".strip()):
        if found := _MARK.fullmatch(said):
            return int(found[1]), found[2] or ""
    return 0, ""
