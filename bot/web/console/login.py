"""Logging in: a link that works once. Opening it shows a button, because scanners and previews open every link."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from bot.logins import SESSION_S
from bot.web.console.pages import own_path, page, to
from bot.web.console.visits import Refusal, cookie_name, is_secure, visit_of
from bot.web.here import here

_OLD = "This link was used already, or it is too old. It works once."
_TOKEN_CHARS = 200


async def shown(request: Request) -> Response:
    """The button; whoever has a session already needs none."""
    back = own_path(request.query_params.get("next", "/"))
    if visit_of(request).session:
        return to(request, back)
    token = request.query_params.get("token", "")[:_TOKEN_CHARS]
    return await page(request, "login.html", {"title": "Log in", "text": "", "token": token, "back": back})


async def spent(request: Request) -> Response:
    """A session for a link's token."""
    process, visit = here(request), visit_of(request)
    text = await process.logins.spend(visit.field("token")[:_TOKEN_CHARS])
    if text is None:
        raise Refusal(HTTPStatus.UNAUTHORIZED, "This link does not work any more", _OLD)
    response = to(request, own_path(visit.field("next") or "/"))
    response.set_cookie(
        cookie_name(process), text, max_age=round(SESSION_S), httponly=True, samesite="lax", secure=is_secure(process)
    )
    return response


async def ended(request: Request) -> Response:
    """Close the session."""
    process, visit = here(request), visit_of(request)
    await process.logins.end(visit.text)
    response = to(request, "/login")
    response.delete_cookie(cookie_name(process), path="/", httponly=True, samesite="lax", secure=is_secure(process))
    return response


async def turned(request: Request) -> Response:
    """In the demo: look through somebody else's eyes."""
    process, visit = here(request), visit_of(request)
    person = process.app.people.named(visit.field("person"))
    if not visit.known.is_demo:
        raise Refusal(HTTPStatus.FORBIDDEN, "Not here", "Only `sayso dev` lets one person play everybody.")
    await process.logins.turn(visit.text, person)
    return to(request, own_path(visit.field("back") or "/"))
