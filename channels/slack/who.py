"""Whose word something in Slack is: a person in the directory, or somebody whose word does not count, and why."""

from dataclasses import dataclass

from channels import ChannelUnavailable, Contact, Directory
from channels.slack.api import Refused
from channels.slack.members import Member, Members


@dataclass(frozen=True, slots=True)
class Stranger:
    """Nobody whose word counts: `why`, and what they are told to `do` about it."""

    user: str
    why: str
    do: str

    def notice(self, became: str) -> str:
        """What they are told; `became` is what became of their word, such as `counted`."""
        return f"{self.why}, so nothing was {became}. {self.do}."


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
            add = f"Ask whoever runs sayso to add slack = {user!r} to the right person in sayso.toml, then try again"
            return Stranger(user, "You are not in sayso's directory", add)
        try:
            member = await self._members.who(user)
        except Refused as error:
            if error.error not in _NOBODY:
                # It is us whom Slack refuses, and once that is mended their word counts.
                raise ChannelUnavailable(f"Slack does not say who {user} is: {error.what}", error.do) from error
            return Stranger(user, f"Slack does not say who you are ({error.error})", "Ask whoever runs sayso")
        why = _not_full(member)
        if why:
            return Stranger(user, why, "Ask a full member of this workspace to do it")
        if team and not await self._is_of(member, team):
            ask = "Ask whoever runs sayso to look at this entry in sayso.toml"
            return Stranger(user, "Your workspace is another one than Slack names for your id", ask)
        return contact

    async def _is_of(self, member: Member, team: str) -> bool:
        """Whether `member` is at home in `team`, a workspace or an organization, as far as Slack says where they are.

        Of whom it says nothing, only our own workspace and organization are believed.
        """
        if member.teams:
            return team in member.teams
        us = await self._members.ourselves()
        return not member.is_stranger and team in (us.team, us.enterprise)

    def names(self) -> dict[str, str]:
        """What people are called, by their Slack ids."""
        return {each.slack: each.name for each in self._directory.contacts() if each.slack}


def _not_full(member: Member) -> str:
    if member.is_deleted:
        return "Your Slack account is deactivated"
    if member.is_bot:
        return "You are a bot"
    return "You are a guest in this workspace" if member.is_guest else ""
