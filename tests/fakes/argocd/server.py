"""A stand-in for Argo CD's API, as a process of its own: `python -m tests.fakes.argocd.server`.

It prints its port and speaks, for the one application `shop`: the application with its last operation and history, its
manifests at a revision, a sync, and the end of the running operation. It refuses what the real one refuses: a wrong
token, a sync while another operation runs, a sync to a commit where the application syncs by itself. Beside that `POST
/_set` tells it how to be (see `Fake`), `POST /_end` gives the operation a phase, `POST /_other` is somebody else's
sync, and `GET /_seen` gives the bodies of all syncs that were asked for.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.process import Orders, serve

TOKEN = "argo-test-token"
_SHOP = "/api/v1/applications/shop"

Json = dict[str, Any]


@dataclass
class Fake(Orders):
    """The orders for this server, and what it has seen.

    `answers`: `details` (200), `lost` (it begins, and the connection breaks) or `never` (it does not begin, and the
    connection breaks). `is_slow`: an operation is accepted, and not begun yet. `down` is a status for everything that
    looks. `history` are the revisions that were synced, and `sync` is how what is live compares. `manifests` are those
    of each revision, `{"Kind/name": content}`.
    """

    answers: str = "details"
    is_slow: bool = False
    down: int = 0
    automated: bool = False
    sync: Json = field(default_factory=lambda: {"status": "OutOfSync", "revision": "main"})
    history: list[str] = field(default_factory=list[str])
    manifests: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    operation: Json | None = None
    state: Json | None = None
    seen: list[Json] = field(default_factory=list[Json])

    async def end(self, request: Request) -> Response:
        told = await request.json()
        state = self.state or {"operation": self.operation}
        self.operation, self.state = None, state | told
        if told["phase"] == "Succeeded":
            self.history.append(state["operation"]["sync"]["revision"])
        return Response(status_code=204)

    async def other(self, _: Request) -> Response:
        self.operation = None
        self.state = {"phase": "Succeeded", "operation": {"sync": {"revision": "f" * 40}}}
        return Response(status_code=204)

    async def application(self, request: Request) -> Response:
        status: Json = {"sync": self.sync, "history": [{"id": n, "revision": r} for n, r in enumerate(self.history)]}
        if self.state:
            status["operationState"] = self.state
        body: Json = {"metadata": {"name": "shop"}, "spec": {}, "status": status}
        if self.automated:
            body["spec"] = {"syncPolicy": {"automated": {"prune": True}}}
        if self.operation:
            body["operation"] = self.operation
        return self._looked(request, body)

    async def made(self, request: Request) -> Response:
        revision = request.query_params["revision"]
        found = self.manifests.get(revision)
        if found is None:
            return _error(500, 2, f"rpc error: Unable to resolve '{revision}' to a commit SHA")
        return self._looked(request, {"manifests": [_manifest(*one) for one in found.items()], "revision": revision})

    async def begin(self, request: Request) -> Response:
        body: Json = await request.json()
        if refused := _refused(request) or self._wrong():
            return refused
        self.seen.append(body)
        if self.answers == "never":
            raise ConnectionResetError
        asked: Json = {"sync": {"revision": body["revision"], "prune": body["prune"]}, "info": body.get("infos", [])}
        if self.is_slow:
            self.operation = asked
        else:
            self.state = {"phase": "Running", "operation": asked}
        if self.answers == "lost":
            raise ConnectionResetError
        return JSONResponse({"metadata": {"name": "shop"}, "operation": asked})

    async def terminate(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        if not self.state or self.state["phase"] != "Running":
            return _error(400, 3, "Unable to terminate operation. No operation is in progress")
        self.state["phase"] = "Terminating"
        return JSONResponse({})

    def _wrong(self) -> Response | None:
        if self.automated:
            return _error(400, 9, "Cannot sync to a revision: auto-sync currently set to main")
        is_busy = self.operation or (self.state and self.state["phase"] == "Running")
        return _error(400, 9, "another operation is already in progress") if is_busy else None

    def _looked(self, request: Request, body: Json) -> Response:
        if self.down:
            return Response("<html>Bad gateway</html>", self.down)
        return _refused(request) or JSONResponse(body)

    def served(self) -> Starlette:
        return self.app(
            [
                Route("/_end", self.end, methods=["POST"]),
                Route("/_other", self.other, methods=["POST"]),
                Route(_SHOP, self.application),
                Route(_SHOP + "/manifests", self.made),
                Route(_SHOP + "/sync", self.begin, methods=["POST"]),
                Route(_SHOP + "/operation", self.terminate, methods=["DELETE"]),
            ]
        )


def _manifest(name: str, content: str) -> str:
    kind, _, called = name.partition("/")
    return json.dumps({"kind": kind, "metadata": {"name": called, "namespace": "web"}, "spec": {"content": content}})


def _refused(request: Request) -> Response | None:
    is_known = request.headers.get("authorization") == f"Bearer {TOKEN}"
    return None if is_known else _error(401, 16, "invalid session: token is malformed")


def _error(status: int, code: int, message: str) -> Response:
    return JSONResponse({"error": message, "code": code, "message": message}, status)


if __name__ == "__main__":
    asyncio.run(serve(Fake().served()))
