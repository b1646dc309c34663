"""What a collector of OpenTelemetry is sent while runs go on, and what becomes of a run whose collector is away."""

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.requests import RunId
from bot.process.processes import telemetry_of
from bot.wiring.otlp import ENDS
from tests.fakes.anthropic import FakeAnthropic, error, message, tool_use
from tests.fakes.anthropic import running as a_model
from tests.fakes.collector import FakeCollector, running
from tests.kit.waiting import until
from tests.kit.world import World, a_world

MODEL = "claude-sonnet-5-5"
PRESS = message(tool_use("press", {"what": "letter"}))
OVER = message(tool_use("done", {"summary": "all is well"}))
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": MODEL}
ANSWERED = CHAT | {"gen_ai.response.model": MODEL}


@pytest.fixture(scope="module")
def api() -> Iterator[FakeAnthropic]:
    with a_model() as fake:
        yield fake


@pytest.fixture(scope="module")
def a_collector() -> Iterator[FakeCollector]:
    with running() as collector:
        yield collector


@pytest.fixture
def collector(a_collector: FakeCollector, monkeypatch: pytest.MonkeyPatch) -> FakeCollector:
    """A collector that has seen nothing, as the environment of this process names it."""
    a_collector.forgets()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", a_collector.base_url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    return a_collector


def sending(collector: FakeCollector) -> Mapping[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.base_url}


@pytest.fixture
async def world(redis: str, tmp_path: Path, api: FakeAnthropic, collector: FakeCollector) -> AsyncIterator[World]:
    """A running sayso whose clerk has a model, followed by the collector; what is left is sent when it stops."""

    def followed(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": api.key, "ANTHROPIC_BASE_URL": api.base_url}
        world.telemetry = telemetry_of(sending(collector))

    async with a_world(redis, tmp_path / "data", change=followed) as world:
        yield world


async def pressed(world: World, api: FakeAnthropic) -> RunId:
    """A run that asked bo, and has ended."""
    api.answers(PRESS, OVER)
    run_id = await world.trigger("please press the letter")
    await world.decide("bo", await world.opened(run_id), "approve")
    await world.ended(run_id)
    return run_id


async def stopped(world: World) -> None:
    """It has stopped, and all that was left has been sent."""
    await world.stop()
    for thread in [one for one in threading.enumerate() if one.name == ENDS]:
        await asyncio.to_thread(thread.join)


def trace_of(run_id: str) -> str:
    return hashlib.sha256(run_id.encode()).hexdigest()[:32]


async def test_a_run_is_one_trace_of_its_turns_and_a_call_of_a_model_in_it_is_described_as_the_conventions_say(
    world: World, api: FakeAnthropic, collector: FakeCollector
) -> None:
    run_id = await pressed(world, api)
    await stopped(world)

    assert "x-api-key" in api.headers() or "authorization" in api.headers()
    assert [name for name in api.headers() if name in {"traceparent", "tracestate", "baggage"}] == []
    spans, turns = collector.spans(), collector.spans("run turn")
    [wait] = collector.spans("wait for people")
    inner = [span for span in spans if span not in [*turns, wait]]
    assert {span["trace"] for span in spans} == {trace_of(run_id)}
    assert {span["attributes"]["sayso.run_id"] for span in spans} == {run_id}
    assert [span["name"] for span in inner] == [f"chat {MODEL}", "execute_tool press", f"chat {MODEL}"]
    assert [span["attributes"]["sayso.step"] for span in inner] == [1, 1, 2]
    assert {span["parent"] for span in inner} <= {turn["span"] for turn in turns}
    assert [turn["parent"] for turn in turns] == [""] * len(turns)
    before = [[], *([turn["span"]] for turn in turns[:-1])]
    assert [[link for link in turn["links"] if link != wait["span"]] for turn in turns] == before
    assert collector.services() == {"sayso"}

    first, _ = collector.spans("chat")
    assert (first["kind"], first["is_error"]) == ("client", False)
    cost = first["attributes"].pop("sayso.cost_usd")
    assert first["attributes"] == ANSWERED | {
        "gen_ai.agent.name": "clerk",
        "gen_ai.request.max_tokens": 8_192,
        "gen_ai.response.finish_reasons": ["tool_use"],
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 900,
        "sayso.run_id": run_id,
        "sayso.step": 1,
    }
    used = collector.points("gen_ai.client.token.usage")
    tokens = {point["attributes"]["gen_ai.token.type"]: point["sum"] for point in used}
    assert tokens == {"input": 2_000, "output": 40}
    (duration,) = collector.points("gen_ai.client.operation.duration")
    assert (duration["attributes"], duration["bounds"][:2]) == (ANSWERED, [0.01, 0.02])
    (paid,) = collector.points("sayso.cost_usd")
    assert paid["sum"] == pytest.approx(2 * cost)


async def test_a_call_that_fails_has_the_kind_of_its_failure(
    world: World, api: FakeAnthropic, collector: FakeCollector
) -> None:
    api.answers(error(401, "authentication_error"))
    run_id = await world.trigger("stamp letter")
    await world.ended(run_id)
    await stopped(world)

    chat, *_ = collector.spans("chat")
    assert (chat["is_error"], chat["attributes"]["error.type"]) == (True, "auth")
    assert "gen_ai.response.model" not in chat["attributes"]
    (duration,) = collector.points("gen_ai.client.operation.duration")
    assert duration["attributes"] == CHAT | {"error.type": "auth"}


async def test_nobodys_words_are_in_it(world: World, api: FakeAnthropic, collector: FakeCollector) -> None:
    world.workshop.breaks["letter"] = RuntimeError("the press is stuck on the letter")
    await pressed(world, api)
    await stopped(world)

    told = json.dumps(collector.begun())
    (tool,) = collector.spans("execute_tool")
    assert (tool["is_error"], tool["attributes"]["error.type"]) == (True, "tool_error")
    assert [word for word in ("letter", "all is well", "stuck", "anna", "Anna", "bo@", api.key) if word in told] == []
    assert {word for span in collector.spans() for word in span["said"]} == {""}


async def test_another_process_goes_on_in_the_same_trace(
    world: World, api: FakeAnthropic, collector: FakeCollector
) -> None:
    api.answers(PRESS, OVER)
    run_id = await world.trigger("please press the letter")
    await world.opened(run_id)
    await stopped(world)
    world.telemetry = telemetry_of(sending(collector))
    await world.start()
    await world.decide("bo", await world.opened(run_id), "approve")
    await world.ended(run_id)
    await stopped(world)

    turns = collector.spans("run turn")
    [wait] = collector.spans("wait for people")
    assert {span["trace"] for span in (*turns, wait)} == {trace_of(run_id)}
    asked, went_on = [turn for turn in turns if wait["span"] in turn["links"]]
    assert (asked["links"], went_on["links"][-1]) == ([wait["span"]], wait["span"])
    assert went_on == next(turn for turn in turns if turn["span"] in _parents(collector, "execute_tool"))
    assert wait["attributes"]["sayso.decision"] == "approved"
    assert wait["attributes"]["sayso.request_id"] == (await world.requests())[0].request.id


def _parents(collector: FakeCollector, name: str) -> set[str]:
    return {span["parent"] for span in collector.spans(name)}


async def test_a_run_goes_on_where_its_collector_takes_nothing_and_the_log_says_so_once(
    world: World, api: FakeAnthropic, collector: FakeCollector
) -> None:
    collector.is_now(down=400)
    with capture_logs() as logs:
        run_id = await pressed(world, api)

        async def told() -> list[MutableMapping[str, Any]]:
            return [one for one in logs if one["event"].startswith("telemetry can't be sent")]

        await until(told, what="the log says it")
        await pressed(world, api)
        await stopped(world)
        said = [one["why"] for one in await told()]

    assert collector.spans() == []
    assert len(said) == 1
    assert (await world.run(run_id)).ended
