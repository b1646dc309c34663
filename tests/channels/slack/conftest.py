"""People in the session's fake Slack, and a channel."""

import pytest

from tests.fakes.slack.driver import Person, Workspace


@pytest.fixture
async def anna(slack: Workspace) -> Person:
    return await slack.person("anna")


@pytest.fixture
async def bo(slack: Workspace) -> Person:
    return await slack.person("bo")


@pytest.fixture
async def ops(slack: Workspace, anna: Person, bo: Person) -> str:
    """The id of #ops, where Anna, Bo and the bot are."""
    return await slack.channel("ops", anna, bo, slack.bot)
