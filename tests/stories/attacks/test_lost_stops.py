"""A requester says stop in answer to whatever they have before them, and the run stops: it is lost in no thread.

No later approval, and no later answer of somebody else, has the tool run.
"""

import pytest

from agents.events import AnswerNoted, PersonSaid, RequestDecided, RunCancelled
from agents.requests import RunId
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.policy.judgements import Decided, DelegationRefused
from channels import Reply
from channels.email.local.letters import Letter
from tests.fakes.hallway import Hallway
from tests.kit.guards import guards
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories.people.test_has_left import EVE
from tests.stories.test_absences import away

pytestmark = opens(beside=("hallway",), reach=("slack", "email"))
SAYSO, THREAD = "sayso@sayso.example", "C01OPS/1712345678.000100"
STOP = "stop, please do not deploy this after all"
BY_MAIL = opens()


async def asked_by_mail(world: World, *lines: str) -> tuple[RunId, Letter]:
    """A run that Anna asks for by mail, and the mail that asks her back."""
    await world.send("anna", SAYSO, "\n".join(lines))
    letter = await world.next_mail("anna")
    [run_id] = await world.app.store.lists.runs()
    return RunId(run_id), letter


async def answered(world: World, *more: str) -> tuple[RunId, Letter]:
    """The run after Anna answered what she was asked, and the mail that asked her."""
    run_id, letter = await asked_by_mail(world, "ask free_text Which version?", *more)
    first = await world.opened(run_id)
    await world.reply("anna", letter, "v1")

    async def is_closed() -> bool:
        return (await world.request(first.request.id)).state == "answered"

    await until(is_closed, what="the question is answered")
    return run_id, letter


async def with_gate(world: World) -> tuple[RunId, Letter, RequestRecord]:
    run_id, letter = await answered(world, "press bell")
    [question] = [event.request.id for event in await world.events(run_id) if event.type == "request_opened"][:1]
    return run_id, letter, await world.opened(run_id, after=question)


async def stopped_by(world: World, run_id: str) -> list[str | None]:
    return [event.by for event in await world.events(run_id) if isinstance(event, RunCancelled)]


async def said(world: World, run_id: str) -> list[tuple[str, str]]:
    return [(event.person, event.text) for event in await world.events(run_id) if isinstance(event, PersonSaid)]


async def noted(world: World, run_id: str) -> list[tuple[str, str]]:
    return [(event.person, event.outcome) for event in await world.events(run_id) if isinstance(event, AnswerNoted)]


@BY_MAIL
@pytest.mark.parametrize("became", few_of(["withdrawn", "revoked"], 0))
async def test_attack_in_answer_to_the_question_that_was_answered_while_others_are_asked_or_before_the_start(
    world: World, became: str
) -> None:
    run_id, letter, record = await with_gate(world)
    if became == "revoked":
        await world.steer(run_id, "pause")
        await world.decide("bo", record, "approve")

    await world.reply("anna", letter, "actually, stop" if became == "withdrawn" else STOP)
    await world.next_mail("anna", about="Withdrawn by Anna Ames" if became == "withdrawn" else "taken back")
    if became == "revoked":
        await world.steer(run_id, "resume")

    await world.ended(run_id)
    assert (await world.request(record.request.id)).state == became
    assert not isinstance(await world.decide("bo", record, "approve"), Decided)
    assert world.workshop.effects == []


_STOPS, _WORDS = ("stop", "cancel", "deny"), ("take v2 instead", "which version is that?")
_PAIRS = [(words, way) for words in (*_STOPS, *_WORDS) for way in ("thread", "window")]


@pytest.mark.parametrize(("words", "way"), few_of(_PAIRS, 2, 9, rows=True))
async def test_every_word_in_answer_to_the_question_that_was_answered_by_every_way_while_others_are_asked(
    world: World, hallway: Hallway, words: str, way: str
) -> None:
    run_id = await begun(world, hallway, "ask free_text Which version?\npress bell")
    token = await question_card(world, hallway)
    question = await world.opened(run_id)
    await handled(world, await world.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1"))))
    record = await world.opened(run_id, after=question.request.id)

    said_there = (
        hallway.follows("anna", words, THREAD) if way == "thread" else hallway.item(typed("anna", token, words))
    )
    await handled(world, await world.app.messages.inbox.accept(said_there))

    assert await said(world, run_id) == ([] if words in _STOPS else [("anna", words)])
    assert (await world.request(record.request.id)).state == ("withdrawn" if words in _STOPS else "open")


@BY_MAIL
async def test_attack_in_answer_to_the_question_that_was_answered_where_nothing_is_asked(world: World) -> None:
    """Thanks are no more than that, other words go to the run, and a stop stops it."""
    run_id, letter = await asked_by_mail(world, "ask free_text Which version?", "press bell")
    await world.steer(run_id, "pause")
    await world.reply("anna", letter, "v1")
    await until(lambda: is_answered(world, run_id), what="the question is answered")

    await world.reply("anna", letter, "Thanks!")
    await world.next_mail("anna", about="Already decided")
    assert await said(world, run_id) == []
    await world.reply("anna", letter, "take v2")
    told = await world.next_mail("anna", about="Your words change")
    assert "the run has them" in told.text.replace("\n", " ")
    assert await stopped_by(world, run_id) == []
    await world.reply("anna", letter, "abbrechen")
    await world.ended(run_id)

    assert await world.summary(run_id) == "cancelled: cancelled by Anna Ames"
    assert await stopped_by(world, run_id) == ["anna"]
    assert await said(world, run_id) == [("anna", "take v2"), ("anna", "abbrechen")]
    assert (await world.next_mail("anna", about="Cancelled")).subject


@BY_MAIL
async def test_attack_after_the_effect_began_it_is_too_late_for_that_alone_and_nothing_begins_after_it(
    world: World,
) -> None:
    goes_on = world.workshop.hold("bell")
    run_id, letter = await answered(world, "press bell", "stamp letter")
    await world.decide("bo", await world.opened(run_id), "approve")
    await until(lambda: world.workshop.started, what="it runs")

    await world.reply("anna", letter, STOP)
    told = await world.next_mail("anna", about="Too late: it was started")
    goes_on.set()

    assert "nothing of the run begins after it" in told.text.replace("\n", " ")
    assert (await world.ended(run_id)).state == "cancelled"
    assert len(world.workshop.effects) == 1
    assert world.workshop.started[1:] == []
    found = {asked: await world.request(asked) for asked in fold(await world.events(run_id)).requests}
    assert fold(await world.events(run_id)).requests == found


@BY_MAIL
async def test_attack_in_the_thread_of_a_run_without_a_request(world: World) -> None:
    """By mails that name only the first mail of the thread, as those to the plain address do."""
    goes_on = world.workshop.hold("letter")
    first = await world.send("anna", SAYSO, "stamp letter\nstamp cup")
    await until(lambda: world.workshop.started, what="it stamps")
    [run_id] = await world.app.store.lists.runs()

    await post_after(world, "anna", "take the red cup", first)
    await until(lambda: said(world, run_id), what="the run has the words")
    await post_after(world, "anna", "wrong letter, please stop", first)
    await world.next_mail("anna", about="write the one word stop")
    assert await stopped_by(world, run_id) == [], "among other words it is no stop"
    await post_after(world, "anna", "stop", first)
    await until(lambda: stopped_by(world, run_id), what="it is stopped")
    goes_on.set()

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == ["stamp letter"]


async def test_attack_a_stop_that_names_no_run_starts_none_and_its_writer_reads_how_to_stop_one(
    world: World, hallway: Hallway
) -> None:
    run_id, about = await begun(world, hallway, "press bell"), "nothing shows which run you mean"
    record = await world.opened(run_id)
    for subject, text in (
        ("The deploy", "Hi,\n\nplease stop the deploy. It is the wrong version.\n\nBest,\nAnna\n"),
        ("stop the deploy", "Best,\nAnna\n"),
        ("Wrong", "Please stop the deploy.\n\nAm 24.11.2026 um 10:00 schrieb Bo Berg:\n> is it live?\n"),
        ("", "STOP!! please stop the deploy. Best, Anna"),
        ("", "\u270b\U0001f3fd"),
    ):
        if subject:
            await post_after(world, "anna", text, "", subject)
            told = (await world.next_mail("anna", about=about)).text
        else:
            hallway.cards.clear()
            await world.app.messages.inbox.accept(hallway.begins("anna", text, "C01OPS/1712345999.000100"))
            told = str(await until(lambda: hallway.to("anna", about), what="anna is told"))

        assert run_id in told
        assert await world.app.store.lists.runs() == [run_id]
        assert (await world.request(record.request.id)).state == "open"


@BY_MAIL
async def test_attack_a_stop_on_the_first_page_or_from_a_program_begins_nothing(world: World) -> None:
    async with a_console(world) as console, serving(world.app) as api:
        page = await (anna := await console.browser("anna")).get("/")
        answer = await anna.post("/ask", dict(page.form("/ask").fields) | {"text": "Stop the deploy! It is wrong."})
        program = await (await api.client("anna", "trigger")).post("/v1/runs", json={"text": "stop the deploy, please"})

    assert "nothing shows which run you mean" in answer.text
    assert (program.status_code, program.json()["type"]) == (422, "urn:sayso:problem:invalid")
    assert await world.app.store.lists.runs() == []


async def post_after(world: World, person: str, text: str, message_id: str, subject: str = "Re: something") -> None:
    """`person` writes to the plain address, in answer to `message_id` if there is one."""
    answers = (f"In-Reply-To: {message_id}", f"References: {message_id}") if message_id else ()
    lines = (
        f"From: {world.address(person)}", f"To: {SAYSO}", f"Subject: {subject}",
        f"Message-ID: <{abs(hash(text))}@corp.example>", *answers,
        "", text, "",
    )  # fmt: skip
    sender = world.address(person)
    await world.transport(sender).send("\r\n".join(lines).encode(), sender=sender, recipients=[SAYSO])


@BY_MAIL
async def test_attack_in_answer_to_a_notice_of_a_run_that_did_not_begin_by_mail(world: World) -> None:
    """The notice says how to take the request back, and asks nothing itself."""
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("anna", record, "free_text", "only if Cy is there", channel="email")
    told = await world.next_mail("anna", about="Your words are on the card now")

    await world.reply("anna", told, "stop")
    await world.next_mail("anna", about="Withdrawn by Anna Ames")

    assert (await world.request(record.request.id)).state == "withdrawn"
    assert await world.dead() == []


@BY_MAIL
@pytest.mark.parametrize(
    ("question", "words"),
    few_of(
        [("ask free_text Which version?", "oh no, stop!"), ("ask choice How? | go, stop, later", "stop")], 0, rows=True
    ),
)
async def test_attack_words_that_also_answer_the_open_question_are_asked_about_once_and_a_second_stop_stops_it(
    world: World, question: str, words: str
) -> None:
    run_id, letter = await asked_by_mail(world, question, "stamp letter")

    await world.reply("anna", letter, words)
    told = await world.next_mail("anna", about="Nothing goes on before you say which")
    assert (await world.run(run_id)).state == "waiting"
    await world.reply("anna", told, words)

    assert (await world.ended(run_id)).state == "cancelled"
    assert (await noted(world, run_id), await stopped_by(world, run_id)) == ([("anna", "stop_or_answer")], ["anna"])
    assert world.workshop.effects == []


@BY_MAIL
@pytest.mark.parametrize(
    ("question", "meant", "result"),
    few_of(
        [
            ("ask free_text What should the note say?", "answer: stop", "stop"),
            ("ask choice How? | go, stop, later", "2", "stop"),
        ],
        0,
        rows=True,
    ),
)
async def test_whoever_says_that_the_words_are_the_answer_has_answered(
    world: World, question: str, meant: str, result: str
) -> None:
    run_id, letter = await asked_by_mail(world, question, "stamp letter")

    await world.reply("anna", letter, "stop")
    told = await world.next_mail("anna", about="Nothing goes on before you say which")
    await world.reply("anna", told, meant)

    assert await world.summary(run_id) == f"done: answered: {result}; ok: stamp letter: done"


@guards("judge:stop_or_answer")
async def test_attack_the_answer_that_was_written_before_the_stop_is_read_after_it(
    world: World, hallway: Hallway
) -> None:
    """Two mails of one minute are read at once, and nobody knows which is read first."""
    run_id = await begun(world, hallway, "ask free_text Which version?\nstamp letter")
    token, record = await question_card(world, hallway), await world.opened(run_id)

    for words in ("stop, please", "v1"):
        await handled(world, await world.app.messages.inbox.accept(hallway.item(typed("anna", token, words))))

    assert (await world.request(record.request.id)).state == "open"
    await until(lambda: hallway.to("anna", "may have stopped the run"), what="anna is told")
    await world.app.messages.inbox.accept(hallway.follows("anna", "answer: v1", THREAD))
    assert await world.summary(run_id) == "done: answered: v1; ok: stamp letter: done"


async def test_attack_somebody_else_answers_while_a_requester_is_asked_which_they_meant(
    world: World, hallway: Hallway
) -> None:
    """The same question goes to both; Bo answers it while Anna may have stopped the run, and it would go on."""
    run_id = await begun(world, hallway, "ask-of group:release free_text Which version?\nstamp letter", person="bo")
    record = await world.opened(run_id)
    await world.app.messages.inbox.accept(hallway.follows("bo", "stop, please", THREAD))
    await until(lambda: hallway.to("bo", "Nothing goes on before you say which"), what="bo is asked")

    await world.decide("cy", record, "free_text", "v2")
    assert (await world.request(record.request.id)).state == "open"
    await world.move_time(40 * 24 * 3600)

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == []


async def test_attack_whoever_never_says_whether_they_stopped_a_run_stops_only_the_child_that_it_waits_for(
    world: World, hallway: Hallway
) -> None:
    """Once it expires, that is their answer, as without a child; the run above was told of the end and went on."""
    for wish in ("start_run ask free_text Which?", "start_run start_run ask free_text Which?"):
        hallway.cards.clear()
        run_id = await begun(world, hallway, wish)
        await question_card(world, hallway)
        await world.app.messages.inbox.accept(hallway.follows("anna", "stop", THREAD))
        await until(lambda: hallway.to("anna", "Nothing goes on before you say which"), what="anna is asked")

        await world.move_time(25 * 3600)

        assert (await world.ended(run_id)).state == "cancelled", wish
        assert await stopped_by(world, run_id) == ["anna"], wish


_OPERATORS = f'{TOML}\n[roles]\noperator = ["person:bo", "person:cy"]\n'


async def in_doubt(world: World, person: str) -> Letter:
    """The mail that asks somebody whether they stopped the run, as they wrote stop in answer to its question."""
    await world.reply(person, await world.next_mail(person, "Which version?"), "stop")
    return await world.next_mail(person, about="Nothing goes on before you say which")


@opens(_OPERATORS)
async def test_attack_a_question_waits_for_nobody_once_each_of_two_has_said_that_they_stopped_nothing(
    world: World,
) -> None:
    run_id = await world.trigger("ask-of group:release free_text Which version?\nstamp letter")
    asked = {person: await in_doubt(world, person) for person in ("bo", "cy")}

    await world.reply("bo", asked["bo"], "answer: v1")
    await world.next_mail("bo", about="until then nothing counts here")
    await world.reply("cy", asked["cy"], "answer: v2")

    assert await world.summary(run_id) == "done: answered: v2; ok: stamp letter: done"


@opens(_OPERATORS)
async def test_attack_a_question_waits_for_nobody_as_whoever_may_have_stopped_the_run_hands_it_on_or_is_away(
    world: World,
) -> None:
    run_id = await world.trigger("ask-of group:release free_text Which version?\nstamp letter")
    record = await world.opened(run_id)
    asked = await in_doubt(world, "bo")
    await becomes(world, _OPERATORS + EVE)

    refused = await world.delegate("bo", record, "eve")
    await away(world, "bo", "eve")
    await world.quiet()
    await world.reply("bo", asked, "answer: v1")

    assert await world.summary(run_id) == "done: answered: v1; ok: stamp letter: done"
    assert isinstance(refused, DelegationRefused)
    assert refused.why == "It was not handed on. What you wrote may have stopped the run. Say first whether it did."


@pytest.mark.parametrize("question", few_of(["ask choice How? | go, wait", "ask-of person:bo free_text Which?"], 0))
async def test_attack_where_they_are_no_answer_to_the_open_question_they_stop_the_run_at_once(
    world: World, hallway: Hallway, question: str
) -> None:
    run_id = await begun(world, hallway, f"{question}\nstamp letter")
    record = await world.opened(run_id)

    await world.app.messages.inbox.accept(hallway.follows("anna", "stop", THREAD))

    assert (await world.ended(run_id)).state == "cancelled"
    assert (await world.request(record.request.id)).state == "withdrawn"


async def test_attack_a_stop_is_heard_in_its_thread_also_once_the_store_has_more_shards(
    world: World, hallway: Hallway
) -> None:
    """And a message that comes once more begins nothing anew."""
    said = [hallway.begins("anna", "press bell", f"{THREAD}{number}", key=f"m{number}") for number in range(6)]
    first = [await world.app.messages.inbox.accept(one) for one in said]
    asked = [await world.opened(world.app.runs.starter.run_id(one)) for one in first]
    async with world.stopped():
        world.environ = {"SAYSO_SHARDS": "8"}
    more = [hallway.begins("anna", "press bell", f"{THREAD}{number}", key=f"m{number}") for number in range(6, 12)]
    second = [await world.app.messages.inbox.accept(one) for one in more]
    async with world.stopped():
        world.environ = {"SAYSO_SHARDS": "16"}

    again = [await world.app.messages.inbox.accept(one) for one in said]
    assert [await world.app.messages.inbox.accept(one) for one in more] == second
    for number in range(6):
        await world.app.messages.inbox.accept(hallway.follows("anna", "stop", f"{THREAD}{number}"))

    assert again == first
    for record in asked:
        assert (await world.ended(record.request.run_id)).state == "failed"
        assert (await world.request(record.request.id)).state == "withdrawn"


# In a place where people talk in threads, and in windows.


async def begun(world: World, hallway: Hallway, text: str, person: str = "anna") -> RunId:
    inbound_id = await world.app.messages.inbox.accept(hallway.begins(person, text, THREAD))
    run_id = world.app.runs.starter.run_id(inbound_id)
    await until(lambda: world.events(run_id), what="the run has started")
    return run_id


def typed(person: str, token: str, text: str, key: str = "") -> Reply:
    """What a window sends in which somebody typed."""
    return Reply(person=person, token=token, said="free_text", text=text, key=key, is_typed=True, place=THREAD)


async def handled(world: World, inbound_id: str) -> None:
    async def is_gone() -> bool:
        return await world.app.store.inbound(inbound_id) is None

    await until(is_gone, what="it has had its effect")


async def question_card(world: World, hallway: Hallway, person: str = "anna") -> str:
    """The token of the card that asks `person` something."""

    def found() -> str | None:
        return next((card.form.token for to, card in hallway.cards.values() if to.person == person and card.form), None)

    return await until(found, what="a card asks")


async def test_attack_the_same_words_come_three_times_and_in_the_midst_of_them_it_stops_once(
    world: World, hallway: Hallway
) -> None:
    world.workshop.hold("letter")
    run_id = await begun(world, hallway, "ask free_text Which version?\nstamp letter\nstamp cup")
    token = await question_card(world, hallway)
    await world.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1")))
    await until(lambda: world.workshop.started, what="it stamps")

    for _ in range(3):
        item = hallway.item(typed("anna", token, "stop", key="one-mail"))
        await handled(world, await world.app.messages.inbox.accept(item))
    world.workshop.hold("letter").set()

    assert (await world.ended(run_id)).state == "cancelled"
    assert await stopped_by(world, run_id) == ["anna"]
    await world.quiet()
    assert len(hallway.to("anna", "Too late: it was started at")) == 1
    assert world.workshop.effects == ["stamp letter"]


async def test_attack_what_stands_between_the_run_and_the_child_at_work_is_stopped_only_in_its_turn(
    world: World, hallway: Hallway
) -> None:
    run_id = await begun(world, hallway, "start_run start_run ask-of person:bo free_text Which?;press bell")
    between = (await world.child(run_id)).id
    await world.child(between)
    await world.quiet()
    await world.stop()
    await world.start(works=False)
    inbox = world.app.messages.inbox

    await inbox.handle(await inbox.accept(hallway.follows("anna", "stop", THREAD)))

    assert (await world.run(between)).is_cancelled


async def test_attack_in_answer_to_a_child_that_has_ended_while_its_parent_goes_on_with_another(
    world: World, hallway: Hallway
) -> None:
    run_id = await begun(world, hallway, "start_run ask free_text Which?\nstart_run press bell")
    token = await question_card(world, hallway)
    await world.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1")))

    async def asks_others() -> RequestRecord | None:
        return next((one for one in await world.requests() if one.request.format == "approval"), None)

    record = await until(asks_others, what="others are asked to approve")
    key = next(key for key, (to, card) in hallway.cards.items() if to.person == "anna" and card.form)
    below = hallway.follows("anna", "stop", f"at {key}", is_addressed=True)

    await handled(world, await world.app.messages.inbox.accept(below))

    assert (await world.request(record.request.id)).state == "withdrawn"
    await world.ended(run_id)
    assert (world.workshop.effects, hallway.to("anna", "Too late")) == ([], [])


# By a page and by a program, which hear at once that the question is closed.


@BY_MAIL
async def test_attack_in_a_form_or_a_call_that_answers_the_closed_question(world: World) -> None:
    async with a_console(world) as console:
        browser = await console.browser("anna")
        client = await console.api.client("anna", "answer", "steer", "read")
        for way in ("console", "api"):
            run_id = await world.trigger("ask free_text Which version?\npress bell")
            question = await world.opened(run_id)
            page = await browser.get(f"/requests/{question.request.id}")
            await world.decide("anna", question, "free_text", "v1")
            record = await world.opened(run_id, after=question.request.id)

            if way == "console":
                form = page.form(f"/requests/{question.request.id}/answer")
                told = (await browser.submit(form, text="stop, please")).words
            else:
                answer = await client.post(f"/v1/requests/{question.request.id}/answer", json={"text": "stop, please"})
                told = answer.json()["detail"]

            assert "The run has your stop" in told
            assert (await world.request(record.request.id)).state == "withdrawn"


# What is no stop, and who may not say it.


async def test_a_stop_of_who_only_answered_takes_back_what_waits_and_that_of_somebody_else_not_even_that(
    world: World, hallway: Hallway
) -> None:
    run_id = await begun(world, hallway, "ask-of person:bo free_text Which version?\npress bell\nstamp letter")
    token = await question_card(world, hallway, "bo")
    question = await world.opened(run_id)
    await world.app.messages.inbox.accept(hallway.item(typed("bo", token, "v1")))
    record = await world.opened(run_id, after=question.request.id)

    await handled(world, await world.app.messages.inbox.accept(hallway.item(typed("dan", token, "stop"))))
    assert (await world.request(record.request.id)).state == "open"
    assert (await noted(world, run_id)) == [("dan", "not_entitled")]
    await until(lambda: hallway.to("dan", "About"), what="dan is told")
    await handled(world, await world.app.messages.inbox.accept(hallway.item(typed("bo", token, "stop"))))

    assert (await world.request(record.request.id)).state in {"withdrawn", "denied"}
    await world.ended(run_id)
    assert await stopped_by(world, run_id) == []


async def is_answered(world: World, run_id: str) -> bool:
    return any(isinstance(event, RequestDecided) for event in await world.events(run_id))


@BY_MAIL
async def test_a_late_answer_to_one_question_never_answers_the_next(world: World) -> None:
    run_id, letter = await asked_by_mail(
        world, "ask yes_no Is it tested?", "ask yes_no Deploy to everybody?", "press bell"
    )
    first = await world.opened(run_id)
    await world.reply("anna", letter, "no")
    second = await world.opened(run_id, after=first.request.id)

    await world.reply("anna", letter, "yes")
    await until(lambda: said(world, run_id), what="the run has it")

    assert (await world.request(second.request.id)).state == "open"


async def test_attack_who_quotes_a_stop_is_told_how_to_say_it_and_asked_which_they_mean_where_it_may_be_an_answer(
    world: World, hallway: Hallway
) -> None:
    goes_on = world.workshop.hold("letter")
    run_id = await begun(world, hallway, "stamp letter\nask free_text Which version?\npress bell")
    await until(lambda: world.workshop.started, what="it stamps")

    await handled(world, await world.app.messages.inbox.accept(hallway.follows("anna", "> stop", THREAD)))
    await until(lambda: hallway.to("anna", "write the one word stop"), what="Anna is told")
    goes_on.set()
    await world.opened(run_id)
    await handled(world, await world.app.messages.inbox.accept(hallway.follows("anna", "> stop", THREAD)))
    await until(lambda: hallway.to("anna", "Nothing goes on before you say which"), what="Anna is asked")
    assert await stopped_by(world, run_id) == []
    await handled(world, await world.app.messages.inbox.accept(hallway.follows("anna", "stop", THREAD)))

    assert (await world.ended(run_id)).state == "cancelled"
    assert await stopped_by(world, run_id) == ["anna"]


async def test_a_bare_no_in_a_thread_where_nothing_is_asked_stops_nothing(world: World, hallway: Hallway) -> None:
    goes_on = world.workshop.hold("letter")
    run_id = await begun(world, hallway, "stamp letter")
    await until(lambda: world.workshop.started, what="it stamps")

    await handled(world, await world.app.messages.inbox.accept(hallway.follows("anna", "no", THREAD)))
    goes_on.set()

    assert (await world.ended(run_id)).state == "done"
    assert await said(world, run_id) == [("anna", "no")]


async def test_attack_in_a_window_that_was_left_open_until_others_were_asked(world: World, hallway: Hallway) -> None:
    run_id = await begun(world, hallway, "ask free_text Which version?\npress bell")
    token = await question_card(world, hallway)
    question = await world.opened(run_id)
    await world.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1")))
    record = await world.opened(run_id, after=question.request.id)

    await handled(world, await world.app.messages.inbox.accept(hallway.item(typed("anna", token, "stop, please"))))

    assert (await world.request(record.request.id)).state == "withdrawn"


async def test_attack_in_answer_to_the_closed_question_of_a_child(world: World, hallway: Hallway) -> None:
    run_id = await begun(world, hallway, "start_run ask free_text Which?;press bell\nstamp letter")
    token = await question_card(world, hallway)
    await world.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1")))
    [child] = {*await until(lambda: both(world), what="the child runs")} - {run_id}
    record = await asks_to_approve(world, child)

    await handled(world, await world.app.messages.inbox.accept(hallway.item(typed("anna", token, "stop"))))

    assert (await world.request(record.request.id)).state == "withdrawn"
    await world.ended(run_id)
    assert world.workshop.effects == []


async def both(world: World) -> list[str] | None:
    found = await world.app.store.lists.runs()
    return found if len(found) == 2 else None


async def asks_to_approve(world: World, run_id: str) -> RequestRecord:
    async def found() -> RequestRecord | None:
        asked = (await world.run(run_id)).open
        record = await world.request(asked) if asked else None
        return record if record and record.request.format == "approval" else None

    return await until(found, what="others are asked to approve")


@pytest.mark.parametrize("words", ["please stop it if possible", "brich es ab, bevor es losgeht", "arrête si possible"])
async def test_attack_who_says_that_it_may_be_too_late_for_their_stop_stops_nothing_or_begins_another_run(
    world: World, hallway: Hallway, words: str
) -> None:
    goes_on = world.workshop.hold("letter")
    run_id = await begun(world, hallway, "stamp letter\nstamp cup")
    await until(lambda: world.workshop.started, what="it stamps")

    await handled(world, await world.app.messages.inbox.accept(hallway.begins("anna", words, "C01OPS/1712345999.0001")))
    await handled(world, await world.app.messages.inbox.accept(hallway.follows("anna", words, THREAD)))
    goes_on.set()

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == ["stamp letter"]
    assert await world.app.store.lists.runs() == [run_id]
    await until(lambda: hallway.to("anna", "nothing shows which run you mean"), what="Anna is told")


@pytest.mark.long
async def test_no_limit_of_words_keeps_a_stop_from_the_run(world: World, hallway: Hallway) -> None:
    goes_on = world.workshop.hold("letter")
    run_id = await begun(world, hallway, "stamp letter\nstamp cup")
    await until(lambda: world.workshop.started, what="it stamps")
    for number in range(60):
        await world.app.messages.inbox.accept(hallway.follows("anna", f"word {number}", THREAD))

    await handled(world, await world.app.messages.inbox.accept(hallway.follows("anna", "stop", THREAD)))
    goes_on.set()

    assert (await world.ended(run_id)).state == "cancelled"


# Longer than what is read as an order.
LOG = "\n".join(f"12:00:{at} worker {at} gave up: the connection was reset by its peer" for at in range(10, 60))


@BY_MAIL
async def test_attack_above_a_long_log_that_also_answers_the_open_question(world: World) -> None:
    run_id, letter = await asked_by_mail(world, "ask free_text Which version?", "stamp letter")

    await world.reply("anna", letter, f"stop\n\n{LOG}")
    told = await world.next_mail("anna", about="Nothing goes on before you say which")
    assert (await world.run(run_id)).state == "waiting"
    await world.reply("anna", told, f"stop\n\n{LOG}")

    assert (await world.ended(run_id)).state == "cancelled"
    assert (await stopped_by(world, run_id), world.workshop.effects) == (["anna"], [])


@BY_MAIL
async def test_attack_above_a_long_log_in_the_thread_of_what_runs(world: World) -> None:
    goes_on = world.workshop.hold("letter")
    run_id, letter = await answered(world, "stamp letter", "stamp cup")
    await until(lambda: world.workshop.started, what="it stamps")

    await world.reply("anna", letter, f"Stop it, the tests are red:\n\n{LOG}")
    await until(lambda: stopped_by(world, run_id), what="it is stopped")
    goes_on.set()

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == ["stamp letter"]


@BY_MAIL
@pytest.mark.parametrize("is_above", [True, False])
async def test_attack_by_its_id_beside_a_long_log(world: World, is_above: bool) -> None:
    run_id, _, _ = await with_gate(world)
    stop = f"please stop {run_id}"

    await world.send("anna", SAYSO, f"{stop}\n\n{LOG}" if is_above else f"{LOG}\n\n{stop}")

    assert (await world.ended(run_id)).state in {"cancelled", "failed"}
    assert (await world.app.store.lists.runs(), world.workshop.effects) == ([run_id], [])


@BY_MAIL
@pytest.mark.parametrize("no", ["no", "deny, see below"])
async def test_attack_a_no_of_who_decides_above_a_long_log(world: World, no: str) -> None:
    _, _, record = await with_gate(world)

    await world.reply("bo", await world.next_mail("bo"), f"{no}\n\n{LOG}")

    async def is_closed() -> bool:
        return (await world.request(record.request.id)).state == "denied"

    await until(is_closed, what="it is denied")
    assert world.workshop.effects == []
