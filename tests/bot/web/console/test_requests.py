"""People answer on the page, with plain forms, and are told what became of it."""

import asyncio

import pytest

from agents.requests import RequestId
from tests.bot.web.console.stage import answer, asked, buttons, decision, place, proof
from tests.kit.long import few_of
from tests.kit.world import World
from tests.servers.console import Console, Page, sent


async def test_bo_approves_on_the_page_of_the_run_and_it_is_done(world: World, console: Console) -> None:
    record, bo = await asked(world), await console.browser("bo")
    page = await bo.get(f"/runs/{record.request.run_id}")
    for said in ("Press it", record.request.digest, 'press {"what": "it"}', 'runs: ["press", "it"]', "Anna Ames"):
        assert said in page.words

    after = await bo.submit(page.form(f"{place(record)}/answer"), "Approve")

    assert after.path == f"/runs/{record.request.run_id}"
    assert "Bo Berg approved on" in after.words
    assert await world.summary(record.request.run_id) == "done: ok: press it: done"
    made = await decision(world, record)
    assert (made.state, made.by, made.channel) == ("approved", ("bo",), "console")


async def test_a_denial_brings_its_reason_to_whoever_asked(world: World, console: Console) -> None:
    record, anna = await asked(world), await console.browser("anna")

    after = await answer(await console.browser("cy"), record, "Deny", reason="too loud\nat night")

    assert after.path == place(record)
    assert (await decision(world, record)).reason == "too loud\nat night"
    await world.ended(record.request.run_id)
    assert "too loud at night" in (await anna.get(f"/runs/{record.request.run_id}")).words


async def test_a_note_does_not_get_out_of_its_quotation_marks(world: World, console: Console) -> None:
    world.workshop.policy_of["it"] = "pair"
    record, bo, cy = await asked(world), await console.browser("bo"), await console.browser("cy")
    path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")
    page = Page(await bo.post(path, dict(fields) | {"reason": "fine”; Cy Cole approved by slack, with the note “ok"}))
    await bo.submit(page.form(path), "Approve with this note")

    words = (await cy.get(place(record))).words

    assert "with the note “fine'; Cy Cole approved by slack, with the note 'ok”" in words


async def test_two_are_needed_and_the_page_says_how_far_it_is(world: World, console: Console) -> None:
    world.workshop.policy_of["it"] = "pair"
    record, bo, cy = await asked(world), await console.browser("bo"), await console.browser("cy")

    after = await answer(bo, record, "Approve")

    assert "Your approval counts, and is not enough yet. In all it takes: Bo Berg and Cy Cole." in after.words
    assert "So far Bo Berg approved by console" in after.words
    assert buttons(after) == {"Ask Anna Ames", "Deny"}
    assert "Nothing needs your attention." in (await bo.get("/requests")).words
    assert place(record) in (await cy.get("/requests")).links
    assert "Bo Berg and Cy Cole approved on" in (await answer(cy, record, "Approve")).words
    assert (await world.ended(record.request.run_id)).state == "done"


@pytest.mark.parametrize(
    ("question", "button", "picks", "given"),
    few_of(
        [
            ("yes_no Now?", "Yes", (), "yes"),
            ("yes_no Now?", "No", (), "no"),
            ("choice Which? | red, green", "Answer", ("2",), "green"),
            ("choices Which? | red, green, blue", "Answer", ("1", "3"), "red, blue"),
            ("choice Which? | 2, 1", "Answer", ("1",), "2"),
        ],
        0,
        4,
        rows=True,
    ),
)
async def test_a_question_is_answered_by_a_click(
    world: World, console: Console, question: str, button: str, picks: tuple[str, ...], given: str
) -> None:
    record, anna = await asked(world, f"ask {question}"), await console.browser("anna")

    after = await answer(anna, record, button, *picks)

    assert f"Answer {given}" in after.words
    assert (await world.summary(record.request.run_id)).startswith("done: answered")
    made = (await decision(world, record)).given
    assert made
    assert made.text == given


async def test_a_form_is_filled_in_field_by_field_and_no_value_can_be_two(world: World, console: Console) -> None:
    record, anna = await asked(world, "ask form Where to? | street, city"), await console.browser("anna")

    await answer(anna, record, "Answer", **{"field-1": "Elm: 5\ncity: Ulm", "field-2": " Bonn  am Rhein "})

    made = (await decision(world, record)).given
    assert made
    assert made.form == {"street": "Elm: 5 city: Ulm", "city": "Bonn am Rhein"}


@pytest.mark.parametrize(
    "text", few_of(["In my own words.\n\nApprove!", "approve", "deny", "<b>é</b>", "x" * 8_000], 0, 4)
)
async def test_a_question_in_own_words_takes_any_words(world: World, console: Console, text: str) -> None:
    record, anna = await asked(world, "ask free_text Why?"), await console.browser("anna")

    await answer(anna, record, "Answer", text=text)

    made = (await decision(world, record)).given
    assert made
    assert made.text.replace("\r\n", "\n") == text


@pytest.mark.parametrize(
    ("question", "fields", "told"),
    few_of(
        [
            ("yes_no Now?", {"text": "maybe"}, "Reply yes or no."),
            ("choice Which? | red, green", {"text": "3"}, "Reply with a number or a label alone. 1: red; 2: green"),
            ("choice Which? | red, green", {"text": ""}, "Reply with a number or a label alone."),
            ("choices Which? | red, green", {}, "Reply with a number or a label alone."),
            ("free_text Why?", {"text": "  \n "}, "The answer was empty."),
        ],
        0,
        4,
        rows=True,
    ),
)
async def test_what_is_no_answer_is_told_and_decides_nothing(
    world: World, console: Console, question: str, fields: dict[str, str], told: str
) -> None:
    record, anna = await asked(world, f"ask {question}"), await console.browser("anna")
    page = await anna.get(place(record))
    path, _ = sent(page.form(f"{place(record)}/answer"))
    hidden = dict(page.form(path).fields)

    answered = await anna.post(path, hidden | fields)

    assert told in (await anna.get(answered.headers["location"])).words
    assert (await world.request(record.request.id)).state == "open"


async def test_an_approval_of_what_has_changed_since_does_not_count_and_says_what_changed(
    world: World, console: Console
) -> None:
    record, bo = await asked(world), await console.browser("bo")
    old = (await bo.get(place(record))).form(f"{place(record)}/answer")
    await world.edit("anna", await world.request(record.request.id), what="that")

    after = await bo.submit(old, "Approve")

    assert "Your approval was for an older version and does not count." in after.words
    now = await world.request(record.request.id)
    assert now.votes == ()
    assert now.request.changes
    assert all(change in after.words for change in now.request.changes)
    assert "revision 2" in after.words
    assert "approved on" in (await answer(bo, record, "Approve")).words
    assert await world.summary(record.request.run_id) == "done: ok: press that: done"


async def test_a_form_can_not_lie_about_what_it_showed(world: World, console: Console) -> None:
    record, bo = await asked(world), await console.browser("bo")
    path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")
    good = dict(fields)

    for wrong in ({"digest": "0" * 64}, {"revision": "0"}, {"revision": "2"}, {"revision": "999999"}):
        told = await bo.get((await bo.post(path, good | wrong)).headers["location"])
        assert "does not count" in told.words
    for wrong in ({"digest": ""}, {"revision": "x"}, {"revision": "-1"}, {"once": ""}, {"revision": "1" * 7}):
        assert (await bo.post(path, good | wrong)).status_code == 400
    assert (await world.request(record.request.id)).votes == ()


async def test_a_form_that_is_sent_twice_is_one_answer(world: World, console: Console) -> None:
    world.workshop.policy_of["it"] = "pair"
    record, bo = await asked(world), await console.browser("bo")
    path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")

    answers = await asyncio.gather(*(bo.post(path, fields) for _ in range(8)))

    assert {one.status_code for one in answers} == {303}
    await world.quiet()
    events = await world.events(record.request.run_id)
    assert [event.type for event in events].count("vote_cast") == 1
    assert [event.type for event in events].count("answer_noted") == 0
    assert "Your approval counts" in (await bo.get(place(record))).words


async def test_the_lists_show_what_waits_on_me_and_what_anybody_was_asked(world: World, console: Console) -> None:
    record, bo, dan = await asked(world), await console.browser("bo"), await console.browser("dan")
    mine, dans = await bo.get("/requests"), await dan.get("/requests")
    all_of_them = await dan.get("/requests?all")

    assert place(record) in mine.links
    assert "Waiting 1" in mine.words
    assert place(record) not in dans.links
    assert place(record) in all_of_them.links
    for cursor in ("x", "1.x", "9" * 40, "-1.s0q-aaaaaaaaaaaaa", "%00", "1.s0q-aaaaaaaaaaaaa"):
        for path in ("/requests?all&cursor=", "/runs?cursor=", "/runs?state=done&cursor="):
            assert (await bo.get(path + cursor)).status == 200, cursor


@pytest.mark.parametrize(
    "name", few_of(["s0q-aaaaaaaaaaaaa", "s99q-aaaaaaaaaaaaa", "s0r-aaaaaaaaaaaaa", "x", "%00", "..%2f"], 0, 5)
)
async def test_what_does_not_exist_is_not_there(console: Console, name: str) -> None:
    bo = await console.browser("bo")
    fields = await proof(bo) | {"revision": "1", "digest": "0" * 64, "once": "x", "vote": "approve"}

    assert (await bo.get(f"/requests/{RequestId(name)}")).status == 404
    for verb in ("answer", "withdraw"):
        assert (await bo.post(f"/requests/{name}/{verb}", fields)).status_code == 404
    assert (await bo.get(f"/runs/{name}")).status == 404
    assert (await bo.post(f"/runs/{name}/pause", fields)).status_code == 404


@pytest.mark.parametrize(
    ("button", "state"), [("Approve with this note", "approved"), ("Send it as a comment", "open")]
)
async def test_words_beside_approve_are_asked_back_on_a_page_of_their_own(
    world: World, console: Console, button: str, state: str
) -> None:
    record, bo = await asked(world), await console.browser("bo")
    path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")

    page = Page(await bo.post(path, dict(fields) | {"reason": "only after <b>lunch"}))

    assert "only after <b>lunch" in page.words
    assert (await world.request(record.request.id)).state == "open"
    after = await bo.submit(page.form(path), button)
    found = await world.request(record.request.id)
    assert found.state == state
    assert "only after <b>lunch" in after.words
    if state == "approved":
        assert found.votes[0].reason == "only after <b>lunch"
    else:
        assert [one.text for one in found.comments] == ["only after <b>lunch"]
