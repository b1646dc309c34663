"""Anna, Bo, Cy and Dan in Slack, for every story of this folder: `opens(toml=…, change=…)` says in which sayso."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.fakes.slack.driver import Workspace
from tests.kit.office import TOML
from tests.kit.slack_world import SlackWorld, a_slack_world


@pytest.fixture
async def idle(
    request: pytest.FixtureRequest, redis: str, tmp_path: Path, slack_address: str
) -> AsyncIterator[SlackWorld]:
    """One that is not at work yet."""
    node = cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType] - pytest does not type it
    mark = node.get_closest_marker("opens")
    kind: Any = mark.args[0] if mark else None
    toml: str = kind.toml if kind else TOML
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, toml) as office:
        if kind:
            kind.change(office.world)
        yield office
        assert await slack.violations() == []


@pytest.fixture
async def office(idle: SlackWorld) -> SlackWorld:
    """At work and connected; Slack is never used against its rules."""
    await idle.world.start()
    await idle.slack.connected()
    return idle
