"""A tick starts one run, by the store's clock, however many workers look and however often they start anew."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.events import RunStarted
from bot.app import App, compose
from bot.config.cron import next_tick
from bot.config.settings import Settings
from bot.render.views import Summary
from tests.kit.clerk import clerk
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it

MINUTE = (datetime.now(UTC).minute + 30) % 60
CRON = f"{MINUTE} * * * *"
"""Half an hour from when the tests begin: no tick comes by itself meanwhile."""

HOURLY = f"""
[triggers.stocktaking]
cron = "{CRON}"
text = "stamp the stock"
requester = "anna"
"""
HOUR_S = 3600.0


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    """A running sayso that takes stock each hour."""
    async with a_world(redis, tmp_path / "data", TOML + HOURLY) as world:
        await known(world)
        yield world


async def known(world: World, name: str = "stocktaking") -> datetime:
    """Return when the trigger is due next, once some worker has seen it."""

    async def seen() -> datetime | None:
        tick = await world.app.work.crons.due(name)
        return tick.at if tick else None

    return await until(seen, what=f"{name} is known")


async def to_the_next(world: World, beyond_s: float = 1.0) -> datetime:
    """The next tick, to which time jumps; to `beyond_s` after it."""
    due = await known(world)
    await world.move_time((due - await world.now()).total_seconds() + beyond_s)
    return due


async def started(world: World, count: int) -> list[RunStarted]:
    """All runs, oldest first, once there are as many as `count` and nothing more is to be done."""

    async def moved_on() -> bool:
        return await known(world) > await world.now() and len(await runs(world)) >= count

    await until(moved_on, what=f"{count} runs and the next tick")
    await world.quiet()
    return sorted(await runs(world), key=lambda run: run.at)


async def runs(world: World) -> list[RunStarted]:
    lines = await world.app.store.lists.summaries()
    ids = [Summary.model_validate_json(line).id for line in lines if line]
    found = [(await world.events(run_id))[0] for run_id in ids]
    return [event for event in found if isinstance(event, RunStarted)]


async def test_a_tick_starts_a_run_for_its_requester_in_the_words_of_the_table(office: World) -> None:
    await to_the_next(office, beyond_s=-30)
    await office.quiet()
    assert await runs(office) == [], "before its time nothing is started"
    due = await to_the_next(office, beyond_s=2)

    [run] = await started(office, 1)

    assert (run.requester, run.text, run.trigger, run.channel) == ("anna", "stamp the stock", "stocktaking", "cron")
    assert run.context == {
        "trigger": "stocktaking",
        "due": due.isoformat(),
        "late_s": run.context["late_s"],
        "ticks": 1,
    }
    assert 2 <= int(str(run.context["late_s"])) < 60
    assert office.workshop.effects == ["stamp the stock"]
    assert (await office.next_mail("anna")).subject.startswith("Done")


async def test_many_workers_that_look_at_once_and_again_start_one_run(office: World) -> None:
    others = [World(office.url, office.folder, office.toml, workshop=office.workshop) for _ in range(3)]
    for other in others:
        await other.start(receives=False)
    crons = [world.app.work.crons for world in (office, *others)]

    await to_the_next(office)
    await asyncio.gather(*(one.sweep(shard) for one in crons * 5 for shard in range(2)))
    [run] = await started(office, 1)
    for other in others:
        await other.stop()

    assert run.context["ticks"] == 1
    assert office.workshop.effects == ["stamp the stock"]


async def test_a_worker_that_died_after_the_start_and_before_the_tick_was_moved_on_starts_no_second_run(
    office: World,
) -> None:
    crons, due = office.app.work.crons, await to_the_next(office)
    [run] = await started(office, 1)
    tick = await crons.due("stocktaking")
    assert tick

    await crons.ticks.move(f"stocktaking {CRON} UTC", tick, type(tick)(due))
    await until(lambda: _is_moved_on(office, due))
    await office.quiet()

    assert [found.run_id for found in await runs(office)] == [run.run_id]


async def _is_moved_on(world: World, due: datetime) -> bool:
    return await known(world) > due


async def test_restarts_around_a_tick_neither_lose_nor_double_it(office: World) -> None:
    for beyond_s in (-30, -1, 1):
        async with office.stopped():
            await to_the_next(office, beyond_s) if beyond_s < 0 else await office.move_time(60)
    for _ in range(3):
        async with office.stopped():
            pass

    assert len(await started(office, 1)) == 1


async def test_after_an_outage_there_is_one_run_that_knows_how_late_it_is(office: World) -> None:
    due = await known(office)
    async with office.stopped():
        await to_the_next(office, beyond_s=5 * HOUR_S)

    [run] = await started(office, 1)

    assert (run.context["due"], run.context["ticks"]) == (due.isoformat(), 6)
    assert 5 * HOUR_S <= int(str(run.context["late_s"])) < 5 * HOUR_S + 60
    await to_the_next(office)
    assert (await started(office, 2))[1].context["ticks"] == 1


async def test_where_missed_ticks_are_skipped_only_a_recent_one_starts_a_run(redis: str, tmp_path: Path) -> None:
    toml = TOML + HOURLY + 'missed = "skip"\n'
    async with a_world(redis, tmp_path / "data", toml) as office:
        await known(office)
        async with office.stopped():
            await to_the_next(office, beyond_s=5 * HOUR_S + 600)
        assert await started(office, 0) == []

        due = await known(office)
        async with office.stopped():
            await to_the_next(office, beyond_s=2 * HOUR_S + 60)
        [run] = await started(office, 1)

    assert run.context["due"] == (due + timedelta(hours=2)).isoformat()
    assert run.context["ticks"] == 1


async def test_a_changed_line_counts_from_now_in_its_zone_and_what_it_would_have_meant_before_is_not_made_up_for(
    office: World,
) -> None:
    before = await known(office)
    async with office.stopped():
        await to_the_next(office, beyond_s=600)
        office.toml = office.toml.replace(f'"{CRON}"', '"0 7 * * *"\ntimezone = "Asia/Kathmandu"')
    await until(lambda: _is_moved_on(office, before))
    await office.quiet()

    assert await runs(office) == []
    assert (await known(office)).astimezone(UTC).strftime("%H:%M") == "01:15"


async def test_a_table_that_was_taken_out_and_put_back_makes_up_for_nothing(office: World) -> None:
    with_it = office.toml
    async with office.stopped():
        office.toml = TOML
    await until(lambda: _is_left(office), what="the trigger is left")
    async with office.stopped():
        await office.move_time(5 * HOUR_S)
        office.toml = with_it

    due = await known(office)
    await office.quiet()

    assert due > await office.now()
    assert await runs(office) == []
    await to_the_next(office)
    assert (await started(office, 1))[0].context["ticks"] == 1


@pytest.mark.parametrize("another", [TOML, TOML + HOURLY.replace(CRON, f"{(MINUTE + 10) % 60} * * * *")])
async def test_no_tick_is_lost_to_a_worker_whose_file_lacks_the_table_or_has_another_line(
    redis: str, tmp_path: Path, another: str
) -> None:
    """They run side by side while they are restarted one after the other."""
    old, new = (World(redis, tmp_path / "data", toml) for toml in (another, TOML + HOURLY))
    async with beside_it(old), beside_it(new):
        due = next_tick(CRON, "UTC", await new.now() + timedelta(minutes=1))
        await new.move_time((due - await new.now()).total_seconds() - 30)
        await _sweep(new, old, new, old)
        await new.move_time(60)

        await _sweep(old, new, old, new)

        assert due.isoformat() in [run.context["due"] for run in await runs(new)]


async def test_a_tick_that_no_file_has_any_more_is_forgotten(office: World) -> None:
    async with office.stopped():
        office.toml = TOML
    await until(lambda: _is_left(office), what="the trigger is left")
    await office.move_time(601)

    async def is_forgotten() -> bool:
        return (await office.app.work.crons.ticks.read(f"stocktaking {CRON} UTC"))[0] is None

    await until(is_forgotten, what="the trigger is forgotten")


async def _sweep(*worlds: World) -> None:
    for world in worlds:
        for shard in range(world.app.store.shards):
            await world.app.work.crons.sweep(shard)


async def _is_left(world: World) -> bool:
    tick, _ = await world.app.work.crons.ticks.read(f"stocktaking {CRON} UTC")
    return tick is None or tick.left_at is not None


@dataclass
class Brittle(World):
    """A sayso with a second agent, which breaks when it is asked whether it takes a text, unless it is fixed."""

    is_mended: bool = False

    def composed(self, settings: Settings) -> App:
        def takes(_: str) -> bool:
            if not self.is_mended:
                raise ZeroDivisionError("nobody had thought of it")
            return False

        agents = [clerk(self.workshop), replace(clerk(self.workshop), name="brittle", takes=takes)]
        return compose(settings, self.url, [self.mail.channel()], agents)


@pytest.mark.long
async def test_a_tick_that_breaks_is_told_to_the_operators_once_and_the_next_one_comes(
    redis: str, tmp_path: Path
) -> None:
    often = TOML + HOURLY.replace(CRON, "*/10 * * * *")
    office = Brittle(redis, tmp_path / "data", often)
    await office.start()
    try:
        first = await to_the_next(office)
        told = await office.next_mail("dan")
        assert "The trigger stocktaking started no run" in told.subject
        assert "ZeroDivisionError: nobody had thought of it" in told.text
        await office.move_time(600)
        second = first + timedelta(seconds=600)
        await until(lambda: _is_due(office, second), what="the first tick is left behind")
        assert await runs(office) == []
        office.is_mended = True

        [run] = await started(office, 1)

        assert run.context["due"] == second.isoformat()
        assert len(office.mails("dan")) == 1
    finally:
        await office.stop()


async def _is_due(world: World, at: datetime) -> bool:
    tick = await world.app.work.crons.due("stocktaking")
    return tick is not None and tick.at == at


async def test_more_than_its_limit_starts_nothing_and_the_operators_hear_of_it_once(redis: str, tmp_path: Path) -> None:
    toml = TOML.replace('"1000/h"', '"1000/h"\ntriggers_per_trigger = "2/d"') + HOURLY
    async with a_world(redis, tmp_path / "data", toml) as office:
        await known(office)
        for count in (1, 2, 2, 2):
            await to_the_next(office)
            assert len(await started(office, count)) == count
        told = await office.next_mail("dan")

    assert "The trigger stocktaking started no run" in told.subject
    assert "limits.triggers_per_trigger in sayso.toml" in told.text
    assert len(office.mails("dan")) <= 2, "once an hour"
