"""The people of a workspace who are proposed for sayso.toml, and that what is printed can be pasted."""

import tomllib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bot.config.tables import PersonConfig
from bot.wiring.slack import slack_api
from bot.wiring.slack_import import members_of, proposed, to_toml, why_not
from channels.slack.members import Member, member_of
from tests.bot.wiring.workspaces import PEOPLE, Office

HOME = "T0TEAM"


def member(some_id: str, name: str = "dee", email: str = "dee@corp.example", **more: str) -> Member:
    return Member(some_id, HOME, name, more.pop("real_name", name.capitalize()), email, more.pop("timezone", "UTC"))


async def test_everybody_is_read_page_by_page(office: Office) -> None:
    for number in range(210):
        await office.slack.person(f"p{number}")

    members, home = await members_of(slack_api(office.settings()))

    assert len(members) == 211  # and our own bot
    assert home == HOME
    assert len(await office.slack.calls("users.list")) == 2
    assert await office.slack.violations() == []


def test_who_has_authorized_the_app_is_no_bot_for_that() -> None:
    authorized = member_of({"id": "U01DEE", "team_id": HOME, "name": "dee", "is_bot": False, "is_app_user": True})

    assert why_not(authorized, HOME) == ""


async def test_full_members_alone_are_proposed(office: Office) -> None:
    await office.slack.person("dee", id="U01DEE", real_name="Dee Dahl", tz="Europe/Oslo")
    for name, what in (
        ("bot", {"bot": True}),
        ("guest", {"guest": True}),
        ("single", {"single_channel_guest": True}),
        ("gone", {"deleted": True}),
        ("away", {"team": "T0OTHER"}),
        ("unknown", {"stranger": True}),
    ):
        await office.slack.person(name, **what)

    found = proposed(await members_of(slack_api(office.settings())), {})

    assert tomllib.loads(to_toml(found)) == {
        "people": {
            "dee": {
                "name": "Dee Dahl",
                "slack": "U01DEE",
                "email": "dee@corp.example",
                "timezone": "Europe/Oslo",
            }
        }
    }
    assert found.skipped == 7  # and our own bot
    assert await office.slack.violations() == []


async def test_whoever_is_there_is_told_the_line_that_is_missing(office: Office) -> None:
    await office.slack.person("anna", id="U01ANNA", email="Anna@corp.example")
    await office.slack.person("bo", id="U02BO")
    people = office.settings(PEOPLE.replace('slack = "U01ANNA"', "")).people

    text = to_toml(proposed(await members_of(slack_api(office.settings())), people))

    assert tomllib.loads(text) == {}
    assert '# [people.anna] is there already; add this line to it:\n# slack = "U01ANNA"\n' in text
    assert '# (in place of "U01BO", which is somebody else in Slack)\n# slack = "U02BO"\n' in text


def test_whoever_is_complete_or_is_not_in_slack_is_named() -> None:
    people = {
        "dee": PersonConfig(name="Dee", slack="U01DEE"),
        "eve": PersonConfig(name="Eve", email="eve@corp.example"),
    }

    text = to_toml(proposed(([member("U01DEE")], HOME), people))

    assert "# Complete already: dee" in text
    assert "# Not found in Slack by member id or mail address: eve" in text


def test_two_people_of_one_name_get_two_tables() -> None:
    members = [
        member("U01A", "sam", "sam@a.example"),
        member("U01B", "sam", "sam@b.example"),
        member("U01C", "sam", ""),
    ]

    found = proposed((members, HOME), {"sam": PersonConfig(name="Sam")})

    assert len({proposal.person for proposal in found.proposals} - {"sam"}) == 3
    assert len(tomllib.loads(to_toml(found))["people"]) == 3


@given(
    st.lists(
        st.builds(
            Member,
            id=st.integers(0, 10**6).map(lambda number: f"U{number:02d}"),
            team=st.just(HOME),
            name=st.text(),
            real_name=st.text(),
            email=st.text() | st.emails(),
            timezone=st.text() | st.just("Europe/Berlin"),
        ),
        unique_by=lambda member: member.id,
        max_size=5,
    )
)
def test_what_is_printed_parses_back_whatever_people_call_themselves(members: Sequence[Member]) -> None:
    found = proposed((members, HOME), {})

    tables = tomllib.loads(to_toml(found)).get("people", {})

    read = {name: PersonConfig.model_validate(table) for name, table in tables.items()}
    assert {person.slack for person in read.values()} == {member.id for member in members}
    by_id = {member.id: member for member in members}
    for person in read.values():
        one = by_id[person.slack or ""]
        shown = one.real_name.strip() or one.name.strip() or one.id
        assert person.name == shown.encode("utf-8", "replace").decode()
        assert person.email in (None, one.email)
