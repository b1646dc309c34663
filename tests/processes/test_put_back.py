"""Processes whose store is put back or emptied: workers end, web says so and does nothing, and both go on after it."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from bot.config.example import example_toml
from bot.dev.demo import make_demo
from bot.store import Keys
from bot.store.client.durability import SHARDS
from bot.store.memory import FILE, kept_in
from tests.kit.waiting import wait_until
from tests.processes.programs import KEY, Program, RedisServer
from tests.processes.test_programs import READY
from tests.servers.lines import free_ports

RESTORE = "run `sayso restore --loaded`"


class Shop:
    """A Redis whose files can be put back, settings, and the program."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.redis = folder, RedisServer(folder / "redis")
        self.data = folder / "data"
        self.data.mkdir()
        (self.data / "sayso.toml").write_text(f"shards = 2\n{example_toml(make_demo(self.data / 'demo'))}")
        [self.port] = free_ports(1)

    def program(self, *words: str, data: str = "data") -> Program:
        environ = {"SAYSO_REDIS_URL": self.redis.url, "SAYSO_SECRET_KEY": KEY, "SAYSO_MAIL_LOCAL": "1"}
        environ |= {"SAYSO_CONFIG": str(self.data / "sayso.toml"), "PYTHONUNBUFFERED": "1"}
        if words == ("status",):
            environ |= {"SAYSO_URL": f"http://127.0.0.1:{self.port}", "SAYSO_API_KEY": "any"}
        return Program([*words, "--data", str(self.folder / data)], environ, self.folder / f"log {words[0]} {data}")

    def told(self, *words: str) -> tuple[int, str]:
        """How a command ends, and what it prints."""
        with self.program(*words) as program:
            return program.ended(), program.said()

    def ask(self, *command: str | int) -> Any:
        connection = self.redis.connect()
        try:
            return connection.ask(*command)
        finally:
            connection.close()

    def is_ready(self) -> str:
        """What web says of itself."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz") as answer:
                return answer.read().decode()
        except HTTPError as error:
            return f"{error.code} {error.read().decode()}"
        except OSError:
            return ""

    def is_held(self) -> bool:
        said = self.is_ready()
        return said.startswith("503") and "not what it was" in said

    def start_tool(self) -> None:
        """A tool is started, and every process has heard of it."""
        mark = self.ask("GET", Keys(0).mark).decode()
        self.ask("SET", Keys(0).starts, f"{mark} 1 aaaaaaaa ")
        wait_until(self._has_seen, what="what was seen is on disk")

    def _has_seen(self) -> bool:
        kept = kept_in(self.data / FILE)
        starts = kept.shards[0].starts if kept else None
        return starts is not None and starts.number == 1

    def keep(self) -> None:
        shutil.copytree(self.folder / "redis", self.folder / "kept")

    def put_back(self) -> None:
        self.redis.kill()
        shutil.rmtree(self.folder / "redis")
        shutil.copytree(self.folder / "kept", self.folder / "redis")
        self.redis.start()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    with shop.redis as redis:
        redis.start()
        yield shop


def test_a_store_that_is_put_back_stops_workers_and_web_says_so_until_it_is_held(shop: Shop) -> None:
    with ExitStack() as stack:
        worker = stack.enter_context(shop.program("worker"))
        web = stack.enter_context(shop.program("web", "--port", str(shop.port)))
        worker.wait_for(READY)
        wait_until(lambda: '"ready"' in shop.is_ready(), what="web is ready")
        shop.keep()
        shop.start_tool()

        shop.put_back()

        assert worker.ended() == 1
        assert "tools had been started 1 times, and it has 0 in shard 0. Nothing is executed in it" in worker.said()
        assert RESTORE in worker.said()
        assert "Traceback" not in worker.said()
        wait_until(shop.is_held, what="web says so")
        assert RESTORE in shop.is_ready()
        for way in (("worker",), ("mail",), ("doctor",), ("status",)):
            code, said = shop.told(*way)
            assert code == 1
            assert RESTORE in said
        with shop.program("worker", data="another machine") as other:
            assert other.ended() == 1
            assert RESTORE in other.said()

        code, said = shop.told("restore", "--loaded")
        assert code == 0, said

        assert web.ended() == 1
        assert "This store was restored since this process began. Start the process again" in web.said()
    with shop.program("worker") as worker, shop.program("web", "--port", str(shop.port)):
        worker.wait_for(READY)
        wait_until(lambda: '"ready"' in shop.is_ready(), what="web is ready")
        assert shop.ask("GET", SHARDS) == b"2"


def test_web_waits_for_a_store_that_was_put_back_while_nothing_ran(shop: Shop) -> None:
    with shop.program("worker") as worker:
        worker.wait_for(READY)
        shop.keep()
        shop.start_tool()
    shop.put_back()

    with shop.program("web", "--port", str(shop.port)):
        wait_until(shop.is_held, what="web says so")
        code, said = shop.told("restore", "--loaded")
        assert code == 0, said
        wait_until(lambda: '"ready"' in shop.is_ready(), what="web is ready")


def test_a_store_that_is_emptied_stops_every_process_and_nobody_begins_anew_by_mistake(shop: Shop) -> None:
    with shop.program("worker") as worker, shop.program("web", "--port", str(shop.port)) as web:
        worker.wait_for(READY)
        wait_until(lambda: '"ready"' in shop.is_ready(), what="web is ready")

        shop.ask("FLUSHALL")

        for process in (worker, web):
            assert process.ended() == 1
            assert "This store was emptied" in process.said()
    shop.ask("FLUSHALL")  # what was written before they noticed it
    code, said = shop.told("worker")
    assert code == 1
    assert "to begin anew with what is there, stop every process, and delete" in said
    assert shop.ask("EXISTS", Keys(0).mark) == 0
    (shop.data / FILE).unlink()
    with shop.program("worker") as worker:
        worker.wait_for(READY)
