"""What kills of the client, the bridge, the server and the worker leave of a question: one request, and its answer."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from bot.people.api_keys import Keyring
from bot.people.directory import People
from bot.store import Store
from bot.store.client import Client as RedisClient
from bot.store.format import check_format
from tests.office import QUICK, TOML, settings_of
from tests.processes.programs import KEY, Program, RedisServer
from tests.servers.lines import free_ports
from tests.servers.program import COMMAND, environment
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.long

QUESTION: dict[str, Any] = {"question": "May staging-3 go?", "to": ["group:release"], "key": "staging-3"}
APPROVAL: dict[str, Any] = {"title": "Delete staging-3", "policy": "production", "arguments": {"name": "staging-3"}}


@dataclass
class Place:
    """One sayso of a `web` and a `worker`, which can be killed and started again, and the keys of who speaks there.

    People speak to a `web` beside them, which stays.
    """

    url: str
    agent: str
    web: Program
    worker: Program
    people: httpx2.AsyncClient
    again: Callable[[str], Program]

    async def open(self) -> list[dict[str, Any]]:
        """Return the requests that are open."""
        return (await self.people.get("/v1/requests?state=open")).json()["requests"]

    async def one(self) -> str:
        """Return the id of the one request there is, once it is open."""
        found = list[dict[str, Any]]()

        async def is_open() -> bool:
            nonlocal found
            found = await self.open()
            return bool(found)

        await until(is_open, what="a request is open")
        [request] = found
        return request["id"]

    async def waits(self, count: int = 1) -> None:
        """Returns when so many wait at the server."""

        async def is_waiting() -> bool:
            return f"sayso_http_streams {count:.1f}" in (await self.people.get(f"{self.url}/metrics")).text

        await until(is_waiting, what="somebody waits")

    async def answer(self, request_id: str, text: str) -> None:
        """Answer as Bo."""
        answer = await self.people.post(f"/v1/requests/{request_id}/answer", json={"text": text})
        assert answer.status_code == 200, answer.text

    def kill(self, program: Program) -> None:
        """Kill it, and have nothing of it left."""
        program.process.kill()
        program.ended()

    async def approved(self) -> dict[str, Any]:
        """Return a request of the agent that Bo has approved."""
        request = (await self.sent(self.people, "", APPROVAL)).json()
        vote = {"vote": "approve", "digest": request["digest"]}
        answer = await self.people.post(f"/v1/requests/{request['id']}/answer", json=vote)
        assert answer.status_code == 200, answer.text
        return request

    async def sent(self, client: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> httpx2.Response:
        """Return what the agent is told about its requests, over the connection of `client`."""
        headers = {"Authorization": f"Bearer {self.agent}"}
        return await client.post(f"/v1/requests{path}", json=body, headers=headers)

    async def sent_in_vain(self, path: str, body: dict[str, Any]) -> asyncio.StreamWriter:
        """Send it to the web that is killed, as a client that hears no answer."""
        _, writer = await asyncio.open_connection("127.0.0.1", int(self.url.rpartition(":")[2]))
        content = json.dumps(body).encode()
        head = (
            f"POST /v1/requests{path} HTTP/1.1", f"Host: {self.url.partition('//')[2]}",
            "Content-Type: application/json", f"Authorization: Bearer {self.agent}", f"Content-Length: {len(content)}",
        )  # fmt: skip
        writer.write("".join(f"{line}\r\n" for line in (*head, "")).encode() + content)
        await writer.drain()
        return writer

    async def until_told(self, request_id: str, name: str) -> None:
        """Return once the request says something under `name`."""

        async def is_told() -> bool:
            return bool((await self.people.get(f"/v1/requests/{request_id}")).json().get(name))

        await until(is_told, what=f"{request_id} says {name}")

    async def kinds(self, run_id: str) -> list[str]:
        """Return the kinds of events of a run."""
        events = (await self.people.get(f"/v1/runs/{run_id}/events")).json()["events"]
        return [numbered["event"]["type"] for numbered in events]

    @asynccontextmanager
    async def agent_of(self) -> AsyncGenerator[Client]:
        """A client with a bridge of its own; both are killed at the end."""
        bridge = StdioServerParameters(
            command=COMMAND[0],
            args=[*COMMAND[1:], "mcp"],
            env=environment(SAYSO_URL=self.url, SAYSO_API_KEY=self.agent),
        )
        async with Client(bridge, mode="2026-07-28") as client:
            yield client


async def keys_of(url: str, folder: Path) -> tuple[str, str]:
    """Make a key that only asks, and one of Bo's."""
    settings, client = settings_of(folder, TOML), RedisClient(url)
    await check_format(client)
    keyring = Keyring(Store(client, settings.shards), People(settings.people, settings.policies))
    _, agent = await keyring.create(
        service="ci", scopes=["ask"], acts_for=["anna"], asks=["group:release", "policy:production"]
    )
    _, bo = await keyring.create(person="bo", scopes=["read", "answer"], made_by="person")
    await client.close()
    return agent, bo


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis")).start()
        data, [port, beside] = tmp_path / "data", free_ports(2)
        agent, bo = await keys_of(redis.url, data)
        environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
            "SAYSO_DATA_DIR": str(data), "SAYSO_SECRET_KEY": KEY, "SAYSO_REDIS_URL": redis.url, "SAYSO_MAIL_LOCAL": "1",
        }  # fmt: skip
        words = {
            "web": ["web", "--port", str(port)], "beside": ["web", "--port", str(beside)], "worker": ["worker"],
        }  # fmt: skip

        def started(name: str) -> Program:
            program = stack.enter_context(Program(words[name], environ, tmp_path / name))
            program.wait_for('"ready"')
            return program

        url, stays = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{beside}"
        headers = {"Authorization": f"Bearer {bo}"}
        started("beside")
        async with httpx2.AsyncClient(base_url=stays, headers=headers, timeout=PATIENCE_S, trust_env=False) as people:
            yield Place(url, agent, started("web"), started("worker"), people, started)


async def told(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


async def test_a_killed_server_is_not_noticed_by_who_waits(place: Place) -> None:
    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **{**QUESTION, "key": None}))
        request_id = await place.one()
        await place.waits()
        place.kill(place.web)
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
        place.kill(place.worker)
        await place.answer(request_id, "go on")
        place.again("worker")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_a_killed_bridge_or_client_finds_its_question_by_its_key_and_the_answer_by_its_id(place: Place) -> None:
    bridge = await asyncio.create_subprocess_exec(
        *COMMAND, "mcp", env=environment(SAYSO_URL=place.url, SAYSO_API_KEY=place.agent),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert bridge.stdin
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask_human", "arguments": QUESTION}}
    bridge.stdin.write(json.dumps(call).encode() + b"\n")
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
    bridge = await asyncio.create_subprocess_exec(
        *COMMAND, "mcp", env=environment(SAYSO_URL=place.url, SAYSO_API_KEY=place.agent),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert bridge.stdin
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask_human", "arguments": QUESTION}}
    bridge.stdin.write(json.dumps(call).encode() + b"\n")
    await bridge.stdin.drain()
    body = {**{name: value for name, value in QUESTION.items() if name != "key"}, "idempotency_key": QUESTION["key"]}
    client = await place.sent_in_vain("", body)
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
        place.kill(place.web)
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
        place.kill(place.web)
        place.again("web")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_without_a_worker_a_question_is_asked_and_its_answer_is_heard(place: Place) -> None:
    place.kill(place.worker)
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
        place.kill(place.web)
        place.again("web")
        answers = [answer["answer"] for answer in await asyncio.gather(*asking)]

    assert ["one" in answers[0], "two" in answers[1]] == [True, True], answers
    assert await place.open() == []


async def test_a_start_whose_server_was_killed_before_it_answered_is_told_to_the_same_attempt(place: Place) -> None:
    request = await place.approved()
    path, people = f"/{request['id']}/start", place.people
    unheard = await place.sent_in_vain(path, {"attempt": "first"})
    await place.until_told(request["id"], "started_at")
    place.kill(place.web)
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
    place.kill(place.web)
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
    place.kill(place.web)
    place.kill(place.worker)
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
    place.kill(place.worker)
    end = {"attempt": "first", "ok": True, "summary": "staging-3 is gone"}
    unheard = await place.sent_in_vain(f"{path}/finish", end)
    await place.until_told(request["id"], "came_of")
    place.kill(place.web)
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
    place.kill(place.web)
    unheard.close()
    assert not (await people.get(f"/v1/requests/{request['id']}")).json().get("came_of")

    end = {"attempt": "first", "ok": True, "summary": "staging-3 is gone"}
    answers = [await place.sent(people, f"{path}/finish", end) for _ in "12"]

    assert [answer.status_code for answer in answers] == [200, 200]
    await until(lambda: _has_ended(place, request["run_id"]), what="the run has ended")
    assert (await place.kinds(request["run_id"])).count("tool_finished") == 1


async def _has_ended(place: Place, run_id: str) -> bool:
    return "run_ended" in await place.kinds(run_id)
