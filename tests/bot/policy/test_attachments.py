"""Files on their way into a run."""

import pytest

from bot.policy.attachments import attachments, contents, size
from channels import File

FILE = File(name="a", type="text/plain", size_bytes=3, sha256="0" * 64, text="yes", note="n", content=b"yes")


def test_an_event_lists_a_file_without_its_bytes() -> None:
    [listed] = attachments([FILE])

    assert listed.model_dump() == FILE.model_dump(exclude={"content"})


def test_only_whole_files_are_kept() -> None:
    cut, empty = FILE.model_copy(update={"content": b""}), FILE.model_copy(update={"content": b"", "size_bytes": 0})

    assert contents([FILE, cut, empty]) == [(FILE.sha256, b"yes"), (FILE.sha256, b"")]


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 KB"),
        (999_949, "999.9 KB"),
        (999_950, "1.0 MB"),
        (1_900_000, "1.9 MB"),
    ],
)
def test_sizes_are_told_in_words(size_bytes: int, words: str) -> None:
    assert size(size_bytes) == words
