"""The demo to deploy, and a running sayso with its agents."""

import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.config.example import example_toml
from bot.dev.demo import add_ways
from channels import Channel
from tests.kit.world import World, a_world


def shop_toml(folder: Path, demo: Path) -> str:
    """Put the demo into the data directory `folder`; the example settings for it."""
    shutil.copytree(demo, folder / "demo", symlinks=True)
    add_ways(folder / "demo")
    return example_toml(folder / "demo" / "shop")


@asynccontextmanager
async def a_shop(
    redis: str,
    folder: Path,
    demo: Path,
    edit: Callable[[str], str] = lambda toml: toml,
    *,
    beside: Sequence[Channel] = (),
    reach: Sequence[str] = (),
    change: Callable[[World], None] = lambda _: None,
) -> AsyncGenerator[World]:
    """A running sayso as `sayso dev` has it, whose settings are what `edit` makes of the example's."""
    toml = edit(shop_toml(folder, demo))
    async with a_world(redis, folder, toml, deploys=True, beside=beside, reach=reach, change=change) as world:
        yield world
