"""Mails are read in a child process: what a bomb does to it, and that nobody else notices."""

import asyncio
import base64
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from channels import ChannelUnavailable, Inbound, Quarantined, Reading, Reply
from channels.email.cards import Made, as_text
from channels.email.channel import EmailChannel
from channels.email.local import maildir
from channels.email.local.maildir_mailbox import MaildirMailbox
from channels.email.reading.sandbox import Children, Limits
from language import speaking
from tests.channels.email.conftest import Post
from tests.channels.email.mails import ANNA, BO, BOT, NOON, People, approval, arrived, mail
from tests.channels.email.provers import misbehaving
from tests.channels.email.reading.bombs import BOMBS
from tests.fakes.desk import EmptyDesk
from tests.kit.long import few_of
from tests.kit.waiting import until

SECRET = "a-secret-of-the-parent"
PROGRAM = "tests.channels.email.reading.reading_program"
PREPARED = """
import sys
from channels.email.reply import prepare, read_reply
prepare()
sys.addaudithook(lambda event, args: print(args[0]) if event == "open" else None)
header = "-----Original Message-----\\nFrom: sayso\\nSent: Tuesday\\nTo: Bo\\nSubject: Deploy?\\n\\n"
print(read_reply("approve\\n\\n" + header + "Deploy?\\nno\\nReference: r1").said)
"""


class Desk:
    """The channel, and mails that arrive there."""

    def __init__(self, post: Post, people: People | None = None, **more: Any) -> None:
        self.channel = EmailChannel(
            mailbox=MaildirMailbox(post.folder),
            transport=post.client(BOT),
            directory=people or People(ANNA, BO),
            address=BOT,
            prove=misbehaving,
            **more,
        )

    async def read(self, raw: bytes, *, is_answer: bool = False) -> Reading:
        raw = arrived(raw)
        inbound = Inbound(
            channel="email", key="m1", raw=raw, size_bytes=len(raw), is_answer=is_answer, received_at=NOON
        )
        return await self.channel.read(inbound)

    async def reasons(self, how: str) -> str:
        """Return why a mail is held that makes the reader misbehave."""
        held = await self.read(bad(how))
        assert isinstance(held, Quarantined)
        return "; ".join(held.reasons)

    async def is_serving(self) -> bool:
        """Return whether an honest mail is read as what it says."""
        reading = await self.read(mail("approve"))
        return isinstance(reading, Reply) and reading.said == "approve"

    async def leaves(self) -> None:
        """End what the channel receives."""

        async def nothing(_: Inbound) -> None:
            raise AssertionError("nobody wrote")

        receiving = asyncio.create_task(self.channel.receive(nothing, EmptyDesk()))
        await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.wait([receiving])


def running() -> set[str]:
    """Return the ids of the processes that this one has started."""
    return {child for each in Path("/proc/self/task").glob("*/children") for child in each.read_text().split()}


def bad(how: str) -> bytes:
    return mail("approve", extra=f"Misbehave: {how}\n")


KINDS = sorted({re.split(",| in | of ", name)[0] for name in BOMBS})


@pytest.mark.parametrize("kinds", few_of([KINDS[::6], KINDS], 0), ids=["some", "all"])
async def test_a_bomb_of_each_kind_is_held_or_read_and_the_next_mail_is_served(post: Post, kinds: list[str]) -> None:
    bombs = [bomb() for name, bomb in BOMBS.items() if re.split(",| in | of ", name)[0] in kinds]

    for raw in (*bombs, mail("approve")):
        maildir.store(post.box(BOT), arrived(raw))
    *found, honest = await post.next_inbound(len(bombs) + 1)
    for inbound in found:  # a child process that reads on is ended after two seconds of processor time
        await post.channel.read(inbound)
    reading = await post.channel.read(honest)

    assert isinstance(reading, Reply)
    assert reading.said == "approve"


async def test_a_mail_that_takes_too_much_or_finds_a_mistake_is_held_and_the_next_one_is_served(
    post: Post, tmp_path: Path
) -> None:
    desk = Desk(post, limits=Limits(cpu_s=0.1))
    mistake = "it could not be read because of a mistake in sayso; look at it in the mailbox"

    assert "reading it takes more than 0.1 s" in await desk.reasons("spin")
    assert await desk.is_serving()
    assert "more than 256 MB of memory" in await desk.reasons("hoard")
    assert await desk.is_serving()
    assert await desk.reasons("stumble") == mistake, "nothing of the mail is told"
    died = await desk.read(bad(f"die unless {tmp_path / 'died'}"))
    assert isinstance(died, Reply), "a child that died for no reason of the mail is replaced"


@pytest.mark.long
async def test_the_usual_limit_is_two_seconds_of_processor_time_for_each_mail_alone(post: Post) -> None:
    desk = Desk(post)
    assert "more than 2 s" in await desk.reasons("spin")
    assert await desk.is_serving()

    assert "more than 256 MB of memory" in await desk.reasons("hoard"), "after others as well"


@pytest.mark.long
async def test_a_mail_at_which_every_child_dies_is_read_again_later_and_others_are_served(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(post)

    with pytest.raises(ChannelUnavailable, match="read again later"):
        await desk.read(bad("die"))
    assert caplog.text.count("the process that reads mails ended") == 2
    assert await desk.is_serving()


async def test_a_busy_machine_makes_no_bomb_of_an_honest_mail(post: Post) -> None:
    desk = Desk(post, limits=Limits(wall_s=1.0))

    with pytest.raises(ChannelUnavailable, match="machine is too busy"):
        await desk.read(bad("pause"))


async def test_mails_read_at_the_same_time_each_get_their_own_answer_above_a_german_card_too(post: Post) -> None:
    desk, texts = Desk(post), [f"some words, {number}" for number in range(30)]
    header = "-----Ursprüngliche Nachricht-----\nVon: sayso\nGesendet: Dienstag\nAn: Bo\nBetreff: Deploy?\n\n"
    with speaking("de"):
        answer = f"genehmigt\n\n{header}{as_text(approval(), Made())}"
    utf_8 = "Content-Type: text/plain; charset=utf-8\n"
    answers = [mail(each, extra=utf_8) for each in (answer, f"{answer}\nnein, warte")]

    readings = await asyncio.gather(*(desk.read(raw) for raw in (*answers, *map(mail, texts))))

    replies = [reading for reading in readings if isinstance(reading, Reply)]
    assert [reply.said for reply in replies[:2]] == ["approve", "free_text"]
    assert [reply.text for reply in replies[2:]] == texts


@pytest.mark.long
def test_what_the_child_has_prepared_it_reads_from_no_file_again() -> None:
    found = subprocess.run([sys.executable, "-c", PREPARED], capture_output=True, text=True, check=True)

    assert found.stdout.split() == ["approve"]


@pytest.mark.long
async def test_a_child_that_reads_nothing_goes_on_to_the_next_reader_and_reads_as_that_one_does(post: Post) -> None:
    children, before = Children(), running()
    first = Desk(post, children=children)
    assert await first.is_serving()
    mine = running() - before

    await first.leaves()
    second = Desk(post, People(ANNA), children=children)

    assert isinstance(await second.read(mail("approve")), Quarantined)
    assert running() - before == mine
    assert await first.is_serving()
    assert len(running() - before) == len(mine) + 1


@pytest.mark.long
@pytest.mark.parametrize(("padding", "is_answer"), [(b"", False), (b"x" * 10_000, True)])
async def test_a_small_answer_does_not_wait_behind_a_flood_of_bombs_nor_large_ones_that_look_like_answers(
    post: Post, padding: bytes, is_answer: bool
) -> None:
    desk = Desk(post, limits=Limits(cpu_s=0.1))
    bombs = [asyncio.create_task(desk.read(bad("spin") + padding, is_answer=is_answer)) for _ in range(6)]
    await until(lambda: any(bomb.done() for bomb in bombs), what="the first one is read")

    reading = await desk.read(mail("approve"), is_answer=True)

    assert isinstance(reading, Reply)
    assert sum(bomb.done() for bomb in bombs) < 4
    await asyncio.gather(*bombs)


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["base64", "8bit"])
async def test_the_largest_file_comes_back_whole(post: Post, encoding: str) -> None:
    room = 1_990_000
    content = os.urandom(room * 54 // 78) if encoding == "base64" else b"\x01" * room
    written = base64.encodebytes(content) if encoding == "base64" else content
    file = f"Content-Type: application/pdf\nContent-Transfer-Encoding: {encoding}\n\n".encode() + written
    head, _, text = mail("approve", extra="Content-Type: multipart/mixed; boundary=b\n").partition(b"\r\n\r\n")
    reading = await Desk(post).read(head + b"\r\n\r\n--b\n\n" + text + b"--b\n" + file + b"\n--b--\n")

    assert isinstance(reading, Reply)
    assert [len(file.content) for file in reading.files] == [len(content)]


@pytest.mark.long
async def test_nobody_gets_the_answer_to_a_mail_that_is_no_longer_waited_for(post: Post) -> None:
    desk = Desk(post)
    assert await desk.is_serving()

    gone = asyncio.create_task(desk.read(mail("deny")))
    for _ in range(50):  # on a busy machine the answer may be there before anybody can leave
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        if gone.cancelled():
            break
        gone = asyncio.create_task(desk.read(mail("deny")))

    assert gone.cancelled()
    assert await desk.is_serving()


class Program:
    """A process of its own that reads mails."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "SAYSO_SECRET_KEY": SECRET},
            start_new_session=True,
        )

    def send(self, raw: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(base64.b64encode(arrived(raw)) + b"\n")
        self.process.stdin.flush()

    def read(self, raw: bytes) -> str:
        self.send(raw)
        assert self.process.stdout
        return self.process.stdout.readline().decode().strip()

    @property
    def child(self) -> int:
        pid = self.process.pid
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(child)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            with suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture
def program() -> Iterator[Program]:
    program = Program()
    yield program
    program.kill()


async def test_the_child_knows_no_secret_of_ours_and_ends_with_its_parent_and_not_by_ctrl_c(
    program: Program,
) -> None:
    assert program.read(mail()) == "reply"
    child = program.child
    assert SECRET in environment(program.process.pid)
    assert SECRET not in environment(child)

    os.killpg(program.process.pid, signal.SIGINT)

    assert program.read(mail()) == "reply"
    assert program.child == child
    program.send(bad("spin"))
    program.kill()
    await until(lambda: is_gone(child), what="the child ends")


def environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


def is_gone(pid: int) -> bool:
    """Return whether no such process runs; a dead one may wait to be collected."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True
