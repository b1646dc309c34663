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


async def test_a_run_that_is_as_it_was_read_is_taken_out_once(resting: Resting) -> None:
    waits = Keys.of(resting.request_id).approved_waits
    await resting.store.client.do("SADD", waits, resting.request_id)  # which never began

    assert await resting.leaving.forget(resting.read)
    assert not await resting.leaving.forget(resting.read)

    assert (await resting.store.load(resting.run_id)).events == ()
    assert await resting.store.record(resting.request_id) is None
    assert await resting.store.freezes.concerned(resting.keys.shard) == []
    assert (await resting.store.lists.figures()).started == 1


@guards("forget_run.lua:unsealed")
async def test_a_run_of_which_something_is_not_sealed_yet_stays(resting: Resting) -> None:
    fact = ["run", resting.run_id, "first", "1", "count", "1"]
    await resting.store.client.do("XADD", resting.keys.audit_new, "*", *fact)

    assert await resting.stays()


@guards("forget_run.lua:length")
async def test_a_run_to_which_something_was_added_stays(resting: Resting) -> None:
    assert await resting.noted() == "committed"
    assert await resting.stays()


@guards("forget_run.lua:due")
async def test_a_run_that_is_to_be_looked_at_stays(resting: Resting) -> None:
    wake = Wake(WorkItem("run", resting.run_id))
    await resting.store.commit(Commit(run_id=resting.run_id, wake=[wake]), push=False)
    assert await resting.stays()


@guards("forget_run.lua:holder")
async def test_a_run_whose_tool_somebody_executes_stays(resting: Resting) -> None:
    await resting.store.client.do("HSET", resting.keys.attempts(resting.run_id), "holder", "s0a-aaaaaaaaaaaaa")
    assert await resting.stays()


@guards("forget_run.lua:record")
async def test_a_run_whose_request_has_changed_stays(resting: Resting) -> None:
    await resting.store.client.do("HINCRBY", resting.keys.request(resting.request_id), "version", 1)
    assert await resting.stays()


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


@guards("commit.lua:archived")
async def test_nothing_is_added_to_a_run_that_is_gone(resting: Resting) -> None:
    await resting.leaving.forget(resting.read)

    assert await resting.noted() == "gone"
    assert await resting.store.length(resting.run_id) == 0
