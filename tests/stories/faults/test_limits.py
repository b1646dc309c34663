"""Anything too much, too long or without end is stopped, and says so."""

from typing import cast

import pytest

from agents.events import RunResumed
from agents.requests import PersonId, RunId
from bot.errors import Invalid, RateLimited
from bot.runs.start import TEXT_BYTES
from bot.store import Commit, Wake, WorkItem
from tests.kit.clerk import UNHEARD
from tests.kit.long import few_of
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


async def test_a_text_that_is_too_long_starts_nothing_and_says_how_long_it_may_be(world: World) -> None:
    await world.ended(await world.trigger("\n" * (TEXT_BYTES - 12) + "stamp letter"))

    with pytest.raises(Invalid, match=f"has {TEXT_BYTES + 1} bytes; {TEXT_BYTES} are allowed"):
        await world.trigger("ü" * (TEXT_BYTES // 2) + "x")


@pytest.mark.parametrize("text", ["", " \n\t "])
async def test_an_empty_text_starts_nothing_and_shows_what_to_say(world: World, text: str) -> None:
    with pytest.raises(Invalid, match="Say what you want, such as: deploy"):
        await world.trigger(text)


async def test_an_unknown_agent_is_answered_with_those_there_are(world: World) -> None:
    with pytest.raises(Invalid, match=r"There is no agent 'nobody'. There are: clerk"):
        await world.app.runs.starter.start("cli", "stamp letter", BO, agent="nobody")


async def test_an_agent_that_goes_round_in_circles_is_stopped(world: World) -> None:
    run_id = await world.trigger("loop")
    record = await world.opened(run_id)

    await world.decide("anna", record, "free_text", "stop the run")

    assert await world.summary(run_id) == "cancelled: cancelled by anna: the same call had given the same twice"
    assert world.workshop.effects == ["stamp same"] * 2


async def test_an_agent_that_never_comes_to_an_end_is_stopped_after_its_steps(world: World) -> None:
    run_id = await world.trigger("walk")
    record = await world.opened(run_id)

    await world.decide("anna", record, "free_text", "stop the run")

    assert await world.summary(run_id) == "cancelled: cancelled by anna: its steps were used up"
    assert len(world.workshop.effects) == 10


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


async def test_a_long_output_is_kept_at_both_ends_and_says_what_is_missing(world: World) -> None:
    world.workshop.outputs["letter"] = "begin " + "x" * 1_000_000 + " end"

    run = await world.ended(await world.trigger("stamp letter"))

    [result] = run.results
    assert result.text.startswith("begin xxx")
    assert result.text.endswith("xxx end")
    assert "characters cut" in result.text
    assert len(result.text) < 40_000


async def test_a_tool_that_breaks_is_a_result_and_no_poison(world: World) -> None:
    world.workshop.breaks["letter"] = RuntimeError("out of ink")

    assert await world.summary(await world.trigger("stamp letter")) == "failed: error: RuntimeError: out of ink"

    assert await world.dead() == []
    assert world.workshop.started == ["stamp letter"]


async def test_arguments_that_the_tool_refuses_are_a_result_in_words(world: World) -> None:
    world.workshop.meaning["letter"] = ""

    assert await world.summary(await world.trigger("stamp letter")) == "failed: refused: There is no letter"


async def test_a_tool_that_does_not_know_what_it_would_do_is_a_result_in_words(world: World) -> None:
    world.workshop.riddles.add("letter")

    assert await world.summary(await world.trigger("stamp letter")) == (
        "failed: refused: stamp could not find out what to do: RuntimeError: nobody had thought of letter"
    )
    assert world.workshop.effects == []


async def test_a_tool_that_is_not_there_is_a_result_in_words(world: World) -> None:
    assert await world.summary(await world.trigger("fly home")) == (
        "failed: refused: The clerk agent has no tool 'fly'"
    )


@pytest.mark.parametrize(
    "error", few_of([ValueError("no such room"), KeyError("room"), ZeroDivisionError("by zero")], 1)
)
@pytest.mark.parametrize("verb", few_of(["press", "stamp"], 0))
async def test_a_gate_that_breaks_stands_shut_and_the_run_says_whose_it_was(
    world: World, verb: str, error: Exception
) -> None:
    world.workshop.broken_gates["letter"] = error

    told = await world.summary(await world.trigger(f"{verb} letter"))

    assert told.startswith(f"failed: refused: The gate of the tool {verb} of the clerk agent broke: ")
    assert f"{type(error).__name__}: {error}" in told
    assert await world.dead() == []
    assert world.workshop.started == []


async def test_a_gate_that_breaks_after_the_approval_lets_nothing_through(world: World) -> None:
    record = await world.opened(await world.trigger("press letter"))
    world.workshop.broken_gates["letter"] = RuntimeError("no policies today")

    await world.decide("bo", record, "approve")

    assert "broke: RuntimeError: no policies today" in await world.summary(record.request.run_id)
    assert world.workshop.started == []


async def test_a_gate_that_gives_back_no_name_stands_shut(world: World) -> None:
    world.workshop.policy_of["letter"] = cast("str", ["production"])

    assert "broke: TypeError: it gave back list" in await world.summary(await world.trigger("stamp letter"))
    assert world.workshop.started == []


async def test_a_title_that_breaks_leaves_the_name_of_the_tool_and_the_arguments(world: World) -> None:
    world.workshop.untitled.add("letter")

    record = await world.opened(await world.trigger("press letter"))

    assert record.request.title == "press?"
    assert "letter" in (await world.next_mail("bo")).text


async def test_a_check_of_arguments_that_breaks_is_a_result_in_words(world: World) -> None:
    assert await world.summary(await world.trigger(f"press {UNHEARD}")) == (
        "failed: refused: The arguments of press could not be checked: LookupError: nobody has heard of it"
    )
    assert await world.dead() == []


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
