"""A line to a real Redis that may be far away: then all that passes takes its time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_CHUNK = 65_536


@dataclass
class Line:
    """Where it begins, and how long each way takes just now."""

    url: str = ""
    one_way_s: float = 0.0


@asynccontextmanager
async def a_line(url: str) -> AsyncGenerator[Line]:
    """A line to the Redis at the socket `url`."""
    line, ways = Line(), set[asyncio.Task[None]]()

    async def passes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(_CHUNK):
                asyncio.get_running_loop().call_later(line.one_way_s, writer.write, chunk)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(url.partition("://")[2])
        for way in (passes(reader, back), passes(there, writer)):
            ways.add(asyncio.create_task(way))

    server = await asyncio.start_server(connected, "127.0.0.1")
    line.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield line
    finally:
        server.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
