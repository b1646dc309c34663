"""A line between workers and a real Redis that knows sayso's scripts: `python -m tests.servers.redis_proxy URL`.

Every call of a script is a named point (`accept`, `commit request_opened`). A trap `before` springs when nothing
of the call has reached Redis, one `after` when Redis has done it and its answer has not been passed on. A call of a
script that Redis does not know yet is none: it comes again with the script's text. `take` is a point as well. A trap
`after` it or after `sweep` springs where there was work, for most of them find none. All else passes unchanged:
pipelines, blocking reads, pushes; a connection that subscribes is not looked at any more. The whole network can be cut,
with every line that there is, and mended.
"""

import asyncio
import json
import re
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any

import uvloop

from tests.servers.lines import for_ever, listening, say
from tests.servers.resp import frame_end, words_of
from tests.servers.scripts import SCRIPTS
from tests.servers.traps import Trap, Traps

_NAMES = {script.sha.encode(): script.name for script in SCRIPTS}
_CHUNK = 65_536
# What they answer where there is work to do: some work and its score, and a list that is not empty.
_WORK = {
    "take": re.compile(rb"\*3\r\n(?!.{1,9}\{s\d+}:ready:stop:)", re.DOTALL),
    "sweep": re.compile(rb"\*[1-9]"),
}

_POINTS = {*_NAMES.values(), *_WORK}


def point_of(words: list[bytes]) -> str | None:
    """The named point that a command is: one of our scripts, or `take` from what is ready; None for any other."""
    verb = words[0].upper()
    if verb == b"BZPOPMIN":
        return "take"
    if verb == b"EVAL":
        sha = sha1(words[1], usedforsecurity=False).hexdigest().encode()
    elif verb == b"EVALSHA":
        sha = words[1]
    else:
        return None
    name, args = _NAMES.get(sha), words[3 + int(words[2]) :]
    return f"commit {_about(args)}" if name == "commit" else name


def _about(args: list[bytes]) -> str:
    """Return what a commit writes: its events, else what it is for."""
    plan: dict[str, Any] = json.loads(args[0])
    if plan.get("takes"):  # whatever thought is written with it
        return "tool_started"
    positions: list[int] = plan.get("events", [])
    events: list[str] = [json.loads(args[position - 1])["type"] for position in positions]
    if events:
        return "+".join(events)
    return next((part for part in ("sent", "outgoing", "wake", "asleep", "rest") if plan.get(part)), "nothing")


async def _pass_on(writer: asyncio.StreamWriter, data: bytearray) -> None:
    """Pass it on, in order. Raises ConnectionError where the line was cut meanwhile."""
    if writer.is_closing():
        raise ConnectionResetError("the line is cut")
    writer.write(data)
    await writer.drain()


@dataclass
class Line:
    """One worker's connection and its twin to Redis."""

    traps: Traps
    worker: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    redis: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    is_raw: bool = False
    asked: int = 0
    answered: int = 0
    calls: deque[tuple[int, str, Trap | None]] = field(default_factory=deque[tuple[int, str, Trap | None]])
    looking: deque[tuple[int, str]] = field(default_factory=deque[tuple[int, str]])

    async def relay(self) -> None:
        """Pass both ways until one side hangs up or a trap cuts the line."""
        ways = [asyncio.create_task(self._to_redis()), asyncio.create_task(self._to_worker())]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        found = await asyncio.gather(*ways, return_exceptions=True)
        for _, writer in (self.worker, self.redis):
            writer.close()
        for error in found:
            if isinstance(error, Exception) and not isinstance(error, ConnectionError):
                raise error

    async def _to_redis(self) -> None:
        (reader, _), (_, writer) = self.worker, self.redis
        buffer = bytearray()
        while chunk := await reader.read(_CHUNK):
            buffer += chunk
            at = 0
            while not self.is_raw and (end := frame_end(buffer, at)) is not None:
                if not await self._may_ask(bytes(buffer[at:end])):
                    await _pass_on(writer, buffer[:at])  # what stood before it in the pipeline is not concerned
                    return
                at = end
            at = len(buffer) if self.is_raw else at
            await _pass_on(writer, buffer[:at])
            del buffer[:at]

    async def _may_ask(self, command: bytes) -> bool:
        self.asked += 1
        head = command[:40].upper()
        if b"SUBSCRIBE\r\n" in head:
            self.is_raw = True
        if b"\r\nEVAL" not in head and b"\r\nBZPOPMIN" not in head:
            return True
        point = point_of(words_of(command))
        if point in _WORK:
            self.looking.append((self.asked, point))
            return not await self.traps.at(self.traps.arrived(point, "before"), "before")
        if point is None:
            return True
        trap = self.traps.arrived(point)
        self.calls.append((self.asked, point, trap))
        return not await self.traps.at(trap, "before")

    async def _to_worker(self) -> None:
        (reader, _), (_, writer) = self.redis, self.worker
        buffer = bytearray()
        while chunk := await reader.read(_CHUNK):
            buffer += chunk
            at = 0
            while not self.is_raw and (end := frame_end(buffer, at)) is not None:
                is_push = buffer[at] == ord(">")
                if not is_push and not await self._may_hear(buffer[at:end]):
                    await _pass_on(writer, buffer[:at])
                    return
                at = end
            at = len(buffer) if self.is_raw else at
            await _pass_on(writer, buffer[:at])
            del buffer[:at]

    async def _may_hear(self, answer: bytearray) -> bool:
        self.answered += 1
        if self.looking and self.looking[0][0] == self.answered:
            _, point = self.looking.popleft()
            trap = self.traps.arrived(point, "after") if _WORK[point].match(answer) else None
            return not await self.traps.at(trap, "after")
        if self.calls and self.calls[0][0] == self.answered:
            _, point, trap = self.calls.popleft()
            if answer.startswith(b"-NOSCRIPT"):
                self.traps.take_back(point, trap)
                return True
            return not await self.traps.at(trap, "after")
        return True


class Proxy:
    """Accepts workers and connects each to the Redis at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.traps = Traps()
        self._is_cut = False
        self._open = set[asyncio.StreamWriter]()

    def control(self, message: dict[str, Any]) -> dict[str, Any]:
        """`cut` the network or `mend` it; all else is for the traps. Raises ValueError for a trap at no point."""
        if message["do"] not in {"cut", "mend"}:
            if message["do"] == "arm" and message["name"].partition(" ")[0] not in _POINTS:
                raise ValueError(f"there is no point {message['name']}")
            return self.traps.control(message)
        self._is_cut = message["do"] == "cut"
        for writer in self._open if self._is_cut else ():
            writer.transport.abort()
        return {"lines": len(self._open)}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; a Redis that is away hangs up."""
        self._open.add(writer)
        try:
            with suppress(OSError, asyncio.CancelledError):  # cancelled when this process ends
                if not self._is_cut:
                    return await Line(self.traps, (reader, writer), await self._connect()).relay()
            writer.close()
        finally:
            self._open.discard(writer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        scheme, _, place = self._url.partition("://")
        if scheme == "unix":
            return await asyncio.open_unix_connection(place)
        host, _, port = place.partition("/")[0].partition(":")
        return await asyncio.open_connection(host, int(port))


async def _main() -> None:
    proxy = Proxy(sys.argv[1])

    async def control(message: dict[str, Any]) -> dict[str, Any]:
        return proxy.control(message)

    server = await asyncio.start_server(proxy.handle, "127.0.0.1")
    async with listening(control) as port:
        say(port=port, redis_port=server.sockets[0].getsockname()[1])
        await for_ever()
        server.close()


if __name__ == "__main__":
    uvloop.run(_main())
