"""Processes whose store is put back or emptied: workers end, web says so and does nothing, and both go on after it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from bot.store import Keys
from bot.store.client.durability import SHARDS
from bot.store.memory import FILE, kept_in
from tests.kit.installation import Installation
from tests.kit.waiting import wait_until
from tests.servers.lines import free_ports
from tests.servers.redis import RedisServer

RESTORE = "run `sayso restore --loaded`"


class Shop(Installation):
    """A Redis whose files can be put back, and a `web` that says how it finds it."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        super().__init__(folder, redis, "shards = 2\n")
        [self.port] = free_ports(1)
        self.environ |= {"SAYSO_CONFIG": str(self.file)}
        self.web = f"web --port {self.port}"

    def is_ready(self) -> bool:
        """Whether web says that all is well."""
        return '"ready"' in self.says()

    def says(self) -> str:
        """What web says of itself."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz") as answer:
                return answer.read().decode()
        except HTTPError as error:
            return f"{error.code} {error.read().decode()}"
        except OSError:
            return ""

    def figures(self) -> str:
        """What web counts."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            return answer.read().decode()

    def is_held(self) -> bool:
        said = self.says()
        return said.startswith("503") and "not what it was" in said

    def start_tool(self) -> None:
        """A tool is started, and every process has heard of it."""
        mark = self.redis.ask("GET", Keys(0).mark)
        assert isinstance(mark, bytes)
        self.redis.ask("SET", Keys(0).starts, f"{mark.decode()} 1 aaaaaaaa ")
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

    def is_restored(self) -> None:
        code, said = self.told("restore", "--loaded")
        assert code == 0, said


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with RedisServer(tmp_path / "redis") as redis:
        yield Shop(tmp_path, redis.start())


def test_a_store_that_is_put_back_stops_workers_and_web_says_so_until_it_is_held(shop: Shop) -> None:
    with shop.running("worker", shop.web) as (worker, web):
        wait_until(shop.is_ready, what="web is ready")
        shop.keep()
        shop.start_tool()

        shop.put_back()

        assert worker.ended() == 1
        assert "tools had been started 1 times, and it has 0 in shard 0. Nothing is executed in it" in worker.said()
        assert RESTORE in worker.said()
        assert "Traceback" not in worker.said()
        wait_until(shop.is_held, what="web says so")
        assert RESTORE in shop.says()
        beside = {"SAYSO_URL": f"http://127.0.0.1:{shop.port}", "SAYSO_API_KEY": "any"}
        for way, environ in (("worker", {}), ("mail", {}), ("doctor", {}), ("status", beside)):
            code, said = shop.told(way, **environ)
            assert code == 1
            assert RESTORE in said
        with shop.program("worker", name="other", data=shop.folder / "another machine") as other:
            assert other.ended() == 1
            assert RESTORE in other.said()

        shop.is_restored()

        assert web.ended() == 1
        assert "This store was restored since this process began. Start the process again" in web.said()
    with shop.running("worker", shop.web):
        wait_until(shop.is_ready, what="web is ready")
        assert shop.redis.ask("GET", SHARDS) == b"2"


def test_attack_no_figure_tells_an_idle_office_that_its_store_went_back(shop: Shop) -> None:
    with shop.running("worker", shop.web) as (worker, _):
        wait_until(shop.is_ready, what="web is ready")
        assert "\nsayso_redis_up 1.0" in shop.figures()
        shop.keep()
        shop.start_tool()

        shop.put_back()

        assert worker.ended() == 1
        wait_until(shop.is_held, what="web says so")
        assert "\nsayso_redis_up 0.0" in shop.figures()
        shop.is_restored()
    with shop.running(shop.web):
        wait_until(shop.is_ready, what="web is ready")
        assert "\nsayso_redis_up 1.0" in shop.figures()


def test_web_waits_for_a_store_that_was_put_back_while_nothing_ran(shop: Shop) -> None:
    with shop.running("worker"):
        shop.keep()
        shop.start_tool()
    shop.put_back()

    with shop.program(*shop.web.split()):
        wait_until(shop.is_held, what="web says so")
        shop.is_restored()
        wait_until(shop.is_ready, what="web is ready")


def test_a_store_that_is_emptied_stops_every_process_and_nobody_begins_anew_by_mistake(shop: Shop) -> None:
    with shop.running("worker", shop.web) as processes:
        wait_until(shop.is_ready, what="web is ready")

        shop.redis.ask("FLUSHALL")

        for process in processes:
            assert process.ended() == 1
            assert "This store was emptied" in process.said()
    shop.redis.ask("FLUSHALL")  # what was written before they noticed it
    code, said = shop.told("worker")
    assert code == 1
    assert "to begin anew with what is there, stop every process, and delete" in said
    assert shop.redis.ask("EXISTS", Keys(0).mark) == 0
    (shop.data / FILE).unlink()
    with shop.running("worker"):
        pass
