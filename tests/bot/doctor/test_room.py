"""The doctor's words about the room on disks."""

import pytest

from bot.doctor.room import amount, room


@pytest.mark.parametrize(
    ("free_bytes", "sign"), [(50_000_000_000, "✓"), (2_000_000_000, "✓"), (1_999_999_999, "!"), (99_999_999, "✗")]
)
def test_little_room_is_worth_knowing_and_none_is_wrong(free_bytes: int, sign: str) -> None:
    finding = room("/data", free_bytes)

    assert (finding.sign, bool(finding.fix)) == (sign, sign != "✓")
    assert "/data" in finding.what


def test_amounts_are_told_in_the_unit_that_people_use() -> None:
    assert [amount(size) for size in (0, 1_500, 2_000_000, 74_300_000_000)] == [
        "0 bytes",
        "1.5 KB",
        "2.0 MB",
        "74.3 GB",
    ]
