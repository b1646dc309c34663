"""Hints at which runs changed: from every script, over one connection, never silently incomplete."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.store import Commit, Store, StoreUnavailable
from bot.store.client import Client
from bot.store.ids import new_id
from bot.store.keys import Keys
from bot.store.watch import EVERYTHING, Changes, Follower, FollowingEnds
from tests.bot.store.stores import (
    ATTEMPT,
    LEASE_S,
    RUN,
    append,
    finished,
    line,
    move_time,
    orphaned,
    paused,
    put,
    started,
    tool_started,
    write,
)
from tests.kit.waiting import PATIENCE_S, patience, until

ELSEWHERE = "s1r-aaaaaaaaaaaaa"


@pytest.fixture
async def follower(store: Store) -> AsyncIterator[Follower]:
    follower = Follower(store)
    yield follower
    await follower.close()


async def listeners(store: Store) -> int:
    """Connections that are subscribed to anything."""
    return len((await store.client.do("CLIENT", "LIST", "TYPE", "pubsub")).splitlines())


async def elsewhere(store: Store) -> None:
    """Another run changes: hints come in their order, so what was to be told before has been told by then."""
    await store.commit(Commit(run_id=ELSEWHERE, events=[paused()]))


async def heard(changes: Changes, count: int = 1) -> frozenset[str]:
    """Everything that is told until so many runs have been."""
    found = frozenset[str]()
    async with patience():
        while len(found) < count:
            found |= await changes.next(PATIENCE_S)
    return found


async def test_every_change_of_a_run_is_told_and_nothing_else(store: Store, follower: Follower) -> None:
    async with follower.changes() as changes:
        await append(store, started())
        assert await changes.next(PATIENCE_S) == {RUN}
        assert (await store.start_tool(RUN, 1, ATTEMPT, tool_started(), None)).state == "started"
        assert await changes.next(PATIENCE_S) == {RUN}
        await move_time(store, LEASE_S + 1)
        assert await store.orphan(RUN, ATTEMPT, orphaned()) == "committed"
        assert await changes.next(PATIENCE_S) == {RUN}
        assert await store.finish_tool(RUN, ATTEMPT, finished())
        assert await changes.next(PATIENCE_S) == {RUN}
        assert await store.settle(RUN, 4, None, line("new"))
        assert await changes.next(PATIENCE_S) == {RUN}

        assert await store.settle(RUN, 4, None, line("new"))
        assert not await store.settle(RUN, 3, None, line("late"))
        await append(store, paused(), expect=1)
        await put(store, write())
        await elsewhere(store)
        assert await changes.next(PATIENCE_S) == {ELSEWHERE}


async def test_what_changes_between_two_calls_is_told_at_once_over_all_shards(store: Store, follower: Follower) -> None:
    await store.commit(Commit(run_id=new_id("run", 0), events=[paused()]))  # what was before is not told
    async with follower.changes() as one, follower.changes() as other:
        for _ in range(3):
            await append(store, paused())
        await elsewhere(store)
        assert await heard(other, 2) == {RUN, ELSEWHERE}
        assert await one.next(PATIENCE_S) == {RUN, ELSEWHERE}
        assert (await one.next(0), await other.next(0)) == (frozenset(), frozenset())


async def test_who_lets_too_much_gather_is_told_to_look_at_everything(store: Store, follower: Follower) -> None:
    ids = [new_id("run", number % 2) for number in range(1_001)]
    async with follower.changes() as sleeps, follower.changes() as listens:
        await asyncio.gather(*(store.commit(Commit(run_id=run_id, events=[paused()])) for run_id in ids[:1_000]))
        assert await heard(listens, 1_000) == set(ids[:1_000])
        await store.commit(Commit(run_id=ids[-1], events=[paused()]))
        assert await listens.next(PATIENCE_S) == {ids[-1]}

        assert await sleeps.next(PATIENCE_S) == EVERYTHING
        await append(store, paused())
        assert await sleeps.next(PATIENCE_S) == {RUN}


@pytest.mark.parametrize("protocol", [2, 3])
async def test_hints_come_in_each_form_of_the_protocol_and_a_silent_line_is_asked_and_kept(
    redis: str, protocol: int
) -> None:
    client, other = Client(f"{redis}?protocol={protocol}"), Client(redis)
    async with client.listening(["here"], quiet_s=0.02) as listener:
        hearing = asyncio.create_task(listener.receive())
        assert not (await asyncio.wait([hearing], timeout=0.3))[0]
        await other.do("PUBLISH", "here", "a word")
        assert await hearing == b"a word"
    follower = Follower(Store(client, 2))
    async with follower.changes() as changes:
        await append(Store(other, 2), paused())
        assert await changes.next(PATIENCE_S) == {RUN}
    await follower.close()
    await client.close()
    await other.close()


@pytest.mark.long
async def test_a_line_that_has_gone_dead_is_noticed(redis: str) -> None:
    client, other = Client(redis), Client(redis)
    async with client.listening(["here"], quiet_s=0.02) as listener:
        await other.do("CLIENT", "PAUSE", 4_500, "ALL")
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await listener.receive()
    await other.do("CLIENT", "UNPAUSE")
    await client.close()
    await other.close()


async def test_many_watch_over_one_connection_and_none_stays_when_they_have_left(
    store: Store, follower: Follower
) -> None:
    assert await listeners(store) == 0
    for _ in range(3):
        async with follower.changes(), follower.changes() as one, follower.changes():
            assert await listeners(store) == 1
            await append(store, paused())
            assert await one.next(PATIENCE_S) == {RUN}

        async def nobody() -> bool:
            return await listeners(store) == 0

        await until(nobody, what="the connection is given back")


async def test_after_its_connection_was_lost_or_a_hint_is_no_run_everybody_looks_at_everything(
    store: Store, follower: Follower
) -> None:
    async with follower.changes() as one, follower.changes() as other:
        for trouble in (("CLIENT", "KILL", "TYPE", "pubsub"), ("PUBLISH", Keys(0).changed, b"\xff")):
            await store.client.do(*trouble)

            assert [await each.next(PATIENCE_S) for each in (one, other)] == [EVERYTHING, EVERYTHING]
            await append(store, paused())
            assert [await each.next(PATIENCE_S) for each in (one, other)] == [{RUN}, {RUN}]


async def test_closing_ends_every_watch_of_changes_and_lets_nobody_begin_one(store: Store) -> None:
    follower = Follower(store)
    async with follower.changes() as changes:
        waiting = asyncio.create_task(changes.next(PATIENCE_S))
        assert not (await asyncio.wait([waiting], timeout=0.1))[0]
        await follower.close()
        with pytest.raises(FollowingEnds):
            await waiting
        with pytest.raises(FollowingEnds):
            await changes.next(0)
    with pytest.raises(FollowingEnds):
        async with follower.changes():
            pass
    assert await listeners(store) == 0


@pytest.mark.long
async def test_closing_ends_listening_at_whatever_moment_it_comes(store: Store) -> None:
    for number in range(30):
        follower = Follower(store)

        async def watch(follower: Follower = follower) -> None:
            async with follower.changes() as changes:
                await changes.next(PATIENCE_S)

        watching = asyncio.create_task(watch())
        await asyncio.wait([watching], timeout=0.0002 * number)
        async with patience():
            await follower.close()
            with pytest.raises(FollowingEnds):
                await watching


async def test_a_watcher_that_is_cancelled_leaves_nothing_behind(store: Store, follower: Follower) -> None:
    async def watch() -> None:
        async with follower.changes() as changes:
            while True:
                await changes.next(PATIENCE_S)

    async def nobody() -> bool:
        return await listeners(store) == 0

    for within_s in (0, 0.0005, 0.002, 0.1):
        watching = asyncio.create_task(watch())
        await asyncio.wait([watching], timeout=within_s)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        await until(nobody, what="the connection is given back")


async def test_a_server_that_forbids_hints_takes_changes_all_the_same(store: Store, redis: str) -> None:
    rules = ("on", ">word", "~*", "+@all", "resetchannels")
    await store.client.do("ACL", "SETUSER", "quiet", *rules)
    client = Client(f"{redis}?username=quiet&password=word")
    written = await append(Store(client, 2), started())
    await client.close()
    await store.client.do("ACL", "DELUSER", "quiet")

    assert written.state == "committed"
    assert (await store.load(RUN)).events == (started(),)
