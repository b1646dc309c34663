"""Freezes: what is frozen starts nowhere, waits without a worker, says so to everybody, and goes on by itself."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agents.events import RequestFrozen, ToolStarted
from agents.requests import Freeze, PersonId, RequestId, RunId
from bot.app import App
from bot.audit.reading import Query
from bot.cli.show import request_line
from bot.config.deploy import DAYS
from bot.errors import Conflict
from bot.queries import lists
from bot.registry.environments import environments_of
from bot.render.request_card import standing
from bot.render.times import moment
from bot.store import Keys
from bot.store.ids import new_id, shard_of
from bot.store.locks import Locks
from tests.bot.cli.shell import sayso
from tests.bot.execution.test_executor import found_gone
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it
from tests.servers.console import a_console, sent
from tests.servers.lines import Server
from tests.servers.web import serving
from tests.stories.test_rollback import live

BO = PersonId("bo")
_LISTED = """
[deploy.environments.{name}]
repo = "/srv/shop"
policy = "production"
command = ["./deploy.sh"]
live = ["./live.sh"]
"""
WHY = "incident 4711"


async def frozen(world: World, run_id: RunId) -> Freeze:
    """What freezes the run, once it waits for that."""

    async def seen() -> Freeze | None:
        run = await world.run(run_id)
        waits = await world.app.store.client.do("SMEMBERS", f"{{{run_id.partition('r')[0]}}}:approved:waits")
        return run.pending.frozen if run.pending and waits else None

    return await until(seen, what=f"{run_id} waits for the end of a freeze")


async def is_listed_frozen(world: World, run_id: RunId) -> bool:
    [listed], *_ = await lists.runs(world.app.store, stands="waiting", limit=1)
    return (listed.id, listed.word) == (run_id, "frozen")


async def check_says_frozen(world: World, run_id: RunId, request_id: RequestId) -> None:
    """Check that lists and pages say that what is approved is held by a freeze, and since when."""
    await until(partial(is_listed_frozen, world, run_id), what=f"{run_id} is listed as frozen")
    [found], *_ = await lists.requests(world.app.store, world.people, limit=1)
    async with a_console(world) as console:
        browser = await console.browser("anna")
        runs, requests = (await browser.get("/runs")).words, (await browser.get("/requests?all")).words
        story = (await browser.get(f"/runs/{run_id}")).words

    assert request_line(found, world.about_now()).endswith("approved, frozen)")
    assert "press bell frozen Anna Ames" in runs
    assert "Press bell? press bell approved frozen asked by Anna Ames" in requests
    assert "Waits until workshop is unfrozen. Frozen since " in story
    card = standing(await world.request(request_id), await world.run(run_id), world.people, world.about_now(), 1)
    assert [line.label for line in card.decides] == ["Frozen"]


async def test_what_is_approved_while_it_is_frozen_starts_when_the_freeze_ends_and_nothing_else_waits(
    world: World,
) -> None:
    record = await world.opened(run_id := await world.trigger("press bell"))

    await world.app.requests.freezes.freeze("workshop", BO, WHY, proof=None)
    assert "by Bo Berg: “incident 4711”" in (await world.next_mail("anna", about="Frozen: Press bell")).text
    await world.app.requests.freezes.freeze("workshop", BO, "said again", proof=None)
    for shard in range(world.app.store.shards):
        await world.app.store.freezes.note_told(shard, "")
        await world.app.requests.freezes.look(shard)
    await world.decide("bo", record, "approve")

    found = await frozen(world, run_id)
    assert (found.environment, found.by, found.reason) == ("workshop", "bo", WHY)
    assert (await world.run(run_id)).state == "waiting"
    await check_says_frozen(world, run_id, record.request.id)
    assert await world.summary(await world.trigger("stamp book")) == "done: ok: stamp book: done", "it has no gate"
    await world.quiet()
    assert world.workshop.effects == ["stamp book"]
    assert len([event for event in await world.events(run_id) if isinstance(event, RequestFrozen)]) == 1
    assert sum("Frozen" in mail.text for mail in world.mails("anna")) == 1

    await world.app.requests.freezes.unfreeze("workshop", BO, "it is over", proof=None)
    assert await world.summary(run_id) == "done: ok: press bell: done"
    assert (await world.dead(), await world.tries()) == ([], [])

    await world.app.requests.freezes.freeze("production", BO, WHY, proof=None)
    await world.decide("bo", await world.opened(other := await world.trigger("press gong")), "approve")
    assert await world.summary(other) == "done: ok: press gong: done"
    await world.seal()
    noted, _ = await world.app.audit.search(Query(kind="frozen"))
    assert sorted((str(one["who"]), str(one["words"])) for one in noted) == [("bo", WHY)] * 2 + [("bo", "said again")]


async def test_attack_a_record_that_nobody_can_read_keeps_the_others_of_its_shard_waiting_after_a_freeze(
    world: World,
) -> None:
    world.is_tampered = True
    await world.app.requests.freezes.freeze("", BO, WHY, proof=None)
    waiting: dict[int, list[RunId]] = {}
    while not (both := next((runs for runs in waiting.values() if len(runs) > 1), None)):
        run_id = await world.trigger(f"press bell {len(waiting)}")
        await world.decide("bo", await world.opened(run_id), "approve")
        await frozen(world, run_id)
        waiting.setdefault(shard_of(run_id), []).append(run_id)
    store = world.app.store
    first, *_ = await store.freezes.concerned(shard_of(both[0]))
    await store.client.do("HSET", Keys.of(first).request(first), "body", "{}")
    [other] = [run_id for run_id in both if first not in (await world.run(run_id)).requests]

    await world.app.requests.freezes.unfreeze("", BO, "it is over", proof=None)

    assert await world.summary(other)
    assert "ask" in (await world.next_mail("dan", about=first)).text


async def test_what_is_asked_under_a_freeze_says_so_and_is_asked_again_where_that_outlasts_its_approval(
    world: World,
) -> None:
    await world.app.requests.freezes.freeze("workshop", BO, WHY, proof=None)
    await world.app.requests.freezes.freeze("workshop", BO, "and once more", proof=None)

    record = await world.opened(run_id := await world.trigger("press bell"))

    card = " ".join((await world.next_mail("cy")).text.split())
    notice = " ".join((await world.next_mail("anna", about="Frozen: Press bell")).text.split())
    assert "Frozen: since " in card
    assert " UTC on " not in card, "the moment is on the clock of whoever reads it"
    assert f"by Bo Berg: “{WHY}”" in card
    assert "If you approve: nothing starts until the freeze of workshop ends; if that is more than " in card
    assert "it goes on by itself then. If an approval is too old by then, people are asked again." in notice
    await world.decide("bo", record, "approve")
    assert (await frozen(world, run_id)).reason == WHY
    await world.quiet()
    assert sum("Frozen" in mail.text for mail in world.mails("anna")) == 1
    assert (await world.dead(), await world.tries()) == ([], [])

    await world.move_time(901)
    await world.app.requests.freezes.unfreeze("workshop", BO, "", proof=None)

    again = await world.opened(run_id, after=record.request.id)
    anew = "This is not what was approved earlier, so it needs a new approval"
    assert f"{anew}: the approval is older than 900 s." in again.request.changed
    assert again.frozen is None
    assert (await world.request(record.request.id)).state == "superseded"
    assert world.workshop.effects == []


@pytest.mark.parametrize(("by", "begins"), few_of([("a run", True), ("a program", False)], 0, rows=True))
async def test_attack_a_card_that_is_on_its_way_as_a_freeze_begins_or_ends_says_what_is_so(
    redis: str, tmp_path: Path, *, by: str, begins: bool
) -> None:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        url = f"redis://127.0.0.1:{proxy.said['redis_port']}/0"
        async with a_world(url, tmp_path / "data") as world, serving(world.app) as api, another(world, redis) as other:
            program = await api.client(None, "ask", service="laptop", acts_for=["anna"], asks=("policy:production",))
            if not begins:
                await said(other, other.requests.freezes.freeze("", BO, WHY, proof=None))
            before = "run_started+context_fetched+step_chosen+" if by == "a program" else ""
            opened = f"{before}request_opened{'' if begins else '+request_frozen'}"
            proxy.ask(do="arm", name=f"commit {opened}", nth=1, when="before", act="hold")
            wish: dict[str, Any] = {"title": "press bell", "policy": "production", "arguments": {}}
            asking = asyncio.create_task(program.post("/v1/requests", json=wish)) if before else None
            run_id = "" if asking else await world.trigger("press bell")
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="a request on its way")

            freezes = other.requests.freezes
            await said(
                other,
                freezes.freeze("", BO, WHY, proof=None)
                if begins
                else freezes.unfreeze("", BO, "it is over", proof=None),
            )
            proxy.ask(do="release")

            run_id = (await asking).json()["run_id"] if asking else run_id
            assert bool((await world.opened(run_id)).frozen) == begins


@pytest.mark.parametrize("begins", few_of([False, True], 0))
async def test_attack_a_mail_that_waits_as_a_freeze_begins_or_ends_is_as_risky_as_it_is_then(
    world: World, *, begins: bool
) -> None:
    async with world.stopped():
        await world.start(receives=False)
        freezes = world.app.requests.freezes
        if not begins:
            await freezes.freeze("workshop", BO, WHY, proof=None)
        await world.opened(await world.trigger("press bell"))
        await until(world.tries, what="a card was put off")
        await said(
            world.app,
            freezes.freeze("workshop", BO, WHY, proof=None)
            if begins
            else freezes.unfreeze("workshop", BO, "it is over", proof=None),
        )
        await world.stop()

    mail = await world.next_mail("cy", about="Press bell")
    told = ("⚠ frozen by Bo Berg" in mail.text, "Frozen: since" in mail.text)
    assert (mail.subject.startswith("⚠ "), *told) == (begins, begins, begins)


async def said(app: App, word: Awaitable[object]) -> None:
    """Freeze or unfreeze something, and tell all whom that concerns by then."""
    await word
    for shard in range(app.store.shards):
        await app.requests.freezes.look(shard)


@asynccontextmanager
async def another(world: World, url: str) -> AsyncGenerator[App]:
    """Another process of `world`, which reaches Redis at `url`."""
    world.url, own = url, world.url
    app = world.composed(world.settings())
    world.url = own
    yield app
    await app.store.client.close()


@pytest.mark.parametrize("is_over_in_time", few_of([True, False], 0))
async def test_what_was_interrupted_and_would_be_done_once_more_waits_for_the_end_of_a_freeze(
    redis: str, tmp_path: Path, *, is_over_in_time: bool
) -> None:
    async with a_world(redis, tmp_path / "data") as world, beside_it(World(redis, tmp_path / "other")) as other:
        world.workshop.policy_of["letter"] = "production"
        may_end = world.workshop.hold("letter")
        record = await world.opened(run_id := await world.trigger("stamp letter"))
        await world.decide("bo", record, "approve")
        await until(lambda: world.workshop.started == ["stamp letter"], what="it has begun")
        await world.app.requests.freezes.freeze("workshop", BO, WHY, proof=None)

        await found_gone(world, other, await world.run(run_id))

        assert (await frozen(world, run_id)).reason == WHY
        assert "by Bo Berg: “incident 4711”" in (await world.next_mail("anna", about="Frozen: Stamp letter")).text
        await world.quiet()
        assert (await world.dead(), world.workshop.started) == ([], ["stamp letter"])
        if is_over_in_time:
            await world.app.requests.freezes.unfreeze("workshop", BO, "it is over", proof=None)
            await until(lambda: world.workshop.started == ["stamp letter"] * 2, what="it is done once more")
            may_end.set()
            assert await world.summary(run_id) == "done: ok: stamp letter: done"
            assert (await world.request(record.request.id)).frozen is None
        else:
            await world.move_time(901)
            await world.app.requests.freezes.unfreeze("workshop", BO, "it is over", proof=None)
            await world.has(run_id, "unknown")
            assert (await world.opened(run_id)).request.purpose == "unknown"
            may_end.set()


async def test_a_denial_and_a_cancel_end_what_waits_for_the_end_of_a_freeze(world: World) -> None:
    await world.app.requests.freezes.freeze("", BO, WHY, proof=None)
    asked = [await world.opened(await world.trigger("press bell")) for _ in range(2)]
    for record in asked:
        await world.decide("bo", record, "approve")
        await frozen(world, record.request.run_id)
    denied, cancelled = asked

    await world.decide("cy", denied, "deny", "better not")
    await world.steer(cancelled.request.run_id, "cancel")

    assert await world.summary(denied.request.run_id) == "failed: revoked: better not"
    assert (await world.request(denied.request.id)).frozen is None
    await world.ended(cancelled.request.run_id)
    await world.quiet()
    before = [await world.events(record.request.run_id) for record in asked]
    await world.app.requests.freezes.unfreeze("", BO, "over", proof=None)
    for shard in range(world.app.store.shards):
        await world.app.requests.freezes.look(shard)
    await world.quiet()
    assert [await world.events(record.request.run_id) for record in asked] == before


async def test_attack_a_freeze_that_stays_as_it_was_said_again_is_ended_in_the_audit_log(
    world: World,
) -> None:
    freezes = world.app.requests.freezes
    await freezes.freeze("workshop", BO, WHY, proof=None)

    _, ended, _ = await asyncio.gather(
        freezes.freeze("workshop", BO, "another one", proof=None),
        freezes.unfreeze("workshop", BO, "fixed", proof=None),
        freezes.freeze("workshop", BO, "one more", proof=None),
        return_exceptions=True,
    )

    await world.seal()
    stays = [one.environment for one in await freezes.all()] == ["workshop"]
    noted = [record.get("outcome", "") for record in (await world.app.audit.search(Query(kind="unfrozen")))[0]]
    assert stays == isinstance(ended, Conflict) == ("frozen" in noted)


async def test_in_the_console_who_hears_alerts_freezes_every_page_says_it_and_what_a_run_waits_for(
    world: World,
) -> None:
    async with a_console(world) as console:
        dan, bo, cy = [await console.browser(person) for person in ("dan", "bo", "cy")]
        record = await world.opened(run_id := await world.trigger("press bell"))
        assert "If you approve it starts right away" in (await cy.get(f"/runs/{run_id}")).words

        form = (await dan.get("/live")).form("/live/freeze")
        told = (await dan.submit(form, "Freeze", environment="", reason=WHY)).words
        assert told.count("Everything: Frozen since") == 3, "as it is told, above every page, and in the list"
        assert "Everything: Frozen since" in (await bo.get("/runs")).words
        assert all("freeze" not in form.action for form in (await bo.get("/live")).forms)
        await world.next_mail("anna", about="Frozen: Press bell")
        words = (await cy.get(f"/runs/{run_id}")).words
        assert "If you approve nothing starts until the freeze of workshop ends" in words
        assert "Waits until" not in words
        await world.decide("bo", record, "approve")
        await frozen(world, run_id)
        words = (await cy.get(f"/runs/{run_id}")).words
        assert "Waits until the freeze ends. Frozen since" in words
        assert "It has not begun, and can be stopped until it does. Waits until the freeze ends." in words

        over = (await dan.get("/live")).form("/live/unfreeze")
        without_why = await dan.post(*sent(over, "Unfreeze"))
        assert (without_why.status_code, len(await world.app.requests.freezes.all())) == (400, 1)
        assert "Everything is no longer frozen." in (await dan.submit(over, "Unfreeze", reason="it is over")).words
        assert "Nobody has frozen Everything" in (await dan.submit(over, "Unfreeze", reason="it is over")).words
        assert (await world.app.store.freezes.read()).freezes == {}


@pytest.mark.parametrize("ends", ["by a word", "by its name"])
async def test_attack_a_freeze_holds_nothing_any_more_as_the_file_calls_otherwise_what_is_frozen(
    redis: str, tmp_path: Path, ends: str
) -> None:
    """Whatever the settings list by now may be what was frozen, by another name."""
    listed, gone = f"{TOML}{_LISTED.format(name='workshop')}", _LISTED.format(name="old")
    async with a_world(redis, tmp_path / "data", listed + gone) as world:
        freezes = world.app.requests.freezes
        await freezes.freeze("old", BO, WHY, proof=None)
        await becomes(world, f"{listed}# It is called otherwise by now.\n")
        record = await world.opened(run_id := await world.trigger("press bell"))
        await world.decide("bo", record, "approve")

        assert (await frozen(world, run_id)).environment == "old"
        assert "so this freezes all that they list" in (await world.next_mail("anna", about="Frozen: Press bell")).text
        assert world.workshop.effects == []

        if ends == "by its name":
            await becomes(world, listed + gone)
        else:
            await world.app.requests.freezes.unfreeze("old", BO, "it is over", proof=None)
        assert await world.summary(run_id) == "done: ok: press bell: done"


async def test_attack_somebody_reads_that_nothing_freezes_what_a_freeze_holds_whose_name_the_file_has_no_more(
    redis: str, tmp_path: Path
) -> None:
    listed, gone = f"{TOML}{_LISTED.format(name='workshop')}", _LISTED.format(name="old")
    async with a_world(redis, tmp_path / "data", listed + gone) as world:
        for name in ("old", "workshop"):
            await world.app.requests.freezes.freeze(name, BO, WHY, proof=None)
        await becomes(world, f"{listed}# It is called otherwise by now.\n")

        ended = await sayso(world, "unfreeze", "--env", "workshop", "--reason", "it is over", "--as", "dan")
        assert "Still frozen: old" in ended.out
        for env in (["--env", "workshop"], []):
            explained = await sayso(world, "policies", "explain", "production", "--as", "anna", *env)
            assert "so this freezes all that they list" in " ".join(explained.out.split())


async def test_attack_a_freeze_that_the_first_shard_lost_alone_is_shown_again_and_can_be_ended(world: World) -> None:
    freezes, store = world.app.requests.freezes, world.app.store
    await freezes.freeze("workshop", BO, WHY, proof=None)
    await store.client.do("DEL", Keys(0).frozen)  # a node of a cluster, whose replica lacked it

    for shard in range(2):
        await freezes.look(shard)

    assert [one.environment for one in await freezes.all()] == ["workshop"]
    assert await freezes.unfreeze("workshop", BO, "it is over", proof=None)
    assert [(await store.freezes.read(shard)).freezes for shard in range(2)] == [{}, {}]


async def test_a_window_of_the_settings_freezes_until_it_ends(redis: str, tmp_path: Path) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ends = today + timedelta(days=2)
    window = f"""
[[freeze.windows]]
name = "year end"
environments = ["workshop"]
from = "{today:%Y-%m-%dT%H:%M}"
until = "{ends:%Y-%m-%dT%H:%M}"
"""
    async with a_world(redis, tmp_path / "data", TOML.replace('"15m"', '"30d"') + window) as world:
        run_id = await world.trigger("press bell")
        await world.decide("bo", await world.opened(run_id), "approve")
        found = await frozen(world, run_id)
        assert (found.window, found.until) == ("year end", ends)
        await world.quiet()
        assert world.workshop.effects == []

        await world.move_time((ends - await world.now()).total_seconds())

        assert await world.summary(run_id) == "done: ok: press bell: done"


async def test_two_processes_whose_files_have_other_windows_tell_whoever_waits_once_and_not_in_turn(
    redis: str, tmp_path: Path
) -> None:
    days = ", ".join(f'"{day}"' for day in DAYS)
    windowed = f'[[freeze.windows]]\nname = "year end"\ndays = [{days}]\n{TOML}'
    async with a_world(redis, tmp_path / "data") as older:
        run_id = await older.trigger("press bell")
        await older.opened(run_id)
        async with beside_it(World(redis, tmp_path / "other", windowed)) as newer:
            freezes = [world.app.requests.freezes for world in (newer, older)]

            async def looked(times: int) -> list[str]:
                for _ in range(times):
                    for each in freezes:
                        for shard in range(older.app.store.shards):
                            await each.look(shard)
                found = [event for event in await older.events(run_id) if isinstance(event, RequestFrozen)]
                return [one.freeze.window if one.freeze else "" for one in found]

            assert len(told := await looked(10)) <= 2
            assert "year end" in told

            await freezes[1].freeze("", PersonId("dan"), WHY, proof=None)
            assert len(more := await looked(10)) <= len(told) + 2
            await freezes[1].unfreeze("", PersonId("dan"), "it is over", proof=None)
            assert len(await looked(10)) <= len(more) + 2


@asynccontextmanager
async def queued(shop: World) -> AsyncGenerator[RunId]:
    """An approved deploy while it waits for its turn; at the end the lock is free."""
    [production] = (one for one in environments_of(shop.settings()).values() if one.name == "production")
    # Nobody keeps it, so its lease is a long one.
    locks, other = (
        Locks(shop.app.store.client, shop.app.store.shards, 600),
        f"{new_id('run', 0)} {new_id('attempt', 0)}",
    )
    assert (await locks.take(production.lock, other)).state == "taken"
    run_id = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(run_id), "approve")

    async def waits() -> bool:
        return (await shop.run(run_id)).queued is not None

    await until(waits, what="the deploy waits for its turn")
    yield run_id
    mine = await locks.holding(production.lock, other)
    assert mine
    await locks.give_up(mine)


async def test_attack_a_freeze_while_a_deploy_waits_for_its_turn_stops_it(shop: World) -> None:
    before = live(shop, "production")
    async with queued(shop) as run_id:
        await shop.app.requests.freezes.freeze("production", BO, WHY, proof=None)
    assert (await frozen(shop, run_id)).reason == WHY
    assert live(shop, "production") == before
    [record] = [one for one in await shop.requests() if one.request.run_id == run_id]
    assert record.started_at is None

    await shop.app.requests.freezes.unfreeze("production", BO, "", proof=None)

    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "production") == "v1.2.0"
    starts = [event for event in await shop.events(run_id) if isinstance(event, ToolStarted) and event.request_id]
    assert len(starts) == 2, "the one that did not begin, and the one after the freeze"


async def test_attack_a_deploy_that_waits_for_its_turn_is_void_by_no_file_that_was_cut(shop: World) -> None:
    departures, here = shop.app.requests.departures, set(shop.people.all()) - {shop.people.named("bo")}
    async with queued(shop) as run_id:
        assert await departures.would_lose(here, ["production"], is_cut=True)
    assert (await shop.ended(run_id)).state == "done"
    assert not await departures.would_lose(here, ["production"], is_cut=True)


@pytest.mark.long
async def test_somebody_freezes_and_unfreezes_in_a_terminal(world: World) -> None:
    record = await world.opened(run_id := await world.trigger("press bell"))

    said = await sayso(world, "freeze", "--env", "workshop", "--reason", WHY, "--as", "bo")
    listed = await sayso(world, "freezes")
    await world.decide("bo", record, "approve")

    assert said.code == 0
    assert said.out.startswith("workshop: Frozen since ")
    assert "by Bo Berg: “incident 4711”" in listed.out
    assert (await frozen(world, run_id)).by == "bo"
    shown = await sayso(world, "show", record.request.id)
    assert "frozen" in shown.out
    assert "by Bo Berg: “incident 4711”" in shown.out
    ended = await sayso(world, "unfreeze", "--env", "workshop", "--reason", "over", "--as", "bo")
    assert ended.out == "workshop is no longer frozen.\n"
    assert await world.summary(run_id) == "done: ok: press bell: done"
    again = await sayso(world, "unfreeze", "--env", "workshop", "--reason", "over", "--as", "bo")
    assert again.code == 1
    assert "Nobody has frozen workshop" in again.err


async def test_the_windows_that_come_next_are_listed_by_their_clock_and_on_a_page_by_that_of_its_reader(
    world: World,
) -> None:
    there, here = ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")
    begins = (world.about_now() + timedelta(days=1)).astimezone(there).replace(second=0, microsecond=0)
    ends = begins + timedelta(days=2)
    async with world.stopped():
        world.toml = world.toml.replace("[people.bo]\n", '[people.bo]\ntimezone = "America/New_York"\n')
        world.toml += f"""
[[freeze.windows]]
name = "stocktaking"
environments = ["workshop", "store"]
from = "{begins:%Y-%m-%dT%H:%M}"
until = "{ends:%Y-%m-%dT%H:%M}"
timezone = "Asia/Kolkata"
"""

    listed, raw = await sayso(world, "freezes"), await sayso(world, "freezes", "--json")
    async with a_console(world) as console:
        page = await (await console.browser("bo")).get("/live")

    told = "workshop and store: the window “stocktaking”, from {}, until {}"
    said = told.format(moment(there, begins), moment(there, ends))
    assert listed.out == f"Nothing is frozen.\n\nWindows that come next:\n  {said}\n"
    assert json.loads(raw.out)["coming"][0]["told"] == said
    assert f"Windows that come next {told.format(moment(here, begins), moment(here, ends))}" in page.words
