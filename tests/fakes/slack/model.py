"""The parts of a Slack workspace, and how each looks on the wire.

Shapes follow the object pages of https://docs.slack.dev/reference/objects and the samples of Slack's own SDKs.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal, cast

Json = dict[str, Any]
Kind = Literal["channel", "group", "im"]


def as_json(value: Any) -> Json:
    """An object as it is; anything else as an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A list as it is; anything else as an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


@dataclass
class User:
    """A member, a guest, a bot, or somebody of another workspace whom a shared channel brought here."""

    id: str
    name: str
    real_name: str
    email: str
    team_id: str
    tz: str = "Europe/Berlin"
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    enterprise_user: Json = field(default_factory=dict[str, Any])

    def to_json(self, *, with_email: bool) -> Json:
        profile: Json = {
            "title": "", "phone": "", "skype": "", "real_name": self.real_name, "display_name": self.name,
            "real_name_normalized": self.real_name, "display_name_normalized": self.name, "status_text": "",
            "status_emoji": "", "avatar_hash": "g0", "team": self.team_id,
        }  # fmt: skip
        if with_email and self.email and not self.is_bot:
            profile["email"] = self.email
        seen: Json = {
            "id": self.id, "team_id": self.team_id, "name": self.name, "deleted": self.deleted, "profile": profile,
            "is_bot": self.is_bot, "is_app_user": False, "updated": 1700000000,
        }  # fmt: skip
        if not self.team_id:
            del seen["team_id"]
        if self.enterprise_user:
            seen["enterprise_user"] = self.enterprise_user
        if self.deleted:
            return seen
        seen |= {
            "color": "9f69e7", "real_name": self.real_name, "tz": self.tz, "tz_label": self.tz, "tz_offset": 0,
            "is_admin": False, "is_owner": False, "is_primary_owner": False, "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted, "is_email_confirmed": True,
        }  # fmt: skip
        # Only there when true: "belongs to another workspace and is in no channel shared with yours".
        return seen | ({"is_stranger": True} if self.is_stranger else {})


@dataclass
class Message:
    """One message. `versions` is what it looked like before each edit, `flags` what else it was sent with."""

    channel: str
    ts: str
    user: str
    team: str
    text: str
    blocks: list[Json] = field(default_factory=list[Json])
    thread_ts: str | None = None
    parent_user: str | None = None
    bot: Json | None = None
    subtype: str | None = None
    client_msg_id: str | None = None
    files: list[Json] = field(default_factory=list[Json])
    metadata: Json | None = None
    edited: Json | None = None
    flags: Json = field(default_factory=Json)
    versions: list[Json] = field(default_factory=list[Json])

    def to_json(self, *, with_metadata: bool = False) -> Json:
        seen: Json = {"type": "message", "user": self.user, "team": self.team, "ts": self.ts, "text": self.text}
        for name in ("subtype", "client_msg_id", "thread_ts", "edited"):
            if (value := getattr(self, name)) is not None:
                seen[name] = value
        if self.bot:
            seen |= {"bot_id": self.bot["id"], "app_id": self.bot["app_id"], "bot_profile": self.bot}
        if self.parent_user and self.thread_ts != self.ts:
            seen["parent_user_id"] = self.parent_user
        if self.blocks:
            seen["blocks"] = self.blocks
        if self.files:
            seen |= {"files": self.files, "upload": False, "display_as_bot": False}
        if with_metadata and self.metadata:
            seen["metadata"] = self.metadata
        return seen


class Messages(dict[str, Message]):
    """The messages of a conversation by ts, and which of them reply to which: a storm has thousands."""

    def __init__(self) -> None:
        super().__init__()
        self.replies: dict[str, list[Message]] = defaultdict(list)

    def __setitem__(self, ts: str, message: Message) -> None:
        super().__setitem__(ts, message)
        if message.thread_ts not in (None, ts):
            self.replies[message.thread_ts or ""].append(message)

    def __delitem__(self, ts: str) -> None:
        message = self[ts]
        super().__delitem__(ts)
        if message.thread_ts not in (None, ts):
            self.replies[message.thread_ts or ""].remove(message)


@dataclass
class Conversation:
    """A Slack channel, public (`channel`) or private (`group`), or a DM (`im`), with its messages by ts."""

    id: str
    kind: Kind
    name: str = ""
    members: list[str] = field(default_factory=list[str])
    archived: bool = False
    shared: bool = False
    created: int = 1700000000
    messages: Messages = field(default_factory=Messages)

    def to_json(self, *, bot: str) -> Json:
        if self.kind == "im":
            other = next((member for member in self.members if member != bot), bot)
            return {
                "id": self.id, "created": self.created, "is_im": True, "is_org_shared": False, "user": other,
                "is_archived": False, "is_user_deleted": False, "is_open": True, "context_team_id": "T0TEAM",
            }  # fmt: skip
        return {
            "id": self.id, "name": self.name, "name_normalized": self.name, "is_channel": self.kind == "channel",
            "is_group": self.kind == "group", "is_im": False, "is_mpim": False, "is_private": self.kind == "group",
            "created": self.created, "is_archived": self.archived, "is_general": False, "unlinked": 0,
            "is_shared": self.shared, "is_ext_shared": self.shared, "is_org_shared": False,
            "is_pending_ext_shared": False, "pending_shared": [], "creator": bot, "is_member": bot in self.members,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0}, "previous_names": [],
        }  # fmt: skip

    def thread(self, ts: str) -> list[Message]:
        """The parent and its replies, oldest first."""
        parent = self.messages.get(ts)
        return [*([parent] if parent else []), *self.messages.replies.get(ts, [])]

    def seen(self, message: Message, *, with_metadata: bool = False) -> Json:
        """The message with what Slack adds to the parent of a thread."""
        json = message.to_json(with_metadata=with_metadata)
        if replies := self.messages.replies.get(message.ts):
            users = list(dict.fromkeys(reply.user for reply in replies))
            json |= {
                "thread_ts": message.ts, "reply_count": len(replies), "reply_users_count": len(users),
                "latest_reply": replies[-1].ts, "reply_users": users, "is_locked": False, "subscribed": False,
            }  # fmt: skip
        return json


@dataclass
class View:
    """A modal or an App Home of one user. `given` is what the app sent, `values` what the user has put in.

    `team` is the user's, `installed_team` the app's: they differ for who came through a shared channel.
    """

    id: str
    user: str
    team: str
    installed_team: str
    given: Json
    hash: str
    app_id: str
    bot_id: str
    root: str
    previous: str | None = None
    values: Json = field(default_factory=Json)
    errors: dict[str, str] = field(default_factory=dict[str, str])

    def to_json(self) -> Json:
        seen: Json = {
            "id": self.id, "team_id": self.team, "type": self.given["type"], "blocks": self.given["blocks"],
            "private_metadata": self.given.get("private_metadata", ""),
            "callback_id": self.given.get("callback_id", ""), "state": {"values": self.values}, "hash": self.hash,
            "title": self.given.get("title"), "clear_on_close": bool(self.given.get("clear_on_close")),
            "notify_on_close": bool(self.given.get("notify_on_close")), "close": self.given.get("close"),
            "submit": self.given.get("submit"), "previous_view_id": self.previous, "root_view_id": self.root,
            "app_id": self.app_id, "external_id": self.given.get("external_id", ""),
            "app_installed_team_id": self.installed_team, "bot_id": self.bot_id,
        }  # fmt: skip
        return seen


@dataclass
class Ephemeral:
    """A message that one user alone sees, until they reload."""

    channel: str
    user: str
    ts: str
    text: str
    blocks: list[Json]
    thread_ts: str | None = None

    def to_json(self) -> Json:
        return {
            "channel": self.channel, "user": self.user, "ts": self.ts, "text": self.text, "blocks": self.blocks,
            "thread_ts": self.thread_ts,
        }  # fmt: skip


@dataclass
class Trigger:
    """A trigger id: good for one view, for three seconds (https://docs.slack.dev/interactivity/handling-user-interaction)."""

    user: str
    until_s: float
    view: str | None = None
    used: bool = False
