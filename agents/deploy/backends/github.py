"""GitHub's REST API, as far as deploys need it: checks of a commit, and runs of a workflow. All it says is data.

https://docs.github.com/en/rest/actions/workflows, …/actions/workflow-runs, …/checks/runs, …/commits/statuses
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast
from urllib.parse import quote

from agents.deploy.backends import Call, Examined, fine, wrong
from agents.deploy.backends.api import SAID_CHARS, TIMEOUT_S, Answer, Api, ApiFailed, Json, number, objects, text
from agents.deploy.backends.ci_status import CIStatus, ci_status
from agents.deploy.backends.remote import KEY_PLACE, LOOK_PAUSE_S, Job, RemoteBackend
from agents.deploy.lookup import LookFailed
from agents.text import one_line
from language import say

ADDRESS = "https://api.github.com"
_PAGE = 100
_KEY = re.compile(r"[A-Za-z0-9-]{8,80}")
_HINT = "Look at SAYSO_GITHUB_TOKEN, what it may do, and at the names in the configuration"
_UNKNOWN_RIGHTS = "GitHub tells what a fine-grained token may read, and not whether it may dispatch"


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository on GitHub (`org/repo`) and the API that has it. `token` is asked for nothing but that.

    With a `workflow` (`deploy.yml`) its dispatch at `ref`, a branch or tag, is what deploys.
    """

    repository: str
    base_url: str = ADDRESS
    token: str = field(default="", repr=False)
    workflow: str = ""
    ref: str = "main"


class GitHub:
    """One repository at GitHub, and how its checks stand."""

    def __init__(self, hub: Hub, timeout_s: float = TIMEOUT_S) -> None:
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if hub.token:
            headers["Authorization"] = f"Bearer {hub.token}"
        self.api = Api("GitHub", f"{hub.base_url.rstrip('/')}/repos/{hub.repository}", headers, _HINT, timeout_s)
        self._hub = hub

    @property
    def name(self) -> str:
        """See `Checks`."""
        return self.api.name

    @property
    def server(self) -> str:
        """See `Checks`."""
        return self._hub.base_url

    async def checks(self, commit: str) -> CIStatus:
        """See `Checks`; commit statuses are checks, too."""
        runs, combined = await asyncio.gather(
            self.api.get(f"commits/{commit}/check-runs?per_page={_PAGE}"),
            self.api.get(f"commits/{commit}/status?per_page={_PAGE}"),
        )
        found = [
            (text(one, "name"), text(one, "conclusion") if one.get("status") == "completed" else "")
            for one in _rows(runs, "check_runs")
        ]
        states = {"success": "success", "pending": ""}
        found += [
            (text(one, "context"), states.get(text(one, "state"), "failure")) for one in _rows(combined, "statuses")
        ]
        return ci_status(found, _count(runs, "check_runs") + _count(combined, "statuses"))


class Workflow(RemoteBackend):
    """Deploys by a workflow of GitHub Actions.

    It declares the inputs `commit`, `environment` and `sayso_key`, and has the last one in its run's name (`run-name:
    Deploy ${{ inputs.commit }} [${{ inputs.sayso_key }}]`), by which the run is found.
    """

    def __init__(self, hub: Hub, environment: str, look_pause_s: float = LOOK_PAUSE_S) -> None:
        self._api, self._hub, self._environment = GitHub(hub).api, hub, environment
        self.look_pause_s = look_pause_s
        self._path = f"actions/workflows/{quote(hub.workflow, safe='')}"

    @property
    def title(self) -> str:
        """See `RemoteBackend`."""
        return say("deploy.workflow", name=self._hub.workflow)

    @property
    def server(self) -> str:
        """See `Backend`."""
        return self._hub.base_url

    @property
    def address(self) -> str:
        """See `RemoteBackend`."""
        return self._api.url(f"{self._path}/dispatches")

    async def prepare(self, commit: str) -> Call:
        """See `Backend`."""
        inputs = {"commit": commit, "environment": self._environment, "sayso_key": KEY_PLACE}
        return Call(("POST", self.address, json.dumps({"ref": self._hub.ref, "inputs": inputs})))

    async def begin(self, body: Json, key: str) -> str:
        """See `RemoteBackend`; Enterprise Server may not tell which run it began."""
        body = {"ref": body["ref"], "inputs": {**body["inputs"], "sayso_key": key}}
        try:
            answer = await self._api.ask("POST", self.address, {**body, "return_run_details": True})
        except ApiFailed as error:
            # Older ones do not know the key, and refuse the whole call because of it.
            if not error.refused or "return_run_details" not in str(error):
                raise
            answer = await self._api.ask("POST", self.address, body)
        return number(answer.row, "workflow_run_id") if answer.status == HTTPStatus.OK else ""

    async def find(self, handle: str) -> Job | None:
        """See `RemoteBackend`; a key is looked for in the names of the newest 100 runs that were dispatched."""
        if handle.isdecimal():
            found = _job(await self._api.get(f"actions/runs/{handle}"))
            if found is None or found.handle != handle:
                raise ApiFailed(f"GitHub's answer about run {handle} can't be read")
            return found
        if not _KEY.fullmatch(handle):
            raise ApiFailed("a key to look for has 8 to 80 letters, digits and hyphens")
        said = await self._api.get(f"{self._path}/runs?event=workflow_dispatch&per_page={_PAGE}")
        name = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(handle)}(?![A-Za-z0-9-])")
        rows = (row for row in _rows(said, "workflow_runs") if name.search(text(row, "display_title")))
        jobs = [job for job in map(_job, rows) if job]
        return min(jobs, key=lambda job: int(job.handle)) if jobs else None

    async def stop(self, job: Job) -> None:
        """See `RemoteBackend`. https://docs.github.com/en/rest/actions/workflow-runs#cancel-a-workflow-run"""
        await self._api.ask("POST", self._api.url(f"actions/runs/{job.handle}/cancel"))

    async def examine(self) -> tuple[Examined, ...]:
        """See `Backend`: whether the workflow is there, and the token may dispatch it."""
        fix = f"correct deploy.environments.{self._environment}.github, or SAYSO_GITHUB_TOKEN"
        if not self._hub.token:
            return (wrong(self.title, "SAYSO_GITHUB_TOKEN is not set", "SAYSO_GITHUB_TOKEN=…"),)
        try:
            state = one_line(text(await self._api.get(self._path), "state"), SAID_CHARS) or "unknown"
            if state != "active":
                return (wrong(self.title, f"the workflow is {state}, not active", fix),)
            may = _may_dispatch(await self._api.ask("GET", self._api.url("")))
        except LookFailed as error:
            return (wrong(self.title, str(error), fix),)
        return (fine(f"GitHub has the workflow {self._hub.workflow}"), _right(self.title, may))


def _may_dispatch(repository: Answer) -> bool | None:
    """Return whether the token may begin runs; None where GitHub does not tell.

    It tells the role in the repository, and the scopes of a classic token; of a fine-grained one nothing more.
    https://docs.github.com/en/rest/repos/repos#get-a-repository
    https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
    """
    role: object = repository.row.get("permissions")
    if isinstance(role, dict) and cast("Json", role).get("push") is False:
        return False
    if "x-oauth-scopes" not in repository.headers:
        return None
    scopes = {scope.strip() for scope in repository.headers["x-oauth-scopes"].split(",")}
    if "repo" in scopes:
        return True
    return None if "public_repo" in scopes and repository.row.get("private") is False else False


def _right(title: str, may: bool | None) -> Examined:
    """Whether the token may dispatch the workflow, as far as GitHub tells."""
    if may:
        return fine(f"{title}: the token may dispatch it")
    fix = "give the token write access to Actions of that repository (classic tokens: the scope repo)"
    if may is None:
        return Examined(f"{title}: dispatching it", None, f"see at GitHub: {fix}", _UNKNOWN_RIGHTS)
    return wrong(title, "the token may not dispatch it", fix)


def _job(row: Json) -> Job | None:
    run_id = number(row, "id")
    if not run_id:
        return None
    end = (text(row, "conclusion") or "unknown") if row.get("status") == "completed" else ""
    return Job(run_id, one_line(end, SAID_CHARS), one_line(text(row, "html_url"), SAID_CHARS))


def _rows(said: Json, key: str) -> list[Json]:
    rows: object = said.get(key)
    if not isinstance(rows, list):
        raise ApiFailed(f"GitHub's answer holds no {key}")
    return objects(cast("list[object]", rows))


def _count(said: Json, key: str) -> int:
    total = said.get("total_count")
    return total if isinstance(total, int) else len(_rows(said, key))
