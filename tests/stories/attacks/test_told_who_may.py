"""Every surface names as those who may decide, or break the glass, whom the judge would count, and says only why not.

Two people turn out to be one human, perhaps, as in `test_turn_out_to_be_one`: whoever only may be somebody that took
part is offered nothing, and is named nowhere as one who may.
"""

from pathlib import Path

import pytest

from agents.requests import PersonId, bound_to
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.people.offers import offers
from bot.policy.answers import Statement
from bot.policy.judgements import NotEntitled
from bot.queries.overview import StoredRequests
from bot.render.request_card import standing
from bot.render.views import request_view
from bot.requests.tokens import Tokens
from language import say
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.world import World, a_world
from tests.stories.attacks.test_turn_out_to_be_one import editable, file_of, told

CY, ROB = PersonId("cy"), PersonId("rob")

TOOK_PART = {
    "whoever asked": (file_of("bo cy rob", glass="rob"), "meet anna rob"),
    "whoever edited it": (file_of("bo cy rob dan", glass="rob"), "bo edits; meet bo rob"),
    "whoever handed it on": (file_of("bo rob cy", stand_ins="dan", glass="rob"), "bo gives dan; meet bo rob"),
    "whoever has voted": (file_of("bo cy rob dan", 2, glass="rob"), "bo approves; meet bo rob"),
    "whoever approved the first step": (file_of("bo rob eve", then="cy dan rob"), "bo approves; meet bo rob"),
}
"""Rob may be one of these, and neither decides nor breaks the glass."""


@pytest.mark.parametrize("who", few_of([*TOOK_PART], 0))
async def test_attack_one_who_may_be_somebody_that_took_part_is_said_to_decide(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = TOOK_PART[who]
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        record, _ = await told(office, story)
        app, request = office.app, record.request
        can = offers(record, app.people, ROB, "console", request.opened_at)
        assert (record.state, can.acts.keys() & {"approve", "break_glass"}) == ("open", set())

        run = await app.store.run(request.run_id)
        cards = [standing(record, run, app.people, request.opened_at, request.revision, me) for me in (None, CY)]
        view, not_so, why = request_view(record, app.people), say("card.may-not-decide"), say("card.part-maybe")
        lines = [line for card in cards for line in card.decides]
        asked = (await home(office).overview("anna")).asked

        named = [line.text for line in (*lines, *asked) if line.label != not_so]
        assert not [text for text in (*named, view.rule) if "Rob" in text]
        assert [text for text in named if "Cy" in text]
        assert view.may_not_decide.get(ROB, why) == why
        assert all(why in line.text for line in lines if line.label == not_so and "Rob" in line.text)


def home(office: World) -> StoredRequests:
    app = office.app
    return StoredRequests(app.store, app.requests.decisions, app.people, Tokens(app.data_dir.keys(app.settings)))


@opens(file_of("bo cy rob", 2))
async def test_attack_who_approves_is_told_that_one_who_may_be_whoever_asked_is_needed(world: World) -> None:
    record, _ = await told(world, "meet anna rob")
    outcome = await world.app.requests.decisions.answer(record.request.id, approval_by("bo", record))

    assert outcome.judgement.type == "counted"
    assert outcome.words.endswith("In all it takes: Bo and Cy.")


@opens(
    file_of("bo cy rob dan").replace('expires_after = "4h"\n', 'expires_after = "4h"\nremind_after = ["30m"]\n'),
    change=editable,
)
async def test_attack_one_who_may_be_whoever_edited_it_is_reminded_to_decide(world: World) -> None:
    record, _ = await told(world, "bo edits; meet bo rob")
    due = request_view(record, world.app.people).next_due
    assert due is not None
    assert due.people == (CY, PersonId("dan"))

    await world.move_time(1900)
    await world.quiet()

    assert (await world.request(record.request.id)).reminders == {CY: 1, PersonId("dan"): 1}


@opens(TOML.replace("quorum = 2", ""))
async def test_attack_somebody_who_has_left_is_said_to_decide_to_one_who_may_not(world: World) -> None:
    toml = world.toml
    record = await world.opened(await world.trigger("press bell"))
    await becomes(world, without(toml, "bo"))

    for person in ("anna", "dan"):
        outcome = await world.app.requests.decisions.answer(record.request.id, approval_by(person, record))

        assert isinstance(outcome.judgement, NotEntitled)
        assert outcome.judgement.approvers == (CY,)
        assert "Cy Cole" in outcome.words
        assert "Bo" not in outcome.words


async def test_attack_a_card_promises_that_one_who_may_be_somebody_that_voted_decides_once_it_escalates(
    redis: str, tmp_path: Path
) -> None:
    later = 'escalate_after = "1h"\nescalate_to = ["person:rob", "person:ole"]\n'
    toml, begins = file_of("bo eve", then="cy dan"), 'name = "then"\n'
    async with a_world(redis, tmp_path / "data", toml.replace(begins, begins + later)) as office:
        record, _ = await told(office, "bo approves; meet bo rob")
        app, request = office.app, record.request

        run = await app.store.run(request.run_id)
        lines = standing(record, run, app.people, request.opened_at, request.revision, CY).decides

        [escalates] = [line.text for line in lines if line.label == say("timing.if-undecided")]
        assert escalates.endswith("Ole may decide as well")
        assert "Rob" not in escalates


def approval_by(person: str, record: RequestRecord) -> Statement:
    return Statement(
        reply_id=f"{person} says so",
        person=PersonId(person),
        proof=as_by("console"),
        binding=bound_to(record.request, "page"),
        said="approve",
        text="",
    )
