"""Whoever meddles with the newest records is found within the hour, without anybody asking."""

from collections.abc import Callable

import pytest

from bot.audit.health import ends_elsewhere
from bot.audit.sealer import head_of
from bot.audit.watching import AuditWatch
from bot.store import Keys, Store
from language import speaking
from tests.bot.audit.parts import KEY, a_reader, sealed_all, verified
from tests.bot.store.stores import append, paused, started

CHAIN, HEAD = Keys(0).audit_chain, Keys(0).audit_head


class Told(list[str]):
    """What the operators hear."""

    async def alert(self, name: str, every_s: float, near: str, words: Callable[[], tuple[str, str]]) -> None:
        with speaking("en"):
            self.append(" ".join(words()))


async def looked(store: Store) -> Told:
    told = Told()
    await AuditWatch(store, a_reader(store), lambda: [KEY], told.alert).look()
    return told


async def sealed_log(store: Store, records: int) -> None:
    await append(store, started(), expect=0)
    for _ in range(records):
        await append(store, paused())
    await sealed_all(store)


async def test_a_log_that_nobody_touched_raises_no_alarm(store: Store) -> None:
    await sealed_log(store, 3)

    assert await looked(store) == []
    assert await ends_elsewhere(store.client, store.shards) == []


@pytest.mark.parametrize("meddling", ["end cut", "head set back", "record added", "all cut", "record changed"])
async def test_attack_what_is_changed_at_the_end_of_the_log_is_told_to_operators(store: Store, meddling: str) -> None:
    await sealed_log(store, 3)
    match meddling:
        case "end cut":
            await store.client.do("XDEL", CHAIN, "0-3")
        case "head set back":
            entries = await store.client.do("XRANGE", CHAIN, "0-2", "0-2")
            await store.client.do("SET", HEAD, f"s0:2:{entries[0][1][b's'].decode()}")
        case "record added":
            await store.client.do("XADD", CHAIN, "0-4", "b", "{}", "s", "0" * 64)
        case "all cut":
            await store.client.do("DEL", CHAIN)
        case _:
            await store.client.do("XDEL", CHAIN, "0-3")
            await store.client.do("DEL", CHAIN)
            await store.client.do("XADD", CHAIN, "0-3", "b", "{}", "s", (await head_of(store, 0)).seal)

    assert [told for told in await looked(store) if "Something is wrong with the audit log" in told]
    assert (await verified(store)).findings
    assert await ends_elsewhere(store.client, store.shards) == ([] if meddling == "record changed" else [0])


async def test_of_a_long_log_the_newest_records_are_checked(store: Store) -> None:
    await sealed_log(store, 9)
    reader = a_reader(store)
    await store.client.do("XDEL", CHAIN, "0-4")

    assert [finding.n for finding in await reader.verify_newest([KEY], most=9)] == [4]
    assert await reader.verify_newest([KEY], most=4) == []
