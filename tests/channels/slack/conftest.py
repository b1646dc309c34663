"""One fake Slack for the session, empty for each test."""

from collections.abc import AsyncGenerator, Generator

import pytest

from tests.fakes.slack.driver import Person, Workspace, running


@pytest.fixture(scope="session")
def slack_address() -> Generator[str]:
    """Where the session's fake Slack listens."""
    with running() as address:
        yield address


@pytest.fixture
async def slack(slack_address: str) -> AsyncGenerator[Workspace]:
    """An empty workspace."""
    async with Workspace(slack_address) as workspace:
        await workspace.starts_anew()
        yield workspace


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
