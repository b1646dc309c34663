"""Stores as earlier releases left them, byte for byte, go on in this one.

`stored/*.backup` is what `sayso backup` of a release wrote, of a store with runs that wait in each way. Never edit
them; a release that stores anything in another form adds one, which `making.py` makes: of a standing approval, steps, a
delegation and a freeze. They came from Redis 6.2, which every later one reads.
`tests/agents/stored` has single runs of releases before there were backups.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import read_event, write_event
from agents.requests import PersonId, RunId
from agents.run import Run, fold
from bot.queries.rebuild import rebuild
from bot.store import Keys
from bot.store.client import Client
from tests.bot.backup.making import HANDED_ON, SECOND_STEP, STOPPED, TOML, allows_in_steps
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


async def test_a_backup_of_an_earlier_release_goes_on_in_this_one(office: World) -> None:
    held = await restored(office, BACKUPS["2026-11"])

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


async def test_a_backup_with_steps_a_delegation_and_a_freeze_goes_on_in_this_one(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML, change=allows_in_steps) as office:
        held = await restored(office, BACKUPS["2026-11-23"])

        assert (held.runs, held.requests, held.items, held.standing) == (3, 3, 0, 1)
        assert (await rebuild(office.app.store)).differed == 0
        assert [one.environment for one in await office.app.requests.freezes.all()] == ["workshop"]
        [standing] = await office.app.requests.standing.all()
        assert (standing.state, len(standing.uses)) == ("revoked", 1)
        by_text = {(await office.run(run_id)).text: RunId(run_id) for run_id in await office.app.store.lists.runs()}
        assert "request_reassigned" in {event.type for event in await office.events(by_text[HANDED_ON])}
        for text, by in ((STOPPED, ["bo"]), (HANDED_ON, ["bo"]), (SECOND_STEP, ["bo", "eve"])):
            await office.steer(by_text[text], "resume")
            record = await office.opened(by_text[text])
            for person in by:
                await office.decide(person, record, "approve")
        await office.quiet()
        assert office.workshop.effects == []

        await office.app.requests.freezes.unfreeze("workshop", PersonId("bo"), "over")
        for text in (STOPPED, HANDED_ON, SECOND_STEP):
            assert (await office.ended(by_text[text])).results[-1].text == f"{text}: done"


@pytest.mark.parametrize("lines", RUNS.values(), ids=RUNS)
async def test_a_run_of_an_earlier_release_goes_on_in_this_one(office: World, lines: bytes) -> None:
    events = [read_event(line) for line in lines.splitlines()]
    run = fold(events)
    client, keys = Client(office.url), Keys.of(run.id)
    for seq, event in enumerate(events, start=1):
        await client.do("XADD", keys.run(run.id), f"0-{seq}", "e", write_event(event), "c", "earlier")
    await client.close()

    await rebuild(office.app.store)

    ended = await until(lambda: over(office, run.id), what="it has ended")
    assert ended.state in {"done", "failed", "cancelled"}
    assert await office.dead() == []
    assert [one.request.id for one in await office.requests() if one.state == "open"] == []


async def over(world: World, run_id: RunId) -> Run | None:
    """The run if it has ended; else what people can do is done: they approve, and pick the first answer."""
    run = await world.run(run_id)
    if run.ended:
        return run
    if run.state == "paused":
        await world.steer(run_id, "resume")
    elif run.open and await is_at_rest(world, run_id):
        record = await world.request(run.open)
        for holder in record.holders:
            said = "approve" if record.request.purpose == "gate" else "free_text"
            await world.decide(holder.person, record, said, "" if said == "approve" else "1")
    return None


async def is_at_rest(world: World, run_id: str) -> bool:
    """Return whether a run has gone as far as it does without people."""
    due = await world.app.store.client.do("ZSCORE", Keys.of(run_id).wake, f"run {run_id}")
    return due is None or float(due) / 1000 > (await world.now()).timestamp() + 60
