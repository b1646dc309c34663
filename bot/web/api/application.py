"""The API as an application: operations, what every request passes first, and how errors are told."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from functools import cache, wraps
from http import HTTPStatus
from typing import Any, cast

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from agents import ToolRefused
from agents.requests import Frozen
from bot.errors import Invalid, SaysoError
from bot.runs.export import FILE_BYTES
from bot.store.watch import FollowingEnds
from bot.web.api import asking, auditing, copying, health, operating, policies, requests, runs, starting, streams
from bot.web.api.docs import answers
from bot.web.api.keyed import Authenticated, Scoped, check_is_json, needs
from bot.web.guards import Bounded
from bot.web.here import Here, here
from bot.web.operations import SERVED, Served
from bot.web.problems import Found, Problem, ProblemError, leaving, not_found, problem_of, trouble
from bot.web.standing import api as standing

_ERRORS_AT_MOST = 20


def application(process: Here) -> FastAPI:
    """The ASGI application over what the process was started with."""
    passing = [
        Middleware(
            Authenticated,
            keyring=process.app.access.keyring,
            unready=lambda: process.app.unready,
            waits=process.waits,
        ),
        Middleware(Scoped, routes=routes()),
        Middleware(Bounded, check=check_is_json, bodies=process.bodies, larger={"POST /v1/runs/import": FILE_BYTES}),
    ]
    api = _operations(passing)
    api.state.here = process
    for kind, answer in _ANSWERS.items():
        api.add_exception_handler(kind, _handler(answer))
    api.openapi = lambda: _described(tuple(process.app.agents))
    api.router.routes.append(Route("/openapi.json", _Description().asked))
    return api


def _operations(passing: Sequence[Middleware]) -> FastAPI:
    api = FastAPI(
        title="sayso",
        version="1",
        summary="Software agents ask people; only the right person's answer makes anything happen.",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,  # theirs is made anew for each who asks
        redirect_slashes=False,
        middleware=passing,
        separate_input_output_schemas=False,
        telemetry={"auto_configure": False},  # what is sent, `bot/wiring/otlp.py` sends
    )
    # As they are: `include_router` would build the models of them all again, 35 ms for each process and test.
    api.router.routes.extend(routes())
    return api


def routes() -> list[BaseRoute]:
    """Return the routes of all operations."""
    parts = (streams, runs, copying, asking, requests, starting, policies, standing, operating, auditing, health)
    return [*(route for part in parts for route in part.router.routes), *map(_route, SERVED)]


def _route(served: Served) -> APIRoute:
    """Serve an operation: the key needs the scope of its right, and whoever holds it the right."""

    @wraps(served.do)
    async def operate(**given: object) -> Frozen:
        await served.check(**given)
        return await served.do(**given)

    return APIRoute(
        served.operation.path,
        operate,
        methods=["POST"],
        operation_id=served.operation.id,
        tags=[served.tag],
        responses=answers(403, 404, 409, 413, 422, shown={200: served.example}),
        dependencies=[Depends(needs(served.operation.action))],
    )


def _handler(
    answer: Callable[[Request, Exception], ProblemError],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return answer(request, error).response()

    return handle


def _invalid(_: Request, error: Exception) -> ProblemError:
    """Says where and what, never the value that was sent: it may be a secret in the wrong place."""
    found = cast("RequestValidationError", error).errors()[:_ERRORS_AT_MOST]
    errors = [Found(where=".".join(str(part)[:60] for part in one["loc"]), what=str(one["msg"])[:300]) for one in found]
    detail = "; ".join(f"{one.where}: {one.what}" for one in errors[:5])
    do = "Correct that; /openapi.json says what is allowed"
    return trouble(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, do, more={"errors": errors})


def _http(request: Request, error: Exception) -> ProblemError:
    status = cast("HTTPException", error).status_code
    if status == HTTPStatus.NOT_FOUND:
        return not_found(f"There is nothing at {request.url.path[:200]}.", "/openapi.json lists what there is")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(_allowed(request)))
        detail = f"{request.method} can't be used on {request.url.path[:200]}."
        return trouble(status, "method", detail, f"Use one of: {allowed}", {"Allow": allowed})
    return trouble(status, "malformed", "The body can't be read.", "Send JSON with Content-Type: application/json")


def _allowed(request: Request) -> set[str]:
    """The methods of all operations at this path; the framework names those of the first one only."""
    paths = [route for route in request.app.routes if isinstance(route, Route | APIRoute)]
    return {method for one in paths if one.path_regex.match(request.url.path) for method in one.methods or ()}


def _broken(_: Request, __: Exception) -> ProblemError:
    detail = "Something went wrong here that should not. It is in the log."
    return trouble(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail, "Tell the operators when you sent this")


_ANSWERS: dict[type[Exception], Callable[[Request, Exception], ProblemError]] = {
    ProblemError: lambda _, error: cast("ProblemError", error),
    RequestValidationError: _invalid,
    HTTPException: _http,
    SaysoError: lambda _, error: problem_of(cast("SaysoError", error)),
    ToolRefused: lambda _, error: problem_of(Invalid(str(error), "Correct that and send it again")),
    FollowingEnds: lambda _, __: leaving(),
    Exception: _broken,
}


class _Description:
    """Tells the description: many may ask, it is large, and while it is made all others are answered."""

    def __init__(self) -> None:
        self._bytes, self._one = b"", asyncio.Lock()

    async def asked(self, request: Request) -> Response:
        if not self._bytes:
            async with self._one:
                self._bytes = self._bytes or await asyncio.to_thread(_bytes, tuple(here(request).app.agents))
        return Response(self._bytes, media_type="application/json")


@cache
def _bytes(agents: tuple[str, ...]) -> bytes:
    return json.dumps(_described(agents), ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _described(agents: tuple[str, ...]) -> dict[str, Any]:
    """The OpenAPI description, with what this installation has."""
    described = deepcopy(description())
    described["components"]["schemas"]["RunWanted"]["properties"]["agent"] |= {
        "anyOf": [{"enum": list(agents)}, {"type": "null"}]
    }
    return described


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI description as it is for every installation. It takes most of a second to make."""
    described = _operations(()).openapi()
    schemas = described["components"]["schemas"]
    problem = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
    schemas |= {name: schema for name, schema in problem.pop("$defs").items() if name not in schemas}
    schemas["Problem"] = problem
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return described
