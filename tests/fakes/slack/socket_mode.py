"""Socket Mode: single-use tickets, hello, envelopes to one of the connections, acknowledgements, disconnects.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import secrets
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.fakes.slack.delivery import Ferry, Outcome, Parcel, envelope, within
from tests.fakes.slack.model import Json
from tests.fakes.slack.state import Slack

HOST = "applink-fake"


@dataclass(eq=False)
class Connection:
    """One WebSocket of the app. `frozen` reads nothing any more, so that not even pings are answered."""

    number: int
    socket: web.WebSocketResponse
    request: web.Request
    waiting: dict[str, "asyncio.Future[Outcome]"] = field(default_factory=dict[str, "asyncio.Future[Outcome]"])
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    envelopes: int = 0
    leaving: bool = False

    def cut(self) -> None:
        """Gone without a word: no close frame."""
        if self.request.transport:
            self.request.transport.abort()


class SocketMode(Ferry):
    """The app's connections, and the tickets that open one."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.tickets: set[str] = set()
        self.spent: set[str] = set()
        self.open: list[Connection] = []
        self.made = 0
        self._next = 0

    def reset(self) -> None:
        """Cut everybody, and take no ticket of before."""
        self.cut()
        self.open.clear()
        self.tickets.clear()
        self.spent.clear()
        self.made = 0

    def ticket(self) -> str:
        """A URL for one connection."""
        ticket = secrets.token_hex(16)
        self.tickets.add(ticket)
        address = self._slack.address.replace("http", "ws", 1)
        return f"{address}/link/?ticket={ticket}&app_id={secrets.token_hex(8)}"

    async def carry(self, parcel: Parcel, attempt: int, reason: str) -> Outcome:
        ready = [each for each in self.open if not each.leaving]
        if not ready:
            return Outcome(acked=False, reason="no connection")
        self._next += 1
        connection = ready[self._next % len(ready)]
        return await self.carry_over(connection, parcel, attempt, reason)

    async def carry_over(self, connection: Connection, parcel: Parcel, attempt: int, reason: str) -> Outcome:
        letter = envelope(parcel, attempt, reason)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        connection.waiting[letter["envelope_id"]] = answer
        connection.envelopes += 1
        try:
            await connection.socket.send_str(json.dumps(letter))
            return await within(self._slack, answer, Outcome(acked=False, reason="timeout"))
        except ConnectionError:
            return Outcome(acked=False, reason="connection lost")
        finally:
            connection.waiting.pop(letter["envelope_id"], None)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """`GET /link/?ticket=…`: a WebSocket, once per ticket."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.tickets:
            word = "was used before" if ticket in self.spent else "is unknown"
            self._slack.violation("link", f"the ticket of a connection {word}: each is good for one", "/link")
            raise web.HTTPForbidden
        self.tickets.remove(ticket)
        self.spent.add(ticket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        if len(self.open) >= self._slack.settings.max_connections:
            await socket.send_str(json.dumps(disconnect("too_many_websockets")))
            await socket.close()
            return socket
        self.made += 1
        connection = Connection(self.made, socket, request)
        self.open.append(connection)
        self._slack.changes.note()
        try:
            await socket.send_str(json.dumps(self._hello()))
            await self._read(connection)
        finally:
            self._gone(connection)
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {"host": HOST, "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._slack.settings.app_of_app_token or self._slack.settings.app},
        }

    async def _read(self, connection: Connection) -> None:
        while not connection.frozen.is_set():
            reading = asyncio.ensure_future(connection.socket.receive())
            freezing = asyncio.ensure_future(connection.frozen.wait())
            try:
                await asyncio.wait({reading, freezing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                freezing.cancel()
            if not reading.done():
                reading.cancel()
                break
            message = reading.result()
            if message.type is not WSMsgType.TEXT:
                return
            self._acknowledged(connection, message.data)
        # A dead line: open as far as the app can tell, and silent. The server cancels this when the app goes.
        await asyncio.Event().wait()

    def _acknowledged(self, connection: Connection, text: str) -> None:
        try:
            letter = json.loads(text)
            answer = connection.waiting.get(letter["envelope_id"])
        except (ValueError, KeyError, TypeError):
            self._slack.violation("socket", "what the app sent is not an acknowledgement", text[:200])
            return
        if answer and not answer.done():
            answer.set_result(Outcome(acked=True, answer=letter.get("payload")))

    def _gone(self, connection: Connection) -> None:
        if connection in self.open:
            self.open.remove(connection)
        for answer in connection.waiting.values():
            if not answer.done():
                answer.set_result(Outcome(acked=False, reason="connection lost"))
        self._slack.changes.note()

    async def say_disconnect(self, reason: str, number: int | None = None) -> int:
        """Tell connections to go. After `warning` they still get envelopes; after the others they do not."""
        told = [each for each in self.open if number in (None, each.number)]
        for connection in told:
            connection.leaving = reason != "warning"
            await connection.socket.send_str(json.dumps(disconnect(reason)))
        return len(told)

    def cut(self, number: int | None = None) -> int:
        """Cut connections without a close frame."""
        cut = [each for each in self.open if number in (None, each.number)]
        for connection in cut:
            connection.cut()
        return len(cut)

    def freeze(self) -> int:
        """Make all connections dead without closing them."""
        for connection in self.open:
            connection.frozen.set()
        return len(self.open)


def disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}}
