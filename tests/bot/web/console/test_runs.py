"""A run's page tells its story, and people steer it there."""

import pytest

from tests.bot.web.console.stage import proof
from tests.kit.long import few_of
from tests.kit.world import World
from tests.servers.console import Console


async def test_a_runs_page_tells_its_story_from_the_question_to_the_end(world: World, console: Console) -> None:
    run_id, dan = await world.trigger("press it"), await console.browser("dan")
    record = await world.opened(run_id)
    await world.next_mail("cy")
    await world.quiet()
    waiting = await dan.get(f"/runs/{run_id}")
    await world.decide("bo", record, "approve")
    await world.ended(run_id)

    page = await dan.get(f"/runs/{run_id}")

    assert "done Anna Ames · clerk" in page.words
    at = 0
    for said in (
        "Anna Ames asked in the terminal press it",
        "Next: press, needs approval under policy production (fixed rules)",
        f"Asks: Press it? ({record.request.id})",
        "Card sent to Bo Berg by email",
        "Bo Berg approves in the terminal",
        "Bo Berg approved on",
        "Running press",
        "Succeeded press it: done",
        "Done ok: press it: done",
    ):
        at = page.words.find(said, at)
        assert at >= 0, f"{said!r} is not told, or not there: {page.words}"
    assert "data-follow" in waiting.html
    assert "data-follow" not in page.html
    pressed = {button.text for form in page.forms for button in form.buttons if "/runs/" in form.action}
    assert pressed == set(), "what changes a run asks on a page of its own"


async def test_a_question_asked_twice_by_one_form_is_one_run_and_people_pause_resume_and_cancel_it(
    world: World, console: Console
) -> None:
    anna = await console.browser("anna")
    form = (await anna.get("/")).form("/ask")

    first = await anna.submit(form, "Ask", text="stamp it")
    second = await anna.submit(form, "Ask", text="stamp it")
    other = await anna.submit((await anna.get("/")).form("/ask"), "Ask", text="stamp it")

    assert first.path == second.path != other.path
    await world.ended(first.path.removeprefix("/runs/"))
    home = await anna.get("/")
    assert [link for link in home.links if link.startswith("/runs/")] == [other.path, first.path]

    run_id, anna = await world.trigger("press it"), await console.browser("anna")
    await world.opened(run_id)
    path = f"/runs/{run_id}"

    for button, told, state in (
        ("Pause", "Paused: it stops at its next step.", "paused"),
        ("Resume", "Resumed.", "waiting"),
        ("Cancel the run", "Cancelled.", "cancelled"),
    ):
        verb = button.lower().split()[0]
        page = await anna.get(path if verb == "resume" else f"{path}/confirm/{verb}")
        after = await anna.submit(page.form(f"{path}/{verb}"), button)
        assert told in after.words
        assert (await world.has(run_id, state)).state == state

    answer = await anna.post(f"{path}/pause", await proof(anna))
    assert "has ended: cancelled" in (await anna.get(answer.headers["location"])).words
    assert (await anna.post(f"{path}/explode", await proof(anna))).status_code == 404
    looked = await anna.ask("GET", f"{path}/pause", Accept="text/html")
    assert (looked.status_code, looked.headers["allow"]) == (405, "POST")


async def test_a_run_is_forked_at_an_event_of_its_story_and_both_pages_lead_to_each_other(
    world: World, console: Console
) -> None:
    run_id, cy = await world.trigger("stamp it\npress it"), await console.browser("cy")
    await world.decide("bo", await world.opened(run_id), "approve")
    await world.ended(run_id)
    seq = next(place for place, one in enumerate(await world.events(run_id), 1) if one.type == "request_decided")

    page = await cy.get(f"/runs/{run_id}?raw")
    place = next(link for link in page.links if link.endswith(f"at={seq}"))

    made = await cy.submit((await cy.get(place)).form(f"/runs/{run_id}/fork"), "Fork")

    fork = made.path.removeprefix("/runs/")
    record = await world.opened(fork)
    assert [holder.person for holder in record.holders] == ["bo"]
    there = await cy.get(f"/runs/{fork}")
    assert f"Forked from {run_id} at event {seq}, by Cy Cole." in there.words
    assert f'href="/runs/{run_id}"' in there.html
    assert f"Made of this run: {fork}" in (await cy.get(f"/runs/{run_id}")).words


async def test_a_run_is_tried_again_from_its_beginning_and_a_fork_of_no_event_makes_nothing(
    world: World, console: Console
) -> None:
    run_id, anna = await world.trigger("stamp it"), await console.browser("anna")
    await world.ended(run_id)
    fields = await proof(anna)
    for at in ("", "x", "-1", "9" * 6):
        assert (await anna.post(f"/runs/{run_id}/fork", fields | {"at": at})).status_code == 400
    answer = await anna.post(f"/runs/{run_id}/fork", fields | {"at": "99"})
    assert "and no event 99" in (await anna.get(answer.headers["location"])).words
    assert await world.app.store.lists.runs() == [run_id]
    page = await anna.get(f"/runs/{run_id}/confirm/retry")

    after = await anna.submit(page.form(f"/runs/{run_id}/retry"), "Retry")

    assert "This is the new run." in after.words
    assert f"A retry of {run_id} at event 1, by Anna Ames." in after.words
    assert world.workshop.effects.count("stamp it") >= 1


@pytest.mark.parametrize("verb", few_of(["retry", "fork"], 0))
async def test_attack_a_button_that_is_pressed_twice_has_it_all_done_twice(
    world: World, console: Console, verb: str
) -> None:
    run_id, anna = await world.trigger("pull horn"), await console.browser("anna")
    await world.ended(run_id)
    page = await anna.get(f"/runs/{run_id}/confirm/{verb}?at=2")
    form = page.form(f"/runs/{run_id}/{verb}")

    first, second = [await anna.submit(form, verb.capitalize()) for _ in range(2)]

    assert first.path == second.path != f"/runs/{run_id}"
    await world.ended(first.path.removeprefix("/runs/"))
    await world.quiet()
    assert world.workshop.effects == ["pull horn", "pull horn"]
    anew = await anna.get(f"/runs/{run_id}/confirm/{verb}?at=2")
    assert (await anna.submit(anew.form(f"/runs/{run_id}/{verb}"), verb.capitalize())).path != first.path
