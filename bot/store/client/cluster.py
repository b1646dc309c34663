"""The nodes of a Redis Cluster: where each shard's keys are, and what is learnt when they move.

The library knows the topology and keeps the connections. Its own routing is not used: it repeats writes, and it says
ASKING over another connection than the command that must follow it.
https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

import asyncio
import random
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from bot.config.redis_url import RedisPlace
from bot.store.client.library import ClusterNode, PipelineCommand, Redis, RedisCluster, exceptions, from_url
from bot.store.client.line import Command, Line
from bot.store.client.servers import Node, from_url_options, options, slot_of, slot_of_all

# While a node is away everybody who asks it hears of it; that often is enough to look for its successor.
_LOOK_AGAIN_S = 0.25
_MASTER = "primary"


class Cluster:
    """All masters. What is asked of one goes over one line, whichever shards it is about."""

    is_cluster = True

    def __init__(self, place: RedisPlace) -> None:
        self._place, self._options = place, from_url_options(place) | options(elsewhere=True)
        self._library, self._lines = self._made(), dict[str, Line]()
        self._is_closed = False
        self._looking, self._is_stale, self._looked_at, self._failed = asyncio.Lock(), True, float("-inf"), ""

    def _made(self) -> RedisCluster:
        """The library's own part. A shard that nobody serves must not keep the others from work."""
        seeds = [ClusterNode(host, port) for host, port in self._place.hosts]
        return RedisCluster(startup_nodes=seeds, require_full_coverage=False, **self._options)

    async def line_of(self, commands: Sequence[Command]) -> Line:
        """The way to the master that has the slot of `commands`."""
        slot = slot_of_all(commands)
        if self._is_stale:
            await self._look()
        served = self._library.nodes_manager.slots_cache.get(slot)
        if not served:
            self._is_stale = True
            raise exceptions.SlotNotCoveredError(f"no node serves slot {slot}")
        return self._line_to(served[0].name)

    def _line_to(self, name: str) -> Line:
        if name not in self._lines:
            self._lines[name] = Line(partial(self._over, name))
        return self._lines[name]

    async def lines_for(self, pattern: str) -> list[Line]:
        """One where the pattern names a shard, else those of all masters."""
        if "}" in pattern:
            return [await self.line_of([["GET", pattern]])]
        return [self._line_to(node.name) for node in await self._nodes() if node.server_type == _MASTER]

    def parts_of(self, commands: Sequence[Command]) -> list[list[int]]:
        """Those of each slot; what has no key goes with the first."""
        slots = [slot_of(command) for command in commands]
        first = next((slot for slot in slots if slot is not None), None)
        parts = dict[int | None, list[int]]()
        for place, slot in enumerate(slots):
            parts.setdefault(first if slot is None else slot, []).append(place)
        return list(parts.values())

    async def _look(self) -> None:
        """Ask a node which one has what, unless that was asked a moment ago."""
        clock = asyncio.get_running_loop().time
        async with self._looking:
            if not self._is_stale or clock() - self._looked_at < _LOOK_AGAIN_S:
                return
            self._looked_at = clock()
            try:
                await self._library.nodes_manager.initialize(last_failed_node_name=self._failed or None)
            except Exception:
                # None of those that were known answers: perhaps all have new addresses, and the given ones lead there.
                await self._disconnect()
                self._library = self._made()
                raise
            self._is_stale, self._failed = False, ""

    async def _over(self, name: str, commands: Sequence[Command]) -> list[Any]:
        node = self._library.nodes_manager.nodes_cache.get(name)
        if node is None:
            raise exceptions.ConnectionError(f"{name} is no longer a node of the cluster")
        try:
            replies = await self._pipe(node, commands)
        finally:
            if self._is_closed:  # a connection that was made meanwhile is given back by nobody else
                await self._disconnect()
        if any(isinstance(reply, exceptions.ConnectionError | exceptions.TimeoutError | OSError) for reply in replies):
            self._failed = name
        return replies

    async def _pipe(self, node: ClusterNode, commands: Sequence[Command]) -> list[Any]:
        piped = [PipelineCommand(place, *command) for place, command in enumerate(commands)]
        try:
            await node.execute_pipeline(piped)
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
            return [error] * len(commands)
        return [one.result for one in piped]

    async def heed(self, error: Exception) -> None:
        """Note where a slot is now; after any other trouble all of it is looked up again."""
        manager = self._library.nodes_manager
        if isinstance(error, exceptions.MovedError) and error.slot_id in manager.slots_cache:
            await manager.move_slot(error)
        elif not isinstance(error, exceptions.TryAgainError):
            self._is_stale = True

    async def asking(self, error: exceptions.AskError, commands: Sequence[Command]) -> list[Any]:
        """Each command is preceded by ASKING on its own connection, which counts for the next one only."""
        host, port = cast("tuple[str, int]", error.node_addr)  # pyright: ignore[reportUnknownMemberType]
        node = self._library.nodes_manager.nodes_cache.get(f"{host}:{port}")
        if node is None:
            self._is_stale = True
            raise error
        asked = [one for command in commands for one in (["ASKING"], command)]
        return (await self._pipe(node, asked))[1::2]

    async def subscriber(self) -> tuple[Redis, bool]:
        """A client of any node: what is published reaches all of them."""
        names = [node for node in await self._nodes() if node.server_type == _MASTER]
        node = random.choice(names)  # noqa: S311 - so that not all listen at the same one
        return from_url(self._place.at(node.host, int(node.port)), **options(elsewhere=True)), True  # pyright: ignore[reportUnknownMemberType]

    async def nodes(self) -> list[Node]:
        """Masters and replicas."""
        found = sorted(await self._nodes(), key=lambda node: (node.server_type != _MASTER, node.name))
        return [
            Node(node.name, self._place.at(node.host, int(node.port)), node.server_type == _MASTER) for node in found
        ]

    async def _nodes(self) -> list[ClusterNode]:
        if self._is_stale:
            await self._look()
        if found := list(self._library.nodes_manager.nodes_cache.values()):
            return found
        raise exceptions.ConnectionError("no node of the cluster answers")

    async def close(self) -> None:
        """Give back every connection."""
        await asyncio.gather(*(line.end() for line in self._lines.values()))
        self._is_closed = True
        await self._disconnect()

    async def _disconnect(self) -> None:
        manager = cast("Any", self._library.nodes_manager)
        nodes = {id(node): node for node in (*manager.nodes_cache.values(), *manager.startup_nodes.values())}
        await asyncio.gather(*(node.disconnect() for node in nodes.values()), return_exceptions=True)
