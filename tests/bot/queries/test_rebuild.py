import asyncio

import pytest

from agents.requests import RunId
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.outbound.dead_letter import Note
from bot.people.offers import deciders
from bot.queries.rebuild import Rebuilt, rebuild
from bot.store import WorkItem
from bot.store.client import Client
from bot.store.indexes import runs_of_thread
from bot.store.keys import Keys
from tests.fakes.hallway import Hallway
from tests.kit.indexes import listed, lists_of_events
from tests.kit.office import STEPS
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World


async def history(world: World) -> None:
    """Runs of several kinds: executed, denied after a comment, amended and open."""
    done = await world.trigger("press bell")
    await world.reply("bo", await world.next_mail("bo", about="To approve"), "approved")
    await world.ended(done)
    denied = await world.trigger("press gong")
    record = await world.opened(denied)
    await world.decide("cy", record, "free_text", "why now?")
    await world.decide("cy", record, "deny", "not today")
    await world.ended(denied)
    amended = await world.opened(await world.trigger("press gong"))
    await world.edit("anna", await world.request(amended.request.id), what="horn")
    await world.quiet()


async def indexes(world: World) -> dict[str, object]:
    """Everything that `rebuild` makes anew."""
    client, found = Client(world.url), dict[str, object]()
    for shard in range(world.app.store.shards):
        keys = Keys(shard)
        found |= {name: await client.do("HGETALL", name) for name in (keys.deliveries, keys.summaries)}
    for pattern in ("{s*}:runs*", "{s*}:requests:*"):
        found |= {name: await client.do("ZRANGE", name, 0, -1, "WITHSCORES") async for name in client.scan(pattern)}
    found |= {record.request.id: record for record in await world.requests()}
    await client.close()
    return found


@pytest.mark.long
async def test_a_decision_that_lands_meanwhile_is_not_lost(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()

    async def rebuilt() -> None:
        for _ in range(20):
            await rebuild(world.app.store)

    async def commented() -> None:
        for number in range(40):
            await world.decide("bo", record, "free_text", f"{number}")
        await world.decide("bo", record, "deny", "no")

    await asyncio.gather(rebuilt(), commented())

    told = fold(await world.events(record.request.run_id)).requests[record.request.id]
    assert await world.request(record.request.id) == told
    assert (told.state, told.noted) == ("denied", {"bo": 40})


async def test_lost_indexes_come_back_and_an_open_request_can_still_be_answered(world: World) -> None:
    await history(world)
    before = await indexes(world)
    [waiting] = [record for record in await world.requests() if record.state == "open"]
    client = Client(world.url)
    for name in before:
        await client.do("DEL", name if name.startswith("{") else Keys.of(name).request(name))
    await client.close()

    made = await rebuild(world.app.store)

    assert made.differed == 3
    assert await indexes(world) == before
    assert await listed(world.app.store) == await lists_of_events(world.app.store)
    await world.reply("bo", await world.next_mail("bo", about="Press horn"), "approved")
    assert (await world.ended(waiting.request.run_id)).state == "done"


async def test_a_run_that_nobody_can_read_keeps_no_other_from_being_rebuilt(world: World) -> None:
    world.is_tampered = True
    runs = [await world.trigger(f"press bell {number}") for number in range(3)]
    records = [await world.opened(run_id) for run_id in runs]
    await world.quiet()
    client = world.app.store.client
    await client.do("XADD", Keys.of(runs[1]).run(runs[1]), "0-99", "e", "{}", "c", "")
    for record in records:
        await client.do("DEL", Keys.of(record.request.id).request(record.request.id))

    assert await rebuild(world.app.store) == Rebuilt(runs=2, requests=2, differed=2, unread=1)


_FINANCE = 'name = "finance"\napprovers = ["person:eve"]\n'
_LATER = STEPS.replace('escalate_after = "8h"\nescalate_to = ["person:dan"]\n', "").replace(
    'name = "finance"\napprovers = ["group:finance"]\n',
    f'{_FINANCE}escalate_after = "1h"\nescalate_to = ["person:dan"]\n',
)


def _spends(world: World) -> None:
    world.workshop.policy_of["bell"] = "spending"


@opens(_LATER, change=_spends)
async def test_a_step_escalates_after_a_rebuild_though_the_first_one_never_does(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.decide("bo", record, "approve")
    await world.quiet()

    await rebuild(world.app.store)
    await world.quiet()
    await world.move_time(3_601)
    await world.quiet()

    assert deciders(await world.request(record.request.id), world.people) == ("eve", "dan")


async def test_a_run_that_leaves_for_the_archive_after_it_was_listed_is_left_alone(world: World) -> None:
    client, run_id = world.app.store.client, await world.trigger("stamp letter")
    await world.ended(run_id)
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1
    keys = Keys.of(run_id)
    await client.do("XADD", keys.run(run_id), "MAXLEN", 0, "0-1", "e", "")  # it is listed, and holds nothing

    assert await rebuild(world.app.store) == Rebuilt()

    assert await client.do("ZSCORE", keys.wake, f"run {run_id}") is None


@pytest.mark.parametrize("is_lost", [False, True])
@opens(beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_stop_in_a_thread_is_for_another_run_once_it_was_rebuilt(
    world: World, hallway: Hallway, *, is_lost: bool
) -> None:
    inbox, store, ids, thread = world.app.messages.inbox, world.app.store, list[RunId](), ""
    records = list[RequestRecord]()
    while ids == sorted(ids):  # runs are rebuilt in the order of their ids, which says nothing of their age
        thread, ids, records = f"{thread}+", list[RunId](), list[RequestRecord]()
        for wish in ("press bell", "press gong"):
            item = await inbox.accept(hallway.begins("anna", wish, thread))
            ids.append(RunId(world.app.runs.starter.run_id(item)))
            records.append(await world.opened(ids[-1]))
    await world.quiet()
    if is_lost:
        for pattern in ("{s*}:thread:*", "{s*}:thread_before:*"):
            async for name in store.client.scan(pattern):
                await store.client.do("DEL", name)

    for _ in range(2):
        await rebuild(store)
    await inbox.handle(await inbox.accept(hallway.follows("anna", "stop", thread)))
    await world.quiet()

    assert await runs_of_thread(store, hallway.name, thread) == (ids[1], ids[0])
    assert [(await world.request(one.request.id)).state for one in records] == ["open", "withdrawn"]


async def test_attack_what_was_given_up_on_is_done_by_a_rebuild(world: World) -> None:
    world.workshop.poison.add("letter")
    run_id = await world.trigger("stamp letter")

    async def is_given_up() -> bool:
        await world.move_time(1)
        return bool(await world.dead())

    await until(is_given_up)
    world.workshop.poison.clear()
    asked = await world.opened(await world.trigger("press bell"))
    note = Note(kind="dead", what="ask", why="no", at=await world.now(), member=f"ask {asked.request.id}")
    await world.app.store.give_up(WorkItem("ask", asked.request.id), note.model_dump_json().encode())
    await world.quiet()
    before = await world.events(run_id)

    await rebuild(world.app.store)

    await world.quiet()
    assert (await world.events(run_id), world.workshop.effects, len(await world.dead())) == (before, [], 2)
    assert await world.app.store.client.do("ZSCORE", Keys.of(asked.request.id).wake, f"ask {asked.request.id}") is None
    assert await world.app.store.lists.requeue(WorkItem("run", run_id))
    assert await world.summary(run_id) == "done: ok: stamp letter: done"
