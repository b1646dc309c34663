"""Tags that are called like what sayso itself binds to an approval: they leave nothing of that out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
from pydantic import BaseModel

from agents import Repeats, Tool
from agents.deploy import Environment
from agents.deploy.tools import DeployArgs, deploy_tool
from agents.requests import GatedCall, PersonId, RequestId, RunId
from bot.execution.approval_guard import call_of
from bot.policy.digest import call_digest
from bot.policy.standing import covers, pattern_of
from tests.agents.deploy.repos import Repo, make_repo
from tests.kit.long import few_of
from tests.kit.shop import a_shop
from tests.stories.attacks.test_standing import with_standing
from tests.stories.people.standing import done_once, granted
from tests.stories.test_rollback import live, shop_of


@dataclass
class Shop:
    """A repository, and an environment whose command, plan and variable an approval is bound to."""

    repo: Repo
    plan: Path
    program: Path
    environment: Environment

    async def call(self, version: str) -> GatedCall:
        tool = deploy_tool({"production": self.environment})
        args = DeployArgs(version=version, environment="production")
        effect = await tool.prepare(args)
        return call_of(cast("Tool[BaseModel]", tool), args, effect)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    repo, plan, program = make_repo(tmp_path / "shop"), tmp_path / "plan.txt", tmp_path / "deploy.sh"
    plan.write_text("1 to add, 0 to destroy\n")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    environment = replace(
        repo.environment_running(str(program), "{environment}", "{commit}"),
        plan=("cat", str(plan)),
        env={"REGION": "eu-1"},
    )
    return Shop(repo, plan, program, environment)


def plan_destroys(shop: Shop) -> None:
    shop.plan.write_text("0 to add, 57 to destroy\n")


def another_region(shop: Shop) -> None:
    shop.environment = replace(shop.environment, env={"REGION": "us-1"})


def another_program(shop: Shop) -> None:
    shop.program.write_text("#!/bin/sh\nrm -rf /srv\n")


TAGS = ("plan", "variables", "program", "deploy.sh", "live-in-production", "SHA-256")


@pytest.mark.parametrize("change", few_of([plan_destroys, another_region, another_program], 0))
async def test_attack_a_tag_with_a_name_of_ours_leaves_nothing_out_of_an_approval(
    shop: Shop, change: Callable[[Shop], None]
) -> None:
    for tag in TAGS:
        shop.repo.git("tag", tag, "v1.2.0")
    repeats = Repeats(variable=("version",), surroundings=("live in ",))
    seen = {tag: await shop.call(tag) for tag in ("v1.1.0", *TAGS)}
    patterns = [pattern_of(call, "production", "r", repeats, ["version"]) for call in seen.values()]
    assert covers(patterns[0], await shop.call("v1.2.0"), "production")

    change(shop)

    for tag in TAGS:
        now = await shop.call(tag)
        assert not any(covers(pattern, now, "production") for pattern in patterns), tag
        assert digest(seen[tag]) != digest(now), tag


def digest(call: GatedCall) -> str:
    return call_digest(RunId("s0r-aaaaaaaaaaaaa"), RequestId("s0q-aaaaaaaaaaaaa"), "n", call, (PersonId("anna"),))


async def test_attack_a_plan_that_destroys_is_asked_about_though_the_tag_is_called_plan(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    plan, place = tmp_path / "plan.txt", "[deploy.environments.production]\n"
    plan.write_text("1 to add, 0 to destroy\n")

    def edit(toml: str) -> str:
        return with_standing(toml).replace(place, f'{place}plan = ["cat", "{plan}"]\n')

    async with a_shop(redis, tmp_path / "data", demo, edit) as office:
        Repo(shop_of(office)).git("tag", "plan", "v1.2.0")
        await granted(office, await done_once(office, "deploy v1.1.0 to production"), leave_open=("version",))

        plan.write_text("0 to add, 57 to destroy\n")
        run_id = await office.trigger("deploy plan to production")
        record = await office.opened(run_id)

        assert record.request.call
        assert "0 to add, 57 to destroy" in [fact.text for fact in record.request.call.effect.facts]
        assert live(office, "production") == "v1.1.0"
