"""Who may do what to a request, in which state it is: the table of all acts, as every surface offers them.

Each state is come to by what people do. Each cell is what `offers` finds by the pure rules for its person, who looks at
the console, and what the page "Who may approve" says by brute force: `tests/kit/rules.py` shares no code with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.people.directory import People
from bot.policy.judgements import ClosedOtherwise
from bot.policy.offers import Can
from tests.bot.requests.walks import Act, Place
from tests.kit.core import Core
from tests.kit.house import House
from tests.kit.office import settings_of
from tests.kit.rules import Rules, Step

VIEWERS: Mapping[str, str] = {
    "anna": "asks",
    "ivy": "wrote to the run",
    "una": "answered before",
    "pat": "approved the step before",
    "bo": "approves",
    "dan": "approves the next step",
    "fay": "gets it by escalation",
    "gus": "handed it on",
    "tom": "took it",
    "ava": "is away",
    "sam": "stands in",
    "ed": "edited it",
    "max": "may be Anna",
    "vic": "has voted",
    "gil": "may break the glass",
    "ole": "operator",
    "kim": "has left",
    "zed": "stranger",
}
GROUPS: Mapping[str, tuple[str, ...]] = {
    "before": ("pat", "kim"),
    "first": ("anna", "ivy", "una", "bo", "gus", "ava", "ed", "max", "vic", "cy"),
    "then": ("dan",),
}
TOML = (
    "".join(
        f'[people.{name}]\nname = "{name.title()}"\nemail = "{name}@corp.example"\n'
        f"groups = [{', '.join(chr(34) + group + chr(34) for group, those in GROUPS.items() if name in those)}]\n"
        for name in (*VIEWERS, "cy")
    )
    + """
[roles]
operator = ["person:ole"]

[alerts]
to = ["person:ole"]

[policies.walk]
expires_after = "4h"
stand_ins = ["person:tom", "person:sam"]
break_glass = ["person:gil", "person:ed", "person:gus", "person:ivy", "person:max", "person:vic"]

[[policies.walk.steps]]
name = "before"
approvers = ["group:before"]

[[policies.walk.steps]]
name = "first"
approvers = ["group:first"]
quorum = 2
escalate_after = "10m"
escalate_to = ["person:fay"]

[[policies.walk.steps]]
name = "then"
approvers = ["group:then"]
"""
)
# Una is asked first, which the page comes to once she has answered.
WANTS = "ask-of person:una free_text Which?\npress bell"
AT_FIRST = ("run pause", "una answer the big one")
BEFORE = (
    *AT_FIRST,
    "ivy write and soon",
    "pat approve",
    "ed edit horn",
    "pat approve",
    "gus hand_on tom",
    "ava away sam",
    "vic approve",
)
APPROVED, BROKEN = (*BEFORE, "bo approve", "dan approve"), (*BEFORE, "gil break_glass checkout is down")
BEGUN = (*APPROVED, "run resume")
STATES: Mapping[str, tuple[str, ...]] = {
    "question": (),
    "opened": AT_FIRST,
    "open": BEFORE,
    "frozen": (*BEFORE, "run freeze"),
    "escalated": (*BEFORE, "clock 601"),
    "next step": (*BEFORE, "bo approve"),
    "approved": APPROVED,
    "by glass": BROKEN,
    "review": (*BROKEN, "run review"),
    "unknown": (*BEGUN, "run lose"),
    "begun": BEGUN,
    "done": (*BEGUN, "run finish"),
    "denied": (*BEFORE, "cy deny"),
    "revoked": (*APPROVED, "bo deny"),
    "withdrawn": (*BEFORE, "anna withdraw"),
    "late": (*BEFORE, "clock 14400 unseen"),
    "expired": (*BEFORE, "clock 14400"),
    "superseded": (*APPROVED, "clock 1200", "run resume"),
}
"""What is played, to the newest request; where one is superseded, another is opened in its place."""
LETTERS: Mapping[str, str] = {
    "approve": "y", "denied": "n", "withdrawn": "t", "revoked": "s", "withdraw": "w", "answer": "r", "ask": "a",
    "edit": "e", "hand_on": "h", "break_glass": "g",
}  # fmt: skip
"""Says yes or no, takes it back or stops what was approved by a no, withdraws it, answers a question, asks back, edits,
hands it on, breaks the glass.
"""
STANDS = ""
"""The row that says in which state and step it is; what is over stays in its step."""
TABLE = Path(__file__).with_suffix(".txt")


def drawn(cells: Mapping[str, Mapping[str, str]]) -> str:
    """Return the table: a row for each viewer, a column for each state."""
    rows = [("", "", *STATES)]
    rows += [(one, does, *(cells[state][one] for state in STATES)) for one, does in {STANDS: "", **VIEWERS}.items()]
    width = 1 + max(len(one) for row in rows for one in row[2:])
    lines = (f"{name:5}{does:25}{''.join(f'{one:{width}}' for one in its)}".rstrip() for name, does, *its in rows)
    return "\n".join(lines) + "\n"


def cell(acts: Sequence[str] | frozenset[str]) -> str:
    return "".join(letter for act, letter in LETTERS.items() if act in acts) or "."


def people(folder: Path) -> People:
    """Return the directory: Max has the Slack id that Anna had, and nobody has left yet."""
    settings = settings_of(folder, TOML)
    anna = settings.people["anna"].model_copy(update={"uid": "1", "slack": "U0ANNA"})
    found = People.of(settings)
    here = {name: one for name, one in settings.people.items() if name != "max"}
    found.change(replace(found.as_written, people={**here, "anna": anna}))
    here |= {"anna": anna.model_copy(update={"slack": "U0NEW"})}
    here |= {"max": settings.people["max"].model_copy(update={"slack": "U0ANNA"})}
    found.change(replace(found.as_written, people={name: here[name] for name in settings.people}))
    return found


def without_kim(found: People) -> None:
    written = found.as_written
    found.change(replace(written, people={name: one for name, one in written.people.items() if name != "kim"}))


async def offered(folder: Path, state: str) -> dict[str, str]:
    """Return the cells of a state by the product's rules."""
    known = people(folder)
    core = Core(known, "walk", WANTS)
    for line in STATES[state]:
        await core.play(line)
    without_kim(known)
    record = core.records[-2] if state == "superseded" else core.record
    stands = "frozen" if record.frozen else "begun" if record.started_at else record.state
    return {
        STANDS: f"{stands} {record.asked.in_step + 1}",
        **{one: cell(_acts(core.can_do_to(record, one))) for one in VIEWERS},
    }


def _acts(can: Can) -> list[str]:
    return [str(can.becomes("deny")) if act == "deny" else act for act in can.acts]


def told(state: str) -> dict[str, str]:
    """Return the cells of a state by the page, which knows no pause."""
    before, first, then = (Step(those, 1, frozenset(those)) for those in GROUPS.values())
    first = replace(first, quorum=2, reserve=("fay",), escalates_after_s=600)
    rules = Rules("anna", (before, first, then), {*VIEWERS, "cy"}, frozenset({"tom", "sam"}), "bell")
    rules.answered, rules.may_be = frozenset({"una"}), {"max": "anna"}
    rules.glass = frozenset({"gil", "ed", "gus", "ivy", "max", "vic"})
    if state == "question":
        rules = rules.of_the_question("una")
    now = 0.0
    for line in STATES[state][len(AT_FIRST) :]:
        who, verb, *value = line.split(" ", 2)
        match who, verb:
            case "run", "resume":
                rules.start(now, is_the_same=True)
            case "run", "lose":
                rules = rules.of_the_unknown()
            case "run", "review":
                rules = rules.of_the_review()
            case "run", "freeze":
                rules.is_frozen = True
            case "run", _:
                assert verb == "finish"
            case "clock", _:
                now += float(verb)
                if not value:
                    rules.look(now)
            case _, "approve":
                rules.approve(who, "cli", rules.revision, now)
            case _, "deny":
                rules.deny(who, now)
            case _, "withdraw":
                rules.withdraw(who, now)
            case _, "write":
                rules.write(who)
            case _, "edit":
                assert rules.edit(who, "cli", value[0], rules.revision, now)
            case _, "hand_on":
                assert rules.hand_on(who, value[0], "cli", now)
            case _, "away":
                rules.goes_away(who, value[0], "cli")
                rules.look_for_who_is_away(now)
            case _:
                assert verb == "break_glass"
                rules.break_glass(who, "cli", rules.revision, now)
    rules.present.discard("kim")
    stands = "frozen" if rules.is_frozen else "begun" if rules.has_started else rules.state
    return {STANDS: f"{stands} {rules.in_step + 1}", **{one: cell(rules.can(one, now)) for one in VIEWERS}}


def test_the_table_is_what_the_page_says() -> None:
    assert drawn({state: told(state) for state in STATES}) == TABLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("state", STATES)
async def test_everybody_may_do_what_the_page_says(tmp_path: Path, state: str) -> None:
    assert await offered(tmp_path, state) == told(state)


async def test_what_is_taken_back_after_its_expiry_has_expired(redis: str, tmp_path: Path) -> None:
    house = House(redis, settings_of(tmp_path, TOML))
    try:
        place = await Place.opened(house, house.settings.policies["walk"])
        for act in (Act("wait", words="14400"), Act("withdraw"), Act("look")):
            await place.do(act)

        [withdrawal] = place.given
        stands = await place.record()
        assert (withdrawal.judgement, stands.state) == (ClosedOtherwise(state="expired"), "expired")
        assert stands.decision
        assert stands.decision.by == ()
    finally:
        await house.store.client.close()
