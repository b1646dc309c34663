"""Who decides, where a policy names a rotation or a group that is kept elsewhere: read as a request opens."""

import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from agents.requests.record import RequestRecord
from bot.people.slack_groups import LAST_GOOD_S, GroupReader
from bot.policy.approvers.who import who_of
from bot.policy.judgements import Counted, NotEntitled
from bot.store.ids import new_id
from channels.slack.api import Api
from channels.slack.members import user_group
from tests.fakes.slack.driver import Workspace
from tests.fakes.slack.state import SCOPES
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.slack_world import a_slack_world
from tests.kit.world import World, a_world

OFFICE = (
    TOML
    + """
[groups.finance]
file = "people.csv"

[groups.audit]
file = "audit.json"

[policies.spending]
approvers = ["group:finance"]
quorum = 2
expires_after = "4h"

[policies.books]
approvers = ["group:audit"]
expires_after = "4h"

[oncall.ops]
rotation = ["person:cy", "person:dan"]
shift = "1d"
starts = "2020-01-01T09:00"
timezone = "Europe/Berlin"

[oncall.later]
rotation = ["person:cy"]
shift = "1d"
starts = "2099-01-01T09:00"

[policies.hotfix]
approvers = ["oncall:ops"]
expires_after = "4h"

[policies.future]
approvers = ["oncall:later"]
expires_after = "4h"
"""
)
FINANCE = "email,group\nanna@corp.example,finance\nBO@corp.example,finance\ncy@corp.example,finance\n"
STRANGERS = "gus@corp.example,finance\ndan@corp.example,release\n"

IN_SLACK = (
    TOML
    + """
[groups.shift]
slack = "S0SHIFT"

[policies.shift]
approvers = ["group:shift"]
expires_after = "4h"
"""
)


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "people.csv").write_text(FINANCE + STRANGERS)
    async with a_world(redis, folder, OFFICE) as world:
        yield world


async def pressed(world: World, policy: str) -> str:
    world.workshop.policy_of["bell"] = policy
    return await world.trigger("press bell")


def deciders(record: RequestRecord) -> list[str]:
    return [*who_of(record).approve]


async def test_a_group_in_a_file_decides_by_whom_it_names_and_strangers_do_not_count(office: World) -> None:
    run_id = await pressed(office, "spending")
    record = await office.opened(run_id)

    assert deciders(record) == ["bo", "cy"]
    card = await office.next_mail("bo")
    assert "Cy Cole" in card.text
    assert isinstance(await office.decide("dan", record, "approve"), NotEntitled)
    assert isinstance(await office.decide("bo", record, "approve"), Counted)
    await office.decide("cy", record, "approve")
    await office.has(run_id, "done")


async def test_somebody_who_joins_a_group_after_opening_gets_no_vote(office: World) -> None:
    run_id = await pressed(office, "spending")
    record = await office.opened(run_id)

    async with office.stopped():
        (office.folder / "people.csv").write_text(FINANCE + "dan@corp.example,finance\n")

    assert isinstance(await office.decide("dan", record, "approve"), NotEntitled)
    again = await office.opened(await pressed(office, "spending"))
    assert deciders(again) == ["bo", "cy", "dan"]


@pytest.mark.parametrize(
    ("content", "said"),
    few_of(
        [
            (None, "audit.json: can't be read: No such file"),
            ('{\n"displayName": 3,}', "audit.json: line 2: is no JSON"),
        ],
        0,
        rows=True,
    ),
)
async def test_a_group_whose_file_cannot_be_read_is_asked_nothing_and_the_run_says_why(
    office: World, content: str | None, said: str
) -> None:
    async with office.stopped():
        if content:
            (office.folder / "audit.json").write_text(content)

    run = await office.ended(await pressed(office, "books"))

    [result] = run.results
    assert "policy 'books' can't be resolved, so nobody is asked" in result.text
    assert said in result.text
    assert office.workshop.effects == []


async def test_whoever_is_on_call_as_it_opens_decides_also_after_the_next_has_taken_over(office: World) -> None:
    first = await office.opened(await pressed(office, "hotfix"))
    [on_call] = deciders(first)
    other = {"cy": "dan", "dan": "cy"}[on_call]

    await office.move_time(86_400)
    second = await office.opened(await pressed(office, "hotfix"))

    assert deciders(second) == [other]
    assert isinstance(await office.decide(on_call, second, "approve"), NotEntitled)


@pytest.mark.long
async def test_before_a_rotation_begins_nobody_is_asked_and_the_run_says_why(office: World) -> None:
    run = await office.ended(await pressed(office, "future"))

    assert "These currently name nobody: oncall:later." in run.results[0].text


@pytest.mark.long
async def test_a_user_group_of_slack_is_asked_as_it_is_when_the_request_opens(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, IN_SLACK) as room:
        await slack.settings(scopes=[*SCOPES, "usergroups:read"])
        await slack.tell("user_group", id="S0SHIFT", members=["anna", "cy", "dan"])
        await room.world.start()
        reader = partial(user_group, Api(slack.bot_token, slack.base_url))
        room.world.app.people.read_groups_by(GroupReader(reader, time.monotonic))
        await slack.connected()
        room.world.workshop.policy_of["bell"] = "shift"

        await room.anna.says("#ops", "@sayso press bell")
        card = await room.card("#ops", "Approve")
        await slack.tell("user_group", id="S0SHIFT", members=["bo"])
        record = await room.world.opened(await room.only_run())

        assert deciders(record) == ["cy", "dan"]
        assert "<@U0CY> <@U0DAN>" in card.words
        assert isinstance(await room.world.decide("bo", record, "approve"), NotEntitled)
        await room.dan.presses("Approve", in_=card)
        assert await room.world.summary(await room.only_run()) == "done: ok: press bell: done"
        assert await slack.violations() == []


@pytest.mark.parametrize("error", ["", "no_such_subteam"], ids=["away", "refuses"])
async def test_attack_nobody_hears_an_alert_as_slack_can_not_say_any_more_who_is_in_the_group_that_hears_them(
    redis: str, tmp_path: Path, slack: Workspace, error: str
) -> None:
    with_id = TOML.replace('email = "dan@corp.example"', 'email = "dan@corp.example"\nslack = "U0DAN"')
    toml = with_id.replace('to = ["person:dan"]', 'to = ["group:shift"]') + '\n[groups.shift]\nslack = "S0SHIFT"\n'
    now_s = [1_000.0]
    async with a_world(redis, tmp_path / "data", toml) as world:
        await slack.settings(scopes=["usergroups:read"])
        await slack.person("dan", id="U0DAN")
        await slack.tell("user_group", id="S0SHIFT", members=["dan"])
        reader = partial(user_group, Api(slack.bot_token, slack.base_url))
        world.app.people.read_groups_by(GroupReader(reader, lambda: now_s[0]))
        await world.app.people.look_up(["group:shift"])
        await slack.breaks("usergroups.users.list", "error" if error else "http_500", times=2, error=error)
        now_s[0] += LAST_GOOD_S

        await world.app.messages.outbox.alert(new_id("outgoing", 0), lambda: ("Mail is not read", "Look at it."))

        await world.quiet()
        assert [letter.subject for letter in world.mails("dan")] == ["Mail is not read"]
        assert world.app.people.members(["group:shift"], await world.now()) == ()


async def test_attack_an_operator_of_a_group_that_can_not_be_read_at_a_start_is_told_that_they_are_none(
    office: World,
) -> None:
    async with office.stopped():
        office.toml = f'{OFFICE}\n[roles]\noperator = ["group:finance"]\n'
        (office.folder / "people.csv").unlink()

    await office.send("cy", "sayso@sayso.example", "freeze everything: incident 4711")

    told = (await office.next_mail("cy", about="Freeze")).text.replace("\n", " ")
    assert "the members of group finance are not known: people.csv: can't be read" in told
    assert await office.app.requests.freezes.all() == ()
