"""The extra checks of a request to the console: a session, and for changes a proof that our own page sent it.

Plain ASGI.

Fetch metadata, origin and a token that only the session's own pages hold: the OWASP cheat sheet on cross-site request
forgery says why each.
"""

import re
import secrets
from contextlib import ExitStack
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from bot.errors import WaitsForFile
from bot.store import StoreError
from bot.web.console.pages import refused
from bot.web.console.visits import (
    STAMP,
    VISIT,
    Refusal,
    Visit,
    away,
    cookie_name,
    no_session,
    proof_for,
    refusal_of,
    unreadable,
)
from bot.web.here import Here
from bot.web.problems import trouble
from bot.web.waits import Full
from language import LANGUAGES, Language, say, speaking

_FIELDS_AT_MOST = 200
_SAFE = {"GET", "HEAD"}
_FORM = "application/x-www-form-urlencoded"
# Who has no session yet may do no more than get one.
_LOGIN, _STATIC = "/login", "/static/"
# Nobody presses that many buttons.
_FORMS, _FORMS_WITHIN_S = 120, 60.0


def check_is_form(headers: Headers, body: bytes) -> None:
    """Check that a body is a form. Raises ProblemError."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != _FORM:
        detail = f"The body is {kind[:60] or 'of no stated type'}, not a form."
        raise trouble(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type", detail, "Use the forms of these pages, or /v1")


class SessionMiddleware:
    """Finds the session, lets through what our own pages sent, and answers in the language of whoever asks."""

    def __init__(self, app: Starlette, here: Here) -> None:
        self._app, self._here, self._cookie = app, here, cookie_name(here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        scope[VISIT], scope["app"] = Visit(), self._app  # also the page of an error looks at both
        asked_for = preferred(Headers(scope=scope).get("accept-language", ""), self._here.app.settings.language)
        with speaking(asked_for):
            try:
                message = await receive()
                scope[VISIT] = found = await self._visit(scope, message.get("body", b""))
            except Refusal as refusal:
                return await _refuse(refusal, scope, receive, _sending(send, asked_for))
        session = found.session
        language = self._here.app.people.language_of(session.person) if session else asked_for
        # A stream is sent within the block, too.
        with speaking(language):
            sending = _sending(send, language)
            with ExitStack() as stack:
                try:
                    await self._check(scope)
                    if session:
                        stack.enter_context(self._here.waits.working(session.counted_as, by_hand=True))
                except Refusal as refusal:
                    return await _refuse(refusal, scope, receive, sending)
                except Full as error:
                    return await _refuse(refusal_of(error), scope, receive, sending)
                return await self._app(scope, _again(message, receive), sending)

    async def _visit(self, scope: Scope, body: bytes) -> Visit:
        if scope["path"].startswith(_STATIC):
            return Visit()
        # Neighbours on this host may set cookies that are none by the book; ours must be found among them.
        text = cookie_parser(Headers(scope=scope).get("cookie", "")).get(self._cookie, "")
        if not self._here.app.ready.is_set():
            raise away()
        waits = None
        try:
            session = await self._here.app.access.sessions.find(text) if text else None
        except StoreError as error:
            raise away() from error
        except WaitsForFile as error:
            session, waits = None, error
        if session and session.is_demo and self._here.demo is None:
            session = None  # made beside `sayso dev`; here nobody plays everybody
        return Visit(session, text, waits, _fields(body))

    async def _check(self, scope: Scope) -> None:
        found, path = cast("Visit", scope[VISIT]), scope["path"]
        is_open = path == _LOGIN or path.startswith((f"{_LOGIN}/", _STATIC)) or not self._has(scope)
        if not is_open and found.session is None:
            raise _ended(scope, found)
        if scope["method"] in _SAFE:
            return
        if not _comes_from_us(Headers(scope=scope)):
            raise _foreign()
        if is_open:
            return
        if not found.known.bears(found.field(STAMP), proof_for(found.person)):
            raise _foreign()
        await self._limit(found)

    def _has(self, scope: Scope) -> bool:
        """Return whether there is such a page at all; a request for none is answered without a session."""
        return any(route.matches(scope)[0] != Match.NONE for route in self._app.routes)

    async def _limit(self, found: Visit) -> None:
        """Limit the forms of a person: nobody clicks that often, but a script in somebody's hands might."""
        try:
            sender = f"console {found.known.person}"
            room = await self._here.app.store.admit(sender, secrets.token_hex(8), _FORMS, _FORMS_WITHIN_S)
        except StoreError as error:
            raise away() from error
        if not room:
            title, text = say("console.too-fast-title"), say("console.too-fast", count=_FORMS)
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, title, text, {"Retry-After": str(round(_FORMS_WITHIN_S))})


# RFC 9110, section 12.5.4: a tag or `*`, and how much it is wanted.
_WANTED = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")


def preferred(accept_language: str, otherwise: Language) -> Language:
    """Return that of our languages which the header wants most; `otherwise` where it wants none of them."""
    wanted = dict[str, float]()
    for found in map(_WANTED.fullmatch, accept_language.split(",")):
        if found:
            wanted.setdefault(found[1].lower(), float(found[2] or 1))
    language = max(LANGUAGES, key=lambda each: wanted.get(each, 0.0))
    return language if wanted.get(language, 0.0) > 0 else otherwise


def _sending(send: Send, language: Language) -> Send:
    """`send` with the language of pages and their parts in the headers; a file has its own."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith(("text/html", "text/event-stream")):
                headers["Content-Language"] = language
        await send(message)

    return sending


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    response = await refused(Request(scope), refusal)
    await response(scope, receive, send)


def _comes_from_us(headers: Headers) -> bool:
    """Browsers say where a form stood. Another port of this machine is the same *site*, and none of ours.

    Our own pages send `Origin: null`, since they tell nobody where people come from (Referrer-Policy: no-referrer), but
    for those under a public URL without TLS: there browsers send no Sec-Fetch-Site.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in {None, "same-origin"}:
        return False
    is_ours = origin is not None and origin.partition("://")[2].lower() == headers.get("host", "").lower()
    return is_ours or origin is None or (origin == "null" and site == "same-origin")


def _ended(scope: Scope, found: Visit) -> Refusal:
    """There is no session, or none any more; what somebody typed into a form of ours is given back to them."""
    is_typed = scope["method"] not in _SAFE and found.form
    kept = found.typed() if is_typed and _comes_from_us(Headers(scope=scope)) else ()
    if found.waits:
        refusal = refusal_of(found.waits)
        refusal.kept = kept
        return refusal
    if not is_typed:
        return no_session()
    return Refusal(HTTPStatus.UNAUTHORIZED, say("console.no-longer-title"), say("console.no-longer"), kept=kept)


def _foreign() -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, say("console.no-foreign-title"), say("console.no-foreign"))


def _fields(body: bytes) -> dict[str, tuple[str, ...]]:
    try:
        pairs = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_AT_MOST)
    except ValueError:
        raise unreadable() from None
    return {name: tuple(values) for name, values in pairs.items()}


def _again(message: Message, receive: Receive) -> Receive:
    """The message that was taken, once more, then what follows."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return message

    return give
