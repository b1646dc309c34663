"""A run that has left Redis: still shown everywhere, still to be copied, and late answers are told so."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.requests import PersonId, RunId
from bot.archive.places import Place
from bot.policy.record import RequestRecord
from bot.store import WorkItem
from tests.bot.cli.shell import sayso
from tests.kit.office import TOML
from tests.kit.waiting import PATIENCE_S, until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import Api, serving

MONTH_S = 31 * 86_400


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    async with serving(world.app) as api:
        yield api


async def archived(world: World) -> tuple[RunId, RequestRecord]:
    """A run that asked, was approved, and left Redis a month later; and what it had asked, as it was asked."""
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)
    await world.quiet()
    await world.move_time(MONTH_S)
    assert await world.retention() == 1
    await world.now()  # what only looks at the time goes by the last that was read
    return run_id, record


async def test_over_http_it_is_shown_as_before(world: World, api: Api) -> None:
    anna = await api.client("anna")
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)
    await world.quiet()
    ways = [f"/v1/runs/{run_id}", f"/v1/runs/{run_id}/events", f"/v1/requests/{record.request.id}"]
    before = [(await anna.get(way)).json() for way in ways]
    await world.move_time(MONTH_S)
    await world.retention()

    after = [(await anna.get(way)).json() for way in ways]

    assert before[0].pop("archived_at") is None
    assert datetime.fromisoformat(after[0].pop("archived_at")) <= await world.now()
    assert after == before


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


async def test_one_holder_reads_a_few_whole_stories_at_once_and_no_other_waits_for_them(world: World, api: Api) -> None:
    run_id, _ = await archived(world)
    archive, anna, bo = world.app.history.archive, await api.client("anna"), await api.client("bo")
    assert archive.place
    held = archive.place = Held(archive.place)
    path = f"/v1/runs/{run_id}/export"

    theirs = [asyncio.create_task(anna.get(path)) for _ in range(30)]
    await until(lambda: held.now == 4)
    other = asyncio.create_task(bo.get(path))
    await until(lambda: held.now == 5)
    held.open.set()

    assert {answer.status_code for answer in await asyncio.gather(*theirs, other)} == {200}
    assert held.most == 5


async def test_a_share_that_hangs_is_told_of_in_words_and_holds_up_nothing_else(world: World, api: Api) -> None:
    run_id, _ = await archived(world)
    archive, anna = world.app.history.archive, await api.client("anna")
    assert archive.place
    held, archive.within_s = Held(archive.place), 0.5
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


async def test_its_events_are_told_page_by_page_and_as_a_stream(world: World, api: Api) -> None:
    run_id, _ = await archived(world)
    anna, way = await api.client("anna"), f"/v1/runs/{run_id}/events"
    story = (await anna.get(way)).json()

    page = (await anna.get(way, params={"after": 2, "limit": 3})).json()
    stream = await anna.get(way, headers={"Accept": "text/event-stream"})
    rest = await anna.get(way, headers={"Accept": "text/event-stream", "Last-Event-ID": str(story["seq"] - 1)})
    nothing = await anna.get(way, headers={"Accept": "text/event-stream", "Last-Event-ID": str(story["seq"])})

    assert page["events"] == story["events"][2:5]
    assert page["seq"] == 5
    assert len(re.findall(r"^id: ", stream.text, re.MULTILINE)) == story["seq"]
    assert rest.text.startswith(f"id: {story['seq']}\n")
    assert nothing.status_code == 204


async def test_it_is_exported_and_what_its_model_saw_is_replayed(world: World, api: Api) -> None:
    run_id, _ = await archived(world)
    anna = await api.client("anna")

    exported = (await anna.get(f"/v1/runs/{run_id}/export")).json()
    seen = await anna.get(f"/v1/runs/{run_id}/context", params={"step": 1})

    assert exported["run_id"] == run_id
    assert exported["events"][0]["type"] == "run_started"
    assert seen.status_code == 200


async def test_it_is_found_again_by_the_month_of_its_end(world: World, api: Api) -> None:
    first, _ = await archived(world)
    second = await world.trigger("stamp letter")
    await world.ended(second)
    await world.quiet()
    await world.move_time(MONTH_S)
    await world.retention()
    anna = await api.client("anna")
    months = [f"{datetime.now(UTC):%Y-%m}", f"{await world.now():%Y-%m}", "2020-01"]
    months[1] = f"{(await world.app.history.read(second)).events[-1].at.astimezone(UTC):%Y-%m}"

    listed = [(await anna.get("/v1/runs", params={"archived": month})).json() for month in months]
    empty = (await anna.get("/v1/runs")).json()

    assert [[run["id"] for run in one["runs"]] for one in listed] == [[first], [second], []]
    assert [one["next"] for one in listed] == [None, None, None]
    assert empty["runs"] == []
    assert (await anna.get("/v1/runs", params={"archived": "2026-13"})).status_code == 422


async def test_a_month_is_told_page_by_page_newest_first(world: World, api: Api) -> None:
    ids = [await world.trigger("stamp letter") for _ in range(3)]
    ends = {run_id: (await world.ended(run_id)).ended for run_id in ids}
    await world.quiet()
    await world.move_time(MONTH_S)
    await world.retention()
    anna = await api.client("anna")
    wanted = {"archived": f"{datetime.now(UTC):%Y-%m}", "limit": "2"}

    first = (await anna.get("/v1/runs", params=wanted)).json()
    second = (await anna.get("/v1/runs", params=wanted | {"cursor": first["next"]})).json()

    told = [run["id"] for run in (*first["runs"], *second["runs"])]
    assert told == sorted(ids, key=lambda one: (int(ends[one].at.timestamp() * 1000), one), reverse=True)  # pyright: ignore[reportOptionalMemberAccess]
    assert second["next"] is None


async def test_the_console_lists_a_month_of_the_archive(world: World) -> None:
    run_id, _ = await archived(world)
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


async def two_of_a_month(world: World) -> tuple[RunId, Path, Path]:
    """One of two runs that have left Redis; the file of the other, and its line in the list of their month."""
    kept, other = [await world.trigger("stamp letter") for _ in range(2)]
    for run_id in (kept, other):
        await world.ended(run_id)
    await world.quiet()
    await world.move_time(MONTH_S)
    await world.retention()
    [file] = (world.folder / "archive" / "runs").glob(f"*/*/{other}.jsonl.gz")
    [line] = (world.folder / "archive" / "ended").glob(f"*/*-{other}.json")
    return kept, file, line


async def listed(api: Api) -> list[str]:
    answer = await (await api.client("anna")).get("/v1/runs", params={"archived": f"{datetime.now(UTC):%Y-%m}"})
    return [run["id"] for run in answer.raise_for_status().json()["runs"]]


async def test_a_run_whose_file_was_deleted_hides_no_other_of_its_month(world: World, api: Api) -> None:
    kept, file, _ = await two_of_a_month(world)
    file.unlink()

    assert await listed(api) == [kept]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b"\xff\xfe"], ids=["cut", "a list", "nothing in it", "no text"])
async def test_attack_a_line_that_can_not_be_read_hides_no_other_of_its_month(
    world: World, api: Api, body: bytes
) -> None:
    kept, _, line = await two_of_a_month(world)
    line.write_bytes(body)

    assert await listed(api) == [kept]


@pytest.mark.parametrize("left", [50, 0])
async def test_attack_a_run_whose_file_was_cut_hides_no_other_of_its_month_and_says_so_itself(
    world: World, api: Api, left: int
) -> None:
    kept, file, _ = await two_of_a_month(world)
    file.write_bytes(file.read_bytes()[:left])

    assert await listed(api) == [kept]
    answer = await (await api.client("anna")).get(f"/v1/runs/{file.name.removesuffix('.jsonl.gz')}")
    assert "can't be read" in answer.json()["detail"]


async def test_nothing_steers_it_and_it_says_that_it_has_ended(world: World, api: Api) -> None:
    run_id, _ = await archived(world)

    answer = await (await api.client("anna")).post(f"/v1/runs/{run_id}/cancel")

    assert answer.status_code == 409
    assert "has ended" in answer.json()["detail"] or "done" in answer.json()["detail"]


async def test_a_late_answer_over_http_is_told_who_decided_and_writes_nothing(world: World, api: Api) -> None:
    run_id, record = await archived(world)
    cy = await api.client("cy")
    vote = {"vote": "deny", "digest": record.request.digest, "reason": "too risky"}

    answer = await cy.post(f"/v1/requests/{record.request.id}/answer", json=vote)

    assert answer.status_code == 409
    assert "Bo Berg" in answer.json()["detail"]
    assert await world.app.store.length(run_id) == 0
    assert await world.app.store.record(record.request.id) is None


async def test_a_late_mail_is_told_that_it_changes_nothing(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    card = await world.next_mail("cy")
    await world.decide("bo", (await world.requests())[0], "approve")
    await world.ended(run_id)
    await world.quiet()
    await world.move_time(MONTH_S)
    assert await world.retention() == 1
    shown = len(world.mails("cy"))

    await world.reply("cy", card, "deny, too risky")
    told = await world.next_mail("cy", "no longer keeps")

    assert "closed long ago" in told.text
    assert len(world.mails("cy")) == shown + 1
    assert await world.app.store.length(run_id) == 0


async def test_attack_a_freeze_in_answer_to_a_mail_of_it_counts(redis: str, tmp_path: Path) -> None:
    toml = f'{TOML}\n[roles]\noperator = ["person:cy"]\n'
    async with a_world(redis, tmp_path / "data", toml) as world:
        run_id = await world.trigger("press bell")
        record, card = await world.opened(run_id), await world.next_mail("cy")
        await world.decide("bo", record, "approve")
        await world.ended(run_id)
        await world.quiet()
        await world.move_time(MONTH_S)
        assert await world.retention() == 1

        await world.reply("cy", card, "freeze everything: incident 12")

        told = await world.next_mail("cy", about="reeze")
        assert [freeze.reason for freeze in await world.app.requests.freezes.all()] == ["incident 12"]
        assert "incident 12" in told.text


async def test_the_console_shows_its_page_and_its_request(world: World) -> None:
    run_id, record = await archived(world)
    async with a_console(world) as console:
        browser = await console.browser("anna")
        page = await browser.get(f"/runs/{run_id}")
        asked = await browser.get(f"/requests/{record.request.id}")
        gone = await browser.get("/runs/s0r-aaaaaaaaaaaaa")

    assert page.status == 200
    assert "Kept in the archive since" in page.html
    assert "press bell" in page.html
    assert asked.status == 200
    assert gone.status == 404


@pytest.mark.long
async def test_the_command_line_shows_it(world: World) -> None:
    run_id, record = await archived(world)
    month = f"{datetime.now(UTC):%Y-%m}"

    shown = await sayso(world, "show", run_id)
    asked = await sayso(world, "show", record.request.id)
    events = await sayso(world, "events", run_id)
    listed = await sayso(world, "runs", "--archived", month)
    now = await sayso(world, "runs")

    assert shown.out.startswith(f"{run_id}  done  ")
    assert f"(in the archive since {await world.now():%Y-%m-%d})" in shown.out
    assert asked.code == 0
    assert json.loads(events.out.splitlines()[0])["type"] == "run_started"
    assert run_id in listed.out
    assert run_id not in now.out


async def test_a_copy_of_it_goes_on(world: World, api: Api) -> None:
    run_id, _ = await archived(world)

    answer = await (await api.client("anna")).post(f"/v1/runs/{run_id}/retry")

    assert answer.status_code == 201
    assert (await world.opened(answer.json()["id"])).request.requesters == (PersonId("anna"),)


async def test_two_at_once_let_it_leave_once(world: World) -> None:
    run_id = await world.trigger("stamp letter")
    await world.ended(run_id)
    await world.quiet()
    await world.move_time(MONTH_S)

    left = [await world.retention(), await world.retention()]

    assert left == [1, 0]
    assert (await world.app.store.lists.figures()).started == 1


@pytest.mark.parametrize("way", ["a new mail", "an answer to another card", "an answer to nothing known"])
async def test_attack_an_archive_that_is_away_loses_no_stop_beside_the_stop_of_one_in_it(
    redis: str, tmp_path: Path, way: str
) -> None:
    toml = f'{TOML}\n[roles]\noperator = ["person:cy"]\n'
    async with a_world(redis, tmp_path / "data", toml) as world:
        other = await world.trigger("press bell")
        await world.opened(other)
        card = await world.next_mail("cy")
        if way == "an answer to nothing known":
            await world.decide("bo", (await world.requests())[0], "approve")
            await world.ended(other)
        gone = await world.trigger("press gong")
        await world.decide("bo", record := await world.opened(gone), "approve")
        await world.ended(gone)
        await world.quiet()
        await world.move_time(MONTH_S)
        assert await world.retention()
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


async def test_attack_a_freeze_that_was_ended_does_not_begin_again_with_the_stop_beside_it(
    redis: str, tmp_path: Path
) -> None:
    toml = f'{TOML}\n[roles]\noperator = ["person:cy", "person:dan"]\n'
    async with a_world(redis, tmp_path / "data", toml) as world:
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
        await freezes.unfreeze("production", PersonId("dan"), "fixed")
        async for key in world.app.store.client.scan("*:seen:*"):
            if int(await world.app.store.client.do("PTTL", key)) < MONTH_S * 1000:
                await world.app.store.client.do("DEL", key)  # the dead letter lies there for a month
        (world.folder / "archive").unlink()
        (world.folder / "elsewhere").rename(world.folder / "archive")
        [given_up] = await world.app.store.lists.dead()
        await world.app.store.lists.requeue(WorkItem("in", given_up))

        assert "nothing was stopped" in (await world.next_mail("cy", "Not passed on to the run")).text
        assert await freezes.all() == ()
