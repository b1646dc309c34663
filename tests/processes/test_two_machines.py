"""Two machines, which are two data directories, on one Redis: one deploy of an environment at a time all the same."""

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from agents.events import RequestOpened, ToolFinished, ToolOrphaned, ToolStarted
from agents.requests import Happened
from bot.config.example import example_toml
from bot.config.settings import load
from bot.dev.demo import make_demo
from tests.kill.reading import runs_in
from tests.kit.waiting import wait_until
from tests.processes.post import Post
from tests.processes.programs import KEY, Program, RedisServer

pytestmark = pytest.mark.long

E = TypeVar("E", bound=Happened)
READY = '"event":"ready"'
WAITS = '"event":"waits for its turn"'
QUICK = "lease_s = 1\ngrace_s = 1\nsweep_s = 0.1\n"
SLOW = """#!/bin/sh
echo "$$ $PPID" >{folder}/running
echo "begun $2" >>{folder}/deploys
while [ ! -e {folder}/go ]; do sleep 0.02; done
echo "ended $2" >>{folder}/deploys
exec ./deploy.sh "$@"
"""


class Machines:
    """Two data directories with the same settings, and one repository."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        self.folder, self.redis = folder, redis
        slow = folder / "slow.sh"
        slow.write_text(SLOW.format(folder=folder))
        slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
        toml = example_toml(make_demo(folder / "first" / "demo")).replace('"./deploy.sh"', f'"{slow}"')
        for name in ("first", "second"):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / "sayso.toml").write_text(QUICK + toml)
        self.environ = {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
            "SAYSO_MAIL_LOCAL": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.post = Post(load(folder / "first", self.environ))

    def program(self, machine: str, word: str) -> Program:
        log = self.folder / f"{machine}-{word}.log"
        return Program([word, "--data", str(self.folder / machine)], self.environ, log)

    def deploys(self) -> list[str]:
        """`begun` and `ended`, in the order in which deploys wrote them."""
        log = self.folder / "deploys"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    def go(self) -> None:
        (self.folder / "go").touch()

    def events(self, kind: type[E]) -> list[E]:
        """Return what happened in any run, oldest first."""
        connection = self.redis.connect()
        try:
            found = [event for events in runs_in(connection).values() for event in events]
        finally:
            connection.close()
        return sorted((event for event in found if isinstance(event, kind)), key=lambda event: event.at)

    def first_deploys(self) -> None:
        """A deploy to staging has begun, and waits to be let go."""
        self.post.write("anna", "deploy v1.1.0 to staging")
        wait_until(lambda: self.deploys() == ["begun"], 30, "a deploy")


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with RedisServer(tmp_path / "redis") as redis:
        machines = Machines(tmp_path, redis.start())
        yield machines
        machines.go()
        shutil.rmtree(tmp_path / "first", ignore_errors=True)


def test_a_deploy_waits_for_one_that_another_machine_runs_although_its_worker_has_gone(machines: Machines) -> None:
    with machines.program("first", "mail") as mail, machines.program("first", "worker") as first:
        mail.wait_for(READY)
        first.wait_for(READY)
        machines.first_deploys()
        first.signal(signal.SIGTERM)
        first.ended()
        with machines.program("second", "worker") as second:
            second.wait_for(READY)
            machines.post.write("anna", "deploy v1.2.0 to staging")
            second.wait_for(WAITS)
            wait_until(lambda: machines.events(ToolOrphaned), 30, "word that nobody knows of the first")

            assert machines.deploys() == ["begun"]
            machines.go()
            wait_until(lambda: machines.deploys() == ["begun", "ended"] * 2, 60, "both deploys")


def test_a_deploy_begins_after_a_dead_machine_only_once_nobody_knows_is_known(machines: Machines) -> None:
    with machines.program("first", "mail") as mail, machines.program("first", "worker") as first:
        mail.wait_for(READY)
        first.wait_for(READY)
        machines.first_deploys()
        command, runner = map(int, (machines.folder / "running").read_text().split())
        for pid in (first.process.pid, runner, command):
            os.kill(pid, signal.SIGKILL)
        with machines.program("second", "worker") as second:
            second.wait_for(READY)
            machines.post.write("anna", "deploy v1.2.0 to staging")
            wait_until(lambda: machines.deploys() == ["begun"] * 2, 60, "the second deploy")

            orphaned = machines.events(ToolOrphaned)
            assert len(orphaned) == 1
            assert any(event.request.purpose == "unknown" for event in machines.events(RequestOpened))
            assert '"fence":2' in second.said().partition('"event":"the owner of an attempt is gone"')[2]
            assert machines.events(ToolFinished) == []
            machines.go()
            wait_until(lambda: machines.deploys() == ["begun", "begun", "ended"], 30, "the end of the second")


def test_deploys_of_both_machines_at_once_never_overlap(machines: Machines) -> None:
    with (
        machines.program("first", "mail") as mail,
        machines.program("first", "worker") as first,
        machines.program("second", "worker") as second,
    ):
        for program in (mail, first, second):
            program.wait_for(READY)
        for number in range(6):
            machines.post.write("anna", f"deploy v1.{number % 2 + 1}.0 to staging")
        wait_until(lambda: len(machines.events(ToolStarted)) == 6, 60, "every deploy, to run or to wait")
        wait_until(lambda: first.said().count(WAITS) + second.said().count(WAITS) >= 5, 60, "five to wait")
        wait_until(machines.deploys, what="one to begin")
        assert machines.deploys() == ["begun"]

        machines.go()
        wait_until(lambda: len(machines.deploys()) == 12, 300, "every deploy")

    assert machines.deploys() == ["begun", "ended"] * 6
