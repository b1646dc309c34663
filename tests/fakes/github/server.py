"""A stand-in for GitHub's REST API, as a process of its own: `python -m tests.fakes.github.server`.

It prints its port and speaks, for the one repository `acme/shop`, what that is, the checks and the combined status of
a commit, the dispatch of a workflow, the list of its runs, one run and its cancellation. It refuses what the real one
refuses: a wrong token, no user agent, inputs that the workflow does not declare, keys in the body that it does not
know. Beside that `POST /_set` tells it how to be (see `Fake`), `POST /_end` ends a run, and `GET /_seen` gives the
dispatches that came.
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

TOKEN = "gh-test-token"
_REPOSITORY = "/repos/acme/shop"

Json = dict[str, Any]


@dataclass
class Fake(Orders):
    """The orders for this server, and what it has seen.

    `answers`: what a dispatch gives back, `details` (200), `nothing` (204), `old` (204, and it refuses to be asked for
    details), `lost` (it begins, and the connection breaks), `never` (it does not begin, and the connection breaks).
    `run_name` is filled in from the inputs. `down` is a status for everything that looks. `scopes` are those of a
    classic token; None for a fine-grained one, of which GitHub tells none. `role` is what the token's user may do.
    """

    answers: str = "details"
    run_name: str = "Deploy {commit} to {environment} [{sayso_key}]"
    declared: tuple[str, ...] = ("commit", "environment", "sayso_key")
    down: int = 0
    checks: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    statuses: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    total: int = 0
    scopes: str | None = "repo, workflow"
    role: dict[str, bool] = field(default_factory=lambda: {"pull": True, "push": True, "admin": False})
    runs: list[Json] = field(default_factory=list[Json])
    seen: list[Json] = field(default_factory=list[Json])

    async def end(self, request: Request) -> Response:
        told = await request.json()
        run = next(run for run in self.runs if run["id"] == told["id"])
        run |= {"status": "completed", "conclusion": told["conclusion"]}
        return Response(status_code=204)

    async def repository(self, request: Request) -> Response:
        about = {"full_name": "acme/shop", "private": True, "default_branch": "main", "permissions": self.role}
        answer = self._looked(request, about)
        if self.scopes is not None:
            answer.headers["X-OAuth-Scopes"] = self.scopes
        return answer

    async def check_runs(self, request: Request) -> Response:
        found = self.checks.get(request.path_params["sha"], [])
        return self._looked(request, {"total_count": self.total or len(found), "check_runs": found})

    async def status(self, request: Request) -> Response:
        found = self.statuses.get(request.path_params["sha"], [])
        body = {"state": "pending", "total_count": len(found), "statuses": found}
        return self._looked(request, body)

    async def workflow_runs(self, request: Request) -> Response:
        newest = list(reversed(self.runs))[: int(request.query_params.get("per_page", 30))]
        return self._looked(request, {"total_count": len(self.runs), "workflow_runs": newest})

    async def workflow(self, request: Request) -> Response:
        name = request.path_params["workflow"]
        if name != "deploy.yml":
            return _refused(request) or _error(404, "Not Found")
        return self._looked(
            request, {"id": 1, "name": "deploy", "path": f".github/workflows/{name}", "state": "active"}
        )

    async def run(self, request: Request) -> Response:
        found = [run for run in self.runs if run["id"] == request.path_params["id"]]
        return self._looked(request, found[0]) if found else _error(404, "Not Found")

    async def cancel(self, request: Request) -> Response:
        run = next(run for run in self.runs if run["id"] == request.path_params["id"])
        if refused := _refused(request):
            return refused
        if run["status"] == "completed":
            return _error(409, "Cannot cancel a workflow run that is completed.")
        run |= {"status": "completed", "conclusion": "cancelled"}
        return JSONResponse({}, 202)

    async def dispatch(self, request: Request) -> Response:
        body: Json = await request.json()
        if refused := _refused(request) or self._wrong(request, body):
            return refused
        self.seen.append(body)
        if self.answers == "never":
            raise ConnectionResetError
        run = self._begin(body["inputs"])
        if self.answers == "lost":
            raise ConnectionResetError
        if self.answers != "details" or not body.get("return_run_details"):
            return Response(status_code=204)
        return JSONResponse({"workflow_run_id": run["id"], "run_url": run["url"], "html_url": run["html_url"]})

    def _begin(self, inputs: Json) -> Json:
        number = 7_000_000_000 + len(self.runs)
        at = f"https://github.test/acme/shop/actions/runs/{number}"
        title = re.sub(r"\{(\w+)\}", lambda place: str(inputs.get(place[1], "")), self.run_name)
        run: Json = {"id": number, "name": "deploy", "display_title": title, "event": "workflow_dispatch"}
        run |= {"status": "queued", "conclusion": None, "html_url": at, "url": at}
        self.runs.append(run)
        return run

    def _wrong(self, request: Request, body: Json) -> Response | None:
        known = {"ref", "inputs"} | ({"return_run_details"} if self.answers != "old" else set[str]())
        if more := sorted(set(body) - known):
            return _error(422, f'Invalid request.\n\n"{more[0]}" is not a permitted key.')
        if more := sorted(set(body["inputs"]) - set(self.declared)):
            return _error(422, f"Unexpected inputs provided: {more}")
        if request.path_params["workflow"] != "deploy.yml":
            return _error(404, "Not Found")
        return _error(422, f"No ref found for: {body['ref']}") if body["ref"] != "main" else None

    def _looked(self, request: Request, body: Json) -> Response:
        if self.down:
            return Response("<html>Bad gateway</html>", self.down)
        return _refused(request) or JSONResponse(body)

    def served(self) -> Starlette:
        return self.app(
            [
                Route("/_end", self.end, methods=["POST"]),
                Route(_REPOSITORY, self.repository),
                Route(_REPOSITORY + "/commits/{sha}/check-runs", self.check_runs),
                Route(_REPOSITORY + "/commits/{sha}/status", self.status),
                Route(_REPOSITORY + "/actions/workflows/{workflow}/runs", self.workflow_runs),
                Route(_REPOSITORY + "/actions/workflows/{workflow}/dispatches", self.dispatch, methods=["POST"]),
                Route(_REPOSITORY + "/actions/workflows/{workflow}", self.workflow),
                Route(_REPOSITORY + "/actions/runs/{id:int}/cancel", self.cancel, methods=["POST"]),
                Route(_REPOSITORY + "/actions/runs/{id:int}", self.run),
            ]
        )


def _refused(request: Request) -> Response | None:
    if not request.headers.get("user-agent"):
        return _error(403, "Request forbidden by administrative rules.")
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return _error(401, "Bad credentials")
    return None


def _error(status: int, message: str) -> Response:
    return JSONResponse({"message": message, "status": str(status)}, status)


if __name__ == "__main__":
    asyncio.run(serve(Fake().served()))
