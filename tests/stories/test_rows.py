"""Who may do what to a request, by rows: given a policy, who does what, then.

The pure rules and each surface play all of them. The rows are the rules; a surface shows here that it is wired to them,
and its own tests need not say them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

import pytest

from agents.requests import RunId
from agents.requests.record import RequestRecord
from bot.people.directory import People
from bot.testing.people import Verb as Steered
from tests.fakes.slack.driver import Workspace
from tests.kit.core import Core
from tests.kit.office import TOML, settings_of
from tests.kit.opens import opens
from tests.kit.slack_world import a_slack_world
from tests.kit.surfaces import Http, Mail, Page, Slack, Surface, Terminal, Verb
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import Api

POLICIES = f"""{TOML}
[policies.solo]
approvers = ["person:bo"]
stand_ins = ["person:dan"]
approve_by_email = true
expires_after = "4h"

[policies.own]
approvers = ["person:anna", "person:bo"]
requester_may_approve = true
approve_by_email = true
expires_after = "4h"

[policies.night]
approvers = ["group:release"]
quorum = 2
break_glass = ["person:bo"]
approve_by_email = true
expires_after = "4h"

[policies.spending]
approve_by_email = true
expires_after = "2d"

[[policies.spending.steps]]
name = "manager"
approvers = ["person:bo"]

[[policies.spending.steps]]
name = "finance"
approvers = ["person:dan"]
"""


@dataclass(frozen=True)
class Row:
    """`acts` are lines: who, the verb, and its value. `{what}` is what the request is about.

    `wants` is what Anna wants of the clerk. What people do is about the newest request of it: of a child, where it
    starts one. The `state` is that of each request; `given` is the answer to the last one, and `beside` who asked back
    there, and who answered.
    """

    policy: str
    acts: tuple[str, ...]
    state: str
    pressed: str = ""
    wants: str = "press {what}"
    given: str = ""
    beside: tuple[str, ...] = ()

    def became(self, records: Sequence[RequestRecord], pressed: str) -> "Row":
        """Return the same row with what came of it."""
        record, state = records[-1], ", ".join(one.state for one in records)
        given = record.decision.given if record.decision else None
        beside = tuple(f"{one.kind} {one.person}" for one in record.comments if one.kind != "comment")
        return replace(self, state=state, pressed=pressed, given=given.text if given else "", beside=beside)


WHAT = "{what}"
IS_IT, WHERE = "ask-of person:bo yes_no Is {what} it?", "ask-of person:bo free_text Where is {what}?"
WHICH = "ask-of person:bo choice Which of {what}? | red, green, blue"
FORM, CHILD = "ask-of person:bo form Where to with {what}? | street, city", "start_run press {what}"
BESIDE = ("run", "clock")
"""Begin lines about what is no answer: `run pause` and `run resume` are Anna's, `clock` moves on by seconds."""

ROWS: Mapping[str, Row] = {
    "one approver is enough where one is asked for": Row("production", ("bo approve",), "approved", WHAT),
    "one denial ends it": Row("pair", ("bo approve", "cy deny"), "denied"),
    "two are needed where two are asked for": Row("pair", ("bo approve",), "open"),
    "nobody votes twice": Row("pair", ("bo approve", "bo approve"), "open"),
    "two of two decide": Row("pair", ("bo approve", "cy approve"), "approved", WHAT),
    "whoever asked does not approve": Row("production", ("anna approve",), "open"),
    "whoever asked approves where the policy lets them": Row("own", ("anna approve",), "approved", WHAT),
    "whoever asked takes it back": Row("production", ("anna deny",), "withdrawn"),
    "a stranger approves nothing": Row("production", ("dan approve",), "open"),
    "a stranger denies nothing": Row("production", ("dan deny",), "open"),
    "nothing is decided after a denial": Row("production", ("bo deny", "cy approve"), "denied"),
    "an edit asks everybody again": Row("pair", ("bo approve", "cy edit {what}x"), "open"),
    "an edit is approved by somebody else": Row("production", ("bo edit {what}x", "cy approve"), "approved", "{what}x"),
    "whoever edited does not approve it": Row("production", ("bo edit {what}x", "bo approve"), "open"),
    "whoever edited may deny it": Row("production", ("bo edit {what}x", "bo deny"), "denied"),
    "a stranger edits nothing": Row("production", ("dan edit {what}x", "bo approve"), "approved", WHAT),
    "whoever takes a seat over decides": Row("solo", ("bo hand_on dan", "dan approve"), "approved", WHAT),
    "whoever handed it on does not approve": Row("solo", ("bo hand_on dan", "bo approve"), "open"),
    "whoever handed it on may deny it": Row("solo", ("bo hand_on dan", "bo deny"), "denied"),
    "it is handed on to nobody whom the policy does not take": Row("solo", ("bo hand_on cy", "cy approve"), "open"),
    "whom the policy names breaks the glass alone": Row(
        "night", ("bo break_glass checkout is down",), "approved", WHAT
    ),
    "nobody else breaks it": Row("night", ("cy break_glass checkout is down",), "open"),
    "the second step is not decided before the first": Row("spending", ("dan approve",), "open"),
    "each step has its own people": Row("spending", ("bo approve", "dan approve"), "approved", WHAT),
    "nobody fills two steps": Row("spending", ("bo approve", "bo approve"), "open"),
    "a denial of the first step ends it": Row("spending", ("bo deny",), "denied"),
    "words are no approval": Row("production", ("bo say I will look at it after lunch",), "open"),
    "an approval is taken back until it starts": Row("production", ("run pause", "bo approve", "cy deny"), "revoked"),
    "whoever asked takes it back after the approval": Row(
        "production", ("run pause", "bo approve", "anna deny"), "revoked"
    ),
    "what was taken back does not start": Row(
        "production", ("run pause", "bo approve", "cy deny", "run resume"), "revoked"
    ),
    "an approval is used within its time": Row(
        "production", ("run pause", "bo approve", "clock 1200", "run resume"), "superseded, open"
    ),
    "nobody approves what has expired": Row("production", ("clock 18000", "bo approve"), "expired"),
    "whoever decides asks back, which decides nothing": Row(
        "production", ("bo ask Why now?",), "open", beside=("question bo",)
    ),
    "whoever asked answers that, and it is no vote": Row(
        "own", ("bo ask Why now?", "anna answer Yes, it is down."), "open", beside=("question bo", "answer anna")
    ),
    "whoever asked back still approves": Row(
        "production", ("bo ask Why now?", "bo approve"), "approved", WHAT, beside=("question bo",)
    ),
    "a stranger asks nothing": Row("production", ("dan ask Why now?",), "open"),
    "whoever is asked answers": Row("", ("bo answer yes",), "answered", wants=IS_IT, given="yes"),
    "nobody else answers": Row("", ("cy answer yes",), "open", wants=IS_IT),
    "whoever wanted it answers no question to others": Row("", ("anna answer yes",), "open", wants=IS_IT),
    "the first answer decides": Row(
        "", ("bo answer no", "cy answer yes"), "answered", wants="ask-of group:release yes_no Is {what} it?", given="no"
    ),
    "what answers neither yes nor no answers nothing": Row("", ("bo answer after lunch",), "open", wants=IS_IT),
    "an option is chosen": Row("", ("bo answer green",), "answered", wants=WHICH, given="green"),
    "what is no option answers nothing": Row("", ("bo answer purple",), "open", wants=WHICH),
    "a choice has one option": Row("", ("bo answer green, red",), "open", wants=WHICH),
    "several options are chosen": Row(
        "", ("bo answer red, blue",), "answered", wants=WHICH.replace("choice", "choices"), given="red, blue"
    ),
    "words answer where words are asked for": Row(
        "", ("bo answer the one by the door",), "answered", wants=WHERE, given="the one by the door"
    ),
    "a form is filled in": Row(
        "", ("bo answer street: Elm 5; city: Bonn",), "answered", wants=FORM, given="street: Elm 5\ncity: Bonn"
    ),
    "a form that lacks a field answers nothing": Row("", ("bo answer street: Elm 5",), "open", wants=FORM),
    "whoever answered does not approve what comes of it": Row(
        "production", ("bo answer the big one", "bo approve"), "answered, open", wants=f"{WHERE}\npress {WHAT}"
    ),
    "somebody else approves what comes of an answer": Row(
        "production", ("bo answer the big one", "cy approve"), "answered, approved", WHAT, f"{WHERE}\npress {WHAT}"
    ),
    "whoever wanted it approves nothing of a child": Row("production", ("anna approve",), "open", wants=CHILD),
    "a child is approved as any other": Row("production", ("bo approve",), "approved", WHAT, CHILD),
    "whoever wanted it takes back what a child asks": Row("production", ("anna deny",), "withdrawn", wants=CHILD),
    "whoever answered a child does not approve what comes of it": Row(
        "production", ("bo answer the big one", "bo approve"), "answered, open", wants=f"start_run {WHERE};press {WHAT}"
    ),
    # Last: it is longer than a session of the console lasts.
    "nobody answers what has expired": Row("", ("clock 90000", "bo answer yes"), "expired", wants=IS_IT),
}
assert all(
    line.split()[1] in get_args(Verb) for row in ROWS.values() for line in row.acts if line.split()[0] not in BESIDE
)


def prepared(world: World) -> None:
    """Each row has a thing of its own, behind its policy, and what it may be changed into."""
    world.workshop.editable = ("what",)
    for number, row in enumerate(ROWS.values()):
        world.workshop.policy_of |= {f"r{number}": row.policy, f"r{number}x": row.policy}


pytestmark = opens(POLICIES, change=prepared)


async def played(world: World, surface: Surface) -> dict[str, Row]:
    """Return what became of each row."""
    found = dict[str, Row]()
    for number, (name, row) in enumerate(ROWS.items()):
        what = f"r{number}"
        run_id = await surface.begin(row.wants.format(what=what))
        if row.wants.startswith("start_run"):
            run_id = (await world.child(run_id)).id
        await world.opened(run_id)
        for line in row.acts:
            await world.quiet()
            person, verb, *value = line.format(what=what).split(" ", 2)
            match person:
                case "run":
                    await world.steer(run_id, cast("Steered", verb))
                case "clock":
                    await world.move_time(float(verb))
                case _:
                    await surface.act(person, cast("Verb", verb), " ".join(value), (await requests(world, run_id))[-1])
        await world.quiet()
        mine = [one.removeprefix("press ") for one in world.workshop.effects if one.split()[1] in {what, f"{what}x"}]
        found[name] = row.became(await requests(world, run_id), ", ".join(mine).replace(what, WHAT))
    return found


async def requests(world: World, run_id: RunId) -> list[RequestRecord]:
    """Return all that a run has asked, the newest last."""
    return [await world.request(one) for one in (await world.run(run_id)).requests]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    return People.of(settings_of(tmp_path_factory.mktemp("rows"), POLICIES))


@pytest.mark.parametrize("name", ROWS)
async def test_each_row_holds_for_the_pure_rules(people: People, name: str) -> None:
    row, what = ROWS[name], "bell"
    core = Core(people, row.policy, row.wants.format(what=what))
    for line in row.acts:
        await core.play(line.format(what=what))

    assert row.became(core.records, core.pressed.replace(what, WHAT)) == row


async def test_the_rows_hold_over_http(world: World, api: Api) -> None:
    assert await played(world, Http(world, api)) == ROWS


@pytest.mark.long
async def test_the_rows_hold_for_the_functions_that_decide(world: World) -> None:
    assert await played(world, Terminal(world)) == ROWS


@pytest.mark.long
async def test_the_rows_hold_on_the_pages_of_the_console(world: World) -> None:
    async with a_console(world) as console:
        assert await played(world, Page(world, console)) == ROWS


@pytest.mark.long
async def test_the_rows_hold_by_mail(world: World) -> None:
    assert await played(world, Mail(world)) == ROWS


@pytest.mark.long
async def test_the_rows_hold_in_a_channel_of_slack(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, POLICIES) as office:
        prepared(office.world)
        await office.world.start()
        await slack.connected()
        assert await played(office.world, Slack(office)) == ROWS
        assert await slack.violations() == []
