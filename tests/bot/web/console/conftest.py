"""A served console for every test of it: as an installation has it, and as `sayso dev` has it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.office import TOML
from tests.kit.world import World, a_world
from tests.servers.console import Console, a_console


@pytest.fixture
def roles() -> str:
    """Who sees and steers the runs of others: cy and dan."""
    return 'operator = ["person:cy", "person:dan"]'


@pytest.fixture
async def world(redis: str, tmp_path: Path, roles: str) -> AsyncIterator[World]:
    """A running sayso with these roles."""
    async with a_world(redis, tmp_path / "data", f"{TOML}\n[roles]\n{roles}\n") as world:
        yield world


@pytest.fixture
async def console(world: World) -> AsyncIterator[Console]:
    """`world` in a page, where everybody is only themselves."""
    async with a_console(world) as console:
        yield console


@pytest.fixture
async def demo_console(world: World) -> AsyncIterator[Console]:
    """`world` in a page, with the mailboxes of the demo and sessions that may be everybody's."""
    async with a_console(world, is_demo=True) as console:
        yield console
