"""Who has left is in no list of those who may decide, and is named in what they did."""

import re
from pathlib import Path

from bot.policy.judgements import Counted
from bot.render.request_card import standing
from bot.render.transcript import transcript_line
from bot.render.views import request_view
from channels import Card
from tests.office import TOML
from tests.tables import becomes, without
from tests.world import World, a_world

EVE = '\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
OPS = TOML.replace('name = "Dan Dorn"\n', 'name = "Dan Dorn"\ngroups = ["ops"]\n')


async def stands(world: World, request_id: str) -> Card:
    """The card as it is drawn anew."""
    record = await world.request(request_id)
    run, now = await world.run(record.request.run_id), await world.now()
    return standing(record, run, world.app.people, now, record.request.revision)


def said(card: Card) -> str:
    return "\n".join([card.summary, *(f"{line.label}: {line.text}" for line in (*card.facts, *card.decides))])


async def test_who_voted_and_left_is_named_with_that_and_decides_no_more(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", OPS + EVE) as world:
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
