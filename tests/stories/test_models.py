"""Deploys whose steps a model of another maker chooses, through a whole sayso."""

import shutil
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from agents.events import StepChosen, StepFailed
from agents.requests import RunId
from bot.config.example import example_toml
from bot.dev.demo import add_ways
from tests.fakes.openai import Answer, FakeOpenAI, call, completion, error, running, text_of
from tests.test_tour import commit_of, live
from tests.world import World, a_world

MODEL = "openai:qwen2.5-coder:0.5b"
WISH = "deploy v1.2.0 to production"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    import_module("openai")  # the first import takes seconds on a busy machine
    with running() as fake:
        yield fake


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path, server: FakeOpenAI) -> AsyncIterator[World]:
    """The demo shop, whose agents have a model of a server on this machine."""

    def with_model(world: World) -> None:
        world.environ = {"OPENAI_API_KEY": server.key, "OPENAI_BASE_URL": server.base_url, "SAYSO_MODEL": MODEL}

    shutil.copytree(demo, tmp_path / "data" / "demo", symlinks=True)
    add_ways(tmp_path / "data" / "demo")
    toml = example_toml(tmp_path / "data" / "demo" / "shop")
    async with a_world(redis, tmp_path / "data", toml, deploys=True, change=with_model) as world:
        yield world


def calls(tool: str, **arguments: str) -> Answer:
    return completion(call(tool, arguments), model="qwen2.5-coder:0.5b")


DEPLOY = calls("deploy", version="v1.2.0", environment="production")
LOOK = calls("live", environment="production")
OVER = calls("done", summary="v1.2.0 is live in production.")


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


async def test_an_answer_of_it_that_is_no_step_is_told_to_it_and_it_tries_again(
    shop: World, server: FakeOpenAI
) -> None:
    server.answers(completion(content="I will deploy it!", finish="stop"), calls("done", outcome="failed", summary="x"))

    run_id = await shop.trigger(WISH, agent="deploy")
    await shop.ended(run_id)

    assert await failures(shop, run_id) == ["no_tool"]
    assert "called no tool" in text_of(server.requests()[-1])


async def test_a_key_that_it_does_not_take_is_told_to_the_operators_and_plain_rules_go_on(
    shop: World, server: FakeOpenAI
) -> None:
    server.answers(error(401, "invalid_api_key", f"Incorrect API key provided: {server.key}"))

    run_id = await shop.trigger(WISH, agent="deploy")
    record = await shop.opened(run_id)

    assert record.request.is_rehearsal
    assert await failures(shop, run_id) == ["auth"]
    mail = await shop.next_mail("anna", about="The model can't be used")
    assert f"{MODEL} answers auth" in mail.text
    assert server.key not in mail.text
