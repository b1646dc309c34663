"""chat.*: messages, and what one user alone sees. https://docs.slack.dev/reference/methods?family=chat"""

from tests.fakes.slack import notices, payloads
from tests.fakes.slack.model import Conversation, Ephemeral, Json, Message
from tests.fakes.slack.web_api.call import Call, SlackError
from tests.fakes.slack.web_api.content import metadata, shown

_FLAGS = ("unfurl_links", "unfurl_media", "mrkdwn", "link_names", "parse", "reply_broadcast", "username", "icon_emoji")


async def post_message(call: Call) -> Json:
    """chat.postMessage."""
    call.need("chat:write")
    channel = _place(call)
    text, blocks = shown(call)
    about = metadata(call)
    s = call.slack.settings
    thread_ts = call.text("thread_ts") or None
    message = Message(
        channel.id, call.slack.new_ts(), s.bot, s.team, text, blocks or [], bot=call.slack.bot_profile(),
        metadata=about, flags={name: call.args[name] for name in _FLAGS if name in call.args},
    )  # fmt: skip
    if thread_ts:
        # A ts that is no message makes a reply to nothing at Slack too.
        parent = channel.messages.get(thread_ts)
        message.thread_ts = (parent.thread_ts or parent.ts) if parent else thread_ts
        message.parent_user = parent.user if parent else None
    channel.messages[message.ts] = message
    notices.note(call.slack, channel, message)
    call.deliveries.event(payloads.message_event(call.slack, message, channel))
    return {"channel": channel.id, "ts": message.ts, "message": message.to_json(with_metadata=True)}


async def update(call: Call) -> Json:
    """chat.update."""
    call.need("chat:write")
    channel, message = _own(call, "cant_update_message")
    if channel.archived:
        raise SlackError("is_inactive")
    text, blocks = shown(call)
    about = metadata(call)
    before = channel.seen(message)
    message.versions.append(before)
    _warn_of_same_ids(call, message, blocks)
    # "If text is provided and blocks are not provided, the blocks will be removed"; "edited" shows without blocks only.
    message.blocks = blocks if blocks is not None else ([] if "text" in call.args else message.blocks)
    message.text = text if "text" in call.args else message.text
    if about is not None:
        message.metadata = about or None
    ts = call.slack.new_ts()
    message.edited = None if message.blocks else {"user": message.user, "ts": ts}
    call.deliveries.event(payloads.changed_event(call.slack, message, channel, before, ts))
    seen = message.to_json(with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": seen}


async def delete(call: Call) -> Json:
    """chat.delete."""
    call.need("chat:write")
    channel, message = _own(call, "cant_delete_message")
    del channel.messages[message.ts]
    call.deliveries.event(payloads.deleted_event(message, channel, call.slack.new_ts()))
    return {"channel": channel.id, "ts": message.ts}


async def post_ephemeral(call: Call) -> Json:
    """chat.postEphemeral."""
    call.need("chat:write")
    channel = _place(call)
    user = call.slack.users.get(call.text("user"))
    if user is None or user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = shown(call)
    ts = call.slack.new_ts()
    alone = Ephemeral(channel.id, user.id, ts, text, blocks or [], call.text("thread_ts") or None)
    call.slack.ephemerals.append(alone)
    return {"message_ts": ts}


def _place(call: Call) -> Conversation:
    """Return where a post goes: a channel by id or name, a DM by its id or the user's."""
    slack, ref = call.slack, call.text("channel")
    user = slack.users.get(ref)
    if user and user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user and user.is_stranger:
        raise SlackError("channel_not_found")
    channel = slack.dm(user.id) if user else slack.conversation(ref)
    member = channel is not None and slack.settings.bot in channel.members
    if channel is None or (channel.kind != "channel" and not member):
        raise SlackError("channel_not_found")
    if channel.archived:
        raise SlackError("is_archived")
    if not member and "chat:write.public" not in call.granted():
        raise SlackError("not_in_channel")
    return channel


def _own(call: Call, not_ours: str) -> tuple[Conversation, Message]:
    channel = call.conversation()
    message = channel.messages.get(call.text("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.user != call.slack.settings.bot:
        raise SlackError(not_ours)
    return channel, message


def _warn_of_same_ids(call: Call, message: Message, blocks: list[Json] | None) -> None:
    """Clients keep what was put into a block: "If a message is updated, use a new block_id"."""
    before = {block["block_id"]: block for block in message.blocks}
    for block in blocks or []:
        same = before.get(block["block_id"])
        if same and same != block and block["type"] in ("actions", "input"):
            call.slack.violation(
                call.method, f"block_id {block['block_id']!r} again, for a block that has changed", refused=False
            )
