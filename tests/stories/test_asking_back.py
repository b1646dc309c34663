"""Whoever decides asks back, whoever asked answers on the card, and nothing of that decides: by mail, page, command."""

import pytest

from agents.events import AnswerNoted, CardReplaced
from agents.requests import PersonId
from agents.requests.proof import as_by
from agents.requests.record import COMMENTS, RequestRecord
from agents.run import fold
from bot.queries.rebuild import rebuild
from bot.runs.api_requests import Asker
from bot.store import Keys
from channels.email.local.letters import Letter
from tests.bot.cli.shell import sayso
from tests.kit.long import few_of
from tests.kit.office import ROLES, STEPS, TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import Api
from tests.stories.test_absences import away
from tests.stories.test_delegation import SOLO, on_solo

WHY, BECAUSE = "Why now?", "The shop has been down since noon."


async def asked(world: World, text: str = "press bell") -> RequestRecord:
    return await world.opened(await world.trigger(text))


async def brought(world: World, record: RequestRecord, text: str = WHY) -> Letter:
    """The mail that brings Anna what Bo asks below his card."""
    await world.reply("bo", await world.next_mail("bo", about=record.request.digest), text)
    return await world.next_mail("anna", about=text)


async def said(world: World, record: RequestRecord) -> list[tuple[str, str, str]]:
    """What stands beside the request, once the last word of it is there."""
    return [(one.kind, one.person, one.text) for one in (await world.request(record.request.id)).comments]


async def is_untouched(world: World, record: RequestRecord) -> bool:
    """Nothing was decided, and everybody may go on to decide what they saw."""
    found = await world.request(record.request.id)
    was = (record.request.digest, record.request.revision, record.request.remarks)
    is_same = (found.request.digest, found.request.revision, found.request.remarks) == was
    return is_same and (found.state, found.votes, found.joined) == ("open", (), ())


async def test_a_question_by_mail_reaches_whoever_asked_and_its_answer_whoever_decides_in_one_thread(
    world: World,
) -> None:
    record = await asked(world)
    first = await world.next_mail("bo")

    await world.reply("bo", first, WHY)
    question = await world.next_mail("anna", about=WHY)
    await world.reply("anna", question, BECAUSE)
    answer = await world.next_mail("bo", about=BECAUSE)

    assert "A question: Press bell?" in question.text
    assert "Bo Berg asks you about an open request." in question.text
    assert f"What Bo Berg wrote:\n\n| {WHY}" in question.text
    assert "Anna Ames answered." in answer.text
    assert f"What Anna Ames wrote:\n\n| {BECAUSE}" in answer.text
    assert f"Question by Bo Berg: “{WHY}”" in answer.text
    assert (question.references, answer.references) == (first.references, first.references)
    assert await is_untouched(world, record)
    assert await said(world, record) == [("question", "bo", WHY), ("answer", "anna", BECAUSE)]
    assert "answer is on the card now" in (await world.next_mail("anna")).text
    await world.reply("bo", answer, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_whoever_asks_is_told_where_the_question_goes_and_can_decide_by_that_mail(world: World) -> None:
    record = await asked(world)
    await brought(world, record)

    told = await world.next_mail("bo", about="Your question goes to Anna Ames")
    await world.reply("bo", told, "deny: not like that")

    assert "was not counted as a decision" in " ".join(told.text.split())
    assert f"Question by Bo Berg: “{WHY}”" in told.text
    assert await world.summary(record.request.run_id) == "failed: denied: not like that"


@opens(
    TOML.replace(
        '[policies.production]\napprovers = ["group:release"]\n',
        '[policies.production]\nrequester_may_approve = true\napprovers = ["person:anna", "group:release"]\n',
    )
)
async def test_no_answer_is_a_vote_though_whoever_asked_may_approve(world: World) -> None:
    for words in ("yes", "Yes, approved by the boss"):
        record = await asked(world)
        question = await brought(world, record)

        await world.reply("anna", question, words)

        await world.next_mail("bo", about=words)
        assert await is_untouched(world, record)


@pytest.mark.parametrize("what", ["approve", "deny", "deny in a pause"])
@opens(TOML + ROLES)
async def test_whoever_is_asked_about_a_copy_that_another_one_made_hears_what_became_of_it(
    world: World, what: str
) -> None:
    first = await world.trigger("press bell", "eve")
    await world.opened(first)
    copy = await world.app.runs.forks.retry(first, Asker(PersonId("ole"), proof=as_by("cli")))
    record = await world.opened(copy)
    await world.reply("bo", await world.next_mail("bo", about=record.request.digest), WHY)
    await world.next_mail("eve", about=WHY)
    if "pause" in what:
        await world.steer(copy, "pause", "ole")

    await world.decide("cy", await world.request(record.request.id), "approve" if what == "approve" else "deny")

    heard = [await world.next_mail(person, about=copy) for person in ("ole", "eve")]
    assert heard[0].text.partition("Reference")[0] == heard[1].text.partition("Reference")[0]
    assert ("bell: done" in heard[1].text) == (what == "approve")
    await world.quiet()
    assert [one for one in world.mails("eve") if copy in one.text] == [world.mails("eve")[-1]]


@opens(STEPS, change=lambda world: world.workshop.policy_of.update(bell="spending"))
async def test_the_answer_comes_to_those_who_decide_after_whoever_asked_back(world: World) -> None:
    record = await asked(world)
    question = await brought(world, record)
    await world.decide("bo", record, "approve")

    await world.reply("anna", question, BECAUSE)

    for person in ("dan", "eve"):
        heard = await world.next_mail(person, about=BECAUSE)
        assert f"Question by Bo Berg: “{WHY}”" in heard.text
    assert "Anna Ames answered." in (await world.next_mail("bo", about=BECAUSE)).text


@opens(SOLO, change=on_solo)
@pytest.mark.parametrize("why", few_of(["it was handed on", "they are away"], 1))
async def test_the_answer_comes_to_whoever_decides_in_the_place_of_who_asked_back(world: World, why: str) -> None:
    record = await asked(world)
    question = await brought(world, record)
    if why == "they are away":
        await away(world, "bo", "cy")
    else:
        await world.delegate("bo", record, "cy")
    await world.next_mail("cy", about="Press bell")

    await world.reply("anna", question, BECAUSE)

    heard = await world.next_mail("cy", about=BECAUSE)
    assert f"Question by Bo Berg: “{WHY}”" in heard.text
    await world.next_mail("bo", about=BECAUSE)


async def test_the_answer_to_somebody_who_has_left_comes_to_the_others(world: World) -> None:
    question = await brought(world, await asked(world))
    await becomes(world, without(world.toml, "bo"))

    await world.reply("anna", question, BECAUSE)

    await world.next_mail("cy", about=BECAUSE)
    await world.quiet()
    assert not await world.dead()


async def asks(world: World, record: RequestRecord, person: str, text: str) -> None:
    """They ask back in a terminal."""
    ended = await sayso(world, "ask-back", record.request.id, text, "--as", person)
    assert "Your question goes to Anna Ames" in ended.out


@pytest.mark.parametrize("way", ["answered", "they wait as well"])
async def test_attack_a_question_waits_for_ever_behind_as_many_newer_ones_as_a_card_takes(
    world: World, way: str
) -> None:
    record = await asked(world)
    question = await brought(world, record)
    for number in range(COMMENTS):
        await asks(world, record, "cy", f"And what about number {number}?")
        if way == "answered":
            await world.decide("anna", record, "free_text", f"number {number} is fine")

    await world.reply("anna", question, BECAUSE)

    answer = await world.next_mail("bo", about=BECAUSE)
    kept = await said(world, record)
    assert kept[-1] == ("answer", "anna", BECAUSE)
    assert len(kept) == COMMENTS
    if way == "answered":
        assert f"Question by Bo Berg: “{WHY}”" in answer.text


async def test_stop_takes_the_request_back_also_below_a_question(world: World) -> None:
    record = await asked(world)

    await world.reply("anna", await brought(world, record), "No, stop.")

    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "withdrawn"
    assert world.workshop.effects == []


async def test_what_was_asked_stands_on_the_card_of_what_is_asked_anew_and_its_answer_comes_there(world: World) -> None:
    record = await asked(world)
    question = await brought(world, record)
    await world.steer(record.request.run_id, "pause")
    await world.decide("cy", record, "approve")
    world.workshop.meaning["bell"] = "another bell"
    await world.steer(record.request.run_id, "resume")
    again = await world.opened(record.request.run_id, after=record.request.id)
    card = await world.next_mail("cy", about=again.request.digest)

    assert f"Question by Bo Berg: “{WHY}”" in " ".join(card.text.split())
    waits = again.question_for(PersonId("anna"))
    assert waits is not None
    assert waits.text == WHY

    await world.reply("anna", question, BECAUSE)
    answer = await world.next_mail("bo", about=BECAUSE)

    assert again.request.digest in answer.text
    assert await said(world, again) == [("question", "bo", WHY), ("answer", "anna", BECAUSE)]
    await world.reply("bo", answer, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_an_answer_that_comes_after_the_decision_is_told_so_and_kept(world: World) -> None:
    record = await asked(world)
    question = await brought(world, record)
    await world.decide("cy", record, "deny", "no")

    await world.reply("anna", question, BECAUSE)

    told = await world.next_mail("anna", about="Your answer is kept and changes nothing")
    assert "Already decided: Cy Cole denied" in told.text
    noted = [event for event in await world.events(record.request.run_id) if event.type == "answer_noted"]
    assert noted[-1].text == BECAUSE


async def test_a_question_that_could_be_sent_only_after_the_decision_says_that_it_is_decided(world: World) -> None:
    record = await asked(world)
    async with world.stopped():
        await world.start(receives=False)
        await world.decide("bo", record, "free_text", WHY, channel="email")
        await world.decide("cy", record, "deny", "no")
        await world.ended(record.request.run_id)
        await world.stop()

    told = await world.next_mail("anna", about="Already decided: Cy Cole denied")

    assert "To answer, reply" not in told.text


async def test_the_page_has_a_field_to_ask_and_one_to_answer(world: World) -> None:
    record = await asked(world)
    place = f"/requests/{record.request.id}"
    async with a_console(world) as console:
        bo, anna, cy = [await console.browser(person) for person in ("bo", "anna", "cy")]

        page = await bo.get(place)
        empty = await bo.submit(page.form(f"{place}/answer"), "Ask Anna Ames", reason=" ")
        assert "Nothing was sent" in empty.words
        assert await said(world, record) == []
        asks = await bo.submit(page.form(f"{place}/answer"), "Ask Anna Ames", reason=WHY)
        assert "Your question goes to Anna Ames" in asks.words
        page = await anna.get(place)
        assert f"Question by Bo Berg “{WHY}”" in page.words
        answers = await anna.submit(page.form(f"{place}/answer"), reason=BECAUSE)
        assert "Your answer is on the card now" in answers.words

        shown = (await cy.get(place)).words
        assert f"Question by Bo Berg “{WHY}”" in shown
        assert f"Answer by Anna Ames “{BECAUSE}”" in shown
        assert "Ask Anna Ames" in shown
        assert "Your answer" not in (await anna.get(place)).words
    assert await is_untouched(world, record)
    assert "Anna Ames answered" in (await world.next_mail("bo", about=BECAUSE)).text


async def test_a_question_typed_as_an_answer_in_a_terminal_goes_to_whoever_asked_and_is_no_success(
    world: World,
) -> None:
    record = await asked(world)

    ended = await sayso(world, "answer", record.request.id, "approve?", "--as", "bo")
    answers = await sayso(world, "answer", record.request.id, BECAUSE, "--as", "anna")

    assert ended.code == 1
    assert "Your question goes to Anna Ames, and was not counted as a decision" in ended.out
    assert "approve?" in (await world.next_mail("anna", about="Bo Berg asks you")).text
    assert (answers.code, "Your answer is on the card now" in answers.out) == (0, True)
    assert await is_untouched(world, record)
    shown = (await sayso(world, "show", record.request.id)).out
    assert "said       Question by Bo Berg: approve?" in shown
    assert f"said       Answer by Anna Ames: {BECAUSE}" in shown


async def test_over_http_a_question_is_asked_once_and_answered_with_a_key_that_may_only_answer_and_says_no_more(
    world: World, api: Api
) -> None:
    record = await asked(world)
    place, once = f"/v1/requests/{record.request.id}", {"Idempotency-Key": "one"}
    bo, anna, dan = [await api.client(one, *scopes) for one, *scopes in (("bo",), ("anna", "answer"), ("dan",))]
    for _ in range(2):
        asks = await bo.post(f"{place}/answer", json={"ask": "Why now"}, headers=once)
        assert (asks.status_code, asks.json()["judgement"]) == (200, {"type": "asked", "whom": ["anna"]})
    for _ in range(2):
        answers = await anna.post(f"{place}/answer", json={"text": BECAUSE}, headers=once)
        assert (answers.status_code, answers.json()["judgement"]["type"]) == (200, "replied")

    assert (await anna.post(f"{place}/answer", json={"text": "and press the horn"})).status_code == 403
    assert (await dan.post(f"{place}/answer", json={"ask": "Why now"})).status_code == 404

    comments = (await bo.get(place)).json()["comments"]
    assert [(one["kind"], one["person"], one["text"]) for one in comments] == [
        ("question", "bo", "Why now"),
        ("answer", "anna", BECAUSE),
    ]
    assert comments[1]["about"] == comments[0]["id"]
    assert await is_untouched(world, record)
    await world.quiet()
    assert len([letter for letter in world.mails("anna") if "Why now" in letter.text]) == 1


async def test_the_index_of_what_was_said_can_be_made_anew(world: World) -> None:
    record = await asked(world)
    await world.reply("anna", await brought(world, record), BECAUSE)
    await world.next_mail("bo", about=BECAUSE)
    await world.quiet()

    store, events = world.app.store, await world.events(record.request.run_id)
    [holder] = [holder for event in events if isinstance(event, AnswerNoted) for holder in event.holders]
    before = await store.delivery(holder.delivery_id)
    await store.client.do("HDEL", Keys.of(holder.delivery_id).deliveries, holder.delivery_id)

    assert (await rebuild(store)).differed == 0

    assert fold(events).requests == {record.request.id: await world.request(record.request.id)}
    assert before == await store.delivery(holder.delivery_id)
    assert [event.why for event in events if isinstance(event, CardReplaced)] == ["comment", "comment"]
