"""Others decide than those who were asked first: nobody loses their no, and nobody approves what they wished for."""

from pathlib import Path
from typing import Literal

import pytest

from agents.requests import RunId
from agents.requests.record import RequestRecord
from bot.policy.approvers.who import who_of
from bot.policy.judgements import Counted, Decided, NotEntitled
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.world import World, a_world

_EVE = '\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["ops"]\n'
_TWO = '\n[policies.two]\napprovers = ["group:ops"]\nquorum = 2\nexpires_after = "4h"\n'
_IN_OPS = TOML.replace(
    'email = "bo@corp.example"\ngroups = ["release"]', 'email = "bo@corp.example"\ngroups = ["release", "ops"]'
)
_OPS = _IN_OPS + _EVE + _TWO


def joined(toml: str, *people: str) -> str:
    """The file, with these people in the group that decides as well."""
    for person in people:
        mail = f'email = "{person}@corp.example"\n'
        grouped = f'{mail}groups = ["release"]'
        toml = toml.replace(grouped, f'{mail}groups = ["release", "ops"]')
    return toml


async def advised(office: World, policy: str) -> tuple[RunId, RequestRecord]:
    """Cy, whom the policy does not name, answered the agent's question, and the call is put to those it names."""
    office.workshop.policy_of["bell"] = policy
    run_id = await office.trigger("ask-of group:release free_text which one?\npress bell")
    question = await office.opened(run_id)
    await office.decide("cy", question, "free_text", "take the bell")
    return run_id, await office.opened(run_id, after=question.request.id)


@opens(_OPS.replace('email = "dan@corp.example"\n', 'email = "dan@corp.example"\ngroups = ["release"]\n'))
async def test_who_answered_the_agent_does_not_approve_once_they_join_those_who_decide(world: World) -> None:
    toml = world.toml
    run_id, record = await advised(world, "two")
    assert isinstance(await world.decide("bo", record, "approve"), Counted)
    await becomes(world, joined(toml.replace(_EVE, ""), "cy", "dan"))
    now = await world.request(record.request.id)
    assert who_of(now).approve == ("bo", "dan")

    own = await world.decide("cy", now, "approve")

    assert isinstance(own, NotEntitled)
    await world.quiet()
    assert world.workshop.effects == []
    assert isinstance(await world.decide("dan", now, "approve"), Decided)
    await world.ended(run_id)


@opens(_OPS)
async def test_it_is_closed_where_only_who_answered_the_agent_could_decide_instead(world: World) -> None:
    run_id, record = await advised(world, "two")
    await world.decide("bo", record, "approve")

    await becomes(world, joined(_OPS.replace(_EVE, ""), "cy"))

    await world.ended(run_id)
    assert (await world.request(record.request.id)).state == "superseded"
    assert world.workshop.effects == []


async def test_who_answered_the_agent_does_not_approve_once_they_are_on_call(redis: str, tmp_path: Path) -> None:
    solo = '\n[policies.solo]\napprovers = ["person:bo"]\nexpires_after = "4h"\nescalate_after = "1h"\n'
    solo += 'escalate_to = ["oncall:ops"]\n'
    solo += '\n[oncall.ops]\nrotation = ["person:dan"]\nshift = "7d"\nstarts = "2020-01-01T09:00"\n'
    async with a_world(redis, tmp_path / "data", TOML + solo) as office:
        _, record = await advised(office, "solo")
        await becomes(office, TOML + solo.replace("person:dan", "person:cy"))

        await office.move_time(61 * 60)
        await office.quiet()

        now = await office.request(record.request.id)
        assert now.asked.escalated_at is not None
        assert who_of(now).approve == ("bo",)
        assert isinstance(await office.decide("cy", now, "approve"), NotEntitled)
        assert isinstance(await office.decide("bo", now, "approve"), Decided)


_BELL = '\n[policies.bell]\nexpires_after = "4h"\n'


def of_bell(approvers: str, *lines: str) -> str:
    """The file with a policy of its own for the bell."""
    named = ", ".join(f'"{one if ":" in one else f"person:{one}"}"' for one in approvers.split())
    return "\n".join((TOML + _EVE + _BELL + f"approvers = [{named}]", *lines, ""))


def for_the_bell(world: World) -> None:
    world.workshop.policy_of |= {"bell": "bell", "horn": "bell"}
    world.workshop.editable = ("what",)


_LATER = 'escalate_after = "1h"\nescalate_to = ["person:dan"]'
_LET = {
    "who asked approves": ("requester_may_approve = true", "anna"),
    "who changed it approves": ("editor_may_approve = true", "bo"),
    "a mail approves": ("approve_by_email = true", "bo"),
    "a terminal approves": ('answer_from = ["console", "cli"]', "bo"),
    "it escalates": (_LATER, "dan"),
    "it may be handed on": ('stand_ins = ["person:dan"]', "dan"),
}


@opens(TOML, change=for_the_bell)
@pytest.mark.parametrize("let", few_of([*_LET], 0, 4))
async def test_attack_what_the_policy_let_people_do_beside_others_one_does_alone_by_the_rule_of_now(
    world: World, let: str
) -> None:
    """Two had to approve then; one is enough by now, and for that the policy lets nobody do it any more."""
    line, one = _LET[let]
    two = "anna bo" if one == "anna" else "bo cy"
    gone, now = ("bo", "anna cy") if one == "anna" else ("cy", "bo eve")
    await becomes(world, of_bell(two, "quorum = 2", line))
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    if let == "who changed it approves":
        await world.edit("bo", record, what="horn")
    await becomes(world, without(of_bell(now, *(['answer_from = ["console"]'] if "terminal" in let else [])), gone))
    if let == "it escalates":
        await world.move_time(61 * 60)
        await world.quiet()
    stands = await world.opened(run_id)
    if let == "it may be handed on":
        await world.delegate("bo", stands, "dan")

    channel: Literal["email", "cli"] = "email" if let == "a mail approves" else "cli"
    for asked in (record.request.id, stands.request.id):
        said = await world.decide(one, await world.request(asked), "approve", channel=channel)
        assert not isinstance(said, Decided)

    await world.quiet()
    assert world.workshop.effects == []
    if let == "it escalates":  # whom it escalates to is asked at once, beside the one who is left
        assert (await world.request(record.request.id)).asked.quorum == 2
        return
    assert (await world.request(record.request.id)).state == "superseded"
    other, way = "cy" if one == "anna" else "eve", "console" if let == "a terminal approves" else "cli"
    stands = await world.request(stands.request.id)
    assert isinstance(await world.decide(other, stands, "approve", channel=way), Decided)


def by_group(who: str, *lines: str) -> str:
    """The file with a policy for the bell by which a group of these people approves."""
    toml = of_bell("group:bells", *lines)
    for one in who.split():
        toml = toml.replace(f'"{one}@corp.example"\n', f'"{one}@corp.example"\ngroups = ["bells"]\n')
    return toml.replace('["bells"]\ngroups = ["', '["bells", "')


_OWN = "requester_may_approve = true"


@opens(TOML, change=for_the_bell)
@pytest.mark.parametrize("may_now", [False, True])
async def test_attack_who_asked_joins_those_who_decide_and_approves_as_nobody_who_asked_may_by_now(
    world: World, may_now: bool
) -> None:
    await becomes(world, by_group("bo", _OWN))
    record = await world.opened(await world.trigger("press bell"))

    await becomes(world, without(by_group("anna", *([_OWN] if may_now else [])), "bo"))

    said = await world.decide("anna", await world.request(record.request.id), "approve")
    assert isinstance(said, Decided) is may_now
    await world.quiet()
    assert world.workshop.effects == ["press bell"] * may_now


@opens(TOML, change=for_the_bell)
async def test_attack_it_escalates_to_who_asked_once_the_policy_lets_nobody_approve_who_asked(world: World) -> None:
    toml = of_bell("bo", _OWN, _LATER).replace('to = ["person:dan"]\n\n', 'to = ["person:eve"]\n\n', 1)
    await becomes(world, toml)
    record = await world.opened(await world.trigger("press bell"))

    await becomes(world, without(toml.replace(f"{_OWN}\n", "").replace('["person:dan"]', '["person:anna"]'), "dan"))
    await world.move_time(61 * 60)
    await world.quiet()

    assert not isinstance(await world.decide("anna", await world.request(record.request.id), "approve"), Decided)
    await world.quiet()
    assert world.workshop.effects == []


@opens(TOML, change=for_the_bell)
@pytest.mark.parametrize("line", few_of(["", "approve_by_email = true", _OWN, "editor_may_approve = true"], 0, 1))
async def test_attack_it_escalates_to_somebody_of_now_who_decides_by_the_policy_of_then(
    world: World, line: str
) -> None:
    await becomes(world, of_bell("bo cy", _LATER.replace("dan", "eve")))
    record = await world.opened(await world.trigger("press bell"))

    await becomes(world, without(of_bell("bo cy", _LATER, line), "eve"))
    await world.move_time(61 * 60)
    await world.quiet()

    said = await world.decide("dan", await world.request(record.request.id), "approve")
    assert isinstance(said, Decided) is (line == "")
    await world.quiet()
    assert world.workshop.effects == ["press bell"] * (line == "")


_ALL = ('["person:bo", "person:cy"]', '{ all_of = ["person:bo", "person:cy"] }')


@opens(TOML, change=for_the_bell)
@pytest.mark.parametrize("put", [("", ""), _ALL, ('"1h"', '"3h"')], ids=["the same", "all approve", "later"])
async def test_attack_it_escalates_to_somebody_of_now_whom_the_rule_of_now_does_not_let_decide_so(
    world: World, put: tuple[str, str]
) -> None:
    await becomes(world, of_bell("bo cy", _LATER.replace("dan", "eve")))
    record = await world.opened(await world.trigger("press bell"))

    await becomes(world, without(of_bell("bo cy", _LATER).replace(*put), "eve"))
    await world.move_time(61 * 60)
    await world.quiet()

    said = await world.decide("dan", await world.request(record.request.id), "approve")
    assert isinstance(said, Decided) is (put == ("", ""))
    await world.quiet()
    assert world.workshop.effects == ["press bell"] * (put == ("", ""))


def on_call(toml: str, person: str) -> str:
    """The file, with this person on call."""
    return f'{toml}\n[oncall.ops]\nrotation = ["person:{person}"]\nshift = "7d"\nstarts = "2020-01-01T09:00"\n'


_WHEN_CALLED = of_bell("bo cy", 'escalate_after = "1h"\nescalate_to = ["oncall:ops"]')
_STANDS_IN = of_bell("bo cy", 'stand_ins = ["oncall:ops"]')
_COMES_BY = {
    "the group is filled anew": (by_group("bo"), without(by_group("eve dan"), "bo")),
    "it is handed on": (by_group("bo"), by_group("bo eve dan")),
    "a rotation stands in": (on_call(_STANDS_IN, "dan"), on_call(_STANDS_IN, "eve")),
    "it escalates": (on_call(_WHEN_CALLED, "dan"), on_call(_WHEN_CALLED, "eve")),
}


@opens(TOML, change=for_the_bell)
@pytest.mark.parametrize("line", ["", "quorum = 2"])
@pytest.mark.parametrize("by", [*_COMES_BY])
async def test_attack_somebody_comes_to_it_by_now_and_decides_alone_as_the_policy_of_now_lets_nobody(
    world: World, by: str, line: str
) -> None:
    then, now = _COMES_BY[by]
    await becomes(world, then)
    record = await world.opened(await world.trigger("press bell"))

    await becomes(world, now.replace("[policies.bell]", f"[policies.bell]\n{line}"))
    if by == "it escalates":
        await world.move_time(61 * 60)
        await world.quiet()
    if by in {"it is handed on", "a rotation stands in"}:
        await world.delegate("bo", record, "eve")

    said = await world.decide("eve", await world.request(record.request.id), "approve")
    assert isinstance(said, Decided) is (line == "")
    await world.quiet()
    assert world.workshop.effects == ["press bell"] * (line == "")
