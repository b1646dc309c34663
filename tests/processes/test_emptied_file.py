"""`sayso.toml` is emptied under real processes: a full disk, or a signal between open and write."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.events import RequestDecided, RequestOpened, RunEnded
from bot.config.example import example_toml
from bot.config.settings import load
from bot.dev.demo import make_demo
from tests.kill.reading import runs_in
from tests.kit.tables import without
from tests.kit.waiting import wait_until
from tests.processes.post import Post
from tests.processes.programs import KEY, Program, RedisServer

pytestmark = pytest.mark.long

READY = '"event":"ready"'
QUICK = "lease_s = 1\ngrace_s = 1\nsweep_s = 0.1\n"


class Emptied:
    """A worker and a process that receives mail over one Redis, and what stands in their file."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        self.folder, self.redis, self.data = folder, redis, folder / "data"
        self.data.mkdir()
        self.file = self.data / "sayso.toml"
        self.toml = QUICK + example_toml(make_demo(folder / "demo"))
        self.file.write_text(self.toml)
        self.environ = {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
            "SAYSO_MAIL_LOCAL": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.post = Post(load(self.data, self.environ))

    def program(self, *words: str) -> Program:
        return Program([*words, "--data", str(self.data)], self.environ, self.folder / f"{words[-1]}.log")

    def runs(self) -> list[list[object]]:
        connection = self.redis.connect()
        try:
            return [[*events] for events in runs_in(connection).values()]
        finally:
            connection.close()

    def count(self, kind: type[object]) -> int:
        return sum(isinstance(event, kind) for events in self.runs() for event in events)


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[Emptied]:
    with RedisServer(tmp_path / "redis") as redis:
        yield Emptied(tmp_path, redis.start())


def test_attack_a_file_that_is_empty_for_a_while_closes_no_request_and_fails_no_run(emptied: Emptied) -> None:
    with emptied.program("mail") as mail, emptied.program("worker") as worker:
        for program in (mail, worker):
            program.wait_for(READY)
        emptied.post.write("anna", "deploy v1.1.0 to production")
        card = emptied.post.next_mail("bo", "v1.1.0")
        emptied.post.next_mail("cy", "v1.1.0")

        emptied.file.write_text("")
        for program in (mail, worker):
            program.wait_for('"event":"the file is only half taken"')
        told = emptied.post.next_mail("anna", "sayso people confirm")

        assert "sayso.toml" in told.text
        assert (emptied.count(RequestOpened), emptied.count(RequestDecided), emptied.count(RunEnded)) == (1, 0, 0)
        emptied.file.write_text(emptied.toml)
        worker.wait_for('"event":"people, policies and groups were read anew"')
        mail.wait_for('"event":"people, policies and groups were read anew"')
        emptied.post.reply("bo", card, "approve")
        wait_until(lambda: emptied.count(RunEnded) == 1, what="the deploy")
        assert emptied.count(RequestOpened) == 1


@pytest.mark.parametrize("word", ["worker", "mail", "web"])
def test_attack_no_process_starts_on_an_empty_file(emptied: Emptied, word: str) -> None:
    emptied.file.write_text("")

    with emptied.program(word, *(["--port", "0"] if word == "web" else [])) as program:
        assert program.ended() == 1

    assert "nobody stands in [people]" in program.said().replace("\n", " ")


def test_a_file_that_takes_all_deciders_away_holds_once_an_operator_confirms_it(emptied: Emptied) -> None:
    with emptied.program("mail") as mail, emptied.program("worker") as worker:
        for program in (mail, worker):
            program.wait_for(READY)
        emptied.post.write("anna", "deploy v1.1.0 to production")
        emptied.post.next_mail("bo", "v1.1.0")

        emptied.file.write_text(without(without(emptied.toml, "bo"), "cy").replace("group:release", "person:anna"))
        worker.wait_for('"event":"the file is only half taken"')
        with emptied.program("doctor") as doctor:
            doctor.ended()
        [digest] = set(re.findall(r"sayso people confirm ([0-9a-f]{16})", doctor.said()))
        assert emptied.count(RunEnded) == 0
        with emptied.program("people", "confirm", "0" * 16) as wrong:
            assert wrong.ended() != 0
        with emptied.program("people", "confirm", digest) as right:
            assert right.ended() == 0

        wait_until(lambda: emptied.count(RunEnded) == 1, what="the end of the run that nobody can approve")
