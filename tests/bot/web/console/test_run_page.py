"""A run's page says whom it waits for and how it stands, and asks before it changes anything."""

import pytest

from bot.web.console.views.story import parts_of
from bot.web.console.views.timeline import rows
from tests.bot.web.console.stage import answer, asked, place
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console
from tests.stories.test_child_runs import child_of


async def test_a_run_says_whom_it_waits_for_and_where_to_answer(world: World, console: Console) -> None:
    record, dan = await asked(world), await console.browser("dan")

    page = await dan.get(f"/runs/{record.request.run_id}")

    assert "Waits for Bo Berg or Cy Cole, asked just now: Press it?" in page.words
    assert place(record) in page.links


async def test_a_run_that_waits_for_a_child_says_whom_that_waits_for(world: World, console: Console) -> None:
    run_id, anna = await world.trigger("start_run press it"), await console.browser("anna")
    record = await world.opened(await child_of(world, run_id))
    await world.has(run_id, "waiting")

    page = await anna.get(f"/runs/{run_id}")

    assert "Waits for press it, which it started; that waits for Bo Berg or Cy Cole, asked just now" in page.words
    assert {f"/runs/{record.request.run_id}", place(record)} <= set(page.links)


async def test_steps_between_what_people_did_are_folded_and_say_what_they_hold(world: World) -> None:
    run_id = await world.trigger("stamp cup\nstamp plate\npress it")
    await world.opened(run_id)
    await world.quiet()

    parts = parts_of(rows(await world.events(run_id), world.app.people))

    folded = [part for part in parts if part.gist]
    assert folded[0].gist == "8 steps: looks up facts, chooses a step, stamp, succeeded"
    assert [row.seq for part in parts for row in part.rows] == list(range(1, len(await world.events(run_id)) + 1))
    assert [part.rows[0].text.partition(" ")[0] for part in parts if not part.gist][:2] == ["Anna", "Asks:"]


async def test_what_failed_stands_in_the_story_with_its_last_lines(world: World, console: Console) -> None:
    world.workshop.breaks["cup"] = RuntimeError("\n".join(f"line {number}" for number in range(60)))
    run_id = await world.trigger("stamp cup")
    await world.ended(run_id)

    page = await (await console.browser("anna")).get(f"/runs/{run_id}")

    story = page.html[page.html.index('class="story"') :]
    first = story[story.index('class="output"') : story.index("</pre>")]
    assert first.endswith("line 59")
    assert "line 39\n" not in first


@pytest.mark.parametrize(
    ("text", "vote", "word"),
    few_of(
        [("press it", "Deny", "denied"), ("press it", "Approve", "done"), ("ask yes_no Now?", "Yes", "answered")],
        0,
        rows=True,
    ),
)
async def test_what_people_refused_did_not_fail_and_what_never_began_is_not_done(
    world: World, console: Console, text: str, vote: str, word: str
) -> None:
    record, anna = await asked(world, text), await console.browser("anna")
    run_id = record.request.run_id
    answerer = await console.browser("bo" if vote in {"Approve", "Deny"} else "anna")
    await answer(answerer, record, vote)
    await world.ended(run_id)
    await world.quiet()

    page, listed = await anna.get(f"/runs/{run_id}"), await anna.get("/runs")

    assert f'class="state s-{word}">{word}<' in page.html
    assert f'class="state s-{word}">{word}<' in listed.html


async def test_before_a_run_is_cancelled_a_page_says_what_happens_and_who_hears_of_it(
    world: World, console: Console
) -> None:
    record, dan = await asked(world), await console.browser("dan")
    await world.next_mail("cy")
    path = f"/runs/{record.request.run_id}"

    page = await dan.get(f"{path}/confirm/cancel")

    assert "Cancel this run? Your click has changed nothing yet." in page.words
    told = "Anna Ames; Bo Berg, whose card is closed; Cy Cole, whose card is closed."
    assert f"Who hears of it: {told}" in page.words
    assert (await world.request(record.request.id)).state == "open"
    await dan.submit(page.form(f"{path}/cancel"), "Cancel the run")
    await world.ended(record.request.run_id)
    await world.quiet()
    for person in ("bo", "cy"):
        assert "withdrawn" in (await world.next_mail(person, about="Closed")).text.lower()
    assert await world.next_mail("anna", about="Cancelled")


async def test_attack_before_a_run_is_cancelled_whose_tool_runs_a_page_says_that_nothing_has_happened(
    world: World, console: Console
) -> None:
    record, anna, held = await asked(world), await console.browser("anna"), world.workshop.hold("it")
    run_id = record.request.run_id
    await answer(await console.browser("bo"), record, "Approve")
    await until(lambda: "press it" in world.workshop.started, what="the tool runs")

    page = await anna.get(f"/runs/{run_id}/confirm/cancel")

    held.set()
    assert "Nothing has happened" not in page.words
    assert "Cancel this run? Your click has changed nothing yet. It is about press it. It ends here" in page.words
    assert "What executes now is finished first" in page.words


@pytest.mark.parametrize("verb", ["pause", "cancel", "explode"])
async def test_what_can_not_be_done_to_a_run_is_not_offered(world: World, console: Console, verb: str) -> None:
    run_id, anna = await world.trigger("stamp it"), await console.browser("anna")
    await world.ended(run_id)

    page = await anna.get(f"/runs/{run_id}/confirm/{verb}")

    assert "That can't be done to this run now." in page.words
    assert all("/confirm/" not in form.action for form in page.forms)


async def test_the_raw_events_of_a_run_are_behind_a_link(world: World, console: Console) -> None:
    record, anna = await asked(world), await console.browser("anna")
    page = await anna.get(f"/runs/{record.request.run_id}")

    raw = await anna.get(next(link for link in page.links if link.endswith("?raw")))

    assert '"type": "run_started"' not in page.words
    assert '"type": "run_started"' in raw.words
    assert "data-follow" not in raw.html
