"""Withdrawing and changing by requesters. The rest is in `tests/stories/faults/test_people.py`."""

import pytest

from agents.events import PersonSaid
from agents.requests import PersonId, RunId
from agents.requests.proof import as_by
from bot.errors import Conflict, Forbidden, NotFound
from bot.policy.edits import EditRefused
from bot.policy.judgements import AlreadyDecided, NotEntitled
from bot.store import Commit
from bot.store.commit import MAX_EVENTS, MAX_EVENTS_AT_ALL
from tests.kit.waiting import until
from tests.kit.world import World

ANNA, BO = PersonId("anna"), PersonId("bo")


async def test_nobody_else_withdraws_or_changes_a_request_and_a_change_that_can_not_be_made_says_why(
    world: World,
) -> None:
    record = await world.opened(await world.trigger("press bell"))
    with pytest.raises(Forbidden, match="Only who asked for it may do that"):
        await world.steering.withdraw(record.request.id, BO, "", as_by("cli"))
    assert isinstance(await world.edit("dan", record, what="horn"), NotEntitled)
    assert (await world.request(record.request.id)).request.revision == 1

    await world.decide("bo", record, "deny", "no")

    with pytest.raises(Conflict, match="is denied already"):
        await world.steering.withdraw(record.request.id, ANNA, "", as_by("cli"))
    assert isinstance(await world.edit("anna", record, what="horn"), AlreadyDecided)

    record = await world.opened(await world.trigger("press bell"))
    world.workshop.policy_of["horn"] = "pair"
    world.workshop.meaning["gong"] = ""

    for arguments, says in (
        ({"where": "here"}, "They may change: what"),
        ({"what": "horn"}, "another policy would decide"),
        ({"what": "gong"}, "There is no gong"),
    ):
        refused = await world.edit("anna", record, **arguments)
        assert isinstance(refused, EditRefused)
        assert says in refused.why
    assert (await world.request(record.request.id)).request == record.request

    question = await world.opened(await world.trigger("ask yes_no Shall we?"))
    assert isinstance(await world.edit("anna", question, what="horn"), EditRefused)


async def test_who_pauses_twice_pauses_once_and_whoever_asked_hears_once_of_others(world: World) -> None:
    with pytest.raises(NotFound, match="There is no run s0r-zzzzzzzzzzzzz"):
        await world.steer(RunId("s0r-zzzzzzzzzzzzz"), "pause")
    may_end = world.workshop.hold("letter")
    run_id = await world.trigger("stamp letter")

    for verb in ("pause", "pause", "resume", "resume"):
        await world.steer(run_id, verb)
    may_end.set()

    assert (await world.ended(run_id)).state == "done"

    run_id = await world.trigger("press bell")
    await world.opened(run_id)

    for verb in ("pause", "pause", "resume", "resume"):
        await world.steer(run_id, verb, "dan")
    await world.steer(run_id, "pause", "anna")
    await world.quiet()

    told = [mail.subject for mail in world.mails("anna") if "what you asked for" in mail.subject]
    assert told == ["Dan Dorn paused what you asked for", "Dan Dorn resumed what you asked for"]


@pytest.mark.parametrize("how", ["it is denied", "it expires", "its approval is revoked", "what it started is denied"])
async def test_who_asked_hears_once_that_a_run_is_stopped_which_somebody_has_paused(world: World, how: str) -> None:
    run_id = await world.trigger("start_run press bell" if "started" in how else "press bell")
    record = await world.opened((await world.child(run_id)).id if "started" in how else run_id)
    await world.steer(run_id, "pause", "dan")

    if how == "its approval is revoked":
        await world.decide("bo", record, "approve")
    if how == "it expires":
        await world.move_time(5 * 3600)
    else:
        await world.decide("cy", await world.request(record.request.id), "deny", "the sale begins")
    await world.quiet()
    async with world.stopped():
        pass
    await world.quiet()

    [told] = [mail for mail in world.mails("anna") if mail.subject.startswith("Stopped: ")]
    words = " ".join(told.text.split())
    assert "begins before somebody resumes it" in words
    assert ("Reason: “the sale begins”." in words) == (how != "it expires")
    assert (await world.run(run_id)).state == "paused"
    assert world.workshop.effects == []


@pytest.mark.long
@pytest.mark.parametrize(("events", "is_cancelled"), [(MAX_EVENTS, True), (MAX_EVENTS_AT_ALL, False)])
async def test_a_run_that_has_no_room_for_more_work_can_be_cancelled_while_it_has_room_for_that(
    world: World, events: int, *, is_cancelled: bool
) -> None:
    may_end = world.workshop.hold("letter")
    run_id = await world.trigger("stamp letter")
    await until(lambda: world.workshop.started, what="its tool has begun")
    seq = await world.app.store.length(run_id)
    said = PersonSaid(at=await world.now(), person=ANNA, text="hurry", said_id="r", proof=as_by("email"))
    while seq < events:
        more = [said.model_copy(update={"said_id": f"r{seq + n}"}) for n in range(min(1_000, events - seq))]
        written = await world.app.store.commit(
            Commit(run_id=run_id, events=more, expect=seq, limit=MAX_EVENTS_AT_ALL), push=False
        )
        assert written.state == "committed"
        seq += len(more)

    if is_cancelled:
        assert (await world.steering.steer(run_id, "cancel", ANNA, proof=None)).is_cancelled
    else:
        with pytest.raises(Conflict, match="too many events"):
            await world.steering.steer(run_id, "cancel", ANNA, proof=None)
    may_end.set()
