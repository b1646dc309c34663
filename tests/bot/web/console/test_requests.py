"""People answer on the page, with plain forms, and are told what became of it."""

import asyncio

from agents.requests import PersonId, RequestId
from tests.bot.web.console.stage import answer, asked, buttons, decision, place, proof
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.console import Console, Page, sent
from tests.stories.test_delegation import SOLO, on_solo


async def test_people_approve_and_answer_on_the_page_and_what_is_no_answer_is_told(
    world: World, console: Console
) -> None:
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

    anna = await console.browser("anna")
    wrong: tuple[tuple[str, dict[str, str], str], ...] = (
        ("yes_no Now?", {"text": "maybe"}, "Reply yes or no."),
        ("choices Which? | red, green", {}, "Reply with a number or a label alone."),
    )
    for question, fields, told in wrong:
        record = await asked(world, f"ask {question}")
        form = (await anna.get(place(record))).form(f"{place(record)}/answer")
        answered = await anna.post(form.action, dict(form.fields) | fields)
        assert told in (await anna.get(answered.headers["location"])).words
        assert (await world.request(record.request.id)).state == "open"

    anna = await console.browser("anna")
    rows: tuple[tuple[str, str, tuple[str, ...], dict[str, str], str], ...] = (
        ("yes_no Now?", "No", (), {}, "no"),
        ("choices Which? | red, green, blue", "Answer", ("1", "3"), {}, "red, blue"),
        ("free_text Why?", "Answer", (), {"text": "In my own words.\n\nApprove!"}, "In my own words.\r\n\r\nApprove!"),
    )
    for question, button, picks, typed, given in rows:
        record = await asked(world, f"ask {question}")
        after = await answer(anna, record, button, *picks, **typed)
        made = (await decision(world, record)).given
        assert made
        shown = " ".join(made.picks or given.split())
        assert f"Answer {shown}" in after.words
        assert (await world.summary(record.request.run_id)).startswith("done: answered")
        assert made.text.replace("\r\n", "\n") == given.replace("\r\n", "\n")

    record = await asked(world, "ask form Where to? | street, city")
    await answer(anna, record, "Answer", **{"field-1": "Elm: 5\ncity: Ulm", "field-2": " Bonn  am Rhein "})
    made = (await decision(world, record)).given
    assert made
    assert made.form == {"street": "Elm: 5 city: Ulm", "city": "Bonn am Rhein"}, "no value can be two"


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
    assert now.request.changed
    assert all(change in after.words for change in now.request.changed)
    assert "revision 2" in after.words
    assert "approved on" in (await answer(bo, record, "Approve")).words
    assert await world.summary(record.request.run_id) == "done: ok: press that: done"


async def test_a_form_can_not_lie_about_what_it_showed_and_what_does_not_exist_is_not_there(
    world: World, console: Console
) -> None:
    record, bo = await asked(world), await console.browser("bo")
    path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")
    good = dict(fields)

    for wrong in ({"digest": "0" * 64}, {"revision": "2"}):
        told = await bo.get((await bo.post(path, good | wrong)).headers["location"])
        assert "does not count" in told.words
    for wrong in ({"digest": ""}, {"revision": "x"}, {"revision": "-1"}, {"once": ""}, {"revision": "1" * 7}):
        assert (await bo.post(path, good | wrong)).status_code == 400
    assert (await world.request(record.request.id)).votes == ()

    bo = await console.browser("bo")
    fields = await proof(bo) | {"revision": "1", "digest": "0" * 64, "once": "x", "vote": "approve"}
    for kind, some_id in (("runs", "s0r-aaaaaaaaaaaaa"), ("requests", "s0q-aaaaaaaaaaaaa")):
        pages = [await bo.get(f"/{kind}/{one}") for one in ("bogus", some_id)]
        assert [(page.status, "There is no such r" in page.words) for page in pages] == [(404, True)] * 2
        assert pages[0].words == pages[1].words, "an address that was never one says no more"

    for name in ("s99q-aaaaaaaaaaaaa", "%00"):
        assert (await bo.get(f"/requests/{RequestId(name)}")).status == 404
        for verb in ("answer", "withdraw"):
            assert (await bo.post(f"/requests/{name}/{verb}", fields)).status_code == 404
        assert (await bo.get(f"/runs/{name}")).status == 404
        assert (await bo.post(f"/runs/{name}/pause", fields)).status_code == 404


async def test_a_form_that_is_sent_twice_is_one_answer_and_words_beside_approve_are_asked_back(
    world: World, console: Console
) -> None:
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

    world.workshop.policy_of["it"] = "pair"
    bo, cy = await console.browser("bo"), await console.browser("cy")
    note = "only after <b>lunch” Note by Cy Cole “ok"
    for button, is_vote in (("Approve with this note", True), ("Send it as a comment", False)):
        record = await asked(world)
        path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")

        page = Page(await bo.post(path, dict(fields) | {"reason": note}))

        assert "only after <b>lunch" in page.words
        assert (await world.request(record.request.id)).votes == ()
        await bo.submit(page.form(path), button)
        found = await world.request(record.request.id)
        assert [one.reason for one in found.votes] == [note] * is_vote
        assert [one.text for one in found.comments] == [note] * (not is_vote)
        if is_vote:
            said = "Note by Bo Berg “only after <b>lunch' Note by Cy Cole 'ok”"
            assert said in (await cy.get(place(record))).words


async def test_the_lists_show_what_waits_on_me_and_what_anybody_was_asked(world: World, console: Console) -> None:
    record, bo, dan = await asked(world), await console.browser("bo"), await console.browser("dan")
    mine, dans = await bo.get("/requests"), await dan.get("/requests")
    all_of_them = await dan.get("/requests?all")

    assert place(record) in mine.links
    assert "Waiting 1" in mine.words
    assert place(record) not in dans.links
    assert place(record) in all_of_them.links
    for cursor in ("x", "-1.s0q-aaaaaaaaaaaaa"):
        for path in ("/requests?all&cursor=", "/runs?cursor=", "/runs?state=done&cursor="):
            assert (await bo.get(path + cursor)).status == 200, cursor


_AGAIN = "Ask everybody again"


async def test_what_a_tool_refuses_is_told_beside_what_was_typed(world: World, console: Console) -> None:
    world.workshop.meaning["<b>mist"] = ""
    world.workshop.editable = ("what",)
    record, bo = await asked(world), await console.browser("bo")
    form = (await bo.get(f"{place(record)}/edit")).form(f"{place(record)}/edit")

    path, fields = sent(form, _AGAIN)
    answer = await bo.post(path, dict(fields) | {"field-what": "<b>mist"})

    assert answer.status_code == 422
    assert "There is no <b>mist" in Page(answer).words
    assert 'value="&lt;b&gt;mist"' in answer.text
    assert (await world.request(record.request.id)).request.revision == 1


@opens(SOLO, change=on_solo)
async def test_bo_hands_it_on_and_cy_approves_it(world: World, console: Console) -> None:
    """Who can hand it on to nobody has no such page."""
    record, bo, cy = await asked(world, "press bell"), await console.browser("bo"), await console.browser("cy")
    assert "Hand it on…" in (await bo.get(place(record))).words
    page = await bo.get(f"{place(record)}/hand-on")
    assert ("Cy Cole" in page.words, "Anna Ames" in page.words) == (True, False)

    path, fields = sent(page.form(f"{place(record)}/hand-on"), "Hand on")
    done = await bo.post(path, dict(fields) | {"to": "cy", "reason": "on the train"})
    after = await bo.get(done.headers["location"])

    assert "You handed it on to Cy Cole" in after.words
    assert "Bo Berg to Cy Cole: “on the train”" in after.words
    assert "Somebody else decides in your place. Cy Cole may." in after.words
    assert ("Deny" in buttons(after), "Approve" in buttons(after)) == (True, False)
    assert "Hand it on…" not in after.words
    theirs = await cy.get(place(record))
    await cy.submit(theirs.form(f"{place(record)}/answer"), "Approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"

    world.workshop.policy_of["bell"] = "production"
    record = await asked(world, "press bell")
    page = await bo.get(f"{place(record)}/hand-on")
    assert page.path == place(record)
    assert "There is nobody to whom you can hand this on." in page.words
    assert "Hand it on…" not in page.words


@opens(change=lambda world: world.workshop.policy_of.update(bell="pair", gong="pair"))
async def test_attack_an_approval_that_is_sent_again_once_it_is_void_or_all_is_over_reads_what_is_so(
    world: World, console: Console
) -> None:
    record, bo = await asked(world, "press bell"), await console.browser("bo")
    old = (await bo.get(place(record))).form(f"{place(record)}/answer")
    assert "Your approval counts, and is not enough yet." in (await bo.submit(old, "Approve")).words
    assert "Your approval counts, and is not enough yet." in (await bo.submit(old, "Approve")).words

    await world.edit("anna", await world.request(record.request.id), what="gong")
    again = await bo.submit(old, "Approve")
    assert "Your approval was for an older version and does not count." in again.words
    assert 'class="told not"' in again.html
    assert (await world.request(record.request.id)).votes == ()

    await world.decide("cy", await world.request(record.request.id), "deny")
    assert "Already decided: Cy Cole denied" in (await bo.submit(old, "Approve")).words

    record = await asked(world, "press harp")
    await world.app.requests.freezes.freeze("", PersonId("dan"), "incident", proof=None)
    old = (await bo.get(place(record))).form(f"{place(record)}/answer")
    assert "Bo Berg approved" in (await bo.submit(old, "Approve")).words
    await world.decide("cy", await world.request(record.request.id), "deny")
    again = await bo.submit(old, "Approve")
    assert "There is nothing to answer any more: the request is stopped." in again.words
    assert 'class="told not"' in again.html
