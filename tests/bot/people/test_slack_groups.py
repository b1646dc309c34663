"""User groups of Slack: asked anew now and then, believed for a while when Slack is away, and then no more."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from bot.config.directory.groups import GroupTable
from bot.config.directory.policies import PolicyConfig
from bot.config.tables import PersonConfig
from bot.people.directory import People
from bot.people.slack_groups import FRESH_S, LAST_GOOD_S, GroupReader
from bot.people.tables import Tables
from channels.slack.api import Api
from channels.slack.members import user_group
from tests.agents.worlds import NOON
from tests.fakes.slack.driver import Workspace

RELEASE = "S0RELEASE"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def people(slack: Workspace, clock: Clock) -> AsyncIterator[People]:
    """Bo and Cy, who are in the user group of the release; so is Gus, who is nobody we know."""
    await slack.settings(scopes=["usergroups:read"])
    for name in ("bo", "cy", "gus"):
        await slack.person(name, id=f"U0{name.upper()}")
    await slack.tell("user_group", id=RELEASE, members=["bo", "cy", "gus"])
    everybody = {name: PersonConfig(name=name.capitalize(), slack=f"U0{name.upper()}") for name in ("bo", "cy", "dan")}
    policy = PolicyConfig.model_validate({"approvers": ["group:release"], "expires_after": "4h"})
    found = People({}, {})
    found.change(Tables(everybody, {"production": policy}, groups={"release": GroupTable(slack=RELEASE)}))
    found.read_groups_by(GroupReader(partial(user_group, Api(slack.bot_token, slack.base_url)), clock))
    yield found
    assert await slack.violations() == []


async def asked(slack: Workspace) -> int:
    return len(await slack.calls("usergroups.users.list"))


async def test_members_are_found_by_their_slack_id_and_strangers_are_named(people: People) -> None:
    await people.look_up(["group:release"])

    group = people.group("release")
    assert (group.people, group.strangers, group.problem) == (("bo", "cy"), ("U0GUS",), "")
    assert people.members(["group:release"], NOON) == ("bo", "cy")


async def test_whoever_is_deactivated_is_in_no_group(people: People, slack: Workspace) -> None:
    await slack.person("cy", id="U0CY", deleted=True)

    await people.look_up_policy("production")

    assert people.group("release").people == ("bo",)


async def test_slack_is_asked_again_only_after_a_while(people: People, slack: Workspace, clock: Clock) -> None:
    await people.look_up_policy("production")
    await slack.tell("user_group", id=RELEASE, members=["bo"])
    await people.look_up_policy("production")

    assert (people.group("release").people, await asked(slack)) == (("bo", "cy"), 1)

    clock.now_s += FRESH_S
    await people.look_up_policy("production")
    assert (people.group("release").people, await asked(slack)) == (("bo",), 2)


async def test_while_slack_is_away_its_last_word_counts_for_an_hour_and_then_nobody_is_in_the_group(
    people: People, slack: Workspace, clock: Clock
) -> None:
    await people.look_up_policy("production")
    await slack.breaks("usergroups.users.list", "http_500", times=2)

    clock.now_s += LAST_GOOD_S - 1
    await people.look_up_policy("production")
    assert people.group("release").people == ("bo", "cy")
    assert people.problems("production") == ()

    clock.now_s += FRESH_S
    await people.look_up_policy("production")
    assert people.group("release").people == ()
    [problem] = people.problems("production")
    assert problem.startswith("the members of group release are not known: Slack's server failed (HTTP 500)")

    clock.now_s += FRESH_S
    await people.look_up_policy("production")
    assert people.group("release").people == ("bo", "cy")


async def test_a_group_that_slack_refuses_has_nobody_in_it_at_once(
    people: People, slack: Workspace, clock: Clock
) -> None:
    await people.look_up_policy("production")
    await slack.breaks("usergroups.users.list", "error", error="no_such_subteam")

    clock.now_s += FRESH_S
    await people.look_up_policy("production")

    assert people.group("release").people == ()
    assert "no_such_subteam" in people.problems("production")[0]


async def test_without_the_scope_the_problem_names_it(people: People, slack: Workspace) -> None:
    await slack.settings(scopes=["chat:write"])

    await people.look_up_policy("production")

    assert "the app lacks the scope usergroups:read" in people.problems("production")[0]


async def test_before_slack_was_asked_and_without_a_token_nobody_is_in_the_group(people: People) -> None:
    assert people.problems("production") == (
        "the members of group release are not known: Slack has not been asked yet",
    )
    without = People({}, {})
    without.change(people.tables)
    assert "SLACK_BOT_TOKEN is not set in this process" in without.problems("production")[0]
