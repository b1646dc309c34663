"""Messages that nobody would think of: none is an answer, none asks what it does not say, and none breaks anything."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from httpx2 import AsyncClient, Response
from hypothesis import HealthCheck, given, settings, strategies

from tests.bot.web.mcp.peer import asker
from tests.bot.web.mcp.raw import TASKS, VERSION
from tests.bot.web.mcp.test_tools import APPROVAL, QUESTION, TOOLS
from tests.kit.world import World
from tests.servers.web import serving

# Strategies of anything have no type.
st: Any = strategies

_METHODS = (
    "tools/call", "tools/list", "initialize", "ping", "server/discover", "tasks/get", "tasks/update", "tasks/cancel",
    "tasks/result", "resources/read", "prompts/get", "logging/setLevel", "subscriptions/listen", "elicitation/create",
    "completion/complete", "requests/answer", "notifications/cancelled", "notifications/initialized",
)  # fmt: skip


def _more_of(said: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda more: {**more, **said}


def _nested(inner: Any) -> Any:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(_WORDS, inner, max_size=3))


_WORDS = st.sampled_from(
    [
        "approve",
        "answer",
        "vote",
        "yes",
        "deny",
        "person:bo",
        "group:release",
        "production",
        "a",
        "../runs",
        "\u202e",
        "",
    ]
)
_IDS = st.one_of(st.integers(), st.text(max_size=4), st.none(), st.booleans(), st.floats())
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _WORDS, st.text(max_size=20)),
    _nested,
    max_leaves=8,
)
_KNOWN = st.sampled_from(["question", "to", "format", "options", "form", "key", "id", "title", "policy", "arguments"])
_ARGUMENTS = st.one_of(
    st.dictionaries(st.one_of(_KNOWN, _WORDS), _JSON, max_size=5),
    st.dictionaries(_KNOWN, _JSON, max_size=2).map(_more_of(QUESTION)),
    st.dictionaries(st.sampled_from(["attempt", "vote", "digest", "ok", "summary", "text"]), _JSON).map(
        _more_of({"id": "BAIT"})
    ),
    _JSON,
)
_CALLED = st.fixed_dictionaries(
    {"name": st.one_of(st.sampled_from(sorted({*TOOLS, "answer", "approve"})), _JSON), "arguments": _ARGUMENTS}
)
_TASK = st.fixed_dictionaries({"taskId": st.one_of(st.just("BAIT"), _JSON)}, optional={"inputResponses": _JSON})
_META = st.one_of(
    st.just({"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}),
    st.just(
        {
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}},
        }
    ),
    _JSON,
)
_MESSAGES = st.one_of(
    st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0"), "method": st.one_of(st.sampled_from(_METHODS), _WORDS)},
        optional={"id": _IDS, "params": st.one_of(_CALLED, _TASK, _JSON), "result": _JSON},
    ),
    _JSON,
)
_ANYTHING = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
_HEADERS = st.sampled_from(["right", "right", "none", "wrong"])
_ONE = st.tuples(_MESSAGES, st.one_of(st.none(), _META), _HEADERS)


def _headers(message: dict[str, Any], how: str) -> dict[str, str]:
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    if how == "none":
        return headers
    params = _object(message.get("params"))
    named: object = params.get("name") or params.get("taskId")
    method = str(message.get("method")) if how == "right" else "tools/list"
    plain = {"Mcp-Method": method, "Mcp-Name": named if isinstance(named, str) else ""}
    return (
        headers
        | {"MCP-Protocol-Version": VERSION}
        | {key: text for key, text in plain.items() if text.isprintable() and text.isascii() and text == text.strip()}
    )


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


async def _sent(client: AsyncClient, bait: str, message: Any, meta: Any, how: str) -> Response:
    told = _object(message)
    if told and isinstance(told.get("params"), dict) and meta is not None:
        message = {**told, "params": {**told["params"], "_meta": meta}}
    body = json.dumps(message).replace('"BAIT"', json.dumps(bait))
    headers = {name: text.replace("BAIT", bait) for name, text in _headers(told, how).items()}
    return await client.post("/mcp", content=body.encode(), headers=headers)


def _drawn(batches: int, size: int) -> list[tuple[Any, Any, str]]:
    """Draw so many batches of messages."""
    found = list[tuple[Any, Any, str]]()

    @settings(max_examples=batches, deadline=None, database=None, suppress_health_check=_ANYTHING)
    @given(st.lists(_ONE, min_size=size, max_size=size))
    def batch(drawn: list[tuple[Any, Any, str]]) -> None:
        found.extend(drawn)

    batch()
    return found


async def _fuzzed(world: World, count: int) -> None:
    """Send so many messages to one server, and look at what stands there afterwards."""
    async with serving(world.app, longest_wait_s=0.01) as api:
        agent, people = api.with_key(await asker(api)), await api.client("bo")
        bait = await _bait(agent)
        before = (await people.get(f"/v1/requests/{bait}")).json()
        opened, sent = {bait}, 0
        while sent < count:
            for message, meta, how in await asyncio.to_thread(_drawn, min(count, 2_000) // 20, 20):
                answer = await _sent(agent, bait, message, meta, how)
                sent += 1
                assert answer.status_code < 500, (message, meta, how, answer.text)
                opened |= _ids_in(answer)
        after = (await people.get(f"/v1/requests/{bait}")).json()
        there = await _all(people)

    assert after["votes"] == []
    assert after["state"] in {"open", "withdrawn"}, "cancel_request takes it back, and nothing decides it"
    assert (after["digest"], after["call"]) == (before["digest"], before["call"])
    assert {one["state"] for one in there} <= {"open", "withdrawn"}
    assert {one["id"] for one in there} <= opened, "what was opened was told to whoever opened it"


async def _bait(agent: AsyncClient) -> str:
    answer = await agent.post("/v1/requests", json=APPROVAL)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def _ids_in(answer: Response) -> set[str]:
    """The requests that an answer tells of."""
    found = set[str]()
    for line in answer.text.split("\n"):
        text = line.removeprefix("data: ")
        if text.startswith("{"):
            result = _object(_object(json.loads(text)).get("result"))
            named: tuple[object, ...] = (result.get("taskId"), _object(result.get("structuredContent")).get("id"))
            found |= {one for one in named if isinstance(one, str)}
    return found


async def _all(people: AsyncClient) -> list[dict[str, Any]]:
    found, cursor = list[dict[str, Any]](), ""
    while True:
        page = (await people.get(f"/v1/requests?limit=200{cursor and f'&cursor={cursor}'}")).json()
        found += page["requests"]
        if page["next"] is None:
            return found
        cursor = page["next"]


async def test_no_message_is_taken_for_what_it_is_not(world: World) -> None:
    await _fuzzed(world, 200)


@pytest.mark.long
async def test_none_of_100_000_messages_is_taken_for_what_it_is_not(world: World) -> None:
    await _fuzzed(world, 100_000)
