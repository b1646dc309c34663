"""The blocks that messages, windows and the App Home are made from, with the words of others in them. Pure."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice

from pydantic import JsonValue

from channels.showing import escape_invisible
from language import dates, say

# Slack knows no moment before it.
_FIRST_YEAR = 1971


def date(at: datetime, zone: tzinfo = UTC) -> str:
    """`at` where Slack looks for commands; by the clocks of `zone` where it can't be shown otherwise."""
    there = at.astimezone(zone)
    shown = dates.date(there, "slack.date-there") if there.utcoffset() else _plainly(at)
    return f"<!date^{int(at.timestamp())}^{_format()}|{shown}>"


def with_dates(text: str, zone: tzinfo = UTC, *, most: int | None = None) -> Iterator[tuple[str, str]]:
    """Yield pieces of `text`, each with "" or with the moment that follows it, where Slack looks for commands.

    After `most` moments the others stay as they are.
    """
    shown = 0
    for found, at in islice(_moments(text), most):
        yield text[shown : found.start()], date(at, zone)
        shown = found.end()
    yield text[shown:], ""


def in_rich_text(text: str) -> list[JsonValue]:
    """`text` as the elements of a rich text with each moment as the reader's own.

    Nothing else in it is read as a command: formatting, links, mentions and emoji are elements of their own there.
    https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
    """
    return list(_pieces(text))


def has_moment(text: str) -> bool:
    """Return whether a moment stands in `text`, which each reader sees in their own zone."""
    return any(True for _ in _moments(text))


def _pieces(text: str) -> Iterator[JsonValue]:
    shown = 0
    for found, at in _moments(text):
        if found.start() > shown:
            yield {"type": "text", "text": text[shown : found.start()]}
        yield {"type": "date", "timestamp": int(at.timestamp()), "format": _format(), "fallback": _plainly(at)}
        shown = found.end()
    if shown < len(text):
        yield {"type": "text", "text": text[shown:]}


def _plainly(at: datetime) -> str:
    return dates.date(at.astimezone(UTC), "slack.date-plain")


def _format() -> str:
    """How Slack writes a moment for its reader: https://docs.slack.dev/messaging/formatting-message-text#date-formatting."""
    return say("slack.date-format", date="{date_short_pretty}", time="{time}")


def _moments(text: str) -> Iterator[tuple[re.Match[str], datetime]]:
    return ((found, at) for found, at in dates.moments(text) if at.year >= _FIRST_YEAR)


Block = dict[str, JsonValue]

SECTION_CHARS = 3_000
"""Longest text of a section."""

_CUT = " …"


def words(text: str) -> Block:
    """Text in which nothing is read as a command or as an emoji's name."""
    return {"type": "plain_text", "text": text, "emoji": False}


def plain(text: str) -> Block:
    """A section of plain words, cut where Slack takes no more."""
    shown = cut(escape_invisible(text).strip(), SECTION_CHARS)
    return {"type": "section", "text": words(shown or "-")}


def preformatted(text: str) -> Block:
    """Monospaced and unchanged."""
    return _rich("rich_text_preformatted", text)


def quote(text: str) -> Block:
    """Quote somebody's words, marked as such."""
    return _rich("rich_text_quote", text)


def cut(text: str, most: int) -> str:
    """`text`, or as much of it as fits with a sign that there is more."""
    return text if len(text) <= most else text[: most - len(_CUT)].rstrip() + _CUT


def pieces(text: str, most: int) -> list[str]:
    """All of `text`, in pieces of at most `most` characters."""
    return [text[start : start + most] for start in range(0, len(text), most)]


def by_line(text: str, most: int) -> list[str]:
    """All of `text`, in pieces of at most `most` characters that end where lines do, if lines are not longer."""
    found = [""]
    for line in (piece for whole in text.split("\n") for piece in pieces(whole, most) or [""]):
        if len(found[-1]) + len(line) + 1 > most:
            found.append(line)
        else:
            found[-1] = f"{found[-1]}\n{line}" if found[-1] else line
    return found


def small(text: str) -> Block:
    """Small print in plain words."""
    return {"type": "context", "elements": [words(text or "-")]}


def labelled(label: str, text: str, between: str = ": ", link: Block | None = None) -> Block:
    """A section of a rich text: `label` in bold, then `text`, below it where it has several lines; then `link`."""
    bold: Block = {"type": "text", "text": f"{label or '-'}{between}", "style": {"bold": True}}
    below: list[JsonValue] = [{"type": "text", "text": "\n"}] if "\n" in text and between != "\n" else []
    led: list[JsonValue] = [{"type": "text", "text": "\n" if "\n" in text else " · "}, link] if link else []
    return {"type": "rich_text_section", "elements": [bold, *below, *in_rich_text(text or "-"), *led]}


def link(address: str, text: str) -> Block:
    """A link to a page of ours, within a rich text."""
    return {"type": "link", "url": address, "text": text}


def _rich(kind: str, text: str) -> Block:
    """In rich text nothing is read as a command, so that nothing is escaped."""
    return {"type": "rich_text", "elements": [{"type": kind, "elements": [{"type": "text", "text": text or " "}]}]}
