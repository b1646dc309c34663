"""Who somebody is in Slack, who is in a Slack channel, and who we are there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from channels.slack.api import Answer, Calls, Refused, Unauthorized
from channels.slack.payload import Json, part, word
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
class Ourselves:
    """The workspace we are in, our user and bot there, the app ("" if Slack does not say), what it may do.

    `enterprise` is the organization that the workspace belongs to, "" for most.
    """

    team: str
    bot_user: str
    bot_id: str
    app: str
    scopes: frozenset[str]
    enterprise: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A user as Slack has them: https://docs.slack.dev/reference/objects/user-object. What is missing is "" or False.

    `team` is theirs: not ours for who came through a shared channel, and `is_stranger` is true of some of these. In an
    organization of several workspaces (Enterprise Grid) it may be missing; `teams` are the organization and the
    workspaces that they belong to: https://docs.slack.dev/reference/objects/user-object#enterprise-grid.
    `is_guest` is true of both kinds of guests. `email` is "" without the scope `users:read.email`. `name` is what they
    log in with, `real_name` what they are called.
    """

    id: str
    team: str
    name: str
    real_name: str
    email: str
    timezone: str
    is_deleted: bool = False
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    teams: frozenset[str] = frozenset()


class Members:
    """Asks Slack, and remembers it for a while. `clock` gives seconds that only grow."""

    def __init__(self, api: Calls, clock: Callable[[], float]) -> None:
        self._api = api
        self._ourselves = Remembered[Ourselves](clock, float("inf"))
        self._who = Remembered[Member](clock, WHO_KEEPS_S)
        self._inside = Remembered[frozenset[str]](clock, KEEPS_S)

    async def ourselves(self) -> Ourselves:
        """Who we are, asked once. Raises Unauthorized (a bad token), ChannelUnavailable."""
        return await self._ourselves.get("", self._ask_ourselves)

    async def check(self) -> None:
        """Ask anew whether Slack takes our token. Raises Unauthorized, ChannelUnavailable."""
        await self._api.ask("auth.test")

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

    async def _ask_ourselves(self) -> Ourselves:
        answered = await self._api.ask("auth.test")
        team, bot_user, bot_id = (word(answered.data, name) for name in ("team_id", "user_id", "bot_id"))
        enterprise = word(answered.data, "enterprise_id")
        return Ourselves(team, bot_user, bot_id, await self._app(bot_id), answered.scopes, enterprise)

    async def _app(self, bot: str) -> str:
        # auth.test names the app for app tokens only: https://docs.slack.dev/reference/methods/bots.info
        try:
            return word(await self._api.call("bots.info", bot=bot), "bot", "app_id")
        except (Refused, Unauthorized):  # the token is good: who we are was answered
            return ""

    async def _ask_who(self, user: str) -> Member:
        return member_of(part(await self._api.call("users.info", user, user=user), "user"))

    async def _ask_inside(self, channel: str) -> frozenset[str]:
        found, cursor = set[str](), ""
        while True:
            page = await self._api.call("conversations.members", channel, channel=channel, limit=_PAGE, cursor=cursor)
            found.update(str(each) for each in cast("list[JsonValue]", page.get("members") or []))
            cursor = next_cursor(page)
            if not cursor:
                return frozenset(found)


def member_of(user: Json) -> Member:
    """A user as `users.info` and `users.list` tell them."""
    return Member(
        id=word(user, "id"),
        team=word(user, "team_id"),
        name=word(user, "name"),
        real_name=word(user, "profile", "real_name") or word(user, "real_name"),
        email=word(user, "profile", "email"),
        timezone=word(user, "tz"),
        is_deleted=bool(user.get("deleted")),
        is_bot=bool(user.get("is_bot")) or word(user, "id") == _SLACKBOT,
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_stranger=bool(user.get("is_stranger")),
        teams=_teams(user),
    )


def _teams(user: Json) -> frozenset[str]:
    """All that says where somebody is at home."""
    within = part(user, "enterprise_user")
    listed = within.get("teams")
    named = [str(each) for each in listed] if isinstance(listed, list) else []
    enterprise = (word(within, "enterprise_id"), word(user, "enterprise_id"))
    return frozenset(filter(None, (word(user, "team_id"), *enterprise, *named)))


def next_cursor(page: Answer) -> str:
    """Where the next page begins; "" after the last one."""
    return word(page, "response_metadata", "next_cursor")
