"""A model's server that answers as a test says."""

from collections.abc import Iterator
from importlib import import_module

import pytest

from agents.model.prices import is_priced
from tests.fakes.anthropic import FakeAnthropic, running


@pytest.fixture(scope="session")
def api() -> Iterator[FakeAnthropic]:
    import_module("anthropic")  # the first import takes seconds on a busy machine, and so do the prices
    is_priced("claude-sonnet-5-5")
    with running() as fake:
        yield fake
