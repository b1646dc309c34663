"""A run's page follows what happens: parts that changed are sent, what somebody writes into is left alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from agents.requests import PersonId, RunId
from bot.web.here import PAGES
from tests.bot.web.test_crowds import crowd
from tests.kit.long import few_of
from tests.kit.waiting import patience
from tests.kit.world import World
from tests.servers.console import Browser, Console, Page, a_console
from tests.servers.markup import Markup

Part = tuple[str, str]


def following(page: Page) -> str:
    """Return where the page listens."""
    return next(attributes["data-follow"] for _, attributes in page.tags if "data-follow" in attributes)


async def until_part(stream: AsyncIterator[Part], name: str, words: str = "") -> list[Part]:
    """The parts up to the first that is called `name` and says `words`, with it."""
    seen: list[Part] = []
    async with patience():
        async for part in stream:
            seen.append(part)
            if part[0] == name and words in Markup(part[1]).words:
                return seen
    raise AssertionError(f"the stream ended without {name} that says {words!r}: {seen}")


async def batch(browser: Browser, path: str, mark: str = "") -> list[str]:
    """The names of the parts of a stream's first news and its mark; `mark` is that of an earlier one."""
    seen: list[str] = []
    headers = {"Last-Event-ID": mark} if mark else {}
    async with patience(), browser.open("GET", path, **headers) as answer:
        async for line in answer.aiter_lines():
            seen += [line] if line.startswith(("event: ", "id: ")) else []
            if line.startswith("id: "):
                return seen
    raise AssertionError(f"the stream ended without a mark: {seen}")


async def waiting_run(world: World, browser: Browser, text: str = "press it") -> Page:
    run_id = await world.trigger(text)
    await world.opened(run_id)
    await world.quiet()
    return await browser.get(f"/runs/{run_id}")


async def test_parts_of_the_page_come_as_they_change_and_the_end_takes_the_place_of_all(
    world: World, console: Console
) -> None:
    bo = await console.browser("bo")
    page = await waiting_run(world, bo)
    record = await world.opened(page.path.removeprefix("/runs/"))
    held = world.workshop.hold("it")
    async with aclosing(bo.stream(following(page))) as stream:
        await world.decide("cy", record, "approve")
        parts = dict(await until_part(stream, "story", "Running press"))
        if "card" not in parts:  # it may come before the story says so, or behind
            parts |= dict(await until_part(stream, "card"))
        held.set()
        seen = await until_part(stream, "end")

    assert {"head", "story", "card"} <= set(parts)
    assert {name for name, _ in seen[:-1]} <= {"head", "story", "count", "card", "live"}
    end = Markup(seen[-1][1])
    assert "Done ok: press it: done" in end.words
    assert all("data-follow" not in attributes for _, attributes in end.tags)
    now = await bo.get(page.path)
    assert end.words in now.words


async def test_a_card_that_stays_as_it_is_is_not_sent_again_nor_to_a_page_that_was_cut_off(
    world: World, console: Console
) -> None:
    world.workshop.policy_of["it"] = "pair"
    bo = await console.browser("bo")
    page = await waiting_run(world, bo)
    record = await world.opened(page.path.removeprefix("/runs/"))
    await world.steer(record.request.run_id, "pause")
    page = await bo.get(page.path)
    async with aclosing(bo.stream(following(page))) as stream:
        await world.steer(record.request.run_id, "pause", "cy")
        paused = await until_part(stream, "story", "Cy Cole paused the run")
        assert "card" not in {name for name, _ in paused}

        await world.decide("cy", record, "approve")
        voted = await until_part(stream, "card", "1 of 2: Cy Cole")
        assert [name for name, _ in voted].count("card") == 1
        form = Markup(voted[-1][1]).form(f"/requests/{record.request.id}/answer")
        await bo.submit(form, "Deny", reason="typed into a card that was sent")

    assert (await world.request(record.request.id)).state == "denied"

    world.workshop.policy_of["it"] = "pair"
    bo = await console.browser("bo")
    page = await waiting_run(world, bo)
    record = await world.opened(page.path.removeprefix("/runs/"))
    await world.decide("cy", record, "approve")
    await world.steer(record.request.run_id, "pause")
    first = await batch(bo, following(page))
    await world.steer(record.request.run_id, "pause")

    again = await batch(bo, following(page), first[-1].removeprefix("id: "))

    assert [line for line in first if not line.startswith("event: ")] == first[-1:]
    assert {"event: head", "event: story", "event: card"} <= set(first)
    assert [line for line in again if line.startswith("event: ")] == ["event: head", "event: story", "event: count"]
    assert again[-1] != first[-1]
    assert again[-1].partition(" ")[2].partition(" ")[2] == first[-1].partition(" ")[2].partition(" ")[2]


async def test_a_page_that_was_away_hears_all_of_it_at_once(world: World, console: Console) -> None:
    bo = await console.browser("bo")
    page = await waiting_run(world, bo)
    record = await world.opened(page.path.removeprefix("/runs/"))
    await world.decide("cy", record, "approve")
    await world.ended(record.request.run_id)

    for path in (following(page), f"{page.path}/now", f"{page.path}/now?seq=x&card=<b>", f"{page.path}/now?seq=0"):
        async with aclosing(bo.stream(path)) as stream:
            assert [name for name, _ in await until_part(stream, "end")] == ["end"]


@pytest.mark.parametrize(
    "end", few_of(["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"], 0, 9)
)
async def test_no_text_can_end_an_event_or_begin_another(world: World, console: Console, end: str) -> None:
    bo, evil = await console.browser("bo"), f"x{end}{end}event: end{end}data: <p>gone</p>{end}id: 99{end}{end}"
    run_id = await console.app.runs.starter.start("cli", f"ask free_text Why?\n{evil}", PersonId("bo"))
    record = await world.opened(run_id)

    async with aclosing(bo.stream(f"/runs/{run_id}/now")) as stream:
        seen = await until_part(stream, "card", "Why?")
        assert [name for name, _ in seen if name == "end"] == []
        await world.decide("bo", record, "free_text", evil)
        seen = await until_part(stream, "end")

    assert all("<p>gone</p>" not in html for _, html in seen)
    assert "event: end" in Markup(seen[-1][1]).words


async def test_a_stream_stays_open_with_pings_and_is_nothing_for_strangers(world: World) -> None:
    async with a_console(world, ping_s=0.05) as console:
        bo = await console.browser("bo")
        page = await waiting_run(world, bo)
        async with patience(), bo.open("GET", following(page)) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["x-accel-buffering"] == "no"
            body = b""
            async for chunk in answer.aiter_raw():
                body += chunk
                if body.count(b": ping\n\n") >= 3:
                    break
        stranger = await console.stranger().ask("GET", following(page), Accept="text/event-stream")
        async with patience():
            head = await bo.ask("HEAD", following(page))
            assert (await bo.get("/")).status == 200, "who only asks whether there is a stream opens none"

    assert (head.status_code, head.content) == (200, b"")
    assert body.startswith(b"retry: 2000\n\n")
    assert stranger.status_code == 401


async def test_a_stream_ends_with_the_session_and_says_nothing_more(world: World, console: Console) -> None:
    bo = await console.browser("bo")
    page = await waiting_run(world, bo)
    async with aclosing(bo.stream(following(page))) as stream:
        await world.steer(RunId(page.path.removeprefix("/runs/")), "pause")
        await until_part(stream, "story", "Anna Ames paused the run")
        await bo.submit(page.form("/logout"))

        await world.steer(RunId(page.path.removeprefix("/runs/")), "resume")

        async with patience():
            assert [name for name, html in [part async for part in stream] if "resumed" in html] == []


async def test_a_stream_without_news_ends_with_the_session_too(world: World) -> None:
    async with a_console(world, ping_s=0.05) as console:
        bo = await console.browser("bo")
        page = await waiting_run(world, bo)
        async with aclosing(bo.stream(following(page))) as stream:
            first = asyncio.ensure_future(anext(stream))
            await console.api.until_open()
            assert not first.done()
            await bo.submit(page.form("/logout"))

            async with patience():
                seen = [await first, *[part async for part in stream]]

    [(name, html)] = seen
    assert (name, Markup(html).words) == ("gone", "Your session has ended. Log in again")


async def test_attack_one_person_follows_by_so_many_pages_and_no_more(console: Console) -> None:
    anna, bo = await console.browser("anna"), await console.browser("bo")
    cookie = "; ".join(f"{name}={value}" for name, value in anna.cookies.items())
    asked = f"GET /runs/now HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode()
    async with crowd(console.api.port, PAGES, asked) as pages:
        assert {await one.status() for one in pages} == {200}

        assert (await anna.ask("GET", "/now")).status_code == 429
        async with patience(), bo.open("GET", "/now") as answer:
            assert answer.status_code == 200


@pytest.mark.parametrize("path", few_of(["/", "/runs", "/requests", "/requests?all"], 0))
async def test_every_list_and_the_count_of_what_waits_follow(world: World, console: Console, path: str) -> None:
    bo = await console.browser("bo")
    page = await bo.get(path)
    async with aclosing(bo.stream(following(page))) as stream:
        await until_part(stream, "count")
        run_id = await world.trigger("press it")
        await world.opened(run_id)

        seen = await until_part(stream, "count", "1")
        seen += await until_part(stream, "waiting" if path == "/" else "list", "ress it")

    assert any("1" in html for name, html in seen if name == "count")


async def test_a_request_s_own_page_says_what_a_yes_does_as_its_run_is_paused_and_goes_on(
    world: World, console: Console
) -> None:
    record, bo = await world.opened(await world.trigger("press it")), await console.browser("bo")
    page = await bo.get(f"/requests/{record.request.id}")
    async with aclosing(bo.stream(following(page))) as stream:
        await until_part(stream, "count")
        await world.steer(record.request.run_id, "pause")
        await until_part(stream, "card", "nothing starts until the run goes on")
        await world.steer(record.request.run_id, "resume")
        await until_part(stream, "card", "it starts right away")


async def test_a_request_s_own_page_follows_it(world: World, console: Console) -> None:
    record = await world.opened(await world.trigger("press it"))
    bo = await console.browser("bo")
    page = await bo.get(f"/requests/{record.request.id}")
    async with aclosing(bo.stream(following(page))) as stream:
        await until_part(stream, "count")
        await world.edit("anna", await world.request(record.request.id), what="that")
        [*_, (_, card)] = await until_part(stream, "card", "revision 2")
        assert "Changed since the last card" in Markup(card).words
        await world.decide("cy", record, "deny")

        seen = await until_part(stream, "card", "denied")

    assert "Approve" not in Markup(seen[-1][1]).words
