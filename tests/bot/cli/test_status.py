"""`sayso status`: the figures in words, and whether something needs a person."""

import json

import pytest

from agents.requests import PersonId
from bot.store import Commit, WorkItem
from bot.store.lists import NOT_DELIVERED
from tests.bot.cli.shell import sayso
from tests.kit.world import World


@pytest.mark.long
async def test_status_says_what_waits_and_that_nothing_needs_a_person(world: World) -> None:
    decided = await world.opened(await world.trigger("press it"))
    await world.decide("bo", decided, "approve")
    await world.ended(decided.request.run_id)
    await world.opened(await world.trigger("press it"))
    await world.app.requests.freezes.freeze("production", PersonId("bo"), "incident", proof=None)

    told = await sayso(world, "status")
    as_json = await sayso(world, "status", "--json")

    assert (told.code, as_json.code) == (0, 0)
    first, *lines = told.out.splitlines()
    assert first == "✓ nothing needs a person but what is asked"
    assert [line.split("  ")[0] for line in lines] == [
        "frozen", "open requests", "decided in 24 h", "decided ever", "runs", "work that waits", "still to be sent",
        "not delivered", "dead letters", "to be sealed", "store format", "models",
    ]  # fmt: skip
    assert lines.pop(0).startswith("frozen             production: Frozen since")
    assert lines[0].startswith("open requests      1 (1 under 5m), the oldest for ")
    assert lines[1].startswith("decided in 24 h    1, half of them within ")
    assert lines[2].startswith("decided ever       1, ")
    assert lines[2].endswith(" each on average, 0 expired, 0 broke the glass")
    assert lines[3] == "runs               2 started, 1 done, answered or unchanged, 1 waiting"
    found = json.loads(as_json.out)
    assert (found["open"], found["decided_24h"], found["answers"]) == (1, 1, {"decided": 1})


async def test_status_ends_with_1_while_something_needs_a_person(world: World) -> None:
    record = await world.opened(await world.trigger("press it"))
    run_id = record.request.run_id
    await world.app.store.commit(Commit(run_id=run_id, counts={f"{NOT_DELIVERED}email": 3}))
    note = b'{"kind":"dead","what":"a card","why":"nobody took it","at":"2026-03-02T09:30:00Z"}'
    await world.app.store.give_up(WorkItem("out", run_id.replace("r-", "o-")), note)

    told = await sayso(world, "status")

    assert told.code == 1
    assert told.out.splitlines()[0] == "✗ 1 dead letters: `sayso dead` lists what was given up"
    assert "not delivered      3, 3 email" in told.out.splitlines()
