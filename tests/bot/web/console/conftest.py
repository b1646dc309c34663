"""A served console for every test of it: as an installation has it, and as `sayso dev` has it."""

from collections.abc import AsyncIterator

import pytest

from tests.servers.console import Console, a_console
from tests.world import World


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
