"""Mail over servers of one's own: SMTP out, IMAP in, one process of several reading the mailbox."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager, suppress
from typing import Any

import structlog

from bot.config.mail import IMAP_PORTS, SMTP_PORTS, MailSettings
from bot.people.directory import People
from bot.store.client import StoreError
from bot.store.locks import MailboxStore
from channels import ChannelError, ChannelUnavailable
from channels.email.channel import EmailChannel
from channels.email.identity.proof import PROOFS, Prove, nobody
from channels.email.mailbox import Item, Mailbox
from channels.email.servers.endpoint import Endpoint
from channels.email.servers.imap_mailbox import ImapMailbox
from channels.email.servers.oauth import AccessTokens, Grant
from channels.email.transport import Relay, Transport
from channels.email.ways import Way

log = structlog.stdlib.get_logger()

HOLD_S = 6.0
"""The time a dead process keeps the mailbox: with a renewal every third of it, another one has it within 10 s."""

STANDBY_S = 1.0
"""The interval at which a process that stands by asks whether the mailbox is free."""


class RealMail:
    """The mail of an installation whose settings name servers.

    `prove` proves senders instead of the way that is set; `trust` believes other certificates than the system does.
    """

    def __init__(
        self,
        settings: MailSettings,
        people: People,
        prove: Prove | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        if not (settings.smtp_host and settings.imap_host and settings.mail_address and settings.imap_user):
            raise ValueError("the settings name no mail servers")
        self._people = people
        self._way: Way = settings.mail_reply
        self._prove = prove or prove_of(settings)
        self.address = settings.mail_address.lower()
        self.relay, self.inbox = relay_of(settings, trust), inbox_of(settings, trust)

    def channel(self, mailbox: Mailbox, **more: Any) -> EmailChannel:
        """The e-mail channel that reads `mailbox`."""
        return EmailChannel(
            mailbox=mailbox,
            transport=Transport(lambda: self.relay),
            directory=self._people,
            address=self.address,
            prove=self._prove,
            way=self._way,
            **more,
        )

    def mailbox(self, store: MailboxStore, **more: Any) -> Mailbox:
        """The mailbox, read by this process while no other one does."""
        return OneReader(ImapMailbox(self.inbox, store, reached=store.note_reached, **more), store)


class OneReader:
    """A mailbox that one process reads at a time; the others wait until it leaves or dies."""

    def __init__(self, mailbox: Mailbox, store: MailboxStore, hold_s: float = HOLD_S) -> None:
        self._mailbox, self._store, self._hold_s = mailbox, store, hold_s

    async def items(self) -> AsyncGenerator[Item, None]:
        """Yield the mailbox's items, once it is ours. Raises ChannelUnavailable when it no longer is."""
        with _redis_as_ours():
            await self._is_ours()
        log.info("reading the mailbox")
        lost = asyncio.create_task(self._keep())
        try:
            async with aclosing(self._mailbox.items()) as items:
                while (item := await self._next(items, lost)) is not None:
                    yield item
        finally:
            lost.cancel()
            await asyncio.wait([lost])
            with suppress(StoreError):
                await self._store.let_go()

    async def done(self, item: Item) -> None:
        """Mark an item as done in the mailbox."""
        with _redis_as_ours():
            await self._mailbox.done(item)

    async def _is_ours(self) -> None:
        """Returns when no other process reads the mailbox."""
        is_told = False
        while not await self._store.hold(self._hold_s):
            if not is_told:
                log.info("standing by: another process reads the mailbox")
            is_told = True
            await asyncio.sleep(min(STANDBY_S, self._hold_s / 3))

    async def _next(self, items: AsyncGenerator[Item, None], lost: asyncio.Task[None]) -> Item | None:
        """The next item, while the mailbox is ours; None when there are no more. Trouble is noted."""
        coming = asyncio.ensure_future(anext(items, None))
        try:
            await asyncio.wait([coming, lost], return_when=asyncio.FIRST_COMPLETED)
            if not lost.done():
                return await self._noted(coming)
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.wait([coming])
        raise ChannelUnavailable("another process may read the mailbox now", "This one stands by")

    async def _noted(self, coming: asyncio.Future[Item | None]) -> Item | None:
        """Return the item that has come. Raises ChannelError, and lets others know of it."""
        try:
            with _redis_as_ours():
                return coming.result()
        except ChannelError as error:
            with suppress(StoreError):
                await self._store.note_trouble(str(error))
            raise

    async def _keep(self) -> None:
        """Returns when the mailbox may be another process's."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._hold_s
        while loop.time() < until:
            await asyncio.sleep(self._hold_s / 3)
            began = loop.time()
            with suppress(StoreError, TimeoutError):  # nobody else can take it while Redis is away
                async with asyncio.timeout(until - began):
                    is_held = await self._store.hold(self._hold_s)
                if not is_held:
                    return
                until = began + self._hold_s


@contextmanager
def _redis_as_ours() -> Generator[None]:
    """Raise the store's errors as channel errors: the mail is still there, and reading it is retried."""
    try:
        yield
    except StoreError as error:
        raise ChannelUnavailable(str(error), "No mail is read meanwhile") from error


def prove_of(settings: MailSettings) -> Prove:
    """Return the proof of senders in the way that is set; without one, a proof of nobody."""
    make = PROOFS.get(settings.mail_identity or "none")
    return make(settings.mail_authserv_id or "") if make else nobody


def relay_of(settings: MailSettings, trust: ssl.SSLContext | None = None) -> Relay:
    """Return the relay that mail goes out by."""
    password = settings.smtp_password
    return Relay(
        host=settings.smtp_host or "",
        port=settings.smtp_port or SMTP_PORTS[settings.smtp_tls],
        user=settings.smtp_user,
        password=password.get_secret_value() if password else None,
        tls=settings.smtp_tls,
        access=_access(settings) if settings.smtp_user and not password else None,
        trust=trust,
    )


def inbox_of(settings: MailSettings, trust: ssl.SSLContext | None = None) -> Endpoint:
    """Return the mailbox that mail comes in by."""
    password = settings.imap_password
    return Endpoint(
        host=settings.imap_host or "",
        port=settings.imap_port or IMAP_PORTS[settings.imap_tls],
        user=settings.imap_user,
        password=password.get_secret_value() if password else None,
        tls=settings.imap_tls,
        access=None if password else _access(settings),
        trust=trust,
    )


def _access(settings: MailSettings) -> AccessTokens | None:
    token, secret = settings.mail_oauth_refresh_token, settings.mail_oauth_client_secret
    if not (settings.mail_oauth_token_url and settings.mail_oauth_client_id and token):
        return None
    return AccessTokens(
        Grant(
            url=settings.mail_oauth_token_url,
            client_id=settings.mail_oauth_client_id,
            refresh_token=token.get_secret_value(),
            client_secret=secret.get_secret_value() if secret else None,
            scope=settings.mail_oauth_scope,
        )
    )
