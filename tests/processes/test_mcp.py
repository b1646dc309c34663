"""What kills of the client, the bridge, the server and the worker leave of a question: one request, and its answer."""

import asyncio
import json
import signal
from typing import Any

import pytest
from mcp.client import Client

from tests.kit.programs import COMMAND, environment
from tests.kit.waiting import until
from tests.processes.place import QUESTION, Place

pytestmark = pytest.mark.long


async def told(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


async def bridge_that_asks(place: Place) -> asyncio.subprocess.Process:
    """Start a bridge, and send it the question."""
    bridge = await asyncio.create_subprocess_exec(
        *COMMAND, "mcp", env=environment(SAYSO_URL=place.url, SAYSO_API_KEY=place.agent),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert bridge.stdin
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask_human", "arguments": QUESTION}}
    bridge.stdin.write(json.dumps(call).encode() + b"\n")
    await bridge.stdin.drain()
    return bridge


async def test_a_killed_server_is_not_noticed_by_who_waits(place: Place) -> None:
    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **{**QUESTION, "key": None}))
        request_id = await place.one()
        await place.waits()
        place.web.kill()
        place.again("web")
        await place.waits()
        assert await place.one() == request_id, "without a key it is the same message, and people were asked once"
        await place.answer(request_id, "go on")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_a_killed_worker_loses_no_answer(place: Place) -> None:
    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **QUESTION))
        request_id = await place.one()
        place.worker.kill()
        await place.answer(request_id, "go on")
        place.again("worker")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_who_waits_at_a_server_that_leaves_is_told_pending_and_goes_on_with_the_id(place: Place) -> None:
    async with place.agent_of() as client:
        await client.list_tools()  # it would ask for them after the answer, when nobody is there
        asking = asyncio.create_task(told(client, "ask_human", **QUESTION))
        request_id = await place.one()
        await place.waits()
        place.web.signal(signal.SIGTERM)
        pending = await asking
        place.web.ended()
        place.again("web")
        waiting = asyncio.create_task(told(client, "await_answer", id=request_id))
        await place.waits()
        await place.answer(request_id, "go on")
        answer = await waiting

    assert (pending["id"], pending["decision"]) == (request_id, "pending")
    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_a_killed_bridge_or_client_finds_its_question_by_its_key_and_the_answer_by_its_id(place: Place) -> None:
    bridge = await bridge_that_asks(place)
    request_id = await place.one()
    await place.waits()
    bridge.kill()
    await bridge.wait()
    await place.waits(0)

    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **QUESTION))
        await place.waits()
        assert await place.one() == request_id
        await place.answer(request_id, "go on")
        answer = await asking
        later = await told(client, "await_answer", id=request_id)

    assert (answer["id"], answer["answer"]) == (request_id, "go on")
    assert later == answer


async def test_a_bridge_or_client_that_is_killed_before_its_question_is_written_asks_people_once(place: Place) -> None:
    """What they sent may be read after their death, or never be."""
    place.web.signal(signal.SIGSTOP)
    bridge = await bridge_that_asks(place)
    body = {name: value for name, value in QUESTION.items() if name != "key"}
    client = await place.sent_in_vain("", body, QUESTION["key"])
    bridge.kill()
    await bridge.wait()
    client.close()
    assert await place.open() == []
    place.web.signal(signal.SIGCONT)

    async with place.agent_of() as another:
        asking = asyncio.create_task(told(another, "ask_human", **QUESTION))
        await place.waits()
        request_id = await place.one()
        await place.answer(request_id, "go on")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")
    assert await place.open() == []


async def test_a_server_that_is_killed_before_it_wrote_a_question_is_asked_again_and_people_once(place: Place) -> None:
    async with place.agent_of() as client:
        place.web.signal(signal.SIGSTOP)
        asking = asyncio.create_task(told(client, "ask_human", **{**QUESTION, "key": None}))
        assert await place.open() == []
        place.web.kill()
        place.again("web")
        request_id = await place.one()
        await place.answer(request_id, "go on")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_an_answer_that_a_killed_server_did_not_deliver_is_delivered(place: Place) -> None:
    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **QUESTION))
        request_id = await place.one()
        await place.waits()
        place.web.signal(signal.SIGSTOP)
        await place.answer(request_id, "go on")
        place.web.kill()
        place.again("web")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_without_a_worker_a_question_is_asked_and_its_answer_is_heard(place: Place) -> None:
    place.worker.kill()
    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **QUESTION))
        request_id = await place.one()
        await place.answer(request_id, "go on")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_no_answer_is_given_to_another_question_though_the_server_is_killed(place: Place) -> None:
    """Both agents number their messages alike."""
    async with place.agent_of() as first, place.agent_of() as second:
        asking = [
            asyncio.create_task(told(client, "ask_human", **{**QUESTION, "question": f"May {name} go?", "key": None}))
            for client, name in ((first, "one"), (second, "two"))
        ]
        await place.waits(2)
        place.web.signal(signal.SIGSTOP)
        for request in await place.open():
            await place.answer(request["id"], f"about {request['title']}")
        place.web.kill()
        place.again("web")
        answers = [answer["answer"] for answer in await asyncio.gather(*asking)]

    assert ["one" in answers[0], "two" in answers[1]] == [True, True], answers
    assert await place.open() == []


async def test_a_start_whose_server_was_killed_before_it_answered_is_told_to_the_same_attempt(place: Place) -> None:
    request = await place.approved()
    path, people = f"/{request['id']}/start", place.people
    unheard = await place.sent_in_vain(path, {"attempt": "first"})
    await place.until_told(request["id"], "started_at")
    place.web.kill()
    unheard.close()

    same = [await place.sent(people, path, {"attempt": "first"}) for _ in "12"]
    other = await place.sent(people, path, {"attempt": "second"})

    assert [answer.status_code for answer in (*same, other)] == [200, 200, 409]
    assert same[0].json() == same[1].json()
    assert (await place.kinds(request["run_id"])).count("tool_started") == 1


async def test_a_start_whose_server_was_killed_before_it_wrote_it_is_none(place: Place) -> None:
    request = await place.approved()
    path, people = f"/{request['id']}/start", place.people
    place.web.signal(signal.SIGSTOP)
    unheard = await place.sent_in_vain(path, {"attempt": "first"})
    place.web.kill()
    unheard.close()

    second, first = [await place.sent(people, path, {"attempt": name}) for name in ("second", "first")]

    assert [second.status_code, first.status_code] == [200, 409]
    assert (await place.kinds(request["run_id"])).count("tool_started") == 1


async def test_of_twenty_starts_at_two_servers_one_begins_though_one_server_and_the_worker_are_killed(
    place: Place,
) -> None:
    request = await place.approved()
    path, people = f"/{request['id']}/start", place.people
    unheard = [await place.sent_in_vain(path, {"attempt": f"killed-{number}"}) for number in range(10)]
    starting = [asyncio.create_task(place.sent(people, path, {"attempt": f"{number}"})) for number in range(10)]
    await place.until_told(request["id"], "started_at")
    place.web.kill()
    place.worker.kill()
    for one in unheard:
        one.close()
    answers = await asyncio.gather(*starting)

    again = [await place.sent(people, path, {"attempt": f"{name}"}) for name in range(10)]
    again += [await place.sent(people, path, {"attempt": f"killed-{name}"}) for name in range(10)]

    assert sorted(answer.status_code for answer in again) == [200] + 19 * [409]
    assert [answer.status_code for answer in answers] == [answer.status_code for answer in again[:10]]
    assert (await place.kinds(request["run_id"])).count("tool_started") == 1


async def test_an_end_whose_server_was_killed_before_it_answered_is_told_once(place: Place) -> None:
    """Also where the worker was killed once it had begun: what is told of it is told later."""
    request = await place.approved()
    path, people = f"/{request['id']}", place.people
    assert (await place.sent(people, f"{path}/start", {"attempt": "first"})).status_code == 200
    place.worker.kill()
    end = {"attempt": "first", "ok": True, "summary": "staging-3 is gone"}
    unheard = await place.sent_in_vain(f"{path}/finish", end)
    await place.until_told(request["id"], "came_of")
    place.web.kill()
    unheard.close()

    same = await place.sent(people, f"{path}/finish", end)
    other = await place.sent(people, f"{path}/finish", {**end, "summary": "staging-4 is gone"})
    place.again("worker")

    assert [same.status_code, other.status_code] == [200, 409]
    await until(lambda: _has_ended(place, request["run_id"]), what="the run has ended")
    assert (await place.kinds(request["run_id"])).count("tool_finished") == 1


async def test_an_end_whose_server_was_killed_before_it_wrote_it_is_taken_when_it_is_sent_again(place: Place) -> None:
    request = await place.approved()
    path, people = f"/{request['id']}", place.people
    assert (await place.sent(people, f"{path}/start", {"attempt": "first"})).status_code == 200
    place.web.signal(signal.SIGSTOP)
    unheard = await place.sent_in_vain(f"{path}/finish", {"attempt": "first", "ok": False, "summary": "it failed"})
    place.web.kill()
    unheard.close()
    assert not (await people.get(f"/v1/requests/{request['id']}")).json().get("came_of")

    end = {"attempt": "first", "ok": True, "summary": "staging-3 is gone"}
    answers = [await place.sent(people, f"{path}/finish", end) for _ in "12"]

    assert [answer.status_code for answer in answers] == [200, 200]
    await until(lambda: _has_ended(place, request["run_id"]), what="the run has ended")
    assert (await place.kinds(request["run_id"])).count("tool_finished") == 1


async def _has_ended(place: Place, run_id: str) -> bool:
    return "run_ended" in await place.kinds(run_id)
