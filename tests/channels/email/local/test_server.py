import asyncio
import base64
from pathlib import Path

import pytest

from channels import ChannelRefused, ChannelUnavailable
from channels.email.format import trace
from channels.email.local import maildir
from tests.channels.email.conftest import Post
from tests.channels.email.mails import BOT, mail
from tests.kit.waiting import patience

BO = "bo@corp.example"


def stored(post: Post, address: str) -> list[bytes]:
    return [path.read_bytes() for path in maildir.every_mail(post.box(address))]


async def say(post: Post, *lines: str) -> list[str]:
    """The server's last line of answer to each of these lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", post.server.port)
    answers = [(await reader.readline()).decode()]
    for line in lines:
        writer.write(f"{line}\r\n".encode())
        answer = await reader.readline()
        while answer[3:4] == b"-":
            answer = await reader.readline()
        answers.append(answer.decode().strip())
    writer.close()
    await writer.wait_closed()
    return answers


async def test_every_recipient_gets_one_copy_below_one_block_and_nothing_else_is_changed(post: Post) -> None:
    message = mail("ä\n.\n..x")

    await post.client(BO).send(message, sender=BO, recipients=("Agent+K7@sayso.example", "anna@corp.example"))

    (for_bot,), (for_anna,) = stored(post, BOT), stored(post, "anna@corp.example")
    assert trace.read(for_bot) == (trace.Trace(BO, "agent+k7@sayso.example", BO), message)
    assert trace.read(for_anna) == (trace.Trace(BO, "anna@corp.example", BO), message)


async def test_a_mail_without_a_log_in_is_taken_and_says_so_whatever_its_sender_wrote_there(post: Post) -> None:
    forged = trace.write(trace.Trace(BO, BOT, BO))

    await post.client().send(forged + mail(), sender="mallory@evil.example", recipients=(BOT,))

    block, below = trace.read(stored(post, BOT)[0])
    assert block == trace.Trace("mallory@evil.example", BOT, None)
    assert below.startswith(forged)


async def test_whoever_is_logged_in_can_t_send_as_somebody_else(post: Post) -> None:
    with pytest.raises(ChannelRefused, match="can only send as that"):
        await post.client(BO).send(mail(), sender="anna@corp.example", recipients=(BOT,))
    for author in ("anna@corp.example", "Bo <bo@corp.example>, anna@corp.example", f"{BO}\nFrom: anna@corp.example"):
        with pytest.raises(ChannelRefused, match="From must be that address"):
            await post.client(BO).send(mail(author=author), sender=BO, recipients=(BOT,))

    assert stored(post, BOT) == []


async def test_log_in_works_in_both_ways_and_only_with_the_right_password(post: Post) -> None:
    def coded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    plain = await say(post, "EHLO x", f"AUTH PLAIN {coded(chr(0) + 'Bo@corp.example' + chr(0) + 'bo-pw')}")
    login = await say(post, "EHLO x", "AUTH LOGIN", coded(BO), coded("bo-pw"))
    wrong = await say(post, "EHLO x", f"AUTH PLAIN {coded(chr(0) + BO + chr(0) + 'anna-pw')}")
    unknown = await say(post, "EHLO x", f"AUTH PLAIN {coded(chr(0) + 'x@y.example' + chr(0))}")

    assert [answers[-1][:3] for answers in (plain, login, wrong, unknown)] == ["235", "235", "535", "535"]


async def test_an_address_that_could_add_a_header_line_is_refused_and_a_bounce_has_an_empty_sender(post: Post) -> None:
    froms = ("MAIL FROM:<a\rb@evil.example>", "MAIL FROM:<a@evil.example>", "RCPT TO:<b\rX: y@sayso.example>")
    answers = await say(post, "EHLO x", *froms)
    assert {answers[2][:3], answers[4][:3]} <= {"501", "553"}

    answers = await say(post, "EHLO x", "MAIL FROM:<>", f"RCPT TO:<{BOT}>", "DATA", "From: x@y.example\r\n\r\nhi\r\n.")
    block, _ = trace.read(stored(post, BOT)[0])
    assert answers[-1].startswith("250")
    assert block == trace.Trace("", BOT, None)


async def test_what_is_too_much_is_refused_and_what_can_t_be_stored_is_not_acknowledged(post: Post) -> None:
    with pytest.raises(ChannelUnavailable, match="More than 50 recipients"):
        await post.client(BO).send(mail(), sender=BO, recipients=[f"p{number}@corp.example" for number in range(51)])
    with pytest.raises(ChannelRefused, match="552"):
        await post.client(BO).send(mail() + b"%s\r\n" % (b"y" * 900) * 12_000, sender=BO, recipients=(BOT,))
    long = mail("x\n" * 40_000)
    with pytest.raises(ChannelRefused, match="552"):
        await post.client().send(long, sender=BO, recipients=(BOT,))
    await post.client(BO).send(long, sender=BO, recipients=(BOT,))
    assert len(stored(post, BOT)) == 1, "64 KB are all without a log-in"

    post.box("anna@corp.example").write_text("a file where the folder should be")
    with pytest.raises(ChannelUnavailable, match="could not be stored"):
        await post.client().send(mail(), sender=BO, recipients=("anna@corp.example",))


async def test_a_connection_over_one_hundred_is_told_to_come_back(post: Post) -> None:
    open_ones = [await asyncio.open_connection("127.0.0.1", post.server.port) for _ in range(100)]
    for reader, _ in open_ones:
        assert (await reader.readline()).startswith(b"220")

    assert (await say(post))[0].startswith("421")

    for _, writer in open_ones:
        writer.close()
        await writer.wait_closed()
    async with patience():
        while not (await say(post))[0].startswith("220"):  # noqa: ASYNC110 - the server has to see the close
            await asyncio.sleep(0)


async def test_a_connection_that_says_nothing_is_closed(tmp_path: Path) -> None:
    post = Post(tmp_path / "mail", idle_s=0.05)
    async with post.server, patience():
        reader, writer = await asyncio.open_connection("127.0.0.1", post.server.port)

        assert (await reader.read()).startswith(b"220")
        writer.close()


async def test_without_a_log_in_nobody_gets_mail_but_known_people_and_the_bot(post: Post) -> None:
    recipients = ("x@y.example", "bo@corp.example", "Bo+tag@corp.example", "agent+k7@sayso.example")

    answers = await say(post, "EHLO x", "MAIL FROM:<a@evil.example>", *(f"RCPT TO:<{each}>" for each in recipients))

    assert [answer[:3] for answer in answers[3:]] == ["550", "250", "250", "250"]
    await post.client(BO).send(mail(), sender=BO, recipients=("x@y.example",))
    assert len(stored(post, "x@y.example")) == 1


async def test_five_failed_log_ins_close_the_connection(post: Post) -> None:
    wrong = base64.b64encode(f"\0{BO}\0wrong".encode()).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", post.server.port)
    writer.write(b"EHLO x\r\n" + f"AUTH PLAIN {wrong}\r\n".encode() * 6)

    async with patience():
        heard = await reader.read()

    assert heard.count(b"535 ") == 5
    assert heard.rstrip().split(b"\r\n")[-1].startswith(b"421")
    writer.close()
