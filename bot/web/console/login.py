"""Logging in: a link that works once. Opening it shows a button, because scanners and previews open every link."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from agents.requests import PersonId
from bot.app import App
from bot.config.hosts import network_of
from bot.outbound.login_link import send_link
from bot.people.api_keys import Scope
from bot.people.sessions import LINK_S, SESSION_S
from bot.people.snippets import Snippet, snippets_for
from bot.queries.lists import left_by
from bot.web.console.pages import own_path, page, to
from bot.web.console.visits import Refusal, caller_of, cookie_name, is_secure, visit_of
from bot.web.here import here
from language import say

_TOKEN_CHARS, _EMAIL_CHARS = 200, 254
# Of all that anybody asks for nothing more is kept than these counters. Whose is which nobody can tell without our key,
# and there are too many to use all of them up.
_ASKED_BY_ONE, _ASKED_WITHIN_S, _COUNTERS = 20, 600.0, 262_144
# Enough for somebody who mistypes, and no flood for anybody whom others claim to be; those who keep on at one address
# leave some to the person. Strangers at several addresses can use up the links of an hour;
# `sayso login --to PERSON` sends one all the same.
_LINKS, _LINKS_FROM_ONE, _LINKS_WITHIN_S = 15, 5, 3600.0
# Of each person; three of them use up all that the person gets.
_COUNTERS_OF_ONE = 1_024


async def shown(request: Request) -> Response:
    """The button of a link that works; whoever has a session that is as good already needs no other one."""
    process, session = here(request), visit_of(request).session
    back, token = own_path(request.query_params.get("next", "/")), request.query_params.get("token", "")[:_TOKEN_CHARS]
    login = await process.app.access.sessions.peek(token) if token else None
    if session and (login is None or session.is_as_good_as(login)):
        return to(request, back)
    if token and login is None:
        raise _too_old()
    name = process.app.people.name_of(login.person) if login else ""
    whose = say("console.login-everybody") if login and login.is_demo else name
    data = {"title": say("console.login-title"), "text": "", "token": token, "whose": whose, "back": back}
    return await page(request, "login.html", data)


def _too_old() -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, say("console.login-old-title"), say("console.login-old"))


async def spent(request: Request) -> Response:
    """A session for a link's token."""
    process, visit = here(request), visit_of(request)
    text = await process.app.access.sessions.spend(visit.field("token")[:_TOKEN_CHARS])
    if text is None:
        raise _too_old()
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
    text = say("console.login-sent", count=round(LINK_S / 60))
    response = await page(request, "notice.html", {"title": say("console.login-sent-title"), "text": text})
    contact = app.people.by_email(address)
    if contact:
        # After the answer, which must not take longer for whoever is in the directory.
        response.background = BackgroundTask(_send, app, PersonId(contact.id), back, _client(request))
    return response


async def _send(app: App, person: PersonId, back: str, client: int) -> None:
    """Send a link, unless enough of them were asked for: whoever asks is not told."""
    from_one = f"log-in {person} from {client % _COUNTERS_OF_ONE}"
    for sender, most in ((from_one, _LINKS_FROM_ONE), (f"log-in {person}", _LINKS)):
        if not await app.store.admit(sender, secrets.token_hex(8), most, _LINKS_WITHIN_S):
            return
    await send_link(app.journal, app.people, app.settings.public_url, person, back, ("email",))


async def _check_not_too_many(request: Request) -> None:
    """Count a wish for a link, whoever's it is: no address that somebody made up is kept. Raises Refusal."""
    sender = f"log-in from {_client(request)}"
    if not await here(request).app.store.admit(sender, secrets.token_hex(8), _ASKED_BY_ONE, _ASKED_WITHIN_S):
        title, text = say("console.too-fast-title"), say("console.login-too-many", count=round(_ASKED_WITHIN_S / 60))
        raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, title, text, {"Retry-After": f"{_ASKED_WITHIN_S:.0f}"})


def _client(request: Request) -> int:
    """Return a client's place among a fixed number of counters, by the network of its address."""
    app, network = here(request).app, network_of(request.client.host if request.client else "")
    digest = hmac.digest(app.data_dir.keys(app.settings)[0], b"log-in from " + network.encode(), "sha256")
    return int.from_bytes(digest[:8]) % _COUNTERS


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
        raise Refusal(HTTPStatus.FORBIDDEN, say("console.login-not-here"), say("console.login-demo-only"))
    await process.app.access.sessions.turn(visit.text, process.app.people.named(visit.field("person")))
    return to(request, own_path(visit.field("back") or "/"))


# Whoever keeps sayso has `sayso keys create` for the other one.
_OWN: Mapping[Scope, str] = {
    "ask": "console.keys-scope-ask",
    "trigger": "console.keys-scope-trigger",
    "read": "console.keys-scope-read",
    "answer": "console.keys-scope-answer",
    "steer": "console.keys-scope-steer",
}
_NAME_CHARS = 100
_AT_MOST, _SHOWN = 50, 500


async def listed(request: Request) -> Response:
    """The keys of whoever asks; for admins those of others as well."""
    return await _page(request, _Form())


@dataclass(frozen=True, slots=True)
class _Form:
    """What became of the form: a `fresh` key's text, whether it answers, what to paste; or what is `wrong` in it."""

    fresh: str = ""
    answers: bool = False
    snippets: tuple[Snippet, ...] = ()
    typed: str = ""
    wrong: str = ""


async def _page(request: Request, form: _Form) -> Response:
    """Show a person's keys, with the text of a fresh one, which is never shown again."""
    app, visit = here(request).app, visit_of(request)
    me = visit.person
    found = await app.access.keyring.all()
    may_others = app.access.rights.denial_at_all(caller_of(request), "keys") is None
    others = [(key, used) for key, used in reversed(found) if key.person != me and key.revoked_at is None]
    data: dict[str, object] = {
        "keys": [(key, used) for key, used in found if key.person == me],
        "others": others[:_SHOWN] if may_others else [],
        "scopes": [(scope, say(words)) for scope, words in _OWN.items()],
        "is_by_mail": visit.known.by == "email",
        **asdict(form),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.wrong else HTTPStatus.OK
    return await page(request, "keys.html", data, status)


async def made(request: Request) -> Response:
    """Make a key for whoever sent the form, and show it once; what was typed is not lost where no box was ticked."""
    keyring, visit = here(request).app.access.keyring, visit_of(request)
    own = [key for key, _ in await keyring.all() if key.person == visit.person and key.revoked_at is None]
    if len(own) >= _AT_MOST:
        text = say("console.keys-too-many", count=_AT_MOST)
        raise Refusal(HTTPStatus.BAD_REQUEST, say("console.keys-not-made"), text)
    name = visit.field("name")[:_NAME_CHARS]
    scopes = [scope for scope in visit.fields("scope") if scope in _OWN]
    if not scopes:
        return await _page(request, _Form(typed=name, wrong=say("console.keys-tick")))
    key, text = await keyring.create(
        person=visit.person,
        scopes=scopes,
        name=name,
        made_by="person",
        link_by=visit.known.by,
        sent_to="" if visit.known.is_demo else visit.known.sent_to,
        proof=visit.known.proof,
    )
    url = here(request).app.settings.public_url or str(request.base_url)
    return await _page(request, _Form(fresh=text, answers=key.may("answer"), snippets=snippets_for(key, text, url)))


async def revoked(request: Request) -> Response:
    """Take back a key of one's own, or, for admins, anybody's."""
    app, visit, prefix = here(request).app, visit_of(request), request.path_params["some_id"]
    keyring = app.access.keyring
    key = next((key for key, _ in await keyring.all() if key.prefix == prefix), None)
    # Nobody else learns whether there is such a key.
    if key is None or key.person != visit.person:
        await app.guard.check(caller_of(request), "keys")
    if key is None:
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.keys-gone-title"), say("console.keys-gone"))
    await keyring.revoke(prefix, visit.person, proof=visit.known.proof)
    left = await left_by(app.store, prefix)
    told = say("console.keys-left", requests=", ".join(left)) if left else ""
    return to(request, "/keys", f"{say('console.keys-revoked')} {told}".rstrip())
