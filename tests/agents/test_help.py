"""A newcomer's first words are answered at once, with what can be asked here."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import Agent
from agents.announce import announce_agent
from agents.ask import Listed, ask_agent
from agents.deploy import Environment, deploy_agent
from agents.help import help_agent, is_for_help
from agents.release import release_agent
from agents.run import fold
from agents.steps import Done
from tests.agents.worlds import started

SHOP = Environment("production", "production", Path("/srv/shop"), ("./d", "{commit}"), ("./live.sh",), timeout_s=60)
DEPLOY, ANNOUNCE = deploy_agent({"production": SHOP}), announce_agent(("group:release",))
ASK = ask_agent({"anna": Listed("Anna Ames"), "bo": Listed("Bo Berg", groups=("ops",))})
VALET = Agent(name="valet", description="parks\ncars", tools=(), fallback=lambda _: Done(summary="parked"))
OTHERS = (DEPLOY, ASK, ANNOUNCE, release_agent(DEPLOY, ANNOUNCE), VALET)


FOR_HELP = ("Hello!", "hi sayso", "@sayso help", "Hi, what can you do?", "what can I ask here?", "?", "Good morning")
FOR_OTHERS = (
    "",
    "help me deploy v1.2.0",
    "hello\nannounce: the office is closed",
    "hello world",
    "stop",
    "help " * 100,
)


@pytest.mark.parametrize(("text", "is_so"), [*((one, True) for one in FOR_HELP), *((one, False) for one in FOR_OTHERS)])
def test_a_greeting_or_a_plea_for_help_and_nothing_more_is_for_the_help_agent(text: str, *, is_so: bool) -> None:
    assert is_for_help(text) is is_so
    assert is_for_help("help\n\nHello,\n\nplease help")


def test_it_says_what_each_agent_is_for_with_an_example_and_ends_at_once() -> None:
    step = help_agent(OTHERS).fallback(fold([started("help")]))

    assert isinstance(step, Done)
    assert step.outcome == "done"
    said = step.summary.splitlines()
    assert said[1] == "- deploy: puts versions live in production. Such as: “deploy latest to production”"
    assert "“ask group:ops: which day suits? | Mon, Tue, Wed | until Thursday 12:00”" in said[2]
    assert "“announce: the office is closed on Friday”" in said[3]
    assert "“deploy latest to production and announce it”" in said[4]
    assert said[5] == "- valet: parks cars."
    assert "standing 5 times until 2026-12-01 18:00" in said[6]


def test_an_example_is_taken_by_the_agent_that_it_is_for() -> None:
    for agent in OTHERS:
        takers = [other.name for other in OTHERS if other.takes(agent.example)]
        assert takers == ([agent.name] if agent.example else [])
        assert not is_for_help(agent.example) or not agent.example


def test_where_there_is_nothing_to_ask_for_it_says_so() -> None:
    step = help_agent(()).fallback(fold([started("help")]))

    assert isinstance(step, Done)
    assert "configure one" in step.summary


@given(st.text(max_size=400))
def test_any_text_is_for_help_or_not(text: str) -> None:
    assert is_for_help(text) in {True, False}
