"""The verbs that make the workspace: settings, users, channels, memberships."""

from collections.abc import Callable
from dataclasses import fields

from tests.fakes.slack.model import Conversation, Json, User
from tests.fakes.slack.people import Impossible
from tests.fakes.slack.state import Settings, Slack


class Setup:
    """The set-up that an admin of the workspace and the operator of the app would do."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def verbs(self) -> dict[str, Callable[[Json], Json]]:
        return {
            "settings": self.settings, "user": self.user, "channel": self.channel, "member": self.member,
            "user_group": self.user_group,
        }  # fmt: skip

    def settings(self, body: Json) -> Json:
        """Any fields of `state.Settings`; all of them come back."""
        known = {field.name for field in fields(Settings)}
        if unknown := set(body) - known:
            raise Impossible(f"no settings {sorted(unknown)}; there are {sorted(known)}")
        for name, value in body.items():
            setattr(self._slack.settings, name, value)
        self._slack.changes.note()
        return {name: getattr(self._slack.settings, name) for name in sorted(known)}

    def user(self, body: Json) -> Json:
        """`{name, id?, real_name?, email?, tz?, team?, guest?, single_channel_guest?, bot?, deleted?, stranger?,
        enterprise_user?}`; with `team: ""` Slack does not say where they are at home.

        The same name again changes that user. `stranger` shares no channel with us; a `team` of another workspace
        without it is somebody whom a shared channel (Slack Connect) brought here. Who is `deleted` is in no channel.
        """
        slack, name = self._slack, body["name"]
        user = slack.user(body.get("id") or name) or User(
            body.get("id") or slack.new_id("U"), name, name.capitalize(), f"{name}@corp.example", slack.settings.team
        )
        slack.users[user.id] = user
        plain = {
            "real_name": "real_name", "email": "email", "tz": "tz", "team": "team_id", "guest": "is_restricted",
            "single_channel_guest": "is_ultra_restricted", "bot": "is_bot", "deleted": "deleted",
            "stranger": "is_stranger", "enterprise_user": "enterprise_user",
        }  # fmt: skip
        for given, held in plain.items():
            if given in body:
                setattr(user, held, body[given])
        for channel in slack.conversations.values() if user.deleted else ():
            if channel.kind != "im" and user.id in channel.members:
                channel.members.remove(user.id)
        slack.changes.note()
        return user.to_json(with_email=True) | {"dm": slack.dm(user.id).id if not user.is_bot else None}

    def channel(self, body: Json) -> Json:
        """`{name, private?, members?, archived?, shared?}`, members by id or name. The same name again changes it."""
        slack = self._slack
        channel = slack.conversation(body["name"])
        if channel is None:
            channel = slack.open_conversation("group" if body.get("private") else "channel", body["name"], [])
        channel.archived = bool(body.get("archived", channel.archived))
        channel.shared = bool(body.get("shared", channel.shared))
        for ref in body.get("members", []):
            self._enter(channel, ref)
        slack.changes.note()
        return channel.to_json(bot=slack.settings.bot) | {"members": channel.members}

    def member(self, body: Json) -> Json:
        """`{channel, user, is_in}`: put a user in or out, without a message about it."""
        channel = self._slack.conversation(body["channel"])
        if channel is None:
            raise Impossible(f"there is no channel {body['channel']}")
        if body["is_in"]:
            self._enter(channel, body["user"])
        else:
            channel.members.remove(self._user(body["user"]).id)
        self._slack.changes.note()
        return {"members": channel.members}

    def user_group(self, body: Json) -> Json:
        """`{id, members}`: a user group with these users, by id or name; the same id again changes it."""
        members = [self._user(ref).id for ref in body["members"]]
        self._slack.user_groups[body["id"]] = members
        self._slack.changes.note()
        return {"members": members}

    def _enter(self, channel: Conversation, ref: str) -> None:
        user = self._user(ref)
        if user.deleted:
            raise Impossible(f"{user.name} is deactivated, and comes into no channel")
        if user.id not in channel.members:
            channel.members.append(user.id)

    def _user(self, ref: str) -> User:
        if user := self._slack.user(ref):
            return user
        raise Impossible(f"there is nobody called {ref}")
