"""What the stories of models share: a stand-in for Claude, and the demo shop, whose agents go by it."""

import shutil
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from agents.model.prices import is_priced
from bot.config.example import example_toml
from bot.dev.demo import add_ways
from tests.fakes.anthropic import FakeAnthropic, running
from tests.kit.world import World, a_world

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

    shutil.copytree(demo, tmp_path / "data" / "demo", symlinks=True)
    add_ways(tmp_path / "data" / "demo")
    toml = example_toml(tmp_path / "data" / "demo" / "shop") + ANNOUNCE
    async with a_world(redis, tmp_path / "data", toml, deploys=True, change=with_model) as world:
        yield world
