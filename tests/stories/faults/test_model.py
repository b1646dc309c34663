"""The next step of a run after each answer that the Messages API can give, through a whole sayso."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import StepChosen, StepFailed
from agents.requests import RunId, StandIn
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.steps import is_by_model
from bot.render.words import failure_name, why_rules
from tests.fakes.anthropic import Answer, FakeAnthropic, error, message, text, text_of, tool_use
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.faults.model import a_thinker

OVER = message(tool_use("done", {"summary": "all is well"}))
LOST = message(tool_use("done", {"outcome": "failed", "summary": "all is lost"}))
STAMP = message(tool_use("stamp", {"what": "letter"}))
CUT = Answer(STAMP.body[:200], headers={"content-length": str(len(STAMP.body))})
BROKEN = Answer('{"type": "message", "content": [')
PAGE = Answer("<html>bad gateway</html>", 502, {"content-type": "text/html"})


@pytest.fixture
async def world(redis: str, tmp_path: Path, api: FakeAnthropic) -> AsyncIterator[World]:
    async with a_thinker(redis, tmp_path, api) as world:
        yield world


async def failures(world: World, run_id: RunId) -> list[str]:
    return [event.kind for event in await world.events(run_id) if isinstance(event, StepFailed)]


async def failed(world: World, run_id: RunId, count: int) -> Run:
    """The run once so many of its calls have failed in a row."""

    async def seen() -> Run | None:
        run = await world.run(run_id)
        return run if len(run.failures) == count else None

    return await until(seen, what=f"{run_id} has failed {count} times")


async def by_rules(world: World, run_id: RunId) -> list[bool]:
    """Of each step, whether plain rules chose it."""
    return [not is_by_model(event.call) for event in await world.events(run_id) if isinstance(event, StepChosen)]


async def about_going_on(world: World, run_id: RunId) -> RequestRecord:
    record = await world.opened(run_id)
    assert record.request.purpose == "go_on"
    return record


async def test_a_server_that_wants_us_away_is_asked_again_when_it_said_and_no_sooner(
    world: World, api: FakeAnthropic
) -> None:
    api.answers(error(429, "rate_limit_error", retry_after="600"), LOST)

    run_id = await world.trigger("stamp letter")

    run = await failed(world, run_id, 1)
    assert run.retry_at is not None
    assert 590 < (run.retry_at - run.failures[-1].at).total_seconds() <= 600
    await world.move_time(550)
    await world.quiet()
    assert len(api.requests()) == 1
    await world.move_time(60)
    assert await world.summary(run_id) == "failed: all is lost"
    assert await failures(world, run_id) == ["rate_limited"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    few_of([(PAGE, "overloaded"), (CUT, "connection"), (BROKEN, "bad_body")], 0, rows=True),
)
async def test_a_model_that_is_away_three_times_in_a_row_leaves_the_step_to_plain_rules(
    world: World, api: FakeAnthropic, answer: Answer, kind: str
) -> None:
    api.answers(answer, answer, answer, OVER)

    run_id = await world.trigger("stamp letter")
    for count, wait_s in ((1, 2), (2, 4)):
        run = await failed(world, run_id, count)
        assert run.retry_at is not None
        assert (run.retry_at - run.failures[-1].at).total_seconds() == wait_s
        await world.move_time(wait_s + 1)

    # After the third there is nothing to wait for: the clock stands still from here on.
    assert await world.summary(run_id) == "done: all is well"
    assert await failures(world, run_id) == [kind] * 3
    assert await by_rules(world, run_id) == [True, False]
    assert world.workshop.effects == ["stamp letter"]
    run = await world.run(run_id)
    assert run.stand_in
    assert (run.is_rehearsal, run.stand_in.kind, run.stand_in.some) == (False, kind, True)
    assert why_rules(run.stand_in).endswith("Fixed rules chose some of the steps.")


async def test_a_model_that_nobody_can_connect_to_leaves_the_run_to_plain_rules(
    redis: str, tmp_path: Path, api: FakeAnthropic
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    async with a_thinker(redis, tmp_path, api, url=url) as world:
        run_id = await world.trigger("ask free_text Which one?")
        for count in (1, 2):
            await failed(world, run_id, count)
            await world.move_time(9)

        record = await world.opened(run_id)

        assert (record.request.purpose, record.request.is_rehearsal) == ("question", False)
        assert record.request.stand_in == StandIn(kind="connection")
        assert await failures(world, run_id) == ["connection"] * 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    few_of(
        [
            (error(401, "authentication_error"), "auth"),
            (error(402, "billing_error"), "out_of_credit"),
            (message(text("I can't."), stop_reason="refusal"), "refused"),
        ],
        0,
        rows=True,
    ),
)
async def test_what_only_an_operator_can_mend_is_told_to_them_at_once_and_plain_rules_go_on(
    world: World, api: FakeAnthropic, answer: Answer, kind: str
) -> None:
    api.answers(answer)

    run_id = await world.trigger("stamp letter")

    assert (await world.ended(run_id)).state == "done"
    assert await failures(world, run_id) == [kind, kind]
    assert await by_rules(world, run_id) == [True, True]
    mail = (await world.next_mail("dan", about="The model can't be used")).text
    assert f"gave no step: {failure_name(kind)} (" in mail
    assert "_" not in failure_name(kind)


NO_STEPS: list[tuple[Answer, str]] = [
    (message(text("Let me think."), stop_reason="end_turn"), "no_tool"),
    (message(tool_use("stamp", {"what": "a"}), tool_use("stamp", {"what": "b"})), "many_tools"),
    (message(tool_use("shred", {"what": "a"})), "unknown_tool"),
    (message(tool_use("stamp", {"where": "a"})), "bad_arguments"),
    (message(tool_use("stamp", {"what": "a"}), stop_reason="max_tokens"), "bad_arguments"),
]


async def test_an_answer_that_is_no_step_is_told_to_the_model_which_tries_again_at_once(
    world: World, api: FakeAnthropic
) -> None:
    for answer, kind in NO_STEPS:
        api.answers(answer, answer, LOST)

        run_id = await world.trigger("stamp letter")

        assert await world.summary(run_id) == "failed: all is lost"
        assert await failures(world, run_id) == [kind, kind]
        assert kind in text_of(api.requests()[-1])
    assert world.workshop.effects == []


async def test_three_answers_in_a_row_that_are_no_step_are_a_person_s_to_hear_of(
    world: World, api: FakeAnthropic
) -> None:
    for answer, kind in NO_STEPS[:2]:
        api.answers(answer, answer, answer, LOST)

        run_id = await world.trigger("stamp letter")
        record = await about_going_on(world, run_id)

        assert await failures(world, run_id) == [kind] * 3
        assert record.request.quoted.count(f"no step from claude-sonnet-5-5: {failure_name(kind)}") == 3
        assert kind not in record.request.quoted
        assert record.request.options == ("go on", "use the fixed rules", "stop the run")
        await world.reply("anna", await world.next_mail("anna", about="failed three times. Continue?"), "go on")
        assert await world.summary(run_id) == "failed: all is lost"
        assert await by_rules(world, run_id) == [False]

    api.answers(NO_STEPS[0][0])
    run_id = await world.trigger("stamp letter")
    await world.reply("anna", await world.next_mail("anna", about="failed three times. Continue?"), "3")
    assert await world.summary(run_id) == "cancelled: cancelled by Anna Ames: its last steps failed or were denied"


async def test_whoever_asked_may_have_fixed_rules_choose_where_a_model_gives_no_step(
    world: World, api: FakeAnthropic
) -> None:
    api.answers(NO_STEPS[0][0])
    run_id = await world.trigger("stamp letter")
    mail = await world.next_mail("anna", about="failed three times. Continue?")
    assert "“use the fixed rules” has fixed rules choose all further steps, without the model." in " ".join(
        mail.text.split()
    )

    await world.reply("anna", mail, "use the fixed rules")

    assert (await world.ended(run_id)).state == "done"
    assert world.workshop.effects == ["stamp letter"]
    assert await by_rules(world, run_id) == [True, True]
    assert len(api.requests()) == 3
    run = await world.run(run_id)
    assert run.stand_in
    assert not run.is_rehearsal
    assert why_rules(run.stand_in) == ("The model gave no step (it chose nothing). Fixed rules chose the steps.")


async def test_a_run_that_is_too_long_for_its_model_is_tried_once_more_and_then_a_person_s(
    world: World, api: FakeAnthropic
) -> None:
    for answer in (
        error(400, "invalid_request_error", "prompt is too long: 300000 tokens"),
        message(text("…"), stop_reason="model_context_window_exceeded"),
    ):
        api.answers(answer, answer, LOST)

        run_id = await world.trigger("stamp letter")
        record = await about_going_on(world, run_id)

        assert await failures(world, run_id) == ["too_long", "too_long"]
        assert "is too long for its model" in record.request.quoted
        await world.decide("anna", record, "free_text", "1")
        assert await world.summary(run_id) == "failed: all is lost"


async def test_the_same_call_with_the_same_result_twice_is_made_a_third_time_only_if_a_person_says_so(
    world: World, api: FakeAnthropic
) -> None:
    api.answers(STAMP)
    run_id = await world.trigger("please see to the letter")

    mail = await world.next_mail("anna", about="repeats itself: go on?")
    assert 'next: stamp (claude-sonnet-5-5): {"what": "letter"}' in mail.text
    assert world.workshop.effects == ["stamp letter"] * 2
    await world.reply("anna", mail, "1")

    again = await world.next_mail("anna", about="repeats itself: go on?")
    assert world.workshop.effects == ["stamp letter"] * 3
    assert "wants to do the same again; the last two times the result was the same." in " ".join(again.text.split())
    await world.reply("anna", again, "stop the run")
    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == ["stamp letter"] * 3


@pytest.mark.long
async def test_nobody_is_asked_to_approve_the_same_a_third_time_before_somebody_lets_the_run_go_on(
    world: World, api: FakeAnthropic
) -> None:
    api.answers(message(tool_use("press", {"what": "bell"})))
    run_id, last = await world.trigger("please ring"), None
    for _ in range(2):
        record = await world.opened(run_id, after=last)
        assert record.request.purpose == "gate"
        await world.decide("bo", record, "deny", "not now")
        last = record.request.id

    raised = await world.opened(run_id, after=last)
    assert raised.request.purpose == "go_on"
    assert [holder.person for holder in raised.holders] == ["anna"]
    await world.decide("anna", raised, "free_text", "go on")

    gate = await world.opened(run_id, after=raised.request.id)
    assert gate.request.purpose == "gate"
    assert world.workshop.effects == []
