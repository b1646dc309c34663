"""One fake Slack for the session, empty for each test, and settings that lead to it."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.bot.wiring.workspaces import Office
from tests.fakes.slack.driver import Workspace, running


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
def office(tmp_path: Path, slack: Workspace) -> Office:
    """An installation that is set up for this workspace."""
    return Office(tmp_path, slack)
