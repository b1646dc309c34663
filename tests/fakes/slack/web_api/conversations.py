"""conversations.*: https://docs.slack.dev/reference/methods?family=conversations"""

import base64
from itertools import takewhile
from typing import TypeVar

from tests.fakes.slack.model import Conversation, Json, Kind, Message
from tests.fakes.slack.web_api.call import Call, SlackError

T = TypeVar("T")
_KINDS: dict[str, Kind] = {"public_channel": "channel", "private_channel": "group", "im": "im"}


async def history(call: Call) -> Json:
    """conversations.history: top-level messages (and broadcast replies), newest first."""
    channel, oldest = _readable(call), float(call.text("oldest") or 0)
    since = takewhile(lambda one: float(one.ts) >= oldest, reversed(channel.messages.values()))
    top = (one for one in since if one.thread_ts in (None, one.ts) or one.flags.get("reply_broadcast"))
    chosen = [message for message in top if _in_time(call, message)]
    page, cursor = paged(call, chosen, 100, 999)
    with_metadata = call.flag("include_all_metadata")
    return {
        "messages": [channel.seen(message, with_metadata=with_metadata) for message in page],
        "has_more": bool(cursor), "pin_count": 0, "response_metadata": {"next_cursor": cursor},
    }  # fmt: skip


async def replies(call: Call) -> Json:
    """conversations.replies: the parent, then its replies, oldest first."""
    channel = _readable(call)
    ts = call.text("ts")
    if ts not in channel.messages and not channel.thread(ts):
        raise SlackError("thread_not_found")
    thread = channel.thread(ts)
    chosen = [message for message in thread if message.ts == ts or _in_time(call, message)]
    page, cursor = paged(call, chosen, 1000, 1000)
    with_metadata = call.flag("include_all_metadata")
    return {
        "messages": [channel.seen(message, with_metadata=with_metadata) for message in page],
        "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor},
    }  # fmt: skip


async def open_(call: Call) -> Json:
    """conversations.open, for a DM with one user."""
    call.need("im:write")
    names = [name for name in call.text("users").split(",") if name]
    if not names:
        return {"no_op": True, "already_open": True, "channel": {"id": call.conversation().id}}
    user = call.slack.users.get(names[0])
    if len(names) > 1:
        raise SlackError("method_not_supported_for_channel_type")
    if user is None or user.is_stranger:
        raise SlackError("user_not_found")
    if user.deleted:
        raise SlackError("user_disabled")
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    channel = call.slack.dm(user.id)
    seen = channel.to_json(bot=call.slack.settings.bot) if call.flag("return_im") else {"id": channel.id}
    return {"no_op": bool(channel.messages), "already_open": bool(channel.messages), "channel": seen}


async def info(call: Call) -> Json:
    """conversations.info."""
    channel = call.conversation()
    call.need_for_kind("read", channel.kind)
    seen = channel.to_json(bot=call.slack.settings.bot)
    if call.flag("include_num_members"):
        seen["num_members"] = len(channel.members)
    return {"channel": seen}


async def members(call: Call) -> Json:
    """conversations.members."""
    channel = call.conversation()
    call.need_for_kind("read", channel.kind)
    page, cursor = paged(call, channel.members, 100, 1000)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


async def list_(call: Call) -> Json:
    """conversations.list."""
    types = [name.strip() for name in call.text("types", "public_channel").split(",")]
    if set(types) - {*_KINDS, "mpim"}:
        raise SlackError("invalid_types")
    asked: list[Kind] = [_KINDS[name] for name in types if name in _KINDS]
    for kind in asked:
        call.need_for_kind("read", kind)
    bot = call.slack.settings.bot
    chosen = [
        each
        for each in call.slack.conversations.values()
        if each.kind in asked
        and (each.kind == "channel" or bot in each.members)
        and not (each.archived and call.flag("exclude_archived"))
    ]
    page, cursor = paged(call, chosen, 100, 999)
    return {"channels": [each.to_json(bot=bot) for each in page], "response_metadata": {"next_cursor": cursor}}


def paged(call: Call, items: list[T], default: int, most: int) -> tuple[list[T], str]:
    """The page a call asks for, and the cursor of the next one or ""."""
    size = call.number("limit", default, most)
    try:
        start = int(base64.b64decode(call.text("cursor")).decode().removeprefix("next:")) if call.text("cursor") else 0
    except ValueError:
        raise SlackError("invalid_cursor") from None
    rest = len(items) > start + size
    cursor = base64.b64encode(f"next:{start + size}".encode()).decode() if rest else ""
    return items[start : start + size], cursor


def _readable(call: Call) -> Conversation:
    channel = call.conversation()
    call.need_for_kind("history", channel.kind)
    if call.slack.settings.bot not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _in_time(call: Call, message: Message) -> bool:
    """Within `oldest` and `latest`, which are left out themselves unless `inclusive`."""
    at, oldest, latest = message.ts, call.text("oldest"), call.text("latest")
    if call.flag("inclusive") and at in (oldest, latest):
        return True
    return (not oldest or float(at) > float(oldest)) and (not latest or float(at) < float(latest))
