"""A real git repository with releases, and environments that deploy from it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pydantic import JsonValue

from agents import ChildRun, CommandResult, Mailed, ToolRefused, Variables
from agents.deploy import Environment
from agents.requests import RunId
from agents.run import Run

_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Anna"), ("EMAIL", "anna@corp.example"))
}


@dataclass(frozen=True)
class Repo:
    """A repository whose `live-ENVIRONMENT` files say what is live."""

    path: Path

    def git(self, *args: str, day: int = 1) -> str:
        dates = {f"GIT_{role}_DATE": f"2026-01-{day:02}T12:00:00Z" for role in ("AUTHOR", "COMMITTER")}
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **_WHO, **dates}
        done = subprocess.run(
            ["git", *args], check=True, cwd=self.path, env=environment, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, subject: str, tag: str = "", day: int = 1) -> str:
        self.git("commit", "--quiet", "--allow-empty", "--message", subject, day=day)
        if tag:
            self.git("tag", tag, day=day)
        return self.git("rev-parse", "HEAD")

    def commits(self, count: int, subject: str) -> None:
        """Make so many empty commits at once on the branch that is checked out."""
        branch, stream = self.git("symbolic-ref", "HEAD"), ""
        for number in range(1, count + 1):
            message = f"{subject} {number}"
            base = f"from {branch}^0\n" if number == 1 else ""
            who = "committer Anna <anna@corp.example> 1767300000 +0000"
            stream += f"commit {branch}\n{who}\ndata {len(message)}\n{message}\n{base}\n"
        subprocess.run(["git", "fast-import", "--quiet"], check=True, cwd=self.path, input=stream.encode())

    def puts_live(self, commit: str, environment: str = "production") -> None:
        (self.path / f"live-{environment}").write_text(commit + "\n")

    def environment(self, name: str = "production", policy: str | None = "production") -> Environment:
        return Environment(
            name=name,
            policy=policy,
            repo=self.path,
            command=("sh", "-c", 'echo "$1" >"live-$2"; echo released', "deploy", "{commit}", "{environment}"),
            live=("cat", "live-{environment}"),
            timeout_s=20.0,
        )

    def environment_running(self, *command: str) -> Environment:
        return replace(self.environment(), command=command)


def make_repo(path: Path) -> Repo:
    """Releases v1.0.0, v1.1.0, v1.2.0, with v1.0.0 live in production."""
    shutil.copytree(_released().name, path)
    return Repo(path)


@cache
def _released() -> tempfile.TemporaryDirectory[str]:
    """Made once, and copied: git is asked a dozen times for it."""
    folder = tempfile.TemporaryDirectory(prefix="sayso-repo-")
    repo = Repo(Path(folder.name))
    repo.git("init", "--quiet", "--template=", "--initial-branch=main")
    (repo.path / ".git" / "hooks").mkdir()
    repo.puts_live(repo.commit("Begin", "v1.0.0", day=1))
    repo.commit("Add search", day=2)
    repo.commit("Fix the footer", "v1.1.0", day=3)
    repo.commit("Faster start", "v1.2.0", day=4)
    return folder


@dataclass
class PlainHands:
    """Hands that run a command right here, and remember how they were asked."""

    key: str = "key"
    asked: tuple[tuple[str, ...], str, float] | None = None
    cwd: Path | None = None
    report: str = ""
    run: Run = field(default_factory=Run)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def start_run(
        self,
        agent: str,
        text: str,
        *,
        key: str = "",
        context: Mapping[str, JsonValue] | None = None,
        with_files: bool = False,
    ) -> RunId:
        raise ToolRefused("nobody starts runs here")

    async def child(self, run_id: RunId) -> ChildRun:
        raise ToolRefused("there are no runs here")

    async def stop_child(self, run_id: RunId) -> None:
        raise ToolRefused("there are no runs here")

    async def notify(self, to: str, title: str | Callable[[], str], text: str) -> None:
        raise ToolRefused("there is nobody here")

    async def mail(self, raw: bytes, to: str) -> None:
        raise ToolRefused("nobody sends mail here")

    async def mailed(self) -> Mailed | None:
        return None

    async def command(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        lock: str,
        timeout_s: float,
        commit: str = "",
        variables: Callable[[], Awaitable[Variables]] | None = None,
    ) -> CommandResult:
        self.asked, self.cwd = (tuple(argv), lock, timeout_s), cwd
        given = {"PATH": os.environ["PATH"], **((await variables()).values if variables else {})}
        child = await asyncio.create_subprocess_exec(
            *argv, cwd=cwd, env=given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            out, _ = await asyncio.wait_for(child.communicate(), timeout_s)
        except TimeoutError:
            child.kill()
            await child.communicate()
            return CommandResult(None, "")
        return CommandResult(child.returncode, out.decode())
