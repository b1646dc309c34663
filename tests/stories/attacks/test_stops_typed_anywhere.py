"""Whoever may stop something says so in plain words, wherever they are: it is heard."""

import pytest

from agents.events import RunCancelled
from agents.requests import PersonId, RequestId, RunId
from agents.requests.record import RequestRecord
from bot.errors import Invalid
from bot.store.indexes import run_of_thread
from channels import Reply, Said
from channels.email.reply import read_reply
from tests.fakes.hallway import Hallway
from tests.kit.office import ROLES, TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console, a_console
from tests.servers.web import serving
from tests.stories.people.standing import ALLOWED, DAY
from tests.stories.test_typed_freezes import frozen

pytestmark = opens(TOML + ROLES, beside=("hallway",), reach=("slack", "email"))
THREAD = "C01OPS/1712345678.000100"
ELSEWHERE = "C01OPS/1712345999.000100"


async def asked(world: World, hallway: Hallway, text: str = "press bell", thread: str = THREAD) -> RequestRecord:
    """What the run of Anna's wish in the thread asks."""
    inbox = world.app.messages.inbox
    hallway.cards.clear()
    run_id = world.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", text, thread)))
    return await world.opened(RunId(run_id))


async def write(
    world: World, hallway: Hallway, person: str, text: str, *, is_addressed: bool = False, thread: str = THREAD
) -> None:
    inbox = world.app.messages.inbox
    await inbox.handle(await inbox.accept(hallway.follows(person, text, thread, is_addressed=is_addressed)))


async def types(world: World, hallway: Hallway, said: Reply) -> None:
    """Somebody types it in a window."""
    inbox = world.app.messages.inbox
    await inbox.handle(await inbox.accept(hallway.item(said)))


async def token_of(hallway: Hallway, person: str) -> str:
    def found() -> str | None:
        return next((card.form.token for to, card in hallway.cards.values() if to.person == person and card.form), None)

    return await until(found, what=f"a card asks {person}")


async def state(world: World, record: RequestRecord) -> tuple[str, list[str]]:
    await world.quiet()
    return (await world.request(record.request.id)).state, world.workshop.effects


async def test_attack_an_approvers_refusal_typed_in_the_thread_of_the_run_stops_nothing(
    world: World, hallway: Hallway
) -> None:
    for words in ("do not deploy this", "Stopp, bitte nicht"):
        record = await asked(world, hallway, thread=words)
        await write(world, hallway, "bo", words, thread=words)
        assert await state(world, record) == ("denied", [])

    record = await asked(world, hallway)
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")
    await write(world, hallway, "cy", "stop, do not deploy this")
    assert await state(world, record) == ("revoked", [])


async def test_a_bare_no_of_an_approver_counts_only_where_it_is_said_to_us(world: World, hallway: Hallway) -> None:
    record = await asked(world, hallway)
    await write(world, hallway, "bo", "no")
    assert await state(world, record) == ("open", [])
    await write(world, hallway, "bo", "no", is_addressed=True)
    assert await state(world, record) == ("denied", [])

    record = await asked(world, hallway, thread=ELSEWHERE)
    await token_of(hallway, "bo")
    card = next(f"at {key}" for key, (to, card) in hallway.cards.items() if to.person == "bo" and card.form)

    async def is_placed() -> bool:
        return await run_of_thread(world.app.store, "slack", card) is not None

    await until(is_placed, what="the card's thread is known")
    await write(world, hallway, "bo", "no", thread=card)
    assert await state(world, record) == ("denied", [])


async def test_other_words_of_an_approver_and_a_stop_of_somebody_who_may_not_are_comments(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    said = [("bo", "should I stop the old one first?"), ("bo", "don't stop"), ("bo", "ok"), ("eve", "stop")]

    for person, words in said:
        await write(world, hallway, person, words, is_addressed=True)

    assert await state(world, record) == ("open", [])
    comments = [(one.person, one.text) for one in (await world.request(record.request.id)).comments]
    assert comments == said


async def test_attack_an_operators_stop_typed_beside_an_approval_stops_no_run(world: World, hallway: Hallway) -> None:
    for way in ("in the thread", "before it starts", "a window"):
        record = await asked(world, hallway, thread=way)
        if way == "before it starts":
            await world.steer(record.request.run_id, "pause")
            await world.decide("bo", record, "approve")
        if way == "a window":
            said = Reply(person="ole", token=await token_of(hallway, "bo"), said="free_text", text="stop")
            await types(world, hallway, said.model_copy(update={"is_typed": True, "is_shared": True}))
        else:
            await write(world, hallway, "ole", "stop, please", thread=way)

        await world.ended(record.request.run_id)
        events = await world.events(record.request.run_id)
        assert [event.by for event in events if isinstance(event, RunCancelled)] == ["ole"]
        assert (await state(world, record))[1] == []


async def test_attack_whoever_may_stop_nothing_any_more_takes_the_stop_of_a_run_that_is_over_for_done(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    await world.decide("bo", record, "deny")
    await world.ended(record.request.run_id)
    await becomes(world, TOML + ROLES.replace("viewer = [", 'viewer = ["person:anna", '))

    await write(world, hallway, "anna", f"stop {record.request.run_id}", is_addressed=True, thread=ELSEWHERE)

    await until(lambda: hallway.to("anna", "nothing was stopped"), what="Anna is told")


async def test_attack_a_stop_that_names_an_environment_of_ones_own_is_lost_in_the_thread(
    world: World, hallway: Hallway
) -> None:
    words = "stop the deploy to eu-west"
    for person, became in (("anna", "withdrawn"), ("bo", "denied"), ("ole", "withdrawn")):
        record = await asked(world, hallway, thread=person)
        await write(world, hallway, person, words, thread=person)
        assert await state(world, record) == (became, [])

    inbox = world.app.messages.inbox
    for person, ends in (("anna", "cancelled"), ("bo", "done"), ("ole", "cancelled")):
        goes_on, thread = world.workshop.hold(f"letter of {person}"), f"to {person}"
        begins = hallway.begins("anna", f"stamp letter of {person}\nstamp cup", thread)
        run_id = RunId(world.app.runs.starter.run_id(await inbox.accept(begins)))
        await until(lambda person=person: f"stamp letter of {person}" in world.workshop.started, what="it stamps")

        await write(world, hallway, person, words, thread=thread)
        goes_on.set()

        assert (await world.ended(run_id)).state == ends
    assert world.workshop.effects.count("stamp cup") == 1, "Bo may not stop the run"


TYPED = (
    *((way, one) for way in ("the window that answers", "a program") for one in ("anna", "bo")),
    *((way, one) for way in ("the window that asks", "a program that asks") for one in ("anna", "bo")),
    ("the page that asks", "bo"),
    *((way, "anna") for way in ("the window of a question", "a program that is asked", "the page that is asked")),
)


async def test_attack_a_refusal_with_its_reason_is_words_alone_where_it_is_typed_beside_the_card(
    world: World, hallway: Hallway
) -> None:
    async with a_console(world) as console:
        for number, (way, person) in enumerate(TYPED):
            words = "deny" if number % 4 == 1 else "stop, please do not deploy this after all"
            record = await asked(world, hallway, thread=f"{number}")

            await typed(world, console, hallway, (way, person, words), record)

            assert await state(world, record) == ("withdrawn" if person == "anna" else "denied", []), (way, person)
            decision = (await world.request(record.request.id)).decision
            assert decision
            assert decision.reason == ("" if words == "deny" else words), (way, person)


async def typed(
    world: World, console: Console, hallway: Hallway, what: tuple[str, str, str], record: RequestRecord
) -> None:
    """`what` says in which way who types which words beside the card; who is asked was asked something by Bo before."""
    (way, person, words), place = what, f"/v1/requests/{record.request.id}/answer"
    is_asked = way in {"the window of a question", "a program that is asked", "the page that is asked"}
    if is_asked:
        bo = await console.api.client("bo")
        assert (await bo.post(place, json={"ask": "Is it tested?"})).json()["judgement"]["type"] == "asked"
    if "window" in way:
        token = await token_of(hallway, "anna" if is_asked else "bo")
        how: Said = "ask" if way == "the window that asks" else "free_text"
        said = Reply(person=person, token=token, said=how, text=words, is_typed=True)
        said = said.model_copy(update={"is_shared": person == "anna" and not is_asked})
        await types(world, hallway, said)
    elif "page" in way:
        browser = await console.browser(person)
        forms = (await browser.get(f"/requests/{record.request.id}")).forms
        form = next(one for one in forms if one.action == place.removeprefix("/v1"))
        await browser.submit(form, "" if is_asked else "Ask Anna Ames", reason=words)
    else:
        scopes = ("answer",) if is_asked else ("answer", "steer", "read")
        client = await console.api.client(person, *scopes)
        await client.post(place, json={"ask" if way == "a program that asks" else "text": words})


async def test_attack_a_freeze_is_typed_where_a_question_is_asked(world: World, hallway: Hallway) -> None:
    inbox, words = world.app.messages.inbox, "freeze production: the database is corrupt"
    for way, question in (
        ("in the thread", "ask free_text What now?"),
        ("said to us", "ask yes_no Go on?"),
        ("the window that answers", "ask free_text What now?"),
        ("the window of a yes or no", "ask yes_no Go on?"),
        ("after the answer", "ask free_text What now?"),
        ("the window of somebody else", "ask free_text Which?"),
    ):
        hallway.cards.clear()
        asker = "anna" if "else" in way else "ole"
        run_id = world.app.runs.starter.run_id(await inbox.accept(hallway.begins(asker, question, way)))
        record = await world.opened(RunId(run_id))
        token = await token_of(hallway, asker)
        if way == "after the answer":
            await world.decide("ole", record, "free_text", "yes")
            await world.ended(run_id)
        if way in {"in the thread", "said to us"}:
            await write(world, hallway, "ole", words, is_addressed=way == "said to us", thread=way)
        else:
            said = Reply(person="ole", token=token, said="free_text", text=words, is_typed=True)
            await types(world, hallway, said.model_copy(update={"is_shared": "else" in way}))

        assert await frozen(world) == [("production", "ole", "the database is corrupt")], way
        assert (await state(world, record))[0] == ("answered" if way == "after the answer" else "open"), way
        await world.app.requests.freezes.unfreeze("production", PersonId("ole"), "fixed", proof=None)


async def test_attack_an_answer_that_answers_nothing_begins_a_run_and_nobody_hears_how_to_give_it(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    [run_id] = await world.app.store.lists.runs()
    for person, subject, text, about in (
        ("bo", "", "deny", "nothing shows which run you mean"),
        ("bo", "Nein, bitte nicht deployen", "Bo", "nothing shows which run you mean"),
        ("bo", "", "I approve", "nothing was approved"),
        ("cy", "The bell", "Hi,\n\napproved\n\nBest,\nCy", "nothing was approved"),
    ):
        if subject:
            await world.post(person, "sayso@sayso.example", text, about=subject)
            told = (await world.next_mail(person, about=about)).text
        else:
            await world.app.messages.inbox.accept(hallway.begins(person, text, ELSEWHERE))
            told = str(await until(lambda about=about: hallway.to("bo", about), what="Bo is told"))

        assert record.request.id in told
        assert await world.app.store.lists.runs() == [run_id]
        assert (await world.request(record.request.id)).state == "open"
    with pytest.raises(Invalid, match="nothing was approved, and no run was started"):
        world.app.runs.starter.check("I approve", None)  # as the API and the console begin one


async def test_attack_a_stop_that_names_the_run_elsewhere_begins_another_or_stops_the_wrong_one(
    world: World, hallway: Hallway
) -> None:
    inbox, lists = world.app.messages.inbox, world.app.store.lists
    of_other = await asked(world, hallway, thread=ELSEWHERE)
    token, known = await token_of(hallway, "bo"), {of_other.request.run_id}
    for way, person, text, became in (
        ("a new message", "anna", "stop RUN", "withdrawn"),
        ("a new message", "anna", "stop https://sayso.corp.example/runs/RUN", "withdrawn"),
        ("the thread of another run", "bo", "deny REQUEST", "denied"),
        ("the window of another run", "ole", "brich den Lauf RUN ab, falsche Version", "withdrawn"),
        ("a mail", "anna", "Hi, please cancel RUN. Best, Anna", "withdrawn"),
        ("the subject of a mail", "bo", "deny https://sayso.corp.example/requests/REQUEST", "denied"),
    ):
        record = await asked(world, hallway, thread=f"{way} {text}")
        known.add(record.request.run_id)
        words = text.replace("RUN", record.request.run_id).replace("REQUEST", record.request.id)
        if way == "the thread of another run":
            await write(world, hallway, person, words, thread=ELSEWHERE)
        elif way == "the window of another run":
            said = Reply(person=person, token=token, said="free_text", text=words, is_typed=True, is_shared=True)
            await types(world, hallway, said)
        elif way == "a new message":
            await inbox.handle(await inbox.accept(hallway.begins(person, words, "C01OPS/1712346000.000100")))
        else:
            subject, body = ("Something", words) if way == "a mail" else (words, "Best")
            await world.post(person, "sayso@sayso.example", body, about=subject)

        async def is_over(request_id: RequestId = record.request.id) -> bool:
            return (await world.request(request_id)).state != "open"

        await until(is_over, what="the stop is heard")
        assert await state(world, record) == (became, []), way
        assert (await world.request(of_other.request.id)).state == "open"
        assert {*await lists.runs()} == known


async def test_other_orders_that_name_a_run_begin_none_and_their_writer_reads_what_to_do(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    for person, text, told in (
        ("eve", "stop RUN", "There is no run"),
        ("bo", "stop s0r-aaaaaaaaaaaaa", "There is no run s0r-aaaaaaaaaaaaa"),
        ("bo", "deny s0q-aaaaaaaaaaaaa", "There is no run s0q-aaaaaaaaaaaaa"),
        ("anna", "status RUN", "starts nothing"),
        ("dan", "approve REQUEST", "starts nothing"),
        ("cy", "do not stop RUN", "starts nothing"),
    ):
        words = text.replace("RUN", record.request.run_id).replace("REQUEST", record.request.id)

        await world.app.messages.inbox.accept(hallway.begins(person, words, ELSEWHERE))

        await until(lambda one=person, about=told: hallway.to(one, about), what="they are told")
        assert await state(world, record) == ("open", [])
    assert await world.app.store.lists.runs() == [record.request.run_id]


async def test_attack_a_program_that_stops_one_run_in_answer_to_another_stops_the_wrong_one(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    async with serving(world.app) as api:
        bo, anna = await api.client("bo", "answer"), await api.client("anna", "trigger")
        said = {"text": "stop s0r-aaaaaaaaaaaaa"}
        answer = await bo.post(f"/v1/requests/{record.request.id}/answer", json=said)
        began = await anna.post("/v1/runs", json={"text": "status s0r-aaaaaaaaaaaaa"})
        denies = await anna.post("/v1/runs", json={"text": "deny"})

    assert (answer.status_code, "another run" in answer.text) == (409, True)
    assert (began.status_code, "starts nothing" in began.text) == (422, True)
    assert (denies.status_code, denies.json()["type"]) == (422, "urn:sayso:problem:invalid")
    assert await state(world, record) == ("open", [])


async def test_attack_a_denial_whose_reason_names_another_run_does_not_count(world: World, hallway: Hallway) -> None:
    async with a_console(world) as console:
        for way, reason in (
            ("a program", "stop s0r-aaaaaaaaaaaaa too"),
            ("the page", "stop s0r-aaaaaaaaaaaaa"),
            ("the page of several", "rejected because of s0r-aaaaaaaaaaaaa"),
        ):
            record = await asked(world, hallway, thread=way)
            place = f"/requests/{record.request.id}"
            if way == "a program":
                bo = await console.api.client("bo", "answer")
                await bo.post(f"/v1{place}/answer", json={"vote": "deny", "reason": reason})
            else:
                browser = await console.browser("bo")
                page = await browser.get(place if way == "the page" else f"/requests/deny?pick={record.request.id}")
                action = f"{place}/answer" if way == "the page" else "/requests/deny"
                await browser.submit(page.form(action), "Deny" if way == "the page" else "", reason=reason)

            assert await state(world, record) == ("denied", [])


async def test_attack_a_refusal_beside_the_id_of_another_run_is_lost_or_stops_that(
    world: World, hallway: Hallway
) -> None:
    """Bo decides the one, and asked for the other."""
    for way, text, became, other in (
        ("the thread", "Do not deploy this!\nAnd cancel OTHER", "denied", "withdrawn"),
        ("the thread", "rejected because of OTHER", "denied", "open"),
        ("the thread", "if it fails, stop OTHER", "open", "open"),
        ("the window", "deny. stop OTHER", "denied", "withdrawn"),
        ("the window, read as a mail is", "rejected because of OTHER", "denied", "open"),
    ):
        theirs = await world.opened(await world.trigger("press bell", person="bo"))
        record = await asked(world, hallway, thread=f"{way} {text}")
        words = text.replace("OTHER", theirs.request.run_id)
        if way == "the thread":
            await write(world, hallway, "bo", words, is_addressed=True, thread=f"{way} {text}")
        else:
            said = Reply(person="bo", token=await token_of(hallway, "bo"), said="free_text", text=words, is_typed=True)
            if way == "the window, read as a mail is":
                read = read_reply(words)
                said = said.model_copy(update={"said": read.said, "reason": read.reason})
            await types(world, hallway, said)

        assert (await state(world, record))[0] == became, text
        assert (await world.request(theirs.request.id)).state == other, text


@opens(
    TOML.replace('approvers = ["group:release"]', 'approvers = ["group:release", "person:dan"]'),
    beside=("hallway",),
    reach=("slack", "email"),
)
async def test_attack_a_stop_beside_a_freeze_is_lost_or_the_freeze_beside_the_stop(
    world: World, hallway: Hallway
) -> None:
    """Dan may freeze and decides, Bo only decides."""
    for way, person in (("in the thread", "bo"), ("in the window of the card", "bo"), ("in the thread", "dan")):
        record, words = await asked(world, hallway, thread=f"{way} {person}"), "stop! freeze production"
        if way == "in the thread":
            await write(world, hallway, person, words, thread=f"{way} {person}")
        else:
            token = await token_of(hallway, person)
            await types(world, hallway, Reply(person=person, token=token, said="free_text", text=words, is_typed=True))

        assert await state(world, record) == ("denied", [])
        assert await frozen(world) == ([("production", "dan", "")] if person == "dan" else [])


@opens(TOML.replace('approvers = ["group:release"]', 'approvers = ["group:release", "person:dan"]'))
async def test_attack_a_stop_beside_a_freeze_in_a_mail_is_lost_or_the_freeze_beside_the_stop(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))

    await world.reply("dan", await world.next_mail("dan", about="Press bell"), "stop! freeze production")

    await world.ended(record.request.run_id)
    assert await state(world, record) == ("denied", [])
    assert await frozen(world) == [("production", "dan", "")]


@opens()
async def test_attack_a_stop_said_to_two_closed_questions_under_one_idempotency_key_stops_one_run(world: World) -> None:
    questions = [await world.opened(await world.trigger("ask free_text which?\npress bell")) for _ in range(2)]
    for question in questions:
        await world.decide("anna", question, "free_text", "the blue one")
    await world.quiet()

    async with serving(world.app) as api:
        anna = await api.client("anna")
        for question in questions:
            path, once = f"/v1/requests/{question.request.id}/answer", {"Idempotency-Key": "incident-4711"}
            told = [await anna.post(path, json={"text": "stop"}, headers=once) for _ in range(2)]
            assert ["The run has your stop" in one.json()["detail"] for one in told] == [True, True]

    for question in questions:
        assert await world.summary(question.request.run_id) == "failed: withdrawn"
    assert world.workshop.effects == []


async def test_attack_an_edit_that_stops_one_run_and_says_yes_or_ends_a_freeze_beside_that_is_told_of_neither(
    world: World, hallway: Hallway
) -> None:
    """An edit only stops, freezes and revokes: Dan reads that the rest of it did nothing."""
    inbox = world.app.messages.inbox
    await world.app.requests.freezes.freeze("production", PersonId("dan"), "bad", proof=None)
    for rest in ("approve", "unfreeze production: fixed"):
        theirs = await world.opened(await world.trigger("press horn", person="dan"))
        record = await asked(world, hallway, thread=rest)
        words = f"stop {theirs.request.run_id}\n{rest}"

        await inbox.handle(await inbox.accept(hallway.follows("dan", words, rest, is_addressed=True, is_edit=True)))

        assert await state(world, record) == ("open", []), rest
        assert (await world.request(theirs.request.id)).state == "withdrawn", rest
        assert len(hallway.to("dan", "The rest of your message did nothing")) == 1, rest
    assert len(await frozen(world)) == 1


async def test_attack_words_beside_a_stop_by_its_id_that_fit_the_open_question_badly_are_told_of(
    world: World, hallway: Hallway
) -> None:
    inbox = world.app.messages.inbox
    for rest, is_told in (("go on, but ", 1), ("please ", 0)):
        theirs = await world.opened(await world.trigger("press horn", person="anna"))
        record = await asked(world, hallway, "ask yes_no Go on?\npress bell", thread=rest)
        words = f"{rest}stop {theirs.request.run_id}"

        await inbox.handle(await inbox.accept(hallway.follows("anna", words, rest, is_addressed=True)))

        assert (await world.request(theirs.request.id)).state == "withdrawn"
        assert (await world.request(record.request.id)).state == "open"
        assert len(hallway.to("anna", "The rest of your message did nothing")) == is_told, rest


@opens(ALLOWED, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_stop_in_the_thread_in_which_the_same_again_was_asked_for_is_told_of_the_run_before_and_lost(
    world: World, hallway: Hallway
) -> None:
    for person, said, became in (("anna", "stop", "withdrawn"), ("bo", "stop, do not allow this", "denied")):
        done = await asked(world, hallway, thread=person)
        await world.decide("bo", done, "approve")
        await world.ended(done.request.run_id)
        for uses in (2, 3):  # in the thread, what is asked for again is still what was done in it
            wish = f"standing {uses} times until {await world.now() + DAY:%Y-%m-%d %H:%M}"
            await write(world, hallway, "anna", wish, thread=person, is_addressed=True)
            [again] = [one for one in await world.requests() if one.state == "open"]
            assert f"{uses} more times" in again.request.title

            await write(world, hallway, person, said, thread=person, is_addressed=True)

            assert (await state(world, again))[0] == became, (person, uses)
            assert hallway.to(person, "Too late") == [], (person, uses)
