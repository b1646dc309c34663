"""A TCP line between two programs that a test may cut, silence, or let through in small pieces."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class Wire:
    """Forwards from its own `port` to `to` while the context is open. `count` is how many lines there have been.

    While it `is_refusing` it answers a request with `refusal`, if there is one; `refused` counts these.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self.count = 0
        self.piece_bytes = 65_536
        self.is_refusing, self.refusal, self.refused = False, b"", 0
        self.sent = bytearray()
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._lines = set[asyncio.Task[None]]()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._line, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Cut everything."""
        self._server.close()
        await self.cut()
        await self._server.wait_closed()

    async def cut(self) -> None:
        """End every line there is; new ones are let through."""
        lines = tuple(self._lines)
        for line in lines:
            line.cancel()
        if lines:
            await asyncio.wait(lines)

    def silence(self) -> None:
        """From now on nothing comes through in either direction, and nobody is told."""
        self._speaking.clear()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_refusing:
            await self._refuse(reader, writer)
            return
        self.count += 1
        task = asyncio.current_task()
        assert task
        self._lines.add(task)
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._to)
        ways = [
            asyncio.create_task(self._forward(reader, other_writer, self._speaking)),
            asyncio.create_task(self._forward(other_reader, writer, self._speaking)),
        ]
        with suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
        for end in (writer, other_writer):
            end.transport.abort()
        self._lines.discard(task)

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if self.refusal:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(self.refusal)
                await writer.drain()
                self.refused += 1
        writer.close()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, speaking: asyncio.Event
    ) -> None:
        with suppress(OSError, asyncio.CancelledError):
            while piece := await reader.read(self.piece_bytes):
                await speaking.wait()
                self.sent += piece
                writer.write(piece)
                await writer.drain()
