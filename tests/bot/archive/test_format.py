"""A file of the archive that is none of ours: whoever can write there can't fill a process's memory."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.events import RunStarted, write_event
from agents.requests import PersonId, RunId
from bot.archive.format import KeptRun, pack, unpack
from bot.archive.keeper import Archive
from bot.archive.places import ArchiveUnavailable, FolderPlace
from bot.errors import Invalid, NotFound
from bot.store.format import FORMAT
from tests.kit.long import few_of

_MB = 1 << 20
RUN, AT = "s0r-aaaaaaaaaaaaa", datetime(2026, 1, 1, tzinfo=UTC)
CSV = '1,2,"[{:\\"\n' * 200_000


def packed(letters: bytes, millions: int) -> bytes:
    """So many millions of times the same letters, as a compressed file."""
    stream = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    return b"".join([stream.compress(letters * _MB) for _ in range(millions)]) + stream.flush()


def ended(line: bytes, times: int = 1) -> bytes:
    """A file that holds the same line so many times, and passes for a whole one."""
    head = (
        b'{"format":"sayso archived run","version":%d,"run_id":"s0r-aaaaaaaaaaaaa",'
        b'"archived_at":"2026-01-01T00:00:00Z"}' % FORMAT
    )
    return gzip.compress(b"\n".join((head, *[line] * times, b'{"lines":%d}' % (times + 1))), 1)


def lists(count: int) -> bytes:
    return b"[" + b"[]," * count + b"[]]"


OBJECTS = b'{"x":{' + b",".join(b'"%d":{}' % number for number in range(90_000)) + b"}}"
FILES: Mapping[str, Callable[[], bytes]] = {
    "unpacks to more than a gigabyte": lambda: packed(b" ", 700),
    "in parts": lambda: packed(b" ", 100) * 7,
    "one long line": lambda: packed(b"[", 20),
    "far too deep": lambda: packed(b"[", 1),
    "no run": lambda: packed(b"1", 1),
    "far too many lines": lambda: packed(b"12\n", 80),
    "many lists in a line": lambda: ended(b'{"x":' + lists(5_000_000) + b"}"),
    "many lists in an event": lambda: ended(b'{"seq":1,"event":{"type":"said","x":' + lists(5_000_000) + b"}}"),
    "many lines of many lists": lambda: ended(b'{"x":' + lists(200_000) + b"}", 60),
    "many lines of many objects": lambda: ended(OBJECTS, 60),
}


# The first and the last take as long as all the others.
@pytest.mark.parametrize("made", few_of([pytest.param(made, id=name) for name, made in FILES.items()], *range(1, 9)))
def test_attack_a_file_that_unpacks_to_more_than_a_run_can_have_is_refused(made: Callable[[], bytes]) -> None:
    body = made()
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match="The archive holds a file that can't be read"):
            unpack(body)
        assert tracemalloc.get_traced_memory()[1] < 600 * _MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("text", "times"), few_of([(CSV, 1), (CSV[:9_000], 2_000)], 0, rows=True))
def test_a_file_with_texts_of_many_commas_is_read(text: str, times: int) -> None:
    anna = PersonId("anna")
    began = RunStarted(at=AT, run_id=RunId(RUN), agent="clerk", channel="api", requester=anna, text=text, max_steps=1)

    found = unpack(pack(KeptRun(RUN, (write_event(began),) * times), AT))

    assert found.events == (began,) * times


def test_attack_a_file_larger_than_any_of_ours_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(ArchiveUnavailable, match="more than any of ours"):
        FolderPlace(tmp_path).get("huge")


async def test_attack_a_run_in_the_file_of_another_one_is_not_taken_for_it(tmp_path: Path) -> None:
    place, run, other = FolderPlace(tmp_path), "s0r-aaaaaaaaaaaaa", "s0r-bbbbbbbbbbbbb"
    place.put(f"runs/s0/bb/{other}.jsonl.gz", pack(KeptRun(run, ()), datetime(2026, 1, 1, tzinfo=UTC)))

    with pytest.raises(Invalid, match=f"holds {run} in the file of {other}"):
        await Archive(place).run(other)


async def test_attack_what_is_no_id_of_a_run_names_none(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    place.put("requests/s0/bb/s0q-bbbbbbbbbbbbb", b"\xff\xfe")

    with pytest.raises(NotFound):
        await Archive(place).record("s0q-bbbbbbbbbbbbb")


def test_a_run_of_another_format_is_refused_with_what_to_do() -> None:
    ours = gzip.decompress(pack(KeptRun(RUN, ()), AT))
    body = gzip.compress(ours.replace(b'"version": %d' % FORMAT, b'"version": %d' % (FORMAT - 1)))

    with pytest.raises(Invalid, match=f"of format {FORMAT - 1}, and this release of sayso reads format {FORMAT}"):
        unpack(body)
