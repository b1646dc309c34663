"""The doctor's findings about Redis: what it allows, has room for, and takes for the time."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.audit.chain import key_id
from bot.config.settings import load
from bot.doctor.finding import Finding
from bot.doctor.redis import examine_redis
from bot.doctor.redis_rights import NEEDED
from bot.store import Keys
from tests.servers.lines import TOP
from tests.servers.redis import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of its own, since its users and limits change."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.start()


KEYED = {"SAYSO_SECRET_KEY": "s" * 32, "SAYSO_AUDIT_KEY": "a" * 32}


async def findings(server: RedisServer, url: str = "", off_s: float = 0, keys: dict[str, str] = KEYED) -> list[Finding]:
    """Return what the doctor says of it."""
    environ = {"SAYSO_REDIS_URL": server.url, "SAYSO_DATA_DIR": "/nonexistent", **keys}
    settings = load(None, environ, Path("/nonexistent"))

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=off_s)

    return [finding async for finding in examine_redis(settings, url or server.url, now)]


async def found(about: str, server: RedisServer, url: str = "", off_s: float = 0) -> Finding:
    """The one thing that it says with `about` in it."""
    every = await findings(server, url, off_s)
    matching = [finding for finding in every if about in finding.what]
    assert len(matching) == 1, every
    return matching[0]


def user(server: RedisServer, *rights: str) -> str:
    """The address of the server for a user with these rights alone."""
    connection = server.connect()
    try:
        connection.ask("ACL", "SETUSER", "sayso", "reset", "on", ">of-sayso-0123", *rights)
    finally:
        connection.close()
    return server.url.replace("redis://", "redis://sayso:of-sayso-0123@")


async def test_a_redis_of_ones_own_is_well_and_nothing_is_written_into_it(server: RedisServer) -> None:
    every = await findings(server)

    assert {finding.sign for finding in every} == {"✓"}, every
    said = "\n".join(finding.what for finding in every)
    for words in ("verified", "every command", "clock", "append-only file", "memory", "free on the disk of Redis"):
        assert words in said
    connection = server.connect()
    assert connection.ask("DBSIZE") == 0
    connection.close()


async def test_every_command_and_key_that_the_user_may_not_use_is_named(server: RedisServer) -> None:
    url = user(server, "~{s0*", "&*", "+@all", "-zadd", "-evalsha", "-subscribe")

    finding = await found("does not let us", server, url)

    assert finding.sign == "✗"
    assert "run EVALSHA, SUBSCRIBE, ZADD and use keys and channels that begin with {s1}:" in finding.what
    assert "+evalsha +subscribe +zadd ~{s1}:*" in finding.fix
    assert "of-sayso-0123" not in finding.what + finding.fix


async def test_clocks_that_differ_are_worth_knowing(server: RedisServer) -> None:
    for off_s, which in ((120, "ahead of"), (-120, "behind")):
        finding = await found("clock", server, off_s=off_s)

        assert (finding.sign, "timedatectl" in finding.fix) == ("!", True)
        assert re.search(rf"this machine's clock is 1(19|20) s {which} that of Redis", finding.what)


async def test_a_disk_that_fails_is_named_and_takes_no_right_away(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis", {"save": "3600 1"}) as server:
        server.start()
        server.lose_disk()

        every = await findings(server)

    assert [one.what for one in every if one.sign == "✗"] == [
        "Redis could not write to its disk the last time: rdb_last_bgsave_status"
    ]


def test_whatever_the_store_and_the_queue_ask_of_redis_is_asked_for() -> None:
    asked = {command[0] for command in NEEDED}
    files = [file for file in (TOP / "bot").rglob("*") if file.suffix in {".lua", ".py"}]
    calls = re.compile(r"(?:redis\.p?call\(\s*['\"]|\.(?:do|wait_for)\(\s*\")([A-Za-z]+)")

    called = {name.upper() for file in files for name in calls.findall(file.read_text())}

    assert len(called) > 30
    assert called - {"CONFIG", "INFO"} <= asked


async def test_an_audit_log_without_its_key_its_head_or_a_sealer_is_told(server: RedisServer) -> None:
    every = await findings(server, keys={"SAYSO_SECRET_KEY": "s" * 32})
    [without] = [finding for finding in every if "audit log" in finding.what]
    connection, chain = server.connect(), Keys(3).audit_chain
    try:
        assert "a key of its own" in (await found("audit log", server)).what
        connection.ask("XADD", Keys(1).audit_new, "1-1", "note", "{}")
        unsealed = await found("audit log", server)
        connection.ask("DEL", Keys(1).audit_new)
        connection.ask("XADD", chain, "0-1", "b", json.dumps({"key": key_id(b"another")}), "s", "0" * 64)

        wrong = await found("another SAYSO_AUDIT_KEY than this one (shards 3)", server)
        cut = await found("is not the one that the store notes as its head (shards 3)", server)
    finally:
        connection.ask("DEL", chain, Keys(1).audit_new)
        connection.close()

    assert (without.sign, "SAYSO_AUDIT_KEY" in without.fix) == ("!", True)
    assert (unsealed.sign, unsealed.what.startswith("1 facts wait to be sealed")) == ("✗", True)
    assert (wrong.sign, cut.sign, "sayso audit verify" in cut.fix) == ("✗", "✗", True)


async def test_a_server_that_tells_nothing_about_itself_leaves_that_untried(server: RedisServer) -> None:
    url = user(server, "~*", "&*", "+@all", "-config", "-info")

    every = [finding for finding in await findings(server, url) if finding.sign == "–"]

    assert [finding.what.partition(":")[2].split(":")[0].strip() for finding in every] == [
        "durability",
        "memory and disk of Redis",
    ]
    assert "CONFIG GET" in every[0].fix
    assert "INFO" in every[1].fix
