"""The one place that talks to Redis: scripts, retries of our own, and errors that say what to do."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from bot.config.redis_url import parse_redis_url
from bot.store.client.cluster import Cluster
from bot.store.client.errors import (
    ABOUT_REDIS,
    NotReplicated,
    StoreError,
    StoreUnavailable,
    TakesNoWrites,
    WentBack,
    as_ours,
    gone_dead,
    is_away,
    ours,
    refuses_writes,
)
from bot.store.client.library import exceptions, from_url
from bot.store.client.line import BATCH, Arg, Command, checked
from bot.store.client.listener import QUIET_S, Listener
from bot.store.client.script import PRELUDE, Call, Script
from bot.store.client.server_clock import FAR_AHEAD, adjusted, asked, moment
from bot.store.client.servers import ANSWER_WITHIN_S, Node, OneServer, Servers, Watched, options, slot_of
from bot.store.ids import ingress_shard

__all__ = [
    "FAR_AHEAD",
    "PRELUDE",
    "Call",
    "Client",
    "Listener",
    "Node",
    "NotReplicated",
    "Replicas",
    "Script",
    "StoreError",
    "StoreUnavailable",
    "TakesNoWrites",
    "WentBack",
    "adjusted",
    "asked",
    "heeding",
    "moment",
]

# A repeat is harmless, so a short outage is bridged here and not shown to people: each script knows its own commit, or
# whoever calls it does; `put_off` may count a failure twice.
_PATIENCE_S = 5.0
_PAUSE_S = 0.05
# A slot that moves on at once is followed so often before it counts as being away.
_MOVES = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many must have a write, and how long they are waited for; it is below 4 s."""

    count: int
    within_s: float


def _servers_at(url: str) -> Servers:
    place = parse_redis_url(url)
    match place.kind:
        case "cluster":
            return Cluster(place)
        case "sentinel":
            return Watched(place)
        case "server":
            return OneServer(from_url(url, **options()))  # pyright: ignore[reportUnknownMemberType]


class Client:
    """Connections to one server, or to all nodes of a cluster.

    What is asked of a server while its answer is on its way goes out together, in one round trip. A command, and so a
    script, is of one shard.
    """

    def __init__(self, url: str, patience_s: float = _PATIENCE_S) -> None:
        self.url, self.patience_s = url, patience_s
        # The number of shards that the store began with, once it is known.
        self.began_with: int | None = None
        self._servers = _servers_at(url)

    async def close(self) -> None:
        """Give back every connection."""
        await self._servers.close()

    def ingress(self, foreign_id: str, shards: int) -> int:
        """The shard where what is known of a foreign id is kept, also when there are more `shards` than at first."""
        return ingress_shard(foreign_id, self.began_with or shards)

    def groups(self, shards: int) -> list[list[int]]:
        """The shards that one command may name together: all of them, but in a cluster each only alone."""
        return [[shard] for shard in range(shards)] if self._servers.is_cluster else [list(range(shards))]

    async def nodes(self) -> list[Node]:
        """Every server of a cluster, or that Sentinel knows; none for an address that names one. Raises StoreError."""
        with as_ours():
            return await self._servers.nodes()

    async def run(self, call: Call[T]) -> T:
        """Run a script and return its reply. Raises StoreUnavailable once Redis has been away for `patience_s`."""
        return call.read((await self._patiently(lambda: self._run(call)))[0])

    async def run_replicated(self, call: Call[T], mark: Command, replicas: Replicas) -> tuple[T, bool]:
        """Run a script; its reply, and whether so many replicas have what was written until then. Raises like `run`.

        `mark` is a write that may be repeated: a script that repeats what it did writes nothing, and `WAIT` waits for
        what its own connection wrote. https://redis.io/docs/latest/commands/wait/
        """
        reply, _, count = await self._patiently(lambda: self._run(call, [mark, _wait(replicas)]))
        return call.read(reply), int(count) >= replicas.count

    async def write_replicated(self, command: Command, replicas: Replicas) -> bool:
        """Run a write that may be repeated; return whether so many replicas have it. Raises like `run`."""
        replies = await self._patiently(lambda: self._asked([command, _wait(replicas)], alone=True))
        return int(replies[1]) >= replicas.count

    async def _run(self, call: Call[Any], then: Sequence[Command] = ()) -> list[Any]:
        """The reply, and those to what is asked then over the very same connection."""
        rest = [len(call.keys), *call.keys, *call.args]
        try:
            return await self._asked([["EVALSHA", call.script.sha, *rest], *then], alone=bool(then))
        except exceptions.NoScriptError:
            return await self._asked([["EVAL", call.script.text, *rest], *then], alone=bool(then))

    async def do(self, *command: Arg) -> Any:
        """Run one plain command and return its reply; only for reads and for writes that may be repeated."""
        return (await self.read(command))[0]

    async def is_first(self, key: str, within_s: float) -> bool:
        """Return whether the caller is the one to do what `key` is for: within `within_s` only one is.

        Redis ends a key at a moment of its own wall clock. Where that was ahead and is put right, a claim would last
        for as long as it was ahead, and nobody would do it meanwhile: what lasts longer than it was made for is cut.
        """
        ms = round(within_s * 1000)
        if await self.do("SET", key, ms, "NX", "PX", ms):
            return True
        if (left := int(await self.do("PTTL", key))) > ms and left > int(await self.do("GET", key) or 0):
            await self.do("PEXPIRE", key, ms)
        return False

    async def claim(self, key: str, within_s: float) -> None:
        """Have nobody be the first within that time, whoever was; see `is_first`."""
        ms = round(within_s * 1000)
        await self.do("SET", key, ms, "PX", ms)

    async def wait_for(self, *command: Arg) -> Any:
        """Run one command that waits in the server, for less than 4 s, and return its reply; nobody else waits for it.

        Raises StoreUnavailable at once.
        """
        try:
            return (await heeding(self._asked([command], alone=True)))[0]
        except ABOUT_REDIS as error:
            if is_away(error):
                await self._servers.heed(error)
            raise ours(error) from error

    async def scan(self, pattern: str) -> AsyncIterator[str]:
        """Every key like `pattern`, for keeping only: it walks the whole key space."""
        with as_ours():
            lines = await self._servers.lines_for(pattern)
        for line in lines:
            cursor = b"0"
            while True:
                scan = ["SCAN", cursor, "MATCH", pattern, "COUNT", 1_000]
                cursor, found = (await self._patiently(partial(line.together, [scan])))[0]
                for key in found:
                    yield key.decode()
                if int(cursor) == 0:
                    break

    async def read(self, *commands: Command) -> list[Any]:
        """Return the replies to several reads, in one round trip; in a cluster in one for each shard."""
        parts, is_large = self._servers.parts_of(commands), len(commands) > BATCH
        if len(parts) == 1:
            return await self._patiently(partial(self._asked, commands), is_large=is_large)
        replies = dict[int, Any]()
        for part in parts:
            asked = [commands[place] for place in part]
            told = await self._patiently(partial(self._asked, asked), is_large=is_large)
            replies |= zip(part, told, strict=True)
        return [replies[place] for place in range(len(commands))]

    async def refusals(self, commands: Sequence[Command]) -> list[str]:
        """Return why the server would not run each of `commands`, "" where it would, once it takes writes.

        None of them is executed.

        A transaction is refused what may not run when it is queued, and then it is discarded. Raises StoreError.
        https://redis.io/docs/latest/develop/using-commands/transactions
        """
        # As bytes, because the library would read QUEUED as the answer itself.
        queued = [[str(command[0]).encode(), *command[1:]] for command in commands]

        async def attempt() -> list[Any]:
            line = await self._servers.line_of(commands)
            # Without a transaction they would be executed: so that comes first, and alone.
            await line.alone([[b"MULTI"], [b"EXEC"], [b"MULTI"], [b"DISCARD"]])
            replies = await line.replies([[b"MULTI"], *queued, [b"DISCARD"]])
            if lost := next((reply for reply in replies if isinstance(reply, Exception) and is_away(reply)), None):
                raise lost
            return replies

        replies = await self._patiently(attempt)
        return [
            str(reply) if isinstance(reply, Exception) and not refuses_writes(reply) else "" for reply in replies[1:-1]
        ]

    @asynccontextmanager
    async def listening(self, channels: Sequence[str], quiet_s: float = QUIET_S) -> AsyncGenerator[Listener]:
        """Hears what is published on `channels`, over a connection of its own. Raises StoreUnavailable at once."""
        with as_ours():
            redis, closes = await self._servers.subscriber()
        listener = Listener(redis, quiet_s, closes=closes)
        try:
            await listener.subscribe(channels)
            yield listener
        finally:
            await listener.close()

    async def _asked(self, commands: Sequence[Command], *, alone: bool = False) -> list[Any]:
        """The answers to commands of one shard, from the server that has it."""
        for _ in range(_MOVES):
            line = await self._servers.line_of(commands)
            try:
                return await (line.alone(commands) if alone else line.together(commands))
            except exceptions.MovedError as error:
                await self._servers.heed(error)
            except exceptions.AskError as error:
                # The slot is on two servers, and each key on one of them: the other one says that there is none.
                if sum(slot_of(command) is not None for command in commands) > 1:
                    return [reply for command in commands for reply in await self._asked([command], alone=alone)]
                return checked(await self._servers.asking(error, commands))
        raise exceptions.ConnectionError("the slot keeps moving")

    async def _patiently(self, attempt: Callable[[], Awaitable[Any]], *, is_large: bool = False) -> Any:
        """The answer of an `attempt`, made anew while Redis is away.

        A server that hangs takes each attempt, and each before it in the line, for as long as one answer may take. So
        all of them end with the patience, and what was asked last may still be done. What is large may take longer: of
        that only each part must come in time.
        """
        began = asyncio.get_running_loop().time()
        within_s = max(self.patience_s, ANSWER_WITHIN_S)
        try:
            async with asyncio.timeout(None if is_large else within_s):
                return await self._tried(attempt, began + self.patience_s)
        except TimeoutError:
            gone_dead(within_s)

    async def _tried(self, attempt: Callable[[], Awaitable[Any]], until: float) -> Any:
        while True:
            try:
                return await heeding(attempt())
            except ABOUT_REDIS as error:
                if not is_away(error):
                    raise ours(error) from error
                await self._servers.heed(error)
                if asyncio.get_running_loop().time() >= until:
                    raise ours(error) from error
                await asyncio.sleep(_PAUSE_S)


def _wait(replicas: Replicas) -> Command:
    return ["WAIT", replicas.count, round(replicas.within_s * 1000)]


async def heeding(asking: Awaitable[T]) -> T:
    """Await `asking`; raise CancelledError if this task was cancelled meanwhile, even if that was lost on the way.

    redis-py sends with `asyncio.wait_for`, which before Python 3.12 loses a cancellation that comes while what it
    waits for ends. A caller that asks in a loop then goes on for ever.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        return await asking
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
