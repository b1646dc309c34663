"""The offers to a model, and what it says of itself beside the step."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from agents import Agent, Tool
from agents.model.reply import Block, NoStep, Reply, Usage, confidence_of, offers, read, tools_hash
from agents.steps import CallTool, RequestHumanInput
from tests.agents.model.claudes import AGENT, CALL, DeployArgs


def called(tool: str, arguments: Any) -> Reply:
    block = Block(type="tool_use", name=tool, input=arguments)
    return Reply(type="message", model="m", content=(block,), stop_reason="tool_use", usage=Usage())


def test_the_models_own_confidence_is_recorded_and_never_an_argument() -> None:
    plain = CallTool(tool="deploy", arguments={"version": "v1.2.0", "place": {"environment": "staging", "replicas": 1}})
    rows: list[tuple[Any, float | None]] = [
        *((0.7, 0.7), (1, 1.0), (1.01, None), (-1, None), (True, None), ("0.9", None), ([], None)),
    ]
    for said, confidence in rows:
        reply = called("deploy", {**CALL, "confidence": said})

        assert read(AGENT, reply) == plain
        assert confidence_of(AGENT, reply) == confidence

    forecast = replace(AGENT, tools=(replace(AGENT.tools[0], name="forecast", args=Forecast),))
    own = called("forecast", {"confidence": 0.3})
    assert read(forecast, own) == CallTool(tool="forecast", arguments={"confidence": 0.3})
    assert confidence_of(forecast, own) is None, "a tool with such an argument keeps it"


class Forecast(BaseModel):
    confidence: float


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


def test_a_model_is_offered_whom_else_it_may_ask_and_may_name_nobody_else() -> None:
    question = called("request_human_input", {"question": "Which bell?", "to": ["group:release"]})
    allowed = replace(AGENT, asks=("person:bo", "group:release"))

    assert read(allowed, question) == RequestHumanInput(question="Which bell?", to=("group:release",))
    assert offered(allowed)["to"]["items"]["enum"] == ["person:bo", "group:release"]
    assert "to" not in offered(AGENT)
    why = "request_human_input: to 'group:release'; you may ask person:bo"
    assert read(replace(AGENT, asks=("person:bo",)), question) == NoStep("bad_arguments", why)


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
        ("empty", "prod", "empty: there is no environment 'prod'; there are none"),
    ],
)
def test_a_name_that_is_not_there_is_no_step_and_the_answer_says_which_there_are(
    tool: str, environment: str, why: str
) -> None:
    tools = naming("deploy", environment=("staging", "production")), naming("dispatch", environment=("far",))
    agent = replace(AGENT, tools=(*tools, naming("empty", environment=())))

    assert read(agent, called(tool, {"environment": environment})) == NoStep("bad_arguments", why)
    (deploy, dispatch, empty, *_) = [offer.schema["properties"] for offer in offers(agent)]
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
