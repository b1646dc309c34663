"""The table of keys is what is in Redis."""

import re
from importlib.util import find_spec
from pathlib import Path

from bot.store.keys import ROWS, Keys, Row
from tests.bot.worker.test_cycle import cycles

_TYPES = {"text": "string", "channel": ""}


def rows_of(key: str) -> list[Row]:
    """The rows with a name that `key` may be; of several the one that says most about it."""

    def form(row: Row) -> str:
        parts = (".+" if part.isupper() else re.escape(part) for part in row.name.split(":"))
        return r"\{s\d+\}:" + ":".join(parts)

    found = [row for row in ROWS.values() if re.fullmatch(form(row), key)]
    return [row for row in found if not any(map(str.isupper, row.name.split(":")))] or found


def test_each_key_has_one_name_and_an_owner_that_is_there() -> None:
    assert len({row.name for row in ROWS.values()}) == len(ROWS)
    assert [row for row in ROWS.values() if find_spec(f"bot.{row.owner}") is None] == []


def test_a_name_is_filled_in_behind_the_tag_of_its_shard() -> None:
    assert Keys(3).wake == "{s3}:wake"
    assert Keys(3).runs_in("done") == "{s3}:runs:state:done"
    assert Keys(3).file("s3r-a", "beef") == "{s3}:file:s3r-a:beef"


async def test_what_a_cycle_leaves_in_redis_is_in_the_table(redis: str, tmp_path: Path) -> None:
    async with cycles(redis, tmp_path) as office:
        await office.cycle("one")
        client = office.web.store.client
        kinds = {key: (await client.do("TYPE", key)).decode() async for key in client.scan("*")}

    assert len(kinds) > 20
    for key, kind in kinds.items():
        known = {_TYPES.get(one, one) for row in rows_of(key) for one in row.kind.split(", ")}
        assert kind in known | {"none"} or "several" in known, f"{key} is a {kind}, and the table says {known}"
