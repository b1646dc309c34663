"""Settings that lead to the session's fake Slack."""

from pathlib import Path

import pytest

from tests.bot.wiring.workspaces import Office
from tests.fakes.slack.driver import Workspace


@pytest.fixture
def office(tmp_path: Path, slack: Workspace) -> Office:
    """An installation that is set up for this workspace."""
    return Office(tmp_path, slack)
