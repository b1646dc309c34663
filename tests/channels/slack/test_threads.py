"""Names of places in Slack: either exactly one of ours, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.slack.places import Only, Thread, from_handle, handle, only, thread


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("C01OPS/1712345678.000100", Thread("C01OPS/1712345678.000100", "C01OPS", "1712345678.000100")),
        ("D01BO/1712345678.000100", Thread("D01BO/1712345678.000100", "D01BO", "1712345678.000100")),
        ("C01OPS/~s0r-abc", Thread("C01OPS/~s0r-abc", "C01OPS", "")),
        ("C01OPS/", None),
        ("C01OPS", None),
        ("c01ops/1.0", None),
        ("C01OPS/1712345678.000100\n", None),
        ("<x@mail.example>", None),
        ("s0r-abc", None),
        ("", None),
    ],
)
def test_a_thread_is_known_by_its_name(name: str, found: Thread | None) -> None:
    assert thread(name) == found


@pytest.mark.parametrize(
    ("to", "found"),
    [
        ("only:C01OPS/1712345678.000100", Only("C01OPS", "1712345678.000100", "")),
        ("only:C01OPS/", Only("C01OPS", "", "")),
        ("only:C01OPS/:U01BO", Only("C01OPS", "", "U01BO")),
        ("only:D01BO/1712345678.000100:U01BO", Only("D01BO", "1712345678.000100", "U01BO")),
        ("C01OPS", None),
        ("#only", None),
        ("U01BO", None),
    ],
)
def test_a_place_for_one_person_is_known_by_its_name(to: str, found: Only | None) -> None:
    assert only(to) == found


@given(st.text())
def test_any_text_is_the_name_of_a_thread_or_of_none(name: str) -> None:
    found = thread(name)

    assert found is None or (found.name == name and name.startswith(f"{found.channel}/"))


@given(st.from_regex(r"[CD][A-Z0-9]{3,8}", fullmatch=True), st.from_regex(r"[0-9]{10}\.[0-9]{6}", fullmatch=True))
def test_a_handle_finds_its_message(channel: str, ts: str) -> None:
    assert from_handle(handle(channel, ts)) == (channel, ts)


@pytest.mark.parametrize("handle", ["", "only:C01OPS/1.000001", "C01OPS/~s0r-abc", "maildir:1"])
def test_what_is_no_message_is_not_found(handle: str) -> None:
    assert from_handle(handle)[1] == ""
