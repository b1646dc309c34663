"""Moments in the zone of whoever reads them. Pure.

Sentences of ours name a moment as `at 14:02 UTC on 03 March 2026`; Slack shows `today at 3:02 PM` for it. Nothing is
gained by writing such a moment into text that is not ours: it stays the same one.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import JsonValue

FORMAT = "{date_short_pretty} at {time}"

_MOMENT = re.compile(r"\bat (\d\d:\d\d UTC on \d\d [A-Z][a-z]{2,8} \d{4})\b")


def date(at: datetime) -> str:
    """`at` where Slack looks for commands; in UTC where it can't be shown otherwise."""
    plain = at.astimezone(UTC)
    return f"<!date^{int(plain.timestamp())}^{FORMAT}|{_plainly(plain)}>"


def in_mrkdwn(escaped: str) -> str:
    """`escaped` text with each moment as the reader's own."""
    return _MOMENT.sub(lambda found: date(at) if (at := _read(found[1])) else found[0], escaped)


def in_rich_text(text: str) -> list[JsonValue] | None:
    """`text` as the elements of a rich text, where nothing is read as a command; None when no moment stands in it.

    https://docs.slack.dev/reference/block-kit/block-elements/date-element
    """
    pieces = list(_pieces(text))
    return pieces if any(isinstance(piece, dict) and piece["type"] == "date" for piece in pieces) else None


def _pieces(text: str) -> Iterator[JsonValue]:
    shown = 0
    for found in _MOMENT.finditer(text):
        if (at := _read(found[1])) is None:
            continue
        if found.start() > shown:
            yield {"type": "text", "text": text[shown : found.start()]}
        yield {"type": "date", "timestamp": int(at.timestamp()), "format": FORMAT, "fallback": _plainly(at)}
        shown = found.end()
    if shown < len(text):
        yield {"type": "text", "text": text[shown:]}


def _plainly(at: datetime) -> str:
    return f"{at:%d %b %Y, %H:%M} UTC"


def _read(words: str) -> datetime | None:
    """The moment; None when there is no such day or month, or it is too far away for Slack."""
    try:
        at = datetime.strptime(words, "%H:%M UTC on %d %B %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if at.year >= 1971 else None
