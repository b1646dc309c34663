"""`POST /v1/triggers/{name}`: what other programs post, signed with the secret of a trigger instead of an API key."""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.app import App
from bot.errors import SaysoError
from bot.triggers.hooks import NotSigned, Passed, Posted
from bot.web.api.keyed import check_is_json
from bot.web.guards import Bodies, Bounded
from bot.web.problems import ProblemError, not_found, problem_of, trouble, unavailable

log = structlog.stdlib.get_logger()

PREFIX = "/v1/triggers/"

TRIGGER_BODY_BYTES = 1_048_576
"""GitHub tells much about a repository, and of each commit in a push."""

# For the measure alone: all names are one figure.
_ROUTE = Mount(f"{PREFIX}{{name}}", routes=())
_DOCS = "docs/using.md says how"


def triggers_of(app: App, bodies: Bodies) -> ASGIApp:
    """Return the app that answers below PREFIX."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return None
        scope["route"] = _ROUTE
        try:
            response = await _answer(app, Request(scope, receive))
        except ProblemError as error:
            response = error.response()
        return await response(scope, receive, send)

    return Bounded(answering, check_is_json, bodies, TRIGGER_BODY_BYTES)


async def _answer(app: App, request: Request) -> Response:
    name = request.url.path.removeprefix(PREFIX)
    if not name or "/" in name:
        raise not_found(f"There is nothing at {request.url.path[:200]}.", f"Post to {PREFIX}NAME")
    if request.method != "POST":
        detail = f"{request.method} can't be used on {PREFIX}{name[:60]}."
        raise trouble(HTTPStatus.METHOD_NOT_ALLOWED, "method", detail, "Use POST", {"Allow": "POST"})
    if why := app.unready:
        raise unavailable(why)
    posted = Posted({key.lower(): value for key, value in request.headers.items()}, await request.body())
    return await _answered(partial(_taken, app, name, posted))


async def _taken(app: App, name: str, posted: Posted) -> Response:
    taken = await app.work.hooks.take(name, posted)
    if isinstance(taken, Passed):
        return JSONResponse({"trigger": name, "ignored": taken.why}, HTTPStatus.OK)
    body = {"trigger": name, "id": taken.run_id, "is_repeat": taken.is_repeat}
    body |= {"ids": list(taken.run_ids)} if len(taken.run_ids) > 1 else {}
    return JSONResponse(body, HTTPStatus.ACCEPTED, {"Location": f"/v1/runs/{taken.run_id}"})


async def _answered(work: Callable[[], Awaitable[Response]]) -> Response:
    """Return the answer of `work`, or raise its error as a problem. Raises ProblemError."""
    try:
        return await work()
    except NotSigned:
        raise _not_signed() from None
    except SaysoError as error:
        raise problem_of(error) from error
    except Exception:
        log.exception("failed")
        detail = "Something went wrong here that should not. It is in the log."
        do = "Tell the operators when you sent this"
        raise trouble(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail, do) from None


def _not_signed() -> ProblemError:
    """The same for each reason: whoever guesses learns nothing, and the log has it."""
    detail = "There is no such trigger, or the request is not signed as it wants, or not now."
    do = f"Check the name, the secret, and the clock; {_DOCS}"
    return trouble(HTTPStatus.UNAUTHORIZED, "not-signed", detail, do, {"WWW-Authenticate": 'Signature realm="sayso"'})
