"""The file of a backup: read whole or not at all, and written so that nobody else and no earlier backup suffers."""

import gzip
import io
import stat
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.backup.file import End, Entry, Reader, Writer, piped, written
from bot.errors import Conflict, Invalid, Unavailable

ENTRIES = [Entry("{s0}:a", b"one"), Entry("{s1}:b", b"\0\xff" * 500, 1_900_000_000_000), Entry("{s0}:a", None)]
END = End(at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC), shards=8, keys=1, version="0.4.0")


def a_backup() -> bytes:
    file = io.BytesIO()
    writer = Writer(file)
    for entry in ENTRIES:
        writer.add(entry)
    writer.end(END)
    return file.getvalue()


def read(body: bytes) -> tuple[list[Entry], End | None]:
    reader = Reader(io.BytesIO(body))
    return list(reader.entries()), reader.end


def test_what_was_written_is_read_again() -> None:
    assert read(a_backup()) == (ENTRIES, END)


@pytest.mark.parametrize(
    "entry",
    [Entry("{s0}:" + "k" * (1 << 16), b"x"), Entry("{s0}:audit:chain", bytes((1 << 29) + 1))],
    ids=["key", "value"],
)
def test_attack_no_backup_is_made_that_could_not_be_put_back(entry: Entry) -> None:
    file = io.BytesIO()

    with pytest.raises(Unavailable, match=r"more than Redis takes back at once\. Keep the append-only file"):
        Writer(file).add(entry)


WHOLE = gzip.decompress(a_backup())


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        a_backup()[:-1],
        a_backup()[: len(a_backup()) // 2],
        gzip.compress(WHOLE[:-33]),
        gzip.compress(WHOLE.replace(b"one", b"two")),
        gzip.compress(WHOLE + b"more"),
        gzip.compress(WHOLE.replace(b"backup 1", b"backup 2")),
        b"REDIS0010" + a_backup(),
        gzip.compress(WHOLE[:15] + b"\xff" * 40),
    ],
    ids=["empty", "cut by a byte", "half", "no end", "changed", "more", "newer", "another file", "far too long"],
)
def test_what_is_cut_damaged_or_no_backup_is_refused_in_words(spoilt: bytes) -> None:
    with pytest.raises(Invalid, match="backup"):
        read(spoilt)


def test_only_its_owner_may_read_a_backup(tmp_path: Path) -> None:
    with written(tmp_path / "b") as file:
        file.write(b"all")

    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["b"]


def test_a_backup_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"earlier")

    def write() -> None:
        with written(tmp_path / "b") as file:
            file.write(b"later")

    with pytest.raises(Conflict, match="exists already"):
        write()

    assert (tmp_path / "b").read_bytes() == b"earlier"
    assert [each.name for each in tmp_path.iterdir()] == ["b"]


def test_a_backup_that_failed_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with written(tmp_path / "b") as file:
            file.write(b"half")
            raise ValueError("in between")

    with pytest.raises(ValueError, match="in between"):
        write()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="can't be written"), written(tmp_path / "none" / "b"):
        pass


def test_a_backup_that_standard_output_did_not_take_is_not_said_to_be_made() -> None:
    full = Path("/dev/full").open("wb")  # noqa: SIM115 - closing it fails as well
    with pytest.raises(Unavailable, match="No space left"), piped(full) as file:
        file.write(a_backup())
    with suppress(OSError):
        full.close()


@pytest.mark.parametrize("before", [WHOLE, WHOLE[:15] + b"\0\1\0\0" + b"\0" * 16], ids=["after its end", "as a key"])
def test_attack_what_no_backup_has_is_not_unpacked(before: bytes) -> None:
    bomb = gzip.compress(before) + gzip.compress(bytes(1 << 26), 1) * 16
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match="backup"):
            read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1 << 25
    finally:
        tracemalloc.stop()
