"""The page of what a program wants to do itself: it says of each state only what holds then."""

from agents.requests import RunId
from tests.bot.web.api.test_asking_approval import approved, begun, program
from tests.bot.web.console.stage import buttons
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console, Page

NOT_YET = "The program has not begun it yet. Until it does you can still stop it."
STOP = {"Stop: take the approval back"}


def follows(page: Page) -> str:
    """Return where a page asks for what is new on it, and which card it has."""
    return page.html.split('data-follow="')[1].split('"')[0]


async def test_what_a_program_has_not_begun_can_be_stopped_and_nothing_says_that_it_may_begin(
    world: World, console: Console
) -> None:
    ci, bo, cy = await program(console.api), await console.api.client("bo"), await console.api.client("cy", "admin")
    arguments = {"script": "set -e\n  make <all>\n", "n": 1}
    request, looks = await approved(ci, bo, arguments=arguments), await console.browser("bo")
    path, run_id = f"/requests/{request['id']}", RunId(request["run_id"])

    async def is_frozen() -> bool:
        return (await world.request(request["id"])).frozen is not None

    async def is_free() -> bool:
        return not await is_frozen()

    plain = await looks.get(path)
    assert '<pre tabindex="0">set -e\n  make &lt;all&gt;</pre>' in plain.html, "as several lines"

    await cy.post("/v1/freeze", json={"reason": "incident 4711"})
    await until(is_frozen, what="it is known to be frozen")
    frozen = await looks.get(path)
    await cy.post("/v1/unfreeze", json={"reason": "it is over"})
    await until(is_free, what="it is known to be frozen no longer")
    await world.steer(run_id, "pause")
    paused = await looks.get(path)
    await world.steer(run_id, "resume")
    resumed = await looks.get(path)

    assert all("Approved: " in page.words and NOT_YET in page.words for page in (plain, frozen, paused))
    assert f"{NOT_YET} Waits until the freeze ends." in frozen.words
    assert f"{NOT_YET} Paused by Anna Ames." in paused.words
    assert [buttons(page) for page in (plain, frozen, paused)] == [STOP] * 3
    assert follows(paused) != follows(resumed), "an open page shows that it is paused no longer"


async def test_of_what_nobody_reports_the_page_says_that_it_was_allowed_and_no_more(
    world: World, console: Console
) -> None:
    ci, bo = await program(console.api), await console.api.client("bo")
    request, looks = await approved(ci, bo, reports=False), await console.browser("bo")
    await begun(ci, request)
    await world.ended(request["run_id"])
    page = await looks.get(f"/requests/{request['id']}")

    assert "It was allowed. Nobody reports what came of it." in page.words
    assert "Done, says the program" not in page.words


async def test_where_no_word_came_nothing_says_that_it_was_interrupted(world: World, console: Console) -> None:
    ci, bo = await program(console.api), await console.api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)
    await world.move_time(31 * 86_400)
    await world.opened(request["run_id"], after=request["id"])

    page = await (await console.browser("bo")).get(f"/requests/{request['id']}")

    said = "The program did not say what came of it; nobody knows whether it happened. Those who may decide are asked."
    assert "Unknown: " in page.words
    assert said in page.words
