"""Heads leave for where nobody who can write to Redis reaches them."""

import asyncio
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.audit.chain import Head
from bot.audit.heads import Heads, heads_in
from bot.config.tables import AuditConfig
from bot.errors import Invalid
from bot.store import Keys, Store, StoreUnavailable
from tests.kit.waiting import PATIENCE_S

HEAD = Head(0, 7, "ab" * 32)


async def announced(
    store: Store, *places: str, within_s: float = PATIENCE_S
) -> tuple[list[tuple[str, int]], list[str]]:
    mails, alarms = list[tuple[str, int]](), list[str]()

    async def mail(person: str, heads: Sequence[Head]) -> None:
        mails.append((person, len(heads)))

    async def alarm(place: str, _: str) -> None:
        alarms.append(place)

    await store.client.do("SET", Keys(0).audit_head, str(HEAD))
    heads = Heads(store, places, mail, alarm, within_s)
    for _ in range(2):
        await heads.announce(HEAD)
    return mails, alarms


async def test_a_file_has_a_line_for_each_which_only_its_owner_reads(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "heads"

    await announced(store, f"file:{file}")

    assert heads_in(str(file)) == [HEAD, HEAD]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_syslog_gets_each_in_a_datagram(store: Store) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE_S)
        await announced(store, f"syslog:127.0.0.1:{server.getsockname()[1]}")

        text = server.recv(1_000).decode()

    assert text.startswith("<110>1 2")
    assert text.endswith(f"sayso - audit - {HEAD}")


async def test_a_mail_brings_them_once_a_day_and_a_place_that_fails_is_told_once(store: Store, tmp_path: Path) -> None:
    mails, alarms = await announced(store, f"file:{tmp_path}", "mail:person:anna")

    assert (mails, alarms) == ([("anna", 1)], [f"file:{tmp_path}"])


async def test_a_place_that_hangs_is_told_of_once_and_keeps_no_other_from_its_heads(
    store: Store, tmp_path: Path
) -> None:
    hangs, file = tmp_path / "pipe", tmp_path / "heads"
    os.mkfifo(hangs)  # nobody reads from it, so opening it waits for ever, as on a network share that is away

    async with asyncio.timeout(PATIENCE_S):
        _, alarms = await announced(store, f"file:{hangs}", f"file:{file}", within_s=0.1)

    assert (alarms, heads_in(str(file))) == ([f"file:{hangs}"], [HEAD, HEAD])


async def test_attack_a_name_that_no_host_can_have_keeps_no_other_place_from_its_heads(
    store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "heads"

    _, alarms = await announced(store, "syslog:logs..corp.example:514", f"file:{file}")

    assert (alarms, heads_in(str(file))) == (["syslog:logs..corp.example:514"], [HEAD, HEAD])


async def test_attack_nobody_hears_all_day_of_heads_nor_of_a_place_that_fails_as_redis_went_away_before_it_was_told(
    store: Store, tmp_path: Path
) -> None:
    told, is_away = list[str](), True

    async def tell(what: str, _: object) -> None:
        if is_away:
            raise StoreUnavailable("Redis does not answer")
        told.append(what)

    places = f"file:{tmp_path}", "mail:person:anna"
    for place in places:
        with pytest.raises(StoreUnavailable):
            await Heads(store, [place], tell, tell).announce(HEAD)
    is_away = False

    for _ in range(2):
        await Heads(store, places, tell, tell).announce(HEAD)

    assert told == [f"file:{tmp_path}", "anna"]


def test_a_port_that_no_server_has_is_refused() -> None:
    assert AuditConfig(heads=("syslog:logs.corp.example:65535", "syslog:/dev/log:1", "syslog:/65536:70000"))
    with pytest.raises(ValueError, match="syslog:HOST:PORT"):
        AuditConfig(heads=("syslog:logs.corp.example:65536",))


def test_a_file_without_heads_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("nothing\n\n")

    for name in ("log", "missing"):
        with pytest.raises(Invalid, match=name):
            heads_in(str(tmp_path / name))
