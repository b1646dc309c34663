"""A moment that all tests of a file begin at: what came before it happens once, and then is put back for each."""

import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from bot.store.client import Client
from tests.fakes.hallway import Hallway
from tests.kit.world import World

What = TypeVar("What")
Opens = Callable[[], AbstractAsyncContextManager[World]]
"""Opens the office over what its Redis and its folder hold."""


@dataclass
class Moment(Generic[What]):
    """`what` its tests know of it, once it was there; its store is `redis`, which may be emptied in between."""

    folder: Path
    what: What | None = None
    _keys: list[tuple[bytes, int, bytes]] = field(default_factory=list[tuple[bytes, int, bytes]])
    _hallway: Hallway = field(default_factory=Hallway)

    @asynccontextmanager
    async def office(
        self,
        redis: str,
        folder: Path,
        hallway: Hallway,
        opens: Opens,
        happens: Callable[[World], Awaitable[What]],
    ) -> AsyncGenerator[tuple[World, What]]:
        """The office at the moment after `happens`; the first to ask waits until it has happened."""
        if self.what is None:
            async with opens() as office:
                self.what = await happens(office)
                await office.quiet()
            await self._keep(redis, folder, hallway)
        else:
            await self._put_back(redis, folder, hallway)
        async with opens() as office:
            yield office, self.what

    async def _keep(self, redis: str, folder: Path, hallway: Hallway) -> None:
        client = Client(redis)
        names = await client.do("KEYS", "*")
        ends_ms = await client.read(*(["PTTL", name] for name in names))
        bodies = await client.read(*(["DUMP", name] for name in names))
        self._keys = [each for each in zip(names, ends_ms, bodies, strict=True) if each[2]]
        await client.close()
        shutil.copytree(folder, self.folder, symlinks=True)
        self._hallway.cards, self._hallway.shown = copy(hallway.cards), copy(hallway.shown)

    async def _put_back(self, redis: str, folder: Path, hallway: Hallway) -> None:
        client = Client(redis)
        await client.read(*(["RESTORE", name, max(0, ends_ms), body, "REPLACE"] for name, ends_ms, body in self._keys))
        await client.close()
        shutil.copytree(self.folder, folder, symlinks=True)
        hallway.cards, hallway.shown = copy(self._hallway.cards), copy(self._hallway.shown)
