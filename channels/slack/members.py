"""Who somebody is in Slack, who is in a Slack channel, and who we are there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from channels.slack.api import Answer, Calls, Refused
from channels.slack.remembered import Remembered

KEEPS_S = 60.0
"""So long may a change in Slack go unseen that decides nothing: that somebody left, what a Slack channel is called."""

WHO_KEEPS_S = 5.0
"""So long is remembered who somebody is: long enough for one who presses like a machine, and too short to fill in a
window that was opened as somebody else, such as a full member.
"""

_PAGE = 1_000
# Slack says of its own assistant that it is no bot.
_SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Home:
    """Our own identity: the workspace, our user and bot in it, the app ("" if Slack does not say), what it may do."""

    team: str
    bot_user: str
    bot_id: str
    app: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Member:
    """A user as Slack has them. `team` is theirs: not ours for who came through a shared channel.

    `is_guest` is true of both kinds of guests. `email` is "" without the scope `users:read.email`.
    """

    id: str
    team: str
    is_bot: bool
    is_guest: bool
    is_deleted: bool
    email: str
    name: str


class Members:
    """Asks Slack, and remembers it for a while. `clock` gives seconds that only grow."""

    def __init__(self, api: Calls, clock: Callable[[], float]) -> None:
        self._api = api
        self._homes = Remembered[Home](clock, float("inf"))
        self._who = Remembered[Member](clock, WHO_KEEPS_S)
        self._inside = Remembered[frozenset[str]](clock, KEEPS_S)

    async def home(self) -> Home:
        """Who we are, asked once. Raises Refused (a bad token), ChannelUnavailable."""
        return await self._homes.get("", self._ask_home)

    async def who(self, user: str) -> Member:
        """The user with this id. Raises Refused (`error` is `user_not_found`: there is none), ChannelUnavailable."""
        return await self._who.get(user, lambda: self._ask_who(user))

    async def inside(self, channel: str) -> frozenset[str]:
        """The ids of all who are in this Slack channel, bots too. Raises Refused, ChannelUnavailable."""
        return await self._inside.get(channel, lambda: self._ask_inside(channel))

    def forget(self, name: str) -> None:
        """Ask again about this user or Slack channel: something went otherwise than what we knew of it says."""
        self._who.forget(name)
        self._inside.forget(name)

    async def _ask_home(self) -> Home:
        answered = await self._api.ask("auth.test")
        found = {name: _word(answered.data, name) for name in ("team_id", "user_id", "bot_id")}
        return Home(
            found["team_id"], found["user_id"], found["bot_id"], await self._app(found["bot_id"]), answered.scopes
        )

    async def _app(self, bot: str) -> str:
        # auth.test names the app for app tokens only: https://docs.slack.dev/reference/methods/bots.info
        try:
            return _word(_object(await self._api.call("bots.info", bot=bot), "bot"), "app_id")
        except Refused:
            return ""

    async def _ask_who(self, user: str) -> Member:
        found = _object(await self._api.call("users.info", user, user=user), "user")
        profile = _object(found, "profile")
        return Member(
            id=_word(found, "id"),
            team=_word(found, "team_id"),
            is_bot=bool(found.get("is_bot")) or user == _SLACKBOT,
            is_guest=bool(found.get("is_restricted") or found.get("is_ultra_restricted")),
            is_deleted=bool(found.get("deleted")),
            email=_word(profile, "email"),
            name=_word(profile, "real_name") or _word(found, "name"),
        )

    async def _ask_inside(self, channel: str) -> frozenset[str]:
        found, cursor = set[str](), ""
        while True:
            page = await self._api.call("conversations.members", channel, channel=channel, limit=_PAGE, cursor=cursor)
            found.update(str(each) for each in cast("list[JsonValue]", page.get("members") or []))
            cursor = next_cursor(page)
            if not cursor:
                return frozenset(found)


def next_cursor(page: Answer) -> str:
    """Where the next page begins; "" after the last one."""
    return _word(_object(page, "response_metadata"), "next_cursor")


def _object(answer: Mapping[str, JsonValue], name: str) -> Answer:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _word(answer: Mapping[str, JsonValue], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""
