"""GitLab's REST API, as far as deploys need it: statuses of a commit, and pipelines that deploy.

https://docs.gitlab.com/api/pipelines/, …/api/commits/#list-the-statuses-of-a-commit
"""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from agents.deploy.backends import Call, Examined, fine, wrong
from agents.deploy.backends.api import SAID_CHARS, TIMEOUT_S, Api, ApiFailed, Json, number, text
from agents.deploy.backends.ci_status import CIStatus, ci_status
from agents.deploy.backends.remote import KEY_PLACE, LOOK_PAUSE_S, Job, RemoteBackend
from agents.deploy.lookup import LookFailed
from agents.text import one_line
from language import say

ADDRESS = "https://gitlab.com"
_PAGE = 100
_HINT = "Look at gitlab.token_file, what the token may do, and at the names in the configuration"
# Everything else is under way; a `manual` one waits for somebody at GitLab.
_ENDS = {"success", "failed", "canceled", "skipped"}
_CHECK_ENDS = {"success": "success", "failed": "failure", "canceled": "cancelled", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Project:
    """A project at GitLab (`group/shop`), and the branch or tag `ref` whose pipeline deploys."""

    path: str
    base_url: str = ADDRESS
    token: str = field(default="", repr=False)
    ref: str = "main"


class GitLab:
    """One project at GitLab, and how its checks stand."""

    def __init__(self, project: Project, timeout_s: float = TIMEOUT_S) -> None:
        base_url = f"{project.base_url.rstrip('/')}/api/v4/projects/{quote(project.path, safe='')}"
        headers = {"PRIVATE-TOKEN": project.token} if project.token else {}
        self.api = Api("GitLab", base_url, headers, _HINT, timeout_s)
        self._project = project

    @property
    def name(self) -> str:
        """See `Checks`."""
        return self.api.name

    @property
    def server(self) -> str:
        """See `Checks`."""
        return self._project.base_url

    async def checks(self, commit: str) -> CIStatus:
        """See `Checks`; each job's newest status counts, and one that is allowed to fail does not."""
        path = f"repository/commits/{commit}/statuses?per_page={_PAGE}"
        answer = await self.api.ask("GET", self.api.url(path))
        found = [
            (text(row, "name"), "neutral" if _may_fail(row) else _CHECK_ENDS.get(text(row, "status"), ""))
            for row in self.api.rows_of(answer)
        ]
        total = answer.headers.get("x-total", "")
        return ci_status(found, int(total) if total.isdecimal() else len(found))


class Pipeline(RemoteBackend):
    """Deploys by a pipeline of GitLab CI.

    It gets the variables SAYSO_COMMIT, SAYSO_ENVIRONMENT and SAYSO_KEY, and has the last one in its name (`workflow:
    name: "Deploy $SAYSO_COMMIT [$SAYSO_KEY]"`, GitLab 15.5), by which it is found.
    """

    def __init__(self, project: Project, environment: str, look_pause_s: float = LOOK_PAUSE_S) -> None:
        self._api, self._project, self._environment = GitLab(project).api, project, environment
        self.look_pause_s = look_pause_s

    @property
    def title(self) -> str:
        """See `RemoteBackend`."""
        return say("deploy.pipeline", project=self._project.path)

    @property
    def server(self) -> str:
        """See `Backend`."""
        return self._project.base_url

    @property
    def address(self) -> str:
        """See `RemoteBackend`."""
        return self._api.url("pipeline")

    async def prepare(self, commit: str) -> Call:
        """See `Backend`."""
        variables = {"SAYSO_COMMIT": commit, "SAYSO_ENVIRONMENT": self._environment, "SAYSO_KEY": KEY_PLACE}
        listed = [{"key": key, "value": value} for key, value in variables.items()]
        return Call(("POST", self.address, json.dumps({"ref": self._project.ref, "variables": listed})))

    async def begin(self, body: Json, key: str) -> str:
        """See `RemoteBackend`."""
        rows = [{**row, "value": key} if row["value"] == KEY_PLACE else row for row in body["variables"]]
        answer = await self._api.ask("POST", self.address, {"ref": body["ref"], "variables": rows})
        found = _job(answer.row)
        return found.handle if found else ""

    async def find(self, handle: str) -> Job | None:
        """See `RemoteBackend`; a key is looked for in the names of the newest 100 pipelines that came by the API."""
        if handle.isdecimal():
            found = _job(await self._api.get(f"pipelines/{handle}"))
            if found is None or found.handle != handle:
                raise ApiFailed(f"GitLab's answer about pipeline {handle} can't be read")
            return found
        rows = await self._api.rows(f"pipelines?source=api&order_by=id&sort=desc&per_page={_PAGE}")
        name = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(handle)}(?![A-Za-z0-9-])")
        jobs = [job for job in (_job(row) for row in rows if name.search(text(row, "name"))) if job]
        return min(jobs, key=lambda job: int(job.handle)) if jobs else None

    async def stop(self, job: Job) -> None:
        """See `RemoteBackend`."""
        await self._api.ask("POST", self._api.url(f"pipelines/{job.handle}/cancel"))

    async def examine(self) -> tuple[Examined, ...]:
        """See `Backend`: whether the project and the branch are there, and what GitLab does not tell."""
        key = f"deploy.environments.{self._environment}.gitlab"
        if not self._project.token:
            return (wrong(self.title, "there is no token", f"set {key}.token_file"),)
        try:
            await self._api.get("")
            await self._api.rows(f"pipelines?ref={quote(self._project.ref, safe='')}&per_page=1")
        except LookFailed as error:
            return (wrong(self.title, str(error), f"correct {key}"),)
        there = fine(f"GitLab has the project {self._project.path} and tells its pipelines")
        fix = "see at GitLab: the token needs the scope api, and its user the right to set pipeline variables"
        return (there, Examined(f"{self.title}: starting it", None, fix, "GitLab does not tell whether it may"))


def _job(row: Json) -> Job | None:
    pipeline = number(row, "id")
    if not pipeline:
        return None
    status = text(row, "status")
    return Job(pipeline, status if status in _ENDS else "", one_line(text(row, "web_url"), SAID_CHARS))


def _may_fail(row: Json) -> bool:
    return row.get("allow_failure") is True and text(row, "status") == "failed"
