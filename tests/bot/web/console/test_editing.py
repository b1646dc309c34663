"""The page on which somebody who decides changes what is asked."""

from tests.bot.web.console.stage import asked, buttons, place
from tests.kit.world import World
from tests.servers.console import Console, Page, sent

_AGAIN = "Ask everybody again"


async def test_bo_changes_what_is_asked_and_cy_approves_that(world: World, console: Console) -> None:
    world.workshop.editable = ("what",)
    record, bo, cy = await asked(world), await console.browser("bo"), await console.browser("cy")
    assert "Change what…" in (await bo.get(place(record))).words
    page = await bo.get(f"{place(record)}/edit")
    assert 'name="field-what" value="it"' in page.html

    path, fields = sent(page.form(f"{place(record)}/edit"), _AGAIN)
    after = await bo.get((await bo.post(path, dict(fields) | {"field-what": "gong"})).headers["location"])

    assert "You changed what, and everybody is asked again." in after.words
    assert "Bo Berg changed what from it to gong: votes before are void." in after.words
    assert "Bo Berg, who changed what and may only deny it" in after.words
    assert buttons(after) == {"Ask Anna Ames", "Deny"}
    assert "You changed what is asked, so others approve it. Cy Cole may." in after.words
    theirs = await cy.get(place(record))
    await cy.submit(theirs.form(f"{place(record)}/answer"), "Approve")
    assert await world.summary(record.request.run_id) == "done: ok: press gong: done"


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


async def test_the_one_who_asked_changes_what_nobody_who_decides_may(world: World, console: Console) -> None:
    record, anna, bo = await asked(world), await console.browser("anna"), await console.browser("bo")
    assert "Change what…" not in (await bo.get(place(record))).words
    assert "Change what…" in (await anna.get(place(record))).words
    page = await anna.get(f"{place(record)}/edit")

    path, fields = sent(page.form(f"{place(record)}/edit"), _AGAIN)
    after = await anna.get((await anna.post(path, dict(fields) | {"field-what": "gong"})).headers["location"])

    assert "You changed what, and everybody is asked again." in after.words
    theirs = await bo.get(place(record))
    await bo.submit(theirs.form(f"{place(record)}/answer"), "Approve")
    assert await world.summary(record.request.run_id) == "done: ok: press gong: done"
