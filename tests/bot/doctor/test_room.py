"""The doctor's words about the room on disks."""

import pytest

from bot.doctor.room import room


@pytest.mark.parametrize(
    ("free_bytes", "sign"), [(50_000_000_000, "✓"), (2_000_000_000, "✓"), (1_999_999_999, "!"), (99_999_999, "✗")]
)
def test_little_room_is_worth_knowing_and_none_is_wrong(free_bytes: int, sign: str) -> None:
    finding = room("/data", free_bytes)

    assert (finding.sign, bool(finding.fix)) == (sign, sign != "✓")
    assert "/data" in finding.what
