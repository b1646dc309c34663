"""A file of the archive that is none of ours: whoever can write there can't fill a process's memory."""

import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.archive.format import KeptRun, pack, unpack
from bot.archive.keeper import Archive
from bot.archive.places import ArchiveUnavailable, FolderPlace
from bot.errors import Invalid, NotFound

_MB = 1 << 20


def packed(letter: bytes, megabytes: int) -> bytes:
    """So much of one letter, as a compressed file."""
    stream = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    return b"".join([stream.compress(letter * _MB) for _ in range(megabytes)]) + stream.flush()


def files() -> Iterator[tuple[str, bytes]]:
    yield "unpacks to more than a gigabyte", packed(b" ", 700)
    yield "in parts", packed(b" ", 100) * 7
    yield "one long line", packed(b"[", 20)
    yield "far too deep", packed(b"[", 1)
    yield "no run", packed(b"1", 1)


@pytest.mark.parametrize("body", [body for _, body in files()], ids=[name for name, _ in files()])
def test_attack_a_file_that_unpacks_to_more_than_a_run_can_have_is_refused(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match="The archive holds a file that can't be read"):
            unpack(body)
        assert tracemalloc.get_traced_memory()[1] < 600 * _MB
    finally:
        tracemalloc.stop()


def test_attack_a_file_larger_than_any_of_ours_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(ArchiveUnavailable, match="more than any of ours"):
        FolderPlace(tmp_path).get("huge")


async def test_attack_a_run_in_the_file_of_another_one_is_not_taken_for_it(tmp_path: Path) -> None:
    place, run, other = FolderPlace(tmp_path), "s0r-aaaaaaaaaaaaa", "s0r-bbbbbbbbbbbbb"
    place.put(f"runs/s0/bb/{other}.jsonl.gz", pack(KeptRun(run, (), b"{}"), datetime(2026, 1, 1, tzinfo=UTC)))

    with pytest.raises(Invalid, match=f"holds {run} in the file of {other}"):
        await Archive(place).run(other)


async def test_attack_what_is_no_id_of_a_run_names_none(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    place.put("requests/s0/bb/s0q-bbbbbbbbbbbbb", b"\xff\xfe")

    with pytest.raises(NotFound):
        await Archive(place).record("s0q-bbbbbbbbbbbbb")
