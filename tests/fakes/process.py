"""A stand-in as a process of its own, which takes orders beside what it stands in for."""

import contextlib
import json
import socket
import urllib.request
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.kit.programs import Beside


@dataclass(frozen=True, slots=True)
class Ordered:
    """A running server at `base_url`: `POST /_set` tells it how to be, `GET /_seen` gives what was begun, and `POST
    /_reset` makes it forget both.
    """

    base_url: str

    def is_now(self, **how: object) -> None:
        """Be so from now on; see `Fake` in the server."""
        self.call("/_set", how)

    def forgets(self) -> None:
        """Be as at the start."""
        self.call("/_reset", {})

    def begun(self) -> list[dict[str, Any]]:
        """The bodies of all calls that began something, or were about to."""
        return json.loads(self.call("/_seen"))

    def call(self, path: str, body: object = None) -> bytes:
        """Give one order."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.base_url + path, data, timeout=60) as answer:  # noqa: S310
            return answer.read()


@contextlib.contextmanager
def started(module: str, *words: str) -> Generator[str]:
    """Run `python -m module`, which prints its port first; its address, gone afterwards."""
    with Beside(module, *words) as server:
        yield f"http://127.0.0.1:{server.line.strip()}"


class Orders:
    """The server's side of `Ordered`: its fields are the orders, and `seen` is what was begun."""

    seen: list[dict[str, Any]]

    def app(self, routes: Sequence[Route]) -> Starlette:
        """The stand-in with `routes`, and those by which it takes orders."""
        ours = [
            Route("/_reset", self._reset, methods=["POST"]),
            Route("/_set", self._set, methods=["POST"]),
            Route("/_seen", self._told),
        ]
        return Starlette(routes=[*ours, *routes])

    async def _reset(self, _: Request) -> Response:
        self.__dict__ |= type(self)().__dict__
        return Response(status_code=204)

    async def _set(self, request: Request) -> Response:
        for name, value in (await request.json()).items():
            setattr(self, name, value)
        return Response(status_code=204)

    async def _told(self, _: Request) -> Response:
        return JSONResponse(self.seen)


async def serve(app: Starlette) -> None:
    """Serve until killed, on a free loopback port, which is printed first."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201
    config = uvicorn.Config(app, log_level="critical", lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listener])
