"""Two machines, which are two data directories, on one Redis: one deploy of an environment at a time all the same."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.events import RequestOpened, ToolFinished, ToolOrphaned, ToolStarted
from tests.kit.installation import Installation, installed
from tests.kit.programs import Program
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.long

WAITS = '"event":"waits for its turn"'


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Installation]:
    """The first machine's data directory, and beside it `second` with the same settings."""
    with installed(tmp_path) as machines:
        machines.hold_deploys()
        (tmp_path / "second").mkdir()
        (tmp_path / "second" / "sayso.toml").write_text(machines.toml)
        yield machines


def second_worker(machines: Installation) -> Program:
    return machines.program("worker", name="second", data=machines.folder / "second")


def first_deploys(machines: Installation) -> None:
    """A deploy to staging has begun, and waits to be let go."""
    machines.post.write("anna", "deploy v1.1.0 to staging")
    wait_until(lambda: machines.deploys() == ["begun"], what="a deploy")


def test_a_deploy_waits_for_one_that_another_machine_runs_although_its_worker_has_gone(machines: Installation) -> None:
    with machines.running("mail", "worker") as (_, first):
        first_deploys(machines)
        first.leaves()
        with second_worker(machines) as second:
            second.wait_for()
            machines.post.write("anna", "deploy v1.2.0 to staging")
            second.wait_for(WAITS)
            wait_until(lambda: machines.events(ToolOrphaned), 30, "word that nobody knows of the first")

            assert machines.deploys() == ["begun"]
            machines.go()
            wait_until(lambda: machines.deploys() == ["begun", "ended"] * 2, 60, "both deploys")


def test_a_deploy_begins_after_a_dead_machine_only_once_nobody_knows_is_known(machines: Installation) -> None:
    with machines.running("mail", "worker") as (_, first):
        first_deploys(machines)
        command, runner = map(int, (machines.folder / "running").read_text().split())
        for pid in (first.process.pid, runner, command):
            os.kill(pid, signal.SIGKILL)
        machines.killed = 1
        with second_worker(machines) as second:
            second.wait_for()
            machines.post.write("anna", "deploy v1.2.0 to staging")
            wait_until(lambda: machines.deploys() == ["begun"] * 2, 60, "the second deploy")

            orphaned = machines.events(ToolOrphaned)
            assert len(orphaned) == 1
            assert any(event.request.purpose == "unknown" for event in machines.events(RequestOpened))
            assert '"fence":2' in second.said().partition('"event":"the owner of an attempt is gone"')[2]
            assert machines.events(ToolFinished) == []
            machines.go()
            wait_until(lambda: machines.deploys() == ["begun", "begun", "ended"], 30, "the end of the second")


def test_deploys_of_both_machines_at_once_never_overlap(machines: Installation) -> None:
    with machines.running("mail", "worker") as (_, first), second_worker(machines) as second:
        second.wait_for()
        for number in range(6):
            machines.post.write("anna", f"deploy v1.{number % 2 + 1}.0 to staging")
        wait_until(lambda: len(machines.events(ToolStarted)) == 6, 60, "every deploy, to run or to wait")
        wait_until(lambda: first.said().count(WAITS) + second.said().count(WAITS) >= 5, 60, "five to wait")
        wait_until(machines.deploys, what="one to begin")
        assert machines.deploys() == ["begun"]

        machines.go()
        wait_until(lambda: len(machines.deploys()) == 12, 300, "every deploy")

    assert machines.deploys() == ["begun", "ended"] * 6
