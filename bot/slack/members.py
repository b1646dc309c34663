"""Who somebody is in Slack, as `users.info` and `users.list` tell it: read once, here."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

SLACKBOT = "USLACKBOT"
"""The one bot that Slack does not call one."""


@dataclass(frozen=True, slots=True)
class Member:
    """One user object. `email` is empty where Slack shows none; `team` is the workspace that they belong to.

    https://docs.slack.dev/reference/objects/user-object
    """

    id: str
    team: str
    name: str
    real_name: str
    email: str
    timezone: str
    is_deactivated: bool = False
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False

    def is_of_another(self, home: str) -> bool:
        """Whether they belong to another workspace than `home`."""
        return self.is_stranger or bool(home and self.team and self.team != home)

    def why_not(self, home: str) -> str:
        """Why nobody can ask or decide as this user; empty for a full member of the workspace `home`."""
        if self.is_deactivated:
            return "is deactivated"
        if self.is_bot:
            return "is a bot"
        if home and self.is_of_another(home):
            return "belongs to another workspace"
        if self.is_guest:
            return "is a guest"
        return ""


def member_of(user: Mapping[str, JsonValue]) -> Member:
    """`user` as far as it is well formed; what is missing is empty."""
    profile = user.get("profile")
    of_profile: Mapping[str, JsonValue] = profile if isinstance(profile, dict) else {}
    some_id = _text(user, "id")
    return Member(
        id=some_id,
        team=_text(user, "team_id"),
        name=_text(user, "name"),
        real_name=_text(of_profile, "real_name") or _text(user, "real_name"),
        email=_text(of_profile, "email"),
        timezone=_text(user, "tz"),
        is_deactivated=bool(user.get("deleted")),
        is_bot=bool(user.get("is_bot")) or bool(user.get("is_app_user")) or some_id == SLACKBOT,
        is_guest=bool(user.get("is_restricted")) or bool(user.get("is_ultra_restricted")),
        is_stranger=bool(user.get("is_stranger")),
    )


def _text(table: Mapping[str, JsonValue], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""
