"""The lists that go across runs: runs and requests for people, and dead letters."""

import asyncio
import operator
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_args

from agents.run import RunState
from bot.store import scripts
from bot.store.client import Client, adjusted, asked
from bot.store.ids import WorkItem
from bot.store.keys import Keys

# Shards do not hold the same number of what is new; this many more of each save a second question.
_SPARE = 8

# A moment in milliseconds and an id: where something stands in a list, newest first.
Mark = tuple[int, str]


AGES_S = (300.0, 3_600.0, 4 * 3_600.0, 86_400.0, 3 * 86_400.0, 7 * 86_400.0)
"""Open requests are counted by the first of these ages that they have not reached."""
DECIDED_S = (60.0, 300.0, 900.0, 3_600.0, 4 * 3_600.0, 12 * 3_600.0, 86_400.0, 3 * 86_400.0, 7 * 86_400.0)
"""Decisions are counted by the first of these times that they took no longer than."""
DECIDED_WITHIN, DECISION_MS, EXPIRED = "decided within ", "decision ms", "request expired"
NOT_DELIVERED, GLASS_BROKEN, UNCHANGED = "not delivered by ", "glass broken", "run unchanged"
"""Names of counts that go on with the place in `DECIDED_S`, the channel. Others are judgements."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is there now, and what was counted ever. `counts` and `model_use` go by their own names.

    `runs` are by state, as are those that are `archived`, which `started` counts, too; `open_by_age` is by the places
    in `AGES_S`. `oldest_open_s` is an age, the lags say for how long the oldest of the work waits that could be taken;
    `overdue_s` how late the schedule is, which workers look after. `unsealed` facts wait to be sealed for the audit
    log, the oldest for `unsealed_s`.
    """

    started: int = 0
    runs: Counter[RunState] = field(default_factory=Counter[RunState])
    open_by_age: tuple[int, ...] = (0,) * (len(AGES_S) + 1)
    oldest_open_s: float = 0.0
    answers: int = 0
    ready: int = 0
    answers_lag_s: float = 0.0
    ready_lag_s: float = 0.0
    overdue_s: float = 0.0
    outbox: int = 0
    dead: int = 0
    quarantined: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    model_use: Counter[str] = field(default_factory=Counter[str])
    archived: Counter[str] = field(default_factory=Counter[str])
    unsealed: int = 0
    unsealed_s: float = 0.0

    def __add__(self, other: "Figures") -> "Figures":
        """Both: numbers together, of ages the greater one."""
        return Figures(
            started=self.started + other.started,
            runs=self.runs + other.runs,
            open_by_age=tuple(map(operator.add, self.open_by_age, other.open_by_age)),
            oldest_open_s=max(self.oldest_open_s, other.oldest_open_s),
            answers=self.answers + other.answers,
            ready=self.ready + other.ready,
            answers_lag_s=max(self.answers_lag_s, other.answers_lag_s),
            ready_lag_s=max(self.ready_lag_s, other.ready_lag_s),
            overdue_s=max(self.overdue_s, other.overdue_s),
            outbox=self.outbox + other.outbox,
            dead=self.dead + other.dead,
            quarantined=self.quarantined + other.quarantined,
            counts=self.counts + other.counts,
            model_use=self.model_use + other.model_use,
            archived=self.archived + other.archived,
            unsealed=self.unsealed + other.unsealed,
            unsealed_s=max(self.unsealed_s, other.unsealed_s),
        )

    def named(self, begins: str) -> dict[str, int]:
        """The counts whose names begin so, by how these go on."""
        return {name.removeprefix(begins): count for name, count in self.counts.items() if name.startswith(begins)}


class Lists:
    """Reads over all shards, eventually right. Nothing decides by them."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._shards = client, shards

    async def summaries(self) -> list[bytes]:
        """One line for every run, in no order."""
        found: list[bytes] = []
        for shard in range(self._shards):
            kept = await self._client.do("HGETALL", Keys(shard).summaries)
            lines = [line for name, line in _pairs(kept) if not name.startswith(b"state ")]
            found += lines
        return found

    async def seen_by(self, run_ids: Sequence[str], people: Collection[str]) -> frozenset[str]:
        """Return those of the runs that concern one of these people."""
        pairs = [(run_id, person) for run_id in run_ids for person in people]
        scores = await asyncio.gather(
            *(self._client.do("ZSCORE", Keys.of(run_id).runs_seen_by(person), run_id) for run_id, person in pairs)
        )
        return frozenset(run_id for (run_id, _), score in zip(pairs, scores, strict=True) if score is not None)

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

    async def newest_runs(
        self,
        before: Mark | None,
        count: int,
        *,
        state: RunState | None = None,
        requesters: Collection[str] | None = None,
        agent: str | None = None,
        seen_by: Collection[str] | None = None,
    ) -> list[Mark]:
        """The places of at most `count` runs, newest first, that come after `before` in this order.

        With one filter they are the runs that it fits; with more, those that the rarest of them fits. Who then reads
        a line of them looks again: it may have changed meanwhile. With `seen_by` they are no others than those that
        concern one of these people, whatever else is asked for.
        """
        keys, filters = [Keys(shard) for shard in range(self._shards)], list[list[str]]()
        if seen_by is not None:
            return await self._newest([one.runs_seen_by(who) for who in seen_by for one in keys], before, count)
        if state is not None:
            filters.append([one.runs_in(state) for one in keys])
        if requesters is not None:
            filters.append([one.runs_by(who) for who in requesters for one in keys])
        if agent is not None:
            filters.append([one.runs_of(agent) for one in keys])
        return await self._newest(await self._shortest(filters) or [one.runs for one in keys], before, count)

    async def newest_requests(
        self,
        before: Mark | None,
        count: int,
        *,
        only_open: bool,
        people: Collection[str] | None = None,
        seen_by: Collection[str] | None = None,
    ) -> list[Mark]:
        """The same of requests, by when they were opened; of open ones only those that wait on one of `people`.

        Whoever reads their records looks again who may decide.
        """
        keys = [Keys(shard) for shard in range(self._shards)]
        if seen_by is not None and not (only_open and people is not None and {*people} <= {*seen_by}):
            return await self._newest([one.requests_seen_by(who) for who in seen_by for one in keys], before, count)
        if only_open and people is not None:
            return await self._newest([one.requests_for(who) for who in people for one in keys], before, count)
        return await self._newest([one.open if only_open else one.requests for one in keys], before, count)

    async def newest_in(self, place: str) -> list[str]:
        """The newest approvals for a tool and environment, as `place_of_call` names them, whatever became of them."""
        names = [Keys(shard).requests_in(place) for shard in range(self._shards)]
        found = await asyncio.gather(*(self._client.do("ZRANGE", name, 0, -1) for name in names))
        return [request_id.decode() for ids in found for request_id in ids]

    async def count_for(self, person: str) -> int:
        """Return the number of open requests that `person` could decide when opened, or is asked back about."""
        return await self._length([Keys(shard).requests_for(person) for shard in range(self._shards)])

    async def _shortest(self, lists: list[list[str]]) -> list[str]:
        """The one with the fewest members among lists that are spread over shards; none of none."""
        if len(lists) <= 1:
            return lists[0] if lists else []
        lengths = [await self._length(names) for names in lists]
        return lists[lengths.index(min(lengths))]

    async def _length(self, names: list[str]) -> int:
        return sum(await asyncio.gather(*(self._client.do("ZCARD", name) for name in names)))

    async def _newest(self, names: list[str], before: Mark | None, count: int) -> list[Mark]:
        """The first `count` of all shards together, of each of which only as many are read as are likely needed."""
        if not names:
            return []
        asked = count // len(names) + _SPARE
        while True:
            found = await asyncio.gather(*(self._newest_of(name, before, asked) for name in names))
            # Below the last one that was read of a shard, that shard may have more.
            certain = max((marks[-1] for marks, has_more in found if has_more), default=None)
            marks = list({mark for marks, _ in found for mark in marks if certain is None or mark >= certain})
            if len(marks) >= count or certain is None:
                return sorted(marks, reverse=True)[:count]
            asked *= 2

    async def _newest_of(self, name: str, before: Mark | None, count: int) -> tuple[list[Mark], bool]:
        """Return at least one mark of one shard, if there is any, and whether there may be more.

        What stands at the very moment of `before` is told apart by its id.
        """
        asked, top = count, "+inf" if before is None else before[0]
        while True:
            raw = await self._client.do("ZREVRANGEBYSCORE", name, top, "-inf", "WITHSCORES", "LIMIT", 0, asked)
            there = marks_in(raw)
            marks = [mark for mark in there if before is None or mark < before]
            if marks or len(there) < asked:
                return marks, len(there) == asked
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

    async def ready(self) -> int:
        """The pieces of work, but for answers, that a worker could take now."""
        shards = [Keys(shard) for shard in range(self._shards)]
        return await self._length([name for keys in shards for name in (keys.messages, keys.ready)])

    async def figures(self) -> Figures:
        """What operators ask, of all shards together: one script for each, however much there is."""
        ages = [round(age_s * 1000) for age_s in AGES_S]
        found = await asyncio.gather(
            *(self._client.run(scripts.figures(Keys(shard), ages)) for shard in range(self._shards))
        )
        return sum(map(_of_shard, found), Figures())

    async def dead(self) -> dict[str, bytes]:
        """Every dead letter and held item: id -> note."""
        found: dict[str, bytes] = {}
        for shard in range(self._shards):
            notes = await self._client.do("HGETALL", Keys(shard).dead)
            found |= {name.decode(): note for name, note in _pairs(notes)}
        return found

    async def is_unread(self, inbound_id: str) -> bool:
        """Return whether an inbound item waits to be handled; one that is held or was given up does not."""
        return await self._client.do("ZSCORE", Keys.of(inbound_id).wake, str(WorkItem("in", inbound_id))) is not None

    async def requeue(self, item: WorkItem) -> bool:
        """Have a dead letter done again; False when it is not in the list, or has changed meanwhile."""
        keys = Keys.of(item.id)
        note, *told = await self._client.read(["HGET", keys.dead, item.id], *asked(keys))
        if note is None:
            return False
        due = ["ZADD", keys.wake, scripts.at_ms(adjusted(*told)[0]), str(item)]
        # In one: a server that is full refuses the one command, and lets the other take the item out of the list.
        taken_out = await self._client.run(scripts.set_if(keys.dead, item.id, "", note, also=[due]))
        return taken_out.value == b""  # also where its answer was lost

    async def note(self, some_id: str) -> bytes | None:
        """The note of one dead letter or held item."""
        return await self._client.do("HGET", Keys.of(some_id).dead, some_id)

    async def renote(self, some_id: str, note: bytes, changed: bytes) -> bool:
        """Change a note, if it still is what it was."""
        return (await self._client.run(scripts.set_if(Keys.of(some_id).dead, some_id, changed, note))).is_set

    async def discard(self, some_id: str, note: bytes) -> bool:
        """Take an item out of the list, if its note still is what it was."""
        return (await self._client.run(scripts.set_if(Keys.of(some_id).dead, some_id, "", note))).is_set

    async def runs(self) -> list[str]:
        """The ids of all runs in order, found by their events alone: the server finds them in any, and some twice."""
        found = set[str]()
        for shard in range(self._shards):
            prefix = Keys(shard).run("")
            found.update([key.removeprefix(prefix) async for key in self._client.scan(f"{prefix}*")])
        return sorted(found)


def counted_as(judged: str, took: timedelta) -> dict[str, int]:
    """What an answer is counted as that was judged so long after its request was opened; a decision by this time."""
    if judged != "decided":
        return {judged: 1}
    seconds = took.total_seconds()
    return {f"{DECIDED_WITHIN}{bisect_left(DECIDED_S, seconds)}": 1, DECISION_MS: max(0, round(seconds * 1000))}


def _of_shard(reply: Sequence[Any]) -> Figures:
    """What `figures.lua` tells of one shard."""
    now, started, by_state, by_age, opened, answers, ready, first_answer, first_ready, due, *left = reply
    outbox, dead, quarantined, counts, use, archived, unsealed, unsealed_ms = left

    def age_s(ms: bytes) -> float:
        return max(0.0, (int(now) - float(ms)) / 1000) if ms else 0.0

    return Figures(
        started=started + _counter(archived).total(),
        runs=Counter(dict(zip(get_args(RunState), by_state, strict=True))),
        open_by_age=tuple(by_age),
        oldest_open_s=age_s(opened),
        answers=answers,
        ready=ready,
        answers_lag_s=age_s(first_answer),
        ready_lag_s=age_s(first_ready),
        overdue_s=age_s(due),
        outbox=outbox,
        dead=dead,
        quarantined=quarantined,
        counts=_counter(counts),
        model_use=_counter(use),
        archived=_counter(archived),
        unsealed=unsealed,
        unsealed_s=int(unsealed_ms) / 1000,
    )


def _counter(found: Sequence[bytes]) -> Counter[str]:
    return Counter({name.decode(): int(count) for name, count in _pairs(found)})


def _pairs(found: Sequence[bytes] | dict[bytes, bytes]) -> Iterable[tuple[bytes, bytes]]:
    """The fields of a hash, in the older and the newer form of the protocol."""
    return found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)


def marks_in(raw: Sequence[bytes] | Sequence[tuple[bytes, float]]) -> list[Mark]:
    """The places in what ZREVRANGEBYSCORE gave, in both forms."""
    pairs = [pair for pair in raw if not isinstance(pair, bytes)]
    flat = [one for one in raw if isinstance(one, bytes)]
    return [(round(float(score)), name.decode()) for name, score in [*pairs, *zip(flat[::2], flat[1::2], strict=True)]]
