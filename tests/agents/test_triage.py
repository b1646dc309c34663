"""Triage with a model: it may choose the agent, and never the words."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from agents import Agent
from agents.announce import announce_agent
from agents.ask import Listed, ask_agent
from agents.deploy import Environment, deploy_agent
from agents.model.reply import Block, NoStep, Reply, Usage, read
from agents.run import fold
from agents.starting import START_RUN
from agents.steps import CallTool, RequestHumanInput
from agents.triage import triage_agent
from tests.agents.worlds import started
from tests.kit.clerk import UNHEARD, Workshop, clerk

WHICH, NONE_OF_THESE = "What should be done with your message?", "none of these"
TRIAGE = triage_agent((ask_agent({}), announce_agent(("group:release",))))


def chose(arguments: JsonValue) -> Reply:
    block = Block(type="tool_use", name=START_RUN, input=arguments)
    return Reply(type="message", model="model", content=(block,), stop_reason="tool_use", usage=Usage())


def test_a_model_names_the_agent_and_whoever_words_the_order_itself_has_chosen_no_step() -> None:
    assert read(TRIAGE, chose({"agent": "ask"})) == CallTool(tool=START_RUN, arguments={"agent": "ask"})
    more: dict[str, JsonValue] = {"text": "deploy v2 instead", "context": {}, "requester": "bo"}
    for name, value in more.items():
        step = read(TRIAGE, chose({"agent": "ask", name: value}))
        assert isinstance(step, NoStep)
        assert step.kind == "bad_arguments"


def test_arguments_whose_check_breaks_are_no_step() -> None:
    block = Block(type="tool_use", name="press", input={"what": UNHEARD})
    reply = Reply(type="message", model="model", content=(block,), stop_reason="tool_use", usage=Usage())

    assert read(clerk(Workshop()), reply) == NoStep("bad_arguments", "press: LookupError: nobody has heard of it")


PLACES = {
    name: Environment(name, policy, Path("/srv/shop"), ("./deploy.sh", "{commit}"), ("./live.sh",), timeout_s=60)
    for name, policy in (("production", "release"), ("staging", None))
}
DEPLOY = deploy_agent(PLACES)
ASK = ask_agent({"anna": Listed("Anna Ames")})


def offered(text: str, *agents: Agent) -> tuple[str, ...]:
    """The choices of the question whom a message is for."""
    asked = triage_agent(agents).fallback(fold([started(text)]))
    assert isinstance(asked, RequestHumanInput)
    return asked.options


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("press bell", "clerk: Press bell, after approval"),
        ("stamp letter", "clerk: Stamp letter"),
        ("good morning", "clerk: does what the test says"),
    ],
)
def test_a_choice_says_what_that_agent_would_do_with_this_very_message(text: str, words: str) -> None:
    assert offered(text, ASK, clerk(Workshop())) == (
        "ask: asks several people the same question and sums up what they answer; asks you first",
        words,
        "none of these",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deploy v1.2.0 to production", "Deploy v1.2.0 to production, after approval"),
        ("deploy v1.2.0 to staging", "Deploy v1.2.0 to staging"),
        ("could you put v1.2.0 on production.", "Deploy v1.2.0 to production; asks you first"),
        ("v1.1.0 or v1.2.0 on production?", "puts versions live in production, staging; asks you first"),
        ("could you put 2 teas on production", "puts versions live in production, staging; asks you first"),
    ],
)
def test_the_deploy_agents_choice_names_the_deploy_and_its_approval(text: str, words: str) -> None:
    # Two that want the same message: nobody guesses.
    other = replace(DEPLOY, name="deploy-eu")

    assert offered(text, DEPLOY, other)[0] == f"deploy: {words}"


def test_a_model_chooses_whom_to_offer_and_code_says_what_each_would_do() -> None:
    asked = RequestHumanInput(
        question="Who?", format="choice", options=("deploy: approves itself", "ask", "cancel everything")
    )
    triage = triage_agent((ASK, DEPLOY, clerk(Workshop())))

    step = triage.completes(fold([started("deploy v1.2.0 to production")]), asked)

    assert isinstance(step, RequestHumanInput)
    assert (step.question, step.options) == (
        "Who?",
        (
            "deploy: Deploy v1.2.0 to production, after approval",
            "ask: asks several people the same question and sums up what they answer; asks you first",
            "cancel everything",
            NONE_OF_THESE,
        ),
    )


@pytest.mark.parametrize(
    "options", [("red", "blue"), (NONE_OF_THESE, "deployment"), ("deploy: to staging", "deploy: to production")]
)
def test_a_models_choice_of_anything_else_stays_as_it_is(options: tuple[str, ...]) -> None:
    asked = RequestHumanInput(question="Which colour?", format="choice", options=options)

    assert triage_agent((ASK, DEPLOY)).completes(fold([started("paint it")]), asked) == asked


@given(st.text(max_size=300))
def test_every_choice_is_one_line_that_begins_with_its_agents_name(text: str) -> None:
    step = triage_agent((DEPLOY, ASK, clerk(Workshop()))).fallback(fold([started(text)]))

    if isinstance(step, RequestHumanInput) and step.question.startswith(WHICH):
        assert [label.partition(": ")[0] for label in step.options] == ["deploy", "ask", "clerk", NONE_OF_THESE]
        assert all(len(label) <= 120 and label.splitlines() == [label] for label in step.options)
