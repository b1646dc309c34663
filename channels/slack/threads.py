"""How places in Slack are named across the border of the channel: threads, and places for one person's eyes. Pure."""

import re
from dataclasses import dataclass

# Ids: https://docs.slack.dev/reference/objects/conversation-object
_THREAD = re.compile(r"(?P<channel>[CGD][A-Z0-9]+)/(?:(?P<ts>\d+\.\d+)|(?P<new>~[A-Za-z0-9._-]+))", re.ASCII)
_ONLY = re.compile(r"only:(?P<channel>[CGD][A-Z0-9]+)/(?P<ts>\d+\.\d+)?(?::(?P<user>[UW][A-Z0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Thread:
    """`<channel>/<ts>`, or `<channel>/~<id>` for one that somebody has yet to begin: then `ts` is ""."""

    name: str
    channel: str
    ts: str

    @property
    def is_direct(self) -> bool:
        """Whether it is within a DM."""
        return self.channel.startswith("D")


@dataclass(frozen=True, slots=True)
class Only:
    """`only:<channel>/<ts>[:<user>]`: words for one person; `ts` and `user` may be ""."""

    channel: str
    ts: str
    user: str

    @property
    def is_direct(self) -> bool:
        """Whether nobody else is there anyway."""
        return self.channel.startswith("D")


def thread(name: str) -> Thread | None:
    """The thread in Slack that is called so; None where it is something else, such as a Message-ID."""
    found = _THREAD.fullmatch(name)
    return Thread(name, found["channel"], found["ts"] or "") if found else None


def only(to: str) -> Only | None:
    """The place for one person that an address names; None where it is a place for all who are there."""
    found = _ONLY.fullmatch(to)
    return Only(found["channel"], found["ts"] or "", found["user"] or "") if found else None


def handle(channel: str, ts: str) -> str:
    """What finds a message again."""
    return f"{channel}/{ts}"


def from_handle(handle: str) -> tuple[str, str]:
    """The Slack channel and the ts of a message; two empty words if it is none that can be found again."""
    found = thread(handle)
    return (found.channel, found.ts) if found else ("", "")
