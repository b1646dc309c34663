"""The one place that talks to Redis: scripts, retries of our own, and errors that say what to do."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from importlib import resources
from itertools import islice
from typing import Any, Literal, NoReturn, TypeVar, cast

from bot.errors import Unavailable
from bot.store.keys import Keys


@contextmanager
def _unloaded(package: str) -> Generator[None]:
    """Let whoever imports `package` in the block find that it is not installed, unless it is loaded already.

    None in `sys.modules` stops an import: https://docs.python.org/3/reference/import.html#the-module-cache
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules[package]


# For figures that nobody here asks it for, redis-py loads that SDK wherever it is installed: as long as all else of it.
with _unloaded("opentelemetry.sdk"):
    from redis import exceptions
    from redis.asyncio import Redis, from_url
    from redis.asyncio.client import PubSub
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

PRELUDE = ("clock.lua", "lists.lua", "ready.lua")
# A repeat is harmless (each script knows its own commit), so a short outage is bridged here and not shown to people.
_PATIENCE_S = 5.0
_PAUSE_S = 0.05
# A line that has gone dead must be noticed while leases can still be renewed. Longer than Redis needs for a script
# when its disk is slow.
_ANSWER_WITHIN_S = 4.0
# A line on which nothing is said for longer is asked whether it is still there.
_QUIET_S = 5.0
# A larger batch would keep the server from everybody else for milliseconds.
_BATCH = 64

_AWAY = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.BusyLoadingError, OSError)

Arg = str | bytes | int | float
Command = Sequence[Arg]
T = TypeVar("T")

_TRIED_AGAIN = "Nothing is lost; it is tried again"
_SEE_REDIS = "The log of the Redis server says more"


class StoreError(Unavailable):
    """The store could not do what was asked; the text says what to do."""


class StoreUnavailable(StoreError):
    """Redis can't be reached, or lost the connection: the same call may work later."""


class OtherRelease(StoreError):
    """An event that this release can't read: another one wrote it a short while ago, and goes on with it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"another release of sayso wrote what this one can't read: {why}", "End the older processes")


class Script:
    """One Lua script of this package, with what they share in front of it."""

    def __init__(self, name: str) -> None:
        folder = resources.files("bot.store").joinpath("lua")
        text = [folder.joinpath(part).read_text(encoding="utf-8") for part in (*PRELUDE, f"{name}.lua")]
        self.name, self.text = name, "\n".join(text)
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Client:
    """A connection pool with the client's own retries off: redis-py would repeat a write whose answer was lost.

    What is asked for while an answer is on its way goes out together, in one round trip. Under load that is most of
    the cost of a command, here and in the server, which syncs its log once for all of them.
    """

    def __init__(self, url: str, patience_s: float = _PATIENCE_S) -> None:
        self.url, self.patience_s = url, patience_s
        self._redis: Redis = from_url(  # pyright: ignore[reportUnknownMemberType]
            url,
            retry=Retry(NoBackoff(), 0),
            max_connections=500,
            socket_timeout=_ANSWER_WITHIN_S,
            socket_connect_timeout=5,
        )
        self._execute = cast("Callable[..., Awaitable[Any]]", self._redis.execute_command)  # pyright: ignore[reportUnknownMemberType]
        self._waiting: list[tuple[Sequence[Command], asyncio.Future[list[Any]]]] = []
        self._is_asking = False
        self._asking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Give back every connection."""
        await self._redis.aclose()

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Arg] = ()) -> Any:
        """Run `script` and return its reply. Raises StoreUnavailable once Redis has been away for `patience_s`."""
        return await self._patiently(lambda: self._run(script, keys, args))

    async def _run(self, script: Script, keys: Sequence[str], args: Sequence[Arg]) -> Any:
        try:
            return (await self._together([["EVALSHA", script.sha, len(keys), *keys, *args]]))[0]
        except exceptions.NoScriptError:
            return (await self._together([["EVAL", script.text, len(keys), *keys, *args]]))[0]

    async def do(self, *command: Arg) -> Any:
        """Run one plain command and return its reply; only for reads and for writes that may be repeated."""
        return (await self.read(command))[0]

    async def wait_for(self, *command: Arg) -> Any:
        """Run one command that waits in the server, for less than 4 s, and return its reply; nobody else waits for it.

        Raises StoreUnavailable at once.
        """
        try:
            return await heeding(self._execute(*command))
        except _AWAY as error:
            raise StoreUnavailable(f"Redis does not answer: {error}", _TRIED_AGAIN) from error
        except exceptions.RedisError as error:
            raise StoreError(f"Redis refused: {error}", _SEE_REDIS) from error

    async def scan(self, pattern: str) -> AsyncIterator[str]:
        """Every key like `pattern`, for keeping only: it walks the whole key space."""
        async for key in self._redis.scan_iter(match=pattern, count=1_000):  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            yield cast("bytes", key).decode()

    async def read(self, *commands: Command) -> list[Any]:
        """Return the replies to several reads, in one round trip."""
        return await self._patiently(lambda: self._together(commands))

    async def refusals(self, commands: Sequence[Command]) -> list[str]:
        """Return why the server would not run each of `commands`, "" where it would. None of them is executed.

        A transaction is refused what may not run when it is queued, and then it is discarded. Raises StoreError.
        https://redis.io/docs/latest/develop/using-commands/transactions
        """
        # Without a transaction they would be executed: so that comes first, and alone. As bytes, because the library
        # would read QUEUED as the answer itself.
        await self.read([b"MULTI"], [b"EXEC"], [b"MULTI"], [b"DISCARD"])
        queued = [[str(command[0]).encode(), *command[1:]] for command in commands]
        replies = await self._patiently(lambda: self._ask([[b"MULTI"], *queued, [b"DISCARD"]]))
        if lost := next((reply for reply in replies if isinstance(reply, _AWAY)), None):
            raise StoreUnavailable(f"Redis does not answer: {lost}", _TRIED_AGAIN) from lost
        return [str(reply) if isinstance(reply, Exception) else "" for reply in replies[1:-1]]

    @asynccontextmanager
    async def listening(self, channels: Sequence[str], quiet_s: float = _QUIET_S) -> AsyncGenerator["Listener"]:
        """Hears what is published on `channels`, over a connection of its own. Raises StoreUnavailable at once."""
        listener = Listener(self._redis.pubsub(), quiet_s)  # pyright: ignore[reportUnknownMemberType]
        try:
            await listener.subscribe(channels)
            yield listener
        finally:
            await listener.close()

    @asynccontextmanager
    async def changes(self, prefix: str) -> AsyncGenerator["Changes"]:
        """Hears which keys that begin with `prefix` change, over a connection of its own.

        Raises StoreUnavailable at once: what changed while the connection was lost is unknown.
        """
        # In RESP2 what is heard comes as messages, which a connection may have sent to itself.
        # https://redis.io/docs/latest/develop/reference/client-side-caching
        redis: Redis = from_url(self.url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=_ANSWER_WITHIN_S)  # pyright: ignore[reportUnknownMemberType]
        changes = Changes(redis.pubsub())  # pyright: ignore[reportUnknownMemberType]
        try:
            await changes.begin(prefix)
            yield changes
        finally:
            await changes.close()
            await redis.aclose()

    async def _together(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to `commands`: at once, or with everybody who asked while an answer was on its way."""
        if self._is_asking:
            answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
            self._waiting.append((commands, answer))
            return await answer
        self._is_asking = True
        try:
            return _checked(await self._ask(commands))
        finally:
            self._asking = asyncio.create_task(self._ask_for_waiting(), context=Context()) if self._waiting else None
            self._is_asking = self._asking is not None

    async def _ask_for_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                replies = iter(await self._ask([command for commands, _ in batch for command in commands]))
                for commands, answer in batch:
                    _give(answer, list(islice(replies, len(commands))))
        finally:
            self._is_asking = False

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to all of them, in one round trip; an error is the answer of each command that it befell."""
        try:
            if len(commands) == 1:
                return [await self._execute(*commands[0])]
            async with self._redis.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)  # pyright: ignore[reportUnknownMemberType]
                return await pipe.execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, each of those who asked must get it
            return [error] * len(commands)

    async def _patiently(self, attempt: Callable[[], Awaitable[Any]]) -> Any:
        deadline = asyncio.get_running_loop().time() + self.patience_s
        while True:
            try:
                return await heeding(attempt())
            except _AWAY as error:
                if asyncio.get_running_loop().time() >= deadline:
                    raise StoreUnavailable(f"Redis does not answer: {error}", _TRIED_AGAIN) from error
                await asyncio.sleep(_PAUSE_S)
            except exceptions.RedisError as error:
                raise StoreError(f"Redis refused: {error}", _SEE_REDIS) from error


class Listener:
    """One subscription. It does not outlive its connection: what was said meanwhile would be missed unnoticed."""

    def __init__(self, pubsub: PubSub, quiet_s: float) -> None:
        self._pubsub, self._quiet_s = pubsub, quiet_s

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Returns when the server has confirmed all of `channels`."""
        with _as_ours():
            await self._pubsub.subscribe(*channels)  # pyright: ignore[reportUnknownMemberType]
        missing = set(channels)
        while missing:
            kind, channel, _ = await self._next(_ANSWER_WITHIN_S) or _gone_dead()
            missing -= {channel} if kind == "subscribe" else set()

    async def receive(self) -> bytes:
        """The next message, whatever its channel. Raises StoreUnavailable at once."""
        while True:
            found = await self._next(self._quiet_s)
            if found is None:
                with _as_ours():
                    await self._pubsub.ping()  # pyright: ignore[reportUnknownMemberType]
                found = await self._next(_ANSWER_WITHIN_S) or _gone_dead()
            if found[0] == "message":
                return found[2]

    async def _next(self, within_s: float) -> tuple[str, str, bytes] | None:
        """(kind, channel, content) of what the server says next; None when it says nothing."""
        with _as_ours():
            found = cast("dict[str, Any] | None", await self._pubsub.get_message(timeout=within_s))  # pyright: ignore[reportUnknownMemberType]
        if found is None:
            return None
        return found["type"], (found["channel"] or b"").decode(), found["data"]

    async def close(self) -> None:
        """Give back the connection."""
        await self._pubsub.aclose()


class Changes:
    """The keys that change, as the server tells of them."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub

    async def begin(self, prefix: str) -> None:
        """Returns when each later change of a key with `prefix` is told."""
        with _as_ours():
            await self._pubsub.connect()
            if not (connection := self._pubsub.connection):
                raise StoreUnavailable("Redis does not answer", _TRIED_AGAIN)
            await connection.send_command("CLIENT", "ID")
            own = cast("int", await connection.read_response())
            await connection.send_command("CLIENT", "TRACKING", "ON", "REDIRECT", own, "BCAST", "PREFIX", prefix)
            await connection.read_response()
            await self._pubsub.subscribe("__redis__:invalidate")  # pyright: ignore[reportUnknownMemberType]

    async def heard(self) -> set[str]:
        """The keys that changed since this was asked last, up to now. Raises StoreError where all were deleted."""
        found = set[str]()
        with _as_ours():
            await self._pubsub.ping()  # pyright: ignore[reportUnknownMemberType]
            while True:
                told = cast("dict[str, Any] | None", await self._pubsub.get_message(timeout=_ANSWER_WITHIN_S))  # pyright: ignore[reportUnknownMemberType]
                if told is None:
                    _gone_dead()
                if told["type"] == "pong":
                    return found
                if told["type"] == "message":
                    keys = cast("list[bytes] | None", told["data"])
                    found |= {key.decode() for key in keys} if keys is not None else _emptied()

    async def close(self) -> None:
        """Give back the connection."""
        await self._pubsub.aclose()


@contextmanager
def _as_ours() -> Generator[None]:
    try:
        yield
    except _AWAY as error:
        raise StoreUnavailable(f"Redis does not answer: {error}", _TRIED_AGAIN) from error
    except exceptions.RedisError as error:
        raise StoreError(f"Redis refused: {error}", _SEE_REDIS) from error


def _gone_dead() -> NoReturn:
    raise StoreUnavailable(f"Redis does not answer within {_ANSWER_WITHIN_S} s", _TRIED_AGAIN)


def _emptied() -> NoReturn:
    raise StoreError("Somebody emptied this Redis just now", "Nothing was done")


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


def _give(answer: asyncio.Future[list[Any]], replies: list[Any]) -> None:
    """Answer who asked, unless they have gone."""
    if answer.done():
        return
    try:
        answer.set_result(_checked(replies))
    except Exception as error:  # noqa: BLE001 - see `_ask`
        answer.set_exception(error)


def _checked(replies: list[Any]) -> list[Any]:
    """`replies` without an error among them; raises the first one."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


FAR_AHEAD = timedelta(minutes=1)
"""The lead of which people are warned; a clock that is kept right has less, now and then."""

_SLOWER = 10


def asked(keys: Keys) -> tuple[list[str], list[str]]:
    """The commands that read the clock, for `told`."""
    return ["TIME"], ["MGET", keys.clock, keys.clock_seen]


def adjusted(time: tuple[int, int], kept: Sequence[bytes | None]) -> tuple[datetime, timedelta]:
    """Return the clock's time, and how much of it is ahead, from the answers to the `asked` commands."""
    offset, seen = kept
    raw_ms = time[0] * 1000 + time[1] // 1000 + int(offset or 0)
    last_ms, ahead_ms = map(int, seen.split()) if seen else (raw_ms, 0)
    passed_ms = raw_ms - last_ms
    ahead_ms = ahead_ms - passed_ms if passed_ms < 0 else max(0, ahead_ms - passed_ms // _SLOWER)
    return moment(str(raw_ms + ahead_ms)), timedelta(milliseconds=ahead_ms)


def moment(ms: bytes | str) -> datetime:
    """A moment as the scripts write it: milliseconds since 1970."""
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


Durability = Literal["verified", "weaker", "unknown"]

# What a person must have written into SAYSO_ACCEPT_DURABILITY to run on a weaker Redis.
ACCEPTED_LOSS = "may lose acknowledged answers"
_WANTED = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class NotDurable(StoreError):
    """The Redis may lose what it acknowledged, and nobody has accepted that."""


class WrongShards(StoreError):
    """The number of shards does not fit what is stored."""


async def look(client: Client) -> tuple[Durability, str]:
    """Return the durability of the server, and what makes it weaker or unknown."""
    try:
        found = {name: await setting(client, name) for name in _WANTED}
    except StoreUnavailable:
        raise
    except (StoreError, LookupError) as error:
        return "unknown", f"the server does not tell its settings ({error})"
    weaker = [f"{name} is {found[name]!r}, not {want!r}" for name, want in _WANTED.items() if found[name] != want]
    return ("weaker", "; ".join(weaker)) if weaker else ("verified", "")


async def setting(client: Client, name: str) -> str:
    """One setting of the server. Raises StoreError or LookupError where it does not tell."""
    reply: dict[bytes, bytes] | list[bytes] = await client.do("CONFIG", "GET", name)
    return (reply[name.encode()] if isinstance(reply, dict) else reply[1]).decode()


async def check(client: Client, accepted: str | None) -> Durability:
    """Return the durability of the server. Raises NotDurable for a weaker one that nobody accepted in words."""
    durability, why = await look(client)
    if durability == "weaker" and accepted != ACCEPTED_LOSS:
        raise NotDurable(
            f"This Redis can lose what it has acknowledged: {why}",
            f"Set these on the server, or accept the loss with SAYSO_ACCEPT_DURABILITY={ACCEPTED_LOSS!r}",
        )
    return durability


SHARDS = "{s0}:shards"
"""The key of the number of shards. While it holds no number the store is being restored, and no release starts."""


async def check_shards(client: Client, shards: int) -> None:
    """Remember the number of shards; it may only grow. Raises WrongShards."""
    stored = await client.do("GET", SHARDS)
    if stored is not None and not stored.isdigit():
        raise WrongShards(
            f"This store is not whole: {stored.decode(errors='replace')[:200]}",
            "Wait until `sayso restore` has ended; if it failed, empty this Redis and restore once more",
        )
    if stored is not None and int(stored) > shards:
        raise WrongShards(f"This store has {int(stored)} shards and SAYSO_SHARDS is {shards}", "It may only grow")
    if stored is None or int(stored) < shards:
        await client.do("SET", SHARDS, shards)


async def far_ahead(client: Client, shards: int) -> timedelta | None:
    """Return how far a shard's time is ahead of Redis's clock, which somebody set back; None if it is not far."""
    times = [adjusted(*await client.read(*asked(Keys(shard))))[1] for shard in range(shards)]
    most = max(times)
    return most if most >= FAR_AHEAD else None


async def check_clock(client: Client, shards: int, *, is_test: bool) -> None:
    """Refuse a store whose clock somebody moved, except in tests. Raises StoreError."""
    offsets = [await client.do("GET", Keys(shard).clock) for shard in range(shards)]
    if any(offsets) and not is_test:
        raise StoreError(
            "The clock of this store was moved (clock_offset), which only tests may do",
            "Delete the keys {s*}:clock_offset, or set SAYSO_TEST_CLOCK=1 in a test",
        )
