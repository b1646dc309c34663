"""The program `sayso` as a process manager runs it: how it starts, what it refuses, and a deploy by its processes."""

import json
import shutil
import signal
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.events import ToolStarted
from bot.config.data_dir import DataDir
from bot.config.example import example_toml
from bot.config.settings import load
from bot.dev.demo import make_demo
from tests.browser.dev import Dev
from tests.kill.reading import runs_in
from tests.kit.waiting import wait_until
from tests.processes.post import Post
from tests.processes.programs import KEY, Program, RedisServer
from tests.servers.lines import TOP

READY = '"event":"ready"'
# The promise is 4 s, since supervisors kill after 5; a busy machine is not a failure.

# Tokens of a Slack that nobody answers for.
AWAY_TOO = {
    "SLACK_BOT_TOKEN": "xoxb-test",
    "SLACK_APP_TOKEN": "xapp-test",
    "SAYSO_SLACK_BASE_URL": "http://127.0.0.1:9/api/",
}

QUICK = "lease_s = 1\ngrace_s = 1\nsweep_s = 0.1\n"
SLOW = """#!/bin/sh
echo begun >>{folder}/deploys
while [ ! -e {folder}/go ]; do sleep 0.02; done
./deploy.sh "$@" && echo deployed >>{folder}/deploys
"""


class Office:
    """A data directory with a demo to deploy, a Redis, and the Procfile's processes."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        self.folder, self.redis, self.data = folder, redis, folder / "data"
        slow = folder / "slow.sh"
        slow.write_text(SLOW.format(folder=folder))
        slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
        toml = example_toml(make_demo(self.data / "demo")).replace('"./deploy.sh"', f'"{slow}"')
        (self.data / "sayso.toml").write_text(QUICK + toml)
        self.environ = {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
            "SAYSO_MAIL_LOCAL": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.post = Post(load(self.data, self.environ))

    def program(self, name: str, words: list[str]) -> Program:
        """A process of this office; its log has its name."""
        return Program([*words, "--data", str(self.data)], self.environ, self.folder / f"{name}.log")

    def let_go(self) -> None:
        """Let deploys go on."""
        (self.folder / "go").touch()

    def deploys(self) -> list[str]:
        """The lines that deploys have written."""
        log = self.folder / "deploys"
        return log.read_text().split() if log.exists() else []

    def is_idle(self) -> bool:
        """Return whether no deploy is under way."""
        lines = Counter(self.deploys())
        return lines["begun"] == lines["deployed"]

    def started(self) -> list[str]:
        """The tools of every attempt."""
        connection = self.redis.connect()
        try:
            runs = runs_in(connection).values()
        finally:
            connection.close()
        return [event.tool for events in runs for event in events if isinstance(event, ToolStarted)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office whose Redis runs."""
    with RedisServer(tmp_path / "redis") as redis:
        office = Office(tmp_path, redis.start())
        yield office
        office.let_go()
        wait_until(office.is_idle, what="the end of every deploy")
    shutil.rmtree(tmp_path / "data", ignore_errors=True)


def procfile() -> dict[str, list[str]]:
    """The words of each process of the Procfile."""
    lines = (line.partition(": exec sayso ") for line in (TOP / "Procfile").read_text().splitlines())
    return {name: words.split() for name, _, words in lines}


@pytest.mark.long
def test_the_processes_of_the_procfile_do_a_deploy_together(office: Office) -> None:
    office.let_go()
    with office.program("worker", procfile()["worker"]) as worker, office.program("mail", procfile()["mail"]) as mail:
        worker.wait_for(READY)
        mail.wait_for(READY)

        office.post.write("anna", "deploy v1.1.0 to production")
        office.post.reply("bo", office.post.next_mail("bo", "v1.1.0"), "approved, thanks")
        office.post.next_mail("anna", "Done:")

        assert office.deploys() == ["begun", "deployed"]
        for process in (worker, mail):
            process.signal(signal.SIGTERM)
        assert [process.ended() for process in (worker, mail)] == [0, 0]


@pytest.mark.long
def test_a_command_is_detached_at_sigterm_and_adopted_by_the_next_worker(office: Office) -> None:
    with office.program("mail", ["mail"]) as mail, office.program("first", ["worker"]) as first:
        mail.wait_for(READY)
        first.wait_for(READY)
        office.post.write("anna", "deploy v1.1.0 to production")
        office.post.reply("bo", office.post.next_mail("bo", "v1.1.0"), "approved, thanks")
        wait_until(lambda: office.deploys() == ["begun"], 20, "a deploy")

        first.signal(signal.SIGTERM)
        assert first.ended() == 0
        with office.program("second", ["worker"]) as second:
            second.wait_for("adopting")
            office.let_go()
            office.post.next_mail("anna", "Done:")

    assert office.deploys() == ["begun", "deployed"]
    assert office.started().count("deploy") == 1


@pytest.mark.long
@pytest.mark.parametrize("words", procfile().values(), ids=procfile())
@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_a_process_leaves_while_redis_cannot_be_reached(office: Office, words: list[str], how: str) -> None:
    if words == ["slack"]:
        office.environ |= AWAY_TOO
    with office.program("process", [word.replace("$PORT", "0") for word in words]) as program:
        program.wait_for(READY)
        office.redis.kill() if how == "kill" else office.redis.freeze()
        program.signal(signal.SIGTERM)

        assert program.ended() == 0


@pytest.mark.long
def test_sayso_dev_starts_in_a_new_data_directory_and_again_in_the_same_one(tmp_path: Path, short_path: Path) -> None:
    words = ["dev", "--data", str(tmp_path / "data"), "--port", "0", "--demo-port", "0"]
    for _ in ("first", "second"):
        with Program(words, {"XDG_RUNTIME_DIR": str(short_path)}, tmp_path / "log") as program:
            program.wait_for(READY)
            program.signal(signal.SIGTERM)
            assert program.ended() == 0


@pytest.mark.long
def test_commands_beside_sayso_dev_speak_for_whom_its_file_names_by_now(tmp_path: Path, short_path: Path) -> None:
    file = tmp_path / "data" / "sayso.toml"
    with Dev(tmp_path, short_path) as dev:
        file.write_text(f'{file.read_text()}\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\n')

        def announced() -> bool:
            server = DataDir(tmp_path / "data").server()
            return server is not None and "eve" in server.keys

        wait_until(announced, what="commands know Eve")

        run_id = dev.run("trigger", "deploy v1.1.0 to production", "--as", "eve")
        assert json.loads(dev.run("show", run_id, "--json"))["requester"] == "eve"
        dev.leave()


@pytest.mark.long
@pytest.mark.parametrize("words", [["worker"], ["mail"]], ids=" ".join)
def test_a_shared_redis_needs_a_secret_key_and_the_error_says_how_to_make_one(office: Office, words: list[str]) -> None:
    del office.environ["SAYSO_SECRET_KEY"]

    with office.program("process", words) as program:
        assert program.ended() == 1

    assert "SAYSO_REDIS_URL is set and SAYSO_SECRET_KEY is not" in program.said()
    assert "openssl rand -hex 32" in program.said()
    assert "Traceback" not in program.said()


@pytest.mark.long
def test_without_redis_the_error_names_the_ways_to_get_one(tmp_path: Path) -> None:
    with Program(["worker", "--data", str(tmp_path / "data")], {}, tmp_path / "log") as program:
        assert program.ended() == 1

    assert "No `sayso dev` is running for" in program.said()
    assert "SAYSO_REDIS_URL" in program.said()
    assert "Traceback" not in program.said()


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "told"),
    [(["mail"], "mail is not set up"), (["worker"], "policies.production.reach: found only channels that are not set")],
)
def test_a_process_does_not_start_where_its_mail_would_reach_nobody(
    office: Office, words: list[str], told: str
) -> None:
    del office.environ["SAYSO_MAIL_LOCAL"]

    with office.program("process", words) as program:
        assert program.ended() == 1

    assert told in program.said()
    assert "SAYSO_MAIL_LOCAL=1 to try things out" in program.said()
    assert "Traceback" not in program.said()
