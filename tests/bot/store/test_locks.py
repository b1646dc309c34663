"""A lock is one holder's at a time, by Redis's own time, and each holder has a higher fence."""

from bot.store import Store
from bot.store.locks import Held, LockQueue, Locks, Taken
from tests.kit.guards import guards

LEASE_S = 30.0


def locks_of(store: Store) -> Locks:
    return Locks(store.client, store.shards, LEASE_S)


@guards("take_lock.lua:held")
async def test_a_lock_is_held_by_one_until_it_is_given_up_and_the_fence_goes_up(store: Store) -> None:
    locks = locks_of(store)

    assert await locks.take("deploy-staging", "run one") == Taken("taken", "run one", 1)
    assert await locks.take("deploy-staging", "run two") == Taken("held", "run one", 1)
    assert await locks.take("deploy-staging", "run one") == Taken("taken", "run one", 1)
    assert await locks.take("deploy-production", "run two") == Taken("taken", "run two", 1)
    await locks.give_up(Held("deploy-staging", "run one", 1))

    assert await locks.take("deploy-staging", "run two") == Taken("taken", "run two", 2)


@guards("take_lock.lua:left")
async def test_a_lease_that_is_over_is_not_taken_before_its_holder_is_known_to_be_gone(store: Store) -> None:
    locks = locks_of(store)
    await locks.take("deploy-staging", "run one")
    await move_clock(store, LEASE_S)

    assert await locks.take("deploy-staging", "run two") == Taken("left", "run one", 1)
    assert await locks.take("deploy-staging", "run two", gone="run none") == Taken("left", "run one", 1)
    assert await locks.take("deploy-staging", "run two", gone="run one") == Taken("taken", "run two", 2)


@guards("keep_lease.lua:fence")
async def test_whoever_was_passed_over_keeps_and_frees_nothing(store: Store) -> None:
    locks, old = locks_of(store), Held("deploy-staging", "run one", 1)
    await locks.take("deploy-staging", "run one")
    await move_clock(store, LEASE_S)
    assert await locks.keep(old), "nobody else has taken it meanwhile"
    await move_clock(store, 2 * LEASE_S)
    await locks.take("deploy-staging", "run one again", gone="run one")

    assert not await locks.keep(old)
    await locks.give_up(old)
    assert not await locks.keep(Held("deploy-staging", "run one again", 1))
    assert await locks.take("deploy-staging", "run three") == Taken("held", "run one again", 2)


@guards("take_lock.lua:queued")
async def test_a_free_lock_goes_to_whoever_has_waited_longest(store: Store) -> None:
    locks = locks_of(store)
    await locks.take("deploy-staging", "run one")
    await locks.take("deploy-staging", "run two")
    await move_clock(store, 1)
    await locks.take("deploy-staging", "run three")
    await locks.give_up(Held("deploy-staging", "run one", 1))

    assert await locks.take("deploy-staging", "run three") == Taken("queued", "run two", 1)
    assert await locks.take("deploy-staging", "run two") == Taken("taken", "run two", 2)


async def test_who_asks_no_longer_or_leaves_is_passed_over(store: Store) -> None:
    locks = locks_of(store)
    for run in ("run one", "run gone", "run left"):
        await locks.take("deploy-staging", run)
    await move_clock(store, 11)
    for run in ("run left", "run new"):
        await locks.take("deploy-staging", run)
    await locks.leave("deploy-staging", "run left")
    await locks.give_up(Held("deploy-staging", "run one", 1))

    assert await locks.take("deploy-staging", "run new") == Taken("taken", "run new", 2)


async def test_the_queue_of_a_lock_says_who_holds_it_and_who_waits_since_when(store: Store) -> None:
    locks = locks_of(store)
    assert await locks.queue("deploy-staging") == LockQueue()

    for at_s, run in enumerate(["run one", "run two", "run three"]):
        await move_clock(store, at_s)
        await locks.take("deploy-staging", run)
    await locks.take("deploy-staging", "run two")
    found = await locks.queue("deploy-staging")

    assert found.holder is not None
    assert found.holder.who == "run one"
    assert [one.who for one in found.waiting] == ["run two", "run three"]
    two, three = found.waiting
    assert (
        0.9
        < (two.since - found.holder.since).total_seconds()
        < three.since.timestamp() - found.holder.since.timestamp()
    )
    await move_clock(store, LEASE_S + 5)
    assert await locks.queue("deploy-staging") == LockQueue(), "their leases are over"


async def move_clock(store: Store, to_s: float) -> None:
    for shard in range(store.shards):
        await store.client.do("SET", f"{{s{shard}}}:clock_offset", round(to_s * 1000))
