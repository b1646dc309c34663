"""The actions of scripted people: write, edit, delete, press, choose, fill in, send, open their App Home.

Each function does to the workspace what Slack's client would, and sends the app what Slack would send.
"""

import uuid
from typing import Any

from tests.fakes.slack import elements, notices, payloads
from tests.fakes.slack.delivery import Deliveries, Parcel
from tests.fakes.slack.model import Conversation, Ephemeral, Json, Message, User, View, as_json
from tests.fakes.slack.state import Slack
from tests.fakes.slack.typed import as_sent
from tests.fakes.slack.web_api.call import SlackError
from tests.fakes.slack.web_api.content import checked


class Impossible(Exception):
    """Nobody could do that in Slack: there is no such thing to see or to press."""


class People:
    """All scripted people of one workspace."""

    def __init__(self, slack: Slack, deliveries: Deliveries) -> None:
        self._slack, self._deliveries = slack, deliveries

    def user(self, ref: str) -> User:
        if user := self._slack.user(ref):
            return user
        raise Impossible(
            f"there is nobody called {ref}; there are {', '.join(u.name for u in self._slack.users.values())}"
        )

    def place(self, user: User, ref: str) -> Conversation:
        """A channel by id or name, or the user's DM with the bot by `@` and its name."""
        if ref.startswith("@"):
            return self._slack.dm(user.id)
        channel = self._slack.conversation(ref)
        if channel is None or user.id not in channel.members:
            raise Impossible(f"{user.name} is not in {ref}")
        return channel

    def say(
        self, user: User, channel: Conversation, typed: str, thread_ts: str | None = None,
        files: list[Json] | None = None, extra: Json | None = None,
    ) -> Message:  # fmt: skip
        """Post what was typed. A mention of the bot in a channel comes as two events."""
        slack = self._slack
        text, blocks = as_sent(slack, typed)
        parent = channel.messages.get(thread_ts or "")
        message = Message(
            channel.id, slack.new_ts(), user.id, user.team_id, text, blocks, thread_ts=thread_ts,
            parent_user=parent.user if parent else None, client_msg_id=str(uuid.uuid4()),
            subtype="file_share" if files else None, files=files or [],
        )  # fmt: skip
        for name, value in (extra or {}).items():
            setattr(message, name, value)
        channel.messages[message.ts] = message
        notices.note(slack, channel, message)
        self._tell(message, channel, text)
        slack.changes.note()
        return message

    def _tell(self, message: Message, channel: Conversation, text: str) -> None:
        bot = self._slack.settings.bot
        if bot not in channel.members:
            return
        event = payloads.message_event(self._slack, message, channel)
        self._deliveries.event(event)
        if f"<@{bot}>" in text and channel.kind != "im":
            mention = {name: value for name, value in event.items() if name not in ("channel_type", "subtype")}
            self._deliveries.event(mention | {"type": "app_mention"})

    def edit(self, user: User, message: Message, typed: str) -> None:
        channel = self._slack.conversations[message.channel]
        before = channel.seen(message)
        message.versions.append(before)
        message.text, message.blocks = as_sent(self._slack, typed)
        ts = self._slack.new_ts()
        message.edited = {"user": user.id, "ts": ts}
        if self._slack.settings.bot in channel.members:
            self._deliveries.event(payloads.changed_event(self._slack, message, channel, before, ts))
        self._slack.changes.note()

    def delete(self, message: Message) -> None:
        """Delete it; of the first message of a thread a tombstone stays, and Slack tells of an edit."""
        channel, ts = self._slack.conversations[message.channel], self._slack.new_ts()
        if channel.messages.replies.get(message.ts):
            before = channel.seen(message)
            message.versions.append(before)
            message.user, message.subtype, message.blocks = "USLACKBOT", "tombstone", []
            message.text, message.edited = "This message was deleted.", None
            event = payloads.changed_event(self._slack, message, channel, before, ts)
        else:
            del channel.messages[message.ts]
            event = payloads.deleted_event(message, channel, ts)
        if self._slack.settings.bot in channel.members:
            self._deliveries.event(event)
        self._slack.changes.note()

    def join(self, user: User, channel: Conversation) -> None:
        """Become a member, with the message that Slack writes about it."""
        if user.id in channel.members:
            return
        channel.members.append(user.id)
        ts = self._slack.new_ts()
        text = f"<@{user.id}> has joined the channel"
        message = Message(channel.id, ts, user.id, user.team_id, text, subtype="channel_join")
        channel.messages[ts] = message
        self._tell(message, channel, "")
        self._slack.changes.note()

    def leave(self, user: User, channel: Conversation) -> None:
        channel.members.remove(user.id)
        self._slack.changes.note()

    async def command(self, user: User, channel: Conversation, command: str, text: str) -> Parcel:
        """Type a slash command; the words of its answer show to the user alone."""
        payload = payloads.slash_command(self._slack, user, channel, command, text)
        parcel = await self._deliveries.ask("slash_commands", payload)
        if answer := as_json(parcel.answer):
            self._answered(user, channel, answer)
        return parcel

    def _answered(self, user: User, channel: Conversation, answer: Json) -> None:
        if set(answer) - {"response_type", "text", "blocks"} or answer.get("response_type", "ephemeral") != "ephemeral":
            self._slack.violation("slash_commands", "an answer that this fake cannot show")
            return
        text = str(answer.get("text") or "")
        try:
            blocks = checked(self._slack, "slash_commands", text, answer.get("blocks"))
        except SlackError:
            return
        self._slack.ephemerals.append(Ephemeral(channel.id, user.id, self._slack.new_ts(), text, blocks or []))
        self._slack.changes.note()

    async def shortcut(self, user: User, message: Message, callback_id: str) -> Parcel:
        """Choose a message shortcut from the menu of a message."""
        payload = payloads.message_action(self._slack, user, message, callback_id)
        return await self._deliveries.ask("interactive", payload)

    def open_home(self, user: User, tab: str = "home") -> None:
        """Look at the bot's App Home, which the app hears of."""
        event: Json = {
            "type": "app_home_opened", "user": user.id, "channel": self._slack.dm(user.id).id, "tab": tab,
            "event_ts": self._slack.new_ts(),
        }  # fmt: skip
        if tab == "home" and (home := self._slack.homes.get(user.id)):
            event["view"] = home.to_json()
        self._deliveries.event(event)

    async def use(
        self,
        user: User,
        seen: Message | Ephemeral | View,
        what: str,
        value: Any = None,
        *,
        old: list[Json] | None = None,
    ) -> Parcel:
        """Press the button, or choose in the menu, that is called `what` (its label or action id).

        `old` are the blocks of an earlier version, as a client shows them that has not heard of the change yet.
        """
        blocks = seen.given["blocks"] if isinstance(seen, View) else seen.blocks
        block_id, element = elements.find(blocks if old is None else old, what)
        chosen = what if element["type"] == "overflow" and value is None else value
        action = elements.action(block_id, element, chosen, self._slack.new_ts())
        values = self._values(user, seen)
        if (state := elements.state(element, value)) is not None:
            values.setdefault(block_id, {})[element["action_id"]] = state
        payload = payloads.block_actions(self._slack, user, action, seen, elements.all_values(blocks, values))
        if isinstance(seen, View):
            payload["view"]["state"] = {"values": elements.all_values(blocks, values)}
        return await self._deliveries.ask("interactive", payload)

    def choose(self, user: User, seen: Message | View, what: str, value: Any) -> None:
        """Put something into an input, without sending it."""
        blocks = seen.given["blocks"] if isinstance(seen, View) else seen.blocks
        block_id, element = elements.find(blocks, what)
        state = elements.state(element, value)
        if state is None:
            raise Impossible(f"nothing can be put into {what}: it is a {element['type']}")
        self._values(user, seen).setdefault(block_id, {})[element["action_id"]] = state
        self._slack.changes.note()

    def _values(self, user: User, seen: Message | Ephemeral | View) -> Json:
        return seen.values if isinstance(seen, View) else self._slack.chosen[user.id, seen.channel, seen.ts]
