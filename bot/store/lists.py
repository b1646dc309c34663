"""What goes across runs: lists for people, and dead letters."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

from bot.store.client import Client, Script
from bot.store.keys import Keys

_REQUEUE = Script("requeue")

# A moment in milliseconds and an id: where something stands in a list, newest first.
Mark = tuple[int, str]


class Lists:
    """Reads over all shards, eventually right. Nothing decides by them."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._shards = client, shards

    async def summaries(self) -> list[bytes]:
        """One line for every run, in no order."""
        found: list[bytes] = []
        for shard in range(self._shards):
            lines: list[bytes] = await self._client.do("HVALS", Keys(shard).summaries)
            found += lines
        return found

    async def summary(self, run_id: str) -> bytes | None:
        """The line of one run."""
        return await self._client.do("HGET", Keys.of(run_id).summaries, run_id)

    async def requests(self, *, only_open: bool) -> list[str]:
        """The ids of requests, oldest first within each shard."""
        found: list[str] = []
        for shard in range(self._shards):
            keys = Keys(shard)
            ids: list[bytes] = await self._client.do("ZRANGE", keys.open if only_open else keys.requests, 0, -1)
            found += [request_id.decode() for request_id in ids]
        return found

    async def newest_runs(self, before: Mark | None, count: int) -> list[Mark]:
        """The places of at most `count` runs, newest first, that come after `before` in this order."""
        return await self._newest([Keys(shard).runs for shard in range(self._shards)], before, count)

    async def newest_requests(self, before: Mark | None, count: int, *, only_open: bool) -> list[Mark]:
        """The same of requests, by when they were opened."""
        keys = [Keys(shard) for shard in range(self._shards)]
        return await self._newest([one.open if only_open else one.requests for one in keys], before, count)

    async def _newest(self, names: list[str], before: Mark | None, count: int) -> list[Mark]:
        found = await asyncio.gather(*(self._newest_of(name, before, count) for name in names))
        return sorted((mark for marks in found for mark in marks), reverse=True)[:count]

    async def _newest_of(self, name: str, before: Mark | None, count: int) -> list[Mark]:
        """Of one shard. What stands at the very moment of `before` is told apart by its id."""
        asked, top = count + 1, "+inf" if before is None else before[0]
        while True:
            raw = await self._client.do("ZREVRANGEBYSCORE", name, top, "-inf", "WITHSCORES", "LIMIT", 0, asked)
            there = _marks(raw)
            marks = [mark for mark in there if before is None or mark < before]
            if len(marks) >= count or len(there) < asked:
                return marks[:count]
            asked *= 2

    async def records_of(self, request_ids: Sequence[str]) -> list[bytes]:
        """The record of each of these requests, in their order; empty for one that has none."""
        names = [Keys.of(request_id).request(request_id) for request_id in request_ids]
        bodies = await asyncio.gather(*(self._client.do("HGET", name, "body") for name in names))
        return [body or b"" for body in bodies]

    async def summaries_of(self, run_ids: Sequence[str]) -> list[bytes]:
        """The line of each of these runs, in their order; empty for one that has none."""
        shards: dict[int, list[str]] = {}
        for run_id in run_ids:
            shards.setdefault(Keys.of(run_id).shard, []).append(run_id)
        bodies = await asyncio.gather(
            *(self._client.do("HMGET", Keys(shard).summaries, *ids) for shard, ids in shards.items())
        )
        found = {name: body for ids, lines in zip(shards.values(), bodies, strict=True)
                 for name, body in zip(ids, lines, strict=True)}  # fmt: skip
        return [found[run_id] or b"" for run_id in run_ids]

    async def counts(self) -> tuple[int, int, dict[str, int]]:
        """(runs started, open requests, answers by what became of them), ever and everywhere."""
        runs, still_open, answers = 0, 0, Counter[str]()
        for shard in range(self._shards):
            keys = Keys(shard)
            there = await self._client.read(["ZCARD", keys.runs], ["ZCARD", keys.open], ["HGETALL", keys.counts])
            runs, still_open = runs + there[0], still_open + there[1]
            answers.update({kind.decode(): int(count) for kind, count in _pairs(there[2])})
        return runs, still_open, dict(answers)

    async def dead(self) -> dict[str, bytes]:
        """Every dead letter and held item: id -> note."""
        found: dict[str, bytes] = {}
        for shard in range(self._shards):
            notes = await self._client.do("HGETALL", Keys(shard).dead)
            found |= {name.decode(): note for name, note in _pairs(notes)}
        return found

    async def requeue(self, some_id: str, member: str) -> bool:
        """Have a dead letter looked at again; False when it is not in the list."""
        keys = Keys.of(some_id)
        return bool(await self._client.run(_REQUEUE, [keys.dead, keys.wake, keys.clock], [some_id, member]))

    async def runs(self) -> list[str]:
        """The ids of all runs, found by their events alone."""
        found: list[str] = []
        for shard in range(self._shards):
            prefix = Keys(shard).run("")
            found += [key.removeprefix(prefix) async for key in self._client.scan(f"{prefix}*")]
        return found


def _pairs(found: Sequence[bytes] | dict[bytes, bytes]) -> Iterable[tuple[bytes, bytes]]:
    """The fields of a hash, in the older and the newer form of the protocol."""
    return found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)


def _marks(raw: Sequence[bytes] | Sequence[tuple[bytes, float]]) -> list[Mark]:
    """The places in what ZREVRANGEBYSCORE gave, in both forms."""
    pairs = [pair for pair in raw if not isinstance(pair, bytes)]
    flat = [one for one in raw if isinstance(one, bytes)]
    return [(round(float(score)), name.decode()) for name, score in [*pairs, *zip(flat[::2], flat[1::2], strict=True)]]
