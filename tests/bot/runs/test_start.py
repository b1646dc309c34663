"""The agent that takes a text: the one that is named, the one that says so, and only then triage or the first."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agents import Agent
from agents.help import help_agent
from bot.errors import Invalid
from bot.runs.start import agent_for
from tests.kit.clerk import Workshop, clerk


def agents(**takes: Callable[[str], bool]) -> dict[str, Agent]:
    """Agents by name, each with what it takes."""
    return {name: replace(clerk(Workshop()), name=name, takes=says) for name, says in takes.items()}


def never(_: str) -> bool:
    return False


def always(_: str) -> bool:
    return True


def about_deploys(text: str) -> bool:
    return text.startswith("deploy ")


def test_whoever_is_named_takes_it_whatever_others_say_and_else_the_first_that_says_so() -> None:
    there = agents(desk=never, deploy=about_deploys, ask=always, triage=never)

    assert agent_for("deploy v1", there, "desk") == "desk"
    assert agent_for("deploy v1", there) == "deploy"
    assert agent_for("what day suits?", there) == "ask"
    with pytest.raises(Invalid, match=r"There is no agent 'desks'. There are: desk, deploy, ask, triage"):
        agent_for("deploy v1", there, "desks")


def about_asking(text: str) -> bool:
    return text.splitlines()[-1].startswith("ask ")


def test_lines_that_are_orders_to_two_agents_are_left_to_triage() -> None:
    there = agents(deploy=about_deploys, ask=about_asking, triage=never)

    assert agent_for("deploy v1\nask bo: when?", there) == "triage"
    assert agent_for("ask cy: why?\n\nask bo: when?", there) == "ask"
    assert agent_for("The retro\nask bo: when?", there) == "ask"


def test_a_greeting_before_an_order_is_no_order() -> None:
    there = agents(deploy=lambda text: "deploy " in text, triage=never)
    there["help"] = help_agent(list(there.values()))

    assert agent_for("Hello sayso,\ndeploy v1", there) == "deploy"
    assert agent_for("Hello sayso", there) == "help"


def test_a_text_of_lines_that_only_the_whole_is_an_order_of_goes_to_whose_order_it_is() -> None:
    def both(text: str) -> bool:
        return text.startswith("deploy ") and text.endswith("and tell")

    there = agents(release=both, deploy=lambda text: about_deploys(text) and not both(text), triage=never)

    assert agent_for("deploy v1\nand tell", there) == "release"


def test_what_nobody_takes_goes_to_triage_where_there_is_one_and_else_to_the_first() -> None:
    assert agent_for("hello", agents(deploy=about_deploys, triage=never, desk=never)) == "triage"
    assert agent_for("hello", agents(deploy=about_deploys, desk=never)) == "deploy"
    assert agent_for("anything", agents(desk=never)) == "desk"
