"""The verbs of scripted people: who does what where, named as a test names it."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.slack import modals, uploads
from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.model import Ephemeral, Json, Message, User, View, as_list
from tests.fakes.slack.people import Impossible, People
from tests.fakes.slack.state import Slack


class Deeds:
    """Each verb takes `user` (id or name). A message is named by `channel` and `ts`."""

    def __init__(self, slack: Slack, deliveries: Deliveries, people: People) -> None:
        self._slack, self._deliveries, self._people = slack, deliveries, people

    def verbs(self) -> dict[str, Callable[[Json], Awaitable[Json] | Json]]:
        return {
            "say": self.say, "edit": self.edit, "delete": self.delete, "join": self.join, "leave": self.leave,
            "command": self.command, "shortcut": self.shortcut, "open_home": self.open_home, "press": self.press,
            "submit": self.submit,
        }  # fmt: skip

    def say(self, body: Json) -> Json:
        """`{user, channel, text, thread_ts?, files?: [{name, text | base64, mimetype?}], extra?}`."""
        user = self._people.user(body["user"])
        channel = self._people.place(user, body["channel"])
        files = [uploads.add(self._slack, user, given) for given in body.get("files", [])]
        message = self._people.say(user, channel, body["text"], body.get("thread_ts"), files, body.get("extra"))
        return message.to_json() | {"channel": channel.id}

    def edit(self, body: Json) -> Json:
        self._people.edit(self._people.user(body["user"]), self._message(body), body["text"])
        return {}

    def delete(self, body: Json) -> Json:
        self._people.delete(self._message(body))
        return {}

    def join(self, body: Json) -> Json:
        channel = self._slack.conversation(body["channel"])
        if channel is None:
            raise Impossible(f"there is no channel {body['channel']}")
        self._people.join(self._people.user(body["user"]), channel)
        return {}

    def leave(self, body: Json) -> Json:
        user = self._people.user(body["user"])
        self._people.leave(user, self._people.place(user, body["channel"]))
        return {}

    async def command(self, body: Json) -> Json:
        """`{user, channel, command, text}`."""
        user = self._people.user(body["user"])
        place = self._people.place(user, body["channel"])
        return (await self._people.command(user, place, body["command"], body.get("text", ""))).to_json()

    async def shortcut(self, body: Json) -> Json:
        """`{user, channel, ts, callback_id}`."""
        user = self._people.user(body["user"])
        return (await self._people.shortcut(user, self._message(body), body["callback_id"])).to_json()

    def open_home(self, body: Json) -> Json:
        """`{user, tab?}`."""
        self._people.open_home(self._people.user(body["user"]), body.get("tab", "home"))
        return {}

    async def press(self, body: Json) -> Json:
        """`{user, what, value?, …}` in a message (`channel`, `ts`), the App Home (`home`) or a modal (`view`).

        `version` presses what stood in an earlier version; `unseen` skips the question whether the user sees it.
        """
        user = self._people.user(body["user"])
        seen = self._seen(user, body)
        old: list[Json] | None = None
        version = int(body.get("version", 0))
        # The first version of what was never changed is the one that stands.
        if "version" in body and isinstance(seen, Message) and (version or seen.versions):
            before: Json = seen.versions[version]
            old = as_list(before.get("blocks"))
        return (await self._people.use(user, seen, body["what"], body.get("value"), old=old)).to_json()

    async def submit(self, body: Json) -> Json:
        """`{user, view?, values?}`: put values in, press the submit button of the topmost modal."""
        user = self._people.user(body["user"])
        view = self._modal(user, body)
        for what, value in body.get("values", {}).items():
            self._people.choose(user, view, what, value)
        return await modals.submit(self._slack, self._deliveries, user, view)

    def _seen(self, user: User, body: Json) -> Message | Ephemeral | View:
        if body.get("home"):
            if home := self._slack.homes.get(user.id):
                return home
            raise Impossible(f"{user.name} has no App Home yet")
        if "ts" not in body:
            return self._modal(user, body)
        for alone in self._slack.ephemerals:
            if (alone.ts, alone.user) == (body["ts"], user.id):
                return alone
        message = self._message(body)
        if user.id not in self._slack.conversations[message.channel].members and not body.get("unseen"):
            raise Impossible(f"{user.name} is not in that channel and cannot see the message")
        return message

    def _modal(self, user: User, body: Json) -> View:
        mine = [view for view in self._slack.views.values() if view.user == user.id]
        named: Any = body.get("view")
        found = next((view for view in mine if view.id == named), None) if named else (mine[-1] if mine else None)
        if found is None:
            raise Impossible(f"{user.name} has no modal open" + (f" with id {named}" if named else ""))
        return found

    def _message(self, body: Json) -> Message:
        channel = self._slack.conversation(body["channel"])
        message = channel.messages.get(body["ts"]) if channel else None
        if message is None:
            raise Impossible(f"there is no message {body['ts']} in {body['channel']}")
        return message
