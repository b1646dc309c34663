"""Sending through relays as they are outside: TLS, log-ins, and servers that go wrong at every step."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Literal

import pytest

from channels import Address, ChannelRefused, ChannelUnauthorized, ChannelUnavailable
from channels.email.channel import EmailChannel
from channels.email.identity.proof import local
from channels.email.local.maildir_mailbox import MaildirMailbox
from channels.email.servers.oauth import AccessTokens
from channels.email.transport import Relay, Transport
from channels.email.ways import Way
from tests.channels.email.mails import ANNA, BO, BOT, TOKEN, People, approval, mail
from tests.kit.waiting import PATIENCE_S, until
from tests.servers.authority import Authority
from tests.servers.relay import Fault, RelayServer, Stage
from tests.servers.token_endpoint import TokenEndpoint

TO = ("anna@corp.example",)
TO_BO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")
Tls = Literal["implicit", "starttls"]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def relay(server: RelayServer, **more: Any) -> Relay:
    values: dict[str, Any] = {"tls": "none"} | more
    return Relay("localhost", server.port, **values)


async def send(relay: Relay) -> None:
    await Transport(lambda: relay, timeout_s=PATIENCE_S).send(mail(), sender=BOT, recipients=TO)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_mail_goes_out_over_tls_with_a_log_in(authority: Authority, stack: AsyncExitStack, tls: Tls) -> None:
    server = RelayServer(authority.serving(), tls, passwords={"agent": "pw"})
    await stack.enter_async_context(server)

    await send(relay(server, tls=tls, user="agent", password="pw", trust=authority.believing()))

    assert server.taken == [mail()]
    assert server.log_ins == ["agent"]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_certificate_of_nobody_we_believe_is_told_and_nothing_is_sent(
    authority: Authority, stack: AsyncExitStack, tmp_path: Path, tls: Tls
) -> None:
    strangers = Authority(tmp_path / "strangers")
    server = RelayServer(strangers.serving(), tls, passwords={"agent": "pw"})
    await stack.enter_async_context(server)

    with pytest.raises(ChannelUnavailable, match=r"certificate of the SMTP server localhost.*SSL_CERT_FILE"):
        await send(relay(server, tls=tls, user="agent", password="pw", trust=authority.believing()))

    assert (server.taken, server.log_ins) == ([], [])


async def test_a_certificate_for_another_name_is_told_and_a_server_without_tls_gets_neither_password_nor_mail(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other", names="DNS:other.example")
    named = await stack.enter_async_context(RelayServer(other.serving(), "starttls"))
    plain = await stack.enter_async_context(RelayServer(passwords={"agent": "pw"}))

    with pytest.raises(ChannelUnavailable, match="certificate of the SMTP server"):
        await send(relay(named, tls="starttls", trust=other.believing()))
    with pytest.raises(ChannelUnauthorized, match=r"STARTTLS.*SAYSO_SMTP_"):
        await send(relay(plain, tls="starttls", user="agent", password="pw", trust=ssl.create_default_context()))

    assert (plain.taken, plain.log_ins) == ([], [])


@pytest.mark.parametrize(
    ("fault", "error", "told"),
    [
        ("421", ChannelUnavailable, "sent again later"),
        ("450", ChannelUnavailable, "450.*sent again later"),
        ("550", ChannelRefused, "No such user.*Check the address in the directory"),
        ("a day's mails", ChannelUnauthorized, "does not let us send: 550 5.4.5.*Have the limit raised, or wait"),
        ("lost answer", ChannelUnavailable, "sent again later"),
        ("slow", ChannelUnavailable, "sent again later"),
    ],
)
async def test_a_fault_says_whether_to_send_again_or_to_act(
    stack: AsyncExitStack, fault: Fault, error: type[Exception], told: str
) -> None:
    server = await stack.enter_async_context(RelayServer(faults=[fault]))

    patience_s = 1 if fault == "slow" else PATIENCE_S
    transport = Transport(lambda: relay(server), patience_s, data_s=patience_s)

    with pytest.raises(error, match=f"(?s){told}"):
        await transport.send(mail(), sender=BOT, recipients=TO)


async def test_what_a_server_says_in_other_bytes_than_utf_8_can_be_written_down(stack: AsyncExitStack) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            refusal = "550 5.1.1 Empfänger unbekannt\r\n".encode("latin-1")
            writer.write(refusal if line.startswith(b"RCPT") else b"250 OK\r\n")
        writer.close()

    server = await stack.enter_async_context(await asyncio.start_server(refuse, "127.0.0.1"))
    to = Relay("127.0.0.1", server.sockets[0].getsockname()[1], tls="none")

    with pytest.raises(ChannelRefused) as refused:
        await send(to)

    assert "Empf?nger unbekannt" in refused.value.what.encode().decode()


def sending(
    server: RelayServer, folder: Path, way: Way = "plus", timeout_s: float = PATIENCE_S, public: str = ""
) -> EmailChannel:
    """The bot's channel, sending through `server`."""
    return EmailChannel(
        mailbox=MaildirMailbox(folder),
        transport=Transport(lambda: relay(server), timeout_s, data_s=timeout_s),
        directory=People(ANNA, BO),
        address=BOT,
        prove=local,
        way=way,
        public=public,
    )


@pytest.mark.parametrize(("fault", "way"), [("lost answer", "plus"), ("slow", "reference")])
async def test_a_card_whose_answer_was_lost_is_sent_again_as_the_very_same_mail_in_the_same_envelope(
    stack: AsyncExitStack, tmp_path: Path, fault: Fault, way: Way
) -> None:
    server = await stack.enter_async_context(RelayServer(faults=[fault]))
    card = approval(receipt=TOKEN)

    with pytest.raises(ChannelUnavailable):
        await sending(server, tmp_path, way, 1).send(card, TO_BO, "d1")
    server.let_go()
    await until(lambda: len(server.taken) == 1, what="the first one was taken")
    await sending(server, tmp_path, way).send(card, TO_BO, "d1")

    assert len(server.taken) == 2
    assert len(set(server.taken)) == 1
    assert all(header in server.taken[0] for header in (b"Message-ID: <card.", b"Date: ", b"boundary="))
    assert len(set(server.envelopes)) == 1


RETURNS = f"agent+{TOKEN}@sayso.example"


@pytest.mark.parametrize(
    ("public", "way", "sender"),
    [
        ("help@sayso.example", "plus", RETURNS),
        ("help@sayso.example", "reference", "help@sayso.example"),
        ("help@shop.example", "plus", "help@shop.example"),  # SPF would not speak for a sender of another domain
        ("", "plus", RETURNS),
        ("", "reference", BOT),
    ],
)
async def test_what_can_t_be_delivered_comes_back_to_an_address_of_the_same_domain_as_from(
    stack: AsyncExitStack, tmp_path: Path, public: str, way: Way, sender: str
) -> None:
    server = await stack.enter_async_context(RelayServer())
    channel = sending(server, tmp_path, way, public=public)

    if public:
        await channel.post(mail(), "eve@shop.example", TOKEN)
    else:
        await channel.send(approval(receipt=TOKEN), TO_BO, "d1")
        assert f"From: sayso <{BOT}>".encode() in server.taken[0]
        assert f"X-Sayso-Receipt: {TOKEN}".encode() in server.taken[0]

    assert [str(envelope[0]) for envelope in server.envelopes] == [sender]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_takes_mail_from_nothing_but_the_log_in_gets_that_from_then_on(
    stack: AsyncExitStack, tmp_path: Path, stage: Stage
) -> None:
    server = await stack.enter_async_context(RelayServer(owned=BOT, refuses_at=stage))
    channel = sending(server, tmp_path)

    await channel.send(approval(receipt=TOKEN), TO_BO, "d1")
    tries = server.asked
    await channel.send(approval(receipt=TOKEN), TO_BO, "d2")

    assert [sender for sender, _ in server.envelopes] == [BOT, BOT]
    assert (tries, server.asked) == (2, 3), "the second mail is not refused first"
    assert f"X-Sayso-Receipt: {TOKEN}".encode() in server.taken[1]


async def test_a_recipient_that_is_refused_is_no_matter_of_the_sender_and_no_mail_at_all_is_told(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = await stack.enter_async_context(RelayServer(faults=["550"]))
    channel = sending(server, tmp_path)
    with pytest.raises(ChannelRefused, match="No such user"):
        await channel.send(approval(receipt=TOKEN), TO_BO, "d1")
    await channel.send(approval(receipt=TOKEN), TO_BO, "d2")
    assert server.asked == 2
    assert [sender for sender, _ in server.envelopes] == [f"agent+{TOKEN}@sayso.example"]

    others = await stack.enter_async_context(RelayServer(owned="other@sayso.example", refuses_at="RCPT"))
    with pytest.raises(ChannelRefused, match="not owned by user"):
        await sending(others, tmp_path).send(approval(receipt=TOKEN), TO_BO, "d1")
    assert others.taken == []


async def test_a_mail_that_must_not_come_back_has_no_sender(stack: AsyncExitStack) -> None:
    server = await stack.enter_async_context(RelayServer())

    await Transport(lambda: relay(server)).send(mail(), sender="", recipients=TO)

    assert server.envelopes == [("", TO)]


async def test_after_a_refused_log_in_the_server_is_left_alone_for_a_while(stack: AsyncExitStack) -> None:
    server = await stack.enter_async_context(RelayServer(passwords={"agent": "pw"}))
    passed_s = [0.0]
    ways = iter(["wrong-pw", "pw", "pw", "pw"])
    transport = Transport(
        lambda: relay(server, user="agent", password=next(ways)), rests_s=60, clock=lambda: passed_s[0]
    )

    tried = list[int]()
    for _ in range(3):
        with pytest.raises(ChannelUnauthorized, match="did not accept the log-in") as told:
            await transport.send(mail(), sender=BOT, recipients=TO)
        assert told.value.channel == "email"
        tried.append(len(server.log_ins))
    assert tried == [tried[0]] * 3, "servers lock out who tries too often"

    passed_s[0] = 60
    await transport.send(mail(), sender=BOT, recipients=TO)
    assert len(server.taken) == 1


async def test_a_log_in_with_an_access_token_that_is_renewed_once_where_the_server_no_longer_takes_it(
    stack: AsyncExitStack,
) -> None:
    endpoint = await stack.enter_async_context(TokenEndpoint())
    server = await stack.enter_async_context(RelayServer(token=lambda: endpoint.valid))
    access = AccessTokens(endpoint.grant)
    await send(relay(server, user="agent", access=access))
    assert (len(server.taken), server.log_ins) == (1, ["agent"])

    endpoint.valid = "revoked by somebody"
    await send(relay(server, user="agent", access=access))

    assert (len(server.taken), len(endpoint.asked), len(server.log_ins)) == (2, 2, 3)


async def test_tokens_that_are_refused_or_can_t_be_had_are_about_us_or_for_later(stack: AsyncExitStack) -> None:
    endpoint = await stack.enter_async_context(TokenEndpoint())
    server = await stack.enter_async_context(RelayServer(token=lambda: "another"))
    with pytest.raises(ChannelUnauthorized, match="SAYSO_MAIL_OAUTH_REFRESH_TOKEN and SAYSO_MAIL_OAUTH_SCOPE"):
        await send(relay(server, user="agent", access=AccessTokens(endpoint.grant)))
    assert len(endpoint.asked) == 2

    taken_back = await stack.enter_async_context(TokenEndpoint(refuses=(400, "invalid_grant")))
    with pytest.raises(ChannelUnauthorized, match="SAYSO_MAIL_OAUTH_REFRESH_TOKEN"):
        await send(relay(server, user="agent", access=AccessTokens(taken_back.grant)))
    busy = await stack.enter_async_context(TokenEndpoint(refuses=(503, "busy")))
    with pytest.raises(ChannelUnavailable, match="token endpoint"):
        await send(relay(server, user="agent", access=AccessTokens(busy.grant)))


async def test_a_password_that_is_refused_or_missing_is_told_and_not_shown_and_can_be_tried_without_a_mail(
    stack: AsyncExitStack,
) -> None:
    server = await stack.enter_async_context(RelayServer(passwords={"agent": "pw"}))

    await Transport(lambda: relay(server, user="agent", password="pw")).check()
    with pytest.raises(ChannelUnauthorized, match="SAYSO_SMTP_USER and SAYSO_SMTP_PASSWORD") as told:
        await Transport(lambda: relay(server, user="agent", password="wrong-pw")).check()
    assert "wrong-pw" not in str(told.value)
    with pytest.raises(ChannelUnauthorized, match=r"does not let us send: 530.*SAYSO_SMTP_USER"):
        await send(relay(server))
    assert server.taken == []


async def test_attack_one_address_for_which_the_server_wants_a_log_in_keeps_all_other_mail_from_being_sent() -> None:
    """So say servers that take mail for their own people from anybody in the house, and for others after a log-in."""
    taken, closed = list[bytes](), list[None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            if line.startswith(b"RCPT") and b"@corp.example" not in line:
                writer.write(b"530 SMTP authentication is required.\r\n")
            elif line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                taken.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"250 fine\r\n")
        writer.close()
        closed.append(await writer.wait_closed())

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = int(server.sockets[0].getsockname()[1])
        transport = Transport(lambda: Relay("127.0.0.1", port, tls="none"), timeout_s=PATIENCE_S)

        with pytest.raises(ChannelUnauthorized, match="SMTP authentication is required"):
            await transport.send(mail(), sender=BOT, recipients=("a.stranger@elsewhere.example",))
        await transport.send(mail(), sender=BOT, recipients=TO)
        await until(lambda: len(closed) == 2, what="both connections are closed")

    assert len(taken) == 1
