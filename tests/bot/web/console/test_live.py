"""What is live: who let it be and when, how it went before, and how fast people decide."""

import asyncio
from datetime import timedelta

import pytest

from agents.context.fields import Cut, fields_of
from agents.events import RequestDecided
from agents.requests import RunId
from bot.queries.environments import Place
from bot.queries.lists import all_requests, runs
from bot.render.views import RequestView, Summary
from bot.store import Commit, RecordWrite
from bot.store.ids import new_id
from bot.web.console.views.places import DAYS, History, deploys_of, history_of
from tests.bot.web.console.stage import asked
from tests.kit.world import World
from tests.servers.console import Console, a_console
from tests.stories.faults.test_deploy import release
from tests.stories.people.standing import done_once, granted, the_only
from tests.stories.people.test_departures import becomes

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


@pytest.mark.long
async def test_the_history_tells_done_from_failed_and_from_denied_and_who_brought_what_is_live(world: World) -> None:
    requests, summaries = await scene(world)
    now = max(one.opened_at for one in requests)

    told = history_of(WORKSHOP, deploys_of(WORKSHOP, map(with_commit, requests), summaries), now)

    assert isinstance(told, History)
    assert {one.title: one.word for one in told.newest} == {
        "Press it": "done",
        "Press cup": "failed",
        "Press bell": "denied",
        "Press lamp": "open",
    }
    assert told.now
    assert told.now.title == "Press it"
    assert (told.done, len(told.days), len(told.waits)) == (1, DAYS, 3)
    assert told.took is not None
    assert timedelta(0) <= told.took < timedelta(minutes=1)


async def test_what_came_another_way_is_nobodys_approval(world: World) -> None:
    requests, summaries = await scene(world)
    now = max(one.opened_at for one in requests)

    told = history_of(WORKSHOP, deploys_of(WORKSHOP, requests, summaries), now)
    later = history_of(WORKSHOP, deploys_of(WORKSHOP, requests, summaries), now + timedelta(days=DAYS))

    assert told
    assert told.now is None
    assert later
    assert (later.done, [bar.height for bar in later.days]) == (0, [0] * DAYS)
    assert history_of(WORKSHOP, deploys_of(Place("elsewhere", "", None), requests, summaries), now) is None


async def test_what_people_say_was_not_done_brought_nothing(world: World) -> None:
    requests, summaries = await scene(world)
    now = max(one.opened_at for one in requests)
    undone = {
        name: run.model_copy(
            update={"effects": tuple(one.model_copy(update={"result": "not_done"}) for one in run.effects)}
        )
        for name, run in summaries.items()
    }

    told = history_of(WORKSHOP, deploys_of(WORKSHOP, map(with_commit, requests), undone), now)

    assert told
    assert told.now is None


@pytest.mark.long
async def test_what_was_done_stays_done_when_its_run_fails_later(world: World) -> None:
    requests, summaries = await scene(world)
    now = max(one.opened_at for one in requests)
    later = {name: one.model_copy(update={"state": "failed", "word": "failed"}) for name, one in summaries.items()}
    older = {name: one.model_copy(update={"effects": ()}) for name, one in later.items()}

    told = history_of(WORKSHOP, deploys_of(WORKSHOP, map(with_commit, requests), later), now)
    of_an_older_release = history_of(WORKSHOP, deploys_of(WORKSHOP, map(with_commit, requests), older), now)

    assert told
    assert told.now
    assert told.now.title == "Press it"
    assert {one.title: one.word for one in told.newest}["Press cup"] == "failed"
    assert of_an_older_release
    assert {one.title: one.word for one in of_an_older_release.newest}["Press it"] == "failed"


async def test_what_is_too_long_ago_to_be_known_is_not_said_to_have_ended_as_its_run(world: World) -> None:
    requests, summaries = await scene(world)
    now = max(one.opened_at for one in requests)
    effect = next(one.effects[0] for one in summaries.values() if one.effects)
    others = tuple(effect.model_copy(update={"request_id": new_id("request", 0)}) for _ in range(20))
    later = {name: one.model_copy(update={"word": "failed", "effects": others}) for name, one in summaries.items()}

    told = history_of(WORKSHOP, deploys_of(WORKSHOP, map(with_commit, requests), later), now)

    assert told
    assert {one.title: one.word for one in told.newest}["Press it"] == "started"


@pytest.mark.long
async def test_what_nobody_had_to_approve_has_a_history_by_its_runs(shop: World) -> None:
    release(shop, "v1.1.0", "#!/bin/sh\nexit 3\n")
    first = await shop.trigger("deploy v1.2.0 to staging")
    await shop.ended(first)
    second = await shop.trigger("deploy v1.1.0 to staging")
    await shop.ended(second)
    await shop.quiet()
    found, _ = await runs(shop.app.store, limit=10)
    staging = next(one for one in await shop.app.live.places(anew=True) if one.name == "staging")

    told = history_of(staging, deploys_of(staging, (), {one.id: one for one in found}), shop.about_now())

    assert told
    assert [(one.title, one.word) for one in told.newest] == [
        ("deploy v1.1.0 to staging", "failed"),
        ("deploy v1.2.0 to staging", "done"),
    ]
    assert told.now
    assert (told.now.href, told.now.by, told.done, told.took) == (f"/runs/{first}", ("anna",), 1, None)


async def test_the_page_names_the_run_that_brought_what_is_live(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to staging")
    await shop.ended(run_id)
    await shop.quiet()

    async with a_console(shop) as console:
        page = await (await console.browser("anna")).get("/live")

    assert "Asked for by Anna Ames, begun" in page.words
    assert "the run that brought it" in page.words
    assert f"/runs/{run_id}" in page.links


async def test_attack_whoever_sees_only_their_own_deploy_reads_that_it_brought_what_others_brought_back(
    shop: World,
) -> None:
    for who, version in (("anna", "v1.1.0"), ("cy", "v1.2.0"), ("cy", "v1.1.0")):
        run_id = await shop.trigger(f"deploy {version} to production", who)
        await shop.decide("bo", await shop.opened(run_id), "approve")
        await shop.ended(run_id)
    await shop.quiet()

    async with a_console(shop) as console:
        anna = (await (await console.browser("anna")).get("/live")).words
        everybody = (await (await console.browser("cy")).get("/live")).words

    assert "Asked for by Anna Ames" not in anna
    assert "Nothing that you may see brought it" in anna
    assert "Asked for by Cy Cole" in everybody


async def test_attack_whoever_sees_only_their_own_reads_that_it_brought_what_others_brought_before_many_newer_requests(
    shop: World,
) -> None:
    for who, version in (("anna", "v1.1.0"), ("cy", "v1.2.0"), ("cy", "v1.1.0")):
        run_id = await shop.trigger(f"deploy {version} to production", who)
        await shop.decide("bo", await shop.opened(run_id), "approve")
        await shop.ended(run_id)
    question = (await shop.opened(await shop.trigger("deploy to staging", "cy"))).request
    (body,) = await shop.app.store.lists.records_of([question.id])
    assert body
    for _ in range(200):
        newer = new_id("request", 0)
        told = body.replace(question.id.encode(), newer.encode())
        record = RecordWrite(newer, 0, "open", told, shop.about_now())
        await shop.app.store.commit(Commit(run_id=new_id("run", 0), records=[record]))

    async with a_console(shop) as console:
        anna = (await (await console.browser("anna")).get("/live")).words

    assert "Asked for by Anna Ames" not in anna
    assert "None of the newest that you may see is known to have brought it." in anna
    assert "1 deployment in 14 days, until today, of the newest that you may see" in anna


@pytest.mark.long
async def test_attack_the_page_calls_nobody_an_approver_who_was_not_asked(shop: World) -> None:
    where = "[policies.production]\n"
    await becomes(shop, shop.toml.replace(where, f'{where}standing = "5 in 30d"\n'))
    await granted(shop, await done_once(shop, "deploy v1.1.0 to production"), leave_open=("version",))
    run_id = await shop.trigger("deploy v1.2.0 to production")
    run = await shop.ended(run_id)
    assert len((await the_only(shop)).uses) == 1
    await shop.quiet()

    [use] = (await the_only(shop)).uses

    async with a_console(shop) as console:
        anna = await console.browser("anna")
        page = await anna.get("/live")
        own = [await anna.get(path) for path in (f"/requests/{use.request_id}", "/requests?all=&state=approved")]

    assert "Approved by a standing approval that Bo Berg granted" in own[0].words
    assert "approved by Bo" not in own[0].words.replace("Approved", "approved")
    assert "approved by a standing approval that Bo Berg granted" in own[1].words
    assert "allowed by a standing approval that Bo Berg granted" in page.words
    assert page.words.count("approved by Bo Berg") == 1  # the first one, which he was asked about
    assert "2 deployments in 14 days" in page.words
    said = [fields_of(event, Cut()) for event in await shop.events(run.id) if isinstance(event, RequestDecided)]
    assert said
    assert said[0]
    assert (said[0]["state"], said[0]["by"]) == ("approved by a standing approval, nobody was asked", [])


async def test_attack_however_many_look_at_once_each_environment_is_asked_once_how_it_is(shop: World) -> None:
    asked_of = shop.folder / "asked"
    (shop.folder / "demo" / "health.sh").write_text(f'#!/bin/sh\necho "$1" >> {asked_of}\n')
    async with a_console(shop) as console:
        anna = await console.browser("anna")

        pages = await asyncio.gather(*(anna.get("/live") for _ in range(20)))

    assert {page.status for page in pages} == {200}
    assert len(asked_of.read_text().splitlines()) <= 2 * len(shop.app.settings.deploy.environments)


async def test_where_nothing_can_be_deployed_the_page_says_how_to_set_it_up(console: Console) -> None:
    page = await (await console.browser("anna")).get("/live")

    assert "No environment is set up. Add [deploy.environments.NAME] to sayso.toml" in page.words
