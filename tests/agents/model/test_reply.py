"""The offers to a model, and what it says of itself beside the step."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from agents import Agent
from agents.model.claude import Claude
from agents.model.protocol import Chosen
from agents.model.reply import offers, tools_hash
from agents.run import fold
from agents.steps import CallTool, RequestHumanInput
from tests.agents.model.claudes import AGENT, CALL, EVENTS, DeployArgs, choose
from tests.fakes.anthropic import FakeAnthropic, message, tool_use


@pytest.mark.parametrize(
    ("said", "confidence"),
    [(0.7, 0.7), (1, 1.0), (0, 0.0), (1.01, None), (-1, None), (True, None), ("0.9", None), (None, None), ([], None)],
)
async def test_the_models_own_confidence_is_recorded_and_never_an_argument(
    api: FakeAnthropic, claude: Claude, said: Any, confidence: float | None
) -> None:
    api.answers(message(tool_use("deploy", {**CALL, "confidence": said})))

    chosen = await choose(claude)

    assert isinstance(chosen, Chosen)
    assert isinstance(chosen.step, CallTool)
    assert chosen.step.arguments == {"version": "v1.2.0", "place": {"environment": "staging", "replicas": 1}}
    assert chosen.call.confidence == confidence


class Forecast(BaseModel):
    confidence: float


async def test_a_tool_that_has_an_argument_of_that_name_keeps_it(api: FakeAnthropic, claude: Claude) -> None:
    forecast = replace(AGENT.tools[0], name="forecast", args=Forecast)
    api.answers(message(tool_use("forecast", {"confidence": 0.3})))

    chosen = await claude.choose(replace(AGENT, tools=(forecast,)), fold(EVENTS), EVENTS)

    assert isinstance(chosen, Chosen)
    assert chosen.step == CallTool(tool="forecast", arguments={"confidence": 0.3})
    assert chosen.call.confidence is None


class FarAway(DeployArgs):
    replicas: int = 1


def test_the_hash_of_the_tools_changes_with_what_a_model_is_told_of_them_and_with_their_version() -> None:
    (tool,) = AGENT.tools
    others = [
        replace(tool, name="release"),
        replace(tool, description="Deploy it, please."),
        replace(tool, args=FarAway),
        replace(tool, schema_version=2),
    ]

    hashes = {tools_hash(AGENT), *(tools_hash(replace(AGENT, tools=(other,))) for other in others)}

    assert len(hashes) == 5
    assert tools_hash(replace(AGENT, tools=(replace(tool, timeout_s=1.0),))) == tools_hash(AGENT)


async def test_a_model_is_offered_whom_else_it_may_ask_and_may_name_nobody_else(
    api: FakeAnthropic, claude: Claude
) -> None:
    question = {"question": "Which bell?", "to": ["group:release"]}
    api.answers(message(tool_use("request_human_input", question)))
    allowed = replace(AGENT, asks=("person:bo", "group:release"))

    chosen = await claude.choose(allowed, fold(EVENTS), EVENTS)

    assert isinstance(chosen, Chosen)
    assert chosen.step == RequestHumanInput(question="Which bell?", to=("group:release",))
    assert offered(allowed)["to"]["items"]["enum"] == ["person:bo", "group:release"]
    assert "to" not in offered(AGENT)

    api.answers(message(tool_use("request_human_input", question)))
    refused = await claude.choose(replace(AGENT, asks=("person:bo",)), fold(EVENTS), EVENTS)

    assert not isinstance(refused, Chosen)
    assert refused.detail == "request_human_input: to 'group:release'; you may ask person:bo"


def offered(agent: Agent) -> dict[str, Any]:
    return next(offer.schema["properties"] for offer in offers(agent) if offer.name == "request_human_input")
