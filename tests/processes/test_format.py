"""A store of another format, or with data and no number of one: every way into it ends with the same sentence."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.store import Keys
from bot.store.client.durability import SHARDS
from bot.store.format import FORMAT
from tests.kit.installation import AWAY, Installation, installed
from tests.kit.waiting import wait_until

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


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("shop"), "") as shop:
        yield shop


def everything(shop: Installation) -> dict[bytes, Any]:
    names = shop.redis.ask("KEYS", "*")
    assert isinstance(names, list)
    return {name: shop.redis.ask("DUMP", name) for name in names if isinstance(name, bytes)}


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (str(FORMAT + 1), f"This store has format {FORMAT + 1}, and this release of sayso reads format {FORMAT}"),
        ("", f"This store has data and no format number, and this release of sayso reads format {FORMAT}"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_attack_nothing_of_this_release_works_on_a_store_of_another_format(
    shop: Installation, way: str, number: str, says: str
) -> None:
    shop.redis.ask("FLUSHALL")
    shop.redis.ask("SET", SHARDS, 8)
    if number:
        shop.redis.ask("SET", Keys(0).format, number)
    before = everything(shop)

    code, said = shop.told(*way.split(), **(AWAY if way == "slack" else {}))

    assert code != 0, said
    assert says in said
    assert "Start the release of sayso that wrote it" in said
    assert "Traceback" not in said
    assert everything(shop) == before


def test_the_first_process_notes_the_number_and_a_running_one_ends_once_the_store_has_another(
    shop: Installation,
) -> None:
    shop.redis.ask("FLUSHALL")
    with shop.running("worker", "web --port 0") as (worker, web):
        wait_until(lambda: shop.redis.ask("GET", Keys(0).format) == str(FORMAT).encode(), what="the number is noted")

        shop.redis.ask("SET", Keys(0).format, FORMAT + 1)

        assert (worker.ended(), web.ended()) == (1, 1)
        assert f"This store has format {FORMAT + 1}" in worker.said()
