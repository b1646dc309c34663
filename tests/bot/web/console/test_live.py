"""What is live: who let it be and when, how it went before, and how fast people decide."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from agents.context.fields import About, Cut, fields_of
from agents.events import RequestDecided
from agents.requests import RunId
from bot.queries import lists
from bot.queries.environments import Place
from bot.render.views import RequestView, Summary
from bot.store import Commit, RecordWrite
from bot.store.ids import new_id
from bot.web.console.views.places import DAYS, History, deploys_of, history_of
from tests.bot.web.console.stage import asked
from tests.kit.world import World
from tests.servers.console import Console, a_console
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
    found, *_ = await lists.runs(world.app.store, limit=10)
    requests, *_ = await lists.requests(world.app.store, world.app.people, limit=10)
    return [*requests], {one.id: one for one in found}


def with_commit(request: RequestView) -> RequestView:
    assert request.call
    effect = request.call.effect.model_copy(update={"commit": COMMIT})
    return request.model_copy(update={"call": request.call.model_copy(update={"effect": effect})})


async def test_the_history_tells_done_from_failed_and_from_denied_and_who_brought_what_is_live(world: World) -> None:
    requests, summaries = await scene(world)
    now = max(one.opened_at for one in requests)

    def told(changed: Mapping[RunId, Summary], *, of: Place = WORKSHOP, by_tag: bool = True) -> History:
        seen = map(with_commit, requests) if by_tag else requests
        found = history_of(of, deploys_of(of, seen, changed), now)
        assert isinstance(found, History)
        return found

    def changed(**update: Any) -> dict[RunId, Summary]:
        return {name: one.model_copy(update=update) for name, one in summaries.items()}

    def words(history: History) -> dict[str, str]:
        return {one.title: one.word for one in history.newest}

    first = told(summaries)
    assert words(first) == {"Press it": "done", "Press cup": "failed", "Press bell": "denied", "Press lamp": "open"}
    assert first.now
    assert first.now.title == "Press it"
    assert (first.done, len(first.days), len(first.waits)) == (1, DAYS, 3)
    assert first.took is not None
    assert timedelta(0) <= first.took < timedelta(minutes=1)
    # What came another way is nobody's approval, and has no past.
    assert told(summaries, by_tag=False).now is None
    later = history_of(WORKSHOP, deploys_of(WORKSHOP, requests, summaries), now + timedelta(days=DAYS))
    assert later
    assert (later.done, [bar.height for bar in later.days]) == (0, [0] * DAYS)
    assert history_of(WORKSHOP, deploys_of(Place("elsewhere", "", None), requests, summaries), now) is None
    # What people say was not done brought nothing.
    undone = {
        name: run.model_copy(
            update={"effects": tuple(one.model_copy(update={"result": "not_done"}) for one in run.effects)}
        )
        for name, run in summaries.items()
    }
    assert told(undone).now is None
    # What was done stays done when its run fails later, where its effects are known.
    failed = told(changed(state="failed", word="failed"))
    assert failed.now
    assert (failed.now.title, words(failed)["Press cup"]) == ("Press it", "failed")
    assert words(told(changed(state="failed", word="failed", effects=())))["Press it"] == "failed"
    # What is too long ago to be known is not said to have ended as its run.
    effect = next(one.effects[0] for one in summaries.values() if one.effects)
    others = tuple(effect.model_copy(update={"request_id": new_id("request", 0)}) for _ in range(20))
    assert words(told(changed(word="failed", effects=others)))["Press it"] == "started"


async def test_the_page_names_the_run_that_brought_what_is_live(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to staging")
    await shop.ended(run_id)
    await shop.quiet()

    async with a_console(shop) as console:
        page = await (await console.browser("anna")).get("/live")

    assert "Asked for by Anna Ames, begun" in page.words
    assert "the run that brought it" in page.words
    assert f"/runs/{run_id}" in page.links


async def test_attack_whoever_sees_only_their_own_reads_that_it_brought_what_others_brought_back(
    shop: World,
) -> None:
    """Also before many newer requests."""
    for who, version in (("anna", "v1.1.0"), ("cy", "v1.2.0"), ("cy", "v1.1.0")):
        run_id = await shop.trigger(f"deploy {version} to production", who)
        await shop.decide("bo", await shop.opened(run_id), "approve")
        await shop.ended(run_id)
    await shop.quiet()
    async with a_console(shop) as console:
        few = (await (await console.browser("anna")).get("/live")).words
        everybody = (await (await console.browser("cy")).get("/live")).words
    assert "Asked for by Anna Ames" not in few
    assert "Nothing that you may see brought it" in few
    assert "3 deployments in 14 days, until today" in few, "a count is of all"
    assert "Asked for by Cy Cole" in everybody
    question = (await shop.opened(await shop.trigger("deploy to staging", "cy"))).request
    (body,) = await shop.app.store.lists.records_of([question.id])
    assert body
    newer = [new_id("request", 0) for _ in range(1_000)]
    told = {one: body.replace(question.id.encode(), one.encode()) for one in newer}
    records = [RecordWrite(one, 0, "open", told[one], shop.about_now()) for one in newer]
    await shop.app.store.commit(Commit(run_id=new_id("run", 0), records=records))

    async with a_console(shop) as console:
        anna = (await (await console.browser("anna")).get("/live")).words

    assert "Asked for by Anna Ames" not in anna
    assert "None of the newest that you may see is known to have brought it." in anna
    assert "At least 1 deployment in 14 days, until today" in anna


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

    told = [("nobody was asked" in one.words, "Bo Berg granted it" in one.words) for one in (*own, page)]
    assert told == [(True, True)] * 3
    # The lists have the first deploy as well, which he was asked about, and that of requests what he granted.
    assert [one.words.count("Bo Berg approved") for one in (*own, page)] == [0, 2, 1]
    assert "allowed by a standing approval that Bo Berg granted" in page.words
    assert "2 deployments in 14 days" in page.words
    decided = [event for event in await shop.events(run.id) if isinstance(event, RequestDecided)]
    said = fields_of(decided[0], Cut(), About())
    assert said
    assert said.by == (), "whoever granted it said nothing here"
    assert (said.fields["state"], said.fields["by"]) == ("approved by a standing approval, nobody was asked", [])


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
