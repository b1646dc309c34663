"""Whoever may stop something says so in plain words, wherever they are: it is heard."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import RunCancelled
from agents.requests import RunId
from bot.policy.record import RequestRecord
from channels import Reply
from channels.email.reply import read_reply
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.office import ROLES, TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories.test_typed_freezes import frozen

THREAD = "C01OPS/1712345678.000100"


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", TOML + ROLES, beside=(hallway,), reach=("slack", "email")) as world:
        yield world


async def asked(office: World, hallway: Hallway, text: str = "press bell") -> RequestRecord:
    """What the run of Anna's wish in the thread asks."""
    inbox = office.app.messages.inbox
    run_id = office.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", text, THREAD)))
    return await office.opened(RunId(run_id))


async def write(
    office: World, hallway: Hallway, person: str, text: str, *, is_addressed: bool = False, thread: str = THREAD
) -> None:
    inbox = office.app.messages.inbox
    await inbox.handle(await inbox.accept(hallway.follows(person, text, thread, is_addressed=is_addressed)))


async def token_of(hallway: Hallway, person: str) -> str:
    def found() -> str | None:
        return next((card.form.token for to, card in hallway.cards.values() if to.person == person and card.form), None)

    return await until(found, what=f"a card asks {person}")


async def state(office: World, record: RequestRecord) -> tuple[str, list[str]]:
    await office.quiet()
    return (await office.request(record.request.id)).state, office.workshop.effects


@pytest.mark.parametrize("words", ["stop", "do not deploy this", "Stopp, bitte nicht", "wait, cancel that please"])
async def test_attack_an_approvers_refusal_typed_in_the_thread_of_the_run_stops_nothing(
    office: World, hallway: Hallway, words: str
) -> None:
    record = await asked(office, hallway)

    await write(office, hallway, "bo", words)

    assert await state(office, record) == ("denied", [])


async def test_attack_an_approvers_refusal_typed_in_the_thread_takes_back_no_approval(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway)
    await office.steer(record.request.run_id, "pause")
    await office.decide("bo", record, "approve")

    await write(office, hallway, "cy", "stop, do not deploy this")

    assert await state(office, record) == ("revoked", [])


@pytest.mark.parametrize("where", ["in the thread", "to us", "below the card"])
async def test_a_bare_no_of_an_approver_counts_only_where_it_is_said_to_us(
    office: World, hallway: Hallway, where: str
) -> None:
    record = await asked(office, hallway)
    await token_of(hallway, "bo")
    card = next(f"at {key}" for key, (to, card) in hallway.cards.items() if to.person == "bo" and card.form)

    async def is_placed() -> bool:
        return await office.app.store.threads.run_of("slack", card) is not None

    await until(is_placed, what="the card's thread is known")
    thread = card if where == "below the card" else THREAD
    await write(office, hallway, "bo", "no", is_addressed=where == "to us", thread=thread)

    assert await state(office, record) == ("open" if where == "in the thread" else "denied", [])


@pytest.mark.parametrize("words", ["should I stop the old one first?", "don't stop", "ok", "no idea, ask Cy"])
async def test_other_words_of_an_approver_in_the_thread_are_a_comment(
    office: World, hallway: Hallway, words: str
) -> None:
    record = await asked(office, hallway)

    await write(office, hallway, "bo", words, is_addressed=True)

    assert await state(office, record) == ("open", [])
    assert [one.text for one in (await office.request(record.request.id)).comments] == [words]


async def test_a_stop_of_somebody_who_may_not_stop_it_is_a_comment(office: World, hallway: Hallway) -> None:
    record = await asked(office, hallway)

    await write(office, hallway, "eve", "stop", is_addressed=True)

    assert await state(office, record) == ("open", [])


@pytest.mark.parametrize("way", ["in the thread", "before it starts", "a window"])
async def test_attack_an_operators_stop_typed_beside_an_approval_stops_no_run(
    office: World, hallway: Hallway, way: str
) -> None:
    record = await asked(office, hallway)
    if way == "before it starts":
        await office.steer(record.request.run_id, "pause")
        await office.decide("bo", record, "approve")
    if way == "a window":
        token = await token_of(hallway, "bo")
        said = Reply(person="ole", token=token, said="free_text", text="stop", is_typed=True, is_shared=True)
        await office.app.messages.inbox.handle(await office.app.messages.inbox.accept(hallway.item(said)))
    else:
        await write(office, hallway, "ole", "stop, please")

    await office.ended(record.request.run_id)
    events = await office.events(record.request.run_id)
    assert [event.by for event in events if isinstance(event, RunCancelled)] == ["ole"]
    assert (await state(office, record))[1] == []


@pytest.mark.parametrize("way", ["the window that asks", "a program", "a program that asks"])
@pytest.mark.parametrize("person", ["anna", "bo"])
async def test_attack_a_stop_typed_where_one_asks_or_says_something_is_words_alone(
    office: World, hallway: Hallway, way: str, person: str
) -> None:
    record = await asked(office, hallway)
    token = await token_of(hallway, "bo")
    if way == "the window that asks":
        said = Reply(
            person=person, token=token, said="free_text", text="stop", is_typed=True, asks=True, is_shared=True
        )
        await office.app.messages.inbox.handle(await office.app.messages.inbox.accept(hallway.item(said)))
    else:
        async with serving(office.app) as api:
            said = {"ask" if way == "a program that asks" else "text": "stop"}
            await (await api.client(person)).post(f"/v1/requests/{record.request.id}/answer", json=said)

    assert await state(office, record) == ("withdrawn" if person == "anna" else "denied", [])


@pytest.mark.parametrize("words", ["stop the deploy to eu-west", "brich den Rollout von web-7 ab, falsche Version"])
@pytest.mark.parametrize("person", ["anna", "bo", "ole"])
@pytest.mark.parametrize("is_asked", [True, False])
async def test_attack_a_stop_that_names_an_environment_of_ones_own_is_lost_in_the_thread(
    office: World, hallway: Hallway, person: str, words: str, *, is_asked: bool
) -> None:
    if is_asked:
        record = await asked(office, hallway)
        await write(office, hallway, person, words)
        became = {"anna": "withdrawn", "bo": "denied", "ole": "withdrawn"}[person]
        assert await state(office, record) == (became, [])
        return
    goes_on, inbox = office.workshop.hold("letter"), office.app.messages.inbox
    begins = hallway.begins("anna", "stamp letter\nstamp cup", THREAD)
    run_id = RunId(office.app.runs.starter.run_id(await inbox.accept(begins)))
    await until(lambda: office.workshop.started, what="it stamps")

    await write(office, hallway, person, words)
    goes_on.set()

    assert (await office.ended(run_id)).state == ("done" if person == "bo" else "cancelled")
    assert office.workshop.effects == ["stamp letter", "stamp cup"][: 2 if person == "bo" else 1]


@pytest.mark.parametrize("words", ["deny", "stop, please do not deploy this after all"])
@pytest.mark.parametrize(
    ("way", "person"),
    [
        *((way, one) for way in ("the window that answers", "a program") for one in ("anna", "bo")),
        *((way, "bo") for way in ("the window that asks", "a program that asks", "the page that asks")),
        *((way, "anna") for way in ("the window of a question", "a program that is asked", "the page that is asked")),
    ],
)
async def test_attack_a_refusal_with_its_reason_is_words_alone_where_it_is_typed_beside_the_card(
    office: World, hallway: Hallway, way: str, person: str, words: str
) -> None:
    record = await asked(office, hallway)

    await typed(office, hallway, way, person, record, words)

    assert await state(office, record) == ("withdrawn" if person == "anna" else "denied", [])
    decision = (await office.request(record.request.id)).decision
    assert decision
    assert decision.reason == ("" if words == "deny" else words)


async def typed(office: World, hallway: Hallway, way: str, person: str, record: RequestRecord, words: str) -> None:
    """`person` types words beside the card in this way; whoever is asked was asked something by Bo before."""
    inbox, place = office.app.messages.inbox, f"/v1/requests/{record.request.id}/answer"
    is_asked = way in {"the window of a question", "a program that is asked", "the page that is asked"}
    async with a_console(office) as console:
        if is_asked:
            bo = await console.api.client("bo")
            assert (await bo.post(place, json={"ask": "Is it tested?"})).json()["judgement"]["type"] == "asked"
        if "window" in way:
            token = await token_of(hallway, "anna" if is_asked else "bo")
            asks = way == "the window that asks"
            said = Reply(person=person, token=token, said="free_text", text=words, is_typed=True, asks=asks)
            said = said.model_copy(update={"is_shared": person == "anna" and not is_asked})
            await inbox.handle(await inbox.accept(hallway.item(said)))
        elif "page" in way:
            browser = await console.browser(person)
            forms = (await browser.get(f"/requests/{record.request.id}")).forms
            form = next(one for one in forms if one.action == place.removeprefix("/v1"))
            await browser.submit(form, "" if is_asked else "Ask Anna Ames", reason=words)
        else:
            scopes = ("answer",) if is_asked else ("answer", "steer", "read")
            client = await console.api.client(person, *scopes)
            await client.post(place, json={"ask" if way == "a program that asks" else "text": words})


@pytest.mark.parametrize("question", ["ask yes_no Go on?", "ask free_text What now?"])
@pytest.mark.parametrize("way", ["in the thread", "said to us", "the window that answers", "after the answer"])
async def test_attack_a_freeze_is_typed_where_a_question_is_asked(
    office: World, hallway: Hallway, way: str, question: str
) -> None:
    inbox = office.app.messages.inbox
    run_id = office.app.runs.starter.run_id(await inbox.accept(hallway.begins("ole", question, THREAD)))
    record = await office.opened(RunId(run_id))
    token, words = await token_of(hallway, "ole"), "freeze production: the database is corrupt"
    if way == "after the answer":
        await office.decide("ole", record, "free_text", "yes")
        await office.ended(run_id)
    if way in {"in the thread", "said to us"}:
        await write(office, hallway, "ole", words, is_addressed=way == "said to us")
    else:
        said = Reply(person="ole", token=token, said="free_text", text=words, is_typed=True)
        await inbox.handle(await inbox.accept(hallway.item(said)))

    assert await frozen(office) == [("production", "ole", "the database is corrupt")]
    assert (await state(office, record))[0] == ("answered" if way == "after the answer" else "open")


async def test_attack_somebody_else_freezes_in_answer_to_a_question_that_any_words_answer(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway, "ask free_text Which?")
    token = await token_of(hallway, "anna")

    said = Reply(person="ole", token=token, said="free_text", text="freeze production", is_typed=True, is_shared=True)
    await office.app.messages.inbox.handle(await office.app.messages.inbox.accept(hallway.item(said)))

    assert await frozen(office) == [("production", "ole", "")]
    assert await state(office, record) == ("open", [])


@pytest.mark.parametrize(
    "words",
    ["freeze production \U0001f6a8", "\U0001f6d1 freeze production! :rotating_light: \U0001f6d1"],
)
async def test_attack_a_sign_behind_what_is_frozen_has_it_read_as_a_wish(
    office: World, hallway: Hallway, words: str
) -> None:
    inbox = office.app.messages.inbox

    await inbox.handle(await inbox.accept(hallway.begins("ole", words, THREAD)))

    assert await frozen(office) == [("production", "ole", "")]
    assert await office.app.store.lists.runs() == []


@pytest.mark.parametrize("way", ["in the thread", "in the window of the card", "by mail"])
@pytest.mark.parametrize("person", ["dan", "bo"])
async def test_attack_a_stop_beside_a_freeze_is_lost_or_the_freeze_beside_the_stop(
    redis: str, tmp_path: Path, hallway: Hallway, way: str, person: str
) -> None:
    """Dan may freeze and decides, Bo only decides."""

    def change(world: World) -> None:
        world.beside, world.reach = (hallway,), ("email",) if way == "by mail" else ("slack", "email")

    toml = TOML.replace('approvers = ["group:release"]', 'approvers = ["group:release", "person:dan"]')
    async with a_world(redis, tmp_path / "data", toml, change=change) as office:
        record, words = await asked(office, hallway), "stop! freeze production"
        if way == "by mail":
            await office.reply(person, await office.next_mail(person, about="Press bell"), words)

            async def is_closed() -> bool:
                return (await office.request(record.request.id)).state != "open"

            await until(is_closed, what="the stop is heard")
        elif way == "in the thread":
            await write(office, hallway, person, words)
        else:
            token = await token_of(hallway, person)
            said = Reply(person=person, token=token, said="free_text", text=words, is_typed=True)
            await office.app.messages.inbox.handle(await office.app.messages.inbox.accept(hallway.item(said)))

        assert await state(office, record) == ("denied", [])
        assert await frozen(office) == ([("production", "dan", "")] if person == "dan" else [])


@pytest.mark.parametrize("text", ["deny", "No", "Nein, bitte nicht deployen", "I deny this: wrong version", "stop"])
@pytest.mark.parametrize("way", ["in a new message", "by mail", "below a subject by mail"])
async def test_attack_a_refusal_that_answers_nothing_begins_a_run_and_nobody_hears_how_to_deny(
    office: World, hallway: Hallway, way: str, text: str
) -> None:
    record = await asked(office, hallway)
    [run_id] = await office.app.store.lists.runs()

    if way == "in a new message":
        await office.app.messages.inbox.accept(hallway.begins("bo", text, "C01OPS/1712345999.000100"))
        told = str(await until(lambda: hallway.to("bo", "nothing shows which run you mean"), what="Bo is told"))
    else:
        said = f"{text}\n" if way == "by mail" else f"The bell\n\nHi,\n\n{text}\n\nBest,\nBo\n"
        subject, _, below = said.partition("\n")
        await office.post("bo", "sayso@sayso.example", below.strip() or "Bo", about=subject)
        told = (await office.next_mail("bo", about="nothing shows which run you mean")).text

    assert record.request.id in told
    assert await office.app.store.lists.runs() == [run_id]
    assert (await office.request(record.request.id)).state == "open"


@pytest.mark.parametrize(
    ("subject", "text"),
    few_of(
        [
            ("Deploy v1.2.0 to production", "Approved"),
            ("Press bell?", "Genehmigt. Danke!"),
            ("The bell", "Hi Anna,\n\napproved\n\nBest,\nBo"),
            ("", "I approve"),
        ],
        0,
        3,
        rows=True,
    ),
)
async def test_attack_an_approval_that_answers_nothing_begins_a_run_of_its_writer_s_own(
    office: World, hallway: Hallway, subject: str, text: str
) -> None:
    record = await asked(office, hallway)
    [run_id] = await office.app.store.lists.runs()

    if subject:
        await office.post("bo", "sayso@sayso.example", text, about=subject)
        told = (await office.next_mail("bo", about="nothing was approved")).text
    else:
        await office.app.messages.inbox.accept(hallway.begins("bo", text, "C01OPS/1712345999.000100"))
        told = str(await until(lambda: hallway.to("bo", "nothing was approved"), what="Bo is told"))

    assert record.request.id in told
    assert await office.app.store.lists.runs() == [run_id]
    assert (await office.request(record.request.id)).state == "open"


ELSEWHERE = "C01OPS/1712345999.000100"


@pytest.mark.parametrize(
    "way",
    ["a new message", "the thread of another run", "the window of another run", "a mail", "the subject of a mail"],
)
@pytest.mark.parametrize(
    ("person", "text", "became"),
    [
        ("anna", "stop RUN", "withdrawn"),
        ("anna", "Hi, please cancel RUN. Best, Anna", "withdrawn"),
        ("bo", "deny REQUEST", "denied"),
        ("ole", "brich den Lauf RUN ab, falsche Version", "withdrawn"),
        ("anna", "stop https://sayso.corp.example/runs/RUN", "withdrawn"),
        ("bo", "deny https://sayso.corp.example/requests/REQUEST", "denied"),
    ],
)
async def test_attack_a_stop_that_names_the_run_elsewhere_begins_another_or_stops_the_wrong_one(
    office: World, hallway: Hallway, way: str, person: str, text: str, became: str
) -> None:
    inbox = office.app.messages.inbox
    other = office.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", "press bell", ELSEWHERE)))
    of_other = await office.opened(RunId(other))
    token = await token_of(hallway, "bo")
    record = await asked(office, hallway)
    words = text.replace("RUN", record.request.run_id).replace("REQUEST", record.request.id)

    if way == "the thread of another run":
        await write(office, hallway, person, words, thread=ELSEWHERE)
    elif way == "the window of another run":
        said = Reply(person=person, token=token, said="free_text", text=words, is_typed=True, is_shared=True)
        await inbox.handle(await inbox.accept(hallway.item(said)))
    elif way == "a new message":
        await inbox.handle(await inbox.accept(hallway.begins(person, words, "C01OPS/1712346000.000100")))
    else:
        subject, body = ("Something", words) if way == "a mail" else (words, "Best")
        await office.post(person, "sayso@sayso.example", body, about=subject)

    async def is_over() -> bool:
        return (await office.request(record.request.id)).state != "open"

    await until(is_over, what="the stop is heard")
    assert await state(office, record) == (became, [])
    assert (await office.request(of_other.request.id)).state == "open"
    assert {*await office.app.store.lists.runs()} == {other, record.request.run_id}


@pytest.mark.parametrize(
    ("person", "text", "told"),
    [
        ("eve", "stop RUN", "There is no run"),
        ("bo", "stop s0r-aaaaaaaaaaaaa", "There is no run s0r-aaaaaaaaaaaaa"),
        ("bo", "deny s0q-aaaaaaaaaaaaa", "There is no run s0q-aaaaaaaaaaaaa"),
        ("anna", "status RUN", "starts nothing"),
        ("anna", "approve REQUEST", "starts nothing"),
        ("anna", "do not stop RUN", "starts nothing"),
    ],
)
async def test_other_orders_that_name_a_run_begin_none_and_their_writer_reads_what_to_do(
    office: World, hallway: Hallway, person: str, text: str, told: str
) -> None:
    record = await asked(office, hallway)
    words = text.replace("RUN", record.request.run_id).replace("REQUEST", record.request.id)

    await office.app.messages.inbox.accept(hallway.begins(person, words, ELSEWHERE))

    await until(lambda: hallway.to(person, told), what="they are told")
    assert await state(office, record) == ("open", [])
    assert await office.app.store.lists.runs() == [record.request.run_id]


async def test_attack_a_program_that_stops_one_run_in_answer_to_another_stops_the_wrong_one(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway)
    async with serving(office.app) as api:
        bo = await api.client("bo", "answer")
        said = {"text": "stop s0r-aaaaaaaaaaaaa"}
        answer = await bo.post(f"/v1/requests/{record.request.id}/answer", json=said)
        began = await (await api.client("anna", "trigger")).post("/v1/runs", json={"text": "status s0r-aaaaaaaaaaaaa"})

    assert (answer.status_code, "another run" in answer.text) == (409, True)
    assert (began.status_code, "starts nothing" in began.text) == (422, True)
    assert await state(office, record) == ("open", [])


@pytest.mark.parametrize(
    "reason", ["rejected because of s0r-aaaaaaaaaaaaa", "stop s0r-aaaaaaaaaaaaa too", "stop s0r-aaaaaaaaaaaaa"]
)
@pytest.mark.parametrize("way", ["a program", "the page", "the page of several"])
async def test_attack_a_denial_whose_reason_names_another_run_does_not_count(
    office: World, hallway: Hallway, way: str, reason: str
) -> None:
    record = await asked(office, hallway)
    async with a_console(office) as console:
        place = f"/requests/{record.request.id}"
        if way == "a program":
            bo = await console.api.client("bo", "answer")
            await bo.post(f"/v1{place}/answer", json={"vote": "deny", "reason": reason})
        else:
            browser = await console.browser("bo")
            page = await browser.get(place if way == "the page" else f"/requests/deny?pick={record.request.id}")
            action = f"{place}/answer" if way == "the page" else "/requests/deny"
            await browser.submit(page.form(action), "Deny" if way == "the page" else "", reason=reason)

    assert await state(office, record) == ("denied", [])


@pytest.mark.parametrize("way", ["the thread", "the window", "the window, read as a mail is"])
@pytest.mark.parametrize(
    ("text", "became", "other"),
    [
        ("deny. stop OTHER", "denied", "withdrawn"),
        ("Do not deploy this!\nAnd cancel OTHER", "denied", "withdrawn"),
        ("stop OTHER, the wrong tag", "open", "withdrawn"),
        ("rejected because of OTHER", "denied", "open"),
        ("if it fails, stop OTHER", "open", "open"),
    ],
)
async def test_attack_a_refusal_beside_the_id_of_another_run_is_lost_or_stops_that(
    office: World, hallway: Hallway, way: str, text: str, became: str, other: str
) -> None:
    """Bo decides the one, and asked for the other."""
    record = await asked(office, hallway)
    theirs = await office.opened(await office.trigger("press bell", person="bo"))
    words, inbox = text.replace("OTHER", theirs.request.run_id), office.app.messages.inbox

    if way == "the thread":
        await write(office, hallway, "bo", words, is_addressed=True)
    else:
        said = Reply(person="bo", token=await token_of(hallway, "bo"), said="free_text", text=words, is_typed=True)
        if way == "the window, read as a mail is":
            read = read_reply(words)
            said = said.model_copy(update={"said": read.said, "reason": read.reason})
        await inbox.handle(await inbox.accept(hallway.item(said)))

    assert (await state(office, record))[0] == became
    assert (await office.request(theirs.request.id)).state == other


async def test_a_refusal_on_the_first_page_begins_nothing(office: World) -> None:
    async with serving(office.app) as api:
        said = await (await api.client("anna", "trigger")).post("/v1/runs", json={"text": "deny"})

    assert (said.status_code, said.json()["type"]) == (422, "urn:sayso:problem:invalid")


@pytest.mark.parametrize(
    "text", ["No, deploy v1.3.0 to staging", "Nein, rollback staging", "withdraw v1.2 from the store"]
)
async def test_a_wish_that_begins_with_a_no_or_names_a_version_begins_a_run(
    office: World, hallway: Hallway, text: str
) -> None:
    await office.app.messages.inbox.accept(hallway.begins("anna", text, THREAD))

    await until(office.app.store.lists.runs, what="a run begins")
