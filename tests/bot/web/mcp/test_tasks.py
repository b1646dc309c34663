"""Tasks, by messages as they stand on the wire: the official SDK has none."""

from typing import Any

from httpx2 import AsyncClient

from tests.bot.web.mcp.peer import asker
from tests.bot.web.mcp.raw import GOT, TASKS, Completed, Created, Got, error, result
from tests.bot.web.mcp.test_tools import APPROVAL, QUESTION, given
from tests.kit.world import World
from tests.servers.web import Api, serving

_THREE_DAYS_S = 3 * 24 * 3600


async def created(client: AsyncClient, tool: str = "ask_human", **arguments: Any) -> Created:
    return Created.model_validate(await result(client, "tools/call", {"name": tool, "arguments": arguments}))


async def got(client: AsyncClient, task_id: str) -> Got:
    return GOT.validate_python(await result(client, "tasks/get", {"taskId": task_id}))


async def test_a_task_is_the_request_and_gives_its_answer_days_and_a_restart_later(world: World) -> None:
    async with serving(world.app) as api:
        key = await asker(api)
        task = await created(api.with_key(key), **QUESTION, expires_after_s=10 * 24 * 3600)
        assert (await got(api.with_key(key), task.taskId)).status == "working"
    await world.stop()
    await world.start()
    await world.move_time(_THREE_DAYS_S)
    async with serving(world.app) as api:
        client = api.with_key(key)
        before = await got(client, task.taskId)
        await given(api, task.taskId, text="go on")
        after = await got(client, task.taskId)
        await world.move_time(_THREE_DAYS_S)
        again = await got(client, task.taskId)
        await world.quiet()
        await world.move_time(31 * 24 * 3600)
        assert await world.retention() == 1
        archived = await got(client, task.taskId)
        [same] = [await result(client, "tools/call", {"name": "await_answer", "arguments": {"id": task.taskId}})]

    assert before.status == "working"
    assert isinstance(after, Completed)
    assert after == again == archived
    told = after.result["structuredContent"]
    assert (told["id"], told["decision"], told["answer"], told["by"]) == (task.taskId, "answered", "go on", ["bo"])
    assert (same["resultType"], same["structuredContent"]) == ("complete", told)


async def test_the_discovery_names_the_extension_and_only_who_declares_it_gets_tasks(world: World) -> None:
    async with serving(world.app, longest_wait_s=0.1) as api:
        client = api.with_key(await asker(api))
        found = await result(client, "server/discover", {})
        task = await created(client, **QUESTION)
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            told = await error(client, method, {"taskId": task.taskId, "inputResponses": {}}, declares=False)
            assert (told["code"], told["data"]["requiredCapabilities"]) == (-32021, {"extensions": {TASKS: {}}})

    assert found["capabilities"]["extensions"] == {TASKS: {}}


async def test_nothing_that_a_client_sends_to_a_task_answers_it_and_to_cancel_it_withdraws_what_is_not_decided(
    api: Api,
) -> None:
    """The task of another key, and what is none, are not found."""
    client, other = api.with_key(await asker(api)), api.with_key(await asker(api))
    first, second = await created(client, **QUESTION), await created(client, "request_approval", **APPROVAL)
    for task_id in (first.taskId, "s0q-aaaaaaaaaaaaa", "../runs", ""):
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            assert (await error(other, method, {"taskId": task_id, "inputResponses": {}}))["code"] == -32602
    responses = {"inputResponses": {"approve": {"action": "accept", "content": {"vote": "approve"}}}}
    assert (await result(client, "tasks/update", {"taskId": second.taskId, **responses}))["resultType"] == "complete"
    assert (await got(client, second.taskId)).status == "working"
    await given(api, second.taskId, vote="deny")

    acknowledged = [await result(client, "tasks/cancel", {"taskId": task.taskId}) for task in (first, first, second)]

    assert all((one["resultType"], set(one)) == ("complete", {"resultType", "_meta"}) for one in acknowledged)
    assert (await got(client, first.taskId)).status == "cancelled"
    denied = await got(client, second.taskId)
    assert isinstance(denied, Completed)
    assert denied.result["structuredContent"]["decision"] == "denied"


async def test_a_task_whose_archive_is_away_is_not_said_to_be_none(world: World, api: Api) -> None:
    """A client takes -32602 for the end of the task, and asks for it no more."""
    client = api.with_key(await asker(api))
    task = await created(client, **QUESTION)
    await given(api, task.taskId, text="go on")
    await world.quiet()
    await world.move_time(31 * 24 * 3600)
    assert await world.retention() == 1
    archive, elsewhere = world.folder / "archive", world.folder / "elsewhere"

    archive.rename(elsewhere)
    away = [
        await error(client, method, {"taskId": task.taskId, "inputResponses": {}})
        for method in ("tasks/get", "tasks/update", "tasks/cancel")
    ]
    elsewhere.rename(archive)
    after = await got(client, task.taskId)

    assert [one["code"] for one in away] == [-32603] * 3
    assert all("archive" in one["message"] for one in away)
    assert after.status == "completed"
