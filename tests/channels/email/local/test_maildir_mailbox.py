import asyncio
import os
from contextlib import aclosing
from pathlib import Path

from channels.email.format.headers import HEADER_BYTES, MAIL_BYTES
from channels.email.local import maildir
from channels.email.local.maildir_mailbox import MaildirMailbox
from tests.channels.email.boxes import take
from tests.channels.email.mails import arrived, mail


async def test_mails_come_in_the_order_of_arrival_with_their_recipient(tmp_path: Path) -> None:
    first, second = arrived(mail("one")), arrived(mail("two"), to="agent@sayso.example")
    maildir.store(tmp_path, first)
    maildir.store(tmp_path, second)

    items = await take(MaildirMailbox(tmp_path), 2)

    assert [item.raw for item in items] == [first, second]
    assert [item.recipient for item in items] == ["agent+3k7qp2xv9rt4mzs8a@sayso.example", "agent@sayso.example"]


async def test_a_mail_that_is_done_lies_in_cur_and_is_not_marked_as_seen(tmp_path: Path) -> None:
    name = maildir.store(tmp_path, arrived(mail()))

    await take(MaildirMailbox(tmp_path), 1)

    assert maildir.names(tmp_path, "new") == []
    assert maildir.names(tmp_path, "cur") == [f"{name}:2,"]


async def test_a_mail_that_is_not_done_comes_again(tmp_path: Path) -> None:
    maildir.store(tmp_path, arrived(mail()))
    mailbox = MaildirMailbox(tmp_path)
    async with aclosing(mailbox.items()) as found:
        first = await anext(found)

    assert await take(mailbox, 1) == [first]


async def test_doing_a_mail_twice_does_no_harm(tmp_path: Path) -> None:
    maildir.store(tmp_path, arrived(mail()))
    mailbox = MaildirMailbox(tmp_path)
    (item,) = await take(mailbox, 1)

    await mailbox.done(item)

    assert len(maildir.names(tmp_path, "cur")) == 1


async def test_a_mail_from_another_process_is_noticed_without_being_told(tmp_path: Path) -> None:
    waiting = asyncio.create_task(take(MaildirMailbox(tmp_path), 1))
    await asyncio.to_thread(maildir.store, tmp_path, arrived(mail("late")))

    (item,) = await waiting

    assert item.raw.endswith(b"late\r\n")


async def test_what_can_t_be_read_is_handed_over_with_its_trouble_and_the_next_one_follows(tmp_path: Path) -> None:
    maildir.create(tmp_path)
    (tmp_path / "new" / "0001.folder").mkdir()
    (tmp_path / "new" / "0002.link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "new" / "0003.pipe")
    maildir.store(tmp_path, arrived(mail()))

    items = await take(MaildirMailbox(tmp_path), 4)

    assert [bool(item.trouble) for item in items] == [True, True, True, False]
    assert maildir.names(tmp_path, "new") == []


async def test_a_huge_mail_is_read_only_up_to_the_limit(tmp_path: Path) -> None:
    maildir.store(tmp_path, arrived(mail("x" * 5_000_000)))

    (item,) = await take(MaildirMailbox(tmp_path), 1)

    assert item.size_bytes > 5_000_000
    assert len(item.raw) == MAIL_BYTES + HEADER_BYTES
