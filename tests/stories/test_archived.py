"""A run that has left Redis: still shown everywhere, still to be copied, and late answers are told so."""

import asyncio
import re
import threading
from datetime import UTC, datetime

import pytest
from httpx2 import Response

from agents.requests import PersonId, RunId
from agents.requests.record import RequestRecord
from bot.archive.places import Place
from bot.store import WorkItem
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import PATIENCE_S, until
from tests.kit.world import World
from tests.servers.console import Console, a_console
from tests.servers.web import Api

MONTH_S = 31 * 86_400


async def leave(world: World, *runs: RunId) -> int:
    """These runs have ended, and a month later all leave that may: how many did."""
    for run_id in runs:
        await world.ended(run_id)
    await world.quiet()
    await world.move_time(MONTH_S)
    return await world.retention()


async def done(world: World) -> tuple[RunId, RequestRecord]:
    """A run that asked, was approved and has ended; and what it had asked, as it was asked."""
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)
    await world.quiet()
    return run_id, record


async def archived(world: World) -> tuple[RunId, RequestRecord]:
    """Such a run, once it has left Redis a month later."""
    run_id, record = await done(world)
    assert await leave(world, run_id) == 1
    await world.now()  # what only looks at the time goes by the last that was read
    return run_id, record


async def test_over_http_it_is_shown_as_before_exported_and_copied_and_takes_no_answer_and_no_order(
    world: World, api: Api
) -> None:
    anna, cy = await api.client("anna"), await api.client("cy")
    run_id, record = await done(world)
    way = f"/v1/runs/{run_id}"
    ways = [way, f"{way}/events", f"/v1/requests/{record.request.id}"]
    before = [(await anna.get(way)).json() for way in ways]
    await world.move_time(MONTH_S)
    await world.retention()

    after = [(await anna.get(way)).json() for way in ways]
    assert before[0].pop("archived_at") is None
    assert datetime.fromisoformat(after[0].pop("archived_at")) <= await world.now()
    assert after == before

    story, stream = after[1], {"Accept": "text/event-stream"}
    page = (await anna.get(f"{way}/events", params={"after": 2, "limit": 3})).json()
    assert (page["events"], page["seq"]) == (story["events"][2:5], 5)
    told = await anna.get(f"{way}/events", headers=stream)
    assert len(re.findall(r"^id: ", told.text, re.MULTILINE)) == story["seq"]
    rest = await anna.get(f"{way}/events", headers=stream | {"Last-Event-ID": str(story["seq"] - 1)})
    assert rest.text.startswith(f"id: {story['seq']}\n")
    nothing = await anna.get(f"{way}/events", headers=stream | {"Last-Event-ID": str(story["seq"])})
    assert nothing.status_code == 204
    exported = (await anna.get(f"{way}/export")).json()
    assert (exported["run_id"], exported["events"][0]["type"]) == (run_id, "run_started")
    assert (await anna.get(f"{way}/context", params={"step": 1})).status_code == 200

    cancelled = await anna.post(f"{way}/cancel")
    assert cancelled.status_code == 409
    assert "has ended" in cancelled.json()["detail"] or "done" in cancelled.json()["detail"]
    vote = {"vote": "deny", "digest": record.request.digest, "reason": "too risky"}
    late = await cy.post(f"/v1/requests/{record.request.id}/answer", json=vote)
    assert (late.status_code, "Bo Berg" in late.json()["detail"]) == (409, True)
    assert await world.app.store.length(run_id) == 0
    assert await world.app.store.record(record.request.id) is None
    copied = await anna.post(f"{way}/retry")
    assert copied.status_code == 201
    assert (await world.opened(copied.json()["id"])).request.requesters == (PersonId("anna"),)


async def test_an_archive_that_is_not_mounted_is_no_empty_one(world: World, api: Api) -> None:
    run_id, record = await archived(world)
    other = await world.trigger("press gong")
    await world.decide("bo", await world.opened(other), "approve")
    await world.ended(other)
    await world.quiet()
    await world.move_time(MONTH_S)
    anna, folder = await api.client("anna"), world.folder / "archive"
    folder.rename(world.folder / "elsewhere")
    folder.mkdir()

    for path in (f"/v1/runs/{run_id}", f"/v1/requests/{record.request.id}", "/v1/runs?archived=2026-10"):
        answer = await anna.get(path)
        assert answer.status_code == 503, answer.text
        assert "is not mounted, or not the archive" in answer.text
    assert await world.retention() == 0
    assert list(folder.iterdir()) == []
    assert (await world.run(other)).started, "what would leave stays"

    folder.rmdir()
    (world.folder / "elsewhere").rename(folder)
    assert (await anna.get(f"/v1/runs/{run_id}")).status_code == 200
    assert (await anna.get("/v1/runs/s0r-aaaaaaaaaaaaa")).status_code == 404
    assert await world.retention() == 1


class Held:
    """A place that gives nothing of a run back until it is `open`, and counts how many read from it at once."""

    def __init__(self, inner: Place) -> None:
        self._inner, self.open, self._counting = inner, threading.Event(), threading.Lock()
        self.where, self.put, self.names, self.remove = inner.where, inner.put, inner.names, inner.remove
        self.now = self.most = 0

    def get(self, name: str) -> bytes | None:
        with self._counting:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            assert self.open.wait(PATIENCE_S)
            return self._inner.get(name)
        finally:
            with self._counting:
                self.now -= 1


async def test_one_holder_reads_a_few_whole_stories_at_once_and_a_share_that_hangs_holds_up_nothing_else(
    world: World, api: Api
) -> None:
    run_id, _ = await archived(world)
    archive, anna, bo = world.app.history.archive, await api.client("anna"), await api.client("bo")
    assert archive.place
    whole, path = archive.place, f"/v1/runs/{run_id}/export"
    held = archive.place = Held(whole)

    theirs = [asyncio.create_task(anna.get(path)) for _ in range(30)]
    await until(lambda: held.now == 4)
    other = asyncio.create_task(bo.get(path))
    await until(lambda: held.now == 5)
    held.open.set()
    assert {answer.status_code for answer in await asyncio.gather(*theirs, other)} == {200}
    assert held.most == 5

    held, archive.within_s = Held(whole), 0.5
    archive.place = held
    try:
        async with asyncio.timeout(PATIENCE_S):
            answers = await asyncio.gather(*(anna.get(f"/v1/runs/{run_id}") for _ in range(40)))
            await asyncio.to_thread(int)  # as whoever looks up the name of a host does
    finally:
        held.open.set()
    assert {answer.status_code for answer in answers} == {503}
    assert "does not answer within 0.5 s" in answers[0].text
    archive.within_s = PATIENCE_S
    assert (await anna.get(f"/v1/runs/{run_id}")).status_code == 200


@pytest.mark.parametrize("asked", ["events", "a stream", "a request", "its outcome", "a month", "a page"])
async def test_attack_one_who_asks_for_much_of_the_archive_leaves_nobody_else_a_turn(
    world: World, api: Api, asked: str
) -> None:
    run_id, record = await archived(world)
    archive, cy, bo = world.app.history.archive, await api.client("cy", "admin"), await api.client("bo")
    month = f"{(await world.app.history.read(run_id)).events[-1].at.astimezone(UTC):%Y-%m}"
    browser, headers = await Console(api).browser("cy"), {"Accept": "text/event-stream"} if asked == "a stream" else {}
    path = {
        "a request": f"/v1/requests/{record.request.id}",
        "its outcome": f"/v1/requests/{record.request.id}/outcome",
        "a month": f"/v1/runs?archived={month}",
        "a page": f"/requests/{record.request.id}",
    }.get(asked, f"/v1/runs/{run_id}/events")
    assert archive.place
    held = archive.place = Held(archive.place)

    async def asks() -> Response:
        return await (browser.ask("GET", path) if asked == "a page" else cy.get(path, headers=headers))

    theirs = [asyncio.create_task(asks()) for _ in range(30)]
    await until(lambda: held.now >= 4)
    other = asyncio.create_task(bo.get(f"/v1/runs/{run_id}/export"))
    await until(lambda: held.now == 5)
    held.open.set()

    assert {answer.status_code for answer in await asyncio.gather(*theirs, other)} == {200}
    assert held.most == 5


async def test_it_is_found_again_by_the_month_of_its_end_page_by_page_newest_first(world: World, api: Api) -> None:
    ids = [await world.trigger("stamp letter") for _ in range(3)]
    ends = {run_id: (await world.ended(run_id)).ended for run_id in ids}
    assert [await leave(world), await world.retention()] == [3, 0]
    assert (await world.app.store.lists.figures()).started == 3
    later = await world.trigger("stamp letter")
    await leave(world, later)
    anna = await api.client("anna")
    wanted = {"archived": f"{datetime.now(UTC):%Y-%m}", "limit": "2"}
    ended_at = (await world.app.history.read(later)).events[-1].at.astimezone(UTC)

    first = (await anna.get("/v1/runs", params=wanted)).json()
    second = (await anna.get("/v1/runs", params=wanted | {"cursor": first["next"]})).json()
    next_month = (await anna.get("/v1/runs", params={"archived": f"{ended_at:%Y-%m}"})).json()
    never = (await anna.get("/v1/runs", params={"archived": "2020-01"})).json()

    told = [run["id"] for run in (*first["runs"], *second["runs"])]
    assert told == sorted(ids, key=lambda one: (int(ends[one].at.timestamp() * 1000), one), reverse=True)  # pyright: ignore[reportOptionalMemberAccess]
    assert second["next"] is None
    assert ([run["id"] for run in next_month["runs"]], never["runs"]) == ([later], [])
    assert (await anna.get("/v1/runs")).json()["runs"] == []
    assert (await anna.get("/v1/runs", params={"archived": "2026-13"})).status_code == 422


async def test_the_console_lists_a_month_of_the_archive_and_shows_its_page_and_its_request(world: World) -> None:
    run_id, record = await archived(world)
    month = f"{(await world.app.history.read(run_id)).events[-1].at.astimezone(UTC):%Y-%m}"
    async with a_console(world) as console:
        anna, dan = await console.browser("anna"), await console.browser("dan")

        found = await anna.get(f"/runs?archived={month}")
        elsewhere = await anna.get("/runs?archived=2020-01")
        of_others = await dan.get(f"/runs?archived={month}")

        assert [link for link in found.links if "/runs/" in link] == [f"/runs/{run_id}"]
        assert 'name="archived" type="month"' in (await anna.get("/runs")).html
        assert "The archive holds none that ended in 2020-01 and that you may see." in elsewhere.words
        assert [link for link in of_others.links if "/runs/" in link] == []
        assert (await anna.get("/runs?archived=2026-13")).status == 400
        page = await anna.get(f"/runs/{run_id}")
        assert page.status == 200
        assert "Kept in the archive since" in page.html
        assert "press bell" in page.html
        assert (await anna.get(f"/requests/{record.request.id}")).status == 200
        assert (await anna.get("/runs/s0r-aaaaaaaaaaaaa")).status == 404


async def test_attack_a_run_whose_file_or_line_can_not_be_read_hides_no_other_of_its_month_and_says_so_itself(
    world: World, api: Api
) -> None:
    kept, other = [await world.trigger("stamp letter") for _ in range(2)]
    await leave(world, kept, other)
    [file] = (world.folder / "archive" / "runs").glob(f"*/*/{other}.jsonl.gz")
    [line] = (world.folder / "archive" / "ended").glob(f"*/*-{other}.json")
    anna = await api.client("anna")

    async def listed() -> list[str]:
        answer = await anna.get("/v1/runs", params={"archived": f"{datetime.now(UTC):%Y-%m}"})
        return [run["id"] for run in answer.raise_for_status().json()["runs"]]

    whole, said = file.read_bytes(), line.read_bytes()
    for body in (b"{", b"[]", b"{}", b"\xff\xfe"):
        line.write_bytes(body)
        assert await listed() == [kept], body
    line.write_bytes(said)
    for left in (50, 0):
        file.write_bytes(whole[:left])
        assert await listed() == [kept]
        assert "can't be read" in (await anna.get(f"/v1/runs/{other}")).json()["detail"]
    file.unlink()
    assert await listed() == [kept]


@opens(f'{TOML}\n[roles]\noperator = ["person:cy"]\n')
async def test_a_late_mail_is_told_that_it_changes_nothing_and_a_freeze_in_it_counts(world: World) -> None:
    run_id = await world.trigger("press bell")
    record, card = await world.opened(run_id), await world.next_mail("cy")
    await world.decide("bo", record, "approve")
    assert await leave(world, run_id) == 1
    shown = len(world.mails("cy"))

    await world.reply("cy", card, "deny, too risky")
    told = await world.next_mail("cy", "no longer keeps")

    assert "closed long ago" in told.text
    assert len(world.mails("cy")) == shown + 1
    assert await world.app.store.length(run_id) == 0
    await world.reply("cy", card, "freeze everything: incident 12")
    assert "incident 12" in (await world.next_mail("cy", about="reeze")).text
    assert [freeze.reason for freeze in await world.app.requests.freezes.all()] == ["incident 12"]


@opens(f'{TOML}\n[roles]\noperator = ["person:cy"]\n')
@pytest.mark.parametrize("way", few_of(["a new mail", "an answer to another card", "an answer to nothing known"], 0))
async def test_attack_an_archive_that_is_away_loses_no_stop_beside_the_stop_of_one_in_it(
    world: World, way: str
) -> None:
    other = await world.trigger("press bell")
    await world.opened(other)
    card = await world.next_mail("cy")
    if way == "an answer to nothing known":
        await world.decide("bo", (await world.requests())[0], "approve")
        await world.ended(other)
    gone = await world.trigger("press gong")
    await world.decide("bo", record := await world.opened(gone), "approve")
    assert await leave(world, gone)
    await world.now()
    live = await world.trigger("press gong")
    await world.opened(live)
    (world.folder / "archive").rename(world.folder / "elsewhere")
    (world.folder / "archive").write_text("no folder")

    words = f"stop {record.request.id}, stop {live}"
    if way == "a new mail":
        await world.post("cy", "sayso@sayso.example", words, about="Something")
    else:
        await world.reply("cy", card, words)

    assert (await world.ended(live)).state != "done"


@opens(f'{TOML}\n[roles]\noperator = ["person:cy", "person:dan"]\n')
async def test_attack_a_freeze_that_was_ended_does_not_begin_again_with_the_stop_beside_it(world: World) -> None:
    freezes = world.app.requests.freezes
    _, record = await archived(world)
    (world.folder / "archive").rename(world.folder / "elsewhere")
    (world.folder / "archive").write_text("no folder")
    words = f"freeze production: incident\n\nstop {record.request.id}"
    await world.post("cy", "sayso@sayso.example", words, about="Incident")

    async def is_given_up() -> bool:
        await world.move_time(60)
        return bool(await world.dead())

    await until(is_given_up, what="it is given up")
    await freezes.unfreeze("production", PersonId("dan"), "fixed", proof=None)
    async for key in world.app.store.client.scan("*:seen:*"):
        if int(await world.app.store.client.do("PTTL", key)) < MONTH_S * 1000:
            await world.app.store.client.do("DEL", key)  # the dead letter lies there for a month
    (world.folder / "archive").unlink()
    (world.folder / "elsewhere").rename(world.folder / "archive")
    [given_up] = await world.app.store.lists.dead()
    await world.app.store.lists.requeue(WorkItem("in", given_up))

    assert "nothing was stopped" in (await world.next_mail("cy", "Not passed on to the run")).text
    assert await freezes.all() == ()


@pytest.mark.parametrize("copied", ["before it leaves", "once it has left"])
async def test_attack_whoever_denies_what_is_over_never_reads_that_a_copy_of_it_goes_on(
    world: World, api: Api, copied: str
) -> None:
    anna, cy = await api.client("anna"), await api.client("cy")
    run_id, record = await done(world)
    await world.move_time(MONTH_S)
    if copied == "once it has left":
        assert await world.retention() == 1
    copy = RunId((await anna.post(f"/v1/runs/{run_id}/retry")).json()["id"])
    second = RunId((await anna.post(f"/v1/runs/{copy}/retry")).json()["id"])
    await world.steer(copy, "cancel")
    await world.opened(second)
    await world.quiet()
    await world.retention()

    vote = {"vote": "deny", "digest": record.request.digest, "reason": "too risky"}
    late = await cy.post(f"/v1/requests/{record.request.id}/answer", json=vote)

    assert (late.status_code, f"go on: {second}." in late.json()["detail"]) == (409, True)
    assert copy in (await anna.get(f"/v1/runs/{run_id}")).json()["forks"]
    await world.steer(second, "cancel")
    await leave(world, copy, second)
    assert not await world.app.store.length(run_id), "it leaves once nothing goes on"
