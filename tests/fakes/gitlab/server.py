"""A stand-in for GitLab's REST API, as a process of its own: `python -m tests.fakes.gitlab.server`.

It prints its port and speaks, for the one project `acme/web/shop`, what that is, the statuses of a commit, and its
pipelines: make one, list them, one of them, cancel one. It refuses what the real one refuses: a wrong token, a branch
that is not there, variables that nobody may set. Beside that `POST /_set` tells it how to be (see `Fake`), `POST /_end`
gives a pipeline a status, and `GET /_seen` gives the bodies of what was asked to be made.
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.process import Orders, serve

TOKEN = "gl-test-token"
# The path of a project stands in an address as one part, with its slashes escaped; here it arrives with them.
_PROJECT = "/api/v4/projects/acme/web/shop"

Json = dict[str, Any]


@dataclass
class Fake(Orders):
    """The orders for this server, and what it has seen.

    `answers`: `details` (201), `lost` (it begins, and the connection breaks) or `never` (it does not begin, and the
    connection breaks). `name` is the pipeline's name, filled in from its variables. `down` is a status for everything
    that looks. `may_set` is whether anybody may set variables of a pipeline.
    """

    answers: str = "details"
    name: str = "Deploy $SAYSO_COMMIT to $SAYSO_ENVIRONMENT [$SAYSO_KEY]"
    down: int = 0
    may_set: bool = True
    statuses: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    total: int = 0
    pipelines: list[Json] = field(default_factory=list[Json])
    seen: list[Json] = field(default_factory=list[Json])

    async def end(self, request: Request) -> Response:
        told = await request.json()
        next(one for one in self.pipelines if one["id"] == told["id"])["status"] = told["status"]
        return Response(status_code=204)

    async def project(self, request: Request) -> Response:
        return self._looked(request, {"id": 7, "path_with_namespace": "acme/web/shop"})

    async def commit_statuses(self, request: Request) -> Response:
        found = self.statuses.get(request.path_params["sha"], [])
        answer = self._looked(request, found)
        answer.headers["X-Total"] = str(self.total or len(found))
        return answer

    async def listed(self, request: Request) -> Response:
        newest = list(reversed(self.pipelines))[: int(request.query_params.get("per_page", 20))]
        return self._looked(request, newest)

    async def one(self, request: Request) -> Response:
        found = [one for one in self.pipelines if one["id"] == request.path_params["id"]]
        return self._looked(request, found[0]) if found else _error(404, "404 Not found")

    async def cancel(self, request: Request) -> Response:
        found = next(one for one in self.pipelines if one["id"] == request.path_params["id"])
        if refused := _refused(request):
            return refused
        found["status"] = "canceled"
        return JSONResponse(found)

    async def make(self, request: Request) -> Response:
        body: Json = await request.json()
        if refused := _refused(request) or self._wrong(body):
            return refused
        self.seen.append(body)
        if self.answers == "never":
            raise ConnectionResetError
        made = self._begin(body)
        if self.answers == "lost":
            raise ConnectionResetError
        return JSONResponse(made, 201)

    def _begin(self, body: Json) -> Json:
        number = 4_000 + len(self.pipelines)
        values = {row["key"]: row["value"] for row in body.get("variables", [])}
        name = re.sub(r"\$(\w+)", lambda place: str(values.get(place[1], "")), self.name)
        made: Json = {"id": number, "ref": body["ref"], "status": "created", "source": "api", "name": name}
        made["web_url"] = f"https://gitlab.test/acme/web/shop/-/pipelines/{number}"
        self.pipelines.append(made)
        return made

    def _wrong(self, body: Json) -> Response | None:
        if body["ref"] != "main":
            return _error(400, {"base": ["Reference not found"]})
        return None if self.may_set else _error(400, {"base": ["Insufficient permissions to set pipeline variables"]})

    def _looked(self, request: Request, body: object) -> Response:
        if self.down:
            return Response("<html>Bad gateway</html>", self.down)
        return _refused(request) or JSONResponse(body)

    def served(self) -> Starlette:
        return self.app(
            [
                Route("/_end", self.end, methods=["POST"]),
                Route(_PROJECT, self.project),
                Route(_PROJECT + "/repository/commits/{sha}/statuses", self.commit_statuses),
                Route(_PROJECT + "/pipeline", self.make, methods=["POST"]),
                Route(_PROJECT + "/pipelines", self.listed),
                Route(_PROJECT + "/pipelines/{id:int}", self.one),
                Route(_PROJECT + "/pipelines/{id:int}/cancel", self.cancel, methods=["POST"]),
            ]
        )


def _refused(request: Request) -> Response | None:
    if request.headers.get("private-token") != TOKEN:
        return _error(401, "401 Unauthorized")
    is_one_part = b"/projects/acme%2Fweb%2Fshop" in request.scope["raw_path"]
    return None if is_one_part else _error(404, "404 Project Not Found")


def _error(status: int, message: object) -> Response:
    return JSONResponse({"message": message}, status)


if __name__ == "__main__":
    asyncio.run(serve(Fake().served()))
