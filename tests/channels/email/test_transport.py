import asyncio
import socket

import pytest

from channels import ChannelRefused, ChannelUnauthorized, ChannelUnavailable
from channels.email.local.letters import letters
from channels.email.transport import Relay, Transport
from tests.channels.email.conftest import LATE_S, Post, Unfriendly
from tests.channels.email.mails import mail
from tests.kit.waiting import PATIENCE_S

SENDER, TO = "bo@corp.example", ("anna@corp.example",)


def transport(port: int) -> Transport:
    return Transport(lambda: Relay("127.0.0.1", port, tls="none"), timeout_s=PATIENCE_S)


@pytest.mark.parametrize("step", ["HELLO", "EHLO", "RCPT", "DOT"])
async def test_an_answer_that_may_change_and_a_lost_connection_are_for_later(unfriendly: Unfriendly, step: str) -> None:
    for answer in ("451 later", "drop"):
        async with unfriendly({step: answer, **({"HELO": answer} if step == "EHLO" else {})}) as port:
            with pytest.raises(ChannelUnavailable, match="did not take a mail"):
                await transport(port).send(mail(), sender=SENDER, recipients=TO)


async def test_a_server_that_looks_through_a_mail_for_longer_than_other_answers_take_has_taken_it(
    unfriendly: Unfriendly,
) -> None:
    async with unfriendly({"DOT": "late"}) as port:
        relay = Relay("127.0.0.1", port, tls="none")

        await Transport(lambda: relay, timeout_s=LATE_S / 4).send(mail(), sender=SENDER, recipients=TO)


async def test_attack_a_server_that_answers_no_mail_holds_only_a_few_for_long(unfriendly: Unfriendly) -> None:
    async with unfriendly({"DOT": "late"}) as port:
        patient = Transport(lambda: Relay("127.0.0.1", port, tls="none"), timeout_s=LATE_S / 4)

        sent = (patient.send(mail(), sender=SENDER, recipients=TO) for _ in range(60))
        results = await asyncio.gather(*sent, return_exceptions=True)

    assert [isinstance(one, ChannelUnavailable) for one in results] == [False] * 50 + [True] * 10


@pytest.mark.parametrize("step", ["RCPT", "DOT"])
async def test_an_answer_that_stays_is_refused_with_its_words(unfriendly: Unfriendly, step: str) -> None:
    async with unfriendly({step: "550 5.7.1 never from you"}) as port:
        with pytest.raises(ChannelRefused, match="never from you"):
            await transport(port).send(mail(), sender=SENDER, recipients=TO)


async def test_nobody_listening_is_for_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        with pytest.raises(ChannelUnavailable, match=r"nothing listens there.*sent again later"):
            await transport(taken.getsockname()[1]).send(mail(), sender=SENDER, recipients=TO)


async def test_a_wrong_password_is_refused_and_never_named_and_so_is_a_sender_that_is_no_address(post: Post) -> None:
    relay = Relay("127.0.0.1", post.server.port, SENDER, "wrong-pw", "none")

    with pytest.raises(ChannelUnauthorized, match="did not accept the log-in of bo@corp") as told:
        await Transport(lambda: relay).send(mail(), sender=SENDER, recipients=TO)
    assert "wrong-pw" not in f"{told.value} {relay}"
    with pytest.raises(ChannelRefused, match="not a plain mail address"):
        await post.client().send(mail(), sender="bo@corp.example>\r\nRCPT TO:<x@y.example", recipients=TO)


async def test_the_relay_is_asked_for_each_mail(post: Post) -> None:
    ports = iter([1, post.server.port])
    moving = Transport(lambda: Relay("127.0.0.1", next(ports), tls="none"))

    with pytest.raises(ChannelUnavailable):
        await moving.send(mail(), sender=SENDER, recipients=TO)
    await moving.send(mail(), sender=SENDER, recipients=TO)

    assert len(letters(post.box("anna@corp.example"))) == 1


def test_a_relay_without_tls_must_be_on_this_machine() -> None:
    assert Relay("localhost", 25, tls="none")
    with pytest.raises(ValueError, match="only a loopback address"):
        Relay("mail.corp.example", 25, tls="none")
