"""What one cycle costs Redis, counted: a trigger, a question, its answer, a tool, the end."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.parts import BenchChannel, bench_agent, bench_settings
from bot.app import App, compose
from bot.process.running import running
from channels import Inbound

CYCLES = 20
# Four of them note for the audit log what was asked, decided, started and done, three whom the run and its request
# concern, and one asks who is away; sealing the log is no part of a cycle.
AT_MOST_SCRIPTS, AT_MOST_COMMANDS = 11, 128
# Three scripts a cycle judge by the clock, with TIME and MGET each; who schedules by it reads it once a second.
OF_THE_CLOCK = {"time", "mget"}
# Two of what arrived, and one of the thread. The others note the clock, once a second.
SETS = 3


@dataclass
class Cycles:
    """`web` accepts what people say, and a worker beside it does the rest."""

    web: App
    said: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue[dict[str, Any]])

    async def say(self, key: str, said: dict[str, str], token: str = "") -> None:
        """A message that arrives; with `token` it is an answer."""
        raw, now = json.dumps(said).encode(), datetime.now(UTC)
        await self.web.messages.inbox.accept(
            Inbound(
                channel="bench", key=key, raw=raw, size_bytes=len(raw), is_answer=bool(token), token=token,
                received_at=now,
            )
        )  # fmt: skip

    async def cycle(self, name: str) -> None:
        """One run from its trigger to its end."""
        await self.say(f"start {name}", {"id": name, "text": "x" * 2048})
        while (said := await self.said.get())["ev"] != "done":
            assert said["ev"] == "paused"
            await self.say(f"answer {name}", {"token": said["token"], "text": "y" * 128}, said["token"])

    async def commands(self) -> dict[str, int]:
        """How often the server was asked for each command, those of scripts included."""
        found = await self.web.store.client.do("INFO", "commandstats")
        return {name.removeprefix("cmdstat_"): stats["calls"] for name, stats in found.items()}


@asynccontextmanager
async def cycles(url: str, folder: Path) -> AsyncGenerator[Cycles]:
    """A worker that sweeps nothing meanwhile."""
    said = asyncio.Queue[dict[str, Any]]()
    settings = bench_settings(folder).model_copy(update={"sweep_s": 3600.0, "grace_s": 600.0})

    def tell(**words: Any) -> None:
        said.put_nowait(words)

    def composed() -> App:
        return compose(settings, url, [BenchChannel(tell)], [bench_agent(lambda _, reply: reply)])

    web = composed()
    async with running(composed(), works=True, receives=()):
        yield Cycles(web, said)
    await web.store.client.close()


async def test_a_cycle_takes_no_more_of_redis_than_it_may(redis: str, tmp_path: Path) -> None:
    async with cycles(redis, tmp_path) as office:
        await office.cycle("first")
        before = await office.commands()
        for number in range(CYCLES):
            await office.cycle(str(number))
        after = await office.commands()

    others = OF_THE_CLOCK | {"info"}
    cost = {name: (count - before.get(name, 0)) / CYCLES for name, count in after.items() if name not in others}
    assert cost["evalsha"] <= AT_MOST_SCRIPTS
    assert cost["set"] >= SETS
    cost["set"] = SETS
    assert sum(cost.values()) <= AT_MOST_COMMANDS, {name: count for name, count in cost.items() if count >= 1}
