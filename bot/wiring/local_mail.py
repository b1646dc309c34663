"""The mail of `sayso dev`: a server on loopback, a Maildir for everybody, log-ins made from the secret key."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from bot.config.data_dir import DataDir
from bot.config.settings import Settings
from bot.people.directory import People
from bot.store.watch import FollowingEnds
from channels import ChannelUnavailable
from channels.email.channel import EmailChannel
from channels.email.identity.proof import local
from channels.email.local.maildir import folder_of
from channels.email.local.maildir_mailbox import MaildirMailbox
from channels.email.local.server import MailServer
from channels.email.reading.sandbox import Children
from channels.email.transport import Relay, Transport

log = structlog.stdlib.get_logger()

ADDRESS = "sayso@sayso.example"
_NOTE = "mail.json"


class Arrivals:
    """Tells one watcher that mail came into `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.news = asyncio.Queue[tuple[str, ...] | None]()

    async def next(self, within_s: float) -> tuple[str, ...]:
        """Return the news once mail came; empty if none came within `within_s`. Raises FollowingEnds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                found = await self.news.get()
                if found is None:
                    raise FollowingEnds
                return found
        return ()

    def end(self) -> None:
        """End the watch: `next` raises FollowingEnds."""
        self.news.put_nowait(None)


class LocalMail:
    """Everything about the local mailbox of one data directory; `key` is the installation's secret.

    `public` is another address of the same mailbox, which anybody may write to.
    """

    def __init__(
        self, home: DataDir, people: People, key: bytes, address: str | None, public: str | None = None
    ) -> None:
        self._home, self._people, self._key = home, people, key
        self.address, self.public = (address or ADDRESS).lower(), (public or "").lower()
        self.root = home.folder / "mail"
        self._arrived = asyncio.Event()
        self._watching = set[Arrivals]()

    def channel(self, children: Children | None = None) -> EmailChannel:
        """The e-mail channel over the local mailbox; several of one process may share `children`."""
        return EmailChannel(
            mailbox=MaildirMailbox(folder_of(self.root, self.address), self._arrived),
            transport=Transport(self.relay(self.address)),
            directory=self._people,
            address=self.address,
            prove=local,
            public=self.public,
            children=children,
            post=Transport(self.relay(self.public)) if self.public else None,
        )

    def folder(self, address: str) -> Path:
        """The Maildir of an address."""
        return folder_of(self.root, address)

    def relay(self, login: str | None) -> Callable[[], Relay]:
        """Return how to reach the server as `login`, asked anew each time: it may have come back on another port.

        None does not log in, as mail from outside comes.
        """

        def relay() -> Relay:
            note = self._home.read(_NOTE)
            if note is None:
                raise ChannelUnavailable("The local mail server is not running", "Start `sayso dev` or `sayso mail`")
            port = int(json.loads(note)["port"])
            if login is None:
                return Relay(host="127.0.0.1", port=port, tls="none")
            return Relay(host="127.0.0.1", port=port, user=login, password=self._password(login), tls="none")

        return relay

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[int]:
        """Runs the server while the context is open and leaves its port for other processes."""
        aliases = {self.public: self.address} if self.public else {}
        server = MailServer(self.root, self._password_of, knows=self._knows, stored=self._stored, aliases=aliases)
        async with server:
            self._home.note(_NOTE, json.dumps({"port": server.port}))
            log.info("local mail", port=server.port)
            yield server.port

    @asynccontextmanager
    async def arriving(self, address: str) -> AsyncGenerator["Arrivals"]:
        """Yield the mail that arrives for `address` meanwhile; only the process that serves the mail knows."""
        arrivals = Arrivals(self.folder(address))
        self._watching.add(arrivals)
        try:
            yield arrivals
        finally:
            self._watching.discard(arrivals)

    def _stored(self, folder: Path) -> None:
        for arrivals in self._watching:
            if arrivals.folder == folder:
                arrivals.news.put_nowait(("",))
        if folder == folder_of(self.root, self.address):
            self._arrived.set()

    def _knows(self, address: str) -> bool:
        return address in {self.address, self.public or self.address} or self._people.by_email(address) is not None

    def _password_of(self, address: str) -> str | None:
        return self._password(address) if self._knows(address) else None

    def _password(self, address: str) -> str:
        digest = hmac.new(self._key, b"local mail " + address.lower().encode(), hashlib.sha256).digest()
        return base64.b32encode(digest).decode().rstrip("=")


def local_mail(settings: Settings, people: People | None = None) -> LocalMail:
    """The local mailbox of this installation; of `people`, instead of those whom the settings name."""
    home = DataDir(settings.data_dir)
    key = home.keys(settings)[0]
    return LocalMail(home, people or People.of(settings), key, settings.mail_address, settings.desk.address)
