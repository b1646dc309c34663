"""Looking is short, bounded, and leaves nobody behind."""

import asyncio
import os
import resource
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agents.deploy.lookup import LookFailed, look
from tests.kit.waiting import until


async def test_a_look_gives_what_was_printed_and_not_what_was_said_beside_it(tmp_path: Path) -> None:
    assert await look(("sh", "-c", "echo out; echo err >&2; pwd"), tmp_path) == f"out\n{tmp_path}\n"


async def test_its_environment_is_clean(tmp_path: Path) -> None:
    names = {line.partition("=")[0] for line in (await look(("env",), tmp_path)).splitlines()}

    assert names <= {"PATH", "HOME", "LANG"}


async def test_a_failure_says_what_failed_in_one_visible_line(tmp_path: Path) -> None:
    with pytest.raises(LookFailed, match=r"^'sh' failed with exit code 3: no disk$") as failed:
        await look(("sh", "-c", r"printf '\033no\n\ndisk\n' >&2; exit 3"), tmp_path)

    assert failed.value.exit_code == 3


async def test_a_program_or_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookFailed, match=r"cannot run '\./nothing' in .*: No such file or directory"):
        await look(("./nothing",), tmp_path)
    with pytest.raises(LookFailed, match=r"cannot run 'true' in .*gone: No such file or directory"):
        await look(("true",), tmp_path / "gone")


async def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    pipe = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)

    def nobody_holds_it() -> bool:
        with suppress(BlockingIOError):
            return os.read(pipe, 1) == b""
        return False

    with pytest.raises(LookFailed, match=r"'sh' did not end within 0\.3 s"):
        await look(("sh", "-c", "exec 9>held; cat /dev/zero >/dev/null & cat /dev/zero >/dev/null"), tmp_path, 0.3)

    await until(nobody_holds_it, what="nobody of the group holds the pipe any more")
    os.close(pipe)


async def test_whoever_is_cancelled_twice_leaves_nobody_behind(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pid")
    looking = asyncio.create_task(look(("sh", "-c", "echo $$ >pid; cat /dev/zero >/dev/null"), tmp_path))
    pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))

    looking.cancel()
    await asyncio.sleep(0)
    looking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await looking
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_an_endless_printer_is_read_up_to_a_bound(tmp_path: Path) -> None:
    printed = await look(("sh", "-c", "yes | head -c 2000000"), tmp_path)

    assert len(printed) == 256_000


@contextmanager
def no_files_left() -> Generator[list[int]]:
    """This process can open nothing more; closing what is given makes room again."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 20, before[1]))
        try:
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            yield held
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        close(held)


def close(held: list[int]) -> None:
    while held:
        os.close(held.pop())


async def test_a_start_is_tried_again_when_too_many_files_are_open(tmp_path: Path) -> None:
    await look(("true",), tmp_path)
    with no_files_left() as held:
        asyncio.get_running_loop().call_later(0.05, close, held)

        assert await look(("echo", "there"), tmp_path) == "there\n"


async def test_a_start_is_not_tried_for_ever(tmp_path: Path) -> None:
    await look(("true",), tmp_path)
    with no_files_left(), pytest.raises(LookFailed, match=r"cannot run 'echo' in .*: Too many open files"):
        await look(("echo", "there"), tmp_path, pause_s=0)


async def test_a_command_that_fails_may_say_why_where_it_prints(tmp_path: Path) -> None:
    with pytest.raises(LookFailed, match=r"^'sh' failed with exit code 1: the page is down$"):
        await look(("sh", "-c", "echo the page is down; exit 1"), tmp_path)
