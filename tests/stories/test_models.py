"""Deploys whose steps a model of another maker chooses, through a whole sayso."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from agents.events import StepChosen, StepFailed
from agents.requests import RunId, StandIn
from bot.render.transcript import lines
from tests.fakes.anthropic import FakeAnthropic, message
from tests.fakes.anthropic import error as claudes_error
from tests.fakes.anthropic import running as anthropic_running
from tests.fakes.anthropic import tool_use as claudes_use
from tests.fakes.openai import Answer, FakeOpenAI, call, completion, error, running, text_of
from tests.kit.shop import a_shop
from tests.kit.waiting import until
from tests.kit.world import World
from tests.test_tour import commit_of, live

MODEL = "openai:qwen2.5-coder:0.5b"
WISH = "deploy v1.2.0 to production"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    import_module("openai")  # the first import takes seconds on a busy machine
    with running() as fake:
        yield fake


@asynccontextmanager
async def with_models(redis: str, folder: Path, demo: Path, environ: Mapping[str, str]) -> AsyncGenerator[World]:
    """The demo shop, whose agents have the models that `environ` names."""

    def change(world: World) -> None:
        world.environ = environ

    async with a_shop(redis, folder / "data", demo, change=change) as world:
        yield world


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path, server: FakeOpenAI) -> AsyncIterator[World]:
    """The demo shop, whose agents have a model of a server on this machine."""
    environ = {"OPENAI_API_KEY": server.key, "OPENAI_BASE_URL": server.base_url, "SAYSO_MODEL": MODEL}
    async with with_models(redis, tmp_path, demo, environ) as world:
        yield world


def calls(tool: str, **arguments: str) -> Answer:
    return completion(call(tool, arguments), model="qwen2.5-coder:0.5b")


DEPLOY = calls("deploy", version="v1.2.0", environment="production")
LOOK = calls("live", environment="production")
OVER = calls("done", summary="v1.2.0 is live in production.")


@pytest.fixture(scope="module")
def claude() -> Iterator[FakeAnthropic]:
    import_module("anthropic")
    with anthropic_running() as fake:
        yield fake


@pytest.fixture
async def pair(
    redis: str, tmp_path: Path, demo: Path, claude: FakeAnthropic, server: FakeOpenAI
) -> AsyncIterator[World]:
    """The demo shop, whose deploy agent has Claude, and the other model where that gives no step."""
    environ = {
        "ANTHROPIC_API_KEY": claude.key,
        "ANTHROPIC_BASE_URL": claude.base_url,
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": server.key,
        "SAYSO_AGENTS__DEPLOY__FALLBACK_MODEL": MODEL,
    }
    async with with_models(redis, tmp_path, demo, environ) as world:
        yield world


async def chosen(world: World, run_id: RunId) -> list[StepChosen]:
    return [event for event in await world.events(run_id) if isinstance(event, StepChosen)]


async def failures(world: World, run_id: RunId) -> list[str]:
    return [event.kind for event in await world.events(run_id) if isinstance(event, StepFailed)]


async def test_what_a_model_of_another_maker_wants_to_deploy_goes_live_by_bos_approval(
    shop: World, server: FakeOpenAI
) -> None:
    server.answers(DEPLOY, LOOK, OVER)
    before = live(shop, "production")

    run_id = await shop.trigger(WISH, agent="deploy")
    record = await shop.opened(run_id)
    assert record.request.purpose == "gate"
    assert live(shop, "production") == before
    await shop.decide("bo", record, "approve")
    run = await shop.ended(run_id)

    assert (run.state, live(shop, "production")) == ("done", commit_of(shop, "v1.2.0"))
    steps = await chosen(shop, run_id)
    assert [(step.call.model, step.call.rehearsal) for step in steps] == [(MODEL, False)] * 3
    assert [step.call.cost_usd for step in steps] == [0.0] * 3, "a model on this machine costs nothing"
    assert "live in production" in (await shop.next_mail("anna", about="Done")).text


async def test_an_answer_of_it_that_is_no_step_is_told_to_it_and_without_its_key_plain_rules_go_on(
    shop: World, server: FakeOpenAI
) -> None:
    server.answers(completion(content="I will deploy it!", finish="stop"), calls("done", outcome="failed", summary="x"))
    run_id = await shop.trigger(WISH, agent="deploy")
    await shop.ended(run_id)
    assert await failures(shop, run_id) == ["no_tool"]
    assert "called no tool" in text_of(server.requests()[-1])

    server.answers(error(401, "invalid_api_key", f"Incorrect API key provided: {server.key}"))
    run_id = await shop.trigger(WISH, agent="deploy")
    record = await shop.opened(run_id)

    assert record.request.stand_in == StandIn(kind="auth", status=401)
    assert await failures(shop, run_id) == ["auth"]
    mail = await shop.next_mail("anna", about="The model can't be used")
    assert f"{MODEL} gave no step: its key is not accepted (401" in mail.text
    assert server.key not in mail.text


EXPLAINED = {"type": "refusal", "category": "cyber", "explanation": "It could be misused."}
DECLINED = replace(
    message(stop_reason="refusal"),
    body=json.dumps(json.loads(message(stop_reason="refusal").body) | {"stop_details": EXPLAINED}),
)
AWAY = claudes_error(529, "overloaded_error")
TOO_LONG = claudes_error(400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 9 > 10")


async def test_where_its_model_declines_another_one_is_asked_operators_hear_it_and_nothing_goes_live_without_bo(
    pair: World, claude: FakeAnthropic, server: FakeOpenAI
) -> None:
    claude.answers(DECLINED, message(claudes_use("done", {"summary": "v1.2.0 is live in production."})))
    server.answers(DEPLOY)
    before = live(pair, "production")

    run_id = await pair.trigger(WISH, agent="deploy")
    record = await pair.opened(run_id)
    assert live(pair, "production") == before
    await pair.decide("bo", record, "approve")
    run = await pair.ended(run_id)

    assert (run.state, live(pair, "production")) == ("done", commit_of(pair, "v1.2.0"))
    assert await failures(pair, run_id) == ["refused"]
    assert [step.call.model for step in await chosen(pair, run_id)] == [MODEL, "claude-sonnet-5-5"]
    assert not record.request.is_rehearsal
    told = [*lines(await pair.events(run_id), pair.people)]
    assert any(f"; {MODEL} is asked instead" in line for line in told), told
    mail = " ".join((await pair.next_mail("anna", about="The model can't be used")).text.split())
    assert "the model declined to answer this run: cyber: It could be misused." in mail
    assert f"{run_id} goes on with {MODEL}." in mail


async def test_another_model_is_asked_where_the_first_is_overloaded_after_three_tries(
    pair: World, claude: FakeAnthropic, server: FakeOpenAI
) -> None:
    claude.answers(*[AWAY] * 3)
    server.answers(calls("done", outcome="failed", summary="x"))

    run_id = await pair.trigger(WISH, agent="deploy")
    for count in (1, 2):
        await until(partial(_has_failed, pair, run_id, count), what=f"{run_id} has failed {count} times")
        await pair.move_time(9)
    await pair.ended(run_id)

    assert await failures(pair, run_id) == ["overloaded"] * 3
    assert [step.call.model for step in await chosen(pair, run_id)] == [MODEL]


async def _has_failed(world: World, run_id: RunId, count: int) -> bool:
    return len(await failures(world, run_id)) >= count


@pytest.mark.long
async def test_answers_that_are_no_steps_are_for_people_and_a_run_too_long_for_the_first_is_told_whole_to_the_second(
    pair: World, claude: FakeAnthropic, server: FakeOpenAI
) -> None:
    server.answers(OVER)
    claude.answers(message(stop_reason="end_turn"))
    run_id = await pair.trigger(WISH, agent="deploy")
    record = await pair.opened(run_id)
    assert record.request.purpose == "go_on"
    assert await failures(pair, run_id) == ["no_tool"] * 3
    assert server.requests() == []

    claude.answers(TOO_LONG)
    server.answers(calls("done", outcome="failed", summary="x"))
    run_id = await pair.trigger(WISH, agent="deploy")
    await pair.ended(run_id)
    (step,) = await chosen(pair, run_id)
    budgets = [event.call.context_tokens for event in await pair.events(run_id) if isinstance(event, StepFailed)]
    assert (budgets, step.call.context_tokens) == ([20_000, 10_000], 20_000)


async def test_operators_hear_within_the_hour_that_the_model_which_stood_in_takes_no_key_either(
    pair: World, claude: FakeAnthropic, server: FakeOpenAI
) -> None:
    claude.answers(claudes_error(401, "authentication_error"))
    server.answers(calls("done", outcome="failed", summary="x"), error(401, "invalid_api_key"))
    await pair.ended(first := await pair.trigger(WISH, agent="deploy"))
    mail = " ".join((await pair.next_mail("anna", about="The model can't be used")).text.split())
    assert f"{first} goes on with {MODEL}." in mail

    second = await pair.trigger(WISH, agent="deploy")
    await pair.opened(second)

    mail = " ".join((await pair.next_mail("anna", about="The model can't be used")).text.split())
    assert f"{MODEL} gave no step: its key is not accepted" in mail
    assert f"{second} goes on by fixed rules." in mail
