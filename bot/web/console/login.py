"""Logging in: a link that works once. Opening it shows a button, because scanners and previews open every link."""

import hashlib
import secrets
from http import HTTPStatus

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from agents.requests import PersonId
from bot.errors import Invalid
from bot.outbound.login_link import send_link
from bot.people.api_keys import SCOPES, Scope
from bot.people.sessions import LINK_S, SESSION_S, Login
from bot.web.console.pages import own_path, page, to
from bot.web.console.visits import Refusal, cookie_name, is_secure, visit_of
from bot.web.here import here

_OLD = "This link was used already, or it is too old. It works once."
_TOKEN_CHARS, _EMAIL_CHARS = 200, 254
# Of all that anybody asks for nothing more is kept than these counters.
_ASKED_BY_ONE, _ASKED_BY_ALL, _ASKED_WITHIN_S, _COUNTERS = 20, 3_000, 600.0, 1_024


async def shown(request: Request) -> Response:
    """The button of a link that works; whoever has such a session already needs no other one."""
    process, session = here(request), visit_of(request).session
    back, token = own_path(request.query_params.get("next", "/")), request.query_params.get("token", "")[:_TOKEN_CHARS]
    login = await process.app.access.sessions.peek(token) if token else None
    if session and (login is None or Login(person=session.person, is_demo=session.is_demo) == login):
        return to(request, back)
    if token and login is None:
        raise Refusal(HTTPStatus.UNAUTHORIZED, "This link does not work any more", _OLD)
    name = process.app.people.name_of(login.person) if login else ""
    whose = "everybody in the demo" if login and login.is_demo else name
    data = {"title": "Log in", "text": "", "token": token, "whose": whose, "back": back}
    return await page(request, "login.html", data)


async def spent(request: Request) -> Response:
    """A session for a link's token."""
    process, visit = here(request), visit_of(request)
    text = await process.app.access.sessions.spend(visit.field("token")[:_TOKEN_CHARS])
    if text is None:
        raise Refusal(HTTPStatus.UNAUTHORIZED, "This link does not work any more", _OLD)
    response = to(request, own_path(visit.field("next") or "/"))
    response.set_cookie(
        cookie_name(process), text, max_age=round(SESSION_S), httponly=True, samesite="lax", secure=is_secure(process)
    )
    return response


async def mailed(request: Request) -> Response:
    """Send a link to the mailbox of whoever it is. Who asks learns nothing about who is in the directory."""
    app, visit = here(request).app, visit_of(request)
    address, back = visit.field("email")[:_EMAIL_CHARS].strip().lower(), own_path(visit.field("next") or "/")
    await _check_not_too_many(request)
    text = f"If somebody here has that address, a link is on its way. It works once, for {LINK_S / 60:.0f} minutes."
    response = await page(request, "notice.html", {"title": "Look into your mailbox", "text": text})
    contact = app.people.by_email(address)
    if contact:
        # After the answer, which must not take longer for whoever is in the directory.
        response.background = BackgroundTask(
            send_link,
            app.journal,
            app.access.sessions,
            app.settings.public_url,
            PersonId(contact.id),
            back,
            ("email",),
        )
    return response


async def _check_not_too_many(request: Request) -> None:
    """Count a wish for a link, whoever's it is: no address that somebody made up is kept. Raises Refusal."""
    store = here(request).app.store
    for sender, most in ((f"log-in from {_client(request)}", _ASKED_BY_ONE), ("log-in from anywhere", _ASKED_BY_ALL)):
        if not await store.admit(sender, secrets.token_hex(8), most, _ASKED_WITHIN_S):
            text = f"That were too many wishes for a link. Wait {_ASKED_WITHIN_S / 60:.0f} minutes."
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too fast", text, {"Retry-After": f"{_ASKED_WITHIN_S:.0f}"})


def _client(request: Request) -> int:
    """Return a client's place among a fixed number of counters, by its address; with IPv6, by its network."""
    host = request.client.host if request.client else ""
    network = ":".join(host.split(":")[:4])
    return int.from_bytes(hashlib.sha256(network.encode()).digest()[:4]) % _COUNTERS


async def ended(request: Request) -> Response:
    """Close the session."""
    process, visit = here(request), visit_of(request)
    await process.app.access.sessions.end(visit.text)
    response = to(request, "/login")
    response.delete_cookie(cookie_name(process), path="/", httponly=True, samesite="lax", secure=is_secure(process))
    return response


async def turned(request: Request) -> Response:
    """Act as another person; in the demo only."""
    process, visit = here(request), visit_of(request)
    if not visit.known.is_demo:
        raise Refusal(HTTPStatus.FORBIDDEN, "Not here", "Only `sayso dev` lets one person play everybody.")
    await process.app.access.sessions.turn(visit.text, process.app.people.named(visit.field("person")))
    return to(request, own_path(visit.field("back") or "/"))


# Whoever keeps sayso has `sayso keys create` for the other one.
_OWN: tuple[Scope, ...] = tuple(scope for scope in SCOPES if scope != "admin")
_NAME_CHARS = 100
_AT_MOST = 50


async def listed(request: Request) -> Response:
    """The keys of whoever asks."""
    return await _page(request, "")


async def _page(request: Request, fresh: str) -> Response:
    """Show a person's keys, with the text of a `fresh` one, which is never shown again."""
    app, visit = here(request).app, visit_of(request)
    me = visit.person
    found = [(key, used) for key, used in await app.access.keyring.all() if key.person == me]
    return await page(request, "keys.html", {"keys": found, "fresh": fresh, "scopes": _OWN})


async def made(request: Request) -> Response:
    """Make a key for whoever sent the form, and show it once."""
    keyring, visit = here(request).app.access.keyring, visit_of(request)
    own = [key for key, _ in await keyring.all() if key.person == visit.person and key.revoked_at is None]
    if len(own) >= _AT_MOST:
        text = f"You have {_AT_MOST} keys, and nobody needs more. Take one back first."
        raise Refusal(HTTPStatus.BAD_REQUEST, "No key was made", text)
    scopes = [scope for scope in visit.fields("scope") if scope in _OWN]
    try:
        _, text = await keyring.create(
            person=visit.person, scopes=scopes, name=visit.field("name")[:_NAME_CHARS], made_by="person"
        )
    except Invalid as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "No key was made", f"{error}. Tick what it may do.") from error
    return await _page(request, text)


async def revoked(request: Request) -> Response:
    """Take back a key of one's own."""
    keyring, visit, prefix = here(request).app.access.keyring, visit_of(request), request.path_params["some_id"]
    if not any(key.prefix == prefix and key.person == visit.person for key, _ in await keyring.all()):
        raise Refusal(HTTPStatus.NOT_FOUND, "There is no such key of yours", "The page Keys lists them.")
    await keyring.revoke(prefix)
    return to(request, "/keys", "The key opens nothing any more.")
