"""Pages that follow a run: each news of it is answered with the parts of the page as they are now."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from agents.events import ToolFinished
from agents.requests import RunId
from bot.ids import check
from bot.store.following import Told
from bot.web.console.live import panel
from bot.web.console.pages import fragment
from bot.web.console.runs import around_run, told_of
from bot.web.console.visits import visit_of
from bot.web.here import here
from bot.web.streaming import EventStream

_SEQ_CHARS = 7


async def run(request: Request) -> Response:
    """The parts of a run's page after `seq` events, which the page has; the card only if it is not that of `card`.

    A card that stays as it is must not be sent again: somebody may be writing into it.
    """
    process, me = here(request), visit_of(request).known.person
    run_id = RunId(check(request.path_params["run_id"], "run"))
    seq, shown = request.query_params.get("seq", "0"), request.query_params.get("card", "")

    async def tell(news: Sequence[Told]) -> tuple[bytes, bool]:
        nonlocal shown
        if await process.logins.find(visit_of(request).text) is None:
            return b"", True  # the session has ended while the page was open
        told = await told_of(process, run_id, me)
        data = around_run(process, told)
        if told.run.ended:  # a page that no longer follows takes the place of the one that did
            return _part("end", fragment(request, "_ended.html", data), told.run.seq), True
        parts = {"head": fragment(request, "_head.html", data), "story": fragment(request, "_story.html", data)}
        if told.version != shown:
            parts["card"], shown = fragment(request, "_card.html", data), told.version
        if any(isinstance(event, ToolFinished) for _, event in news):
            parts["live"] = await panel(request)
        return b"".join(_part(name, html, told.run.seq) for name, html in parts.items()), False

    return EventStream(process, run_id, int(seq) if seq.isdecimal() and len(seq) <= _SEQ_CHARS else 0, tell)


def _part(name: str, html: str, seq: int) -> bytes:
    lines = "".join(f"data: {line}\n" for line in html.splitlines() or [""])
    return f"event: {name}\nid: {seq}\n{lines}\n".encode()
