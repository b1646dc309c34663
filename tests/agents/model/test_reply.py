"""The offers to a model, and what it says of itself beside the step."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from agents import Agent, Tool
from agents.model.claude import Claude
from agents.model.protocol import Chosen, Failed
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


class Where(BaseModel):
    environment: str
    agent: str = ""


def naming(name: str, **known: tuple[str, ...]) -> Tool[Where]:
    return Tool(name=name, description="", args=Where, execute=AGENT.tools[0].execute, known=known)


@pytest.mark.parametrize(
    ("tool", "environment", "why"),
    [
        ("deploy", "prod", "deploy: there is no environment 'prod'; there are staging, production"),
        ("deploy", "far", "deploy: environment 'far' is for dispatch"),
        ("dispatch", "x" * 99, f"dispatch: there is no environment '{'x' * 59}…'; there are far"),
        ("empty", "far", "empty: environment 'far' is for dispatch"),
        ("empty", "prod", "empty: there is no environment 'prod'; there are none"),
    ],
)
async def test_a_name_that_is_not_there_is_no_step_and_the_answer_says_which_there_are(
    api: FakeAnthropic, claude: Claude, tool: str, environment: str, why: str
) -> None:
    tools = naming("deploy", environment=("staging", "production")), naming("dispatch", environment=("far",))
    agent = replace(AGENT, tools=(*tools, naming("empty", environment=())))
    api.answers(message(tool_use(tool, {"environment": environment})))

    refused = await claude.choose(agent, fold(EVENTS), EVENTS)

    assert isinstance(refused, Failed)
    assert (refused.kind, refused.detail) == ("bad_arguments", why)
    (deploy, dispatch, empty, *_) = [tool["input_schema"]["properties"] for tool in api.requests()[0]["tools"]]
    assert deploy["environment"]["enum"] == ["staging", "production"]
    assert dispatch["environment"]["enum"] == ["far"]
    assert "enum" not in empty["environment"]


def test_known_names_are_shown_and_are_no_part_of_what_a_tool_takes_or_of_its_version() -> None:
    here, there = naming("deploy", environment=("here",)), naming("deploy", environment=("here", "there"))

    assert (here.args.model_json_schema(), here.schema_version) == (there.args.model_json_schema(), 1)
    assert tools_hash(replace(AGENT, tools=(here,))) != tools_hash(replace(AGENT, tools=(there,)))
    with pytest.raises(ValueError, match="the tool 'deploy' has no argument place to be known"):
        naming("deploy", place=("here",))


def offered(agent: Agent) -> dict[str, Any]:
    return next(offer.schema["properties"] for offer in offers(agent) if offer.name == "request_human_input")
