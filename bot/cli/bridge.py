"""`sayso mcp`: carries messages of the Model Context Protocol between stdin, stdout and a sayso's `/mcp`.

The tools and every rule are the server's; there is no SDK here, so it is up at once. What makes it more than a pipe: a
message that was cut off is sent again under the same idempotency key until its 50 seconds are over, so that whoever
asks hears nothing of a server that is started again, and people are asked once.
"""

import asyncio
import base64
import contextlib
import json
import os
import re
import secrets
import sys
import threading
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any, cast

import httpx2

from bot.cli.server import Server, tls_for

_VERSION = "io.modelcontextprotocol/protocolVersion"
# As the protocol has it: the parameter that the header Mcp-Name repeats.
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"} | dict.fromkeys(
    ("tasks/get", "tasks/update", "tasks/cancel"), "taskId"
)
_PLAIN = re.compile(r"(?!=\?base64\?.*\?=$)[!-~]([ -~]*[!-~])?")
_ID = re.compile(rb'"id"\s*:\s*("[ !#-\[\]-~]{1,200}"|[0-9]{1,15}(?![0-9.eE]))')
_CALL_S, _OTHER_S = 50.0, 10.0
"""For how long a call of a tool is carried, and any other message: a client that begins waits for that."""
# So much of that is left to the server for opening and telling.
_TELLING_S = 2.0
_AGAIN_S = 0.5
_CHUNK_BYTES = 65_536
_LATER = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
_PARSE_ERROR, _INVALID_REQUEST, _INTERNAL_ERROR = -32700, -32600, -32603
Message = dict[str, Any]


class _CutError(Exception):
    """The answer did not come, or not whole: the same may be sent again. It says why."""


class Bridge:
    """Carries messages to one server; `write` takes what comes back, a line at a time."""

    def __init__(self, server: Server, write: Callable[[bytes], None]) -> None:
        self._url, self._write = server.url, write
        self._http = httpx2.AsyncClient(
            base_url=server.url,
            headers={"Authorization": f"Bearer {server.key}", "Accept": "application/json, text/event-stream"},
            timeout=httpx2.Timeout(10.0, read=None),
            limits=httpx2.Limits(max_connections=None),
            verify=tls_for(server.url),
        )
        # The revision that an older client has agreed upon; a newer one says it in each message.
        self._agreed = ""
        self._carried = dict[str | int, asyncio.Task[None]]()
        # With those whose id a later message has taken.
        self._all = set[asyncio.Task[None]]()

    async def run(self, lines: AsyncIterator[bytes]) -> None:
        """Carry what comes until there is no more."""
        async with self._http, asyncio.TaskGroup() as tasks:
            async for line in lines:
                self._take(line, tasks)
            # Whoever could hear an answer has gone. What they asked is kept under its id and key.
            for task in self._all:
                task.cancel()

    def _take(self, line: bytes, tasks: asyncio.TaskGroup) -> None:
        try:
            told: object = json.loads(line)
        except (ValueError, RecursionError):
            self._tell_error(_only_id(line), _PARSE_ERROR, "This is not JSON that can be read here.")
            return
        message = cast("Message", told) if isinstance(told, dict) else {}
        match message:
            case {"method": str(), "id": str() | int() as some_id} if not isinstance(some_id, bool):
                self._carried[some_id] = task = tasks.create_task(self._carry(message, some_id))
                self._all.add(task)
                task.add_done_callback(lambda done: self._forget(some_id, done))
            case {"method": "notifications/cancelled", "params": {"requestId": str() | int() as some_id}}:
                if some_id in self._carried:
                    self._carried[some_id].cancel()
            case {"method": str()} if "id" not in message:
                pass  # nothing at the server waits for one
            case {"result": _} | {"error": _}:
                pass  # it asked nothing
            case _:
                self._tell_error(None, _INVALID_REQUEST, "This is no message of JSON-RPC 2.0, one to a line.")

    def _forget(self, some_id: str | int, task: asyncio.Task[None]) -> None:
        self._all.discard(task)
        if self._carried.get(some_id) is task:
            del self._carried[some_id]

    async def _carry(self, message: Message, some_id: str | int) -> None:
        """Have one message answered, and tell the answer."""
        clock = asyncio.get_running_loop().time
        is_call = message["method"] == "tools/call"
        began = clock()
        until = began + (_CALL_S if is_call else _OTHER_S)
        once = secrets.token_hex(16)
        while True:
            try:
                async with asyncio.timeout_at(until):
                    now = clock()
                    return await self._send(message, once, max(0.0, until - now - _TELLING_S), now - began)
            except _CutError as error:
                why = str(error)
            except TimeoutError:
                why = f"{self._url} did not answer in time."
            if clock() + _AGAIN_S >= until:
                return self._tell_failure(message, some_id, why, once)
            await asyncio.sleep(_AGAIN_S)

    async def _send(self, message: Message, once: str, wait_s: float, waited_s: float) -> None:
        """Send a message, which may wait for people so long and has `waited_s` already, and tell what comes.

        Raises _CutError where the answer does not come.
        """
        headers = {"Idempotency-Key": once, "Prefer": f"wait={int(wait_s)}", **self._headers(message)}
        content = json.dumps(message).encode()
        try:
            async with self._http.stream("POST", "/mcp", content=content, headers=headers) as answer:
                if answer.status_code in _LATER:
                    raise _CutError(await _sentence(answer) or f"{self._url} answered {answer.status_code}.")
                if answer.headers.get("content-type", "").startswith("text/event-stream"):
                    async for data in _events(answer):
                        if self._told(message, data, waited_s):
                            return
                elif not self._told(message, await answer.aread(), waited_s):
                    why = f"{self._url}/mcp answered {answer.status_code}. Is SAYSO_URL right?"
                    self._tell_error(message["id"], _INTERNAL_ERROR, why)
                    return
                else:
                    return
        except httpx2.TransportError as error:
            raise _CutError(f"{self._url} does not answer: {error or type(error).__name__}.") from None
        raise _CutError(f"{self._url} hung up before it answered.")

    def _headers(self, message: Message) -> dict[str, str]:
        """The headers that repeat what stands in a message, as its revision wants them."""
        method, params = message["method"], message.get("params")
        told = cast("Message", params) if isinstance(params, dict) else {}
        meta: object = told.get("_meta")
        version: object = cast("Message", meta).get(_VERSION) if isinstance(meta, dict) else None
        headers = {"Content-Type": "application/json"}
        if not isinstance(version, str):
            return headers | ({"MCP-Protocol-Version": self._agreed} if self._agreed and method != "initialize" else {})
        headers |= {"MCP-Protocol-Version": _safe(version), "Mcp-Method": _safe(method)}
        named: object = told.get(_NAMED_BY.get(method, ""))
        return headers | ({"Mcp-Name": _safe(named)} if isinstance(named, str) else {})

    def _told(self, message: Message, data: bytes, waited_s: float) -> bool:
        """Tell one message that came, if it is one; whether it is the answer."""
        try:
            told: object = json.loads(data)
        except ValueError:
            return False
        if not isinstance(told, dict) or "jsonrpc" not in told:
            return False
        came = cast("Message", told)
        result: object = came.get("result")
        if message["method"] == "initialize" and isinstance(result, dict):
            self._agreed = str(cast("Message", result).get("protocolVersion", ""))
        match came:
            case {"method": "notifications/progress", "params": {"progress": int() | float() as seconds, **more}}:
                # The server counts from the message that it has: what is told to a client only ever rises.
                came = {**came, "params": {**more, "progress": round(waited_s + seconds, 3)}}
            case _:
                pass
        # What is refused before it is read is told without an id.
        self._tell({**came, "id": message["id"]} if "error" in came else came)
        return "method" not in came

    def _tell_failure(self, message: Message, some_id: str | int, why: str, once: str) -> None:
        """Tell that the server can't be reached: a model reads what a tool says, and not what the protocol does.

        What it may have asked without a key of its own stands under `once`.
        """
        if message["method"] != "tools/call":
            self._tell_error(some_id, _INTERNAL_ERROR, f"{why} Is SAYSO_URL right?")
            return
        said = (
            f"{why} It is not known whether people were asked. That is no answer and no denial. Call this again later "
            "with the same arguments; with the same `key` nobody is asked twice."
        )
        match message:
            case {"params": {"arguments": {"key": str()}}}:
                pass
            case {"params": {"name": "ask_human" | "request_approval"}}:
                said = f"{said} You gave none: that is {once}."
            case _:
                pass
        result: Message = {"content": [{"type": "text", "text": said}], "isError": True}
        result |= {"resultType": "complete"} if "Mcp-Method" in self._headers(message) else {}
        self._tell({"jsonrpc": "2.0", "id": some_id, "result": result})

    def _tell_error(self, some_id: str | int | None, code: int, said: str) -> None:
        self._tell({"jsonrpc": "2.0", "id": some_id, "error": {"code": code, "message": said}})

    def _tell(self, message: Message) -> None:
        self._write(json.dumps(message).encode() + b"\n")


def _only_id(line: bytes) -> str | int | None:
    """The id of a message that can't be read, so that its client waits no longer; None where it may be another one."""
    found = _ID.findall(line)
    return json.loads(found[0]) if len(found) == 1 else None


def _safe(text: str) -> str:
    """`text` as a header holds it."""
    if _PLAIN.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode()}?="


async def _events(answer: httpx2.Response) -> AsyncIterator[bytes]:
    """The data of each event of a stream. Only line feeds part its lines: JSON may hold what else Unicode calls one."""
    data, rest = list[bytes](), b""
    async for chunk in answer.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in (one.removesuffix(b"\r") for one in whole):
            if line.startswith(b"data:"):
                data.append(line.removeprefix(b"data:").removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data.clear()


async def _sentence(answer: httpx2.Response) -> str:
    return _said(await answer.aread())


def _said(data: bytes) -> str:
    """What an error says, and what to do; empty where it is none."""
    try:
        told: object = json.loads(data)
    except ValueError:
        return ""
    match told:
        case {"error": {"message": str() as said}}:
            return said
        case _:
            return ""


async def _stdin() -> AsyncIterator[bytes]:
    """The lines of stdin, which may be a pipe, a file or a terminal."""
    loop, chunks = asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def read() -> None:
        # Not by `sys.stdin`: whoever is blocked there as the interpreter ends breaks it.
        with contextlib.suppress(RuntimeError):  # the loop has ended
            while chunk := os.read(0, _CHUNK_BYTES):
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            loop.call_soon_threadsafe(chunks.put_nowait, b"")

    threading.Thread(target=read, daemon=True).start()
    rest = b""
    while chunk := await chunks.get():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in filter(bytes.strip, whole):
            yield line


def run(server: Server) -> None:
    """Carry messages until stdin ends."""

    def write(line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    async def bridge() -> None:
        await Bridge(server, write).run(_stdin())

    try:
        asyncio.run(bridge())
    except* (BrokenPipeError, KeyboardInterrupt):
        pass  # whoever started it has gone
