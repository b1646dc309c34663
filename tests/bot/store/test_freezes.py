"""What is frozen, in every shard: the start that it stops, who waits for its end, and changes that meet."""

from datetime import timedelta

import pytest

from agents.requests import Freeze, PersonId
from bot.store import Keys, Store
from bot.store.client import Client
from bot.store.freezes import Freezes, FrozenPlaces
from tests.bot.store.stores import (
    AT,
    ATTEMPT,
    REQUEST,
    RUN,
    append,
    events,
    in_a,
    paused,
    put,
    started,
    tool_started,
    woken,
    write,
)
from tests.kit.guards import guards
from tests.servers.lines import Server

FREEZE = Freeze(environment="production", by=PersonId("bo"), reason="incident", since=AT)


@pytest.fixture
async def run(store: Store) -> None:
    """A run of one event, and an approved request in version 2."""
    await append(store, started(), expect=0)
    await put(store, write(0))
    await put(store, write(1, state="approved"))


async def start(store: Store, number: int = 0) -> str:
    record = write(2, "approved", b"started", await in_a(store, 900), number)
    return (await store.start_tool(RUN, 1, ATTEMPT, tool_started(), record)).state


@guards("commit.lua:frozen")
@pytest.mark.parametrize("environment", ["production", ""], ids=["one", "everything"])
async def test_nothing_gated_starts_by_what_was_frozen_before_a_freeze_and_what_is_not_gated_does(
    store: Store, run: None, environment: str
) -> None:
    """What a freeze holds is known to whoever reads the settings: one environment may be another by now."""
    await store.freezes.put(environment, FREEZE)

    assert await start(store) == "frozen"
    assert await events(store) == ["run_started"]
    assert (await store.start_tool(RUN, 1, ATTEMPT, tool_started(), None)).state == "started"


async def test_what_is_gated_starts_by_what_is_frozen_now(store: Store, run: None) -> None:
    await store.freezes.put("production", FREEZE)

    assert await start(store, (await store.freezes.read()).number) == "started"


@guards("commit.lua:waits")
async def test_what_has_started_waits_for_no_freeze(store: Store, run: None) -> None:
    assert await store.settle(RUN, 1, None, None, waits=REQUEST, frozen=0)
    assert await store.freezes.concerned(0) == [REQUEST]

    assert await start(store) == "started"

    assert await store.freezes.concerned(0) == []


async def test_whoever_waits_is_looked_at_when_its_window_ends_and_else_not_at_all(store: Store, run: None) -> None:
    assert await store.settle(RUN, 1, await in_a(store, 5), None)
    assert await store.settle(RUN, 1, None, None, waits=REQUEST, frozen=0)
    assert f"run {RUN}" not in await woken(store)

    assert await store.settle(RUN, 1, await in_a(store, 600), None, waits=REQUEST, frozen=0)
    assert 590 < (await woken(store))[f"run {RUN}"] <= 600


@guards("commit.lua:freeze")
@guards("commit.lua:sequence")
async def test_nobody_waits_whose_run_has_moved_on_or_whose_freeze_has_ended_meanwhile(store: Store, run: None) -> None:
    await store.freezes.put("production", FREEZE)
    seen = (await store.freezes.read(0)).number
    await store.freezes.put("production", None)
    ended = (await store.freezes.read(0)).number
    assert not await store.settle(RUN, 1, None, None, waits=REQUEST, frozen=seen)
    assert await store.settle(RUN, 1, None, None, waits=REQUEST, frozen=ended)

    await append(store, paused())

    assert not await store.settle(RUN, 1, None, None, waits=REQUEST, frozen=ended)


@guards("freeze.lua:newer")
async def test_an_older_state_never_replaces_a_newer_one(store: Store) -> None:
    await store.freezes.put("production", FREEZE)
    old = await store.freezes.read()
    await store.freezes.put("production", None)

    await store.freezes.spread(old)

    assert (await store.freezes.read(1)).freezes == {}


async def test_attack_a_freeze_that_shards_of_one_node_lost_keeps_no_later_one_from_the_others(store: Store) -> None:
    freezes = Freezes(store.client, shards=4)
    await freezes.put("staging", FREEZE)
    for shard in range(2):  # of a node of a cluster, whose replica lacked it
        await store.client.do("DEL", Keys(shard).frozen)

    await freezes.put("production", FREEZE)

    for shard in range(4):
        assert set((await freezes.read(shard)).freezes) == {"production", "staging"}, shard


@pytest.mark.parametrize("lost_at", [0, 1])
async def test_attack_a_freeze_that_the_first_shard_lost_alone_keeps_no_later_one_from_the_others(
    store: Store, lost_at: int
) -> None:
    for number in range(lost_at):
        await store.freezes.put("staging", FREEZE.model_copy(update={"reason": f"test {number}"}))
    kept = await store.client.do("DUMP", Keys(0).frozen)
    await store.freezes.put("staging", FREEZE)
    await store.client.do("DEL", Keys(0).frozen)  # a node of a cluster, whose replica lacked it
    if kept:
        await store.client.do("RESTORE", Keys(0).frozen, 0, kept)

    await store.freezes.put("production", FREEZE)

    for shard in range(2):
        assert set((await store.freezes.read(shard)).freezes) == {"production", "staging"}, shard
    await store.freezes.put("staging", None)
    for shard in range(2):
        assert set((await store.freezes.read(shard)).freezes) == {"production"}, shard


@guards("freeze.lua:follows")
async def test_of_two_changes_at_once_one_is_made_on_top_of_the_other(store: Store) -> None:
    held = await store.freezes.read()
    after = FrozenPlaces(held.number + 2, {"production": FREEZE}, held.now)

    assert not await store.freezes.write_first(after, follows=held.number + 1)


async def test_every_shard_knows_it_and_who_said_it_first(store: Store) -> None:
    assert await store.freezes.put("production", FREEZE) is None
    newer = FREEZE.model_copy(update={"reason": "another", "since": AT + timedelta(minutes=1)})
    assert await store.freezes.put("production", newer) == FREEZE

    again = FREEZE.again(newer)
    assert await store.freezes.put("production", None, FREEZE.shown) == again, "it ends what was shown alone"
    for shard in range(2):
        assert (await store.freezes.read(shard)).freezes == {"production": again}
        assert (await store.freezes.read(shard)).of("production") == again
        assert (await store.freezes.read(shard)).of("staging") is None
        assert (await store.freezes.read(shard)).of(None) is None


async def test_whoever_freezes_or_unfreezes_hears_what_was_there_before_though_the_answer_is_lost(
    store: Store, redis: str
) -> None:
    await store.freezes.put("staging", FREEZE)  # Redis knows the script from now on
    with Server("tests.servers.redis_proxy", redis) as proxy:
        client = Client(f"redis://127.0.0.1:{proxy.said['redis_port']}")
        for environment in ("production", ""):
            frozen, found = FREEZE.model_copy(update={"environment": environment}), list[Freeze | None]()
            for freeze in (frozen, None):
                proxy.ask(do="arm", name="freeze", nth=1, when="after", act="drop")
                found.append(await Freezes(client, store.shards).put(environment, freeze))
                assert proxy.ask(do="seen")["sprung"] == 1
                proxy.ask(do="clear")

            assert found == [None, frozen]
        await client.close()
