"""A sayso whose clerk has a model; without it the text of the trigger is what it does."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes.anthropic import FakeAnthropic
from tests.kit.office import TOML
from tests.kit.world import World, a_world


@asynccontextmanager
async def a_thinker(
    redis: str, folder: Path, api: FakeAnthropic, toml: str = TOML, *, url: str = ""
) -> AsyncGenerator[World]:
    """A running one, which asks `api`, or who answers at `url`."""

    def with_model(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": api.key, "ANTHROPIC_BASE_URL": url or api.base_url}

    async with a_world(redis, folder / "data", toml, change=with_model) as world:
        yield world
