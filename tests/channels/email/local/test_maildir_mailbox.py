import asyncio
import os
from contextlib import aclosing
from pathlib import Path

from channels.email.format.headers import HEADER_BYTES, MAIL_BYTES
from channels.email.local import maildir
from channels.email.local.maildir_mailbox import MaildirMailbox
from tests.channels.email.boxes import take
from tests.channels.email.mails import arrived, mail


async def test_mails_come_in_the_order_of_arrival_until_they_are_done_and_lie_in_cur_unseen(
    tmp_path: Path,
) -> None:
    first, second = arrived(mail("one")), arrived(mail("two"), to="agent@sayso.example")
    names = [maildir.store(tmp_path, raw) for raw in (first, second)]
    mailbox = MaildirMailbox(tmp_path)
    async with aclosing(mailbox.items()) as found:
        undone = await anext(found)

    items = await take(mailbox, 2)
    await mailbox.done(items[0])

    assert items[0] == undone, "what is not done comes again"
    assert [item.raw for item in items] == [first, second]
    assert [item.recipient for item in items] == ["agent+3k7qp2xv9rt4mzs8a@sayso.example", "agent@sayso.example"]
    assert (maildir.names(tmp_path, "new"), maildir.names(tmp_path, "cur")) == ([], [f"{name}:2," for name in names])


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
