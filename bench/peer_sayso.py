"""The adapter of sayso for the comparison in `../shared/bench`: its own Redis, its own workers, nothing bypassed.

The adapter is what a channel's process is: it makes triggers and answers durable with `inbox.accept`.
Everything else happens in the workers, whose events it passes on. It needs `workload` on PYTHONPATH.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workload import answer, context, data_dir, emit, event, tool

from agents.events import AnswerNoted, RequestOpened
from agents.requests import PersonId, RunId, bound_to
from agents.requests.proof import as_by
from bench.parts import PERSON, BenchChannel, bench_agent, bench_settings
from bot.app import App, compose
from bot.process.processes import run
from bot.requests.tokens import Tokens
from bot.store import Commit, Keys, Wake, WorkItem
from bot.store.embedded import EmbeddedRedis, find_server
from bot.store.format import check_format
from bot.store.ids import run_of
from channels import Inbound

HERE = Path(__file__).resolve().parent
WORKERS = int(os.environ.get("SAYSO_BENCH_WORKERS", "1"))
EVENTS_AT_ONCE = 100


class Adapter:
    """Commands in, events out. `app` is composed and serves nothing: what it accepts goes through the queue."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tokens = Tokens(app.data_dir.keys(app.settings))
        self._asked = dict[str, tuple[str, str]]()  # run name -> request, token
        self._names = dict[str, str]()  # request -> run name
        self._history, self._cold = dict[str, int](), set[str]()

    async def do(self, command: dict[str, Any]) -> None:
        """One command of the driver."""
        name = command["id"]
        try:
            match command["op"]:
                case "start":
                    self._history[name] = command.get("history", 0)
                    self._cold |= {name} if command.get("cold") else set[str]()
                    await self._start(name)
                case "answer":
                    await self._answer(name, is_repeat=command.get("checked", False))
                case _:
                    memory = await self._app.store.client.do("INFO", "memory")
                    emit(id=name, ev="stats", server_ram=memory["used_memory"])
        except Exception as error:  # noqa: BLE001 - the edge of a job; the driver shows it
            emit(id=name, ev="error", error=repr(error)[:200])

    async def told(self, said: dict[str, Any]) -> None:
        """One event of a worker."""
        if said["ev"] == "paused":
            self._note(said["id"], said["request"], said.pop("token"))
            await self._fill(said["id"], said["request"], self._history.pop(said["id"], 0))
        elif said["ev"] == "refused":
            said["id"] = self._names[said["request"]]
        emit(**said)

    def _note(self, name: str, request_id: str, token: str) -> None:
        self._asked[name], self._names[request_id] = (request_id, token), name

    async def _start(self, name: str) -> RunId:
        """The run of a trigger, however often it is accepted: they share their shard and random part."""
        inbound_id = await self._accept(f"start {name}", {"id": name, "text": context(name)}, is_answer=False)
        return RunId(run_of(inbound_id))

    async def _answer(self, name: str, *, is_repeat: bool) -> None:
        if name not in self._asked:  # asked before we were killed
            await self._look_up(name)
        key = f"answer {name} again at {time.monotonic()}" if is_repeat else f"answer {name}"
        await self._accept(key, {"token": self._asked[name][1], "text": answer(name)}, is_answer=True)

    async def _look_up(self, name: str) -> None:
        """Read from the store what the last life of this adapter was told."""
        events = (await self._app.store.load(await self._start(name))).events
        opened = next(event.request.id for event in events if isinstance(event, RequestOpened))
        record, _, _ = await self._app.requests.decisions.request(opened)
        self._note(name, opened, self._tokens.make(record.holders[0].delivery_id))

    async def _accept(self, key: str, said: dict[str, str], *, is_answer: bool) -> str:
        raw, now = json.dumps(said).encode(), datetime.now(UTC)
        token = said.get("token", "")
        inbound = Inbound(
            channel="bench", key=key, raw=raw, size_bytes=len(raw), is_answer=is_answer, token=token, received_at=now
        )
        return await self._app.messages.inbox.accept(inbound)

    async def _fill(self, name: str, request_id: str, count: int) -> None:
        """Let the run hold `count` more events: comments on its open request, as `decide` would write them.

        The worker looks at them, as it would have when they came one by one, unless the run is to be cold.
        """
        for first in range(0, count, EVENTS_AT_ONCE):
            run_id, now = await self._start(name), self._app.store.about_now()
            record, _, _ = await self._app.requests.decisions.request(request_id)
            binding, proof = bound_to(record.request, "request"), as_by("bench")
            comments = [
                AnswerNoted(
                    at=now, request_id=record.request.id, reply_id=f"{name}/{i}", person=PersonId(PERSON),
                    proof=proof, binding=binding, text=event(name, i), outcome="unclear",
                )
                for i in range(first, min(first + EVENTS_AT_ONCE, count))
            ]  # fmt: skip
            await self._app.journal.write(Commit(run_id=run_id, events=comments))
        if count and name not in self._cold:
            await self._looked_at(await self._start(name))

    async def _looked_at(self, run_id: RunId) -> None:
        """Returns when the worker has read the run, and waits for its answer again."""
        item = WorkItem("run", run_id)
        await self._app.journal.write(Commit(run_id=run_id, wake=[Wake(item)]))
        while await self._app.store.client.do("ZSCORE", Keys.of(run_id).wake, str(item)) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def lines(stream: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    """The JSON objects of `stream`, one a line, until it ends."""
    while line := await stream.readline():
        if line.strip():
            yield json.loads(line)


async def pass_on(adapter: Adapter, worker: asyncio.subprocess.Process) -> None:
    """Everything that a worker says, until it ends."""
    assert worker.stdout
    async for said in lines(worker.stdout):
        await adapter.told(said)


async def main() -> None:
    """Serve the driver until the end of its commands."""
    folder = Path(data_dir())
    os.environ |= {"BENCH_GROUP": str(os.getpgrp()), "BENCH_REDIS": str(find_server().path)}
    with EmbeddedRedis(folder, program=str(HERE / "in_group" / "redis-server")) as redis:
        app = compose(bench_settings(folder), redis.start(), [BenchChannel(emit)], [bench_agent(tool)])
        await check_format(app.store.client)  # as every process does, before it writes
        adapter = Adapter(app)
        argv = [sys.executable, str(HERE / "worker.py"), str(folder)]
        workers = [await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE) for _ in range(WORKERS)]
        for worker in workers:
            assert worker.stdout
            assert await worker.stdout.readline(), "a worker did not start; stderr says why"
        tasks = {asyncio.create_task(pass_on(adapter, worker)) for worker in workers}
        emit(ev="ready", peer="sayso", durability=f"AOF, appendfsync always; {WORKERS} worker(s)")
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        async for command in lines(commands):
            tasks.add(task := asyncio.create_task(adapter.do(command)))
            task.add_done_callback(tasks.discard)
        for worker in workers:
            worker.terminate()
            await worker.wait()


run(main())
