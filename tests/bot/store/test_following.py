import pytest

from agents.events import RunPaused, write_event
from agents.requests import PersonId, RunId
from bot.store import Commit, Store
from bot.store.keys import Keys
from bot.store.watch import Follower, FollowingEnds, RunNews
from tests.kit.waiting import PATIENCE_S, patience

RUN, OTHER = RunId("s0r-aaaaaaaaaaaaa"), RunId("s0r-bbbbbbbbbbbbb")


async def append(store: Store, run_id: RunId, count: int = 1) -> None:
    for _ in range(count):
        event = RunPaused(at=store.about_now(), by=PersonId("anna"))
        await store.commit(Commit(run_id=run_id, events=[event]))


async def test_what_was_there_comes_first_and_then_what_comes_each_once(store: Store) -> None:
    follower, told = Follower(store), list[RunNews]()
    await append(store, RUN, 3)
    async with follower.watch(RUN, 1) as watch:
        while len(told) < 2:
            told += await watch.next(PATIENCE_S)
        for _ in range(20):
            await append(store, RUN)
        async with patience():
            while len(told) < 22:
                told += await watch.next(PATIENCE_S)
    await follower.close()

    assert [seq for seq, _ in told] == list(range(2, 24))


async def test_a_run_that_is_watched_later_is_heard_of_at_once(store: Store) -> None:
    follower = Follower(store)
    async with follower.watch(OTHER, 0) as first:
        assert await first.next(0.05) == []
        async with follower.watch(RUN, 0) as second:
            assert await second.next(0.02) == []
            await append(store, RUN)
            assert len(await second.next(PATIENCE_S)) == 1
    await follower.close()


async def test_many_watch_one_run_and_one_leaves(store: Store) -> None:
    follower = Follower(store)
    async with follower.watch(RUN, 0) as stays, follower.watch(RUN, 0) as stays_too:
        async with follower.watch(RUN, 0) as leaves:
            assert await leaves.next(0) == []
        assert (await stays.next(0), await stays_too.next(0)) == ([], [])
        await append(store, RUN)

        assert [len(await one.next(PATIENCE_S)) for one in (stays, stays_too)] == [1, 1]
    await follower.close()


@pytest.mark.long
async def test_closing_ends_at_whatever_moment_it_comes(store: Store) -> None:
    for number in range(60):
        follower = Follower(store)
        async with follower.watch(RUN, 0) as watch:
            await watch.next(0.0002 * number)
        async with patience():
            await follower.close()


async def test_who_says_to_have_heard_what_never_was_silences_nobody(store: Store) -> None:
    follower = Follower(store)
    await append(store, RUN)
    async with follower.watch(RUN, 999_999) as claims, follower.watch(RUN, 0) as honest:
        assert await claims.next(0.05) == []
        assert [seq for seq, _ in await honest.next(PATIENCE_S)] == [1]
        assert await honest.next(0.05) == []
        await append(store, RUN)

        assert [seq for seq, _ in await honest.next(PATIENCE_S)] == [2]
        assert [seq for seq, _ in await claims.next(PATIENCE_S)] == [2]
    await follower.close()


async def test_an_event_that_nobody_can_read_ends_the_watches_of_its_run_alone(store: Store) -> None:
    follower = Follower(store, again_s=0.05)
    async with follower.watch(RUN, 0) as newer, follower.watch(OTHER, 0) as other:
        assert [await newer.next(0.05), await other.next(0.05)] == [[], []]
        await store.client.do("XADD", Keys.of(RUN).run(RUN), "0-1", "e", '{"type": "of_a_newer_release"}')

        with pytest.raises(FollowingEnds):
            await newer.next(PATIENCE_S)
        await append(store, OTHER)
        assert [seq for seq, _ in await other.next(PATIENCE_S)] == [1]
    await follower.close()


async def reads(store: Store) -> int:
    """Return how often the server was asked for events."""
    stats = (await store.client.do("INFO", "commandstats"))["cmdstat_xrange"]
    return int(stats["calls"])


async def test_a_run_is_read_when_it_changes_and_no_other_run_does_it(store: Store) -> None:
    follower = Follower(store)
    async with follower.watch(RUN, 0) as watch:
        assert await watch.next(0) == []
        before = await reads(store)
        await append(store, OTHER, 20)
        assert await watch.next(0.05) == []
        assert await reads(store) == before

        await append(store, RUN)
        assert len(await watch.next(PATIENCE_S)) == 1
        assert await reads(store) == before + 1
    await follower.close()


async def test_what_came_while_the_subscription_was_lost_is_read_once_it_is_back(store: Store) -> None:
    follower = Follower(store)
    async with follower.watch(RUN, 0) as watch:
        assert await watch.next(0) == []
        await store.client.do("CLIENT", "KILL", "TYPE", "pubsub")
        await append(store, RUN, 3)

        told = list[RunNews]()
        async with patience():
            while len(told) < 3:
                told += await watch.next(PATIENCE_S)
    await follower.close()

    assert [seq for seq, _ in told] == [1, 2, 3]


async def test_what_no_hint_came_for_is_read_all_the_same(store: Store) -> None:
    follower = Follower(store, again_s=0.05)
    async with follower.watch(RUN, 0) as watch:
        assert await watch.next(0) == []
        event = write_event(RunPaused(at=store.about_now(), by=PersonId("anna")))
        await store.client.do("XADD", Keys.of(RUN).run(RUN), "0-1", "e", event)

        assert [seq for seq, _ in await watch.next(PATIENCE_S)] == [1]
    await follower.close()
