"""Look up who somebody is in Slack, who is in a Slack channel, and who we are there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from pydantic import JsonValue

from channels import ChannelUnavailable, Contact, Directory
from channels.asking import Asking
from channels.slack.api import Ambiguous, Answer, Calls, Refused, Unauthorized
from channels.slack.inbound import Json, part, word
from language import Language, say, speaking

T = TypeVar("T")

_MOST = 5_000


@dataclass(frozen=True, slots=True)
class _Known(Generic[T]):
    """A `value`, known until then, and the number of the question that it answers."""

    value: T
    until_s: float
    turn: int


class Remembered(Generic[T]):
    """Values by name, each for `keeps_s` by `clock` (seconds that only grow). An error is never kept."""

    def __init__(self, clock: Callable[[], float], keeps_s: float) -> None:
        self._clock, self._keeps_s = clock, keeps_s
        self._values = dict[str, _Known[T]]()
        self._asking = dict[str, Asking]()
        self._turn = 0

    async def get(self, name: str, ask: Callable[[], Awaitable[T]], *, anew: bool = False) -> T:
        """Return what is known under `name`, else what `ask` finds. Raises what `ask` raises.

        With `anew` only what is asked from now on is known: many who want it so at once share one question.
        """
        since = self._turn if anew else -1
        if (known := self._known(name, since)) is not None:
            return known.value
        asking = self._asking.setdefault(name, Asking())
        try:
            async with asking.turn():
                if (known := self._known(name, since)) is None:
                    self.forget(name)
                    self._turn = turn = self._turn + 1
                    known = _Known(await ask(), self._clock() + self._keeps_s, turn)
                    self._make_room()
                    self._values[name] = known
                return known.value
        finally:
            if not asking.is_asked:
                self._asking.pop(name, None)

    def forget(self, name: str) -> None:
        """Ask again the next time."""
        self._values.pop(name, None)

    def _known(self, name: str, since: int) -> _Known[T] | None:
        known = self._values.get(name)
        return known if known and self._clock() < known.until_s and known.turn > since else None

    def _make_room(self) -> None:
        if len(self._values) >= _MOST:
            now = self._clock()
            self._values = {name: known for name, known in self._values.items() if now < known.until_s}
        if len(self._values) >= _MOST:
            self._values.clear()


KEEPS_S = 60.0
"""Seconds that a change may go unseen where nobody is asked or called by it, such as a Slack channel's new name."""

WHO_KEEPS_S = 5.0
"""Seconds that it is remembered who somebody is: long enough for one who presses like a machine, and too short to
fill in a window that was opened as somebody else, such as a full member.
"""

_PAGE = 1_000
_MOST_PAGES = 500
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
        """Return who we are, asked once. Raises Unauthorized (a bad token), ChannelUnavailable."""
        return await self._ourselves.get("", self._ask_ourselves)

    async def check(self) -> None:
        """Ask anew whether Slack takes our token. Raises Unauthorized, ChannelUnavailable."""
        await self._api.ask("auth.test")

    async def who(self, user: str) -> Member:
        """The user with this id. Raises Refused (`error` is `user_not_found`: there is none), ChannelUnavailable."""
        return await self._who.get(user, lambda: self._ask_who(user))

    async def is_deactivated(self, user: str) -> bool:
        """Return whether Slack says now that this user is deactivated. Raises ChannelUnavailable.

        It takes what is written to them, and nobody reads it: https://github.com/slackapi/python-slack-sdk/issues/1156
        """
        try:
            return (await self._ask_who(user)).is_deleted
        except (Refused, Unauthorized):  # it may still let us write to them
            return False

    async def inside(self, channel: str, *, anew: bool = False) -> frozenset[str]:
        """The ids of all who are in this Slack channel, bots too. Raises Refused, ChannelUnavailable."""
        return await self._inside.get(channel, lambda: self._ask_inside(channel), anew=anew)

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
        found = set[str]()
        async for page in pages(self._api, "conversations.members", channel, channel=channel, limit=_PAGE):
            found.update(str(each) for each in cast("list[JsonValue]", page.get("members") or []))
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


async def pages(api: Calls, method: str, place: str = "", **arguments: JsonValue) -> AsyncIterator[Answer]:
    """Every page of a list. Raises as `Calls.call`, and ChannelUnavailable where it has no end."""
    cursor = dict[str, JsonValue]()
    for _ in range(_MOST_PAGES):
        page = await api.call(method, place, **arguments, **cursor)
        yield page
        cursor = {"cursor": word(page, "response_metadata", "next_cursor")}
        if not cursor["cursor"]:
            return
    raise Ambiguous(f"Slack's answer to {method} has no end", "It is looked up")


_USER_GROUP = "usergroups.users.list"


async def user_group(api: Calls, group: str) -> tuple[str, ...]:
    """The ids of all active members of a user group. Raises Refused, ChannelUnavailable.

    https://docs.slack.dev/reference/methods/usergroups.users.list
    """
    found = await api.call(_USER_GROUP, group, usergroup=group)
    users = found.get("users")
    if not isinstance(users, list):
        raise Ambiguous(f"Slack's answer to {_USER_GROUP} could not be read", "It is looked up")
    return tuple(str(each) for each in users)


COUNTED, STARTED, PREPARED = "slack.not-counted", "slack.not-started", "slack.not-prepared"
"""What did not become of a stranger's word, as they are told."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A user whose word does not count: `why`, as it is recorded, and `told`, with what they are told to `do`."""

    user: str
    why: str
    told: str
    do: str

    def notice(self, became: str) -> str:
        """Return what they are told; `became` is `COUNTED`, `STARTED` or `PREPARED`."""
        return say(became, why=self.told, do=self.do)


def _stranger(user: str, why: str, do: str, /, **values: str) -> Stranger:
    """A stranger by the keys of `why` and `do`. Operators read the record in English."""
    with speaking("en"):
        recorded = say(why, **values)
    return Stranger(user, recorded, say(why, **values), say(do, user=repr(user)))


# Slack's words for: there is no such user, or we may not see them.
_NOBODY = frozenset(("user_not_found", "users_not_found", "user_not_visible"))


class Identity:
    """Tells who somebody is by directory and workspace together."""

    def __init__(self, directory: Directory, members: Members) -> None:
        self._directory, self._members = directory, members

    async def of(self, user: str, team: str = "") -> Contact | Stranger:
        """The person who has the Slack id `user`, if Slack has them as an active, human, full member of `team`.

        `team` is their own as the payload gives it, "" where it gives none. Guests, bots and deactivated users never
        count. Who belongs to another workspace (Slack Connect) is a stranger unless the directory lists their id:
        listing it is how an operator trusts one of them. Raises ChannelUnavailable: Slack could not be asked, or takes
        our token no more.
        """
        contact = next((each for each in self._directory.contacts() if each.slack == user and user), None)
        if contact is None:
            return _stranger(user, "slack.who-unlisted", "slack.who-unlisted-do")
        try:
            member = await self._members.who(user)
        except Refused as error:
            if error.error not in _NOBODY:
                # It is us whom Slack refuses, and once that is fixed their word counts.
                raise ChannelUnavailable(f"Slack does not say who {user} is: {error.what}", error.do) from error
            return _stranger(user, "slack.who-unknown", "slack.who-unknown-do", error=error.error)
        why = _not_full(member)
        if why:
            return _stranger(user, why, "slack.who-not-full-do")
        if team and not await self._is_of(member, team):
            return _stranger(user, "slack.who-elsewhere", "slack.who-elsewhere-do")
        return contact

    async def _is_of(self, member: Member, team: str) -> bool:
        """Return whether `member` is at home in `team`, a workspace or an organization, as far as Slack says.

        Of whom it says nothing, only our own workspace and organization are believed.
        """
        if member.teams:
            return team in member.teams
        us = await self._members.ourselves()
        return not member.is_stranger and team in (us.team, us.enterprise)

    def others(self, user: str, person: Contact) -> tuple[str, ...]:
        """Return who the directory says has the Slack id `user`, where that is not `person`; no matter if it counts."""
        found = (each.id for each in self._directory.contacts() if each.slack == user and each.id != person.id)
        return tuple(found) if user else ()

    def language_of(self, user: str) -> Language | None:
        """Return what the person with this Slack id reads; None for nobody whom we know."""
        return next((each.language for each in self._directory.contacts() if each.slack == user and user), None)

    def names(self) -> dict[str, str]:
        """Return what people are called, by their Slack ids."""
        return {each.slack: each.name for each in self._directory.contacts() if each.slack}


def _not_full(member: Member) -> str:
    """The key of why `member` is no full one; "" for one who is."""
    if member.is_deleted:
        return "slack.who-deactivated"
    if member.is_bot:
        return "slack.who-bot"
    return "slack.who-guest" if member.is_guest else ""
