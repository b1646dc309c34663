"""A balancer in front of a sayso, which lets no call wait for as long as that might hold it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

_LONGEST_S = 30


class Balancer:
    """Listens at `url` while the context is open. It ends each call that may be held for 30 s, as many do.

    `held` is how many calls came that waited for people. The answer to the first POST is lost, where `meanwhile` says
    what happens before whoever sent it notices; `posts` is how many came.
    """

    def __init__(self, to: int, meanwhile: Callable[[], Awaitable[object]] | None = None) -> None:
        self._to, self._meanwhile, self.held, self.posts, self.url = to, meanwhile, 0, 0, ""

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Listen no more."""
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one call, and hang up."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            size = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(size[1])) if size else b""
            wait = re.search(rb"wait_s=(\d+)", head)
            self.held += wait is not None
            if wait and int(wait[1]) >= _LONGEST_S:
                writer.write(b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                behind, to = await asyncio.open_connection("127.0.0.1", self._to)
                to.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body)
                answer, is_post = await behind.read(), head.startswith(b"POST ")
                to.close()
                await to.wait_closed()
                self.posts += is_post
                if is_post and self._meanwhile and self.posts == 1:
                    await self._meanwhile()
                else:
                    writer.write(answer)
            await writer.drain()
        writer.close()
