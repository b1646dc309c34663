"""One JSON object per line over loopback: how tests and the servers beside them talk."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.kit.programs import TOP, Beside

__all__ = ["TOP", "Handle", "Message", "Server", "ask", "ask_now", "for_ever", "free_ports", "listening", "say"]

Message = dict[str, Any]
Handle = Callable[[Message], Awaitable[Message]]

LIMIT_BYTES = 4_000_000
ANSWER_WITHIN_S = 60
# Below those that the system gives to connections and to whoever asks for any port (`ip_local_port_range`).
PORTS = range(12_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens at, and that nobody is given by chance until somebody does."""
    found = list[int]()
    while len(found) < count:
        port = secrets.choice(PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found += [port] if port not in found else []
    return found


@asynccontextmanager
async def listening(handle: Handle) -> AsyncGenerator[int]:
    """Answers each line with what `handle` gives, on the port that is given."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.CancelledError):  # cancelled when the process ends: nobody listens
                while line := await reader.readline():
                    writer.write(json.dumps(await handle(json.loads(line))).encode() + b"\n")
                    await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", limit=LIMIT_BYTES)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def for_ever() -> None:
    """Serve until this process is killed."""
    await asyncio.Event().wait()


def say(**what: object) -> None:
    """Tell whoever started this process something, in one line."""
    print(json.dumps(what), flush=True)  # noqa: T201


async def ask(port: int, **message: object) -> Message:
    """Return what the server on `port` answers. Raises ConnectionError when it goes away first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LIMIT_BYTES)
    try:
        writer.write(json.dumps(message).encode() + b"\n")
        line = await reader.readline()
    finally:
        writer.close()
    if not line:
        raise ConnectionResetError(f"the server on port {port} went away")
    return json.loads(line)


def ask_now(port: int, **message: object) -> Message:
    """As `ask`, where nothing is async."""
    with socket.create_connection(("127.0.0.1", port), ANSWER_WITHIN_S) as connection:
        connection.sendall(json.dumps(message).encode() + b"\n")
        with connection.makefile("rb") as file:
            line = file.readline()
    if not line:
        raise ConnectionResetError(f"the server on port {port} went away")
    return json.loads(line)


class Server(Beside):
    """A server of this package in a process of its own, while the context is open."""

    @property
    def said(self) -> Message:
        """Its first line."""
        return json.loads(self.line)

    def ask(self, **message: object) -> Message:
        """Return what the server answers on its port."""
        return ask_now(int(self.said["port"]), **message)
