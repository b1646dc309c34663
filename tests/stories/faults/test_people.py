"""People who do what they should not, all at once, twice, too late, or not at all."""

import asyncio

import pytest

from agents.requests import PersonId
from bot.errors import NotFound
from bot.policy.judgements import ClosedOtherwise, NotEntitled
from tests.kit.office import TOML
from tests.kit.world import World, heading

DONE = "done: ok: press bell: done"


async def test_an_unknown_person_starts_nothing_and_is_told_who_there_is(world: World) -> None:
    with pytest.raises(NotFound, match=r"There is no person 'eve' in the directory. It has: anna, bo, cy, dan"):
        await world.trigger("press bell", person="eve")

    assert await world.app.store.lists.summaries() == []


async def test_of_two_people_who_answer_at_once_by_mail_one_decides_and_the_other_is_told_who(world: World) -> None:
    run_id = await world.trigger("press bell")
    bos, cys = await world.next_mail("bo"), await world.next_mail("cy")

    await asyncio.gather(world.reply("bo", bos, "approved"), world.reply("cy", cys, "approved"))

    assert await world.summary(run_id) == DONE
    [record] = await world.requests()
    assert record.decision is not None
    [decider] = record.decision.by
    other, name = ("cy", "Bo Berg") if decider == "bo" else ("bo", "Cy Cole")
    told = await world.next_mail(other, about="Already decided")
    assert f"{name} approved on" in told.text
    assert world.workshop.effects == ["press bell"]


async def test_a_requester_who_is_an_approver_gets_no_card_and_cannot_approve(world: World) -> None:
    run_id = await world.trigger("press bell", person="bo")
    record = await world.opened(run_id)
    card = await world.next_mail("cy")

    judgement = await world.decide("bo", record, "approve")

    assert judgement == NotEntitled(why="requester", approvers=(PersonId("cy"),))
    assert world.mails("bo") == ()
    await world.reply("cy", card, "approve")
    assert await world.summary(run_id) == DONE


async def test_an_answer_to_an_expired_request_is_told_so(world: World) -> None:
    run_id = await world.trigger("press bell")
    card = await world.next_mail("bo")
    await world.move_time(4 * 3600 + 1)
    await world.ended(run_id)

    await world.reply("bo", card, "approved")

    assert "the request is expired" in (await world.next_mail("bo", about="nothing to answer any more")).text
    assert world.workshop.effects == []
    assert "expired" in (await world.next_mail("anna", about="Stopped")).text


async def test_a_denial_after_the_approval_and_before_the_start_takes_it_back(world: World) -> None:
    run_id = await world.trigger("press bell")
    record, card = await world.opened(run_id), await world.next_mail("cy")
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")

    await world.reply("cy", card, "no, not while we sell")
    await world.has(run_id, "paused")
    told = await world.next_mail("cy", about="taken back; nothing was started")
    await world.steer(run_id, "resume")

    assert await world.summary(run_id) == "failed: revoked: not while we sell"
    assert world.workshop.effects == []
    assert heading(told).startswith("About: Press bell?")
    assert "Taken back by Cy Cole before it started" in (await world.next_mail("bo", about="Taken back")).text


async def test_a_gate_that_no_policy_stands_behind_lets_nothing_through(world: World) -> None:
    world.workshop.policy_of["bell"] = "no such policy"

    summary = await world.summary(await world.trigger("press bell"))

    assert "There is no policy 'no such policy' in sayso.toml, so nobody could approve this" in summary
    assert world.workshop.effects == []


async def test_an_approval_by_somebody_who_has_left_the_directory_since_is_asked_again(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")

    async with world.stopped():
        world.toml = TOML.replace("[people.bo]", "[people.bob]").replace("bo@corp", "bob@corp")
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=record.request.id)

    assert (await world.request(record.request.id)).state == "superseded"
    assert "somebody whose approval counted has left the directory" in again.request.changes[0]
    assert world.workshop.effects == []
    await world.decide("cy", again, "approve")
    assert await world.summary(run_id) == DONE
    assert world.workshop.effects == ["press bell"]


@pytest.mark.long
async def test_an_approval_that_has_become_too_old_is_asked_again(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")

    await world.move_time(15 * 60 + 1)
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=record.request.id)

    assert "the approval is older than 900 s" in again.request.changes[0]
    assert (await world.request(record.request.id)).state == "superseded"
    assert isinstance(await world.decide("cy", record, "approve"), ClosedOtherwise)
    await world.decide("cy", again, "approve")
    assert await world.summary(run_id) == DONE
