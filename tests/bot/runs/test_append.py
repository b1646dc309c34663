"""A run is read as it is now, and an appended event is there once, wherever it found its place."""

import asyncio

from agents.events import PersonSaid, ThoughtDropped
from agents.run import fold
from agents.steps import ModelCall
from bot.outbound.notifier import Notifier
from bot.runs.append import EventLog
from bot.store import Commit, Store
from bot.store.client import Client
from bot.store.journal import Journal
from tests.agents.worlds import said
from tests.kit.world import World
from tests.servers.redis_proxy import Proxy


async def test_what_is_added_is_there_once_though_others_write_and_the_answer_is_lost(world: World) -> None:
    world.is_tampered = True
    run_id = await world.trigger("ask free_text Ready?")
    await world.opened(run_id)
    await world.quiet()
    proxy = Proxy(world.url)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1")
    client = Client(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    journal = Journal(Store(client, world.app.store.shards), world.app.work.queue)
    appending = EventLog(journal, Notifier(world.app.people, ()))
    told = await appending.read(run_id)
    await world.app.store.commit(Commit(run_id=run_id, events=[said()]))
    for nth in (1, 3):  # the answer that something else came first, then the one that it is written
        trap = {"name": "commit thought_dropped", "nth": nth, "when": "after", "act": "drop"}
        proxy.traps.control({"do": "arm", **trap})

    call = ModelCall(model="model", rehearsal=False, input_tokens=7)
    now = await appending.add(told, ThoughtDropped(at=told.now, call=call))
    await client.close()
    server.close()

    assert [event.type for event in now.events[-2:]] == ["person_said", "thought_dropped"]
    assert now.run.budget.spent.tokens == 7
    assert proxy.traps.control({"do": "seen"})["sprung"] == 2


async def test_attack_what_another_process_wrote_before_is_read_and_not_left_out(world: World) -> None:
    world.is_tampered = True
    run_id = await world.trigger("ask free_text Ready?")
    await world.opened(run_id)
    await world.stop()
    store = Store(world.app.store.client, world.app.store.shards, clock_s=60)
    journal = Journal(store, world.app.work.queue)
    appending = EventLog(journal, Notifier(world.app.people, ()))
    await appending.read(run_id)
    await world.app.store.commit(Commit(run_id=run_id, events=[said(text="of another process")]))
    await journal.write(Commit(run_id=run_id, events=[said(text="written here")]))

    now = await appending.read(run_id)

    assert [event.text for event in now.events if isinstance(event, PersonSaid)] == [
        "of another process",
        "written here",
    ]
    assert now.run.seq == await store.length(run_id)


async def test_a_story_that_is_asked_for_again_is_the_same_and_goes_on_from_there(world: World) -> None:
    run_id = await world.trigger("ask free_text Ready?")
    await world.opened(run_id)
    appending = EventLog(Journal(world.app.store, world.app.work.queue), Notifier(world.app.people, ()))
    told, first, second = await appending.read(run_id), said(text="one"), said(text="two")

    once = told.then([first])
    both = told.then([first, second])
    another = told.then([second])

    assert told.then([second]) is another
    assert [one.run.seq - told.run.seq for one in (once, both, another)] == [1, 2, 1]
    assert both.run == fold([*told.events, first, second])
    assert another.run == fold([*told.events, second])
    assert once.events[-1] is first
