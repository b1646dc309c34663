"""Slack's mrkdwn as HTML: https://docs.slack.dev/messaging/formatting-message-text"""

import re
from datetime import UTC, datetime
from html import escape, unescape
from zoneinfo import ZoneInfo

from tests.fakes.slack.state import Slack

_CODE = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
_SEQUENCE = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])"), "b"),
    (re.compile(r"(?<!\w)_(?=\S)([^_\n]*?\S)_(?!\w)"), "i"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]*?\S)~(?![\w~])"), "s"),
)
_EMOJI = {
    "white_check_mark": "✅", "x": "❌", "warning": "⚠️", "hourglass_flowing_sand": "⏳", "rocket": "🚀", "lock": "🔒",
    "no_entry": "⛔", "bell": "🔔", "question": "❓", "speech_balloon": "💬", "octagonal_sign": "🛑", "eyes": "👀",
    "large_yellow_circle": "🟡", "large_green_circle": "🟢", "red_circle": "🔴",
}  # fmt: skip
_FORMATS = {
    "date_num": "%Y-%m-%d", "date": "%B %-d, %Y", "date_short": "%b %-d, %Y", "date_long": "%A, %B %-d, %Y",
    "date_pretty": "%B %-d, %Y", "date_short_pretty": "%b %-d, %Y", "date_long_pretty": "%A, %B %-d, %Y",
    "day_divider_pretty": "%A, %B %-d", "time": "%-I:%M %p", "time_secs": "%-I:%M:%S %p",
}  # fmt: skip


class Mrkdwn:
    """For one reader, in their time zone."""

    def __init__(self, slack: Slack, tz: str) -> None:
        self._slack, self._zone = slack, ZoneInfo(tz)

    def html(self, text: str) -> str:
        """Code first: nothing inside it means anything."""
        made, at = "", 0
        for found in _CODE.finditer(text):
            made += self._prose(text[at : found.start()])
            block, inline = found.groups()
            made += f"<pre>{_literal(block.strip(chr(10)))}</pre>" if block else f"<code>{_literal(inline)}</code>"
            at = found.end()
        return made + self._prose(text[at:])

    def plain(self, text: str) -> str:
        """A plain_text object: shown as it is, emoji names apart."""
        return _emoji(escape(text)).replace("\n", "<br>")

    def mention(self, user: str) -> str:
        found = self._slack.users.get(user)
        return f'<span class="mention">@{escape(found.name if found else user)}</span>'

    def _prose(self, text: str) -> str:
        kept: list[str] = []

        def keep(found: "re.Match[str]") -> str:
            kept.append(self._sequence(found[1], found[2], found[3]))
            return f"\0{len(kept) - 1}\0"

        made = escape(unescape(_SEQUENCE.sub(keep, text)), quote=False)
        for pattern, tag in _STYLES:
            made = pattern.sub(rf"<{tag}>\1</{tag}>", made)
        lines = [f"<q>{line[4:].strip()}</q>" if line.startswith("&gt;") else line for line in made.split("\n")]
        made = _emoji("<br>".join(lines)).replace("</q><br>", "</q>")
        return re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], made)

    def _sequence(self, sign: str, what: str, label: str | None) -> str:
        if sign == "@":
            return self.mention(what)
        if sign == "#":
            found = self._slack.conversations.get(what)
            return f'<span class="mention">#{escape(found.name if found else label or what)}</span>'
        if sign == "!":
            return self._special(what, label)
        words = label if label is not None else what
        return f'<a href="{escape(unescape(what))}">{escape(unescape(words))}</a>'

    def _special(self, what: str, label: str | None) -> str:
        if what.startswith("date^"):
            parts = [*what.split("^"), "", ""]
            return escape(self.date(parts[1], parts[2], label or ""))
        return f'<span class="mention everybody">@{escape(what.partition("^")[0])}</span>'

    def date(self, timestamp: str, shown: str, fallback: str) -> str:
        """A moment as the reader sees it: https://docs.slack.dev/messaging/formatting-message-text#date-formatting"""
        try:
            at = datetime.fromtimestamp(int(timestamp), UTC).astimezone(self._zone)
            return re.sub(r"\{(\w+)\}", lambda found: self._part(at, found[1]), shown)
        except (ValueError, KeyError, OverflowError):
            return unescape(fallback)

    def _part(self, at: datetime, name: str) -> str:
        today = datetime.fromtimestamp(self._slack.clock.now(), UTC).astimezone(self._zone).date()
        near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((at.date() - today).days)
        return near if near and name.endswith("_pretty") and name.startswith("date") else at.strftime(_FORMATS[name])


def _literal(text: str) -> str:
    return escape(unescape(text), quote=False)


def _emoji(html: str) -> str:
    return re.sub(r":([a-z_]+):", lambda found: _EMOJI.get(found[1], found[0]), html)
