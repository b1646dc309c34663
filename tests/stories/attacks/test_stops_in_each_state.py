"""A stop in words, in each state that a run can be in: it is heard, or its writer is told why not."""

from pathlib import Path
from typing import Literal

import pytest

from agents.events import AnswerNoted
from agents.requests import RunId
from agents.requests.record import RequestRecord
from bot.errors import Conflict
from bot.store.ids import review_of
from channels import Reply
from tests.bot.cli.shell import sayso
from tests.bot.execution.test_executor import found_gone
from tests.bot.inbound.test_follow_ups import brought_back, written
from tests.bot.web.api.test_asking_approval import asked as asked_by_program
from tests.bot.web.api.test_asking_approval import begun, program
from tests.bot.web.console.stage import answer
from tests.bot.web.problems import refused
from tests.fakes.hallway import Hallway
from tests.kit.office import ROLES, TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, beside_it
from tests.servers.console import a_console
from tests.servers.web import Api, serving
from tests.stories.attacks.test_stops_typed_anywhere import ELSEWHERE, THREAD, asked, state, token_of, types, write
from tests.stories.test_break_glass import NIGHT, breaks

THEIRS = TOML + ROLES + '[policies.theirs]\napprovers = ["person:dan"]\nexpires_after = "4h"\n'
pytestmark = opens(THEIRS, beside=("hallway",), reach=("slack", "email"))
_WHICH = "stop-or-answer"
REASONED = "brich den Rollout von web-7 ab, falsche Version"


def named(text: str, record: RequestRecord) -> str:
    """`text` with the ids of a run and its request."""
    return text.replace("RUN", record.request.run_id).replace("REQUEST", record.request.id)


async def both_asked(world: World) -> list[RequestRecord]:
    """Two requests of Anna's."""
    return [await world.opened(await world.trigger(wish)) for wish in ("press bell", "press horn")]


async def elsewhere(world: World, hallway: Hallway, person: str, text: str) -> None:
    """Somebody says it to sayso in a thread of no run."""
    await write(world, hallway, person, text, thread=ELSEWHERE, is_addressed=True)


async def test_attack_while_nothing_moves(world: World, hallway: Hallway) -> None:
    for when, text in (
        ("open", REASONED),
        ("paused", "do not roll out build 4711\n\n-- \nAnna Ames"),
        ("paused after the approval", "stop RUN"),
    ):
        record = await asked(world, hallway, thread=when)
        if when != "open":
            await world.steer(record.request.run_id, "pause")
        if "approval" in when:
            await world.decide("bo", record, "approve")

        await write(world, hallway, "anna", named(text, record), thread=when)

        became, effects = await state(world, record)
        assert (became in {"withdrawn", "revoked"}, effects) == (True, [])


async def test_attack_who_speaks_beside_what_is_approved_is_told_that_it_waits_for_people_or_may_begin_at_any_moment(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")

    await write(world, hallway, "ole", "hold on, not now", is_addressed=True)
    await write(world, hallway, "eve", "hold on, not now", is_addressed=True)
    await write(world, hallway, "anna", "weiter bitte")

    assert await state(world, record) == ("approved", [])
    assert hallway.to("ole", "Write stop, or press Stop")
    assert hallway.to("eve", "Those who decide it, whoever asked")
    assert [hallway.to(one, "This waits for the people") for one in ("ole", "eve")] == [[], []]
    assert hallway.to("anna", f"sayso resume {record.request.run_id}")
    assert hallway.to("anna", "at any moment") == []
    await world.steer(record.request.run_id, "resume")
    assert (await world.ended(record.request.run_id)).state == "done"


async def test_attack_of_a_run_that_is_paused_between_two_requests(world: World, hallway: Hallway) -> None:
    goes_on, inbox = world.workshop.hold("letter"), world.app.messages.inbox
    begins = hallway.begins("anna", "stamp letter\nstamp cup", THREAD)
    run_id = RunId(world.app.runs.starter.run_id(await inbox.accept(begins)))
    await until(lambda: world.workshop.started, what="it stamps")
    await world.steer(run_id, "pause")
    goes_on.set()

    await write(world, hallway, "anna", "go on")
    assert (await world.run(run_id)).state == "paused"
    assert hallway.to("anna", f"sayso resume {run_id}"), "and is told how to have it go on"
    await write(world, hallway, "anna", REASONED)

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == ["stamp letter"]


async def test_attack_of_what_a_program_asks_by_a_new_message(world: World, hallway: Hallway) -> None:
    async with serving(world.app) as api:
        ci = await program(api)
        for text in ("Nein, bitte REQUEST abbrechen", "stop RUN"):
            request = await asked_by_program(ci)
            words = text.replace("REQUEST", request["id"]).replace("RUN", request["run_id"])

            await world.app.messages.inbox.handle(
                await world.app.messages.inbox.accept(hallway.begins("bo", words, text))
            )

            assert (await world.request(request["id"])).state == "denied"
            refused(await begun(ci, request), 409, "closed")


async def test_attack_of_two_runs_in_one_message_of_which_one_is_another_s(world: World, hallway: Hallway) -> None:
    theirs = await world.opened(await world.trigger("press bell", person="dan"))
    record = await asked(world, hallway)

    await elsewhere(world, hallway, "anna", f"stop {theirs.request.run_id}, {record.request.run_id}")

    assert await state(world, record) == ("withdrawn", [])
    assert (await world.request(theirs.request.id)).state == "open"
    assert hallway.to("anna", f"There is no run {theirs.request.run_id}")


async def test_attack_of_several_runs_by_a_new_message_stops_one_of_them_or_begins_another(
    world: World, hallway: Hallway
) -> None:
    for number, text in enumerate(("Please stop these runs:\n- ONE\n- TWO", "stop ONE as well as TWO"), 1):
        both = await both_asked(world)
        words = text.replace("ONE", both[0].request.run_id).replace("TWO", both[1].request.run_id)

        await elsewhere(world, hallway, "anna", words)

        assert [await state(world, record) for record in both] == [("withdrawn", [])] * 2
        assert len(await world.app.store.lists.runs()) == 2 * number


async def test_attack_who_stops_one_run_and_names_another_thinks_that_both_are_stopped(
    world: World, hallway: Hallway
) -> None:
    for way, text in (
        ("a new message", "stop ONE (prod) and TWO (staging)"),
        ("a new message with requests", "stop ONE; TWO"),
        ("the thread", "stop ONE, keep TWO"),
        ("the window", "stop ONE (prod) and TWO (staging)"),
    ):
        record = await asked(world, hallway, thread=way)
        other = await world.opened(await world.trigger("press horn"))
        ids = [one.request.id if "requests" in way else one.request.run_id for one in (record, other)]
        words, person = text.replace("ONE", ids[0]).replace("TWO", ids[1]), "bo" if way == "the window" else "anna"
        if way == "the window":
            await in_window(world, hallway, words)
        else:
            thread = way if way == "the thread" else ELSEWHERE
            await write(world, hallway, person, words, thread=thread, is_addressed=True)

        assert (await state(world, record))[0] in {"withdrawn", "denied"}
        assert await state(world, other) == ("open", [])
        assert hallway.to(person, f"Of {ids[1]} your message stops nothing"), way


async def in_window(world: World, hallway: Hallway, words: str) -> None:
    """Bo writes it in the window of his card."""
    reply = Reply(person="bo", token=await token_of(hallway, "bo"), said="free_text", text=words)
    await world.app.messages.inbox.handle(await world.app.messages.inbox.accept(hallway.item(reply)))


async def test_attack_who_stops_this_and_says_something_of_another_run_stops_that_alone(
    world: World, hallway: Hallway
) -> None:
    for person, way, text, becomes in (
        ("anna", "the thread", "Bitte stoppen, OTHER ist richtig", "open"),
        ("anna", "the thread", "stop OTHER and this", "closed"),
        ("bo", "the thread", "stop this (OTHER is the right one)", "open"),
        ("bo", "the thread", "stop the deploy and the run OTHER", "closed"),
        ("bo", "the window", "stop this, OTHER is right", "open"),
        ("bo", "the window", "stop this and OTHER", "closed"),
    ):
        record = await asked(world, hallway, thread=text)
        other = await world.opened(await world.trigger("press horn"))
        words = text.replace("OTHER", other.request.run_id)
        if way == "the window":
            await in_window(world, hallway, words)
        else:
            await write(world, hallway, person, words, thread=text)

        assert (await state(world, record))[0] in {"withdrawn", "denied"}, text
        assert ((await state(world, other))[0] == "open") is (becomes == "open"), text


async def test_attack_a_stop_with_ids_that_nobody_can_read_begins_a_run(world: World, hallway: Hallway) -> None:
    both, about = await both_asked(world), "To stop it, write: stop, and the id"
    for text in ("stop the runs ONE and TWO anyway", "stop ONE on production and TWO on staging"):
        before = len(hallway.to("anna", about))
        words = text.replace("ONE", both[0].request.run_id).replace("TWO", both[1].request.run_id)

        await elsewhere(world, hallway, "anna", words)
        await world.quiet()

        assert len(hallway.to("anna", about)) > before, "anna reads how to stop it"
        assert len(await world.app.store.lists.runs()) == 2


async def test_attack_whoever_was_told_often_that_nothing_came_of_a_message_is_not_told_so_of_a_stop(
    world: World, hallway: Hallway
) -> None:
    theirs = await world.opened(await world.trigger("press bell", person="dan"))
    for number in range(10):
        await write(world, hallway, "anna", "approved", thread=f"{ELSEWHERE}{number}", is_addressed=True)
    for text in ("stop", "stop RUN", "stop RUN on production and RUN on staging", "pause RUN", "bitte alles anhalten"):
        await world.quiet()
        before = len(hallway.to("anna"))

        await elsewhere(world, hallway, "anna", named(text, theirs))

        assert await state(world, theirs) == ("open", [])
        assert len(hallway.to("anna")) > before, text


async def test_attack_in_a_thread_in_which_somebody_elses_run_began_later(world: World, hallway: Hallway) -> None:
    world.workshop.policy_of["horn"] = "theirs"
    for newer, person, text, became in (
        ("ask free_text Which?", "anna", "stop", "withdrawn"),
        ("press horn", "cy", "bitte nicht deployen", "denied"),
    ):
        record = await asked(world, hallway, thread=newer)
        begins = hallway.begins("eve", newer, newer)
        theirs = await world.opened(world.app.runs.starter.run_id(await world.app.messages.inbox.accept(begins)))

        await write(world, hallway, person, text, thread=newer)

        assert await state(world, record) == (became, [])
        assert (await world.request(theirs.request.id)).state == "open"


async def test_attack_who_stops_a_run_that_waits_for_a_child_reads_that_something_was_started(
    world: World, hallway: Hallway
) -> None:
    for person in ("anna", "ole"):
        begins = hallway.begins("anna", "start_run ask-of person:bo free_text Which?;press bell", person)
        await world.app.messages.inbox.accept(begins)
        await until(lambda: hallway.to("bo", "Which?"), what="bo is asked")
        hallway.cards.clear()

        await write(world, hallway, person, "stop", thread=person)
        await world.quiet()

        assert {(await world.run(run_id)).state for run_id in await world.app.store.lists.runs()} == {"cancelled"}
        assert hallway.to(person, "The run is stopped")
        assert hallway.to(person, "it was started") == []


async def test_attack_who_says_no_below_a_run_that_is_over_and_stops_another_reads_that_nothing_was_stopped(
    world: World, hallway: Hallway
) -> None:
    other, over = await world.opened(await world.trigger("press horn")), await asked(world, hallway)
    await world.decide("bo", over, "deny")
    await world.ended(over.request.run_id)

    await write(world, hallway, "anna", f"No. stop {other.request.run_id}", is_addressed=True)
    await until(lambda: hallway.to("anna", "The rest of your message did nothing"), what="she reads what was not done")

    assert await state(world, other) == ("withdrawn", [])
    assert hallway.to("anna", "nothing was stopped") == []


async def test_attack_who_stops_what_others_refused_reads_that_it_was_started(world: World, hallway: Hallway) -> None:
    await world.app.messages.inbox.accept(hallway.begins("anna", "start_run press bell", THREAD))

    async def asks() -> RequestRecord | None:
        return next(iter(await world.requests()), None)

    await world.decide("bo", await until(asks, what="bo is asked"), "deny")
    await until(lambda: hallway.to("anna", "denied"), what="anna reads that it was denied")

    await write(world, hallway, "anna", "stop")
    await world.quiet()

    assert hallway.to("anna", "nothing of it is left to stop")
    assert hallway.to("anna", "it was started") == []


async def test_attack_who_stops_a_run_that_was_made_again_reads_only_that_it_has_ended(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    async with serving(world.app) as api:
        anna = await api.client("anna", "steer")
        for _ in range(2):
            await world.decide("bo", record, "deny")
            await world.ended(record.request.run_id)
            made = await anna.post(f"/v1/runs/{record.request.run_id}/retry")
            record = await world.opened(RunId(made.json()["id"]))

    await write(world, hallway, "anna", "stop")
    await world.quiet()
    [told] = hallway.to("anna", "These runs were made from it and go on")
    await write(world, hallway, "anna", f"stop {record.request.run_id}")

    assert record.request.run_id in told.summary
    assert await state(world, record) == ("withdrawn", [])


async def test_attack_who_stops_a_run_hears_of_its_copies_that_go_on(world: World, hallway: Hallway) -> None:
    goes_on, inbox = world.workshop.hold("letter"), world.app.messages.inbox
    begins = hallway.begins("anna", "stamp letter\nstamp cup", THREAD)
    run_id = RunId(world.app.runs.starter.run_id(await inbox.accept(begins)))
    await until(lambda: world.workshop.started, what="it stamps")
    async with serving(world.app) as api:
        made = await (await api.client("anna", "steer")).post(f"/v1/runs/{run_id}/fork", json={"at": 1})

    await write(world, hallway, "anna", "stop")
    await until(lambda: hallway.to("anna", made.json()["id"]), what="she reads which one goes on")
    goes_on.set()


async def test_attack_who_decides_and_stops_what_is_over_hears_of_the_runs_that_were_made_from_it(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    was = Reply(person="bo", token=await token_of(hallway, "bo"), said="free_text", text="Stop, please.")
    await world.decide("bo", record, "approve")
    await world.ended(record.request.run_id)
    async with serving(world.app) as api:
        made = await (await api.client("anna", "steer")).post(f"/v1/runs/{record.request.run_id}/retry")
    again = await world.opened(RunId(made.json()["id"]))

    await world.app.messages.inbox.handle(await world.app.messages.inbox.accept(hallway.item(was)))
    await world.quiet()

    [told] = hallway.to("bo", "Too late")
    assert f"go on: {again.request.run_id}." in told.summary
    assert await state(world, again) == ("open", ["press bell"])


async def test_attack_who_takes_back_denies_or_revokes_what_waits_reads_nothing_of_its_copies_that_go_on(
    world: World, hallway: Hallway
) -> None:
    for person, words, became in (("anna", "stop", "withdrawn"), ("bo", "deny", "denied"), ("bo", "stop", "revoked")):
        hallway.cards.clear()
        record = await asked(world, hallway, thread=became)
        run_id = record.request.run_id
        if became == "revoked":
            await world.steer(run_id, "pause")
            await world.decide("bo", record, "approve")
        async with serving(world.app) as api:
            made = await (await api.client("anna", "steer")).post(f"/v1/runs/{run_id}/retry")
        again = await world.opened(RunId(made.json()["id"]))

        await write(world, hallway, person, words, thread=became, is_addressed=True)

        assert await state(world, record) == (became, [])
        told = [card.summary for card in hallway.to(person) if f"go on: {again.request.run_id}." in card.summary]
        assert len(told) == 1
        assert (await state(world, again))[0] == "open"


async def copied(world: World, run_id: RunId) -> RunId:
    """Return the run that Anna makes from one, once both are known to belong together and people are asked."""
    async with serving(world.app) as api:
        made = await (await api.client("anna", "steer")).post(f"/v1/runs/{run_id}/retry")
    await world.quiet()
    return RunId(made.json()["id"])


async def test_attack_who_cancels_or_takes_back_by_a_page_a_terminal_or_a_program_reads_nothing_of_the_copies(
    world: World, hallway: Hallway
) -> None:
    told = list[tuple[str, str]]()
    async with a_console(world) as console, serving(world.app) as api:
        anna, bo, key = await console.browser("anna"), await console.browser("bo"), await api.client("anna", "steer")
        for way in (
            "page",
            "taken back there",
            "denied there",
            "terminal",
            "taken back in a terminal",
            "program",
        ):
            record = await asked(world, hallway, thread=way)
            run_id, request_id = record.request.run_id, record.request.id
            copy = await copied(world, run_id)
            match way:
                case "page":
                    sure = await anna.get(f"/runs/{run_id}/confirm/cancel")
                    words = (await anna.submit(sure.form(f"/runs/{run_id}/cancel"))).words
                case "taken back there":
                    sure = await anna.get(f"/requests/{request_id}")
                    words = (await anna.submit(sure.form(f"/requests/{request_id}/withdraw"))).words
                case "denied there":
                    sure = await bo.get(f"/requests/deny?pick={request_id}")
                    words = (await bo.submit(sure.form("/requests/deny"))).words
                case "terminal":
                    words = (await sayso(world, "cancel", run_id, "--as", "anna")).out
                case "taken back in a terminal":
                    words = (await sayso(world, "withdraw", request_id, "--as", "anna")).out
                case _:
                    words = (await key.post(f"/v1/runs/{run_id}/cancel")).text
            told.append((way, "" if f"go on: {copy}." in words else words))

    assert [(way, words) for way, words in told if words] == []


async def test_attack_who_stops_a_part_or_the_whole_of_a_run_reads_nothing_of_the_copies_of_the_rest(
    world: World, hallway: Hallway
) -> None:
    for person in ("anna", "bo", "ole"):  # the first two stop the child of what was copied, Ole what has the copied one
        hallway.cards.clear()
        inbox = world.app.messages.inbox
        wish = await inbox.accept(hallway.begins("anna", "start_run press bell", person))
        run_id = RunId(world.app.runs.starter.run_id(wish))
        child = await world.child(run_id)
        record = await world.opened(child.id)
        copy = await copied(world, child.id if person == "ole" else run_id)
        asks = copy if person == "ole" else (await world.child(copy)).id

        await write(
            world, hallway, person, f"stop {run_id if person == 'ole' else record.request.id}", is_addressed=True
        )

        assert (await state(world, record))[0] in {"withdrawn", "denied"}
        assert hallway.to(person, f"go on: {asks if person == 'bo' else copy}."), f"{person} hears of it"


OPERATOR = '\n[people.ole]\nname = "Ole Olsen"\nemail = "ole@corp.example"\n\n[roles]\noperator = ["person:ole"]\n'


def by_night(world: World) -> None:
    world.workshop.policy_of["bell"] = "night"


async def stops_a_review(world: World, text: str, hallway: Hallway | None) -> None:
    """Cy, who is asked whether Eve was right to break the glass, says it by mail, or below the card in the hallway: of
    one that nobody has answered, and of one to which Bo has said yes.
    """
    for is_over in (False, True):
        record = await world.opened(await world.trigger("press bell"))
        await world.steer(record.request.run_id, "pause")
        await breaks(world, "eve", record, reply_id=f"cli-{is_over}")
        review = await world.opened(review_of(record.request.id))
        if hallway is not None:
            await until(lambda: hallway.to("cy", "Was it right"), what="cy is asked")
        if is_over:
            await world.decide("bo", review, "free_text", "right: yes\nreason: I saw it burn")
            await world.ended(review.request.run_id)
        if hallway is None:
            await world.reply("cy", await world.next_mail("cy", about=review.request.id), text)
        else:
            cards = hallway.cards.items()
            key = next(key for key, (to, card) in cards if to.person == "cy" and "Was it right" in card.title)
            await write(world, hallway, "cy", text, thread=f"at {key}", is_addressed=True)
            hallway.cards.clear()

        assert await state(world, record) == ("revoked", []), is_over


@opens(NIGHT, change=by_night)
async def test_attack_who_is_mailed_whether_breaking_the_glass_was_right_stops_it_before_it_starts(
    world: World,
) -> None:
    await stops_a_review(world, "deny: no need any more", None)


@opens(NIGHT, beside=("hallway",), change=by_night)
async def test_attack_who_is_asked_whether_breaking_the_glass_was_right_stops_it_below_the_card_before_it_starts(
    world: World, hallway: Hallway
) -> None:
    await stops_a_review(world, "bitte nicht deployen", hallway)


@opens(NIGHT, change=by_night)
async def test_attack_a_stop_as_the_reason_of_an_answer_to_a_review_is_no_answer_to_it(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.steer(record.request.run_id, "pause")
    await breaks(world, "eve", record)
    card = await world.next_mail("cy", about="Was it right")

    await world.reply("cy", card, "right: no\nreason: wrong version, do not deploy")

    assert await state(world, record) == ("revoked", [])
    assert (await world.run(review_of(record.request.id))).state == "done"


@opens(NIGHT + OPERATOR, beside=("hallway",), change=by_night)
async def test_attack_a_stop_as_the_reason_of_an_answer_to_a_review_is_no_answer_to_it_below_its_card_or_no_stop(
    world: World, hallway: Hallway
) -> None:
    """Whoever is asked does both; who only edits it, or is not asked and may stop what is reviewed, stops that."""
    for person, is_edit, became, answered in (
        ("cy", False, ("revoked", "paused"), "answered"),
        ("cy", True, ("revoked", "paused"), "open"),
        ("anna", False, ("revoked", "paused"), "open"),
        ("ole", False, ("approved", "cancelled"), "open"),
    ):
        record, review, thread = await reviewed(world, hallway, f"cli-{person}-{is_edit}")
        said = "right: no\nreason: wrong version, do not deploy"

        item = hallway.follows(person, said, thread, is_addressed=not is_edit, is_edit=is_edit)
        await world.app.messages.inbox.handle(await world.app.messages.inbox.accept(item))

        now = (await state(world, record))[0], (await world.run(record.request.run_id)).state
        assert now == became, (person, is_edit)
        assert (await world.request(review.request.id)).state == answered, (person, is_edit)
        assert hallway.to(person, "nobody takes back") == [], (person, is_edit)


async def reviewed(world: World, hallway: Hallway, reply_id: str) -> tuple[RequestRecord, RequestRecord, str]:
    """What waits once Eve has broken the glass, the review of that, and the thread of Cy's card of it."""
    record = await world.opened(await world.trigger("press bell"))
    await world.steer(record.request.run_id, "pause")
    await world.quiet()
    hallway.cards.clear()
    await breaks(world, "eve", record, reply_id=reply_id)
    review = await world.opened(review_of(record.request.id))
    await until(lambda: hallway.to("cy", "Was it right"), what="cy is asked")
    await world.quiet()
    key = next(key for key, (to, card) in hallway.cards.items() if to.person == "cy" and "Was it right" in card.title)
    return record, review, f"at {key}"


@opens(NIGHT, beside=("hallway",), reach=("slack", "email"), change=by_night)
async def test_attack_who_answers_that_it_was_not_right_takes_back_what_the_card_says_is_not_stopped(
    world: World, hallway: Hallway
) -> None:
    async with serving(world.app) as api:
        for way, said, answered in (
            ("below the card", "right: no\nreason: I saw nothing", "answered"),
            ("a window", "right: no\nreason: I saw nothing", "answered"),
            ("a program", "right: no\nreason: I saw nothing", "answered"),
            ("below the card", "right: no", "open"),
            ("a window", "right: no\nreason: I saw nothing\nand nobody called me", "open"),
        ):
            record, review, thread = await reviewed(world, hallway, f"cli-{way}-{answered}")
            if way == "below the card":
                await write(world, hallway, "cy", said, thread=thread, is_addressed=True)
            elif way == "a window":
                token = await token_of(hallway, "cy")
                await types(world, hallway, Reply(person="cy", token=token, said="free_text", text=said, is_typed=True))
            else:
                answer = f"/v1/requests/{review.request.id}/answer"
                await (await api.client("cy")).post(answer, json={"text": said})

            assert await state(world, record) == ("approved", []), (way, said)
            assert (await world.request(review.request.id)).state == answered, (way, said)
            assert (hallway.to("cy", "This is no answer yet") == []) is (answered == "answered"), (way, said)


@opens(NIGHT, beside=("hallway",), reach=("slack", "email"), change=by_night)
async def test_attack_the_reason_in_the_form_of_a_review_stops_nothing_that_it_stops_in_words(
    world: World, hallway: Hallway
) -> None:
    async with a_console(world) as console:
        browser, program = await console.browser("cy"), await console.api.client("cy")
        for way in ("a window", "the page", "a program"):
            for right, reason, became in (
                ("no", "wrong version, do not deploy", "revoked"),
                ("no", "I saw nothing", "approved"),
                ("yes", "stop", "revoked"),
            ):
                record, review, _ = await reviewed(world, hallway, f"cli-{way}-{reason}")
                filled = {"right": right, "reason": reason}
                if way == "a window":
                    text, token = "\n".join(map(": ".join, filled.items())), await token_of(hallway, "cy")
                    said = Reply(person="cy", token=token, said="free_text", text=text, filled=filled)
                    await types(world, hallway, said)
                elif way == "the page":
                    await answer(browser, review, "Answer", right, **{"field-2": reason})
                else:
                    await program.post(f"/v1/requests/{review.request.id}/answer", json={"form": filled})

                assert await state(world, record) == (became, []), (way, reason)
                assert (await world.request(review.request.id)).state == "answered", (way, reason)
                assert hallway.to("cy", "The run goes on") == [], (way, reason)


@opens(NIGHT + '\n[roles]\noperator = ["person:cy"]\n', beside=("hallway",), reach=("slack", "email"), change=by_night)
async def test_attack_a_freeze_in_the_reason_of_an_answer_to_a_review_is_lost_and_its_writer_not_told(
    world: World, hallway: Hallway
) -> None:
    for way in ("below the card", "a window"):
        said = "right: no\nreason: bad, freeze everything"
        _, review, thread = await reviewed(world, hallway, f"cli-{way}")
        if way == "below the card":
            await write(world, hallway, "cy", said, thread=thread, is_addressed=True)
        else:
            token = await token_of(hallway, "cy")
            await types(world, hallway, Reply(person="cy", token=token, said="free_text", text=said, is_typed=True))
        await world.quiet()

        assert (await world.request(review.request.id)).state == "answered", way
        assert hallway.to("cy", "Your message froze nothing"), way


@opens(NIGHT, beside=("hallway",), reach=("slack", "email"), change=by_night)
async def test_attack_a_run_that_an_answer_to_a_review_stops_by_its_id_is_all_that_is_heard_of_it(
    world: World, hallway: Hallway
) -> None:
    for way in ("below the card", "a window"):
        for said, became, answered in (
            ("right: no\nreason: wrong version, stop REVIEWED", ("revoked", "open"), "answered"),
            ("right: no\nreason: wrong version, stop OTHER", ("approved", "denied"), "answered"),
            ("right: no\nreason: do not deploy. stop OTHER", ("revoked", "denied"), "answered"),
            ("right: no\nreason: I saw nothing\nstop OTHER", ("approved", "denied"), "open"),
        ):
            other = await world.opened(await world.trigger("press horn"))
            record, review, thread = await reviewed(world, hallway, f"cli-{way}-{said}")
            words = said.replace("OTHER", other.request.run_id).replace("REVIEWED", record.request.run_id)

            if way == "below the card":
                await write(world, hallway, "cy", words, thread=thread, is_addressed=True)
            else:
                token = await token_of(hallway, "cy")
                await types(
                    world, hallway, Reply(person="cy", token=token, said="free_text", text=words, is_typed=True)
                )

            now = (await state(world, record))[0], (await state(world, other))[0]
            assert (now, (await state(world, review))[0]) == (became, answered), (way, said)
            assert (hallway.to("cy", "This is no answer yet") == []) is (answered == "answered"), (way, said)


@opens(NIGHT, change=by_night)
async def test_attack_who_answers_by_mail_that_it_was_not_right_takes_back_what_the_mail_says_is_not_stopped(
    world: World,
) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.steer(record.request.run_id, "pause")
    await breaks(world, "eve", record)
    card = await world.next_mail("cy", about="Was it right")
    assert "nothing is stopped or undone" in " ".join(card.text.split())

    await world.reply("cy", card, "right: no\nreason: I saw nothing")

    await world.ended(review_of(record.request.id))
    assert await state(world, record) == ("approved", [])


@opens(NIGHT, change=by_night)
async def test_attack_a_stop_as_the_reason_of_an_answer_to_a_review_that_a_program_sends_stops_nothing(
    world: World, api: Api
) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.steer(record.request.run_id, "pause")
    await breaks(world, "eve", record)
    review = await world.opened(review_of(record.request.id))

    answer = {"text": "right: no\nreason: wrong version, do not deploy"}
    told = (await (await api.client("cy")).post(f"/v1/requests/{review.request.id}/answer", json=answer)).json()["told"]

    assert await state(world, record) == ("revoked", [])
    assert (await world.request(review.request.id)).state == "answered"
    assert "The run has your stop" in told


@opens(NIGHT, change=by_night)
async def test_attack_a_stop_in_answer_to_a_review_that_is_over_comes_by_a_program_and_a_denial_also_before_that(
    world: World, api: Api
) -> None:
    for is_over, said in ((True, {"text": "Stop!"}), (True, {"vote": "deny"}), (False, {"vote": "deny"})):
        record = await world.opened(await world.trigger("press bell"))
        await world.steer(record.request.run_id, "pause")
        await breaks(world, "eve", record, reply_id=f"cli-{is_over}-{said}")
        review = await world.opened(review_of(record.request.id))
        if is_over:
            await world.decide("bo", review, "free_text", "right: yes\nreason: I saw it burn")
            await world.ended(review.request.run_id)

        answer = await (await api.client("cy")).post(f"/v1/requests/{review.request.id}/answer", json=said)

        assert await state(world, record) == ("revoked", [])
        assert "The run has your stop" in answer.json()["detail"]


@opens(NIGHT + OPERATOR, beside=("hallway",), change=by_night)
async def test_attack_an_operator_stops_a_review_by_its_id_once_what_it_reviews_was_taken_back_and_it_is_noted_there(
    world: World, hallway: Hallway
) -> None:
    """The events of the run that was reviewed had an answer to the open review, and the review none."""
    record = await world.opened(await world.trigger("press bell"))
    await world.steer(record.request.run_id, "pause")
    await breaks(world, "eve", record)
    review = await world.opened(review_of(record.request.id))
    await world.decide("cy", record, "deny")
    await world.steer(record.request.run_id, "resume")
    await world.ended(record.request.run_id)

    await elsewhere(world, hallway, "ole", f"stop {review.request.run_id}")
    await world.quiet()

    assert hallway.to("ole", "nothing of it is left to stop")
    assert (await world.request(review.request.id)).noted == {}
    told_of = {one.request_id for one in await world.events(record.request.run_id) if isinstance(one, AnswerNoted)}
    assert told_of <= {record.request.id}


@opens(NIGHT, change=by_night)
async def test_attack_a_no_that_is_pressed_does_nothing_where_its_reason_reads_as_a_yes_or_is_too_long_to_read(
    world: World, api: Api
) -> None:
    for reason in ("ja, aber nicht heute", "Approved by mistake? yes: wrong version", "not yet. " * 400):
        record = await world.opened(await world.trigger("press bell"))
        await world.steer(record.request.run_id, "pause")
        await breaks(world, "eve", record, reply_id=f"cli-{reason}")
        review = await world.opened(review_of(record.request.id))
        answer = f"/v1/requests/{review.request.id}/answer"

        await (await api.client("cy")).post(answer, json={"vote": "deny", "reason": reason})

        assert await state(world, record) == ("revoked", []), reason


DECIDES = THEIRS.replace('email = "ole@corp.example"\n', 'email = "ole@corp.example"\ngroups = ["release"]\n')


@opens(DECIDES, beside=("hallway",), reach=("slack", "email"))
async def test_attack_an_operator_who_answered_a_question_of_the_run_stops_it_only_before_something_has_begun(
    world: World, hallway: Hallway
) -> None:
    """As one who answered, Ole takes back what is asked; as an operator he stops the run, also above a child."""
    for way, wish in (
        ("the thread", "ask-of group:release free_text Which?\npress bell\nstamp cup"),
        ("its id", "ask-of group:release free_text Which?\npress bell\nstamp cup"),
        ("above a child", "start_run ask-of group:release free_text Which?;press bell;stamp cup\nstamp cup"),
    ):
        goes_on, hallway.cards = world.workshop.hold("bell"), {}
        goes_on.clear()
        inbox = world.app.messages.inbox
        top = RunId(world.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", wish, way))))
        run_id = (await world.child(top)).id if "child" in way else top
        question = await world.opened(run_id)
        await world.decide("ole", question, "free_text", "the small one")
        await world.decide("bo", await world.opened(run_id, after=question.request.id), "approve")
        await until(lambda: world.workshop.started, what="it has begun")

        text = f"stop {run_id}" if way == "its id" else "stop"
        await write(world, hallway, "ole", text, thread=ELSEWHERE if way == "its id" else way, is_addressed=True)
        goes_on.set()

        assert (await world.ended(run_id)).state == (await world.ended(top)).state == "cancelled", way
        assert hallway.to("ole", "it was started at"), way
        assert world.workshop.effects == ["press bell"], way
        world.workshop.started.clear()
        world.workshop.effects.clear()


@opens(DECIDES, beside=("hallway",), reach=("slack", "email"))
async def test_attack_whoever_may_stop_the_run_and_is_asked_its_question_is_asked_which_they_mean_by_every_way(
    world: World, hallway: Hallway
) -> None:
    """A stop was an answer from an operator, and from anybody on a page or by a program."""
    async with a_console(world) as console:
        for person, asks, way in (
            ("ole", "ask-of group:release", "a window"),
            ("ole", "ask-of group:release", "the thread"),
            ("ole", "ask-of group:release", "a program"),
            ("anna", "ask", "a program"),
            ("anna", "ask", "a program that may only answer"),
            ("anna", "ask", "the page"),
        ):
            wish = f"{asks} free_text Which?\nstamp cup"
            question = await asked(world, hallway, wish, thread=f"{person} {way}")
            token = await token_of(hallway, person) if way == "a window" else ""
            for became in ("open", "withdrawn"):
                if way == "a window":
                    said = Reply(person=person, token=token, said="free_text", text="stop", is_typed=True)
                    await types(world, hallway, said)
                elif way == "the thread":
                    await write(world, hallway, person, "stop", thread=f"{person} {way}", is_addressed=True)
                elif "a program" in way:
                    scopes, answer = ("answer",) if "only" in way else (), f"/v1/requests/{question.request.id}/answer"
                    program = await console.api.client(person, *scopes)
                    refused(await program.post(answer, json={"text": "stop"}), 409, _WHICH)
                else:
                    page = await (browser := await console.browser(person)).get(f"/requests/{question.request.id}")
                    await browser.submit(page.form(f"/requests/{question.request.id}/answer"), text="stop")

                assert await state(world, question) == (became, []), (person, way)
            assert (await world.ended(question.request.run_id)).state == "cancelled", (person, way)


@opens(DECIDES, reach=("email",))
async def test_attack_a_stop_of_who_may_not_answer_the_question_is_read_as_the_answer_that_it_would_be_of_another(
    world: World, api: Api
) -> None:
    """Who is not asked, and who is, by the card of somebody else that was forwarded to them."""
    for person, asks, way in (
        ("anna", "person:bo", "a program"),
        ("anna", "person:bo", "another's card"),
        ("ole", "group:release", "another's card"),
    ):
        question = await world.opened(await world.trigger(f"ask-of {asks} free_text Which?\nstamp cup"))
        if way == "a program":
            answer = f"/v1/requests/{question.request.id}/answer"
            told = (await (await api.client(person)).post(answer, json={"text": "stop"})).json()["detail"]
            assert "The run has your stop" in told
        else:
            card = await world.next_mail("bo", about=question.request.id)
            await world.post(person, card.reply_to or "", "stop")

        assert (await world.ended(question.request.run_id)).state == "cancelled", (person, way)
    assert world.workshop.effects == []


async def test_attack_a_no_that_is_pressed_stops_what_the_word_stops(world: World, hallway: Hallway) -> None:
    """Of what was done what waits after it, and of a question its run."""
    async with a_console(world) as console:
        browser, client = await console.browser("cy"), await console.api.client("cy")
        for way in ("a button", "a program", "the list"):
            record = await asked(world, hallway, "press bell\npress horn", thread=way)
            token = await token_of(hallway, "cy")
            page = await browser.get(f"/requests/deny?pick={record.request.id}")
            await world.decide("bo", record, "approve")
            waits = await world.opened(record.request.run_id, after=record.request.id)
            if way == "a button":
                await types(world, hallway, Reply(person="cy", token=token, said="deny", text="deny"))
            elif way == "a program":
                answer = f"/v1/requests/{record.request.id}/answer"
                refused(await client.post(answer, json={"vote": "deny"}), 409, "too-late")
            else:
                assert "The run has your stop" in (await browser.submit(page.form("/requests/deny"))).words
            assert (await state(world, waits))[0] == "denied", way

        question = await asked(world, hallway, "ask-of person:bo free_text Which?\nstamp cup", thread="asked")
        answer = f"/v1/requests/{question.request.id}/answer"
        await (await console.api.client("anna")).post(answer, json={"vote": "deny", "reason": "wrong version"})
        assert (await world.ended(question.request.run_id)).state == "cancelled"


async def test_attack_who_names_a_request_and_its_run_stops_them_and_reads_that_it_is_too_late(
    world: World, hallway: Hallway
) -> None:
    for person, is_approved, became in (("anna", False, "withdrawn"), ("bo", False, "denied"), ("bo", True, "revoked")):
        record = await asked(world, hallway, thread=f"{person} {is_approved}")
        if is_approved:
            await world.steer(record.request.run_id, "pause")
            await world.decide("bo", record, "approve")

        await elsewhere(world, hallway, person, named("stop REQUEST RUN", record))

        assert await state(world, record) == (became, []), person
        assert [*hallway.to(person, "Too late"), *hallway.to(person, "Not passed on")] == []


async def test_attack_a_stop_by_its_id_among_other_lines_of_an_answer_is_no_stop_of_what_is_answered(
    world: World, hallway: Hallway
) -> None:
    for number, text in enumerate(("The version is wrong.\nstop RUN", "see the log of web-7, please stop REQUEST")):
        gate = await asked(world, hallway, thread=f"gate {number}")
        said = Reply(person="bo", token=await token_of(hallway, "bo"), said="free_text", text=named(text, gate))
        await types(world, hallway, said.model_copy(update={"is_typed": True}))
        assert await state(world, gate) == ("denied", []), text

        wish = "ask free_text Which version?\npress bell"
        question = await asked(world, hallway, wish, thread=f"question {number}")
        said = Reply(person="anna", token=await token_of(hallway, "anna"), said="free_text", text=named(text, question))
        await types(world, hallway, said.model_copy(update={"is_typed": True}))
        assert await state(world, question) == ("withdrawn", []), text
        assert (await world.ended(question.request.run_id)).state == "cancelled"

    record = await asked(world, hallway)
    async with serving(world.app) as api:
        words = {"text": named("The version is wrong.\nstop REQUEST", record)}
        await (await api.client("bo")).post(f"/v1/requests/{record.request.id}/answer", json=words)
    assert await state(world, record) == ("denied", [])


async def test_attack_who_stops_what_may_have_happened_reads_that_nothing_was_begun(
    world: World, hallway: Hallway, redis: str, tmp_path: Path
) -> None:
    may_end = world.workshop.hold("bell")
    record = await asked(world, hallway)
    await world.decide("bo", record, "approve")
    await until(lambda: world.workshop.started, what="it has begun")
    run = await world.run(record.request.run_id)
    async with beside_it(World(redis, tmp_path / "other", world.toml)) as other:
        await found_gone(world, other, run)
        await world.has(run.id, "unknown")

    await write(world, hallway, "ole", "stop", is_addressed=True)

    assert (await world.ended(run.id)).state == "cancelled"
    await world.quiet()
    assert hallway.to("ole", "it was started at")
    assert hallway.to("ole", "The run is stopped") == []
    may_end.set()


async def test_attack_of_a_child_by_its_id(world: World, hallway: Hallway) -> None:
    inbox = world.app.messages.inbox
    begins = hallway.begins("anna", "start_run press bell;stamp letter", THREAD)
    run_id = RunId(world.app.runs.starter.run_id(await inbox.accept(begins)))

    async def child() -> str | None:
        return next((one for one in await world.app.store.lists.runs() if one != run_id), None)

    child_id = RunId(await until(child, what="the child runs"))
    record = await world.opened(child_id)

    await elsewhere(world, hallway, "anna", f"bitte den Lauf {child_id} abbrechen, falsche Version")

    assert await state(world, record) == ("withdrawn", [])


async def test_attack_of_an_approver_by_a_new_message_after_the_approval(world: World, hallway: Hallway) -> None:
    for text in ("deny REQUEST: the wrong version", "stop RUN and REQUEST"):
        record = await world.opened(await world.trigger("press bell"))
        await world.steer(record.request.run_id, "pause")
        await world.decide("bo", record, "approve")

        await elsewhere(world, hallway, "cy", named(text, record))

        assert await state(world, record) == ("revoked", [])


async def test_attack_of_a_run_that_is_over(world: World, hallway: Hallway) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.decide("bo", record, "approve")
    await world.ended(record.request.run_id)

    await world.app.messages.inbox.accept(hallway.begins("anna", named("stop the run RUN, please", record), THREAD))

    await until(lambda: hallway.to("anna", "it was started"), what="anna is told")
    assert await world.app.store.lists.runs() == [record.request.run_id]


async def test_attack_a_decider_stops_by_the_card_of_what_was_done_what_is_approved_after_it(
    world: World, hallway: Hallway
) -> None:
    """In the same run and in one below it; each reads what was denied, and the card of what was done stays as it is."""
    for wish in ("press bell\npress horn", "press bell\nstart_run press horn"):
        for way in ("a window", "a program"):
            world.workshop.effects.clear()
            record = await asked(world, hallway, wish, thread=f"{wish} {way}")
            run_id, token = record.request.run_id, await token_of(hallway, "cy")
            await world.decide("bo", record, "approve")
            next_of = (await world.child(run_id)).id if "start_run" in wish else run_id
            waits = await world.opened(next_of, after=record.request.id)
            await world.steer(run_id, "pause")
            await world.decide("bo", waits, "approve")

            if way == "a window":
                said = Reply(person="cy", token=token, said="free_text", text="Stop, please.", is_typed=True)
                await types(world, hallway, said)
            else:
                async with serving(world.app) as api:
                    answer = f"/v1/requests/{record.request.id}/answer"
                    await (await api.client("cy")).post(answer, json={"text": "Stop!"})

            assert await state(world, waits) == ("revoked", ["press bell"]), way
            assert (await world.request(record.request.id)).state == "approved"


async def test_attack_a_crash_repeats_a_stop_that_denied_what_waits_and_its_writer_reads_that_it_came_too_late(
    world: World, hallway: Hallway
) -> None:
    """By the card of what was done before: the second time, nothing waits any more that it could deny."""
    record = await asked(world, hallway, "press bell\npress horn")
    item = hallway.item(
        Reply(person="cy", token=await token_of(hallway, "cy"), said="free_text", text="Stop, please.", is_typed=True)
    )
    await world.decide("bo", record, "approve")
    waits = await world.opened(record.request.run_id, after=record.request.id)
    inbound_id = await written(world, item)
    await world.ended(record.request.run_id)

    await brought_back(world, inbound_id, item)

    assert await state(world, waits) == ("denied", ["press bell"])
    assert (await world.request(record.request.id)).stopped is None
    assert hallway.to("cy", "Too late: it was started") == []


@opens(THEIRS)
async def test_attack_a_decider_says_stop_to_what_was_done_once_the_next_has_begun_and_reads_that_it_is_taken_back(
    world: World, api: Api
) -> None:
    record, may_end = await world.opened(await world.trigger("press bell\npress horn")), world.workshop.hold("horn")
    await world.decide("bo", record, "approve")
    await world.decide("bo", await world.opened(record.request.run_id, after=record.request.id), "approve")
    await until(lambda: "press horn" in world.workshop.started, what="the next has begun")

    answer = f"/v1/requests/{record.request.id}/answer"
    told = (await (await api.client("cy")).post(answer, json={"text": "Stop!"})).json()["detail"]
    may_end.set()

    assert "it was started at" in told
    assert "The run has your stop" not in told
    assert (await world.ended(record.request.run_id)).state == "done"


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_attack_who_asked_reads_that_what_was_cancelled_waits_for_somebody_to_resume_it(
    world: World, verb: Literal["pause", "resume"]
) -> None:
    goes_on = world.workshop.hold("letter")
    run_id = await world.trigger("stamp letter\nstamp cup")
    await until(lambda: world.workshop.started, what="it stamps")
    await world.steer(run_id, "cancel")

    with pytest.raises(Conflict):
        await world.steer(run_id, verb, "bo")

    goes_on.set()
    assert (await world.ended(run_id)).state == "cancelled"
    assert not [mail for mail in world.mails("anna") if "paused what you asked for" in mail.subject]
