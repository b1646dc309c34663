"""A run's page says whom it waits for and how it stands, and asks before it changes anything."""

import hashlib
import re
from pathlib import Path

from agents.run import fold
from agents.steps import CallTool
from bot.policy.attachments import all_files
from bot.testing.events import chosen, ended, finished, started, tool_started
from bot.web.console.views.afterwards import failure_of
from bot.web.console.views.story import parts_of
from bot.web.console.views.timeline import rows, without_failure
from tests.bot.web.console.stage import answer, asked, place
from tests.kit.shop import a_shop
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console, a_console
from tests.stories.faults.test_deploy import release


async def test_a_run_that_waits_for_a_child_says_whom_that_waits_for(world: World, console: Console) -> None:
    run_id, anna = await world.trigger("start_run press it"), await console.browser("anna")
    record = await world.opened((await world.child(run_id)).id)
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


async def test_before_a_run_is_cancelled_a_page_says_what_happens_and_who_hears_of_it(
    world: World, console: Console
) -> None:
    record, dan = await asked(world), await console.browser("dan")
    await world.next_mail("cy")
    path = f"/runs/{record.request.run_id}"

    pausing = await dan.get(f"{path}/confirm/pause")
    page = await dan.get(f"{path}/confirm/cancel")

    assert "Who hears of it: Anna Ames." in pausing.words
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


async def test_rows_are_marked_by_what_they_mean_and_lead_to_the_request_and_the_mailbox(world: World) -> None:
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)
    await world.next_mail("cy")
    await world.quiet()
    await world.decide("dan", record, "approve")
    await world.decide("bo", record, "approve")
    await world.ended(run_id)

    told = rows(await world.events(run_id), world.app.people)

    assert [row.seq for row in told] == list(range(1, len(told) + 1))
    marks = {row.text.partition(" ")[0]: row.mark for row in told}
    assert marks == {
        "Anna": "person", "Looked": "work", "Next:": "work", "Asks:": "ask", "Card": "work", "Dan": "doubt",
        "Bo": "good", "Running": "work", "Succeeded": "good", "Done": "good",
    }  # fmt: skip
    assert {row.request_id for row in told} == {None, record.request.id}
    assert sorted(row.mailbox for row in told if row.mailbox) == ["bo", "cy"]


BOT = "sayso@sayso.example"
EVIL = b"<script>alert(document.cookie)</script>"
HASH = hashlib.sha256(EVIL).hexdigest()


async def with_files(world: World, *files: tuple[str, str, bytes]) -> str:
    """The id of a run that a mail with these files has started."""
    await world.post("anna", BOT, "stamp it", *files)

    async def found() -> str | None:
        return next(iter(await world.app.store.lists.runs()), None)

    run_id = await until(found, what="a mail starts a run")
    await world.ended(run_id)
    return run_id


async def test_a_runs_page_lists_what_was_attached_and_a_browser_saves_it_and_may_not_show_it(
    world: World, console: Console
) -> None:
    evil, broken = ('<b>ö</b>"s.html', "text/html", EVIL), ("a.txt", "text/plain", b"\xff")
    run_id, anna = await with_files(world, evil, broken), await console.browser("anna")

    page = await anna.get(f"/runs/{run_id}")
    answer = await anna.ask("GET", f"/runs/{run_id}/files/{HASH}")
    strangers = await console.stranger().ask("GET", f"/runs/{run_id}/files/{HASH}")

    assert f"html text/html · 39 bytes · sha256 {HASH}" in page.words
    assert "a.txt text/plain · 1 byte · its text can't be read" in page.words
    assert "alert(" not in page.html, "what is in a file is not shown"
    assert f"/runs/{run_id}/files/{HASH}" in page.links
    assert (answer.status_code, answer.content) == (200, EVIL)
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert "filename*=UTF-8''" in answer.headers["content-disposition"]
    assert not {"<", "ö"} & {*answer.headers["content-disposition"]}
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert (strangers.status_code, EVIL in strangers.content) == (401, False)


async def test_a_file_that_is_not_there_any_more_or_never_was_is_said_so_in_words(
    world: World, console: Console
) -> None:
    run_id, bo = await with_files(world, ("a.html", "text/html", EVIL)), await console.browser("anna")
    other = await world.trigger("stamp other")
    await world.ended(other)

    never = [
        await bo.get(path)
        for path in (
            f"/runs/{run_id}/files/{'0' * 64}",
            f"/runs/{run_id}/files/*",
            f"/runs/{other}/files/{HASH}",
        )
    ]
    of_no_run = await bo.get(f"/runs/{other[:-3]}aaa/files/{HASH}")
    for name in [name async for name in world.app.store.client.scan("{s*}:file:*")]:
        await world.app.store.client.do("DEL", name)
    gone = await bo.get(f"/runs/{run_id}/files/{HASH}")

    assert [(page.status, "There is no such file" in page.words) for page in never] == [(404, True)] * 3
    assert (of_no_run.status, "There is no such run" in of_no_run.words) == (404, True)
    assert gone.status == 404
    assert "This file is no longer kept Files are kept for 30 days. Ask whoever sent it" in gone.words
    assert all_files(await world.events(run_id)), "the run still says what it was"


async def test_the_page_of_a_failed_run_says_the_error_first_and_shows_what_was_printed_once_and_as_lines(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    async with a_shop(redis, tmp_path / "data", demo) as shop:
        release(shop, "v1.2.0", "#!/bin/sh\nfor at in $(seq 60); do echo copied part $at; done\nexit 3\n")
        record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
        await shop.decide("bo", record, "approve")
        run_id = record.request.run_id
        await shop.ended(run_id)
        async with a_console(shop) as console:
            page = await (await console.browser("anna")).get(f"/runs/{run_id}")

    shown = re.findall(r"<pre[^>]*>(.*?)</pre>", page.html, re.DOTALL)
    tails = [one for one in shown if one.endswith("copied part 60")]
    assert page.words.index("ended with exit code 3") < page.words.index("copied part 60")
    assert page.html.index("ended with exit code 3") < page.html.index('data-part="card"')
    assert [len(one.splitlines()) for one in tails] == [20, 60], "its end, and all of it one click away"
    assert page.html.count("copied part 60") == 2
    assert "All 60 lines" in page.words
    assert page.words.count("All that it printed") == 1
    assert [link for link in page.links if "/files/" in link]


async def test_what_an_earlier_attempt_printed_is_shown_though_it_ends_as_the_failure_does(world: World) -> None:
    events = [
        started(),
        chosen(CallTool(tool="press", arguments={"what": "it"}), "s1"),
        tool_started("a1", step_id="s1"),
        finished("a1", error="no bell\nno\nthe clapper fell off"),
        chosen(CallTool(tool="press", arguments={"what": "it"}), "s2"),
        tool_started("a2", step_id="s2"),
        finished("a2", error="no\nthe clapper fell off"),
        ended("failed", "Nothing was pressed: no\nthe clapper fell off"),
    ]
    failure = failure_of(fold(events))
    assert failure
    assert failure.output
    assert (failure.error, failure.output.whole) == ("Nothing was pressed: no", "the clapper fell off")

    told = {row.seq: row for row in without_failure(rows(events, world.app.people, "failed"), failure)}

    shown = {seq: row.output.whole for seq, row in told.items() if row.output}
    assert shown == {4: "no bell\nno\nthe clapper fell off", 7: "no"}
    assert told[8].quoted == ""
