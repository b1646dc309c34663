"""What was changed, or may have been, before a run that is not done ended, is said wherever its end is told."""

from collections.abc import Awaitable, Callable

import pytest

from agents.requests import PersonId, RunId
from agents.requests.record import RequestRecord
from bot.errors import Conflict
from bot.render.status_line import status_line
from bot.runs.api_requests import Asker
from tests.bot.cli.shell import sayso
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.said import said
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.attacks.test_lying_model import surfaces
from tests.stories.attacks.test_told_who_may import home
from tests.stories.faults.test_budgets import DAY_S, with_budget
from tests.stories.test_break_glass import NIGHT, breaks

EVE = '\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
CHANGED, UNKNOWN, FAILED = "something was changed", "not known", "what was tried has failed"


async def steps_used_up(world: World) -> RunId:
    await with_budget(world, "max_steps = 1")
    run_id = await world.trigger("walk")
    await world.opened(run_id)
    await world.move_time(DAY_S + 1)
    return run_id


async def asked_after_a_stamp(world: World) -> tuple[RunId, RequestRecord]:
    run_id = await world.trigger("stamp a\npress bell")
    return run_id, await world.opened(run_id)


async def expired(world: World) -> RunId:
    run_id, _ = await asked_after_a_stamp(world)
    await world.move_time(5 * 3600)
    return run_id


async def cancelled(world: World) -> RunId:
    run_id, _ = await asked_after_a_stamp(world)
    await world.steer(run_id, "cancel", "anna")
    return run_id


async def failed_half_way(world: World) -> RunId:
    world.workshop.breaks["b"] = RuntimeError("no space left")
    return await world.trigger("stamp a\npull b")


async def _child_of(world: World, text: str) -> tuple[RunId, RunId]:
    """A run with this text, and the one that it starts."""
    run_id = await world.trigger(text)
    return run_id, (await world.child(run_id)).id


async def denied_in_a_child(world: World) -> RunId:
    run_id, child_id = await _child_of(world, "start_run stamp a;press bell\nstamp c")
    await world.decide("bo", await world.opened(child_id), "deny", "no")
    return run_id


async def cancelled_above_a_child(world: World) -> RunId:
    run_id, child_id = await _child_of(world, "start_run stamp a;press bell")
    await world.opened(child_id)
    await world.steer(run_id, "cancel", "anna")
    return run_id


async def cancelled_above_an_effect(world: World) -> RunId:
    run_id, child_id = await _child_of(world, "start_run press bell")
    world.workshop.hold("bell")
    await world.decide("bo", await world.opened(child_id), "approve")
    await until(lambda: world.workshop.started, what="it has begun")
    await world.steer(run_id, "cancel", "anna")
    return run_id


async def cancelled_as_it_fails(world: World) -> RunId:
    goes_on = world.workshop.hold("bell")
    world.workshop.breaks["bell"] = RuntimeError("no space left")
    run_id = await world.trigger("press bell")
    await world.decide("bo", await world.opened(run_id), "approve")
    await until(lambda: world.workshop.started, what="it has begun")
    await world.steer(run_id, "cancel", "anna")
    goes_on.set()
    return run_id


async def _unknown(world: World) -> tuple[RunId, str]:
    async with world.stopped():
        world.workshop.timeouts_s["press"] = 0.1
    world.workshop.hold("bell")
    run_id = await world.trigger("press bell")
    gate = await world.opened(run_id)
    await world.decide("bo", gate, "approve")
    await world.has(run_id, "unknown")
    return run_id, gate.request.id


async def unknown_and_stopped(world: World) -> RunId:
    run_id, gate = await _unknown(world)
    await world.decide("bo", await world.opened(run_id, after=gate), "free_text", "3")
    return run_id


def _editable(world: World) -> None:
    world.workshop.editable = ("what",)


async def second_press(world: World) -> tuple[RunId, RequestRecord]:
    """A run that has pressed the gong, as Cy allowed, and asks whether it may press the bell."""
    run_id = await world.trigger("press gong\npress bell")
    first = await world.opened(run_id)
    await world.decide("cy", first, "approve")
    return run_id, await world.opened(run_id, after=first.request.id)


@pytest.mark.parametrize(
    ("ends", "said"),
    few_of(
        [
            (steps_used_up, CHANGED),
            (expired, CHANGED),
            (failed_half_way, CHANGED),
            (denied_in_a_child, CHANGED),
            (cancelled_above_a_child, CHANGED),
            (cancelled_above_an_effect, UNKNOWN),
            (cancelled_as_it_fails, FAILED),
            (unknown_and_stopped, UNKNOWN),
        ],
        0,
        6,
        rows=True,
    ),
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_no_end_leaves_out_what_was_changed_before_it(
    world: World, ends: Callable[[World], Awaitable[RunId]], said: str
) -> None:
    run_id = await ends(world)
    run = await world.ended(run_id)

    assert run.ended
    word = {"failed": "Failed", "cancelled": "Cancelled"}[run.ended.outcome]
    word = "Partly done" if ends in {expired, denied_in_a_child} else word
    mail = await world.next_mail("anna", about=f"{word}: ")
    told = {"mail": mail.text, **await surfaces(world, run_id)}
    for place, text in told.items():
        # Of an end that is not known, the word of a state and a sentence say so in their own ways.
        ways = (said, "nobody knows") if said == UNKNOWN else (said,)
        assert any(one in " ".join(text.split()).lower() for one in ways), (place, text)
    assert told["App Home"].splitlines()[-1].startswith(word)


@opens(TOML + EVE)
@pytest.mark.parametrize("ends", ["cancelled", "failed"])
async def test_attack_who_approved_what_was_done_reads_in_their_home_only_that_its_run_was_cancelled_or_failed(
    world: World, ends: str
) -> None:
    world.workshop.breaks["b"] = RuntimeError("no space left")
    run_id = await world.trigger(f"press bell\n{'press gong' if ends == 'cancelled' else 'pull b'}")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    if ends == "cancelled":
        await world.opened(run_id, after=record.request.id)
        await world.steer(run_id, "cancel", "anna")
    await world.ended(run_id)

    [line] = (await home(world).overview("bo")).decided
    assert said("overview.the-run", state=ends) in line.text
    assert CHANGED in line.text.lower()


async def test_attack_a_list_says_for_ever_that_something_runs_now_below_a_run_that_was_cancelled(world: World) -> None:
    may_end = world.workshop.hold("bell")
    run_id, child_id = await _child_of(world, "start_run press bell")
    await world.decide("bo", await world.opened(child_id), "approve")
    await until(lambda: world.workshop.started == ["press bell"], what="it has begun")
    await world.steer(run_id, "cancel", "anna")
    await world.ended(run_id)
    may_end.set()
    await world.ended(child_id)
    await world.quiet()

    listed = (await sayso(world, "runs")).out
    assert said("run.may-go-on", summary="Anna Ames", what=said("run.goes-on-running", tool="press")) in listed
    assert "runs now" not in listed


async def test_a_refusal_to_steer_does_not_say_that_a_run_that_changed_something_changed_nothing(world: World) -> None:
    run_id = await cancelled(world)
    await world.ended(run_id)

    with pytest.raises(Conflict) as refused:
        await world.steer(run_id, "cancel", "anna")

    assert str(refused.value) == f"{run_id} has ended: cancelled, though something was changed. This changes nothing"


async def test_who_approved_what_was_not_done_and_their_note_are_not_told_beside_who_decided_what_was(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    first = await world.opened(run_id)
    await world.steer(run_id, "pause", "anna")
    await world.decide("bo", first, "approve", "checked at nine", note_confirmed=True)
    await world.move_time(16 * 60)
    await world.steer(run_id, "resume", "anna")
    again = await world.opened(run_id, after=first.request.id)
    await world.decide("cy", again, "approve", "checked at ten", note_confirmed=True)
    await world.ended(run_id)

    told = (await world.next_mail("anna", about="Done: press bell")).text
    assert "Note by Cy Cole: “checked at ten”" in told
    assert "nine" not in told
    assert "Decided by: Cy Cole\n" in told


async def test_who_approved_what_was_taken_back_and_their_note_are_not_told_beside_who_decided_what_was_done(
    world: World,
) -> None:
    run_id, second = await second_press(world)
    await world.steer(run_id, "pause", "anna")
    await world.decide("bo", second, "approve", "checked at nine", note_confirmed=True)
    await world.decide("cy", await world.request(second.request.id), "deny", "not today")
    await world.steer(run_id, "resume", "anna")
    await world.ended(run_id)

    told = (await world.next_mail("anna", about="Partly done: press gong")).text
    assert CHANGED in told.lower()
    assert "Decided by: Cy Cole\n" in told
    assert "nine" not in told


@pytest.mark.parametrize("way", ["approves", "breaks the glass"])
@opens(NIGHT)
async def test_who_allowed_what_people_say_did_not_happen_is_not_told_beside_who_allowed_what_did(
    world: World, way: str
) -> None:
    async with world.stopped():
        world.workshop.timeouts_s["press"] = 0.1
    world.workshop.policy_of["bell"] = "day"
    world.workshop.hold("bell")
    run_id = await world.trigger("press bell")
    first = await world.opened(run_id)
    if way == "approves":
        await world.decide("bo", first, "approve", "checked at nine", note_confirmed=True)
    else:
        await breaks(world, "bo", first)
    await world.has(run_id, "unknown")
    del world.workshop.holds["bell"]
    asked = await world.opened(run_id, after=first.request.id)
    await world.decide("cy", asked, "free_text", "it did not happen, ask again")
    await world.decide("cy", await world.opened(run_id, after=asked.request.id), "approve")
    run = await world.ended(run_id)

    told = (await world.next_mail("anna", about="Done: press bell")).text
    assert world.workshop.effects == ["press bell"]
    assert "Decided by: Cy Cole\n" in told
    assert "Bo Berg" not in told
    assert status_line(run, None, world.people) == "Done: press bell"


@opens(change=_editable)
async def test_who_changed_what_was_denied_is_not_said_to_have_changed_the_same_that_was_done_before(
    world: World,
) -> None:
    run_id, second = await second_press(world)
    await world.edit("bo", second, what="gong")
    await world.decide("cy", await world.request(second.request.id), "deny", "not twice")
    run = await world.ended(run_id)

    told = await world.next_mail("anna", about="Partly done: press gong")
    assert world.workshop.effects == ["press gong"]
    assert "Bo Berg" not in f"{told.subject} {told.text} {status_line(run, None, world.people)}"


@opens(TOML + EVE, change=_editable)
async def test_who_changed_what_was_done_before_the_copy_is_not_said_to_have_changed_what_the_copy_does(
    world: World,
) -> None:
    run_id = await world.trigger("press bell\npress horn")
    first = await world.opened(run_id)
    await world.edit("bo", first, what="gong")
    await world.decide("cy", await world.request(first.request.id), "approve")
    await world.opened(run_id, after=first.request.id)

    copy = await world.app.runs.forks.fork(run_id, (await world.run(run_id)).seq, Asker(PersonId("anna"), proof=None))
    record = await world.opened(copy)
    await world.edit("cy", record, what="gong")
    await world.decide("eve", await world.request(record.request.id), "approve")
    run = await world.ended(copy)

    assert status_line(run, None, world.people) == "Done: press bell; changed by Cy Cole"
    assert "Bo Berg" not in (await world.next_mail("anna", about="Done: press bell")).text


@opens(change=_editable)
async def test_a_copy_of_what_somebody_changed_says_so_once_it_is_done(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.edit("bo", record, what="gong")

    copy = await world.app.runs.forks.fork(run_id, (await world.run(run_id)).seq, Asker(PersonId("anna"), proof=None))
    await world.decide("cy", await world.opened(copy), "approve")

    run = await world.ended(copy)
    assert status_line(run, None, world.people) == "Done: press bell; changed by Bo Berg"


@opens(change=_editable)
async def test_who_changed_two_calls_alike_is_said_once_to_have_done_so(world: World) -> None:
    run_id, decided = await world.trigger("press bell\npress horn"), None
    for _ in range(2):
        record = await world.opened(run_id, after=decided)
        await world.edit("anna", record, what="gong")
        decided = record.request.id
        await world.decide("cy", await world.request(decided), "approve")

    told = await world.next_mail("anna", about="Done: press bell; changed by Anna Ames")
    assert world.workshop.effects == ["press gong", "press gong"]
    assert told.text.count("Anna Ames changed what to gong") == 1


async def test_who_is_asked_about_an_effect_that_took_too_long_is_not_told_that_a_worker_went_away(
    world: World,
) -> None:
    run_id, gate = await _unknown(world)

    await world.opened(run_id, after=gate)

    said = " ".join((await world.next_mail("bo", about="It is not known")).text.split())
    assert "this was begun for Anna Ames, and nobody knows how it ended" in said
    assert "went away" not in said
