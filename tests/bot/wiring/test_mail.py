"""Several processes and one mailbox: one reads it, the others wait, and Redis says how that goes."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.people.directory import People
from bot.store.client import Client
from bot.store.locks import MailboxStore
from bot.wiring.mail import OneReader, RealMail
from channels import ChannelUnavailable, Inbound, Quarantined, Reading, Reply
from channels.email.local.maildir_mailbox import MaildirMailbox
from channels.email.servers.endpoint import Endpoint
from channels.email.servers.imap_mailbox import ImapMailbox
from tests.bot.config_files import PEOPLE, read
from tests.channels.email.mails import NOON, TOKEN, mail
from tests.kit.long import few_of
from tests.kit.waiting import PATIENCE_S, until
from tests.servers.dovecot import Dovecot
from tests.servers.wire import Wire

HOLD_S = 0.6


class Desk:
    """One mailbox, and processes that would read it."""

    def __init__(self, dovecot: Dovecot, client: Client) -> None:
        self.dovecot, self.client, self.user = dovecot, client, f"{secrets.token_hex(4)}@sayso.example"
        self.wires: list[Wire] = []

    def store(self) -> MailboxStore:
        return MailboxStore(self.client, self.user)

    def reader(self, endpoint: Endpoint | None = None) -> "Reader":
        store = self.store()
        inner = ImapMailbox(endpoint or self.dovecot.endpoint(self.user), store, reached=store.note_reached)
        return Reader(OneReader(inner, store, HOLD_S), store)

    def deliver(self, *bodies: str) -> None:
        self.dovecot.deliver(self.user, *map(mail, bodies), sender="bo@corp.example")


class Reader:
    """One process: `read` holds what it has read and done."""

    def __init__(self, mailbox: OneReader, store: MailboxStore) -> None:
        self.store = store
        self.read: list[str] = []
        self._mailbox = mailbox
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with aclosing(self._mailbox.items()) as items:
            async for item in items:
                self.read.append(item.raw.partition(b"\r\n\r\n")[2].decode().strip())
                await self._mailbox.done(item)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.fixture
async def desk(dovecot: Dovecot, redis: str) -> AsyncIterator[Desk]:
    client = Client(redis)
    yield Desk(dovecot, client)
    await client.close()


async def test_one_of_two_reads_and_the_other_goes_on_where_it_left(desk: Desk) -> None:
    desk.deliver("one")
    first = desk.reader()
    await until(lambda: first.read, what="the first reads")
    second = desk.reader()

    await first.leave()
    await asyncio.to_thread(desk.deliver, "two")
    await until(lambda: second.read, what="the second reads")

    assert (first.read, second.read) == (["one"], ["two"])
    await second.leave()


async def test_a_mailbox_that_a_dead_process_holds_is_free_after_a_while(desk: Desk) -> None:
    desk.deliver("one")
    await desk.store().hold(1.5)

    reader = desk.reader()
    await until(lambda: reader.read, what="it reads")

    assert reader.read == ["one"]
    assert await reader.store.hold(HOLD_S), "the dead one's time was up before"
    await reader.leave()


async def test_a_process_that_lost_the_mailbox_stops_reading_it(desk: Desk) -> None:
    frozen = desk.reader()
    await until(desk.store().state, what="a look at the mailbox")

    await desk.client.do("FLUSHALL")
    other = desk.store()
    await other.hold(60)

    with pytest.raises(ChannelUnavailable, match="another process may read the mailbox"):
        await asyncio.wait_for(frozen.task, PATIENCE_S)
    assert await other.hold(60), "and it did not take it from the other one"
    state = await desk.store().state()
    assert state is None or not state.trouble


async def test_a_mailbox_that_can_t_be_reached_is_noted_until_it_can(desk: Desk) -> None:
    async with Wire(desk.dovecot.imaps) as wire:
        wire.is_refusing = True
        endpoint = desk.dovecot.endpoint(desk.user, port=wire.port)

        with pytest.raises(ChannelUnavailable):
            await desk.reader(endpoint).task
        state = await desk.store().state()
        assert state is not None
        assert "It is tried again" in state.trouble

        wire.is_refusing = False
        reader = desk.reader(endpoint)

        async def is_well() -> bool:
            found = await desk.store().state()
            return found is not None and not found.trouble

        await until(is_well, what="it is reached")
        await reader.leave()


SERVER = "mx.corp.example"
PROVEN = {
    "dmarc": (SERVER, f"Authentication-Results: {SERVER}; dmarc=pass header.from=corp.example\n"),
    "submission": (SERVER, f"Authentication-Results: {SERVER}; auth=pass smtp.auth=bo@corp.example\n"),
    "m365": (
        ".prod.outlook.com",
        (
            "Authentication-Results: dmarc=pass action=none header.from=corp.example\n"
            "Received: from a.example by x.prod.outlook.com with HTTPS; Tue, 3 Mar 2026 12:00:00 +0000\n"
        ),
    ),
}
# To whom an answer goes in each way, and what stands below it.
ANSWERS = {
    "plus": (f"agent+{TOKEN}@sayso.example", ""),
    "reference": ("agent@sayso.example", f"\n\n> Answer code: {TOKEN}\n"),
}


async def read_in(folder: Path, identity: str, way: str, raw: bytes) -> Reading:
    """Return what `raw` means to an installation with these settings."""
    server = PROVEN.get(identity, ("", ""))[0]
    environ = {
        "SAYSO_IMAP_HOST": "mail.corp.example",
        "SAYSO_IMAP_USER": "agent",
        "SAYSO_IMAP_PASSWORD": "hush",
        "SAYSO_SMTP_HOST": "mail.corp.example",
        "SAYSO_MAIL_ADDRESS": "agent@sayso.example",
        "SAYSO_MAIL_IDENTITY": identity,
        "SAYSO_MAIL_REPLY": way,
        **({"SAYSO_MAIL_AUTHSERV_ID": server} if server else {}),
    }
    settings = read(folder, PEOPLE, **environ)
    channel = RealMail(settings, People(settings.people, settings.policies)).channel(MaildirMailbox(folder))
    return await channel.read(Inbound(channel="email", key="m", raw=raw, size_bytes=len(raw), received_at=NOON))


@pytest.mark.parametrize("way", few_of([*ANSWERS], 0))
@pytest.mark.parametrize("identity", few_of([*PROVEN], 0))
async def test_each_way_that_can_be_set_reads_a_reply(tmp_path: Path, identity: str, way: str) -> None:
    to, below = ANSWERS[way]
    raw = mail(f"approve{below}").replace(f"agent+{TOKEN}@sayso.example".encode(), to.encode())

    reading = await read_in(tmp_path, identity, way, PROVEN[identity][1].replace("\n", "\r\n").encode() + raw)

    assert isinstance(reading, Reply)
    assert (reading.person, reading.token, reading.said) == ("bo", TOKEN, "approve")


async def test_where_mail_proves_nobody_a_reply_is_held(tmp_path: Path) -> None:
    reading = await read_in(tmp_path, "none", "plus", mail("approve"))

    assert isinstance(reading, Quarantined)
    assert "SAYSO_MAIL_IDENTITY is 'none'" in reading.reasons[0]
