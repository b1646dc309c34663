"""A served console for every test of it: as an installation has it, and as `sayso dev` has it."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.kit.office import TOML
from tests.kit.opens import opened
from tests.kit.world import World
from tests.servers.console import Console, a_console


@pytest.fixture
def roles() -> str:
    """Who sees and steers the runs of others: cy and dan."""
    return 'operator = ["person:cy", "person:dan"]'


@pytest.fixture
async def world(request: pytest.FixtureRequest, redis: str, tmp_path: Path, roles: str) -> AsyncIterator[World]:
    """A running sayso with these roles, or as the mark `opens` says."""
    async with opened(request, redis, tmp_path / "data", f"{TOML}\n[roles]\n{roles}\n") as world:
        yield world


@pytest.fixture
async def console(world: World) -> AsyncIterator[Console]:
    """`world` in a page, at its public address, where everybody is only themselves."""
    async with a_console(world, host=urlsplit(world.settings().public_url or "").netloc) as console:
        yield console


@pytest.fixture
async def demo_console(world: World) -> AsyncIterator[Console]:
    """`world` in a page, with the mailboxes of the demo and sessions that may be everybody's."""
    async with a_console(world, is_demo=True) as console:
        yield console
