"""Anna, Bo, Cy and Dan in Slack, for every story of this folder that wants nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.slack_world import SlackWorld, a_started_slack_world


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack_address: str) -> AsyncIterator[SlackWorld]:
    async with a_started_slack_world(redis, tmp_path / "data", slack_address) as office:
        yield office
