"""What the stories of models share: a stand-in for Claude, and the demo shop, whose agents go by it."""

from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from agents.model.prices import is_priced
from tests.fakes.anthropic import FakeAnthropic, running
from tests.kit.shop import a_shop
from tests.kit.world import World

ANNOUNCE = '\n[announce]\nto = ["group:release"]\n'


@pytest.fixture(scope="module")
def claude() -> Iterator[FakeAnthropic]:
    import_module("anthropic")
    is_priced("claude-sonnet-5-5")
    with running() as fake:
        yield fake


@pytest.fixture
async def model_shop(redis: str, tmp_path: Path, demo: Path, claude: FakeAnthropic) -> AsyncIterator[World]:
    """The demo shop, whose agents have a model."""

    def with_model(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": "sk-test-key", "ANTHROPIC_BASE_URL": claude.base_url}

    async with a_shop(redis, tmp_path / "data", demo, lambda toml: toml + ANNOUNCE, change=with_model) as world:
        yield world
