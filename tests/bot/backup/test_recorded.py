"""Stores as earlier releases left them, byte for byte, go on in this one.

`stored/*.backup` is what `sayso backup` of a release wrote, of a store with runs that wait in each way. Never edit
them; a release that stores anything in another form adds one. They came from Redis 6.2, which every later one reads.
`tests/agents/stored` has single runs of releases before there were backups.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import read_event, write_event
from agents.requests import RunId
from agents.run import fold
from bot.queries.rebuild import rebuild
from bot.store import Keys
from bot.store.client import Client
from tests.bot.backup.putting_back import restored
from tests.waiting import until
from tests.world import World, a_world

HERE = Path(__file__).parent
BACKUPS = {file.stem: file.read_bytes() for file in sorted((HERE / "stored").glob("*.backup"))}
RUNS = {file.stem: file.read_bytes() for file in sorted((HERE.parents[1] / "agents" / "stored").glob("*.jsonl"))}


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data") as world:
        yield world


@pytest.mark.parametrize("backup", BACKUPS.values(), ids=BACKUPS)
async def test_a_backup_of_an_earlier_release_goes_on_in_this_one(office: World, backup: bytes) -> None:
    held = await restored(office, backup)

    assert (held.runs, held.requests, held.items) == (5, 3, 1)
    made = await rebuild(office.app.store)
    assert made.differed == 0
    by_text = {(await office.run(run_id)).text: RunId(run_id) for run_id in await office.app.store.lists.runs()}
    assert (await office.run(by_text["stamp paper"])).state == "done"
    for text, tool in {"press bell": "press bell", "press gong": "press gong"}.items():
        await office.steer(by_text[text], "resume")
        await office.decide("bo", await office.opened(by_text[text]), "approve")
        assert (await office.ended(by_text[text])).results[-1].text == f"{tool}: done"
    for text in ("ask free_text Ready?", "pull rope"):
        await office.steer(by_text[text], "resume")
        assert await office.opened(by_text[text])
    assert (await office.has(by_text["pull rope"], "unknown")).open
    assert len(await office.dead()) == 1
    assert office.workshop.effects == ["press bell", "press gong"]


@pytest.mark.parametrize("lines", RUNS.values(), ids=RUNS)
async def test_a_run_of_an_earlier_release_goes_on_in_this_one(office: World, lines: bytes) -> None:
    events = [read_event(line) for line in lines.splitlines()]
    run = fold(events)
    client, keys = Client(office.url), Keys.of(run.id)
    for seq, event in enumerate(events, start=1):
        await client.do("XADD", keys.run(run.id), f"0-{seq}", "e", write_event(event), "c", "earlier")
    await client.close()

    await rebuild(office.app.store)

    await until(lambda: is_at_rest(office, run.id), what="it is looked at")
    assert await office.dead() == []


async def is_at_rest(world: World, run_id: str) -> bool:
    """Return whether a run has gone as far as it does without people."""
    due = await world.app.store.client.do("ZSCORE", Keys.of(run_id).wake, f"run {run_id}")
    return due is None or float(due) / 1000 > (await world.now()).timestamp() + 60
