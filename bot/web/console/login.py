"""Logging in: a link that works once. Opening it shows a button, because scanners and previews open every link."""

import secrets
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from agents.requests import PersonId, RunId
from bot.cards import notice
from bot.ids import ingress_shard, new_id
from bot.journal import outbox_entry, outgoing_id
from bot.logins import LINK_S, SESSION_S, Login
from bot.outgoing import Outgoing
from bot.store import Commit
from bot.web.console.pages import own_path, page, to
from bot.web.console.visits import Refusal, cookie_name, is_secure, visit_of
from bot.web.here import Here, here

_OLD = "This link was used already, or it is too old. It works once."
_TOKEN_CHARS, _EMAIL_CHARS = 200, 254
# Enough for somebody who mistypes; what more there is to say about strangers is in decision 10.
_LINKS, _LINKS_WITHIN_S = 5, 3600.0
_MAIL = (
    "Somebody, you we hope, wants to open the console as you. The link below shows a button; it works once, and for "
    f"{LINK_S / 60:.0f} minutes. If it was not you, do nothing: without this mail nobody gets in. Give the link to "
    "nobody."
)


async def shown(request: Request) -> Response:
    """The button of a link that works; whoever has such a session already needs no other one."""
    process, session = here(request), visit_of(request).session
    back, token = own_path(request.query_params.get("next", "/")), request.query_params.get("token", "")[:_TOKEN_CHARS]
    login = await process.app.logins.peek(token) if token else None
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
    text = await process.app.logins.spend(visit.field("token")[:_TOKEN_CHARS])
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
    is_admitted = await app.store.admit(f"log-in {address}", secrets.token_hex(8), _LINKS, _LINKS_WITHIN_S)
    text = f"If somebody here has that address, a link is on its way. It works once, for {LINK_S / 60:.0f} minutes."
    response = await page(request, "notice.html", {"title": "Look into your mailbox", "text": text})
    contact = app.people.by_email(address)
    if contact and is_admitted:
        # After the answer, which must not take longer for whoever is in the directory.
        response.background = BackgroundTask(_send_link, here(request), PersonId(contact.id), back)
    return response


async def _send_link(process: Here, person: PersonId, back: str) -> None:
    """Put the mail into the outbox. Without a public name there is no link that would lead here."""
    app = process.app
    if app.settings.public_url is None:
        return
    token = await process.app.logins.link(person)
    link = f"{app.settings.public_url}/login?{urlencode({'token': token, 'next': back})}"
    near = RunId(new_id("run", ingress_shard(token, app.store.shards)))
    entry = Outgoing(
        id=outgoing_id(near),
        kind="tell",
        run_id=near,
        person=person,
        reach=("email",),
        card=notice("Open the console", _MAIL, app.store.about_now(), link=link),
        thread=near,
    )
    await app.journal.write(Commit(run_id=near, outgoing=[outbox_entry(entry)]))


async def ended(request: Request) -> Response:
    """Close the session."""
    process, visit = here(request), visit_of(request)
    await process.app.logins.end(visit.text)
    response = to(request, "/login")
    response.delete_cookie(cookie_name(process), path="/", httponly=True, samesite="lax", secure=is_secure(process))
    return response


async def turned(request: Request) -> Response:
    """In the demo: look through somebody else's eyes."""
    process, visit = here(request), visit_of(request)
    if not visit.known.is_demo:
        raise Refusal(HTTPStatus.FORBIDDEN, "Not here", "Only `sayso dev` lets one person play everybody.")
    await process.app.logins.turn(visit.text, process.app.people.named(visit.field("person")))
    return to(request, own_path(visit.field("back") or "/"))
