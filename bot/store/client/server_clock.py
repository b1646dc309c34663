"""The time that the scripts go by, as it is read beside other things: `clock.lua` has the same rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.store.keys import Keys

FAR_AHEAD = timedelta(minutes=1)
"""The lead of which people are warned; a clock that is kept right has less, now and then."""

_SLOWER = 10


def asked(keys: Keys) -> tuple[list[str], list[str]]:
    """The commands that read the clock, for `told`."""
    return ["TIME"], ["MGET", keys.clock, keys.clock_seen]


def adjusted(time: tuple[int, int], kept: Sequence[bytes | None]) -> tuple[datetime, timedelta]:
    """Return the clock's time, and how much of it is ahead, from the answers to the `asked` commands."""
    offset, seen = kept
    raw_ms = time[0] * 1000 + time[1] // 1000 + int(offset or 0)
    last_ms, ahead_ms = map(int, seen.split()) if seen else (raw_ms, 0)
    passed_ms = raw_ms - last_ms
    ahead_ms = ahead_ms - passed_ms if passed_ms < 0 else max(0, ahead_ms - passed_ms // _SLOWER)
    return moment(str(raw_ms + ahead_ms)), timedelta(milliseconds=ahead_ms)


def moment(ms: bytes | str) -> datetime:
    """A moment as the scripts write it: milliseconds since 1970."""
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
