"""`sayso mcp`, as a client starts it."""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from tests.bot.cli.shell import typed
from tests.bot.web.mcp.peer import ERAS, Era, asker, called
from tests.bot.web.mcp.test_tools import QUESTION, TOOLS, given, opened
from tests.kit.long import few_of
from tests.kit.programs import COMMAND, environment
from tests.kit.world import World
from tests.servers.lines import free_ports
from tests.servers.web import Api, serving


def started(url: str, key: str) -> StdioServerParameters:
    """The bridge, as a client starts it."""
    return StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "mcp"], env=environment(SAYSO_URL=url, SAYSO_API_KEY=key)
    )


@pytest.mark.parametrize("era", few_of(ERAS, len(ERAS) - 1))
async def test_an_agent_behind_the_bridge_asks_and_has_the_answer(world: World, api: Api, era: Era) -> None:
    async with Client(started(api.url, await asker(api)), mode=era) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        asking = asyncio.create_task(called(client, "ask_human", **QUESTION))
        request = await opened(api)
        await given(api, request["id"], text="go\u2028on \x85 now")
        told = await asking

    assert tools == TOOLS
    assert (told["decision"], told["answer"]) == ("answered", "go\u2028on \x85 now")


def said(*lines: str, env: dict[str, str]) -> list[dict[str, Any]]:
    """What the bridge says to these lines, once each that is owed an answer has one."""
    owed = sum('"notifications/' not in line for line in lines)
    program = subprocess.Popen(
        [*COMMAND, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(**env), text=True
    )
    with program:
        assert program.stdin
        assert program.stdout
        program.stdin.write("".join(f"{line}\n" for line in lines))
        program.stdin.flush()
        told = [json.loads(program.stdout.readline()) for _ in range(owed)]
        program.stdin.close()
        assert program.stdout.read() == ""
    assert program.returncode == 0
    return told


def test_what_cannot_be_carried_is_answered_and_nothing_else_ends_by_it() -> None:
    [port] = free_ports(1)
    nowhere = {"SAYSO_URL": f"http://127.0.0.1:{port}", "SAYSO_API_KEY": "sayso_a_b"}

    told = said(
        "no json", "[]", '{"id": true, "method": "ping"}', '{"jsonrpc":"2.0","method":"notifications/initialized"}',
        '{"jsonrpc":"2.0","id":6,"method":"ping","params":{"n":%s}}' % ("9" * 5_000),
        '{"jsonrpc":"2.0","id":7,"method":"initialize"}',
        env=nowhere,
    )  # fmt: skip

    assert [one["error"]["code"] for one in told] == [-32700, -32600, -32600, -32700, -32603]
    assert [one["id"] for one in told] == [None, None, None, 6, 7]
    assert told[-1]["id"] == 7
    assert "Is SAYSO_URL right?" in told[-1]["error"]["message"]


@pytest.mark.long
def test_a_server_that_takes_what_is_sent_and_answers_nothing_is_told_of_while_a_client_still_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        call = '{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"list_policies"}}'
        keyless, keyed = [
            f'{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{{"name":"ask_human","arguments":{told}}}}}'
            for number, told in ((9, '{"question":"?"}'), (10, '{"question":"?","key":"k"}'))
        ]
        first, *others = said(
            '{"jsonrpc":"2.0","id":7,"method":"initialize"}', call, keyless, keyed,
            env={"SAYSO_URL": url, "SAYSO_API_KEY": "sayso_a_b"},
        )  # fmt: skip
        second, without_key, with_key = sorted(others, key=lambda one: one["id"])
        sent = list[str]()
        for _ in range(4):
            with silent.accept()[0] as wire:
                sent.append(wire.recv(8_192).decode())
        [once] = [re.findall("(?i)idempotency-key: (.*)\r", one)[0] for one in sent if '"id": 9' in one]

    assert (first["id"], first["error"]["message"]) == (7, f"{url} did not answer in time. Is SAYSO_URL right?")
    assert (second["id"], second["result"]["isError"]) == (8, True)
    for one in (second, with_key):
        assert one["result"]["content"][0]["text"].endswith("nobody is asked twice.")
    assert f"You gave none: that is {once}." in without_key["result"]["content"][0]["text"]
    waits_s = [int(one) for wire in sent for one in re.findall("(?i)prefer: wait=(.*)\r", wire)]
    assert len(waits_s) == 4
    assert max(waits_s) < 58, "a client waits for a minute"


async def test_what_the_server_does_not_take_is_told_under_the_id_of_its_message(world: World, api: Api) -> None:
    right = {"SAYSO_URL": api.url, "SAYSO_API_KEY": await asker(api)}
    half_a_pair, large = "\\ud800", "x" * 70_000
    ping = '{"jsonrpc":"2.0","id":%d,"method":"ping","params":{"more":"%s"}}'

    told = await asyncio.to_thread(
        said, ping % (1, half_a_pair), ping % (2, large), '{"jsonrpc":"1.0","id":3,"method":"ping"}', env=right
    )

    assert sorted(one["id"] for one in told) == [1, 2, 3]
    assert all("error" in one for one in told)


class Wire:
    """Carries bytes to a port until it is cut."""

    def __init__(self, port: int) -> None:
        self._port, self._ends = port, list[asyncio.StreamWriter]()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends += [writer, to]

        async def pump(read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await read.read(65_536):
                    write.write(data)
                    await write.drain()
            write.close()

        await asyncio.gather(pump(reader, to), pump(there, writer))

    def cut(self) -> None:
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()


async def test_attack_a_wire_that_is_cut_and_an_id_that_comes_twice_leave_progress_that_falls_and_a_bridge_that_stays(
    world: World,
) -> None:
    async with serving(world.app, ping_s=0.2) as api:
        wire = Wire(int(api.url.rpartition(":")[2]))
        async with await asyncio.start_server(wire.carry, "127.0.0.1") as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            bridge = await asyncio.create_subprocess_exec(
                *COMMAND, "mcp", env=environment(SAYSO_URL=url, SAYSO_API_KEY=await asker(api)),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert bridge.stdin
            assert bridge.stdout
            asks = {"name": "ask_human", "arguments": QUESTION, "_meta": {"progressToken": "t"}}
            call: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asks}
            bridge.stdin.write(json.dumps(call).encode() + b"\n")
            told = list[float]()
            while len(told) < 6:
                told.append(json.loads(await bridge.stdout.readline())["params"]["progress"])
                if len(told) == 3:
                    wire.cut()
            other = {**call, "params": {"name": "list_policies"}}
            bridge.stdin.write(json.dumps(other).encode() + b"\n")
            while "result" not in json.loads(await bridge.stdout.readline()):
                pass
            bridge.stdin.close()
            try:
                ended = await asyncio.wait_for(bridge.wait(), 15)
            except TimeoutError:
                ended = None
                bridge.kill()
                await bridge.wait()
            wire.cut()

    assert (told, ended) == (sorted(set(told)), 0)


def test_without_an_address_it_says_what_to_set(tmp_path: Path) -> None:
    ended = typed(tmp_path, "mcp")

    assert (ended.code, ended.out) == (1, "")
    assert "SAYSO_URL" in ended.err
