"""What is live: who let it be and when, how it went before, and how fast people decide."""

from datetime import timedelta

from agents.requests import RunId
from bot.queries.environments import Place
from bot.queries.lists import all_requests, runs
from bot.render.views import RequestView, Summary
from bot.web.console.views.places import DAYS, History, history_of
from tests.bot.web.console.stage import asked
from tests.servers.console import Console
from tests.world import World

COMMIT = "63e28bf340eb00adf1c86f486a1b26ba84fd9237"
WORKSHOP = Place("workshop", f"{COMMIT} (v1.2.0)", "production")


async def scene(world: World) -> tuple[list[RequestView], dict[RunId, Summary]]:
    """One approval that is done, one that failed, one denied, one open: newest first, with their runs."""
    world.workshop.breaks["cup"] = RuntimeError("broken")
    for what, vote in (("it", "approve"), ("cup", "approve"), ("bell", "deny")):
        record = await asked(world, f"press {what}")
        await world.decide("bo", record, "approve" if vote == "approve" else "deny")
        await world.ended(record.request.run_id)
    await asked(world, "press lamp")
    await world.quiet()
    found, _ = await runs(world.app.store, limit=10)
    return await all_requests(world.app.store, world.app.people), {one.id: one for one in found}


def with_commit(request: RequestView) -> RequestView:
    assert request.call
    effect = request.call.effect.model_copy(update={"commit": COMMIT})
    return request.model_copy(update={"call": request.call.model_copy(update={"effect": effect})})


async def test_the_history_tells_done_from_failed_and_from_denied_and_who_brought_what_is_live(world: World) -> None:
    requests, summaries = await scene(world)
    now = max(one.opened_at for one in requests)

    told = history_of(WORKSHOP, map(with_commit, requests), summaries, now)

    assert isinstance(told, History)
    assert {one.request.title: one.word for one in told.newest} == {
        "Press it?": "done",
        "Press cup?": "failed",
        "Press bell?": "denied",
        "Press lamp?": "open",
    }
    assert told.now
    assert told.now.request.title == "Press it?"
    assert (told.done, len(told.days), len(told.waits)) == (1, DAYS, 3)
    assert told.took is not None
    assert timedelta(0) <= told.took < timedelta(minutes=1)


async def test_what_came_another_way_is_nobodys_approval(world: World) -> None:
    requests, summaries = await scene(world)
    now = max(one.opened_at for one in requests)

    told = history_of(WORKSHOP, requests, summaries, now)
    later = history_of(WORKSHOP, requests, summaries, now + timedelta(days=DAYS))

    assert told
    assert told.now is None
    assert later
    assert (later.done, [bar.height for bar in later.days]) == (0, [0] * DAYS)
    assert history_of(Place("elsewhere", "", None), requests, summaries, now) is None


async def test_where_nothing_can_be_deployed_the_page_says_how_to_set_it_up(console: Console) -> None:
    page = await (await console.browser("anna")).get("/live")

    assert "No environment is set up. Add [deploy.environments.NAME] to sayso.toml" in page.words
