"""Find the place in Slack that is meant: the DM of a person, a Slack channel by its name; and what people call it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from channels import ChannelError
from channels.slack.api import Calls, Refused
from channels.slack.members import KEEPS_S, Remembered, pages

# Ids: https://docs.slack.dev/reference/objects/conversation-object
_THREAD = re.compile(r"(?P<channel>[CGD][A-Z0-9]+)/(?:(?P<ts>\d+\.\d+)|(?P<new>~[A-Za-z0-9._-]+))", re.ASCII)
_ONLY = re.compile(r"only:(?P<channel>[CGDUW][A-Z0-9]+)/(?P<ts>\d+\.\d+)?(?::(?P<user>[UW][A-Z0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Thread:
    """`<channel>/<ts>`, or `<channel>/~<id>` for one that somebody has yet to begin: then `ts` is ""."""

    name: str
    channel: str
    ts: str

    @property
    def is_direct(self) -> bool:
        """True if the message is within a DM."""
        return self.channel.startswith("D")


@dataclass(frozen=True, slots=True)
class Only:
    """`only:<channel>/<ts>[:<user>]`: words for one person; `ts` and `user` may be "".

    A `channel` that is the id of a user is our DM with them.
    """

    channel: str
    ts: str
    user: str

    @property
    def is_direct(self) -> bool:
        """True if nobody else is there anyway."""
        return self.channel.startswith(("D", "U", "W"))


def thread(name: str) -> Thread | None:
    """The thread in Slack that is called so; None where it is something else, such as a Message-ID."""
    found = _THREAD.fullmatch(name)
    return Thread(name, found["channel"], found["ts"] or "") if found else None


def only(to: str) -> Only | None:
    """The place for one person that an address names; None where it is a place for all who are there."""
    found = _ONLY.fullmatch(to)
    return Only(found["channel"], found["ts"] or "", found["user"] or "") if found else None


def handle(channel: str, ts: str) -> str:
    """Return the handle by which a message is found again."""
    return f"{channel}/{ts}"


def from_handle(handle: str) -> tuple[str, str]:
    """The Slack channel and the ts of a message; two empty words if it is none that can be found again."""
    found = thread(handle)
    return (found.channel, found.ts) if found else ("", "")


# A DM stays who it is with; a name may be given to another Slack channel.
_DM_KEEPS_S = 24 * 3600.0
_PAGE = 999
_ID = re.compile(r"[CGD][A-Z0-9]{2,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Seen:
    """A Slack channel's name, without the hash mark, and whether anything can still be written there.

    `has_others`: people of another company read it, or are invited to (Slack Connect):
    https://docs.slack.dev/reference/objects/conversation-object.
    """

    name: str
    is_archived: bool
    has_others: bool


class Places:
    """Asks Slack, and remembers it for a while. `clock` gives seconds that only grow."""

    def __init__(self, api: Calls, clock: Callable[[], float]) -> None:
        self._api = api
        self._direct = Remembered[str](clock, _DM_KEEPS_S)
        self._ids = Remembered[Mapping[str, str]](clock, KEEPS_S)
        self._seen = Remembered[Seen](clock, KEEPS_S)

    async def direct(self, user: str) -> str:
        """The id of our DM with this user, opened if there is none. Raises Refused, ChannelUnavailable."""
        return await self._direct.get(user, lambda: self._open(user))

    async def channel(self, name: str) -> str:
        """The id of `#name`; an id is its own. Raises Refused when there is none that we may see."""
        if _ID.fullmatch(name):
            return name
        plain = name.removeprefix("#")
        if found := (await self._ids.get("", self._list)).get(plain):
            return found
        self._ids.forget("")
        raise Refused("channel_not_found", f"#{plain}")

    async def words(self, channel: str) -> str:
        """Return what people call this conversation; its id if we may not know."""
        if channel.startswith("D"):
            return "direct messages with them"
        try:
            return f"#{(await self.seen(channel)).name}"
        except ChannelError:
            return channel

    async def seen(self, channel: str, *, anew: bool = False) -> Seen:
        """A Slack channel by its id. Raises Refused, ChannelUnavailable."""
        return await self._seen.get(channel, lambda: self._look(channel), anew=anew)

    def forget(self, name: str) -> None:
        """Ask again about this Slack channel, or open the DM with this user again."""
        self._seen.forget(name)
        self._direct.forget(name)

    async def _open(self, user: str) -> str:
        opened = await self._api.call("conversations.open", user, users=user)
        return str(cast("dict[str, JsonValue]", opened["channel"])["id"])

    async def _look(self, channel: str) -> Seen:
        found = await self._api.call("conversations.info", channel, channel=channel)
        about = cast("dict[str, JsonValue]", found["channel"])
        has_others = bool(about.get("is_ext_shared") or about.get("is_pending_ext_shared"))
        return Seen(str(about.get("name") or channel), bool(about.get("is_archived")), has_others)

    async def _list(self) -> Mapping[str, str]:
        found, kinds = dict[str, str](), "public_channel,private_channel"
        async for page in pages(self._api, "conversations.list", types=kinds, exclude_archived=False, limit=_PAGE):
            for each in cast("list[dict[str, JsonValue]]", page["channels"]):
                # The name of an archived one may have been given to another.
                if not each.get("is_archived") or str(each["name"]) not in found:
                    found[str(each["name"])] = str(each["id"])
        return found
