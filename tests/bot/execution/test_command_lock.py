"""Deploys of one environment take turns: who waits stands in a queue that everybody sees, and may be called off."""

import os
from collections.abc import AsyncIterator

import pytest

from agents.events import ToolOrphaned, ToolQueued
from agents.requests import RunId
from bot.execution.command_lock import CommandLock, Holder
from bot.execution.runner_files import Places, take_lock
from bot.render.status_line import status_line
from bot.store import Store
from bot.store.locks import Held, LockQueue
from tests.bot.cli.shell import sayso
from tests.bot.store.stores import (
    ATTEMPT,
    LEASE_S,
    OTHER,
    RUN,
    a_store,
    append,
    in_a,
    move_time,
    started,
    tool_started,
)
from tests.kit.waiting import patience, until
from tests.kit.world import World
from tests.servers.console import a_console
from tests.test_tour import commit_of

BUSY = "deploy-production"


class Street:
    """A deploy that cannot go on, and another one that waits behind it."""

    def __init__(self, shop: World, first: RunId, second: RunId, lock: int) -> None:
        self.shop, self.first, self.second, self._lock = shop, first, second, lock

    def open(self) -> None:
        """Let the first one go on."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


@pytest.fixture
async def street(shop: World) -> AsyncIterator[Street]:
    places = Places(shop.folder)
    places.make()
    lock = take_lock(places.lock(BUSY))
    first = await approved(shop, "deploy v1.1.0 to production")
    await until(lambda: runs_now(shop, first), what="the first one has its turn")
    second = await approved(shop, "deploy v1.2.0 to production")
    await until(lambda: waits_behind(shop, second, first), what="the second one waits for its turn")
    street = Street(shop, first, second, lock)
    yield street
    street.open()


async def test_who_waits_is_told_behind_whom_and_line_page_and_terminal_show_whose_turn_it_is(street: Street) -> None:
    shop = street.shop

    said = [status_line(await shop.run(one), None, shop.app.people) for one in (street.first, street.second)]
    waits = f"after run {street.first} of Anna Ames: Deploy v1.2.0 to production, replacing v1.0.0"
    assert (said[0].startswith("Running: Deploy v1.1.0"), said[1]) == (True, f"Waiting for its turn, {waits}")
    turns = await shop.app.live.turns()
    assert turns["staging"].running is None
    assert turns["production"].running
    assert (turns["production"].running.run, turns["production"].running.requester) == (street.first, "anna")
    assert [(one.run, one.text) for one in turns["production"].waiting] == [
        (street.second, "deploy v1.2.0 to production")
    ]
    async with a_console(shop) as console:
        page = await (await console.browser("anna")).get("/live")
        assert "deploy v1.1.0 to production" in page.html
        words = (await (await console.browser("anna")).get(f"/runs/{street.second}")).words
        assert "Waiting for its turn: " in words
        assert f"It waits for its turn, after run {street.first} of Anna Ames." in words
        assert f"/runs/{street.second}/confirm/cancel" in page.html
        assert f"/runs/{street.second}/confirm/cancel" not in (await (await console.browser("bo")).get("/live")).html
    # A machine that stands still for longer than a lease has the second one queue again.
    printed = await until(lambda: naming(street.second, shop, "environments"), what="both are printed")
    production, staging = printed.split("\nstaging")

    assert production.startswith(f"production  {commit_of(shop, 'v1.0.0')} (v1.0.0)  needs approval (production)\n")
    assert f"  running    {street.first}  Anna Ames: deploy v1.1.0 to production  for " in production
    assert f"  waits      {street.second}  Anna Ames: deploy v1.2.0 to production  for " in production
    assert "running" not in staging
    street.open()
    await shop.ended(street.first)
    await until(lambda: nobody_waits(shop), what="nobody waits any more")


@pytest.mark.long
async def test_a_deploy_that_waits_while_sayso_ends_is_known_not_to_have_begun(street: Street) -> None:
    shop = street.shop

    async with shop.stopped():
        pass
    left = await until(lambda: orphaned(shop, street.second), what="it is known that its worker has gone")

    assert [event.may_have_started for event in left] == [False]


@pytest.mark.long
async def test_the_story_says_that_its_turn_came_and_what_changed_meanwhile_is_asked_again(street: Street) -> None:
    shop = street.shop
    before = [one.behind for one in await shop.events(street.second) if isinstance(one, ToolQueued)]

    street.open()
    await shop.ended(street.first)
    record = await until(lambda: asked_again(shop, street.second), what="the second one is asked about again")

    after = [one.behind for one in await shop.events(street.second) if isinstance(one, ToolQueued)]
    assert (before, after) == ([street.first], [street.first, None])
    now = commit_of(shop, "v1.1.0")
    assert f"live in production was {commit_of(shop, 'v1.0.0')[:7]} and is now {now[:7]}." in record


FIRST, SECOND = Holder(RUN, ATTEMPT), Holder(RunId("s0r-bbbbbbbbbbbbb"), OTHER)
DOOR = Held("door", str(FIRST), 1)


@pytest.fixture
async def door(redis: str) -> AsyncIterator[Store]:
    """A store in which the first attempt has begun, and has the lock of the door."""
    async with a_store(redis) as store:
        await append(store, started(), expect=0)
        await store.start_tool(RUN, 1, ATTEMPT, tool_started(), None)
        await CommandLock(store).locks.take("door", str(FIRST))
        yield store


async def test_who_waits_gives_up_when_its_approval_ends_and_takes_nothing_from_whom_nobody_has_judged(
    door: Store,
) -> None:
    turns = CommandLock(door)

    async def is_wanted(_: Holder | None) -> bool:
        return True

    for passed_s in (0, 4 * LEASE_S):
        await move_time(door, passed_s)
        async with patience():
            assert await turns.take("door", SECOND, await in_a(door, 0.1), is_wanted) is None, passed_s
        assert not (await turns.locks.queue("door")).waiting, "it waits no longer"


async def test_a_turn_that_comes_when_nobody_wants_it_any_more_is_not_taken(door: Store) -> None:
    turns = CommandLock(door)

    async def is_wanted_until_then(behind: Holder | None) -> bool:
        await turns.give_up(DOOR)
        return behind is not None

    assert await turns.take("door", SECOND, None, is_wanted_until_then) is None
    assert await turns.locks.queue("door") == LockQueue()


async def test_a_lock_does_not_end_while_it_is_kept(door: Store) -> None:
    turns = CommandLock(Store(door.client, door.shards, lease_s=0.3, grace_s=1))
    await move_time(door, 4 * LEASE_S)

    async def holds() -> bool:
        return (await turns.locks.queue("door")).holder is not None

    assert not await holds(), "its lease is over"
    async with turns.kept(DOOR):
        await until(holds, what="its lease is moved on")


async def approved(shop: World, text: str) -> RunId:
    run_id = await shop.trigger(text)
    await shop.decide("bo", await shop.opened(run_id), "approve")
    return run_id


async def runs_now(shop: World, run_id: RunId) -> bool:
    running = (await shop.app.live.turns())["production"].running
    return running is not None and running.run == run_id


async def waits_behind(shop: World, run_id: RunId, behind: RunId) -> bool:
    pending = (await shop.run(run_id)).pending
    queued = pending.attempt.queued if pending and pending.attempt else None
    return queued is not None and queued.behind == behind


async def orphaned(shop: World, run_id: RunId) -> list[ToolOrphaned]:
    return [event for event in await shop.events(run_id) if isinstance(event, ToolOrphaned)][:1]


async def nobody_waits(shop: World) -> bool:
    return not (await shop.app.live.turns())["production"].waiting


async def naming(run_id: RunId, shop: World, *args: str) -> str:
    """What a command prints, once it names a run."""
    printed = (await sayso(shop, *args)).out
    return printed if run_id in printed else ""


async def asked_again(shop: World, run_id: RunId) -> tuple[str, ...]:
    found = [one for one in await shop.requests() if one.request.run_id == run_id and one.state == "open"]
    return found[0].request.changed if found else ()
