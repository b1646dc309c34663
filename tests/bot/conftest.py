"""Settings that lead to the session's fake Slack, and a store that nobody works on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import Store
from tests.bot.store.stores import a_store
from tests.bot.wiring.workspaces import Office
from tests.fakes.slack.driver import Workspace


@pytest.fixture
def office(tmp_path: Path, slack: Workspace) -> Office:
    """An installation that is set up for this workspace."""
    return Office(tmp_path, slack)


@pytest.fixture
async def store(redis: str) -> AsyncIterator[Store]:
    """An empty store over a real Redis; nobody works on it but the test."""
    async with a_store(redis) as store:
        yield store
