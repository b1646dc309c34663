"""An empty store for each test."""

from collections.abc import AsyncIterator

import pytest

from bot.store import Store
from tests.bot.store.stores import a_store


@pytest.fixture
async def store(redis: str) -> AsyncIterator[Store]:
    """Over a real Redis; nobody works on it but the test."""
    async with a_store(redis) as store:
        yield store
