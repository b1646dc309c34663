"""The one place that talks to Redis: scripts, retries of our own, and errors that say what to do."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha1
from importlib import resources
from typing import Any, cast

from redis import exceptions
from redis.asyncio import Redis, from_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_PRELUDE = "clock.lua"
# A repeat is harmless (each script knows its own commit), so a short outage is bridged here and not shown to people.
_PATIENCE_S = 5.0
_PAUSE_S = 0.05

Arg = str | bytes | int | float


class StoreError(Exception):
    """The store could not do what was asked; the text says what to do."""


class StoreUnavailable(StoreError):
    """Redis can't be reached, or lost the connection: the same call may work later."""


class Script:
    """One Lua script of this package, with the shared clock in front of it."""

    def __init__(self, name: str) -> None:
        folder = resources.files("bot.store").joinpath("lua")
        text = [folder.joinpath(part).read_text(encoding="utf-8") for part in (_PRELUDE, f"{name}.lua")]
        self.name, self.text = name, "\n".join(text)
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Client:
    """A connection pool with the client's own retries off: redis-py would repeat a write whose answer was lost."""

    def __init__(self, url: str, patience_s: float = _PATIENCE_S) -> None:
        self.url, self.patience_s = url, patience_s
        self._redis: Redis = from_url(  # pyright: ignore[reportUnknownMemberType]
            url, retry=Retry(NoBackoff(), 0), max_connections=500, socket_timeout=30, socket_connect_timeout=5
        )

    async def close(self) -> None:
        """Give back every connection."""
        await self._redis.aclose()

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Arg] = ()) -> Any:
        """What `script` returns. Raises StoreUnavailable once Redis has been away for `patience_s`."""
        return await self._patiently(lambda: self._run(script, keys, args))

    async def _run(self, script: Script, keys: Sequence[str], args: Sequence[Arg]) -> Any:
        call = cast("Callable[..., Awaitable[Any]]", self._redis.evalsha)
        try:
            return await call(script.sha, len(keys), *keys, *args)
        except exceptions.NoScriptError:
            call = cast("Callable[..., Awaitable[Any]]", self._redis.eval)
            return await call(script.text, len(keys), *keys, *args)

    async def do(self, *command: Arg) -> Any:
        """What one plain command returns; only for reads and for writes that may be repeated."""
        call = cast("Callable[..., Awaitable[Any]]", self._redis.execute_command)  # pyright: ignore[reportUnknownMemberType]
        return await self._patiently(lambda: call(*command))

    async def read(self, *commands: Sequence[Arg]) -> list[Any]:
        """What several reads return, in one round trip."""

        async def attempt() -> list[Any]:
            async with self._redis.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)  # pyright: ignore[reportUnknownMemberType]
                return await pipe.execute()

        return await self._patiently(attempt)

    async def _patiently(self, attempt: Callable[[], Awaitable[Any]]) -> Any:
        deadline = asyncio.get_running_loop().time() + self.patience_s
        while True:
            try:
                return await attempt()
            except (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.BusyLoadingError, OSError) as error:
                if asyncio.get_running_loop().time() >= deadline:
                    raise StoreUnavailable(
                        f"Redis does not answer: {error}. Nothing is lost; it is tried again"
                    ) from error
                await asyncio.sleep(_PAUSE_S)
            except exceptions.RedisError as error:
                raise StoreError(f"Redis refused: {error}") from error
