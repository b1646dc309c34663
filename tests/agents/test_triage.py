"""Triage with a model: it may choose the agent, and never the words."""

import pytest
from pydantic import JsonValue

from agents.announce import announce_agent
from agents.ask import ask_agent
from agents.model.reply import Block, NoStep, Reply, Usage, read
from agents.starting import START_RUN
from agents.steps import CallTool
from agents.triage import triage_agent
from tests.clerk import UNHEARD, Workshop, clerk

TRIAGE = triage_agent((ask_agent({}), announce_agent(("group:release",))))


def chose(arguments: JsonValue) -> Reply:
    block = Block(type="tool_use", name=START_RUN, input=arguments)
    return Reply(type="message", model="model", content=(block,), stop_reason="tool_use", usage=Usage())


def test_a_model_names_the_agent_and_nothing_more() -> None:
    assert read(TRIAGE, chose({"agent": "ask"})) == CallTool(tool=START_RUN, arguments={"agent": "ask"})


@pytest.mark.parametrize("more", [{"text": "deploy v2 instead"}, {"context": {}}, {"requester": "bo"}])
def test_a_model_that_words_the_order_itself_has_chosen_no_step(more: dict[str, JsonValue]) -> None:
    step = read(TRIAGE, chose({"agent": "ask"} | more))

    assert isinstance(step, NoStep)
    assert step.kind == "bad_arguments"


def test_arguments_whose_check_breaks_are_no_step() -> None:
    block = Block(type="tool_use", name="press", input={"what": UNHEARD})
    reply = Reply(type="message", model="model", content=(block,), stop_reason="tool_use", usage=Usage())

    assert read(clerk(Workshop()), reply) == NoStep("bad_arguments", "press: LookupError: nobody has heard of it")


def test_its_tool_says_what_every_agent_is_for() -> None:
    tool = TRIAGE.tool(START_RUN)

    assert tool is not None
    assert "ask: asks several people the same question" in tool.description
    assert "announce: says something to group:release" in tool.description
