"""The servers behind an address: one, the master that Sentinel names, or the nodes of a cluster."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, cast

from bot.config.redis_url import RedisPlace
from bot.store.client.errors import StoreError
from bot.store.client.library import NoBackoff, Redis, Retry, Sentinel, exceptions, from_url, key_slot
from bot.store.client.line import Arg, Command, Line

# A line that has gone dead must be noticed while leases can still be renewed. Longer than Redis needs for a script
# when its disk is slow.
ANSWER_WITHIN_S = 4.0
# Where another server can be asked instead, one that is gone must not use up the patience.
_ELSEWHERE_WITHIN_S = 1.5
_CONNECTIONS = 500
# How often Sentinel is asked whether its master is still the one, and how long a command waits for that.
_LOOK_AGAIN_S = 1.0
_LOOK_WITHIN_S = 0.25
_OF_ALL = frozenset({"username", "password", "protocol"})

# Of what we use, commands that name no key where others do.
_KEYLESS = frozenset({"TIME", "PING", "INFO", "CONFIG", "MULTI", "EXEC", "DISCARD", "SCAN", "WAIT", "CLIENT"})
_SCRIPTS = frozenset({"EVAL", "EVALSHA"})
# What has no key is asked where the state of the first shard is.
_ELSE = "{s0}"


@dataclass(frozen=True, slots=True)
class Node:
    """One server as it can be asked by itself: its `name` (host and port) and its `url`."""

    name: str
    url: str
    is_master: bool


class Servers(Protocol):
    """Where commands go. Methods raise what redis-py raises."""

    is_cluster: bool

    async def line_of(self, commands: Sequence[Command]) -> Line:
        """The way to the server that has the keys of `commands`."""
        ...

    async def lines_for(self, pattern: str) -> list[Line]:
        """The ways to all servers that have keys like `pattern`."""
        ...

    def parts_of(self, commands: Sequence[Command]) -> list[list[int]]:
        """The places of those `commands` that can be asked together."""
        ...

    async def heed(self, error: Exception) -> None:
        """Learn from an error: where the keys are now."""
        ...

    async def asking(self, error: exceptions.AskError, commands: Sequence[Command]) -> list[Any]:
        """The answers to `commands` of the server that a slot is moving to."""
        ...

    async def subscriber(self) -> tuple[Redis, bool]:
        """A client of a server that hears all that is published, and whether to close it after use."""
        ...

    async def nodes(self) -> list[Node]:
        """Every server; none where the address names only one."""
        ...

    async def close(self) -> None:
        """Give back every connection."""
        ...


def options(elsewhere: bool = False) -> dict[str, Any]:
    """How connections are made. redis-py would repeat a write whose answer was lost: its retries are off.

    It does not tell the server its version, which it would look up among the installed packages for each connection.
    """
    return {
        "driver_info": None,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": _CONNECTIONS,
        "socket_timeout": ANSWER_WITHIN_S,
        "socket_connect_timeout": _ELSEWHERE_WITHIN_S if elsewhere else 5,
    }


class OneServer:
    """One server by its address, or whichever one is the master."""

    is_cluster = False

    def __init__(self, redis: Redis) -> None:
        self._redis, self._line, self._is_closed = redis, Line(self._over), False

    async def line_of(self, commands: Sequence[Command]) -> Line:
        """The one there is."""
        return self._line

    async def lines_for(self, pattern: str) -> list[Line]:
        """The same."""
        return [self._line]

    def parts_of(self, commands: Sequence[Command]) -> list[list[int]]:
        """All of them."""
        return [list(range(len(commands)))]

    async def _over(self, commands: Sequence[Command]) -> list[Any]:
        try:
            return await self._sent(commands)
        finally:
            if self._is_closed:  # a connection that was made meanwhile is given back by nobody else
                await self._redis.connection_pool.disconnect()

    async def _sent(self, commands: Sequence[Command]) -> list[Any]:
        if len(commands) == 1:
            return [await self._redis.execute_command(*commands[0])]  # pyright: ignore[reportUnknownMemberType]
        async with self._redis.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)  # pyright: ignore[reportUnknownMemberType]
            return await pipe.execute(raise_on_error=False)

    async def heed(self, error: Exception) -> None:
        """Leave a master that became a replica: its address may lead to another one by now, and it ends no connection.

        Raises StoreError for a node of a cluster, which has only some of the keys.
        """
        if isinstance(error, exceptions.ReadOnlyError):
            await self._redis.connection_pool.disconnect(inuse_connections=False)
        if isinstance(error, exceptions.AskError):
            raise StoreError(
                f"Redis is a node of a cluster, and has only some of the keys: {error}",
                "Begin SAYSO_REDIS_URL with redis+cluster://",
            ) from error

    async def asking(self, error: exceptions.AskError, commands: Sequence[Command]) -> list[Any]:
        """No such server: raises `error`."""
        raise error

    async def subscriber(self) -> tuple[Redis, bool]:
        """The same."""
        return self._redis, False

    async def nodes(self) -> list[Node]:
        """None."""
        return []

    async def close(self) -> None:
        """Give back every connection."""
        await self._line.end()
        self._is_closed = True
        await self._redis.aclose()


class Watched(OneServer):
    """The master that Sentinel names; a new connection asks Sentinel anew.

    A master that was replaced ends its connections when Sentinel makes it a replica, and refuses writes from then on:
    https://redis.io/docs/latest/develop/reference/sentinel-clients/. One that stood still meanwhile answers reads from
    the past until then, for about ten seconds: so Sentinel is asked again, at most once a second.
    """

    def __init__(self, place: RedisPlace) -> None:
        self._place = place
        known = from_url_options(place)
        tls = {name: value for name, value in known.items() if name.startswith("ssl")}
        asked = {"socket_timeout": _ELSEWHERE_WITHIN_S, "socket_connect_timeout": _ELSEWHERE_WITHIN_S}
        about = {**tls, **asked, "retry": Retry(NoBackoff(), 0), **dict(place.of_sentinel)}
        self._sentinel = Sentinel(list(place.hosts), sentinel_kwargs=about)
        named = cast("Callable[..., Redis]", self._sentinel.master_for)  # pyright: ignore[reportUnknownMemberType]
        super().__init__(named(place.service, **known, **options(elsewhere=True), db=place.db))
        self._master: tuple[str, int] | None = None
        self._look: asyncio.Task[None] | None = None
        self._looked_at = float("-inf")

    async def line_of(self, commands: Sequence[Command]) -> Line:
        """The way to the master. No longer than a moment is waited for what Sentinel says."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= _LOOK_AGAIN_S and (self._look is None or self._look.done()):
            self._looked_at, self._look = now, asyncio.create_task(self._leave_a_former_master(), context=Context())
        if self._look and not self._look.done():
            await asyncio.wait([self._look], timeout=max(0.0, self._looked_at + _LOOK_WITHIN_S - now))
        return await super().line_of(commands)

    async def _leave_a_former_master(self) -> None:
        """End every connection when another master is named: what is on its way is asked again, of that one."""
        known = self._master
        with suppress(exceptions.RedisError, OSError):
            self._master = await cast("Any", self._sentinel).discover_master(self._place.service)
            if known not in (None, self._master):
                await self._redis.connection_pool.disconnect()

    async def nodes(self) -> list[Node]:
        """The master, and the replicas that Sentinel has heard of lately."""
        sentinel = cast("Any", self._sentinel)
        master, replicas = await sentinel.discover_master(self._place.service), sentinel.discover_slaves
        return [self._node(master, is_master=True), *map(self._node, await replicas(self._place.service))]

    def _node(self, address: tuple[str, int], *, is_master: bool = False) -> Node:
        host, port = address
        return Node(f"{host}:{port}", self._place.at(host, int(port)), is_master)

    async def close(self) -> None:
        """Give back every connection, those to the Sentinels as well."""
        if self._look:
            await asyncio.wait([self._look])
        await super().close()
        await self._sentinel.aclose()


def from_url_options(place: RedisPlace) -> dict[str, Any]:
    """What an address with several hosts says of each connection: user, password and TLS."""
    pool = from_url(place.at(*place.hosts[0])).connection_pool  # pyright: ignore[reportUnknownMemberType]
    said = pool.connection_kwargs
    kept = {name: value for name, value in said.items() if name in _OF_ALL or name.startswith("ssl_")}
    return kept | ({"ssl": True} if place.url.startswith("rediss") else {})


def slot_of(command: Command) -> int | None:
    """The slot of a command's keys; None where it has none."""
    key = _key_of(command)
    return _slot(key) if key else None


def slot_of_all(commands: Sequence[Command]) -> int:
    """The one slot that all keys of `commands` are in. Raises ValueError where they are in several."""
    slots = {slot_of(command) for command in commands} - {None}
    if len(slots) > 1:
        raise ValueError(f"what is asked together must be of one shard: {[command[0] for command in commands]}")
    return slots.pop() or 0 if slots else _slot(_ELSE)


def _key_of(command: Command) -> str:
    name = _text(command[0]).upper()
    if name in _SCRIPTS:
        return _text(command[3]) if int(command[2]) else ""
    return "" if name in _KEYLESS or len(command) == 1 else _text(command[1])


@lru_cache(maxsize=1024)
def _of_tag(tag: str) -> int:
    return key_slot(tag.encode())


def _slot(key: str) -> int:
    return _of_tag(key[: key.find("}") + 1] or key)


def _text(part: Arg) -> str:
    return part.decode() if isinstance(part, bytes) else str(part)
