"""The one Slack this process pretends to be: its workspace, what it was told to do, and what it has seen."""

import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.fakes.slack.clock import Changes, Clock
from tests.fakes.slack.faults import Faults
from tests.fakes.slack.model import Conversation, Ephemeral, Json, Kind, Message, Trigger, User, View

# https://docs.slack.dev/interactivity/handling-user-interaction
TRIGGER_LIVES_S = ANSWER_WITHIN_S = 3

SCOPES = (
    "app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "files:read",
    "groups:history", "groups:read", "im:history", "im:write", "users:read", "users:read.email",
)  # fmt: skip
EVENTS = ("app_home_opened", "app_mention", "message.channels", "message.groups", "message.im")


@dataclass
class Settings:
    """The settings that an operator would have made at Slack, and the fake's own switches."""

    team: str = "T0TEAM"
    domain: str = "corp"
    app: str = "A0APP"
    # Of another app, if set: that is whose line it opens.
    app_of_app_token: str = ""
    bot: str = "U0BOT"
    bot_id: str = "B0BOT"
    bot_name: str = "sayso"
    bot_token: str = "xoxb-test"
    app_token: str = "xapp-test"
    signing_secret: str = "a-signing-secret"
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    app_scopes: list[str] = field(default_factory=lambda: ["connections:write"])
    events: list[str] = field(default_factory=lambda: list(EVENTS))
    revoked: bool = False
    socket_mode: bool = True
    events_url: str = ""
    interactions_url: str = ""
    commands_url: str = ""
    agent: bool = True
    rate_limit: bool = False
    # Slack waits three seconds for an answer, which only tests let pass, or so long where they say so; and it tries
    # events again "nearly immediately", after 1 and after 5 minutes: https://docs.slack.dev/apis/events-api#retries
    answer_within_s: float | None = None
    retry_after_s: list[float] = field(default_factory=lambda: [0.2, 60.0, 300.0])
    max_connections: int = 10


@dataclass
class Slack:
    """Everything. `address` is where this server listens, for the URLs it hands out."""

    address: str = ""
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=Clock)
    changes: Changes = field(default_factory=Changes)
    faults: Faults = field(default_factory=Faults)
    users: dict[str, User] = field(default_factory=dict[str, User])
    user_groups: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    conversations: dict[str, Conversation] = field(default_factory=dict[str, Conversation])
    views: dict[str, View] = field(default_factory=dict[str, View])
    homes: dict[str, View] = field(default_factory=dict[str, View])
    ephemerals: list[Ephemeral] = field(default_factory=list[Ephemeral])
    triggers: dict[str, Trigger] = field(default_factory=dict[str, Trigger])
    files: dict[str, Json] = field(default_factory=dict[str, Json])
    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    sessions: dict[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    # What people have chosen in a message and not sent: (user, channel, ts) -> block -> action -> state.
    chosen: dict[tuple[str, str, str], Json] = field(default_factory=lambda: defaultdict(dict[str, Any]))
    calls: list[Json] = field(default_factory=list[Json])
    violations: list[Json] = field(default_factory=list[Json])
    notices: list[Json] = field(default_factory=list[Json])
    # Who follows a thread: (channel, ts of its first message) -> users.
    followers: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set[str]))
    _ids: "count[int]" = field(default_factory=lambda: count(1))
    _last_ts: int = 0

    def __post_init__(self) -> None:
        s = self.settings
        self.users[s.bot] = User(s.bot, s.bot_name, s.bot_name, "", s.team, is_bot=True)

    def reset(self) -> None:
        """As at the start. The count of changes goes on, for who waits for the next one."""
        fresh = Slack(self.address, changes=self.changes)
        vars(self).update(vars(fresh))
        self.changes.note()

    def new_id(self, prefix: str) -> str:
        return f"{prefix}0{next(self._ids):05X}"

    def new_ts(self) -> str:
        """The id of a message: seconds with six digits, never the same twice, always growing."""
        self._last_ts = max(int(self.clock.now() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_hash(self) -> str:
        return f"{int(self.clock.now())}.{secrets.token_hex(4)}"

    def bot_profile(self) -> Json:
        s = self.settings
        return {
            "id": s.bot_id, "app_id": s.app, "user_id": s.bot, "name": s.bot_name, "deleted": False,
            "updated": 1700000000, "team_id": s.team, "icons": {},
        }  # fmt: skip

    def conversation(self, ref: str) -> Conversation | None:
        """By id, or by name with or without its hash mark."""
        if found := self.conversations.get(ref):
            return found
        name = ref.removeprefix("#")
        return next((each for each in self.conversations.values() if each.name == name and name), None)

    def user(self, ref: str) -> User | None:
        """By id or by name."""
        return self.users.get(ref) or next((user for user in self.users.values() if user.name == ref), None)

    def open_conversation(self, kind: Kind, name: str, members: list[str], *, shared: bool = False) -> Conversation:
        prefix = {"channel": "C", "group": "C", "im": "D"}[kind]
        made = Conversation(self.new_id(prefix), kind, name, members, shared=shared, created=int(self.clock.now()))
        self.conversations[made.id] = made
        return made

    def dm(self, user: str) -> Conversation:
        """The DM of this user with the bot, made when there is none."""
        pair = {user, self.settings.bot}
        found = next((c for c in self.conversations.values() if c.kind == "im" and set(c.members) == pair), None)
        return found or self.open_conversation("im", "", [user, self.settings.bot])

    def message(self, channel: str, ts: str) -> Message | None:
        found = self.conversations.get(channel)
        return found.messages.get(ts) if found else None

    def new_trigger(self, user: str, view: str | None = None) -> str:
        """Good for one view, for three seconds."""
        name = f"{next(self._ids)}.{next(self._ids)}.{secrets.token_hex(8)}"
        self.triggers[name] = Trigger(user, self.clock.moved_s + TRIGGER_LIVES_S, view)
        return name

    def new_response_url(self) -> str:
        """A URL with a secret in it; this fake takes no post there."""
        return f"{self.address}/actions/{self.settings.team}/{next(self._ids)}/{secrets.token_hex(12)}"

    def violation(self, method: str, rule: str, where: str = "", *, refused: bool = True) -> None:
        """Slack would not have this, or should not have got it: recorded for `GET /control/violations`."""
        self.violations.append({"method": method, "rule": rule, "where": where, "refused": refused})
        self.changes.note()
