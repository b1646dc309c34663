"""Proposals for `sayso.toml`: the members of a Slack workspace that could stand in it.

Nothing is written.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import JsonValue

from bot.config.tables import PersonConfig
from channels.showing import escape_invisible
from channels.slack.api import Api
from channels.slack.inbound import parts, word
from channels.slack.members import Member, member_of, pages

_PAGE = 200
"""The size that Slack advises for a page of users.list."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The part of `sayso.toml` that a member lacks.

    `person` is the name of their table; it `is_there` already or not. `was` is the other member id that stands there
    now.
    """

    person: str
    is_there: bool
    member: Member
    was: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Everything about one workspace. `known` are people whose entry lacks nothing, `unmatched` those not found."""

    proposals: tuple[Proposal, ...]
    known: tuple[str, ...]
    unmatched: tuple[str, ...]
    skipped: int


async def members_of(api: Api) -> tuple[tuple[Member, ...], str]:
    """Return all members of the token's workspace, and its id. Raises ChannelError."""
    home = word(await api.call("auth.test"), "team_id")
    found = list[Member]()
    async for page in pages(api, "users.list", "the list of members", limit=_PAGE):
        found += map(member_of, parts(page, "members"))
    return tuple(found), home


def proposed(workspace: tuple[Sequence[Member], str], people: Mapping[str, PersonConfig]) -> Proposed:
    """Propose additions for the full members, in the order of their names. Pure."""
    members, home = workspace
    able = [member for member in members if not why_not(member, home)]
    by_email = {person.email.casefold(): name for name, person in people.items() if person.email}
    by_slack = {person.slack: name for name, person in people.items() if person.slack}
    found, known, taken = list[Proposal](), list[str](), set(people)
    for member in sorted(able, key=lambda one: (one.real_name.casefold(), one.id)):
        there = by_slack.get(member.id) or by_email.get(member.email.casefold() or "-")
        if there is None:
            name = _free_name(member, taken)
            taken.add(name)
            found.append(Proposal(name, is_there=False, member=member))
        elif people[there].slack == member.id:
            known.append(there)
        else:
            found.append(Proposal(there, is_there=True, member=member, was=people[there].slack or ""))
    matched = {*known, *(one.person for one in found)}
    return Proposed(
        tuple(found), tuple(known), tuple(name for name in people if name not in matched), len(members) - len(able)
    )


def _free_name(member: Member, taken: set[str]) -> str:
    """A name for a table that nobody has: from the address, the name in Slack, or the id."""
    for source in (member.email.partition("@")[0], member.name, member.real_name):
        name = re.sub(r"[^a-z0-9._-]+", "-", source.lower()).strip("._-")[:64].rstrip("._-")
        if name and name not in taken:
            return name
    return member.id.lower() if member.id.lower() not in taken else member.id


def to_toml(found: Proposed) -> str:
    """The proposals as lines for `sayso.toml`, with what else was seen as comments."""
    lines = [
        "# Proposed from Slack; nothing was changed. Copy whom you want into sayso.toml, and give them their groups:",
        "# who is in a group may decide what its policies ask.",
    ]
    for proposal in (one for one in found.proposals if one.is_there):
        lines += ["", *_line_for(proposal)]
    for proposal in (one for one in found.proposals if not one.is_there):
        lines += ["", *_table(proposal)]
    lines += ["", *_notes(found)]
    return "\n".join(lines).rstrip() + "\n"


def _line_for(proposal: Proposal) -> Iterator[str]:
    """Yield the line to add for a person who is there already, as a comment: their table must not stand twice."""
    yield f"# [people.{_key(proposal.person)}] is there already; add this line to it:"
    if proposal.was:
        yield f"# (in place of {_quoted(proposal.was)}, which is somebody else in Slack)"
    yield f"# slack = {_quoted(proposal.member.id)}"


def _table(proposal: Proposal) -> Iterator[str]:
    member = proposal.member
    yield f"[people.{_key(proposal.person)}]"
    yield f"name = {_quoted(_name(member))}"
    yield f"slack = {_quoted(member.id)}"
    if _is_address(member.email):
        yield f"email = {_quoted(member.email)}"
    if _is_zone(member.timezone):
        yield f"timezone = {_quoted(member.timezone)}"


def _notes(found: Proposed) -> Iterator[str]:
    if found.known:
        yield f"# Complete already: {', '.join(found.known)}"
    if found.unmatched:
        yield f"# Not found in Slack by member id or mail address: {', '.join(found.unmatched)}"
    if found.skipped:
        yield f"# Left out (bots, guests, deactivated people, people of other workspaces): {found.skipped}"


def to_json(found: Proposed) -> dict[str, JsonValue]:
    """The same as JSON; `line` is what a person lacks who is there already."""
    add: dict[str, JsonValue] = {}
    change: dict[str, JsonValue] = {}
    for one in found.proposals:
        member = one.member
        if one.is_there:
            change[one.person] = {"slack": member.id, "instead_of": one.was}
            continue
        entry: dict[str, JsonValue] = {"name": _name(member), "slack": member.id}
        entry |= {"email": member.email} if _is_address(member.email) else {}
        add[one.person] = entry | ({"timezone": member.timezone} if _is_zone(member.timezone) else {})
    return {
        "add": add,
        "change": change,
        "complete": [*found.known],
        "not_found": [*found.unmatched],
        "left_out": found.skipped,
    }


def _name(member: Member) -> str:
    """A name that can be seen: settings refuse any other."""
    return member.real_name.strip() or member.name.strip() or member.id


def _is_address(email: str) -> bool:
    return re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", email) is not None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """`text` as a basic string of TOML: a JSON string is one, but for DEL, which must be escaped too."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(
        char if escape_invisible(char) == char else _escaped(char) for char in json.dumps(whole, ensure_ascii=False)
    )


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def is_of_another(member: Member, home: str) -> bool:
    """Return whether the member belongs to another workspace than `home`."""
    homes = member.teams | {member.team} - {""}
    return member.is_stranger or bool(home and homes and home not in homes)


def why_not(member: Member, home: str = "") -> str:
    """Return why nobody can ask or decide as this user; "" for a full member of the workspace `home`, or of any."""
    if member.is_deleted:
        return "is deactivated"
    if member.is_bot:
        return "is a bot"
    if home and is_of_another(member, home):
        return "belongs to another workspace"
    if member.is_guest:
        return "is a guest"
    return ""
