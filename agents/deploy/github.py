"""GitHub's REST API, as far as deploys need it: checks of a commit, and runs of a workflow. All it says is data.

https://docs.github.com/en/rest/actions/workflows, …/actions/workflow-runs, …/checks/runs, …/commits/statuses
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from agents.deploy.environment import Hub
from agents.deploy.lookup import LookFailed
from agents.text import one_line

if TYPE_CHECKING:
    import httpx2

# Nobody waits longer for one answer, and nobody reads more of it.
TIMEOUT_S = 8.0
_ANSWER_BYTES = 4_000_000
_PAGE = 100
_SAID_CHARS = 200
_SHOWN_NAMES, _NAME_CHARS = 5, 40
# An answer with one of these means that nothing was begun. Others may come from a proxy that gave up waiting.
_NOTHING_DONE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY,
                 HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS)  # fmt: skip
_GOOD = {"success", "neutral", "skipped"}
_KEY = re.compile(r"[A-Za-z0-9-]{8,80}")

Json = dict[str, Any]


class GitHubFailed(LookFailed):
    """GitHub gave no usable answer. `refused`: it certainly did not do what it was asked to."""

    def __init__(self, what: str, *, refused: bool = False) -> None:
        super().__init__(what)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run of a workflow; `conclusion` is empty until it has ended."""

    id: int
    conclusion: str
    url: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of all checks, in one line; the `lines` are each of them, and `unread` says why not all."""

    text: str
    lines: tuple[str, ...] = ()
    unread: str = ""


class GitHub:
    """One repository at GitHub. Every call is one short connection; redirects are not followed with the token."""

    def __init__(self, hub: Hub, timeout_s: float = TIMEOUT_S) -> None:
        self._hub, self._timeout_s = hub, timeout_s

    def url(self, path: str) -> str:
        """The address of `path` below the repository."""
        return f"{self._hub.base_url.rstrip('/')}/repos/{self._hub.repository}/{path}"

    @property
    def dispatch_url(self) -> str:
        """The URL at which a run of the workflow is asked for."""
        return self.url(f"actions/workflows/{quote(self._hub.workflow, safe='')}/dispatches")

    async def checks(self, commit: str) -> Standing:
        """Return how the checks and statuses of `commit` stand: `passed`, `failed: …`, `running: …` or `unknown: …`."""
        runs, combined = await asyncio.gather(
            self._get(f"commits/{commit}/check-runs?per_page={_PAGE}"),
            self._get(f"commits/{commit}/status?per_page={_PAGE}"),
        )
        checks = [
            (_text(one, "name"), _text(one, "conclusion") if one.get("status") == "completed" else "")
            for one in _rows(runs, "check_runs")
        ]
        states = {"success": "success", "pending": ""}
        checks += [
            (_text(one, "context"), states.get(_text(one, "state"), "failure")) for one in _rows(combined, "statuses")
        ]
        return _standing(checks, _count(runs, "check_runs") + _count(combined, "statuses"))

    async def dispatch(self, ref: str, inputs: Mapping[str, str]) -> int | None:
        """Begin a run of the workflow at `ref`; its id where this GitHub tells it (Enterprise Server may not).

        Raises GitHubFailed: unless it was `refused`, the run may have begun all the same.
        """
        body = {"ref": ref, "inputs": dict(inputs)}
        try:
            status, _, said = await self._ask("POST", self.dispatch_url, {**body, "return_run_details": True})
        except GitHubFailed as error:
            # Older ones do not know the key, and refuse the whole call because of it.
            if not error.refused or "return_run_details" not in str(error):
                raise
            status, _, said = await self._ask("POST", self.dispatch_url, body)
        run_id = said.get("workflow_run_id")
        return run_id if status == HTTPStatus.OK and isinstance(run_id, int) else None

    async def check_workflow(self) -> None:
        """Look whether the workflow is there, and may be run. Raises GitHubFailed."""
        said = await self._get(f"actions/workflows/{quote(self._hub.workflow, safe='')}")
        if _text(said, "state") != "active":
            raise GitHubFailed(
                f"the workflow is {one_line(_text(said, 'state'), _SAID_CHARS) or 'unknown'}, not active"
            )

    async def may_dispatch(self) -> bool | None:
        """Return whether the token may begin runs; None where GitHub does not tell. Raises GitHubFailed.

        It tells the role in the repository, and the scopes of a classic token; of a fine-grained one nothing more.
        https://docs.github.com/en/rest/repos/repos#get-a-repository
        https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
        """
        _, headers, said = await self._ask("GET", self.url("").rstrip("/"))
        role: object = said.get("permissions")
        if not self._hub.token or (isinstance(role, dict) and cast("Json", role).get("push") is False):
            return False
        if "x-oauth-scopes" not in headers:
            return None
        scopes = {scope.strip() for scope in headers["x-oauth-scopes"].split(",")}
        if "repo" in scopes:
            return True
        return None if "public_repo" in scopes and said.get("private") is False else False

    async def run(self, run_id: int) -> WorkflowRun:
        """One run of a workflow. Raises GitHubFailed."""
        found = _run(await self._get(f"actions/runs/{run_id}"))
        if found is None or found.id != run_id:
            raise GitHubFailed(f"GitHub's answer about run {run_id} can't be read")
        return found

    async def find(self, key: str) -> WorkflowRun | None:
        """The run whose name holds `key`, among the newest 100 that were dispatched. Raises GitHubFailed."""
        if not _KEY.fullmatch(key):
            raise GitHubFailed("a key to look for has 8 to 80 letters, digits and hyphens")
        workflow = quote(self._hub.workflow, safe="")
        said = await self._get(f"actions/workflows/{workflow}/runs?event=workflow_dispatch&per_page={_PAGE}")
        name = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(key)}(?![A-Za-z0-9-])")
        rows = (row for row in _rows(said, "workflow_runs") if name.search(_text(row, "display_title")))
        found = [run for run in map(_run, rows) if run]
        return min(found, key=lambda run: run.id) if found else None

    async def _get(self, path: str) -> Json:
        return (await self._ask("GET", self.url(path)))[2]

    async def _ask(self, method: str, url: str, body: Json | None = None) -> tuple[int, Mapping[str, str], Json]:
        """Return the status of the answer, its headers by names in lower case, and what it says."""
        import httpx2  # noqa: PLC0415 - most have no environment that is at GitHub

        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "sayso",
        }
        if self._hub.token:
            headers["Authorization"] = f"Bearer {self._hub.token}"
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                httpx2.AsyncClient(timeout=self._timeout_s, follow_redirects=False) as client,
                client.stream(method, url, json=body, headers=headers) as answer,
            ):
                content = await _read(answer)
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            was_never_sent = isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
            why = f"GitHub can't be reached at {self._hub.base_url}: {type(error).__name__}"
            raise GitHubFailed(why, refused=was_never_sent) from error
        said = _json(content)
        if not answer.is_success:
            raise _failed(answer.status_code, said)
        return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, said


async def _read(answer: "httpx2.Response") -> bytes:
    content = bytearray()
    async for piece in answer.aiter_bytes():
        content += piece
        if len(content) > _ANSWER_BYTES:
            raise GitHubFailed("GitHub's answer is larger than any we can use")
    return bytes(content)


def _json(content: bytes) -> Json:
    try:
        found: object = json.loads(content)
    except ValueError:
        return {}
    return cast("Json", found) if isinstance(found, dict) else {}


def _failed(status: int, said: Json) -> GitHubFailed:
    words = one_line(_text(said, "message"), _SAID_CHARS)
    fix = ""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        fix = ". Look at SAYSO_GITHUB_TOKEN, what it may do, and at the names in the configuration"
    return GitHubFailed(f"GitHub answered {status}: {words or 'no reason'}{fix}", refused=status in _NOTHING_DONE)


def _run(row: Json) -> WorkflowRun | None:
    run_id = row.get("id")
    if not isinstance(run_id, int):
        return None
    conclusion = (_text(row, "conclusion") or "unknown") if row.get("status") == "completed" else ""
    return WorkflowRun(run_id, one_line(conclusion, _SAID_CHARS), one_line(_text(row, "html_url"), _SAID_CHARS))


def _standing(checks: list[tuple[str, str]], total: int) -> Standing:
    """Return how all checks stand, each a name and its end, empty while there is none."""
    lines = tuple(f"{one_line(end, _NAME_CHARS) or 'running'}: {one_line(name, _SAID_CHARS)}" for name, end in checks)
    unread = f"there are {total} checks, and only {len(checks)} were read" if total > len(checks) else ""
    return Standing(_in_a_word(checks, total), lines, unread)


def _in_a_word(checks: list[tuple[str, str]], total: int) -> str:
    bad = [name for name, end in checks if end and end not in _GOOD]
    running = [name for name, end in checks if not end]
    if bad:
        return f"failed: {_names(bad)}"
    if total > len(checks):
        return f"unknown: there are {total} checks, and only {len(checks)} were read"
    if running:
        return f"running: {_names(running)}"
    return f"passed ({total} checks)" if checks else "unknown: this commit has no checks"


def _names(names: list[str]) -> str:
    shown = ", ".join(one_line(name, _NAME_CHARS) for name in names[:_SHOWN_NAMES])
    return f"{shown} and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else shown


def _rows(said: Json, key: str) -> list[Json]:
    rows: object = said.get(key)
    if not isinstance(rows, list):
        raise GitHubFailed(f"GitHub's answer holds no {key}")
    return [cast("Json", row) for row in cast("list[object]", rows) if isinstance(row, dict)]


def _count(said: Json, key: str) -> int:
    total = said.get("total_count")
    return total if isinstance(total, int) else len(_rows(said, key))


def _text(row: Json, key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""
