"""A stand-in for the Messages API, and Claude behind it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from agents.model.claude import Claude
from tests.fakes.anthropic import FakeAnthropic, running


@pytest.fixture(scope="module")
def api() -> Iterator[FakeAnthropic]:
    with running() as fake:
        yield fake


@pytest.fixture
async def claude(api: FakeAnthropic) -> AsyncIterator[Claude]:
    model = Claude(api.key, api.base_url, "claude-sonnet-5-5", timeout_s=20)
    yield model
    await model.close()
