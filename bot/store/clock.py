"""The clock that the scripts go by: Redis's own, and what tests have added to it."""

from datetime import UTC, datetime

from bot.store.keys import Keys


def asked(keys: Keys) -> tuple[list[str], list[str]]:
    """The commands that read the clock, for `told`."""
    return ["TIME"], ["GET", keys.clock]


def told(time: tuple[int, int], offset_ms: bytes | None) -> datetime:
    """What the clock says, by the answers to what was `asked`."""
    seconds, micros = time
    return datetime.fromtimestamp(seconds + micros // 1000 / 1000 + int(offset_ms or 0) / 1000, UTC)


def moment(ms: bytes | str) -> datetime:
    """A moment as the scripts write it: milliseconds since 1970."""
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
