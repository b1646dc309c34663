"""An appended event is there once, wherever it found its place."""

import asyncio

from agents.events import ThoughtDropped
from agents.steps import ModelCall
from bot.outbound.notifier import Notifier
from bot.runs.append import EventLog
from bot.store import Commit, Store
from bot.store.client import Client
from bot.store.journal import Journal
from tests.agents.worlds import said
from tests.servers.redis_proxy import Proxy
from tests.world import World


async def test_what_is_added_is_there_once_though_others_write_and_the_answer_is_lost(world: World) -> None:
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
