"""A signed report has the run that waits for its handle look, once; it is never a result, and guesses tell nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from httpx2 import AsyncClient, Response

from agents import Outcome
from agents.events import OutsideReported, ToolFinished, ToolWaits
from agents.requests import AttemptId, RunId
from bot.store import Commit
from bot.store.ids import new_id, shard_of
from tests.bot.triggers.posting import SECRET, bytes_of, post, signed
from tests.bot.web.test_triggers import refused
from tests.kit.office import TOML
from tests.kit.world import World, a_world
from tests.servers.web import Api, serving

TRIGGERS = """
[triggers.builds]
kind = "report"
handle = "{repo}/{build.id}"
text = "{build.state}"
"""
HANDLE = "acme/shop/17"
BODY = {"repo": "acme/shop", "build": {"id": 17, "state": "green at\nlast"}}


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    def change(world: World) -> None:
        world.environ = {"SAYSO_TRIGGERS__BUILDS__SECRET": SECRET}

    async with a_world(redis, tmp_path / "data", TOML + TRIGGERS, change=change) as world:
        yield world


@pytest.fixture
async def api(office: World) -> AsyncIterator[Api]:
    async with serving(office.app) as api:
        yield api


async def waiting(world: World, handle: str = HANDLE) -> tuple[RunId, AttemptId]:
    """A run, of which an attempt waits for `handle`, as its events and the index say."""
    run_id = await world.trigger("ask free_text why?")
    await world.opened(run_id)
    attempt_id, now = AttemptId(new_id("attempt", shard_of(run_id))), await world.now()
    until = now + timedelta(hours=1)
    waits = ToolWaits(at=now, attempt_id=attempt_id, handle=handle, check_at=until, until=until)
    await world.app.store.commit(Commit(run_id=run_id, events=[waits]))
    await world.app.store.handles.note(handle, run_id, 3_600)
    return run_id, attempt_id


async def send(world: World, client: AsyncClient, body: object = BODY) -> Response:
    sent = bytes_of(body)
    return await post(client, "builds", sent, signed(sent, await world.now()))


async def reports(world: World, run_id: str) -> list[OutsideReported]:
    return [event for event in await world.events(run_id) if isinstance(event, OutsideReported)]


async def test_a_report_is_appended_to_the_run_that_waits_as_data_in_one_line(office: World, api: Api) -> None:
    run_id, _ = await waiting(office)

    answer = await send(office, api.with_key(None))

    assert (answer.status_code, answer.json()["id"]) == (202, run_id)
    [report] = await reports(office, run_id)
    assert (report.handle, report.text) == (HANDLE, '"green at\\nlast"')
    assert (await office.run(run_id)).state == "waiting", "a report is no result"


async def test_every_run_that_waits_for_a_handle_is_told_of_it(office: World, api: Api) -> None:
    runs = {await office.trigger("send shop/17"), await office.trigger("send shop/17")}
    for run_id in runs:
        await office.has(run_id, "waiting")
    office.workshop.arrived["shop/17"] = Outcome("it is there")

    answer = await send(office, api.with_key(None), BODY | {"repo": "parcel shop"})

    assert set(answer.json()["ids"]) == runs
    for run_id in runs:
        assert await office.summary(run_id) == "done: ok: it is there"


async def test_a_report_that_not_all_have_heard_is_told_to_the_others_when_it_comes_again(
    office: World, api: Api
) -> None:
    first, _ = await waiting(office)
    client, body = api.with_key(None), bytes_of(BODY)
    headers = signed(body, await office.now())
    await post(client, "builds", body, headers)
    second, _ = await waiting(office)
    await office.app.store.handles.note(HANDLE, second, 3_600)

    again, more = [(await post(client, "builds", body, headers)).json() for _ in range(2)]

    assert (again["is_repeat"], again["ids"]) == (False, [second, first])
    assert more["is_repeat"] is True
    assert [len(await reports(office, run_id)) for run_id in (first, second)] == [1, 1]


async def test_who_waits_no_longer_keeps_nobody_else_from_being_told(office: World, api: Api) -> None:
    ended, _ = await waiting(office)
    waits, _ = await waiting(office)
    for run_id in (waits, ended):
        await office.app.store.handles.note(HANDLE, run_id, 3_600)
    await office.steer(ended, "cancel")
    await office.ended(ended)

    answer = await send(office, api.with_key(None))

    assert (answer.status_code, answer.json()["id"]) == (202, waits)
    assert (len(await reports(office, waits)), await reports(office, ended)) == (1, [])


async def test_the_same_report_many_times_at_once_is_appended_once(office: World, api: Api) -> None:
    run_id, _ = await waiting(office)
    client, body = api.with_key(None), bytes_of(BODY)
    headers = signed(body, await office.now())

    answers = await asyncio.gather(*(post(client, "builds", body, headers) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert sorted(answer.json()["is_repeat"] for answer in answers) == [False] + [True] * 7
    assert len(await reports(office, run_id)) == 1


async def test_a_handle_that_nobody_waits_for_is_not_found_and_nothing_is_kept(office: World, api: Api) -> None:
    run_id, attempt_id = await waiting(office)
    client = api.with_key(None)

    refused(await send(office, client, BODY | {"repo": "acme/other"}), 404, "not-found")
    over = ToolFinished(at=await office.now(), attempt_id=attempt_id, output="done")
    await office.app.store.commit(Commit(run_id=run_id, events=[over]))
    refused(await send(office, client), 404, "not-found")

    assert await reports(office, run_id) == []


async def test_a_run_that_has_ended_is_told_nothing(office: World, api: Api) -> None:
    run_id, _ = await waiting(office)
    await office.steer(run_id, "cancel")
    await office.ended(run_id)

    refused(await send(office, api.with_key(None)), 404, "not-found")
    assert await reports(office, run_id) == []


async def test_who_does_not_know_the_secret_learns_nothing_of_handles(office: World, api: Api) -> None:
    await waiting(office)
    client, now = api.with_key(None), await office.now()
    bodies = (bytes_of(BODY), bytes_of(BODY | {"repo": "x"}))

    answers = [await post(client, "builds", body, signed(body, now, "wrong")) for body in bodies]

    assert {refused(answer, 401, "not-signed") for answer in answers}
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize("repo", ["", "a\nb", "a\u202eb", "x" * 201, None, ["acme/shop"]])
async def test_a_handle_that_is_no_visible_name_is_refused(office: World, api: Api, repo: object) -> None:
    refused(await send(office, api.with_key(None), BODY | {"repo": repo}), 422, "invalid")


async def test_reports_are_limited_like_anything_a_trigger_does(redis: str, tmp_path: Path) -> None:
    toml = TOML.replace('"1000/h"', '"1000/h"\ntriggers_per_trigger = "3/h"') + TRIGGERS

    def change(world: World) -> None:
        world.environ = {"SAYSO_TRIGGERS__BUILDS__SECRET": SECRET}

    async with a_world(redis, tmp_path / "data", toml, change=change) as office, serving(office.app) as api:
        run_id, _ = await waiting(office)
        client = api.with_key(None)
        answers = [await send(office, client, BODY | {"build": {"id": 17, "state": str(n)}}) for n in range(5)]

        assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
        assert len(await reports(office, run_id)) == 3
        assert "The trigger builds" in (await office.next_mail("dan")).subject
