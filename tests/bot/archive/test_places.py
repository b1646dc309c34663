"""Each place of an archive, a directory or a bucket, does the same."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.archive.places import ArchiveUnavailable, FolderPlace, Place
from tests.bot.archive.places import SECRET, ObjectStore, object_store


@pytest.fixture(scope="module")
def bucket() -> Iterator[ObjectStore]:
    with object_store() as server:
        yield server


@pytest.fixture(params=["directory", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "directory":
        return FolderPlace(tmp_path / "archive")
    server: ObjectStore = request.getfixturevalue("bucket")
    return server.place(prefix=tmp_path.name)


def test_what_was_put_is_there_byte_for_byte_until_it_is_put_again_or_removed(place: Place) -> None:
    body = bytes(range(256)) * 4_000
    place.put("runs/s0/ab/one.gz", body)

    assert place.get("runs/s0/ab/one.gz") == body
    assert (place.get("runs/s0/ab/two.gz"), place.get("runs/s9/zz/one.gz")) == (None, None)
    place.put("runs/s0/ab/one.gz", b"2")
    assert place.get("runs/s0/ab/one.gz") == b"2"
    for _ in range(2):  # removing it again is no error
        place.remove("runs/s0/ab/one.gz")
    assert place.get("runs/s0/ab/one.gz") is None


def test_names_are_those_of_one_level_in_order(place: Place) -> None:
    for name in ("ended/2026-10/2", "ended/2026-10/1", "ended/2026-10/below/3", "ended/2026-11/4"):
        place.put(name, b"{}")

    assert [name for name in place.names("ended/2026-10") if name != "below"] == ["1", "2"]
    assert place.names("ended/2026-12") == []


def test_nothing_that_is_half_written_has_a_name_in_a_directory_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "archive")
    place.put("ended/1", b"1")
    (tmp_path / "archive/ended/.2.abcd").write_bytes(b"ha")

    assert place.names("ended") == ["1"]
    assert [(tmp_path / "archive" / name).stat().st_mode & 0o077 for name in ("ended", "ended/1")] == [0, 0]


def test_a_directory_that_is_a_file_is_unavailable_and_says_which(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("no")
    place = FolderPlace(tmp_path / "archive")

    with pytest.raises(ArchiveUnavailable, match=f"{tmp_path}/archive can't be used"):
        place.put("runs/one", b"1")


def test_a_bucket_that_is_not_there_is_unavailable_and_no_secret_is_told(bucket: ObjectStore) -> None:
    none = bucket.place(bucket="no-such-bucket")
    calls: tuple[Callable[[], object], ...] = (
        lambda: none.put("one", b"1"), lambda: none.get("one"), lambda: none.names("ended"),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(ArchiveUnavailable, match="s3://no-such-bucket/sayso") as told:
            call()

        assert SECRET.get_secret_value() not in str(told.value)


@pytest.mark.long
def test_a_server_that_is_away_is_unavailable() -> None:
    with pytest.raises(ArchiveUnavailable, match="can't be used"):
        ObjectStore("http://127.0.0.1:9").place().put("one", b"1")


def _to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


NO_FILES: list[Callable[[Path], None]] = [os.mkfifo, _to_a_device, Path.mkdir]


@pytest.mark.parametrize("made", NO_FILES)
def test_attack_what_is_no_file_is_neither_waited_for_nor_read(tmp_path: Path, made: Callable[[Path], None]) -> None:
    made(tmp_path / "one")

    with pytest.raises(ArchiveUnavailable, match="no file"):
        FolderPlace(tmp_path).get("one")
