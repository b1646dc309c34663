"""A run is taken out of Redis as it was read, or not at all; and nothing is written to one that is gone."""

from dataclasses import dataclass

import pytest

from agents.events import CardReplaced
from agents.requests import PersonId, RequestId, RunId
from bot.archive.leaving import Leaving, Read
from bot.store import Commit, Keys, Store, Wake, WorkItem
from tests.kit.guards import guards
from tests.kit.world import World


@dataclass
class Resting:
    """A run that has ended, asked something before, and is read while nobody works."""

    store: Store
    leaving: Leaving
    run_id: RunId
    request_id: RequestId
    read: Read

    @property
    def keys(self) -> Keys:
        return Keys.of(self.run_id)

    async def noted(self) -> str:
        """A fact that no audit record is made of, appended wherever the run is now; what came of that."""
        event = CardReplaced(
            at=await self.store.now(self.run_id), request_id=self.request_id, person=PersonId("cy"), why="unbound"
        )
        return (await self.store.commit(Commit(run_id=self.run_id, events=[event], is_there=True))).state

    async def stays(self) -> bool:
        """Return whether taking it out as it was read does nothing."""
        before = await self.store.load(self.run_id)
        is_gone = await self.leaving.forget(self.read)
        there = await self.store.load(self.run_id), await self.store.record(self.request_id)
        return not is_gone and there[0].events == before.events and there[1] is not None


@pytest.fixture
async def resting(world: World) -> Resting:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)
    await world.quiet()
    await world.stop()
    await world.seal()
    store = world.app.store
    leaving = Leaving(store.client)
    read = await leaving.read(run_id, ())
    assert read
    return Resting(store, leaving, run_id, record.request.id, read)


@guards("forget_run.lua:unsealed")
@guards("forget_run.lua:due")
@guards("forget_run.lua:holder")
@guards("forget_run.lua:record")
@guards("forget_run.lua:length")
@guards("commit.lua:archived")
async def test_a_run_stays_where_anything_goes_on_and_is_taken_out_once_as_it_was_read(resting: Resting) -> None:
    client, keys, run = resting.store.client, resting.keys, resting.run_id
    entry = await client.do("XADD", keys.audit_new, "*", "run", run, "first", "1", "count", "1")
    assert await resting.stays(), "something is not sealed yet"
    await client.do("XDEL", keys.audit_new, entry)

    wake = Wake(WorkItem("run", run))
    await resting.store.commit(Commit(run_id=run, wake=[wake]), push=False)
    assert await resting.stays(), "it is to be looked at"
    await client.do("ZREM", keys.wake, str(wake.item))

    await client.do("HSET", keys.attempts(run), "holder", "s0a-aaaaaaaaaaaaa")
    assert await resting.stays(), "somebody executes its tool"
    await client.do("HDEL", keys.attempts(run), "holder")

    await client.do("HINCRBY", keys.request(resting.request_id), "version", 1)
    assert await resting.stays(), "its request has changed"
    await client.do("HINCRBY", keys.request(resting.request_id), "version", -1)

    assert await resting.noted() == "committed"
    assert await resting.stays(), "something was added to it"

    waits = Keys.of(resting.request_id).approved_waits
    await client.do("SADD", waits, resting.request_id)  # which never began
    read = await resting.leaving.read(run, ())
    assert read
    assert [await resting.leaving.forget(read) for _ in range(2)] == [True, False]
    assert (await resting.store.load(run)).events == ()
    assert await resting.store.record(resting.request_id) is None
    assert await resting.store.freezes.concerned(keys.shard) == []
    assert (await resting.store.lists.figures()).started == 1
    assert await resting.noted() == "gone", "nothing is added to a run that is gone"
    assert await resting.store.length(run) == 0


@guards("forget_run.lua:requeued")
async def test_a_run_about_which_somebody_has_something_sent_again_stays(resting: Resting) -> None:
    item = WorkItem("out", f"s{resting.keys.shard}o-aaaaaaaaaaaaa")
    body = b'{"id":"%b","run_id":"%b"}' % (item.id.encode(), resting.run_id.encode())
    await resting.store.commit(Commit(run_id=resting.run_id, outgoing=[(item.id, body)]), push=False)
    await resting.store.give_up(item, b'{"kind":"dead"}')
    unsent = await resting.leaving.unsent(resting.keys.shard)
    assert unsent
    read = await resting.leaving.read(resting.run_id, unsent[resting.run_id])
    assert read
    assert list(read.dead) == [item.id]
    resting.read = read

    await resting.store.lists.requeue(item)

    assert await resting.stays()
    assert await resting.store.outgoing(item.id) == body
