"""What doctor says about groups that are kept elsewhere."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.config.settings import Settings
from bot.doctor.finding import Finding
from bot.doctor.groups import examine_groups
from tests.fakes.slack.driver import Workspace
from tests.kit.office import TOML, settings_of

GROUPS = """
[groups.finance]
file = "people.csv"

[groups.ops]
slack = "S0OPS"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "people.csv").write_text("email,group\nbo@corp.example,finance\ngus@corp.example,finance\n")
    return settings_of(tmp_path, TOML.replace("[people.bo]", '[people.bo]\nslack = "U0BO"') + GROUPS)


async def found(settings: Settings) -> list[Finding]:
    return [finding async for finding in examine_groups(settings)]


async def test_whoever_is_nobody_in_people_is_named(settings: Settings) -> None:
    finance, ops = await found(settings)

    assert finance.sign == "!"
    assert (
        "in the group finance are bo; these are nobody in [people] and do not count: gus@corp.example" in finance.what
    )
    assert ops.sign == "✗"
    assert "SLACK_BOT_TOKEN is not set" in ops.what


async def test_groups_in_slack_are_asked_of_slack(settings: Settings, slack: Workspace) -> None:
    await slack.settings(scopes=["usergroups:read"])
    await slack.person("bo", id="U0BO")
    await slack.tell("user_group", id="S0OPS", members=["bo"])
    tokens = {"slack_bot_token": SecretStr(slack.bot_token), "slack_base_url": slack.base_url}

    _, ops = await found(settings.model_copy(update=tokens))

    assert (ops.sign, ops.what) == ("✓", "in the group ops are bo")
