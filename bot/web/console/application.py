"""The console as an application: its pages, what each request passes first, and how errors are told."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.errors import SaysoError
from bot.store.watch import FollowingEnds
from bot.web.console import audit, forms, home, login, mailboxes, policies, quarantine, requests, runs, static, streams
from bot.web.console.gate import SessionMiddleware, check_is_form
from bot.web.console.pages import refused
from bot.web.console.visits import Refusal, away, refusal_of
from bot.web.guards import Bounded
from bot.web.here import Here
from bot.web.operations import SERVED
from bot.web.standing import console as standing
from language import say

ROUTES = (
    Route("/", home.shown),
    Route("/ask", home.asked, methods=["POST"]),
    Route("/login", login.shown),
    Route("/login", login.spent, methods=["POST"]),
    Route("/login/mail", login.mailed, methods=["POST"]),
    Route("/logout", login.ended, methods=["POST"]),
    Route("/as", login.turned, methods=["POST"]),
    Route("/now", streams.home),
    Route("/runs", runs.listed),
    Route("/runs/now", streams.listed_runs),
    Route("/runs/{run_id}", runs.shown),
    Route("/runs/{run_id}/now", streams.run),
    Route("/runs/{run_id}/files/{sha256}", runs.served),
    Route("/runs/{run_id}/confirm/{verb}", runs.confirming),
    Route("/runs/{run_id}/fork", runs.copied, methods=["POST"]),
    Route("/runs/{run_id}/retry", runs.copied, methods=["POST"]),
    Route("/requests", requests.listed),
    Route("/requests/now", streams.listed_requests),
    Route("/requests/deny", requests.denying),
    Route("/requests/deny", requests.denied, methods=["POST"]),
    Route("/requests/{request_id}", requests.shown),
    Route("/requests/{request_id}/now", streams.one_request),
    Route("/requests/{request_id}/changes", requests.difference),
    Route("/requests/{request_id}/answer", requests.answered, methods=["POST"]),
    Route("/requests/{request_id}/hand-on", requests.hand_on_shown),
    Route("/requests/{request_id}/hand-on", requests.handed_on, methods=["POST"]),
    Route("/requests/{request_id}/edit", requests.edit_shown),
    Route("/requests/{request_id}/edit", requests.edited, methods=["POST"]),
    Route("/requests/{request_id}/withdraw", requests.withdrawn, methods=["POST"]),
    Route("/mail", mailboxes.listed),
    Route("/mail/{person}", mailboxes.listed),
    Route("/mail/{person}/now", mailboxes.followed),
    Route("/mail/{person}/{letter_id}", mailboxes.shown),
    Route("/mail/{person}/{letter_id}", mailboxes.replied, methods=["POST"]),
    Route("/live", home.live_page),
    Route("/live/part", home.live_part),
    Route("/quarantine", quarantine.shown),
    Route("/policies", policies.shown),
    Route("/audit", audit.shown),
    Route("/audit/export", audit.exported),
    Route("/standing", standing.shown),
    Route("/standing", standing.asked, methods=["POST"]),
    Route("/keys", login.listed),
    Route("/keys", login.made, methods=["POST"]),
    Route("/keys/{some_id}/revoke", login.revoked, methods=["POST"]),
    Route("/static/{name}", static.served),
    *(forms.route(served) for served in SERVED if served.operation.form),
)


def application(here: Here) -> ASGIApp:
    """The ASGI application of the pages."""
    console = Starlette(routes=ROUTES, exception_handlers={kind: _handler(words) for kind, words in _WORDS.items()})
    console.router.redirect_slashes = False
    console.state.here = here
    return Bounded(SessionMiddleware(console, here), check_is_form, here.bodies)


def _handler(words: Callable[[Exception], Refusal]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return await refused(request, words(error))

    return handle


def _http(error: Exception) -> Refusal:
    refused = cast("HTTPException", error)
    status = HTTPStatus(refused.status_code)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return Refusal(status, say("console.no-method-title"), say("console.no-method"), refused.headers)
    return _nothing(error)


def _nothing(_: Exception) -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, say("console.not-found-title"), say("console.not-found"))


def _broken(_: Exception) -> Refusal:
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, say("console.broken-title"), say("console.broken"))


_WORDS: dict[type[Exception], Callable[[Exception], Refusal]] = {
    Refusal: lambda error: cast("Refusal", error),
    HTTPException: _http,
    SaysoError: lambda error: refusal_of(cast("SaysoError", error)),
    FollowingEnds: lambda _: away(),
    Exception: _broken,
}
