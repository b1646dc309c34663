"""What the archive has of a run stays, whatever is written about that run later."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.archive.format import KeptRun, pack
from bot.archive.keeper import Archive
from bot.archive.places import FolderPlace
from tests.servers.lines import TOP

RUN, AT, LATER = "s0r-aaaaaaaaaaaaa", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def story(*events: bytes, at: datetime = AT) -> bytes:
    return pack(KeptRun(RUN, tuple(b'{"type":"%b"}' % event for event in events)), at)


class Shelf:
    """An archive in a folder, the files of the run there, and what was said about others."""

    def __init__(self, folder: Path) -> None:
        self.place, self.told = FolderPlace(folder), list[str]()

    async def write(self, body: bytes) -> None:
        async def tell(other: str) -> None:
            assert self.place.get(other), "it is kept before that is told"
            self.told.append(other)

        await Archive(self.place).write(RUN, body, [], AT, b"{}", tell)

    def bodies(self) -> set[bytes | None]:
        return {self.place.get(f"runs/s0/aa/{name}") for name in self.place.names("runs/s0/aa")}


async def test_a_run_that_is_written_again_or_went_on_has_one_file(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)

    for body in (story(b"a", b"b"), story(b"a", b"b", at=LATER), went_on := story(b"a", b"b", b"c")):
        await shelf.write(body)

    assert (shelf.bodies(), shelf.told) == ({went_on}, [])


async def test_another_story_of_a_run_is_kept_and_told_of_however_often_one_is_written(tmp_path: Path) -> None:
    shelf, first, shorter, other = Shelf(tmp_path), story(b"a", b"b"), story(b"a"), story(b"a", b"c")

    for body in (first, other, other, shorter):
        await shelf.write(body)

    assert shelf.bodies() == {first, other, shorter}
    assert len(shelf.told) == 2


async def test_a_file_that_cannot_be_read_is_kept_as_well(tmp_path: Path) -> None:
    shelf, cut = Shelf(tmp_path), story(b"a")[:-9]

    for body in (cut, story(b"a")):
        await shelf.write(body)

    assert shelf.bodies() == {cut, story(b"a")}


_LEAVES = """
import asyncio, threading
from bot.archive.keeper import Archive
from bot.archive.places import ArchiveUnavailable

class Hangs:
    where = "/mnt/archive"
    def get(self, *_):
        threading.Event().wait()
    put = names = remove = get

async def asks():
    archive = Archive(Hangs(), within_s=0.1)
    for asked in [archive.run("s0r-aaaaaaaaaaaaa"), *(archive.gives_back() for _ in range(20))]:
        try:
            await asked
        except ArchiveUnavailable as error:
            print(error.what)

asyncio.run(asks())
"""


def test_a_process_waits_for_no_share_that_hangs_as_it_leaves() -> None:
    command = [sys.executable, "-c", _LEAVES]

    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=20, check=True)

    said = "The archive in /mnt/archive does not answer within 0.1 s"
    assert (done.stdout.splitlines(), done.stderr) == ([said] * 21, "")
