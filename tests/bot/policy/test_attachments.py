"""Files on their way into a run."""

from hypothesis import given
from hypothesis import strategies as st

from bot.policy.attachments import attachments, contents, output_file, size
from channels import File
from language import speaking

FILE = File(name="a", type="text/plain", size_bytes=3, sha256="0" * 64, text="yes", note="n", content=b"yes")


def test_an_event_lists_a_file_without_its_bytes() -> None:
    [listed] = attachments([FILE])

    assert listed.model_dump() == FILE.model_dump(exclude={"content"})


def test_only_whole_files_are_kept() -> None:
    cut, empty = FILE.model_copy(update={"content": b""}), FILE.model_copy(update={"content": b"", "size_bytes": 0})

    assert contents([FILE, cut, empty]) == [(FILE.sha256, b"yes"), (FILE.sha256, b"")]


def test_short_output_is_kept_as_it_is_and_a_command_that_printed_nothing_leaves_no_file() -> None:
    kept = output_file("built\nfailed\n")

    assert kept
    assert (kept[0].name, kept[0].type, kept[0].note, kept[1]) == ("output.txt", "text/plain", "", b"built\nfailed\n")
    assert output_file("\n \n") is None


@given(st.text(min_size=1, max_size=3), st.integers(1, 600_000))
def test_long_output_keeps_its_beginning_and_its_end_and_says_what_is_left_out(text: str, times: int) -> None:
    printed = f"begin {text * times} end"

    kept = output_file(printed)

    assert kept
    file, content = kept
    assert len(content) == file.size_bytes <= 256 * 1024
    assert content.startswith(b"begin ")
    assert content.endswith(b" end")
    is_cut = content != printed.encode(errors="replace")
    assert (bool(file.note), f"[… {file.note} …]" in content.decode()) == (is_cut, is_cut)


def test_sizes_are_told_in_words_of_the_reader() -> None:
    told = {0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1_000: "1.0 KB", 999_949: "999.9 KB", 999_950: "1.0 MB"}

    assert {number: size(number) for number in told} == told
    with speaking("de"):
        assert [size(number) for number in (1, 312, 4_200)] == ["1 Byte", "312 Byte", "4,2 KB"]
