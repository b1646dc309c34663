"""Who has left is in no list of those who may decide, and is named in what they did."""

import re
from pathlib import Path

from bot.policy.judgements import Counted, Decided
from bot.render.request_card import standing
from bot.render.transcript import transcript_line
from bot.render.views import request_view
from channels import Card
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.world import World, a_world

EVE = '\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
OPS = TOML.replace('name = "Dan Dorn"\n', 'name = "Dan Dorn"\ngroups = ["ops"]\n')


async def stands(world: World, request_id: str) -> Card:
    """The card as it is drawn anew."""
    record = await world.request(request_id)
    run, now = await world.run(record.request.run_id), await world.now()
    return standing(record, run, world.app.people, now, record.request.revision)


def said(card: Card) -> str:
    return "\n".join([card.summary, *(f"{line.label}: {line.text}" for line in (*card.facts, *card.decides))])


@opens(toml=OPS + EVE)
async def test_who_voted_and_left_is_named_with_that_and_decides_no_more(world: World) -> None:
    world.workshop.policy_of["bell"] = "pair"
    record = await world.opened(await world.trigger("press bell"))
    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await becomes(world, without(OPS + EVE, "bo"))

    card, now = await stands(world, record.request.id), await world.request(record.request.id)
    assert "Counts no more: Bo Berg (has left) at " in said(card)
    assert "bo" not in re.findall(r"\w+", said(card))
    [decides] = [line.text for line in card.decides if line.label == "Who decides"]
    assert decides == "Cy Cole and Eve Eder"
    view = request_view(now, world.app.people)
    assert (view.may_decide, view.rule) == (("cy", "eve"), "Cy Cole and Eve Eder")
    story = [transcript_line(one, world.app.people).text for one in await world.events(now.request.run_id)]
    assert any(line.startswith("Bo Berg (has left) approves") for line in story)


PARTS = """
[people.eve]
name = "Eve Eder"
email = "eve@corp.example"
groups = ["data"]

[policies.schema]
approvers = { all_of = ["group:release", "group:data"] }
expires_after = "4h"
escalate_after = "20m"
escalate_to = ["person:dan"]
"""


@opens(toml=TOML + PARTS)
async def test_who_is_added_by_escalation_fills_any_one_part_and_the_card_says_which(world: World) -> None:
    world.workshop.policy_of["bell"] = "schema"
    record = await world.opened(await world.trigger("press bell"))
    await world.move_time(1300)
    await world.next_mail("dan", "Press bell?")
    assert isinstance(await world.decide("dan", record, "approve"), Counted)
    first = said(await stands(world, record.request.id))

    decided = await world.decide("bo", record, "approve")

    assert "1 of 2: Dan Dorn (fills release) at " in first
    assert isinstance(decided, Decided)
    both = said(await stands(world, record.request.id))
    assert "Dan Dorn (fills data) at " in both
    assert "Bo Berg (fills release) at " in both


@opens(toml=TOML + PARTS.replace("person:dan", "group:release"))
async def test_attack_a_request_waits_for_nobody_once_those_who_voted_fill_the_other_part_as_well(world: World) -> None:
    world.workshop.policy_of["bell"] = "schema"
    record = await world.opened(await world.trigger("press bell"))
    for person in ("bo", "cy"):
        assert isinstance(await world.decide(person, record, "approve"), Counted)

    await world.move_time(1300)
    await world.quiet()

    decision = (await world.request(record.request.id)).decision
    assert decision
    assert (decision.state, decision.by) == ("approved", ("bo", "cy"))
    assert len(world.workshop.effects) == 1


async def test_whom_it_escalates_to_is_not_counted_when_it_is_asked_whether_enough_are_there(
    redis: str, tmp_path: Path
) -> None:
    only_anna = '"anna@corp.example"\ngroups = ["data"]\n'
    toml = TOML.replace('"anna@corp.example"\n', only_anna) + PARTS.replace('groups = ["data"]\n', "")
    async with a_world(redis, tmp_path / "data", toml) as world:
        world.workshop.policy_of["bell"] = "schema"

        run_id = await world.trigger("press bell")

        assert "policy 'schema' can't be met" in await world.summary(run_id)
        assert world.workshop.effects == []
