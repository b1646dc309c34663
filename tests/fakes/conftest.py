"""A real slack-bolt app in front of the session's fake Slack, and people in it."""

from collections.abc import AsyncGenerator

import pytest

from tests.fakes.bolt import BoltApp, Client, client_of
from tests.fakes.slack.driver import Person, Workspace


@pytest.fixture
async def client(slack: Workspace) -> Client:
    """Slack's own Web API client, which tries nothing twice."""
    return client_of(slack)


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


@pytest.fixture
async def app(slack: Workspace) -> AsyncGenerator[BoltApp]:
    """An app over Socket Mode, connected."""
    async with BoltApp(slack) as made:
        await made.connects()
        yield made
