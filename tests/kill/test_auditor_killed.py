"""Whoever seals the audit log, or lets it leave for the archive, dies by kill -9: each fact is one record, once."""

import random
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.archive.keeper import Archive
from bot.archive.places import FolderPlace
from bot.audit.log import AuditLog
from bot.audit.reading import Query
from bot.store import Keys, Store
from tests.bot.audit.parts import a_reader, verified
from tests.bot.store.stores import a_store
from tests.kill.auditor import SEGMENT
from tests.kit.programs import Program
from tests.kit.waiting import until
from tests.servers.lines import Server

FACTS = 5 * SEGMENT
# Sealing is one script; leaving is a file, read back, and one script.
KILLS = 6  # of two
POINTS = [(name, when) for name in ("seal", "write_if") for when in ("before", "after")]  # it trims with `write_if`


@pytest.fixture
def proxy(redis: str) -> Iterator[Server]:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        yield proxy


@pytest.fixture
async def store(redis: str) -> AsyncIterator[Store]:
    async with a_store(redis) as store:
        yield store


def auditor(url: str, folder: Path) -> Program:
    return Program([url, str(folder)], {}, folder / "log", "tests.kill.auditor")


async def noted(store: Store, first: int, count: int) -> None:
    log = AuditLog(store)
    for number in range(first, first + count):
        await log.note("refused", who=PersonId("bo"), words=f"fact {number}", proof=None)


async def is_whole(store: Store, archive: Archive, count: int) -> None:
    """Every fact is one record, in its order, in a chain that verifies."""
    found, _ = await a_reader(store, archive).search(Query(), limit=10 * count)
    assert [one["words"] for one in found] == [f"fact {number}" for number in range(count)]
    assert [one["n"] for one in found] == list(range(1, count + 1))
    checked = await verified(store, archive=archive)
    assert (checked.findings, checked.records, checked.waiting) == ([], count, 0)


async def is_done(store: Store) -> bool:
    """Whether everything is sealed, and what may leave has left."""
    waiting, left = await store.client.read(["XLEN", Keys(0).audit_new], ["XLEN", Keys(0).audit_chain])
    return waiting == 0 and left <= SEGMENT


@pytest.mark.long
@pytest.mark.parametrize(("name", "when"), POINTS)
async def test_whoever_dies_at_a_point_and_whose_successor_dies_there_too_leaves_each_fact_once(
    store: Store, proxy: Server, tmp_path: Path, name: str, when: str
) -> None:
    archive, url = Archive(FolderPlace(tmp_path)), f"redis://127.0.0.1:{proxy.said['redis_port']}/0"
    await noted(store, 0, FACTS)
    for life in (1, 2):
        proxy.ask(do="clear")
        with auditor(url, tmp_path) as process:
            proxy.ask(do="arm", name=name, nth=1, when=when, act="kill", pid=process.process.pid)
            assert await process.dies() == -signal.SIGKILL
        await noted(store, life * FACTS, FACTS)
    proxy.ask(do="clear")

    with auditor(url, tmp_path):
        await until(lambda: is_done(store), 60, "all is sealed")

    await is_whole(store, archive, 3 * FACTS)


@pytest.mark.long
async def test_two_that_are_killed_again_and_again_while_facts_come_leave_each_once(
    store: Store, redis: str, tmp_path: Path
) -> None:
    archive, count, chance = Archive(FolderPlace(tmp_path)), 0, random.Random(18)  # noqa: S311 - which moments it kills at
    for _ in range(KILLS):
        with auditor(redis, tmp_path) as one, auditor(redis, tmp_path) as other:
            await noted(store, count, SEGMENT)
            await until(lambda: is_done(store), 60, "they are at work")
            for process, more in ((one, chance.randrange(2 * SEGMENT)), (other, chance.randrange(2 * SEGMENT))):
                await noted(store, count + SEGMENT, more)
                count += more
                process.kill()
            count += SEGMENT

    with auditor(redis, tmp_path):
        await until(lambda: is_done(store), 60, "all is sealed")

    await is_whole(store, archive, count)
