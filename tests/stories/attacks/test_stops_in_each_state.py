"""A stop in words, in each state that a run can be in: it is heard, or its writer is told why not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.requests import RunId
from bot.policy.record import RequestRecord
from channels import Reply
from tests.bot.web.api.test_asking_approval import asked as asked_by_program
from tests.bot.web.api.test_asking_approval import begun, program
from tests.bot.web.problems import refused
from tests.fakes.hallway import Hallway
from tests.kit.office import ROLES, TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.attacks.test_stops_typed_anywhere import ELSEWHERE, THREAD, asked, state, token_of, write
from tests.stories.test_break_glass import NIGHT, breaks

REASONED = "brich den Rollout von web-7 ab, falsche Version"


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    toml = TOML + ROLES + '[policies.theirs]\napprovers = ["person:dan"]\nexpires_after = "4h"\n'
    async with a_world(redis, tmp_path / "data", toml, beside=(hallway,), reach=("slack", "email")) as world:
        yield world


@pytest.mark.parametrize("text", ["stop", "stop RUN", REASONED, "do not roll out build 4711\n\n-- \nAnna Ames"])
@pytest.mark.parametrize("when", ["open", "paused", "paused after the approval"])
async def test_attack_while_nothing_moves(office: World, hallway: Hallway, when: str, text: str) -> None:
    record = await asked(office, hallway)
    if when != "open":
        await office.steer(record.request.run_id, "pause")
    if "approval" in when:
        await office.decide("bo", record, "approve")

    await write(office, hallway, "anna", text.replace("RUN", record.request.run_id))

    became, effects = await state(office, record)
    assert (became in {"withdrawn", "revoked"}, effects) == (True, [])


@pytest.mark.parametrize(
    ("person", "told"), [("ole", "Write stop, or press Stop"), ("eve", "Those who decide it, whoever asked")]
)
async def test_attack_who_speaks_beside_what_is_approved_is_told_that_it_waits_for_people(
    office: World, hallway: Hallway, person: str, told: str
) -> None:
    record = await asked(office, hallway)
    await office.steer(record.request.run_id, "pause")
    await office.decide("bo", record, "approve")

    await write(office, hallway, person, "hold on, not now", is_addressed=True)

    assert await state(office, record) == ("approved", [])
    assert hallway.to(person, told)
    assert hallway.to(person, "This waits for the people") == []


async def paused_in_between(office: World, hallway: Hallway) -> RunId:
    """A run that is paused between two requests."""
    goes_on, inbox = office.workshop.hold("letter"), office.app.messages.inbox
    begins = hallway.begins("anna", "stamp letter\nstamp cup", THREAD)
    run_id = RunId(office.app.runs.starter.run_id(await inbox.accept(begins)))
    await until(lambda: office.workshop.started, what="it stamps")
    await office.steer(run_id, "pause")
    goes_on.set()
    return run_id


@pytest.mark.parametrize("text", ["resume", "weiter bitte"])
async def test_attack_who_speaks_to_a_paused_run_reads_that_it_may_begin_at_any_moment(
    office: World, hallway: Hallway, text: str
) -> None:
    record = await asked(office, hallway)
    await office.steer(record.request.run_id, "pause")
    await office.decide("bo", record, "approve")

    await write(office, hallway, "anna", text)

    assert await state(office, record) == ("approved", [])
    assert hallway.to("anna", f"sayso resume {record.request.run_id}")
    assert hallway.to("anna", "at any moment") == []
    await office.steer(record.request.run_id, "resume")
    assert (await office.ended(record.request.run_id)).state == "done"


async def test_attack_who_tells_a_run_to_go_on_that_is_paused_between_two_requests_waits_in_vain(
    office: World, hallway: Hallway
) -> None:
    run_id = await paused_in_between(office, hallway)

    await write(office, hallway, "anna", "go on")

    assert (await office.run(run_id)).state == "paused"
    assert hallway.to("anna", f"sayso resume {run_id}")


@pytest.mark.parametrize("text", ["stop", "stop RUN", REASONED])
async def test_attack_of_a_run_that_is_paused_between_two_requests(office: World, hallway: Hallway, text: str) -> None:
    run_id = await paused_in_between(office, hallway)

    await write(office, hallway, "anna", text.replace("RUN", run_id))

    assert (await office.ended(run_id)).state == "cancelled"
    assert office.workshop.effects == ["stamp letter"]


@pytest.mark.parametrize("text", ["stop CHILD", "bitte den Lauf CHILD abbrechen, falsche Version"])
async def test_attack_of_a_child_by_its_id(office: World, hallway: Hallway, text: str) -> None:
    inbox = office.app.messages.inbox
    begins = hallway.begins("anna", "start_run press bell;stamp letter", THREAD)
    run_id = RunId(office.app.runs.starter.run_id(await inbox.accept(begins)))

    async def child() -> str | None:
        return next((one for one in await office.app.store.lists.runs() if one != run_id), None)

    child_id = RunId(await until(child, what="the child runs"))
    record = await office.opened(child_id)

    await write(office, hallway, "anna", text.replace("CHILD", child_id), thread=ELSEWHERE, is_addressed=True)

    assert await state(office, record) == ("withdrawn", [])


@pytest.mark.parametrize("text", ["deny REQUEST", "Nein, bitte REQUEST abbrechen", "stop RUN"])
async def test_attack_of_what_a_program_asks_by_a_new_message(office: World, hallway: Hallway, text: str) -> None:
    async with serving(office.app) as api:
        ci = await program(api)
        request = await asked_by_program(ci)
        words = text.replace("REQUEST", request["id"]).replace("RUN", request["run_id"])

        await office.app.messages.inbox.accept(hallway.begins("bo", words, THREAD))

        async def closed() -> bool:
            return (await office.request(request["id"])).state == "denied"

        await until(closed, what="it is denied")
        refused(await begun(ci, request), 409, "closed")


@pytest.mark.parametrize("text", ["stop RUN", "deny REQUEST: the wrong version", "stop RUN and REQUEST"])
async def test_attack_of_an_approver_by_a_new_message_after_the_approval(
    office: World, hallway: Hallway, text: str
) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.steer(record.request.run_id, "pause")
    await office.decide("bo", record, "approve")
    words = text.replace("RUN", record.request.run_id).replace("REQUEST", record.request.id)

    await write(office, hallway, "cy", words, thread=ELSEWHERE, is_addressed=True)

    assert await state(office, record) == ("revoked", [])


async def test_attack_of_two_runs_in_one_message_of_which_one_is_another_s(office: World, hallway: Hallway) -> None:
    theirs = await office.opened(await office.trigger("press bell", person="dan"))
    record = await asked(office, hallway)
    words = f"stop {theirs.request.run_id}, {record.request.run_id}"

    await write(office, hallway, "anna", words, thread=ELSEWHERE, is_addressed=True)

    assert await state(office, record) == ("withdrawn", [])
    assert (await office.request(theirs.request.id)).state == "open"
    assert hallway.to("anna", f"There is no run {theirs.request.run_id}")


@pytest.mark.parametrize(
    "text",
    [
        "Please stop these runs:\n- ONE\n- TWO",
        "Please stop these:\n1. ONE\n2. TWO",
        "stop both runs: ONE and TWO",
        "Bitte diese L\u00e4ufe abbrechen:\n\u2022 ONE\n\u2022 TWO",
        "stop the following runs:\n* ONE\n* TWO",
        "stop ONE / TWO",
        "stop ONE & TWO",
        "stop ONE as well as TWO",
        "stop run ONE and run TWO",
        "stop ONE\nalso TWO",
        "Bitte ONE sowie TWO abbrechen",
    ],
)
async def test_attack_of_several_runs_by_a_new_message_stops_one_of_them_or_begins_another(
    office: World, hallway: Hallway, text: str
) -> None:
    both = [await office.opened(await office.trigger(wish)) for wish in ("press bell", "press horn")]
    words = text.replace("ONE", both[0].request.run_id).replace("TWO", both[1].request.run_id)

    await write(office, hallway, "anna", words, thread=ELSEWHERE, is_addressed=True)

    assert [await state(office, record) for record in both] == [("withdrawn", [])] * 2
    assert len(await office.app.store.lists.runs()) == 2


@pytest.mark.parametrize("text", ["stop ONE (prod) and TWO (staging)", "stop ONE; TWO", "stop ONE, keep TWO"])
@pytest.mark.parametrize("way", ["a new message", "a new message with requests", "the thread", "the window"])
async def test_attack_who_stops_one_run_and_names_another_thinks_that_both_are_stopped(
    office: World, hallway: Hallway, way: str, text: str
) -> None:
    record = await asked(office, hallway)
    other = await office.opened(await office.trigger("press horn"))
    ids = [one.request.id if "requests" in way else one.request.run_id for one in (record, other)]
    words = text.replace("ONE", ids[0]).replace("TWO", ids[1])

    if way == "the window":
        reply = Reply(person="bo", token=await token_of(hallway, "bo"), said="free_text", text=words)
        await office.app.messages.inbox.accept(hallway.item(reply))
    else:
        thread = THREAD if way == "the thread" else ELSEWHERE
        await write(office, hallway, "anna", words, thread=thread, is_addressed=True)

    person = "bo" if way == "the window" else "anna"
    await until(lambda: hallway.to(person, f"Of {ids[1]} your message stops nothing"), what="its writer is told")
    assert (await state(office, record))[0] in {"withdrawn", "denied"}
    assert await state(office, other) == ("open", [])


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("stop this, OTHER is right", "open"),
        ("Please cancel this deploy, OTHER is newer", "open"),
        ("Bitte stoppen, OTHER ist richtig", "open"),
        ("stop this (OTHER is the right one)", "open"),
        ("stop this and OTHER", "closed"),
        ("stop OTHER and this", "closed"),
        ("stop the deploy and the run OTHER", "closed"),
    ],
)
@pytest.mark.parametrize(("person", "way"), [("anna", "the thread"), ("bo", "the thread"), ("bo", "the window")])
async def test_attack_who_stops_this_and_says_something_of_another_run_stops_that_alone(
    office: World, hallway: Hallway, person: str, way: str, text: str, becomes: str
) -> None:
    record = await asked(office, hallway)
    other = await office.opened(await office.trigger("press horn"))
    words = text.replace("OTHER", other.request.run_id)

    if way == "the window":
        reply = Reply(person="bo", token=await token_of(hallway, "bo"), said="free_text", text=words)
        await office.app.messages.inbox.accept(hallway.item(reply))
    else:
        await write(office, hallway, person, words)

    assert (await state(office, record))[0] in {"withdrawn", "denied"}
    assert ((await state(office, other))[0] == "open") is (becomes == "open")


@pytest.mark.parametrize("text", ["stop, RUN is wrong", "stop, RUN please", "cancel this deploy, RUN, it is wrong"])
async def test_who_says_stop_and_then_of_what_run_stops_that(office: World, hallway: Hallway, text: str) -> None:
    record = await asked(office, hallway)

    words = text.replace("RUN", record.request.run_id)
    await write(office, hallway, "anna", words, thread=ELSEWHERE, is_addressed=True)

    assert await state(office, record) == ("withdrawn", [])


@pytest.mark.parametrize("text", ["stop RUN (REQUEST)", "stop RUN, that is REQUEST"])
async def test_who_stops_a_run_and_names_its_request_beside_it_is_told_nothing_more(
    office: World, hallway: Hallway, text: str
) -> None:
    record = await asked(office, hallway)
    words = text.replace("RUN", record.request.run_id).replace("REQUEST", record.request.id)

    await write(office, hallway, "anna", words, thread=ELSEWHERE, is_addressed=True)

    assert await state(office, record) == ("withdrawn", [])
    assert hallway.to("anna", "your message stops nothing") == []


@pytest.mark.parametrize(
    "text",
    [
        "stop the runs ONE and TWO too",
        "stop ONE on production and TWO on staging",
        "stop ONE wrong tag, TWO wrong env",
    ],
)
async def test_attack_a_stop_with_ids_that_nobody_can_read_begins_a_run(
    office: World, hallway: Hallway, text: str
) -> None:
    both = [await office.opened(await office.trigger(wish)) for wish in ("press bell", "press horn")]
    words = text.replace("ONE", both[0].request.run_id).replace("TWO", both[1].request.run_id)

    await write(office, hallway, "anna", words, thread=ELSEWHERE, is_addressed=True)

    await until(lambda: hallway.to("anna", "To stop it, write: stop, and the id"), what="anna reads how to stop it")
    assert len(await office.app.store.lists.runs()) == 2


@pytest.mark.parametrize(
    "text",
    [
        "stop",
        "stop THEIRS",
        "bitte abbrechen",
        "stop THEIRS on production and THEIRS on staging",
        "pause THEIRS",
        "nicht mehr ausrollen, bitte alles anhalten",
    ],
)
async def test_attack_whoever_was_told_often_that_nothing_came_of_a_message_is_not_told_so_of_a_stop(
    office: World, hallway: Hallway, text: str
) -> None:
    theirs = await office.opened(await office.trigger("press bell", person="dan"))
    for number in range(10):
        await write(office, hallway, "anna", "approved", thread=f"{ELSEWHERE}{number}", is_addressed=True)
    before = len(hallway.to("anna"))

    words = text.replace("THEIRS", theirs.request.run_id)
    await write(office, hallway, "anna", words, thread=ELSEWHERE, is_addressed=True)

    await until(lambda: len(hallway.to("anna")) > before, what="anna reads that nothing was stopped")
    assert await state(office, theirs) == ("open", [])


@pytest.mark.parametrize("text", ["stop RUN", "stop the run RUN, please"])
async def test_attack_of_a_run_that_is_over(office: World, hallway: Hallway, text: str) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.decide("bo", record, "approve")
    await office.ended(record.request.run_id)

    await office.app.messages.inbox.accept(hallway.begins("anna", text.replace("RUN", record.request.run_id), THREAD))

    await until(lambda: hallway.to("anna", "it was started"), what="anna is told")
    assert await office.app.store.lists.runs() == [record.request.run_id]


@pytest.mark.parametrize("newer", ["ask free_text Which?", "press horn"])
@pytest.mark.parametrize(
    ("person", "text", "became"), [("anna", "stop", "withdrawn"), ("cy", "bitte nicht deployen", "denied")]
)
async def test_attack_in_a_thread_in_which_somebody_elses_run_began_later(
    office: World, hallway: Hallway, newer: str, person: str, text: str, became: str
) -> None:
    office.workshop.policy_of["horn"] = "theirs"
    record = await asked(office, hallway)
    begins = hallway.begins("eve", newer, THREAD)
    theirs = await office.opened(office.app.runs.starter.run_id(await office.app.messages.inbox.accept(begins)))

    await write(office, hallway, person, text)

    assert await state(office, record) == (became, [])
    assert (await office.request(theirs.request.id)).state == "open"


@pytest.mark.parametrize("person", ["anna", "ole"])
async def test_attack_who_stops_a_run_that_waits_for_a_child_reads_that_something_was_started(
    office: World, hallway: Hallway, person: str
) -> None:
    await office.app.messages.inbox.accept(
        hallway.begins("anna", "start_run ask-of person:bo free_text Which?;press bell", THREAD)
    )
    await until(lambda: hallway.to("bo", "Which?"), what="bo is asked")

    await write(office, hallway, person, "stop")
    await office.quiet()

    assert [(await office.run(run_id)).state for run_id in await office.app.store.lists.runs()] == ["cancelled"] * 2
    assert hallway.to(person, "The run is stopped")
    assert hallway.to(person, "it was started") == []


async def test_attack_who_stops_what_others_refused_reads_that_it_was_started(office: World, hallway: Hallway) -> None:
    await office.app.messages.inbox.accept(hallway.begins("anna", "start_run press bell", THREAD))

    async def asks() -> RequestRecord | None:
        return next(iter(await office.requests()), None)

    await office.decide("bo", await until(asks, what="bo is asked"), "deny")
    await until(lambda: hallway.to("anna", "denied"), what="anna reads that it was denied")

    await write(office, hallway, "anna", "stop")
    await office.quiet()

    assert hallway.to("anna", "nothing of it is left to stop")
    assert hallway.to("anna", "it was started") == []


@pytest.mark.parametrize("way", ["a retry", "a retry of a retry"])
async def test_attack_who_stops_a_run_that_was_made_again_reads_only_that_it_has_ended(
    office: World, hallway: Hallway, way: str
) -> None:
    record = await asked(office, hallway)
    async with serving(office.app) as api:
        anna = await api.client("anna", "steer")
        for _ in way.split(" of "):
            await office.decide("bo", record, "deny")
            await office.ended(record.request.run_id)
            made = await anna.post(f"/v1/runs/{record.request.run_id}/retry")
            record = await office.opened(RunId(made.json()["id"]))

    await write(office, hallway, "anna", "stop")
    await office.quiet()
    [told] = hallway.to("anna", "These runs were made from it and go on")
    await write(office, hallway, "anna", f"stop {record.request.run_id}")

    assert record.request.run_id in told.summary
    assert await state(office, record) == ("withdrawn", [])


@pytest.mark.parametrize("text", ["stop", "deny: no need any more", "bitte nicht deployen"])
@pytest.mark.parametrize("way", ["below its card", "by mail"])
async def test_attack_who_is_asked_whether_breaking_the_glass_was_right_stops_it_there_before_it_starts(
    redis: str, tmp_path: Path, hallway: Hallway, way: str, text: str
) -> None:
    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "night"

    beside = (hallway,) if way == "below its card" else ()
    async with a_world(redis, tmp_path / "data", NIGHT, beside=beside, change=change) as office:
        record = await office.opened(await office.trigger("press bell"))
        await office.steer(record.request.run_id, "pause")
        await breaks(office, "eve", record)
        if way == "by mail":
            await office.reply("cy", await office.next_mail("cy", about="Was it right"), text)
        else:
            await until(lambda: hallway.to("cy", "Was it right"), what="cy is asked")
            cards = hallway.cards.items()
            key = next(key for key, (to, card) in cards if to.person == "cy" and "Was it right" in card.title)
            await write(office, hallway, "cy", text, thread=f"at {key}", is_addressed=True)

        assert await state(office, record) == ("revoked", [])
