"""Anything too much, too long or without end is stopped, and says so."""

from typing import cast

import pytest

from agents.events import RunResumed
from agents.requests import PersonId, RunId
from bot.errors import Invalid, RateLimited
from bot.runs.start import TEXT_BYTES
from bot.store import Commit, Wake, WorkItem
from tests.kit.clerk import UNHEARD
from tests.kit.waiting import until
from tests.kit.world import World

BOT = "sayso@sayso.example"
BO = PersonId("bo")


async def fewer_triggers(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.replace("1000/h", "2/h")


async def test_who_starts_too_many_runs_is_told_the_limit_and_may_again_when_it_is_over(world: World) -> None:
    await fewer_triggers(world)
    for _ in range(2):
        await world.trigger("stamp letter")

    with pytest.raises(RateLimited, match=r"Anna Ames has started 2 runs in 3600 s.*limits.triggers_per_person"):
        await world.trigger("stamp letter")

    await world.trigger("stamp letter", person="bo")
    await world.move_time(3_601)
    await world.ended(await world.trigger("stamp letter"))
    assert len(await world.app.store.lists.summaries()) == 4


async def test_who_mails_too_often_is_told_by_mail_and_no_run_starts(world: World) -> None:
    await fewer_triggers(world)

    for _ in range(3):
        await world.send("anna", BOT, "stamp letter")

    told = await world.next_mail("anna", about="No run was started")
    assert "which is the limit" in told.text
    await world.quiet()
    assert len(await world.app.store.lists.summaries()) == 2


async def test_what_is_no_wish_starts_nothing_and_says_what_would_be_one(world: World) -> None:
    await world.ended(await world.trigger("\n" * (TEXT_BYTES - 12) + "stamp letter"))

    with pytest.raises(Invalid, match=f"has {TEXT_BYTES + 1} bytes; {TEXT_BYTES} are allowed"):
        await world.trigger("ü" * (TEXT_BYTES // 2) + "x")
    with pytest.raises(Invalid, match="Say what you want, such as: deploy"):
        await world.trigger(" \n\t ")
    with pytest.raises(Invalid, match=r"There is no agent 'nobody'. There are: clerk"):
        await world.app.runs.starter.start("cli", "stamp letter", BO, agent="nobody")


async def fill(world: World, run_id: RunId, upto: int) -> None:
    """Fill a run up to so many events, which nothing comes of."""
    missing = upto - (await world.run(run_id)).seq
    filler = [RunResumed(at=await world.now(), by=BO)] * 1_000
    while missing > 0:
        await world.app.store.commit(Commit(run_id=run_id, events=filler[:missing], limit=20_000))
        missing -= len(filler)


@pytest.mark.long
async def test_a_run_with_too_many_events_is_stopped_and_its_request_taken_back(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await fill(world, run_id, 9_900)

    await world.app.journal.write(Commit(run_id=run_id, wake=[Wake(WorkItem("run", run_id))]))

    assert "a run may have 10,000" in await world.summary(run_id)
    assert (await world.request(record.request.id)).state == "withdrawn"
    assert world.workshop.effects == []


@pytest.mark.long
async def test_people_may_still_decide_on_a_run_that_has_hardly_any_room_left(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await fill(world, run_id, 9_890)

    await world.decide("bo", record, "deny", "no")

    assert await world.summary(run_id) == "failed: denied: no"


async def test_what_a_tool_cannot_do_is_a_result_in_words_and_no_poison(world: World) -> None:
    world.workshop.breaks["letter"] = RuntimeError("out of ink")
    world.workshop.meaning["cup"] = ""
    world.workshop.riddles.add("riddle")

    for wish, told in (
        ("stamp letter", "failed: error: RuntimeError: out of ink"),
        ("stamp cup", "failed: refused: There is no cup"),
        (
            "stamp riddle",
            "failed: refused: stamp could not find out what to do: RuntimeError: nobody had thought of riddle",
        ),
        ("fly home", "failed: refused: The clerk agent has no tool 'fly'"),
        (
            f"press {UNHEARD}",
            "failed: refused: The arguments of press could not be checked: LookupError: nobody has heard of it",
        ),
    ):
        assert await world.summary(await world.trigger(wish)) == told

    assert await world.dead() == []
    assert world.workshop.started == ["stamp letter"]


async def test_a_gate_that_breaks_stands_shut_and_the_run_says_whose_it_was(world: World) -> None:
    world.workshop.broken_gates["letter"] = KeyError("room")
    told = await world.summary(await world.trigger("press letter"))
    assert told.startswith("failed: refused: The gate of the tool press of the clerk agent broke: ")
    assert f"KeyError: {KeyError('room')}" in told

    world.workshop.policy_of["cup"] = cast("str", ["production"])
    assert "broke: TypeError: it gave back list" in await world.summary(await world.trigger("stamp cup"))
    assert await world.dead() == []
    assert world.workshop.started == []


async def test_a_gate_that_breaks_after_the_approval_lets_nothing_through(world: World) -> None:
    record = await world.opened(await world.trigger("press letter"))
    world.workshop.broken_gates["letter"] = RuntimeError("no policies today")

    await world.decide("bo", record, "approve")

    assert "broke: RuntimeError: no policies today" in await world.summary(record.request.run_id)
    assert world.workshop.started == []


async def test_a_title_that_breaks_leaves_the_name_of_the_tool_and_the_arguments(world: World) -> None:
    world.workshop.untitled.add("letter")

    record = await world.opened(await world.trigger("press letter"))

    assert record.request.title == "press?"
    assert "letter" in (await world.next_mail("bo")).text


@pytest.mark.long
async def test_what_breaks_three_times_is_a_dead_letter_that_operators_hear_of_and_that_can_be_tried_again(
    world: World,
) -> None:
    world.workshop.poison.add("letter")
    run_id = await world.trigger("stamp letter")
    item = WorkItem("run", run_id)

    async def is_given_up() -> bool:
        await world.move_time(1)
        return bool(await world.dead())

    await until(is_given_up)
    told = await world.next_mail("dan", about="Given up after 3 tries")

    assert str(item) in told.subject
    assert "nobody had thought of letter" in told.text
    [note] = await world.dead()
    assert str(item) in note
    world.workshop.poison.clear()
    assert await world.app.store.lists.requeue(item)
    assert await world.summary(run_id) == "done: ok: stamp letter: done"
