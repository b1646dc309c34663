"""A person's typed text, as Slack sends it on: `text` with escapes and control sequences, and a rich text block.

https://docs.slack.dev/messaging/formatting-message-text: `&`, `<`, `>` become entities; mentions, channels, links and
`@here` become `<…>`.
"""

import re
import secrets
from collections.abc import Iterator

from tests.fakes.slack.model import Json
from tests.fakes.slack.state import Slack

_MARK = re.compile(r"(?<!\w)@(?P<at>[\w.-]*\w)|(?<!\w)#(?P<hash>[\w-]+)|(?P<url>https?://[^\s<>]+)")
_ALL = ("channel", "here", "everyone")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_sent(slack: Slack, typed: str) -> tuple[str, list[Json]]:
    """The `text` and the `blocks` of a message that was typed so."""
    pieces = list(_pieces(slack, typed))
    block: Json = {
        "type": "rich_text",
        "block_id": secrets.token_urlsafe(4)[:5],
        "elements": [{"type": "rich_text_section", "elements": [element for _, element in pieces]}],
    }
    return "".join(text for text, _ in pieces), [block] if pieces else []


def _pieces(slack: Slack, typed: str) -> Iterator[tuple[str, Json]]:
    at = 0
    for found in _MARK.finditer(typed):
        piece = _marked(slack, found)
        if piece is None:
            continue
        if before := typed[at : found.start()]:
            yield escape(before), {"type": "text", "text": before}
        yield piece
        at = found.end()
    if rest := typed[at:]:
        yield escape(rest), {"type": "text", "text": rest}


def _marked(slack: Slack, found: "re.Match[str]") -> tuple[str, Json] | None:
    if name := found["at"]:
        if name in _ALL:
            return f"<!{name}>", {"type": "broadcast", "range": name}
        user = slack.user(name)
        return (f"<@{user.id}>", {"type": "user", "user_id": user.id}) if user else None
    if name := found["hash"]:
        channel = slack.conversation(name)
        return (f"<#{channel.id}|{channel.name}>", {"type": "channel", "channel_id": channel.id}) if channel else None
    url = found["url"]
    return f"<{escape(url)}>", {"type": "link", "url": url}
