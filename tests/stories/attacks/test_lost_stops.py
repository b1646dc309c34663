"""A requester says stop in answer to whatever they have before them, and the run stops: it is lost in no thread.

No later approval, and no later answer of somebody else, has the tool run.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import AnswerNoted, PersonSaid, RequestDecided, RunCancelled
from agents.requests import RunId
from bot.policy.judgements import Decided
from bot.policy.record import RequestRecord, records
from channels import Reply
from channels.email.local.letters import Letter
from tests.fakes.hallway import Hallway
from tests.kit.guards import guards
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories.test_child_runs import child_of

SAYSO, THREAD = "sayso@sayso.example", "C01OPS/1712345678.000100"
STOPS = [
    "stop, please do not deploy this after all",
    "Stopp, bitte doch nicht",
    "cancel that please",
    "abbrechen",
    "deny",
    "stop",
    "No, stop.",
    "Stop the run",
    "bitte nicht deployen",
    "annulla",
    "arrêtez",
]


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", beside=(hallway,), reach=("slack", "email")) as world:
        yield world


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


@pytest.mark.parametrize("words", few_of(STOPS, 0, 1, 8))
async def test_attack_in_answer_to_the_question_that_was_answered_while_others_are_asked_to_approve(
    world: World, words: str
) -> None:
    run_id, letter, record = await with_gate(world)

    await world.reply("anna", letter, words)
    await world.next_mail("anna", about="Withdrawn by Anna Ames")

    assert (await world.request(record.request.id)).state == "withdrawn"
    assert not isinstance(await world.decide("bo", record, "approve"), Decided)
    await world.ended(run_id)
    assert world.workshop.effects == []


async def test_attack_in_answer_to_the_question_that_was_answered_after_the_approval_and_before_the_start(
    world: World,
) -> None:
    run_id, letter, record = await with_gate(world)
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")

    await world.reply("anna", letter, STOPS[0])
    await world.next_mail("anna", about="taken back")
    await world.steer(run_id, "resume")

    await world.ended(run_id)
    assert (await world.request(record.request.id)).state == "revoked"
    assert world.workshop.effects == []


@pytest.mark.parametrize("words", few_of(STOPS, 0, 3))
async def test_attack_in_answer_to_the_question_that_was_answered_where_nothing_is_asked(
    world: World, words: str
) -> None:
    run_id, letter = await asked_by_mail(world, "ask free_text Which version?", "press bell")
    await world.steer(run_id, "pause")
    await world.reply("anna", letter, "v1")
    await until(lambda: is_answered(world, run_id), what="the question is answered")

    await world.reply("anna", letter, words)
    await world.ended(run_id)

    assert await world.summary(run_id) == "cancelled: cancelled by anna"
    assert (await stopped_by(world, run_id), await said(world, run_id)) == (["anna"], [("anna", words)])
    assert (await world.next_mail("anna", about="Cancelled")).subject


@pytest.mark.parametrize("gated", [True, False])
async def test_attack_after_the_effect_began_it_is_too_late_for_that_alone_and_nothing_begins_after_it(
    world: World, gated: bool
) -> None:
    goes_on = world.workshop.hold("bell")
    run_id, letter = await answered(world, "press bell" if gated else "pull bell", "stamp letter")
    if gated:
        await world.decide("bo", await world.opened(run_id), "approve")
    await until(lambda: world.workshop.started, what="it runs")

    await world.reply("anna", letter, STOPS[0])
    told = await world.next_mail("anna", about="Too late: it was started")
    goes_on.set()

    assert "nothing of the run begins after it" in told.text.replace("\n", " ")
    assert (await world.ended(run_id)).state == "cancelled"
    assert len(world.workshop.effects) == 1
    assert world.workshop.started[1:] == []
    found = {asked: await world.request(asked) for asked in records(await world.events(run_id))}
    assert records(await world.events(run_id)) == found


async def test_after_the_end_whoever_stops_it_hears_when_it_was_started_and_nothing_new_begins(world: World) -> None:
    run_id, letter, record = await with_gate(world)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)

    await world.reply("anna", letter, "stop, please do not deploy this after all")

    told = await world.next_mail("anna", about="Too late: it was started")
    assert "the run has ended" in told.text.replace("\n", " ")
    assert await world.app.store.lists.runs() == [run_id]
    assert (await noted(world, run_id))[-1] == ("anna", "already_decided")


@pytest.mark.parametrize("is_stop", [True, False])
async def test_words_in_the_thread_of_a_run_without_a_request_stop_it_or_are_words_to_it(
    world: World, is_stop: bool
) -> None:
    """A mail that names only the first mail of the thread, as one to the plain address does."""
    goes_on = world.workshop.hold("letter")
    first = await world.send("anna", SAYSO, "stamp letter\nstamp cup")
    await until(lambda: world.workshop.started, what="it stamps")
    [run_id] = await world.app.store.lists.runs()

    words = "stop" if is_stop else "take the red cup"
    await post_after(world, "anna", words, first)
    await until(lambda: said(world, run_id), what="the run has the words")
    goes_on.set()

    ended = await world.ended(run_id)
    assert ended.state == ("cancelled" if is_stop else "done")
    assert world.workshop.effects == (["stamp letter"] if is_stop else ["stamp letter", "stamp cup"])


@pytest.mark.parametrize("way", ["mail", "thread"])
async def test_attack_a_stop_that_names_no_run_starts_none_and_its_writer_reads_how_to_stop_one(
    office: World, hallway: Hallway, way: str
) -> None:
    run_id = await begun(office, hallway, "press bell")
    record = await office.opened(run_id)

    if way == "mail":
        await office.send("anna", SAYSO, "Stop!\n\nplease stop everything")
        await office.next_mail("anna", about="nothing shows which run you mean")
    else:
        await office.app.messages.inbox.accept(hallway.begins("anna", "stop", "C01OPS/1712345999.000100"))
        await until(lambda: hallway.to("anna", "nothing shows which run you mean"), what="anna is told")

    assert await office.app.store.lists.runs() == [run_id]
    assert (await office.request(record.request.id)).state == "open"


@pytest.mark.parametrize("way", ["body", "subject", "quoted", "mention", "sign"])
async def test_attack_a_new_message_that_says_stop_among_courtesies_starts_no_run_and_its_writer_reads_how_to_stop(
    office: World, hallway: Hallway, way: str
) -> None:
    run_id = await begun(office, hallway, "press bell")
    await office.opened(run_id)

    texts = {
        "body": ("The deploy", "Hi,\n\nplease stop the deploy. It is the wrong version.\n\nBest,\nAnna\n"),
        "subject": ("stop the deploy", "Best,\nAnna\n"),
        "quoted": ("Wrong", "Please stop the deploy.\n\nAm 24.11.2026 um 10:00 schrieb Bo Berg:\n> is it live?\n"),
        "mention": ("", "STOP!! please stop the deploy. Best, Anna"),
        "sign": ("", "\u270b\U0001f3fd"),
    }
    subject, text = texts[way]
    if subject:
        await post_after(office, "anna", text, "", subject)
        told = (await office.next_mail("anna", about="nothing shows which run you mean")).text
    else:
        await office.app.messages.inbox.accept(hallway.begins("anna", text, "C01OPS/1712345999.000100"))
        found = await until(lambda: hallway.to("anna", "nothing shows which run you mean"), what="anna is told")
        told = str(found)

    assert run_id in told
    assert await office.app.store.lists.runs() == [run_id]


async def test_attack_a_stop_on_the_first_page_or_from_a_program_begins_nothing(world: World) -> None:
    async with a_console(world) as console, serving(world.app) as api:
        page = await (anna := await console.browser("anna")).get("/")
        answer = await anna.post("/ask", dict(page.form("/ask").fields) | {"text": "Stop the deploy! It is wrong."})
        program = await (await api.client("anna", "trigger")).post("/v1/runs", json={"text": "stop the deploy, please"})

    assert "nothing shows which run you mean" in answer.text
    assert (program.status_code, program.json()["type"]) == (422, "urn:sayso:problem:invalid")
    assert await world.app.store.lists.runs() == []


@pytest.mark.parametrize("scopes", [("answer",), ("answer", "steer")])
async def test_attack_a_stop_as_the_text_of_an_answer_over_http_takes_the_request_back(
    world: World, scopes: tuple[str, ...]
) -> None:
    record = await world.opened(run_id := await world.trigger("press bell"))

    async with serving(world.app) as api:
        anna = await api.client("anna", *scopes)
        said = await anna.post(f"/v1/requests/{record.request.id}/answer", json={"text": "stop"})

    assert said.json()["judgement"]["decision"]["state"] == "withdrawn"
    await world.ended(run_id)
    assert world.workshop.effects == []


async def test_attack_a_stop_among_other_words_is_no_stop_and_its_writer_reads_how_to_stop(world: World) -> None:
    goes_on = world.workshop.hold("letter")
    first = await world.send("anna", SAYSO, "stamp letter\nstamp cup")
    await until(lambda: world.workshop.started, what="it stamps")
    [run_id] = await world.app.store.lists.runs()

    await post_after(world, "anna", "wrong letter, please stop", first)
    await world.next_mail("anna", about="write the one word stop")
    await post_after(world, "anna", "stop", first)
    await until(lambda: stopped_by(world, run_id), what="it is stopped")
    goes_on.set()

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == ["stamp letter"]


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


# An open question to which the words are an answer as well.


@pytest.mark.parametrize(
    ("question", "words"),
    few_of(
        [
            ("ask free_text What should the note say?", "stop"),
            ("ask free_text Which version?", "stop, please do not deploy this after all"),
            ("ask choice How? | go, stop, later", "stop"),
            ("ask yes_no Ready?", "No, stop."),
        ],
        1,
        2,
        rows=True,
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


@pytest.mark.parametrize("words", ["Sorry, I meant no.", "*No*, wrong tag", "I changed my mind. Deny."])
async def test_attack_who_corrects_an_approval_in_words_of_their_own_takes_it_back(world: World, words: str) -> None:
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo")
    await world.steer(record.request.run_id, "pause")
    await world.reply("bo", card, "approve")
    await world.quiet()
    assert (await world.request(record.request.id)).state == "approved"

    await world.reply("bo", card, words)
    await world.quiet()

    assert (await world.request(record.request.id)).state == "revoked"
    assert world.workshop.effects == []


@pytest.mark.parametrize("words", ["Sorry, no.", "My answer: no"])
async def test_attack_a_no_to_a_question_that_begins_with_an_apology_stops_no_run(world: World, words: str) -> None:
    run_id, letter = await asked_by_mail(world, "ask yes_no Announce it?", "stamp letter")

    await world.reply("anna", letter, words)
    again = await world.next_mail("anna")
    assert (await world.run(run_id)).state == "waiting"
    await world.reply("anna", again, "no")

    assert (await world.ended(run_id)).state == "done"


@pytest.mark.parametrize(
    ("question", "meant", "result"),
    few_of(
        [
            ("ask free_text What should the note say?", "answer: stop", "stop"),
            ("ask free_text What should the note say?", "Antwort: stop", "stop"),
            ("ask free_text Which version?", "v2", "v2"),
            ("ask choice How? | go, stop, later", "2", "stop"),
        ],
        0,
        3,
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
    office: World, hallway: Hallway
) -> None:
    """Two mails of one minute are read at once, and nobody knows which is read first."""
    run_id = await begun(office, hallway, "ask free_text Which version?\nstamp letter")
    token, record = await question_card(office, hallway), await office.opened(run_id)

    for words in ("stop, please", "v1"):
        await handled(office, await office.app.messages.inbox.accept(hallway.item(typed("anna", token, words))))

    assert (await office.request(record.request.id)).state == "open"
    await until(lambda: hallway.to("anna", "may have stopped the run"), what="anna is told")
    await office.app.messages.inbox.accept(hallway.follows("anna", "answer: v1", THREAD))
    assert await office.summary(run_id) == "done: answered: v1; ok: stamp letter: done"


async def test_attack_somebody_else_answers_while_a_requester_is_asked_which_they_meant(
    office: World, hallway: Hallway
) -> None:
    """The same question goes to both; Bo answers it while Anna may have stopped the run, and it would go on."""
    run_id = await begun(office, hallway, "ask-of group:release free_text Which version?\nstamp letter", person="bo")
    record = await office.opened(run_id)
    await office.app.messages.inbox.accept(hallway.follows("bo", "stop, please", THREAD))
    await until(lambda: hallway.to("bo", "Nothing goes on before you say which"), what="bo is asked")

    await office.decide("cy", record, "free_text", "v2")
    assert (await office.request(record.request.id)).state == "open"
    await office.move_time(40 * 24 * 3600)

    assert (await office.ended(run_id)).state == "cancelled"
    assert office.workshop.effects == []


@pytest.mark.parametrize(
    "question",
    few_of(
        ["ask choice How? | go, wait", "ask yes_no Ready?", "plan When?", "ask-of person:bo free_text Which?"], 0, 3
    ),
)
async def test_attack_where_they_are_no_answer_to_the_open_question_they_stop_the_run_at_once(
    office: World, hallway: Hallway, question: str
) -> None:
    run_id = await begun(office, hallway, f"{question}\nstamp letter")
    record = await office.opened(run_id)

    await office.app.messages.inbox.accept(hallway.follows("anna", "stop", THREAD))

    assert (await office.ended(run_id)).state == "cancelled"
    assert (await office.request(record.request.id)).state == "withdrawn"


async def test_attack_a_stop_is_heard_in_its_thread_also_once_the_store_has_more_shards(
    office: World, hallway: Hallway
) -> None:
    """And a message that comes once more begins nothing anew."""
    said = [hallway.begins("anna", "press bell", f"{THREAD}{number}", key=f"m{number}") for number in range(6)]
    first = [await office.app.messages.inbox.accept(one) for one in said]
    asked = [await office.opened(office.app.runs.starter.run_id(one)) for one in first]
    async with office.stopped():
        office.environ = {"SAYSO_SHARDS": "8"}
    more = [hallway.begins("anna", "press bell", f"{THREAD}{number}", key=f"m{number}") for number in range(6, 12)]
    second = [await office.app.messages.inbox.accept(one) for one in more]
    async with office.stopped():
        office.environ = {"SAYSO_SHARDS": "16"}

    again = [await office.app.messages.inbox.accept(one) for one in said]
    assert [await office.app.messages.inbox.accept(one) for one in more] == second
    for number in range(6):
        await office.app.messages.inbox.accept(hallway.follows("anna", "stop", f"{THREAD}{number}"))

    assert again == first
    for record in asked:
        assert (await office.ended(record.request.run_id)).state == "failed"
        assert (await office.request(record.request.id)).state == "withdrawn"


HURRIED = ["stop bitte", "**stop**", "oh no, stop!", "actually, stop", "can you stop this?", "forget it", "🛑"]


@pytest.mark.parametrize("words", few_of(HURRIED, 0, 2))
async def test_attack_a_stop_that_is_typed_in_a_hurry_answers_no_open_question(world: World, words: str) -> None:
    run_id, letter = await asked_by_mail(world, "ask free_text Which version?", "stamp letter")

    await world.reply("anna", letter, words)
    told = await world.next_mail("anna", about="Nothing goes on before you say which")
    await world.reply("anna", told, "stop")

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == []


@pytest.mark.parametrize("words", few_of(HURRIED, 1, 3))
async def test_attack_a_stop_that_is_typed_in_a_hurry_takes_back_what_others_are_asked(
    world: World, words: str
) -> None:
    run_id, letter, record = await with_gate(world)

    await world.reply("anna", letter, words)
    await world.ended(run_id)

    assert (await world.request(record.request.id)).state == "withdrawn"


@pytest.mark.parametrize("words", few_of(HURRIED, 0, 4))
async def test_attack_a_stop_that_an_approver_types_in_a_hurry_denies(world: World, words: str) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)

    await world.reply("bo", await world.next_mail("bo"), words)
    await world.ended(run_id)

    assert (await world.request(record.request.id)).state == "denied"


async def test_attack_a_typed_answer_of_stop_to_a_choice_by_mail_stops_the_run(world: World) -> None:
    run_id, letter = await asked_by_mail(world, "ask choice How? | go, wait", "stamp letter")

    await world.reply("anna", letter, "Stopp, bitte doch nicht")

    assert (await world.ended(run_id)).state == "cancelled"


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


async def test_attack_in_a_window_that_was_left_open_until_others_were_asked(office: World, hallway: Hallway) -> None:
    run_id = await begun(office, hallway, "ask free_text Which version?\npress bell")
    token = await question_card(office, hallway)
    question = await office.opened(run_id)
    await office.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1")))
    record = await office.opened(run_id, after=question.request.id)

    await handled(office, await office.app.messages.inbox.accept(hallway.item(typed("anna", token, "stop, please"))))

    assert (await office.request(record.request.id)).state == "withdrawn"


async def test_attack_the_same_words_come_three_times_and_in_the_midst_of_them_it_stops_once(
    office: World, hallway: Hallway
) -> None:
    office.workshop.hold("letter")
    run_id = await begun(office, hallway, "ask free_text Which version?\nstamp letter\nstamp cup")
    token = await question_card(office, hallway)
    await office.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1")))
    await until(lambda: office.workshop.started, what="it stamps")

    for _ in range(3):
        item = hallway.item(typed("anna", token, "stop", key="one-mail"))
        await handled(office, await office.app.messages.inbox.accept(item))
    office.workshop.hold("letter").set()

    assert (await office.ended(run_id)).state == "cancelled"
    assert await stopped_by(office, run_id) == ["anna"]
    await office.quiet()
    assert len(hallway.to("anna", "Too late: it was started at")) == 1
    assert office.workshop.effects == ["stamp letter"]


async def test_attack_the_run_that_waits_for_a_child_is_stopped_with_it(office: World, hallway: Hallway) -> None:
    goes_on = office.workshop.hold("cup")
    run_id = await begun(office, hallway, "start_run stamp cup;stamp letter\nstamp spoon")
    await until(lambda: office.workshop.started, what="the child stamps")

    await handled(office, await office.app.messages.inbox.accept(hallway.follows("anna", "stop", THREAD)))
    goes_on.set()

    assert (await office.ended(run_id)).state == "cancelled"
    await office.quiet()
    assert office.workshop.effects == ["stamp cup"]


async def test_attack_what_stands_between_the_run_and_the_child_at_work_is_stopped_only_in_its_turn(
    office: World, hallway: Hallway
) -> None:
    run_id = await begun(office, hallway, "start_run start_run ask-of person:bo free_text Which?;press bell")
    between = await child_of(office, run_id)
    await child_of(office, between)
    await office.quiet()
    await office.stop()
    await office.start(works=False)
    inbox = office.app.messages.inbox

    await inbox.handle(await inbox.accept(hallway.follows("anna", "stop", THREAD)))

    assert (await office.run(between)).is_cancelled


async def test_attack_in_answer_to_the_closed_question_of_a_child(office: World, hallway: Hallway) -> None:
    run_id = await begun(office, hallway, "start_run ask free_text Which?;press bell\nstamp letter")
    token = await question_card(office, hallway)
    await office.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1")))
    [child] = {*await until(lambda: both(office), what="the child runs")} - {run_id}
    record = await asks_to_approve(office, child)

    await handled(office, await office.app.messages.inbox.accept(hallway.item(typed("anna", token, "stop"))))

    assert (await office.request(record.request.id)).state == "withdrawn"
    await office.ended(run_id)
    assert office.workshop.effects == []


@pytest.mark.parametrize("way", ["the window", "below its card"])
async def test_attack_in_answer_to_a_child_that_has_ended_while_its_parent_goes_on_with_another(
    office: World, hallway: Hallway, way: str
) -> None:
    run_id = await begun(office, hallway, "start_run ask free_text Which?\nstart_run press bell")
    token = await question_card(office, hallway)
    await office.app.messages.inbox.accept(hallway.item(typed("anna", token, "v1")))

    async def asks_others() -> RequestRecord | None:
        return next((one for one in await office.requests() if one.request.format == "approval"), None)

    record = await until(asks_others, what="others are asked to approve")
    key = next(key for key, (to, card) in hallway.cards.items() if to.person == "anna" and card.form)
    below = hallway.follows("anna", "stop", f"at {key}", is_addressed=True)

    said = below if way == "below its card" else hallway.item(typed("anna", token, "stop"))
    await handled(office, await office.app.messages.inbox.accept(said))

    assert (await office.request(record.request.id)).state == "withdrawn"
    await office.ended(run_id)
    assert (office.workshop.effects, hallway.to("anna", "Too late")) == ([], [])


async def both(world: World) -> list[str] | None:
    found = await world.app.store.lists.runs()
    return found if len(found) == 2 else None


async def asks_to_approve(world: World, run_id: str) -> RequestRecord:
    async def found() -> RequestRecord | None:
        asked = (await world.run(run_id)).open
        record = await world.request(asked) if asked else None
        return record if record and record.request.format == "approval" else None

    return await until(found, what="others are asked to approve")


async def test_no_limit_of_words_keeps_a_stop_from_the_run(office: World, hallway: Hallway) -> None:
    goes_on = office.workshop.hold("letter")
    run_id = await begun(office, hallway, "stamp letter\nstamp cup")
    await until(lambda: office.workshop.started, what="it stamps")
    for number in range(60):
        await office.app.messages.inbox.accept(hallway.follows("anna", f"word {number}", THREAD))

    await handled(office, await office.app.messages.inbox.accept(hallway.follows("anna", "stop", THREAD)))
    goes_on.set()

    assert (await office.ended(run_id)).state == "cancelled"


# By a page and by a program, which hear at once that the question is closed.


@pytest.mark.parametrize("way", ["console", "api"])
async def test_attack_in_a_form_or_a_call_that_answers_the_closed_question(world: World, way: str) -> None:
    run_id = await world.trigger("ask free_text Which version?\npress bell")
    question = await world.opened(run_id)
    async with a_console(world) as console, serving(world.app) as api:
        browser = await console.browser("anna")
        page = await browser.get(f"/requests/{question.request.id}")
        await world.decide("anna", question, "free_text", "v1")
        record = await world.opened(run_id, after=question.request.id)

        if way == "console":
            form = page.form(f"/requests/{question.request.id}/answer")
            told = (await browser.submit(form, text="stop, please")).words
        else:
            client = await api.client("anna", "answer", "steer", "read")
            answer = await client.post(f"/v1/requests/{question.request.id}/answer", json={"text": "stop, please"})
            told = answer.json()["detail"]

    assert "The run has your stop" in told
    assert (await world.request(record.request.id)).state == "withdrawn"


# What is no stop, and who may not say it.


async def test_a_stop_of_somebody_who_may_not_steer_the_run_is_kept_and_stops_nothing(
    office: World, hallway: Hallway
) -> None:
    run_id = await begun(office, hallway, "ask-of person:bo free_text Which version?\npress bell")
    token = await question_card(office, hallway, "bo")
    question = await office.opened(run_id)
    await office.app.messages.inbox.accept(hallway.item(typed("bo", token, "v1")))
    record = await office.opened(run_id, after=question.request.id)

    # Who only answered may take the approval back, which does no harm; somebody else may not even that.
    await handled(office, await office.app.messages.inbox.accept(hallway.item(typed("cy", token, "stop"))))
    assert (await office.request(record.request.id)).state == "open"
    assert (await noted(office, run_id)) == [("cy", "not_entitled")]
    await until(lambda: hallway.to("cy", "About"), what="cy is told")
    await office.decide("cy", record, "approve")

    assert (await office.ended(run_id)).state == "done"


async def test_who_only_answered_stops_what_waits_for_an_approval_and_no_run(office: World, hallway: Hallway) -> None:
    run_id = await begun(office, hallway, "ask-of person:bo free_text Which version?\npress bell\nstamp letter")
    token = await question_card(office, hallway, "bo")
    question = await office.opened(run_id)
    await office.app.messages.inbox.accept(hallway.item(typed("bo", token, "v1")))
    record = await office.opened(run_id, after=question.request.id)

    await handled(office, await office.app.messages.inbox.accept(hallway.item(typed("bo", token, "stop"))))

    assert (await office.request(record.request.id)).state in {"withdrawn", "denied"}
    await office.ended(run_id)
    assert await stopped_by(office, run_id) == []


@pytest.mark.parametrize("words", few_of(["only after Cy looked at it", "which version is live now?", "v2"], 0))
async def test_other_words_in_answer_to_a_closed_question_stand_on_every_card_and_void_what_was_approved(
    world: World, words: str
) -> None:
    run_id, letter, record = await with_gate(world)

    await world.reply("anna", letter, words)
    await world.next_mail("anna", about="Your words are on the card now")

    found = await world.request(record.request.id)
    assert (found.state, found.request.revision) == ("open", 2)
    assert await said(world, run_id) == [("anna", words)]


@pytest.mark.parametrize(
    ("words", "is_said"), few_of([("take v2", True), ("v1", False), ("Thanks!", False)], 0, 1, rows=True)
)
async def test_what_is_said_after_the_answer_goes_to_the_run_unless_it_says_nothing_new(
    world: World, words: str, is_said: bool
) -> None:
    run_id, letter = await asked_by_mail(world, "ask free_text Which version?", "press bell")
    await world.steer(run_id, "pause")
    await world.reply("anna", letter, "v1")
    await until(lambda: is_answered(world, run_id), what="the question is answered")

    await world.reply("anna", letter, words)
    told = await world.next_mail("anna", about="Your words change" if is_said else "Already decided")

    assert ("the run has them" in told.text.replace("\n", " ")) is is_said
    assert await said(world, run_id) == ([("anna", words)] if is_said else [])
    assert await stopped_by(world, run_id) == []


async def is_answered(world: World, run_id: str) -> bool:
    return any(isinstance(event, RequestDecided) for event in await world.events(run_id))


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


async def test_a_bare_no_in_a_thread_where_nothing_is_asked_stops_nothing(office: World, hallway: Hallway) -> None:
    goes_on = office.workshop.hold("letter")
    run_id = await begun(office, hallway, "stamp letter")
    await until(lambda: office.workshop.started, what="it stamps")

    await handled(office, await office.app.messages.inbox.accept(hallway.follows("anna", "no", THREAD)))
    goes_on.set()

    assert (await office.ended(run_id)).state == "done"
    assert await said(office, run_id) == [("anna", "no")]
