"""A card reads as its reader decides, and says afterwards what came of it."""

from collections.abc import Sequence

import pytest

from tests.bot.web.console.stage import answer, asked, buttons, place
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console, a_console


def in_order(words: str, parts: Sequence[str]) -> bool:
    """Return whether `parts` stand in `words`, one after the other. Raises AssertionError for one that does not."""
    at = 0
    for part in parts:
        at = words.find(part, at)
        assert at >= 0, f"{part!r} is not there, or not there yet: {words}"
    return True


async def test_a_card_says_what_who_and_why_who_else_until_when_then_the_buttons_then_the_details(
    world: World, console: Console
) -> None:
    record, bo = await asked(world, "press it"), await console.browser("bo")

    page = await bo.get(place(record))

    assert in_order(
        page.words,
        [
            "Press it?",
            "Anna Ames asks.",
            "What Anna Ames wrote: press it",
            "Approval by you or Cy Cole",
            "Expires",
            "in 3 h 59 min",
            "Approve",
            "Deny",
            "Details",
            'press {"what": "it"}',
            record.request.digest,
        ],
    )
    details = page.html.index("<details")
    assert record.request.digest not in page.html[:details].replace(f'value="{record.request.digest}"', "")


async def test_after_the_decision_the_page_of_the_request_says_what_came_of_it_and_leads_to_the_run(
    world: World, console: Console
) -> None:
    held = world.workshop.hold("it")
    record, bo = await asked(world), await console.browser("bo")
    await answer(bo, record, "Approve")
    await until(lambda: world.workshop.started, what="it starts")
    running = await bo.get(place(record))
    held.set()
    await world.ended(record.request.run_id)

    page = await bo.get(place(record))

    assert in_order(running.words, ["Press it", "Running", "Began", "Approved by Bo Berg"])
    assert in_order(page.words, ["Press it", "Done", "Began", ", ended", "Approved by Bo Berg", "press it: done"])
    assert f"/runs/{record.request.run_id}" in page.links


@pytest.mark.parametrize("where", few_of(["run", "request"], 0))
async def test_what_failed_is_shown_with_its_last_lines_first_and_all_of_it_folded(
    world: World, console: Console, where: str
) -> None:
    world.workshop.breaks["it"] = RuntimeError("\n".join(f"line {number}" for number in range(60)))
    record, bo = await asked(world), await console.browser("bo")
    await answer(bo, record, "Approve")
    await world.ended(record.request.run_id)

    page = await bo.get(place(record) if where == "request" else f"/runs/{record.request.run_id}")

    said = page.html[page.html.index('class="came"') :]
    shown = said[said.index("<pre") : said.index("</pre>")]
    assert "Failed" in page.words
    assert shown.endswith("line 59")
    assert "line 39\n" not in shown
    assert "line 40\n" in shown
    assert "line 0\n" in said[said.index("<details>") : said.index("</details>")]


async def test_the_card_stays_on_the_page_of_the_run_after_the_decision(world: World, console: Console) -> None:
    record, anna = await asked(world), await console.browser("anna")
    await world.decide("cy", record, "deny", "too loud")
    await world.ended(record.request.run_id)

    page = await anna.get(f"/runs/{record.request.run_id}")

    assert in_order(page.words, ["Denied Nothing was done.", "Denied by Cy Cole", "too loud", "Details"])
    assert buttons(page) == set()


async def test_a_reader_sees_every_time_on_their_own_clock(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.replace('name = "Bo Berg"', 'name = "Bo Berg"\ntimezone = "Asia/Tokyo"')
    async with a_console(world) as console:
        record, bo = await asked(world), await console.browser("bo")
        after = await answer(bo, record, "Approve")
        await world.ended(record.request.run_id)
        run = await bo.get(f"/runs/{record.request.run_id}")

    for page in (after, run):
        assert "JST" in page.words
        assert "UTC" not in page.words


async def test_a_program_reads_what_the_run_began_with(world: World, console: Console) -> None:
    record = await asked(world)

    answered = await (await console.api.client("bo")).get(f"/v1/requests/{record.request.id}")

    assert answered.json()["words"] == "press it"
