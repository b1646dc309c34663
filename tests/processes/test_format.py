"""A store of another format, or with data and no number of one: every way into it ends with the same sentence."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.config.example import example_toml
from bot.dev.demo import make_demo
from bot.store import Keys
from bot.store.client.durability import SHARDS
from bot.store.format import FORMAT
from tests.kit.long import few_of
from tests.kit.waiting import wait_until
from tests.processes.programs import KEY, Program, RedisServer
from tests.processes.test_programs import AWAY_TOO, READY

WAYS = [
    "worker",
    "web --port 0",
    "slack",
    "mail",
    "keys create --scope ask --service ci --holder anna",
    "keys list",
    "rebuild",
    "audit verify",
    "restore --loaded",
    "doctor",
]


class Shop:
    """A Redis, settings, and the program."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        self.folder, self.redis = folder, redis
        (folder / "data").mkdir()
        (folder / "data" / "sayso.toml").write_text(example_toml(make_demo(folder / "data" / "demo")))
        self.environ = {"SAYSO_REDIS_URL": redis.url, "SAYSO_SECRET_KEY": KEY, "SAYSO_MAIL_LOCAL": "1"}

    def program(self, way: str) -> Program:
        words = way.split()
        environ = {**self.environ, "PYTHONUNBUFFERED": "1", **(AWAY_TOO if words[0] == "slack" else {})}
        return Program([*words, "--data", str(self.folder / "data")], environ, self.folder / "log")

    def ask(self, *command: str | int) -> Any:
        connection = self.redis.connect()
        try:
            return connection.ask(*command)
        finally:
            connection.close()

    def is_noted(self) -> bool:
        return self.ask("GET", Keys(0).format) == str(FORMAT).encode()

    def everything(self) -> dict[bytes, bytes]:
        return {name: self.ask("DUMP", name.decode()) for name in self.ask("KEYS", "*")}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with RedisServer(folder / "redis") as redis:
        yield Shop(folder, redis.start())


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (str(FORMAT + 1), f"This store has format {FORMAT + 1}, and this release of sayso reads format {FORMAT}"),
        ("", f"This store has data and no format number, and this release of sayso reads format {FORMAT}"),
    ],
)
@pytest.mark.parametrize("way", few_of(WAYS, 0, 1, 8))
def test_attack_nothing_of_this_release_works_on_a_store_of_another_format(
    shop: Shop, way: str, number: str, says: str
) -> None:
    shop.ask("FLUSHALL")
    shop.ask("SET", SHARDS, 8)
    if number:
        shop.ask("SET", Keys(0).format, number)
    before = shop.everything()

    with shop.program(way) as program:
        assert program.ended() != 0, program.said()

    said = program.said()
    assert says in said
    assert "Start the release of sayso that wrote it" in said
    assert "Traceback" not in said
    assert shop.everything() == before


def test_the_first_process_notes_the_number_and_a_running_one_ends_once_the_store_has_another(shop: Shop) -> None:
    shop.ask("FLUSHALL")
    with ExitStack() as stack:
        worker, web = (stack.enter_context(shop.program(way)) for way in ("worker", "web --port 0"))
        worker.wait_for(READY)
        wait_until(shop.is_noted, what="the number is noted")

        shop.ask("SET", Keys(0).format, FORMAT + 1)

        assert worker.ended() != 0
        assert f"This store has format {FORMAT + 1}" in worker.said()
        assert web.ended() != 0
