"""An effect of which nobody knows whether it happened: people are asked, and nothing is guessed."""

import pytest

from agents.requests import PersonId, RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import IT_DID_NOT, IT_HAPPENED, STOP
from bot.errors import Conflict
from bot.policy.due import waited_for
from bot.policy.judgements import Decided, NotEntitled, Unclear
from bot.render.views import request_view
from language import say
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World


def _hastily(world: World) -> None:
    """Tools without a key are given up on almost at once."""
    world.workshop.timeouts_s |= {"press": 0.1, "pull": 0.1}


pytestmark = opens(change=_hastily)


async def interrupted(world: World, text: str) -> RunId:
    """The id of a run whose tool did not end in time; another try would end at once."""
    what = text.rpartition(" ")[2]
    world.workshop.hold(what)
    run_id = await world.trigger(text)
    if text.startswith("press"):
        await world.decide("bo", await world.opened(run_id), "approve")
    await world.has(run_id, "unknown")
    del world.workshop.holds[what]
    return run_id


async def unknown(world: World, run_id: str) -> RequestRecord:
    """Return what is asked about the interrupted effect."""
    return await world.opened(run_id)


async def test_the_gates_approvers_are_asked_about_an_interrupted_effect_and_the_requester_is_told(
    world: World,
) -> None:
    run_id = await interrupted(world, "press bell")

    record = await unknown(world, run_id)
    card = await world.next_mail("cy", about="not known whether this happened: Press bell")

    assert (record.request.purpose, record.request.options) == (
        "unknown",
        (say(IT_HAPPENED), say(IT_DID_NOT), say(STOP)),
    )
    assert "1. it happened" in card.text
    assert "Bo Berg and Cy Cole are asked" in (await world.next_mail("anna", about="Unknown")).text
    assert world.workshop.effects == []


async def test_who_changed_the_call_is_asked_with_the_others_and_every_list_says_so(world: World) -> None:
    world.workshop.editable = ("what",)
    world.workshop.hold("gong")
    record = await world.opened(await world.trigger("press bell"))
    await world.edit("bo", record, what="gong")
    await world.decide("cy", await world.request(record.request.id), "approve")
    await world.has(record.request.run_id, "unknown")
    asked = await unknown(world, record.request.run_id)

    card = await world.next_mail("bo", about="not known whether this happened: Press gong")

    assert "Who answers: you or Cy Cole" in card.text
    assert request_view(asked, world.app.people).may_decide == waited_for(asked) == ("bo", "cy")
    del world.workshop.holds["gong"]
    await world.reply("bo", card, "2")
    again = await world.opened(record.request.run_id, after=asked.request.id)
    assert isinstance(await world.decide("bo", again, "approve"), NotEntitled)
    await world.decide("cy", again, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press gong: done"


async def test_the_requester_is_asked_where_there_is_no_gate(world: World) -> None:
    run_id = await interrupted(world, "pull rope")

    record = await unknown(world, run_id)
    card = await world.next_mail("anna", about="not known whether this happened: Pull rope")

    assert isinstance(await world.decide("bo", record, "free_text", "1"), NotEntitled)
    await world.reply("anna", card, "1")
    assert await world.summary(run_id) == "done: ok: a person confirmed that it happened"


async def test_it_did_not_happen_asks_for_the_gate_again_before_another_try(world: World) -> None:
    run_id = await interrupted(world, "press bell")
    asked = await unknown(world, run_id)

    assert isinstance(await world.decide("cy", asked, "free_text", say(IT_DID_NOT)), Decided)
    again = await world.opened(run_id, after=asked.request.id)

    assert (again.request.purpose, again.state) == ("gate", "open")
    assert world.workshop.started == ["press bell"]
    await world.decide("cy", again, "approve")
    assert await world.summary(run_id) == "done: ok: press bell: done"
    assert world.workshop.effects == ["press bell"]


async def test_anything_else_settles_nothing_and_a_stop_says_that_nobody_knows(world: World) -> None:
    run_id = await interrupted(world, "press bell")
    asked = await unknown(world, run_id)

    with pytest.raises(Conflict, match="those who may decide"):
        await world.steering.withdraw(asked.request.id, PersonId("anna"), "", as_by("cli"))
    for text in ("approve", "it happened, did it?"):
        assert isinstance(await world.decide("bo", asked, "free_text", text), Unclear)
    assert (await world.run(run_id)).state == "unknown"
    assert (await world.request(asked.request.id)).state == "open"

    await world.decide("bo", asked, "free_text", "3")
    assert await world.summary(run_id) == (
        "cancelled: cancelled by Bo Berg: it is not known whether this happened, and a person stopped the run"
    )
    assert world.workshop.started == ["press bell"]


async def restarted_while_it_ran(world: World, text: str) -> RunId:
    """The id of a run whose tool was under way when its worker was told to leave; another worker has come since."""
    what = text.rpartition(" ")[2]
    world.workshop.timeouts_s.clear()
    async with world.stopped():
        world.workshop.hold(what)
    run_id = await world.trigger(text)
    await until(lambda: world.workshop.started)
    async with world.stopped():
        del world.workshop.holds[what]
    return run_id


async def test_an_effect_that_honours_its_key_is_simply_made_again(world: World) -> None:
    run_id = await restarted_while_it_ran(world, "stamp letter")

    assert await world.summary(run_id) == "done: ok: stamp letter: done"
    assert world.workshop.started == ["stamp letter"] * 2
    assert list(world.workshop.calls.values()) == [2], "with the same key both times"


async def test_a_question_that_nobody_answers_is_asked_again_and_an_answer_to_the_first_is_sent_there(
    world: World,
) -> None:
    run_id = await interrupted(world, "press bell")
    asked = await unknown(world, run_id)
    card = await world.next_mail("cy", about="not known whether this happened")
    await world.move_time(4 * 3600 + 1)
    again = await world.opened(run_id, after=asked.request.id)
    anew = await world.next_mail("cy", about="Please answer by")
    assert (await world.request(asked.request.id)).state == "expired"
    assert (again.request.purpose, again.request.policy) == ("unknown", asked.request.policy)
    assert again.request.call == asked.request.call
    assert isinstance(await world.decide("anna", again, "free_text", "1"), NotEntitled)

    await world.reply("cy", card, "1")

    told = await world.next_mail("cy", about="About: It is not known whether this happened")
    assert say("answer.expired-unknown") in " ".join(told.text.split())
    await world.reply("cy", anew, "1")
    assert await world.summary(run_id) == "done: ok: a person confirmed that it happened"
    assert world.workshop.started == ["press bell"]
