"""The console's page of standing approvals: those there are, and asking for one."""

import secrets
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from agents.requests import PersonId, RunId
from agents.standing import STANDING, covering
from bot.errors import NotFound
from bot.store.ids import check
from bot.web.console.pages import page, to
from bot.web.console.visits import caller_of, no_run, run_of_form, unreadable, visit_of
from bot.web.here import Here, here
from language import say

_STATES = {"revoked": "again.state-revoked", "over": "again.state-over", "spent": "again.state-spent"}
_SHOWN, _REASON_CHARS, _MOST_USES = 200, 500, 100


async def shown(request: Request) -> Response:
    """Those that concern whoever asks; with `run`, a form to ask for one of what that did."""
    process, visit = here(request), visit_of(request)
    found = await process.app.requests.standing.those_of(caller_of(request))
    run_id = request.query_params.get("run", "")
    offer = None
    if run_id:
        await _check_sees(request, run_id)
        run = await process.app.store.run(run_id)
        offer = process.app.requests.standing.offer(run, process.app.runs.executor.agents, visit.person)
    listed = found[:_SHOWN]
    data: dict[str, object] = {
        "standing": listed,
        "lapsed": {one.approval.id: await process.app.requests.standing.lapsed(one) for one in listed},
        "offer": offer,
        "run_id": run_id,
        "states": _STATES,
        "covering": covering,
        "once": secrets.token_hex(8),
    }
    return await page(request, "standing.html", data)


async def asked(request: Request) -> Response:
    """Ask for one; the same form sent twice asks once."""
    process, visit = here(request), visit_of(request)
    run_id, uses = visit.field("run"), visit.field("uses")
    await _check_sees(request, run_id)
    await process.app.runs.starter.check_may(visit.person, STANDING, visit.known.proof)
    if not uses.isascii() or not uses.isdigit() or not 1 <= int(uses[:6]) <= _MOST_USES:
        raise unreadable()
    until = _end_of(visit.field("until"), process, visit.person)
    leave_open, again = visit.fields("open"), process.app.runs.again
    once = await run_of_form(request, "\n".join(("standing", run_id, uses, visit.field("until"), *leave_open)))
    found = await again.asked(once) or await again.ask(
        RunId(run_id), visit.person, int(uses), until, leave_open, visit.known.proof, once
    )
    return to(request, f"/requests/{found}", say("again.asked"))


async def _check_sees(request: Request, run_id: str) -> None:
    try:
        await here(request).app.guard.check_run(caller_of(request), "see", check(run_id, "run"))
    except NotFound:
        raise no_run() from None


def _end_of(day: str, process: Here, person: PersonId) -> datetime:
    """Return the end of a day where somebody is. Raises Refusal."""
    try:
        zone = ZoneInfo(process.app.people.zones()[person])
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), zone)
    except (ValueError, OverflowError, KeyError):
        raise unreadable() from None
