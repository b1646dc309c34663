"""Deploys by a command: what it says that it would change is on the card, and part of what is approved."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from agents import Outcome, ToolRefused
from agents.deploy import Environment
from agents.deploy.tools import DeployArgs, deploy_tool
from agents.requests import Effect
from tests.agents.deploy.repos import PlainHands, make_repo

V12 = DeployArgs(version="v1.2.0", environment="production")


@pytest.fixture
def planned(tmp_path: Path) -> Environment:
    """An environment whose `plan` prints the file `plan`, and whose command prints the plan that it was given."""
    repo = make_repo(tmp_path / "repo")
    (repo.path / "plan").write_text("+ one server\n")
    command = ("sh", "-c", "echo applied $1", "apply", "{plan}")
    return replace(repo.environment(), command=command, plan=("cat", "plan"))


async def prepared(environment: Environment) -> Effect:
    return await deploy_tool({"production": environment}).prepare(V12)


async def test_what_would_change_is_on_the_card_and_its_digest_is_approved_and_given_to_the_command(
    planned: Environment,
) -> None:
    sha256 = hashlib.sha256(b"+ one server\n").hexdigest()

    effect = await prepared(planned)
    done = await deploy_tool({"production": planned}).execute(V12, effect, PlainHands())

    assert {fact.label: fact.text for fact in effect.facts}["Plan"] == "+ one server"
    assert effect.artifacts["plan"] == f"SHA-256 {sha256}"
    assert isinstance(done, Outcome)
    assert done.output.endswith(f"applied {sha256}")


async def test_another_plan_is_another_effect(planned: Environment) -> None:
    before = await prepared(planned)

    (planned.repo / "plan").write_text("- one database\n")

    assert (await prepared(planned)).artifacts != before.artifacts


async def test_of_a_long_plan_the_end_is_shown_and_all_of_it_is_kept(planned: Environment) -> None:
    (planned.repo / "plan").write_text("".join(f"+ server {number}\n" for number in range(500)) + "Plan: 500 to add\n")

    effect = await prepared(planned)

    [plan] = [fact for fact in effect.facts if fact.label == "Plan"]
    assert plan.text.startswith("+ server 491\n")
    assert plan.text.endswith("\nPlan: 500 to add")
    assert plan.full is not None
    assert plan.full.lines == 501
    assert plan.content.startswith("+ server 0\n")


async def test_what_can_not_be_planned_is_not_asked_about(planned: Environment) -> None:
    for script, why in (
        ("echo no state >&2; exit 1", "'sh' failed with exit code 1: no state"),
        ("yes | head -c 300000", "`plan` prints more than can be kept"),
    ):
        with pytest.raises(ToolRefused, match=why):
            await prepared(replace(planned, plan=("sh", "-c", script)))


def test_a_command_names_a_plan_only_where_there_is_one(planned: Environment) -> None:
    with pytest.raises(ValueError, match=r"command holds \{plan\}"):
        replace(planned, plan=())
