"""Whom Slack notifies of a message that was just posted, by Slack's own rules; an edit notifies nobody.

A direct message notifies whom it is for; a mention those in the Slack channel whom it means; a reply those who follow
its thread: whoever wrote there or was mentioned there before
(https://slack.com/help/articles/115000769927-Use-threads-to-organize-discussions). A mention counts where people can
see it: in the blocks where there are some, else in the text.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.fakes.slack.model import Conversation, Message, as_json, as_list

if TYPE_CHECKING:
    from tests.fakes.slack.state import Slack

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|<!subteam\^(S[A-Z0-9]+)(?:\|[^>]*)?>|<!(channel|here|everyone)>")


def note(slack: "Slack", channel: Conversation, message: Message) -> None:
    """Note down who is notified of `message`, and who follows its thread from now on."""
    root = message.thread_ts or message.ts
    followers = slack.followers[channel.id, root]
    mentioned = {user for user in _mentioned(slack, channel, message) if user in channel.members}
    is_first = root == message.ts
    nobody = set[str]()
    whys = {
        "direct message": set(channel.members) if channel.kind == "im" and is_first else nobody,
        "mention": mentioned,
        "thread": nobody if is_first else set(followers),
    }
    told = set[str]()
    for why, users in whys.items():
        for user in sorted(users - told - {message.user, slack.settings.bot}):
            if user in channel.members and not slack.users[user].deleted:
                slack.notices.append({"user": user, "channel": channel.id, "ts": message.ts, "why": why})
                told.add(user)
    followers.update(mentioned | {message.user})


def mentions(message: Message) -> Iterator[str]:
    """Yield the ids of the users and user groups that people see mentioned, and `channel` for everybody."""
    shown = message.blocks or [{"type": "mrkdwn", "text": message.text}]
    yield from _mentions(shown)


def _mentions(shown: Any) -> Iterator[str]:
    for inner in as_list(shown):
        yield from _mentions(inner)
    match piece := as_json(shown):
        case {"type": "mrkdwn", "text": str(text)}:
            for user, group, everybody in _MENTION.findall(text):
                yield user or group or everybody
        case {"type": "user", "user_id": str(what)} | {"type": "usergroup", "usergroup_id": str(what)}:
            yield what
        case {"type": "broadcast", "range": str(what)}:
            yield what
        case _:
            for inner in piece.values():
                yield from _mentions(inner)


def _mentioned(slack: "Slack", channel: Conversation, message: Message) -> Iterator[str]:
    for what in mentions(message):
        if what in ("channel", "here", "everyone"):
            yield from channel.members
        else:
            yield from slack.user_groups.get(what, [what])
