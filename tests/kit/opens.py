"""Which sayso the tests of a file open: `pytestmark = opens(toml=NIGHT)` above them, or `@opens(…)` above one."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from channels import Channel
from tests.kit.office import TOML
from tests.kit.world import World, a_world


@dataclass(frozen=True)
class _Kind:
    toml: str = TOML
    deploys: bool = False
    beside: Sequence[str] = ()
    reach: Sequence[str] = ()
    change: Callable[[World], None] = field(default=lambda _: None)


def opens(
    toml: str = TOML,
    *,
    deploys: bool = False,
    beside: Sequence[str] = (),
    reach: Sequence[str] = (),
    change: Callable[[World], None] = lambda _: None,
) -> pytest.MarkDecorator:
    """Have the fixture `world` open this one, as `a_world` says; `beside` names fixtures that give more channels.

    `change` prepares it before its start. The mark nearest to a test counts, alone.
    """
    return pytest.mark.opens(_Kind(toml, deploys, beside, reach, change))


@asynccontextmanager
async def opened(
    request: pytest.FixtureRequest, redis: str, folder: Path, otherwise: str = TOML
) -> AsyncGenerator[World]:
    """The World that the test of `request` wants; without a mark, one of the settings `otherwise`."""
    node = cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType] - pytest does not type it
    mark = node.get_closest_marker("opens")
    kind = cast("_Kind", mark.args[0]) if mark else _Kind(otherwise)
    beside = [cast("Channel", request.getfixturevalue(name)) for name in kind.beside]
    async with a_world(
        redis, folder, kind.toml, deploys=kind.deploys, beside=beside, reach=kind.reach, change=kind.change
    ) as world:
        yield world
