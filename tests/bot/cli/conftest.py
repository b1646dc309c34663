"""The API beside the one sayso of a test."""

from collections.abc import AsyncIterator

import pytest

from tests.kit.world import World
from tests.servers.web import Api, serving


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    async with serving(world.app) as api:
        yield api
