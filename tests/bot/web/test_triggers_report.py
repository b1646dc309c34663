"""A signed report has the run that waits for its handle look, once; it is never a result, and guesses tell nothing."""

import asyncio
from datetime import timedelta

from httpx2 import AsyncClient, Response

from agents import Outcome
from agents.events import OutsideReported, ToolFinished, ToolStarted, ToolWaits
from agents.requests import AttemptId, Effect, RunId
from agents.run import fold
from bot.store import Commit
from bot.store.ids import new_id, shard_of
from bot.store.indexes import note_handle
from tests.bot.triggers.posting import SECRET, bytes_of, post, signed
from tests.bot.web.test_triggers import refused, secrets
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.web import Api

TRIGGERS = """
[triggers.builds]
kind = "report"
handle = "{repo}/{build.id}"
text = "{build.state}"
"""
HANDLE = "acme/shop/17"
BODY = {"repo": "acme/shop", "build": {"id": 17, "state": "green at\nlast"}}


pytestmark = opens(TOML + TRIGGERS, change=secrets(builds=SECRET))


async def waiting(world: World, handle: str = HANDLE) -> tuple[RunId, AttemptId]:
    """A run, of which an attempt waits for `handle`, as its events and the index say."""
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    attempt_id, now = AttemptId(new_id("attempt", shard_of(run_id))), await world.now()
    started = ToolStarted(
        at=now,
        step_id=record.request.step_id,
        attempt_id=attempt_id,
        tool="press",
        effect=Effect(argv=("press", "bell")),
        idempotent=True,
        host="elsewhere",
    )
    until = now + timedelta(hours=1)
    waits = ToolWaits(at=now, attempt_id=attempt_id, handle=handle, check_at=until, until=until)
    await world.app.store.commit(Commit(run_id=run_id, events=[started, waits]))
    await note_handle(world.app.store, handle, run_id, 3_600)
    return run_id, attempt_id


async def send(world: World, client: AsyncClient, body: object = BODY) -> Response:
    sent = bytes_of(body)
    return await post(client, "builds", sent, signed(sent, await world.now()))


async def reports(world: World, run_id: str) -> list[OutsideReported]:
    return [event for event in await world.events(run_id) if isinstance(event, OutsideReported)]


async def test_a_report_that_comes_many_times_at_once_is_appended_once_as_data_in_one_line(
    world: World, api: Api
) -> None:
    run_id, _ = await waiting(world)

    client, body = api.with_key(None), bytes_of(BODY)
    headers = signed(body, await world.now())

    answers = await asyncio.gather(*(post(client, "builds", body, headers) for _ in range(8)))

    assert {(answer.status_code, answer.json()["id"]) for answer in answers} == {(202, run_id)}
    assert sorted(answer.json()["is_repeat"] for answer in answers) == [False] + [True] * 7
    [report] = await reports(world, run_id)
    assert (report.handle, report.text) == (HANDLE, '"green at\\nlast"')
    told = await world.events(run_id)
    then = fold(told[: told.index(report) + 1])
    assert (then.state, then.results) == ("waiting", ()), "a report is no result"


async def test_every_run_that_waits_for_a_handle_is_told_of_it(world: World, api: Api) -> None:
    runs = {await world.trigger("send shop/17"), await world.trigger("send shop/17")}
    for run_id in runs:
        await world.has(run_id, "waiting")
    world.workshop.arrived["shop/17"] = Outcome("it is there")

    answer = await send(world, api.with_key(None), BODY | {"repo": "parcel shop"})

    assert set(answer.json()["ids"]) == runs
    for run_id in runs:
        assert await world.summary(run_id) == "done: ok: it is there"


async def test_a_report_that_not_all_have_heard_is_told_to_the_others_when_it_comes_again(
    world: World, api: Api
) -> None:
    first, _ = await waiting(world)
    client, body = api.with_key(None), bytes_of(BODY)
    headers = signed(body, await world.now())
    await post(client, "builds", body, headers)
    second, _ = await waiting(world)
    await note_handle(world.app.store, HANDLE, second, 3_600)

    again, more = [(await post(client, "builds", body, headers)).json() for _ in range(2)]

    assert (again["is_repeat"], again["ids"]) == (False, [second, first])
    assert more["is_repeat"] is True
    assert [len(await reports(world, run_id)) for run_id in (first, second)] == [1, 1]


async def test_a_handle_that_nobody_waits_for_is_not_found_and_nothing_is_kept(world: World, api: Api) -> None:
    run_id, attempt_id = await waiting(world)
    client = api.with_key(None)

    refused(await send(world, client, BODY | {"repo": "acme/other"}), 404, "not-found")
    repos: list[object] = ["", "a\nb", "a\u202eb", "x" * 201, None, ["acme/shop"]]
    for repo in repos:
        refused(await send(world, client, BODY | {"repo": repo}), 422, "invalid")
    bodies, now = (bytes_of(BODY), bytes_of(BODY | {"repo": "x"})), await world.now()
    strangers = [await post(client, "builds", body, signed(body, now, "wrong")) for body in bodies]
    assert {refused(answer, 401, "not-signed") for answer in strangers}
    assert len({answer.text for answer in strangers}) == 1, "who does not know the secret learns nothing of handles"
    over = ToolFinished(at=await world.now(), attempt_id=attempt_id, output="done")
    await world.app.store.commit(Commit(run_id=run_id, events=[over]))
    refused(await send(world, client), 404, "not-found")
    ended, _ = await waiting(world, "acme/shop/18")
    await world.steer(ended, "cancel")
    await world.ended(ended)
    refused(await send(world, client, BODY | {"build": {"id": 18, "state": "x"}}), 404, "not-found")

    assert await reports(world, run_id) == await reports(world, ended) == []
