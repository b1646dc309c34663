"""`sayso-hook`, as a coding agent starts it, against a sayso that serves HTTP."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bot.cli.coding_agents import Wish
from tests.bot.web.hooks.test_endpoint import ALLOWED, CLAUDE, opened, votes
from tests.bot.web.hooks.test_programs import GEMINI
from tests.kit.programs import TOP
from tests.kit.waiting import PATIENCE_S, passes
from tests.kit.world import World
from tests.servers.lines import free_ports
from tests.servers.web import Api, serving

HOOK = TOP / "clients" / "hook" / "sayso_hook.py"
MODULES = 150


class Ended:
    """How the command ended."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code, self.out, self.err = code, out.decode(), err.decode()

    @property
    def told(self) -> Any:
        return json.loads(self.out)


def surroundings(**more: str) -> dict[str, str]:
    """What the shell of an agent has: nothing of these tests."""
    return {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LANG": "C"} | more


async def hook(*words: str, told: Any = CLAUDE, python: str = sys.executable, **environ: str) -> Ended:
    """`sayso-hook WORDS…`, told this on stdin; it ends by itself."""
    process = await asyncio.create_subprocess_exec(
        python, str(HOOK), *words, env=surroundings(**environ),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    out, err = await asyncio.wait_for(process.communicate(body), PATIENCE_S)
    assert process.returncode is not None
    return Ended(process.returncode, out, err)


async def key(api: Api, *asks: str) -> str:
    _, text = await api.key(None, "ask", service="laptop", acts_for=["anna"], asks=asks or ("policy:production",))
    return text


def denies(ended: Ended, *words: str) -> None:
    """Each agent reads this as a denial: 2, and one sentence, for Copilot on stdout and for the others on stderr."""
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert ended.told == {"behavior": "deny", "message": ended.err.strip()}
    for word in words:
        assert word in ended.err


async def test_an_agent_hears_the_yes_of_people_and_they_see_on_which_machine_it_runs(api: Api) -> None:
    asking = asyncio.create_task(hook("claude-code", SAYSO_URL=api.url, SAYSO_API_KEY=await key(api)))
    request = await opened(api)
    await votes(api, request)
    ended = await asking

    assert (ended.code, ended.told, ended.err) == (0, ALLOWED, "")
    assert request["call"]["arguments"]["facts"]["Machine"] == socket.gethostname()


async def test_an_agent_hears_the_no_of_people_and_why(api: Api) -> None:
    asking = asyncio.create_task(hook("gemini", told=GEMINI, SAYSO_URL=api.url, SAYSO_API_KEY=await key(api)))
    await votes(api, await opened(api), "deny", reason="not on a Friday – ever")
    ended = await asking

    assert (ended.code, ended.told["decision"]) == (0, "deny")
    assert "Denied by bo: not on a Friday – ever" in ended.told["reason"]


async def test_the_address_the_policy_and_a_file_with_the_key_can_be_named(api: Api, tmp_path: Path) -> None:
    """They count before the variables; a file that is not there does not; no proxy is asked for this machine."""
    right, [port] = await key(api, "policy:production", "policy:pair"), free_ports(1)
    given = {"SAYSO_URL": "http://other.example", "http_proxy": f"http://127.0.0.1:{port}"}
    words = ("claude-code", "--url", f"{api.url}/", "--policy", "production", "--wait-s", "0")
    named = (*words, "--key-file", str(tmp_path / "key"))
    without = await hook(*named, SAYSO_API_KEY=right, **given)
    (tmp_path / "key").write_text(f"{right}\n")
    beside = await hook(*named, SAYSO_API_KEY="sayso_an_old_one", **given)
    by_variable = await hook(*words, SAYSO_API_KEY_FILE=str(tmp_path / "key"), **given)

    for ended in (without, beside, by_variable):
        assert ended.code == 0
        assert "this is no refusal" in ended.told["hookSpecificOutput"]["decision"]["message"]


async def test_what_sayso_refuses_is_denied_in_its_words(api: Api) -> None:
    right = {"SAYSO_URL": api.url, "SAYSO_API_KEY": await key(api)}

    denies(await hook("codex", SAYSO_URL=api.url, SAYSO_API_KEY="sayso_a_b"), "not known")
    denies(await hook("emacs", **right), "There is no hook", "claude-code", "gemini")
    denies(await hook("codex", told=b"rm -rf", **right), "no JSON object")
    denies(await hook("codex", told={}, **right), "PermissionRequest")


async def test_claude_code_reads_a_denial_as_json_as_a_2_leaves_it_to_its_own_dialog() -> None:
    [port] = free_ports(1)
    given = {"SAYSO_URL": f"http://127.0.0.1:{port}", "SAYSO_API_KEY": "sayso_a_b"}
    asked = await hook("claude-code", **given)
    before = await hook("claude-code", told=CLAUDE | {"hook_event_name": "PreToolUse"}, **given)
    decision = asked.told["hookSpecificOutput"]["decision"]

    denies(await hook("codex", **given), "can't be reached", "no refusal")
    assert (asked.code, before.code) == (0, 0)
    assert asked.told["hookSpecificOutput"]["hookEventName"] == "PermissionRequest"
    assert decision["behavior"] == "deny"
    assert "sayso can't be reached" in decision["message"]
    assert before.told["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert "sayso can't be reached" in before.told["hookSpecificOutput"]["permissionDecisionReason"]


_AGENT = "import subprocess, sys; subprocess.run(['sh', '-c', sys.argv[1]], input=b'%s', stdout=subprocess.PIPE)"


async def test_where_the_agent_is_gone_it_hangs_up_and_takes_no_yes_though_its_shell_lives_on(api: Api) -> None:
    told = json.dumps({**GEMINI, "tool_input": {"command": "make"}})
    line = Wish(api.url, "", 570, False, "zebra", [sys.executable, str(HOOK)]).hook_command("gemini")
    agent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _AGENT % told, line, env=surroundings(SAYSO_API_KEY=await key(api))
    )
    request = await opened(api)
    await api.until_open()
    agent.kill()
    await agent.wait()
    await asyncio.wait_for(api.until_open(0), PATIENCE_S)
    await votes(api, request)

    assert (await (await api.client("bo")).get(f"/v1/requests/{request['id']}")).json()["started_at"] is None


async def test_without_a_key_or_an_address_it_says_what_to_set(tmp_path: Path) -> None:
    denies(await hook("codex", SAYSO_API_KEY="sayso_a_b"), "SAYSO_URL")
    denies(await hook("codex", SAYSO_API_KEY="sayso_a_b", SAYSO_URL="https://sayso.corp.example/v1/hooks"), "SAYSO_URL")
    denies(await hook("codex", SAYSO_URL="http://127.0.0.1:1"), "SAYSO_API_KEY")
    denies(await hook("codex", SAYSO_URL="http://127.0.0.1:1", SAYSO_API_KEY="a\nb"), "SAYSO_API_KEY")
    nowhere = str(tmp_path / "key")
    denies(await hook("codex", SAYSO_URL="http://127.0.0.1:1", SAYSO_API_KEY_FILE=nowhere), nowhere)
    ended = await hook(SAYSO_URL="http://127.0.0.1:1", SAYSO_API_KEY="sayso_a_b")
    assert (ended.code, ended.out) == (2, "")
    assert "NAME" in ended.err


@asynccontextmanager
async def answering(*replies: bytes, holds_s: float = 0.0) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A server that answers with these bytes, one after the other, and then closes; and the heads that it was sent."""
    heard, left = list[bytes](), [*replies]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        await passes(holds_s)
        writer.write(left.pop(0) if left else b"")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


def reply(status: str, body: str, *heads: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", *heads))
    return f"{head}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (reply("200 OK", "<html>log in</html>"), "no sayso"),
        (reply("200 OK", '["allow"]'), "no sayso"),
        (reply("200 OK", '{"decision": "allow"')[:-4], ""),
        (reply("302 Found", "", "Location: http://127.0.0.1:1/"), "302"),
        (reply("500 Oh", "no"), "500"),
        (reply("500 Oh", '{"detail": "It\\u001b[31m broke.\\nTwice.", "do": "Wait."}'), "It [31m broke. Twice. Wait."),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "can't be reached"),
        (b"", "can't be reached"),
    ],
)
async def test_what_is_no_answer_of_sayso_is_a_denial(sent: bytes, said: str) -> None:
    async with answering(sent) as (url, heard):
        denies(await hook("codex", SAYSO_URL=url, SAYSO_API_KEY="sayso_a_b"), said)

    assert len(heard) == 1


async def test_a_wait_that_a_restart_or_a_gateway_cuts_goes_on_with_what_is_left_of_it() -> None:
    cut, late, right = b"", reply("504 Gateway Time-out", ""), reply("200 OK", '{"decision": "allow"}')
    leaves = reply("200 OK", '{"decision": "deny", "reason": "nobody has answered yet"}', "Retry-After: 1")
    async with answering(cut, late, leaves, right, holds_s=1.2) as (url, heard):
        ended = await hook("gemini", "--wait-s", "30", SAYSO_URL=url, SAYSO_API_KEY="sayso_a_b")
    waits = [int(head.partition(b"wait_s=")[2].split()[0]) for head in heard]

    assert (ended.code, ended.told) == (0, {"decision": "allow"})
    assert len(waits) == 4
    assert waits[0] == 30 > waits[1] > waits[2] > waits[3]


async def test_a_sayso_that_is_started_again_meanwhile_asks_nobody_twice(world: World) -> None:
    [port] = free_ports(1)
    async with serving(world.app, port=port) as api:
        given = {"SAYSO_URL": api.url, "SAYSO_API_KEY": await key(api)}
        asking = asyncio.create_task(hook("claude-code", **given))
        request = await opened(api)
        await passes(1.2)
    async with serving(world.app, port=port) as api:
        await votes(api, request)
        ended = await asking
        requests = (await (await api.client("bo")).get("/v1/requests")).json()["requests"]

    assert (ended.code, ended.told) == (0, ALLOWED)
    assert [one["id"] for one in requests] == [request["id"]]


@pytest.mark.long
async def test_a_server_that_never_ends_its_answer_is_not_waited_for_longer_than_agents_wait() -> None:
    over = asyncio.Event()

    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await passes(0.5)
        writer.close()
        over.set()

    server = await asyncio.start_server(drips, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        denies(await hook("codex", "--wait-s", "0", SAYSO_URL=url, SAYSO_API_KEY="sayso_a_b"), "not answer in time")
        await asyncio.wait_for(over.wait(), PATIENCE_S)


@pytest.mark.parametrize(
    ("shell", "command"),
    [
        ("sh", ["sayso-hook-that-is-not-there"]),
        ("bash", [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]),
        ("sh", [str(HOOK)]),
    ],
)
def test_as_connect_writes_it_a_hook_that_is_missing_or_dies_hears_all_and_denies_with_a_reason(
    shell: str, command: list[str]
) -> None:
    line = Wish("http://127.0.0.1:1", "", 570, False, "zebra", command).hook_command("codex")
    agent = subprocess.Popen(
        [shell, "-c", line], env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with agent:
        assert agent.stdin
        assert agent.stderr
        agent.stdin.write(b" " * 1_000_000)
        agent.stdin.close()
        said = agent.stderr.read()

    assert agent.returncode == 2
    assert said.strip()


async def test_it_hears_all_that_it_is_told_also_where_it_can_do_nothing_with_it() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HOOK), "codex", env=surroundings(), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    process.stdin.write(b" " * 1_000_000)
    await asyncio.wait_for(process.stdin.drain(), PATIENCE_S)
    process.stdin.close()

    assert await process.wait() == 2


def test_it_starts_with_few_modules_as_each_call_of_a_tool_waits_for_that() -> None:
    counting = [sys.executable, "-I", "-S", "-X", "importtime", str(HOOK), "codex"]
    told = subprocess.run(counting, check=False, env=surroundings(), input=b"{}", capture_output=True).stderr.decode()

    assert 50 < told.count("import time:") < MODULES


def test_it_needs_nothing_that_python_does_not_bring() -> None:
    bare = [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(HOOK)!r})"]

    assert subprocess.run(bare, check=False, env=surroundings()).returncode == 0


async def test_it_runs_on_the_oldest_python_that_it_names(api: Api) -> None:
    probe = await asyncio.create_subprocess_exec("sh", "-c", "exec python3.10 -c pass 2>&-", env=surroundings())
    if await probe.wait():
        pytest.skip("there is no Python 3.10 here")
    given = {"SAYSO_URL": api.url, "SAYSO_API_KEY": await key(api)}
    ended = await hook("claude-code", "--wait-s", "0", python="python3.10", **given)

    assert "no refusal" in ended.told["hookSpecificOutput"]["decision"]["message"]
