"""Whether a user of Slack could stand in `sayso.toml`."""

from channels.slack.members import Member


def is_of_another(member: Member, home: str) -> bool:
    """Whether they belong to another workspace than `home`."""
    homes = member.teams | {member.team} - {""}
    return member.is_stranger or bool(home and homes and home not in homes)


def why_not(member: Member, home: str = "") -> str:
    """Why nobody can ask or decide as this user; "" for a full member of the workspace `home`, or of any."""
    if member.is_deleted:
        return "is deactivated"
    if member.is_bot:
        return "is a bot"
    if home and is_of_another(member, home):
        return "belongs to another workspace"
    if member.is_guest:
        return "is a guest"
    return ""
