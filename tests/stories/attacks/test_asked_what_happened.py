"""Whoever is asked what became of an effect, or anything else, can say it: somebody is there whose word counts."""

import asyncio
from pathlib import Path

import pytest

from agents import Outcome
from agents.events import RunPaused, ToolFinished
from agents.requests import RunId
from agents.requests.record import RequestRecord
from agents.run import fold
from agents.state import IT_DID_NOT, IT_HAPPENED
from bot.people.offers import deciders
from bot.policy.judgements import ClosedOtherwise, Decided
from bot.queries import lists
from bot.render.meanwhile import meanwhile
from bot.render.outcome import word_of
from bot.render.status_line import status_line
from language import say
from tests.bot.cli.shell import sayso
from tests.bot.execution.test_executor import found_gone
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, beside_it
from tests.servers.console import a_console
from tests.stories.attacks.test_turn_out_to_be_one import are_one, file_of

GIVEN = file_of("bo", stand_ins="cy").replace('to = ["person:ole"]', 'to = ["person:bo"]')
GIVEN_LEFT = without(GIVEN, "cy").replace('stand_ins = ["person:cy"]', "stand_ins = []")
STEPS = file_of("bo", then="dan").replace('[alerts]\nto = ["person:ole"]\n', "")
STEPS_LEFT = without(STEPS, "dan").replace('"person:dan"', '"person:eve"')
ALONE = file_of("bo").replace('[alerts]\nto = ["person:ole"]\n', "")
ALONE_LEFT = without(ALONE, "bo").replace('"person:bo"', '"person:eve"')
TWO = file_of("bo cy", 2)
TWO_LEFT = without(TWO, "bo").replace('"person:bo", "person:cy"', '"person:cy", "person:eve"')
LEFT = [
    (GIVEN, GIVEN_LEFT, "bo gives cy; cy approves", "bo"),
    (STEPS, STEPS_LEFT, "bo approves; dan approves", "bo"),
    (ALONE, ALONE_LEFT, "bo approves", "eve"),
    (TWO, TWO_LEFT, "bo approves; cy approves", "cy"),
]
"""The file, the file in which somebody has left, what people did before, and who can say it then."""


async def begun(office: World, story: str) -> tuple[RunId, RequestRecord]:
    """A run whose effect has begun after `story`, and what was approved for it."""
    office.workshop.hold("bell")
    run_id = await office.trigger("press bell")
    gate = await office.opened(run_id)
    for line in story.split("; "):
        now = await office.request(gate.request.id)
        match line.split():
            case [person, "gives", to]:
                await office.delegate(person, now, to)
            case [person, _]:
                await office.decide(person, now, "approve")
            case _:
                raise AssertionError(line)
    await until(lambda: office.workshop.started, what="it presses")
    return run_id, gate


async def asked(office: World, run_id: RunId, gate: RequestRecord) -> RequestRecord:
    """What people are asked of the effect as its worker dies."""
    async with office.stopped():
        pass
    return await office.opened(run_id, after=gate.request.id)


async def says(office: World, person: str, record: RequestRecord) -> None:
    assert deciders(record, office.app.people) == (person,)
    assert isinstance(await office.decide(person, record, "free_text", "1"), Decided)
    assert await office.summary(record.request.run_id) == "done: ok: a person confirmed that it happened"


@opens(file_of("bo"))
async def test_attack_who_approved_turns_out_to_be_maybe_the_one_who_asked_before_people_are_asked(
    world: World,
) -> None:
    run_id, gate = await begun(world, "bo approves")
    await are_one(world, "anna", "bo")

    await says(world, "ole", await asked(world, run_id, gate))


@opens(GIVEN)
@pytest.mark.parametrize(("toml", "left", "story", "person"), few_of(LEFT, 0, 1, 2, 3, rows=True))
@pytest.mark.parametrize("when", ["before", "while"])
async def test_attack_whoever_could_say_it_leaves_before_or_while_people_are_asked(
    world: World, toml: str, left: str, story: str, person: str, when: str
) -> None:
    await becomes(world, toml)
    world.toml = toml
    run_id, gate = await begun(world, story)
    record = await asked(world, run_id, gate) if when == "while" else None

    world.toml = left
    await becomes(world, left)

    record = record or await asked(world, run_id, gate)
    await says(world, person, await world.request(record.request.id))


@opens(TOML)
async def test_attack_a_run_waits_for_the_answer_of_whoever_asked_and_left_before_it_asks(world: World) -> None:
    hold = world.workshop.hold("bell")
    run_id = await world.trigger("pull bell\nask free_text Ready?")
    await until(lambda: world.workshop.started, what="it pulls")
    await becomes(world, without(TOML, "anna"))

    hold.set()

    assert "people who decide left the directory" in await world.summary(run_id)
    assert await world.requests() == []


@opens(TOML.replace('[alerts]\nto = ["person:dan"]\n', ""))
async def test_a_run_whose_effect_nobody_can_tell_of_does_not_go_on_without_knowing(world: World) -> None:
    world.workshop.hold("bell")
    run_id = await world.trigger("pull bell")
    await until(lambda: world.workshop.started, what="it pulls")
    world.toml = without(world.toml, "anna")
    await becomes(world, world.toml)

    async with world.stopped():
        pass

    await world.opened(run_id)
    assert (await world.run(run_id)).state == "unknown"


@pytest.mark.parametrize("meant", few_of([IT_HAPPENED, IT_DID_NOT], 1))
async def test_attack_nobody_knows_whether_it_happened_in_a_run_that_somebody_has_paused(
    world: World, meant: str
) -> None:
    run_id, gate = await begun(world, "bo approves")
    await world.steer(run_id, "pause")

    record = await asked(world, run_id, gate)

    assert await world.next_mail("anna", about="nobody knows whether something happened")
    await world.decide("cy", record, "free_text", record.request.options[record.request.option_keys.index(meant)])
    await world.quiet()
    run = await world.run(run_id)
    assert (run.state, run.open, world.workshop.effects) == ("paused", None, [])
    await world.steer(run_id, "resume")
    if meant == IT_HAPPENED:
        assert (await world.ended(run_id)).state == "done"
    else:
        assert (await world.opened(run_id, after=record.request.id)).request.purpose == "gate"


async def taken_for_lost(
    world: World, redis: str, folder: Path, run_id: RunId | None = None
) -> tuple[RunId, RequestRecord, asyncio.Event]:
    """A run of whose effect, still under way, nobody knows; what people are asked of it; and what lets it end."""
    may_end = world.workshop.hold("bell")
    run_id = run_id or await world.trigger("press bell")
    gate = await world.opened(run_id)
    await world.decide("bo", gate, "approve")
    await until(lambda: world.workshop.started, what="it presses")
    async with beside_it(World(redis, folder, world.toml)) as other:
        await found_gone(world, other, await world.run(run_id))
        await world.has(run_id, "unknown")
    return run_id, await world.opened(run_id, after=gate.request.id), may_end


TOLD = {
    "said to have happened": ["Done: Press", "Cy Cole said that it happened."],
    "said not to have happened": ["Not done: Press", "Cy Cole said that it did not happen."],
    "done after all": ["Done: Press", ": done”"],
    "failed after all": ["Failed: Press", "no bell is there"],
    "said to have happened, and failed": ["Failed: Press", "no bell is there"],
    "done": ["Done: Press", ": done”"],
    "failed": ["Failed: Press", "no bell is there"],
    "the end of a run that it started": ["Stopped: cancelled by Dan Dorn: press"],
}


@opens(TOML)
async def test_attack_who_asked_or_approved_hears_nothing_of_what_becomes_of_a_run_that_somebody_has_paused(
    world: World, redis: str, tmp_path: Path
) -> None:
    runs = dict[str, tuple[RunId, RequestRecord]]()
    for number, becomes_of in enumerate(TOLD):
        thing, above = f"bell{number}", "end of a run" in becomes_of
        may_end = world.workshop.hold(thing)
        if "failed" in becomes_of:
            world.workshop.breaks[thing] = RuntimeError("no bell is there")
        run_id = await world.trigger(f"{'start_run ' if above else ''}press {thing}")
        asking = (await world.child(run_id)).id if above else run_id
        runs[becomes_of] = run_id, await world.opened(asking)
        if above:
            await world.steer(run_id, "pause", "dan")
            await world.steer(asking, "cancel", "dan")
            continue
        await world.decide("bo", runs[becomes_of][1], "approve")
        await until(lambda thing=thing: f"press {thing}" in world.workshop.started, what="it presses")
        if "said" in becomes_of or "after all" in becomes_of:
            async with beside_it(World(redis, tmp_path / thing, world.toml)) as other:
                await found_gone(world, other, await world.run(run_id))
            asks = await world.opened(run_id, after=runs[becomes_of][1].request.id)
            await world.quiet()
            await world.steer(run_id, "pause", "dan")
            if "said" in becomes_of:
                await world.decide("cy", asks, "free_text", asks.request.options["not" in becomes_of])
                await world.quiet()
        else:
            await world.steer(run_id, "pause", "dan")
        if "said" not in becomes_of or "and failed" in becomes_of:
            may_end.set()
    await world.quiet()

    for number, (becomes_of, (run_id, _)) in enumerate(runs.items()):
        title, *words = TOLD[becomes_of]
        assert not (await world.run(run_id)).ended
        has_approved = "end of a run" not in becomes_of
        told = [mail.subject for mail in world.mails("anna") if f"sayso resume {run_id}" in mail.text]
        assert len(told) == 2 + ("and failed" in becomes_of), "of its pause, and of each piece of news once"
        for person in ("anna", "bo") if has_approved else ("anna",):
            told = [mail for mail in world.mails(person) if f"{title} bell{number}" in mail.text]
            assert len(told) == 1, (person, becomes_of)
            assert f"sayso resume {run_id}" in told[0].text
            assert [each for each in words if each not in " ".join(told[0].text.split())] == []
    for may_end in world.workshop.holds.values():
        may_end.set()


@opens(TOML)
async def test_attack_who_asked_hears_nothing_of_a_denial_below_their_run_that_is_paused_as_it_thinks_about_that(
    world: World,
) -> None:
    run_id = await world.trigger("start_run press bell")
    await world.decide("bo", await world.opened((await world.child(run_id)).id), "deny", "not today")
    await world.ended(run_id)
    events = await world.events(run_id)
    [finished] = [number for number, event in enumerate(events, 1) if isinstance(event, ToolFinished)]

    paused = fold([*events[:finished], RunPaused(at=await world.now(), by=world.app.people.of_file("dan"))])

    [news] = meanwhile(paused, world.people, set())
    assert news.title == "Stopped: denied by Bo Berg"
    assert news.text == "Reason: “not today”."


@opens(TOML)
async def test_attack_who_asked_hears_nothing_of_what_ends_elsewhere_while_somebody_else_has_paused_the_run(
    world: World,
) -> None:
    lost, late = await world.trigger("send card\npress bell"), await world.trigger("send note\npress bell")
    await until(lambda: len(world.workshop.effects) == 2, what="both are sent")
    await world.steer(lost, "pause", "dan")
    await world.steer(late, "pause", "dan")
    world.workshop.arrived["card"] = Outcome("", error="it was lost")

    await world.move_time(180)

    def told() -> list[str]:
        return sorted(mail.text for mail in world.mails("anna") if mail.subject.endswith(": send"))

    await until(lambda: len(told()) == 2, what="she is told of both")
    await world.quiet()
    [failed, unknown] = told()
    assert failed.startswith("Failed: send\n\n“it was lost”")
    assert unknown.startswith("Unknown: send\n\n“send did not end within 120 s.")
    assert [(await world.run(run_id)).state for run_id in (lost, late)] == ["paused", "paused"]


WAYS = """
[policies.by_slack]
approvers = ["person:bo"]
reach = ["slack"]
expires_after = "4h"

[policies.by_mail]
approvers = ["person:bo"]
reach = ["email"]
expires_after = "4h"
"""


@opens(TOML + WAYS, beside=("hallway",))
async def test_attack_who_approved_by_mail_hears_nothing_in_a_pause_as_their_card_for_another_step_is_elsewhere(
    world: World, hallway: Hallway
) -> None:
    world.workshop.policy_of |= {"bell": "by_slack", "horn": "by_mail"}
    may_end = world.workshop.hold("horn")
    run_id = await world.trigger("press bell\npress horn")
    bell = await world.opened(run_id)
    await world.decide("bo", bell, "approve")
    await world.decide("bo", await world.opened(run_id, after=bell.request.id), "approve")
    await until(lambda: "press horn" in world.workshop.started, what="it presses")
    await world.steer(run_id, "pause", "dan")

    may_end.set()

    assert f"sayso resume {run_id}" in (await world.next_mail("bo", about="Done: Press horn")).text
    assert not [card for card in hallway.to("bo") if "Done: Press bell" in card.title]


@opens(TOML)
async def test_attack_who_asked_hears_nothing_of_what_was_interrupted_and_is_tried_again_once_the_run_goes_on(
    world: World,
) -> None:
    may_end = world.workshop.hold("letter")
    run_id = await world.trigger("stamp letter")
    await until(lambda: world.workshop.started, what="it stamps")
    await world.steer(run_id, "pause", "dan")

    async with world.stopped():
        pass

    told = (await world.next_mail("anna", about="Unknown: stamp")).text
    assert "It was interrupted; nobody knows whether it happened." in told
    may_end.set()
    await world.steer(run_id, "resume", "dan")
    assert await world.summary(run_id) == "done: ok: stamp letter: done"


@opens(TOML)
async def test_attack_what_ended_after_its_run_in_which_nothing_was_said_to_have_happened_is_told_to_nobody(
    world: World, redis: str, tmp_path: Path
) -> None:
    run_id, asks, may_end = await taken_for_lost(world, redis, tmp_path / "other")
    await world.decide("bo", asks, "free_text", asks.request.options[1])
    again = await world.opened(run_id, after=asks.request.id)
    await world.decide("cy", again, "deny")
    await world.ended(run_id)
    await world.next_mail("anna", about="Stopped: press bell")

    may_end.set()

    told = await world.next_mail("anna", about="Partly done: press bell")
    assert "Afterwards: press was done after all: “press bell: done”" in told.text
    await world.quiet()
    async with a_console(world) as console:
        page = (await (await console.browser("cy")).get(f"/requests/{again.request.id}")).words
    [home] = [one.text for one in (await world.app.requests.lookup.overview("cy")).decided]
    assert "Nothing was done" not in page + home
    assert "Something was changed all the same" in page
    assert len([mail for mail in world.mails("anna") if "after all" in mail.text]) == 1


@opens(TOML)
async def test_attack_an_approval_waits_for_what_is_done_by_then_and_is_said_to_have_stopped_it(
    world: World, redis: str, tmp_path: Path
) -> None:
    run_id, asks, may_end = await taken_for_lost(world, redis, tmp_path / "other")
    await world.decide("bo", asks, "free_text", asks.request.options[1])
    again = await world.opened(run_id, after=asks.request.id)
    await world.steer(run_id, "pause")
    await world.decide("cy", again, "approve")

    may_end.set()

    await until(lambda: world.workshop.effects, what="it has happened")
    await world.quiet()
    assert (await world.request(again.request.id)).state == "superseded"
    assert isinstance(await world.decide("bo", again, "deny"), ClosedOtherwise)
    await world.steer(run_id, "resume")
    assert await world.summary(run_id) == "done: ok: press bell: done"


@opens(TOML)
async def test_attack_what_people_said_had_happened_stays_headed_done_though_it_is_heard_later_that_it_failed(
    world: World, redis: str, tmp_path: Path
) -> None:
    world.workshop.breaks["bell"] = RuntimeError("no bell is there")
    run_id, asks, may_end = await taken_for_lost(world, redis, tmp_path / "other")
    await world.decide("bo", asks, "free_text", asks.request.options[0])
    assert word_of(await world.ended(run_id)) == "done"
    await world.next_mail("anna", about="Done: press bell")

    may_end.set()

    told = await world.next_mail("anna", about="Failed: press bell")
    assert "What was tried has failed." in told.text
    assert "Afterwards: press was tried after all, and failed: " in told.text
    await world.quiet()
    [listed], *_ = await lists.runs(world.app.store, limit=1)
    assert listed.word == "failed"
    watched = await sayso(world, "watch", run_id)
    assert (watched.code, "failed: RuntimeError: no bell is there" in watched.out) == (1, True)


@opens(TOML)
async def test_attack_what_failed_the_second_time_stays_headed_failed_though_the_first_is_heard_later_to_be_done(
    world: World, redis: str, tmp_path: Path
) -> None:
    run_id, asks, may_end = await taken_for_lost(world, redis, tmp_path / "other")
    await world.decide("bo", asks, "free_text", asks.request.options[1])
    again = await world.opened(run_id, after=asks.request.id)
    del world.workshop.holds["bell"]
    world.workshop.breaks["bell"] = RuntimeError("no bell is there")
    await world.decide("cy", again, "approve")
    await world.next_mail("anna", about="Failed: press bell")
    del world.workshop.breaks["bell"]

    may_end.set()

    told = await world.next_mail("anna", about="Failed: press bell")
    assert "Something was changed all the same" in told.text
    await world.quiet()
    assert "Something was changed all the same" in status_line(await world.run(run_id), None, world.people)


@opens(TOML)
@pytest.mark.parametrize("breaks", few_of([False, True], 0))
async def test_attack_what_is_known_by_now_stays_headed_as_what_nobody_knows(
    world: World, redis: str, tmp_path: Path, *, breaks: bool
) -> None:
    if breaks:
        world.workshop.breaks["bell"] = RuntimeError("no bell is there")
    run_id, _, may_end = await taken_for_lost(world, redis, tmp_path / "other")
    await world.steer(run_id, "cancel")
    await world.ended(run_id)

    may_end.set()

    told = await world.next_mail("anna", about="after all")
    assert ("What was tried has failed." if breaks else "Something was changed all the same") in told.text
    assert "It is not known what was changed" not in told.text


@opens(TOML)
@pytest.mark.parametrize(
    ("said", "then", "word"),
    few_of([(0, "", "failed"), (1, "", "partly"), (0, "press gong", "failed")], 0, 1, 2, rows=True),
)
async def test_attack_a_run_stays_headed_by_what_people_said_of_the_one_that_it_started(
    world: World, redis: str, tmp_path: Path, said: int, then: str, word: str
) -> None:
    if said == 0:
        world.workshop.breaks["bell"] = RuntimeError("no bell is there")
    above = await world.trigger(f"start_run press bell\n{then}")
    run_id = (await world.child(above)).id
    _, asks, may_end = await taken_for_lost(world, redis, tmp_path / "other", run_id)
    await world.decide("bo", asks, "free_text", asks.request.options[said])
    if said == 1:
        await world.decide("cy", await world.opened(run_id, after=asks.request.id), "deny")
    goes_on = await world.opened(above) if then else None
    await world.ended(run_id if then else above)

    may_end.set()

    await world.next_mail("anna", about="after all")
    await world.quiet()
    if goes_on:
        await world.decide("bo", goes_on, "approve")
        await world.next_mail("anna", about=f"what became of {run_id}, which it had started, is known by now: failed")
        await world.quiet()
    assert word_of(await world.run(above)) == word


@opens(TOML)
@pytest.mark.parametrize("is_said", [True, False])
async def test_attack_a_cancelled_run_leaves_out_what_the_one_that_it_started_is_heard_later_to_have_done(
    world: World, redis: str, tmp_path: Path, *, is_said: bool
) -> None:
    above = await world.trigger("start_run press bell")
    run_id = (await world.child(above)).id
    _, asks, may_end = await taken_for_lost(world, redis, tmp_path / "other", run_id)
    if is_said:
        await world.decide("bo", asks, "free_text", asks.request.options[1])
        await world.opened(run_id, after=asks.request.id)
    await world.steer(above, "cancel")
    await world.ended(run_id)
    await world.ended(above)

    may_end.set()

    await world.next_mail("anna", about="after all")
    await world.quiet()
    told = status_line(await world.run(above), None, world.people)
    assert told == f"Cancelled by Anna Ames: start_run press bell. {say('card.something-changed')}"


@opens(TOML)
async def test_attack_of_two_attempts_that_end_after_their_run_people_hear_of_one(
    world: World, redis: str, tmp_path: Path
) -> None:
    run_id, asks, may_end = await taken_for_lost(world, redis, tmp_path / "other")
    await world.decide("bo", asks, "free_text", asks.request.options[1])
    again = await world.opened(run_id, after=asks.request.id)
    await world.decide("cy", again, "approve")
    await until(lambda: len(world.workshop.started) == 2, what="it presses again")
    async with beside_it(World(redis, tmp_path / "third", world.toml)) as other:
        await found_gone(world, other, await world.run(run_id))
        await world.has(run_id, "unknown")
    await world.steer(run_id, "cancel")
    await world.ended(run_id)

    may_end.set()

    await until(lambda: len(world.workshop.effects) == 2, what="it has happened twice")
    await world.quiet()
    for person in ("anna", "bo", "cy"):
        assert max(mail.text.count("press was done after all") for mail in world.mails(person)) == 2


@opens(TOML)
async def test_attack_who_approved_in_a_run_headed_done_hears_nothing_of_what_failed_in_the_one_that_it_started(
    world: World, redis: str, tmp_path: Path
) -> None:
    world.workshop.breaks["bell"] = RuntimeError("no bell is there")
    above = await world.trigger("start_run press bell\npress gong")
    run_id = (await world.child(above)).id
    _, asks, may_end = await taken_for_lost(world, redis, tmp_path / "other", run_id)
    await world.decide("bo", asks, "free_text", asks.request.options[0])
    gate = await world.opened(above)
    await world.quiet()
    await world.decide("cy", gate, "approve")
    await world.ended(above)
    for person in ("anna", "cy"):
        await world.next_mail(person, about="ok: press gong: done")

    may_end.set()

    for person in ("anna", "cy"):
        told = await world.next_mail(person, about="is known by now")
        assert f"Afterwards: what became of {run_id}, which it had started, is known by now: failed" in told.text
        assert "Something was changed all the same" in told.text
    await world.quiet()
    assert len([mail for mail in world.mails("cy") if "Afterwards" in mail.text]) == 1


@opens(TOML)
async def test_attack_of_two_effects_that_people_said_had_happened_who_asked_hears_of_one_that_it_failed(
    world: World, redis: str, tmp_path: Path
) -> None:
    world.workshop.breaks |= {"bell": RuntimeError("no bell is there"), "gong": RuntimeError("no gong is there")}
    run_id, last = await world.trigger("press bell\npress gong\npress horn"), None
    for what in ("bell", "gong"):
        world.workshop.hold(what)
        gate = await world.opened(run_id, after=last)
        await world.decide("bo", gate, "approve")
        await until(lambda what=what: f"press {what}" in world.workshop.started, what="it presses")
        async with beside_it(World(redis, tmp_path / what, world.toml)) as other:
            await found_gone(world, other, await world.run(run_id))
            await world.has(run_id, "unknown")
        asks = await world.opened(run_id, after=gate.request.id)
        await world.decide("bo", asks, "free_text", asks.request.options[0])
        last = asks.request.id
    gate = await world.opened(run_id, after=last)

    for may_end in world.workshop.holds.values():
        may_end.set()

    async def are_heard() -> bool:
        return [one.state for one in (await world.run(run_id)).made] == ["error", "error"]

    await until(are_heard, what="both have failed")
    await world.decide("bo", gate, "deny")
    told = await world.next_mail("anna", about="Stopped: press bell")
    assert told.text.count("press was tried after all, and failed") == 2
