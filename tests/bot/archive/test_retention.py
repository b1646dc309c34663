"""Finished runs leave Redis after their time, whole, once the archive has them, and not before."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agents.events import write_event
from agents.requests import PersonId, RunId
from bot.archive.format import unpack
from bot.archive.keeper import Archive
from bot.archive.places import FolderPlace, Place
from bot.archive.retention import Retention
from bot.audit.leaving import AuditLeaving
from bot.audit.reading import Query
from bot.render.cards import Words
from bot.runs.api_requests import Asker
from bot.store import Commit, Keys, StoreUnavailable, Wake, WorkItem
from bot.store.ids import WorkKind
from tests.bot.archive.places import Breaking
from tests.bot.backup.putting_back import backed_up, restored
from tests.bot.web.api.test_asking_approval import approved, begun, program
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import serving

DAY_S = 86_400
MONTH_S = 31 * DAY_S
ANNA = Asker(PersonId("anna"), proof=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "archive"


def retention(world: World, place: Place | None) -> Retention:
    """The retention of this world, into another place; alerts go where they always do."""
    alert = world.app.messages.outbox.alert
    archive, month = Archive(place), timedelta(days=30)
    audit = AuditLeaving(world.app.store, archive, month)
    return Retention(world.app.store, archive, month, audit, alert)


async def look(world: World) -> int:
    await world.quiet()
    return await world.retention()


async def decided(world: World, what: str = "bell") -> RunId:
    """A run that asked, was approved, did it and has ended."""
    run_id = await world.trigger(f"press {what}")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)
    await world.quiet()
    return run_id


async def keys_of(world: World, *ids: str) -> set[str]:
    """The keys and fields of Redis that name one of `ids`, and do not go by themselves. The audit log stays."""
    client, found = world.app.store.client, set[str]()
    async for key in client.scan("*"):
        if ":audit:" in key or await client.do("PTTL", key) >= 0:
            continue
        kind = (await client.do("TYPE", key)).decode()
        inside = list[bytes]()
        if kind == "hash":
            inside = [part for pair in (await client.do("HGETALL", key)).items() for part in pair]
        elif kind == "zset":
            inside = await client.do("ZRANGE", key, 0, -1)
        text = " ".join([key, *(part.decode(errors="replace") for part in inside)])
        found |= {f"{key}: {one}" for one in ids if one in text}
    return found


async def bodies(world: World, run_id: str) -> list[bytes]:
    return [write_event(event) for event in await world.events(run_id)]


async def test_a_run_leaves_redis_a_month_after_its_end_and_nothing_of_it_stays_but_that_it_is_counted(
    world: World,
) -> None:
    run_id = await decided(world)
    run, before = await world.run(run_id), await bodies(world, run_id)
    asked = (await world.requests())[0].request.id

    await world.move_time(29 * DAY_S)
    assert await look(world) == 0
    assert await bodies(world, run_id) == before

    await world.move_time(2 * DAY_S)
    assert await look(world) == 1
    assert await keys_of(world, run_id, asked, *(card.delivery_id for card in run.cards)) == set()

    archived = await world.app.history.archive.run(run_id)
    assert archived
    assert [write_event(event) for event in archived.events] == before
    found = await world.app.store.lists.figures()
    assert (found.started, found.runs.total(), dict(found.archived)) == (1, 0, {"done": 1})
    assert await world.app.store.lists.newest_runs(None, 10) == []
    assert await world.app.store.lists.newest_requests(None, 10, only_open=False) == []


async def test_what_goes_on_stays_however_old_it_is_and_leaves_a_month_after_its_end(world: World) -> None:
    paused = await world.trigger("stamp letter\nask free_text Which one?")
    await world.opened(paused)
    await world.steer(paused, "pause")
    await world.move_time(3 * MONTH_S)
    assert await look(world) == 0
    assert (await world.run(paused)).started

    await world.steer(paused, "cancel")
    await world.ended(paused)

    assert await look(world) == 0
    await world.move_time(MONTH_S)
    assert await look(world) == 1


async def test_a_child_stays_while_the_run_that_started_it_goes_on(world: World) -> None:
    parent = await world.trigger("start_run stamp letter\nask free_text Which one?")
    await world.opened(parent)
    child = (await world.run(parent)).children[0].run_id
    await world.ended(child)
    await world.steer(parent, "pause")
    await world.move_time(3 * MONTH_S)
    assert await look(world) == 0

    await world.steer(parent, "cancel")
    await world.ended(parent)
    await world.move_time(MONTH_S)

    assert await look(world) == 2
    assert await keys_of(world, parent, child) == set()


async def test_an_approval_that_is_over_with_its_start_leaves_as_any_other(world: World) -> None:
    async with serving(world.app) as api:
        ci, bo = await program(api), await api.client("bo")
        request = await approved(ci, bo, reports=False)
        assert (await begun(ci, request)).status_code == 200
        run = await world.ended(request["run_id"])
        await world.move_time(MONTH_S)

        assert await look(world) == 1
        assert await keys_of(world, run.id, request["id"]) == set()
        again = (await begun(ci, request)).json()
        late = await begun(ci, request, "another")

    assert again["digest"] == request["digest"]
    assert late.status_code == 409


async def test_a_run_stays_while_one_that_it_started_may_have_news_for_it(world: World) -> None:
    parent = await world.trigger("start_run stamp letter")
    await world.ended(parent)
    child = (await world.run(parent)).children[0].run_id
    await world.quiet()
    await world.stop()
    await world.move_time(MONTH_S)
    wake = Wake(WorkItem("run", child))
    await world.app.store.commit(Commit(run_id=child, wake=[wake]), push=False)

    assert await world.retention() == 0
    await world.start()
    assert await look(world) == 2


async def test_a_run_that_has_left_knows_what_was_made_of_it_and_can_be_copied_and_goes_on_in_redis(
    world: World,
) -> None:
    source = await decided(world)
    before = await world.app.runs.forks.retry(source, ANNA)
    await world.steer(before, "cancel")
    await world.ended(before)
    await world.move_time(MONTH_S)
    await look(world)

    story = await world.app.history.read(source)
    assert await world.app.history.forks_of(source, story) == (before,)
    fork = await world.app.runs.forks.fork(source, 1, ANNA)
    record = await world.opened(fork)

    assert record.request.run_id == fork
    assert await keys_of(world, f"forks:{source}") == set(), "nothing is kept beside a run that is not there"


OPERATIONS = 6
"""Of the archive for a run with one request: get, put, get, the request, the month; one more is after the last."""


@pytest.mark.parametrize("nth", few_of(range(1, OPERATIONS), 1))
async def test_breaking_off_anywhere_loses_nothing_and_the_next_look_goes_on(
    world: World, folder: Path, nth: int
) -> None:
    run_id = await decided(world)
    before = await bodies(world, run_id)
    await world.move_time(MONTH_S)
    broken = Breaking(FolderPlace(folder), nth)

    assert await retention(world, broken).look() == 0
    assert broken.broke
    assert await bodies(world, run_id) == before, "it is whole in Redis"
    assert (await world.requests())[0].state == "approved"

    assert await look(world) == 1
    archived = await world.app.history.archive.run(run_id)
    assert archived
    assert [write_event(event) for event in archived.events] == before


async def test_a_run_that_happens_again_after_a_restoration_leaves_the_archive_what_it_had(
    world: World, folder: Path
) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.quiet()
    backup = await backed_up(world)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)
    happened = await bodies(world, run_id)
    await world.move_time(MONTH_S)
    assert await look(world) == 1

    await restored(world, backup)
    await world.steer(run_id, "cancel")
    await world.ended(run_id)
    again = await bodies(world, run_id)
    await world.move_time(MONTH_S)
    assert await look(world) == 1

    files = [unpack(file.read_bytes()) for file in (folder / "runs").rglob("*.gz")]
    stories = [[write_event(event) for event in file.events] for file in files]
    assert sorted(stories) == sorted([happened, again])
    letter = await world.next_mail("dan", about="another story")
    [other] = [file.name for file in (folder / "runs").rglob("*.*.jsonl.gz")]
    assert other in letter.text


async def test_a_run_whose_file_could_not_be_read_stays_and_operators_hear_of_it(world: World, folder: Path) -> None:
    run_id, other = await decided(world), await decided(world)
    client, name = world.app.store.client, Keys.of(run_id).run(run_id)
    entries = await client.do("XRANGE", name, "-", "+")
    await client.do("DEL", name)
    for place, fields in entries:
        event = json.loads(fields[b"e"])
        if event["type"] == "step_chosen" and "arguments" in event["step"]:
            event["step"]["arguments"]["more"] = [0] * 600_000
        changed = fields | {b"e": json.dumps(event)}
        await client.do("XADD", name, place, *(part for pair in changed.items() for part in pair))
    await world.move_time(MONTH_S)

    for _ in range(3):
        await look(world)

    assert await world.events(run_id)
    assert not list((folder / "runs").rglob(f"{run_id}*"))
    assert await world.app.history.archive.run(other)
    letter = await world.next_mail("dan", about=f"run {run_id} can't be archived")
    assert "too many values" in letter.text


async def test_where_it_gives_back_other_bytes_nothing_is_deleted_and_operators_hear_after_three_tries_and_once_a_day(
    world: World, folder: Path
) -> None:
    run_id = await decided(world)
    await world.move_time(MONTH_S)
    failing = retention(world, Breaking(FolderPlace(folder), lies=True))

    assert [await failing.look() for _ in range(2)] == [0, 0]
    await world.quiet()
    assert (len(await world.events(run_id)) > 0, world.mails("dan")) == (True, ())
    for _ in range(5):
        await failing.look()
    letter = await world.next_mail("dan")

    assert "The archive can't be used" in letter.subject
    assert "Nothing was deleted" in letter.text
    await world.quiet()
    assert len(world.mails("dan")) == 1


async def test_attack_operators_hear_nothing_all_day_of_an_archive_that_fails_as_redis_went_away_before_they_were_told(
    world: World, folder: Path
) -> None:
    await decided(world)
    await world.move_time(MONTH_S)
    told, is_away = list[str](), True

    async def alert(_: str, words: Words) -> None:
        if is_away:
            raise StoreUnavailable("Redis does not answer")
        told.append(words()[0])

    store, archive, month = world.app.store, Archive(Breaking(FolderPlace(folder), lies=True)), timedelta(days=30)
    failing = Retention(store, archive, month, AuditLeaving(store, archive, month), alert)
    for _ in range(4):
        await failing.look()
    is_away = False

    for _ in range(3):
        await failing.look()

    assert told == ["The archive can't be used"]


async def test_without_a_place_everything_stays_and_the_log_says_so_at_the_start(world: World) -> None:
    run_id = await decided(world)
    await world.move_time(3 * MONTH_S)
    none = retention(world, None)

    assert await none.look() == 0
    assert await world.events(run_id)
    with capture_logs() as log:
        looking = asyncio.create_task(none.keep_looking())
        for_ever = "stay in Redis for ever"
        [told] = await until(lambda: [line for line in log if for_ever in line["event"]], what="it is told")
        looking.cancel()
    assert told["log_level"] == "warning"


async def test_a_run_stays_while_something_is_to_be_told_about_it_and_what_was_given_up_on_leaves_with_it(
    world: World,
) -> None:
    run_id = await decided(world)
    await world.seal()
    async with world.stopped():
        await world.app.messages.outbox.alert(run_id, lambda: ("Look at it", "It is odd"))
        await world.move_time(MONTH_S)
        place = FolderPlace(world.folder / "archive")
        assert await retention(world, place).look() == 0

        [entry] = await world.unsent()
        await given_up(world, WorkItem("out", entry.id))
        assert await retention(world, place).look() == 1

    assert (await world.unsent(), await world.dead()) == ([], [])


@pytest.mark.parametrize(("kind", "stays"), [("ask", 0), ("glass", 1)])
async def test_a_request_that_could_not_expire_leaves_with_its_run_and_a_review_that_was_given_up_on_stays(
    world: World, kind: WorkKind, stays: int
) -> None:
    await decided(world)
    [record] = await world.requests()
    await given_up(world, WorkItem(kind, record.request.id))
    await world.move_time(MONTH_S)

    assert await look(world) == 1
    assert len(await world.dead()) == stays


async def given_up(world: World, item: WorkItem) -> None:
    note = f'{{"kind":"dead","what":"{item}","why":"no","at":"2026-11-22T12:00:00Z","member":"{item}"}}'
    await world.app.store.give_up(item, note.encode())


async def test_sealed_records_of_the_audit_leave_with_their_time_and_are_read_as_before(world: World) -> None:
    run_id = await decided(world)
    await world.move_time(40 * DAY_S)

    await look(world)

    found, _ = await world.app.audit.search(Query(run=run_id))
    checked = await world.app.audit.verify(world.app.data_dir.audit_keys(world.app.settings))
    assert await world.app.store.client.do("XRANGE", Keys.of(run_id).audit_chain, "-", "0-5") == []
    assert [one["kind"] for one in found] == ["opened", "vote", "decided", "tool_started", "tool_finished"]
    assert (checked.findings, checked.records >= 5) == ([], True)
