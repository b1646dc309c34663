"""The console's page of messages that were not accepted, and of those given up on."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from bot.outbound.dead_letter import what_of, why_of
from bot.web.console.pages import page
from bot.web.console.visits import caller_of
from bot.web.here import here

_SHOWN = 200


async def shown(request: Request) -> Response:
    """Both lists, newest first."""
    process = here(request)
    await process.app.guard.check(caller_of(request), "dead")
    found = (await process.app.messages.quarantine.all())[::-1]
    data: dict[str, object] = {
        "quarantined": [(name, note) for name, note in found if note.kind == "quarantined"][:_SHOWN],
        "to_ask": {name for name, note in found if process.app.messages.quarantine.can_confirm(note)},
        "dead": [(name, note) for name, note in found if note.kind == "dead"][:_SHOWN],
        "what_of": partial(what_of, people=process.app.people),
        "why_of": why_of,
    }
    return await page(request, "quarantine.html", data)
