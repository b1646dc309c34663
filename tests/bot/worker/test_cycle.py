"""What one cycle costs Redis, counted: a trigger, a question, its answer, a tool, the end, and what is sealed of it.

Every command of every connection counts, inside scripts and outside. The clock is good for no time here, so whoever
schedules by it reads it each time, however fast the machine is; and each cycle is sealed by itself.
"""

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
from bot.store.keys import Keys
from channels import Inbound
from tests.kit.waiting import until

CYCLES = 8
# Eleven scripts for the cycle, and one that seals it.
AT_MOST_SCRIPTS = 12
# 158 for the cycle: TIME and MGET fourteen times, which read the clock; SET three times, for two items that arrived and
# for their thread when the run starts, where GET looks for the run before it; PTTL at each of two cards, which looks
# whether that is kept for long enough; the rest are scripts, reads, and writes of the run, its request, lists, schedule
# and outbox. 21 to seal its four records: a look at what is new, a read of the run and of the clock, a script that
# makes thirteen, and the mark of who seals. Two note the clock: once a second in each shard.
# Two look at how long the mark of who seals lasts, as somebody else has it. 24 look, in eight shards, whether words
# wait that the tool must not overtake: two read the clock of each.
AT_MOST_COMMANDS = 158 + 21 + 2 + 2 + 24
# The test's own: what counts, and what looks whether a cycle is over.
OURS = {"info", "type"}


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

    async def cycle(self, name: str) -> dict[str, int]:
        """One run from its trigger to its end, and what it leaves to be sealed: the commands that it took."""
        before, request = await self.commands(), ""
        await self.say(f"start {name}", {"id": name, "text": "x" * 2048})
        while (said := await self.said.get())["ev"] != "done":
            assert said["ev"] == "paused"
            request = said["request"]
            await self.say(f"answer {name}", {"token": said["token"], "text": "y" * 128}, said["token"])
        await until(self.is_over, what="nothing is left to be sent or done")
        shard = Keys.of(request).shard
        await self.web.store.is_to_seal(shard, once_in_s=1)
        await self.web.work.sealer.sweep(shard)
        return {name: count - before.get(name, 0) for name, count in (await self.commands()).items()}

    async def is_over(self) -> bool:
        """Whether no message is left that must be sent."""
        shards = map(Keys, range(self.web.store.shards))
        return {await self.web.store.client.do("TYPE", keys.outbox) for keys in shards} == {b"none"}

    async def commands(self) -> dict[str, int]:
        """How often the server was asked for each command, those of scripts included."""
        found = await self.web.store.client.do("INFO", "commandstats")
        calls = {name.removeprefix("cmdstat_"): stats["calls"] for name, stats in found.items()}
        return {name: count for name, count in calls.items() if name not in OURS}


@asynccontextmanager
async def cycles(url: str, folder: Path) -> AsyncGenerator[Cycles]:
    """A worker that sweeps nothing meanwhile."""
    said = asyncio.Queue[dict[str, Any]]()
    settings = bench_settings(folder).model_copy(update={"sweep_s": 3600.0, "grace_s": 600.0, "test_clock": True})

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
        costs = [await office.cycle(str(number)) for number in range(CYCLES)]

    # What a worker does besides, once at its start or when nothing has come for a while, falls into some of them.
    least = min(costs, key=lambda cost: sum(cost.values()))
    assert least["evalsha"] <= AT_MOST_SCRIPTS
    assert sum(least.values()) <= AT_MOST_COMMANDS, {name: count for name, count in least.items() if count}
