"""What people see in Slack, in their mailboxes and on the console is what the record says, whatever they do."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.requests import PersonId
from tests.fakes.slack.driver import Workspace
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.shown import check_shown
from tests.kit.slack_world import SlackWorld, a_slack_world
from tests.kit.surfaces import Mail, Page, Slack, Surface, Terminal, Verb
from tests.servers.console import a_console

# Bo and Cy have a card for both of them in Slack; Eve and Fay each have one by mail.
APART = "".join(
    f"""
[people.{name}]
name = "{name.title()} Ebert"
email = "{name}@corp.example"
groups = ["release"]
"""
    for name in ("eve", "fay")
)
IN_SLACK, BY_MAIL = ("anna", "bo", "cy", "dan"), ("eve", "fay")
THREE = """
[policies.three]
approvers = ["group:release"]
quorum = 3
stand_ins = ["person:dan"]
approve_by_email = true
expires_after = "4h"
"""
VERBS: dict[Verb, float] = {"approve": 6, "edit": 3, "say": 2, "hand_on": 1, "deny": 0.5}
ACTS = 6


def acts(seed: int) -> Sequence[tuple[str, Verb, str, str]]:
    """Who does what, where, and the value of it; always the same ones for the same seed."""
    dice = random.Random(seed)  # noqa: S311
    found = list[tuple[str, Verb, str, str]]()
    for number in range(ACTS):
        person: str = dice.choice((*IN_SLACK, *BY_MAIL, "bo", "cy"))
        where: str = dice.choice(("terminal", "mail", "page", *(["slack"] * 2 if person in IN_SLACK else [])))
        [verb] = dice.choices(list[Verb](VERBS), list(VERBS.values()))
        values: dict[Verb, str] = {"edit": f"bell{number % 3}", "hand_on": "dan", "say": "I look at it after lunch"}
        value = values.get(verb, "")
        found.append((person, verb, where, value))
    return found


@pytest.mark.parametrize("policy", ["pair", pytest.param("three", marks=pytest.mark.long)])
@pytest.mark.parametrize("seed", few_of(range(8), 3))
async def test_all_that_people_see_is_what_the_record_says(
    redis: str, tmp_path: Path, slack_address: str, policy: str, seed: int
) -> None:
    toml = TOML + APART + THREE
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, toml) as office:
        world = office.world
        world.workshop.editable = ("what",)
        world.workshop.policy_of |= dict.fromkeys(("bell0", "bell1", "bell2"), policy)
        await world.start()
        await slack.connected()
        async with a_console(world) as console:
            surfaces: dict[str, Surface] = {
                "terminal": Terminal(world), "mail": Mail(world), "page": Page(world, console), "slack": Slack(office),
            }  # fmt: skip
            browsers = {PersonId(one): await console.browser(one) for one in ("bo", "eve")}
            await asked(office)
            here = [PersonId(one) for one in (*IN_SLACK, *BY_MAIL)]
            await check_shown(office, here, browsers)
            for person, verb, where, value in acts(seed):
                [*_, record] = await world.requests()
                if record.state == "open":
                    await surfaces[where].act(person, verb, value, record)
                await check_shown(office, here, browsers)


async def asked(office: SlackWorld) -> None:
    """Anna wants it in #ops."""
    await office.anna.says("#ops", "@sayso press bell0")
    await office.world.opened(await office.only_run())
