"""A running mail server, with its folder, and the bot's channel beside it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import pytest

from channels import Channel, Contact, Inbound
from channels.email.channel import EmailChannel
from channels.email.identity.proof import local
from channels.email.local.maildir import folder_of
from channels.email.local.maildir_mailbox import MaildirMailbox
from channels.email.local.server import MailServer
from channels.email.transport import Relay, Transport
from tests.channels.email.mails import ANNA, BO, BOT, NOON, People
from tests.fakes.desk import EmptyDesk
from tests.fakes.marks import MemoryMarks
from tests.kit.waiting import PATIENCE_S, patience

PASSWORDS = {BOT: "bot-pw", "anna@corp.example": "anna-pw", "bo@corp.example": "bo-pw"}


class Post:
    """The mail server, clients of it, and the bot's channel."""

    def __init__(self, folder: Path, idle_s: float = 60.0) -> None:
        self.folder = folder
        self.arrived, self.marks = asyncio.Event(), MemoryMarks()
        self.server = MailServer(
            folder, PASSWORDS.get, knows=PASSWORDS.__contains__, stored=self._stored, idle_s=idle_s
        )
        self.mailbox = MaildirMailbox(folder_of(folder, BOT), self.arrived)
        self.channel = self.channel_through(self.client(BOT))

    def channel_through(self, transport: Transport, *people: Contact) -> Channel:
        """The bot's channel, sending through `transport`; it knows Anna and Bo, or else these `people`."""
        channel = EmailChannel(
            mailbox=self.mailbox,
            transport=transport,
            directory=People(*people or (ANNA, BO)),
            address=BOT,
            prove=local,
            now=lambda: NOON,
            delays_s=(0.0,),
        )
        channel.remember_in(self.marks)
        return channel

    def client(self, login: str | None = None) -> Transport:
        """SMTP as `login`, or without logging in."""
        password = PASSWORDS[login] if login else None
        return Transport(lambda: Relay("127.0.0.1", self.server.port, login, password, "none"), timeout_s=PATIENCE_S)

    def box(self, address: str) -> Path:
        return folder_of(self.folder, address)

    async def next_inbound(self, count: int = 1) -> list[Inbound]:
        """The next mails that the channel hands over, within a bound."""
        queue = asyncio.Queue[Inbound]()
        receiving = asyncio.create_task(self.channel.receive(queue.put, EmptyDesk()))
        try:
            async with patience():
                return [await queue.get() for _ in range(count)]
        finally:
            receiving.cancel()
            await asyncio.wait([receiving])

    def _stored(self, folder: Path) -> None:
        if folder == self.box(BOT):
            self.arrived.set()


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    post = Post(tmp_path / "mail")
    async with post.server:
        yield post


Unfriendly = Callable[[dict[str, str]], AbstractAsyncContextManager[int]]


LATE_S = 1.0
"""Seconds before an answer that is `late`."""


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: dict[str, str]) -> None:
    """SMTP with these answers by command; `HELLO` is the greeting, `DOT` the end of the mail."""
    writer.write(f"{answers.get('HELLO', '220 ready')}\r\n".encode())
    in_data = False
    while answers.get("HELLO") != "drop" and (line := await reader.readline()):
        word = "DOT" if in_data and line == b".\r\n" else line[:4].decode("latin-1").strip().upper()
        if in_data and word != "DOT":
            continue
        answer = answers.get(word, "354 go on" if word == "DATA" else "250 fine")
        in_data = word == "DATA" and answer.startswith("354")
        if answer == "drop":
            return
        if answer == "late":
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), LATE_S)  # until then, or until the client has hung up
            answer = "250 fine"
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        if word == "QUIT":
            return


@pytest.fixture
def unfriendly() -> Unfriendly:
    """A real SMTP conversation that goes wrong: answers by command; gives its port.

    `drop` closes the connection, `late` is a good answer that takes a while.
    """

    @asynccontextmanager
    async def serve(answers: dict[str, str]) -> AsyncGenerator[int, None]:
        talks = set[asyncio.Task[None]]()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                await converse(reader, writer, answers)
            writer.close()

        def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.add(asyncio.create_task(talk(reader, writer)))

        server = await asyncio.start_server(welcome, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
            await asyncio.wait(talks, timeout=PATIENCE_S)

    return serve
