"""A served sayso for every test of the HTTP API."""

from collections.abc import AsyncIterator

import pytest

from tests.servers.web import Api, serving
from tests.world import World


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    """`world` over HTTP, on a free port of loopback."""
    async with serving(world.app) as api:
        yield api
