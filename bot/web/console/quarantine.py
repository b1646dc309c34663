"""The console's pages of messages that were not accepted, and of those given up on, which can be retried."""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from agents.requests import PersonId
from bot.errors import Conflict, NotFound
from bot.outbound.dead_letter import Note, what_of, why_of
from bot.web.console.pages import page, to
from bot.web.console.visits import Refusal, caller_of, visit_of
from bot.web.here import here
from language import say

_SHOWN = 200


async def shown(request: Request) -> Response:
    """Both lists, newest first."""
    process = here(request)
    await _operator(request)
    found = [(name, Note.model_validate_json(note)) for name, note in (await process.app.store.lists.dead()).items()]
    found.sort(key=lambda pair: pair[1].at, reverse=True)
    data: dict[str, object] = {
        "quarantined": [(name, note) for name, note in found if note.kind == "quarantined"][:_SHOWN],
        "to_ask": {name for name, note in found if process.app.messages.quarantine.can_confirm(note)},
        "dead": [(name, note) for name, note in found if note.kind == "dead"][:_SHOWN],
        "what_of": partial(what_of, people=process.app.people),
        "why_of": why_of,
    }
    return await page(request, "quarantine.html", data)


async def requeued(request: Request) -> Response:
    """Try a dead letter again."""
    process, name = here(request), request.path_params["some_id"]
    await _operator(request)
    body = (await process.app.store.lists.dead()).get(name)
    note = None if body is None else Note.model_validate_json(body)
    if note is None or note.kind != "dead" or not await process.app.store.lists.requeue(note.item):
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.failed-gone-title"), say("console.failed-gone"))
    return to(request, "/quarantine", say("console.failed-requeued"))


async def discarded(request: Request) -> Response:
    """Forget a quarantined message."""
    return await _cleared(request, here(request).app.messages.quarantine.discard)


async def confirmed(request: Request) -> Response:
    """Have the person asked whose word a quarantined message claims to be."""
    return await _cleared(request, here(request).app.messages.quarantine.confirm)


async def _cleared(request: Request, clear: Callable[[str, str], Awaitable[str]]) -> Response:
    me = await _operator(request)
    try:
        done = await clear(request.path_params["some_id"], me)
    except (Conflict, NotFound) as error:
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.blocked-not-done"), f"{error}.") from error
    return to(request, "/quarantine", done)


async def _operator(request: Request) -> PersonId:
    """Return the person asking. Raises Forbidden for anybody who does not look after the quarantine."""
    await here(request).app.guard.check(caller_of(request), "dead")
    return visit_of(request).person
