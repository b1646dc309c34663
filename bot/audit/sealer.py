"""Seals the new facts of a shard, in their order: each becomes a record of the chain, once, whoever dies meanwhile."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, cast

import structlog
from pydantic import JsonValue

from agents.events import Event
from bot.audit.chain import Head, Sealed, sealed
from bot.audit.facts import records_of
from bot.audit.privacy import Everybody, Kept, Pseudonyms, Row, row_in, split
from bot.audit.records import AuditRecord
from bot.errors import NotFound
from bot.store import Keys, Store, StoreError, scripts
from bot.store.outbox_entry import shown_in

log = structlog.stdlib.get_logger()

# A batch is one script; more would keep the shard's other work waiting.
_AT_ONCE = 100
# Of each shard in its turn, so that no shard waits for the long backlog of another.
_BATCHES = 10
# A run is read once for facts of it that stand near each other, and few are read and held at a time: no more events are
# read in one turn of the loop, but for those of one run.
_RUNS_AT_ONCE, _EVENTS_AT_ONCE = 8, 100
# All workers ask; this part of the interval after one of them sealed, none need do it again.
_ENOUGH = 0.9
# Of the loop's time for whoever seals beside other work, and so much of it in a row; more for what waits so long.
_SHARE, _TURN_S = 0.2, 0.005
_OLD_S, _SHARE_OF_OLD, _TURN_OF_OLD_S = 60.0, 0.5, 0.02
# What has waited for less gives way to other work: before each run that is read and after each record, at most so long.
_GIVES_WAY_S, _CALM_WITHIN_S = 5.0, 0.01
_WORDS_CHARS = 2_000
# What in a policy holds people.
_NAMING = frozenset({"people", "by", "may_deny", "editors", "person", "to"})

Announce = Callable[[Head], Awaitable[None]]


class Directory(Protocol):
    """Who there is, and what they are called."""

    @property
    def tables(self) -> object:
        """What the directory is made from; another object once it has changed."""
        ...

    def all(self) -> Sequence[str]:
        """Everyone."""
        ...

    def name_of(self, person: str) -> str:
        """The name that people use for somebody."""
        ...


@dataclass(frozen=True, slots=True)
class Fact:
    """A new entry: its id in the stream, when it came there, and its fields."""

    id: str
    fields: dict[str, str]

    @property
    def at(self) -> datetime:
        """About when it was noted."""
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)

    @property
    def run_id(self) -> str:
        """The run that it is of; empty where it is of none."""
        return self.fields.get("run", "")

    @property
    def last(self) -> int:
        """The last event of the run that it is of; 0 where that can't be read."""
        try:
            return int(self.fields["first"]) + int(self.fields["count"]) - 1
        except (ValueError, KeyError):
            return 0


class _Pace:
    """Keeps work to its share of the loop's time, whatever others do with the rest.

    Where they take their time, each of its turns comes late: it is as much longer, up to a bound. Else what they bring
    would be more than it takes away, for as long as they are at it. Where they don't, it ends with each record.
    """

    def __init__(self, waited_s: float, clock: Callable[[], float]) -> None:
        is_old = waited_s > _OLD_S
        self._share, self._turn_s = (_SHARE_OF_OLD, _TURN_OF_OLD_S) if is_old else (_SHARE, _TURN_S)
        self._clock, self._began, self._worked_s, self._in_turn_s, self._late_s = clock, clock(), 0.0, 0.0, 0.0

    @contextmanager
    def working(self) -> Generator[None]:
        """Count what is done inside; nothing is waited for there."""
        began = self._clock()
        yield
        took_s = self._clock() - began
        self._worked_s += took_s
        self._in_turn_s += took_s

    def rest_s(self) -> float | None:
        """Return how long to let others work now; None where this turn may go on."""
        over_s = self._worked_s / self._share - (self._clock() - self._began)
        if over_s <= 0 and self._in_turn_s < min(self._late_s * self._share / (1 - self._share), self._turn_s):
            return None
        self._in_turn_s = 0.0
        return max(over_s, 0.0)

    async def rest(self, rest: Callable[[float], Awaitable[None]]) -> None:
        """Let others work, as long as `rest_s` says, and see how late they let it go on."""
        if (rest_s := self.rest_s()) is not None:
            began = self._clock()
            await rest(rest_s)
            self._late_s = self._clock() - began - rest_s


@dataclass(frozen=True, slots=True)
class _Known:
    """The pseudonyms of a shard, as good as they are while its head and the number of kept ones are these."""

    head: Head
    count: int
    pseudonyms: Pseudonyms


class Sealer:
    """Chains what is new under `key`; `announce` hears of each new head, after it is there.

    Several may seal one shard: one of them does, and the others find that there is nothing left. Other work has its
    turn after each record; beside a worker's runs sealing keeps to a share of the time (`_Pace`), and what is new waits
    until nothing is done there: `calm` returns then, or after so many seconds.
    """

    def __init__(
        self,
        store: Store,
        people: Directory,
        key: Callable[[], bytes],
        announce: Announce,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        calm: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._store, self._people, self._key, self._announce = store, people, key, announce
        self._rest, self._clock, self._calm = rest, clock, calm
        self._announced = set[int]()
        self._tables, self._everybody = object(), Everybody({})
        self._known = dict[int, _Known]()

    async def keep_sealing(self, every_s: float) -> None:
        """Seal for ever, one shard after the other; of several workers, one seals a shard at a time."""
        while True:
            for shard in range(self._store.shards):
                try:
                    await self._give_way(0.0)
                    if await self._may_seal(shard) and await self._store.is_to_seal(shard, every_s * _ENOUGH):
                        await self.sweep(shard, every_s)
                except StoreError as error:
                    log.warning("sealing put off", shard=shard, error=str(error))
            await asyncio.sleep(every_s)

    async def _may_seal(self, shard: int) -> bool:
        """Return whether anything is new in a shard, or its head may not have been said: else nobody need claim it."""
        return shard not in self._announced or bool(await self._store.client.do("XLEN", Keys(shard).audit_new))

    async def sweep(self, shard: int, every_s: float | None = None) -> None:
        """Seal what is new in a shard. Never raises: what is not sealed now is sealed later, or by another.

        What comes while the last of it is sealed waits for the next sweep. With `every_s` it rests, and keeps others
        from this shard for that time or more after each batch that is not the last.
        """
        try:
            head, rests = None, every_s is not None
            for _ in range(_BATCHES):
                began = self._clock()
                sealed_now, count = await self._seal(shard, rests=rests)
                head = sealed_now or head
                if sealed_now is None or count < _AT_ONCE:
                    break
                if every_s is not None:  # the next batch may take longer than this one
                    within_s = max(every_s * _ENOUGH, 2 * (self._clock() - began))
                    await self._store.keep_from_sealing(shard, within_s)
            if head:
                await self._say(head)
            if shard not in self._announced and (head := await head_of(self._store, shard)).n:
                await self._say(head)  # whoever sealed it may have died before saying so
            self._announced.add(shard)
        except StoreError as error:
            # What was sealed, as its answer was lost, or as telling of it broke off, may not have been said.
            self._announced.discard(shard)
            log.warning("sealing put off", shard=shard, error=str(error))
        except Exception:
            log.exception("not sealed, comes again", shard=shard)

    async def _say(self, head: Head) -> None:
        self._announced.add(head.shard)
        log.info("audit head", shard=head.shard, records=head.n, head=str(head))
        await self._announce(head)

    async def seal(self, shard: int, *, rests: bool = False) -> Head | None:
        """Seal what is new in a shard, at most so much at once; return the new head, None where there was nothing.

        If it `rests`, others have most of the loop's time meanwhile. Raises StoreError.
        """
        return (await self._seal(shard, rests=rests))[0]

    async def _seal(self, shard: int, *, rests: bool) -> tuple[Head | None, int]:
        """The same, and how many facts were new, up to `_AT_ONCE`."""
        keys = Keys(shard)
        # In this order: with a head that is newer than the facts, what another has sealed would be sealed once more.
        noted, entries, count = await self._store.client.read(
            ["GET", keys.audit_head],
            ["XRANGE", keys.audit_new, "-", "+", "COUNT", _AT_ONCE],
            ["HLEN", keys.audit_people],
        )
        head, facts = _head(shard, noted), list(map(_fact, entries))
        if not facts:
            return None, 0
        pseudonyms = await self._pseudonyms(head, count)
        key, written, end = self._key(), list[scripts.Sealed](), head
        waited_s = time.time() - facts[0].at.timestamp()
        pace = _Pace(waited_s, self._clock)
        give_way = partial(self._give_way, waited_s if rests else math.inf)
        for some in _read_at_once(facts):
            runs = await self._runs(some, give_way)
            for fact in some:
                with pace.working():
                    records = _of(fact, runs)
                for record in records:
                    with pace.working():
                        pseudonyms.know(_people_in(record.policy))
                        body, kept = split(record, pseudonyms)
                        one, end = sealed(key, end, body)
                        written.append(_written(one, kept))
                    await (pace.rest(self._rest) if rests else self._rest(0.0))
                    await give_way()
        fresh = pseudonyms.fresh
        people = {name: row.model_dump_json() for name, row in fresh.items()}
        ids = [fact.id for fact in facts]
        if not await self._store.client.run(scripts.seal(keys, str(head), str(end), ids, written, people, count)):
            return None, len(facts)
        pseudonyms.keep()
        self._known[shard] = _Known(end, count + len(fresh), pseudonyms)
        return end, len(facts)

    async def _pseudonyms(self, head: Head, count: int) -> Pseudonyms:
        """Return the pseudonyms of a shard: those of the batch before, if nobody has sealed or forgotten since."""
        if self._tables is not self._people.tables:
            self._tables, self._known = self._people.tables, {}
            self._everybody = Everybody({one: self._people.name_of(one) for one in self._people.all()})
        # Out of what is known until this batch is sealed: what it makes counts only then.
        known = self._known.pop(head.shard, None)
        if known and (known.head, known.count) == (head, count):
            return known.pseudonyms
        return Pseudonyms(await rows_of(self._store, head.shard), self._everybody, self._people.name_of)

    async def _give_way(self, waited_s: float) -> None:
        """Let what is done here end first, unless sealing has waited long for that."""
        if self._calm and waited_s < _GIVES_WAY_S:
            await self._calm(_CALM_WITHIN_S)

    async def _runs(
        self, facts: Sequence[Fact], give_way: Callable[[], Awaitable[None]]
    ) -> dict[str, Sequence[Event] | None]:
        """Return the events of the runs that facts are of; one after the other, so that other work has its turn."""
        runs = dict[str, Sequence[Event] | None]()
        for name in dict.fromkeys(fact.run_id for fact in facts if fact.run_id):
            await give_way()
            runs[name] = await self._events(name)
        return runs

    async def _events(self, run_id: str) -> Sequence[Event] | None:
        try:
            return (await self._store.load(run_id)).events
        except (ValueError, NotFound):
            log.exception("a run can't be read for the audit log", run_id=run_id)
            return None


def _fact(entry: tuple[bytes, Mapping[bytes, bytes]]) -> Fact:
    name, fields = entry
    return Fact(name.decode(), {field.decode(): value.decode(errors="replace") for field, value in fields.items()})


def _read_at_once(facts: Sequence[Fact]) -> Iterator[list[Fact]]:
    """Yield facts in their order, as many as stand together whose runs are read and held at once."""
    some, ends = list[Fact](), dict[str, int]()
    for fact in facts:
        then = ends | ({fact.run_id: max(fact.last, ends.get(fact.run_id, 0))} if fact.run_id else {})
        is_much = len(then) > _RUNS_AT_ONCE or sum(then.values()) > _EVENTS_AT_ONCE
        if is_much and ends and then.keys() != ends.keys():
            yield some
            some, then = [], {fact.run_id: fact.last}
        some.append(fact)
        ends = then
    if some:
        yield some


def _of(fact: Fact, runs: Mapping[str, Sequence[Event] | None]) -> list[AuditRecord]:
    """The records of a fact; what can't be read is one, too."""
    try:
        return _happened(fact, runs[fact.run_id]) if fact.run_id else [_noted(fact)]
    # Nothing of ours: it stands in the log, and keeps nothing else from it.
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return [AuditRecord(kind="unreadable", at=fact.at, words=str(fact.fields)[:_WORDS_CHARS])]


def _noted(fact: Fact) -> AuditRecord:
    return AuditRecord.model_validate_json(fact.fields["note"])


def _happened(fact: Fact, events: Sequence[Event] | None) -> list[AuditRecord]:
    """The records of a run's events, with the cards that the change put in front of people at the first one.

    What somebody said to the run comes before the card that shows it.
    """
    first, count = int(fact.fields["first"]), int(fact.fields["count"])
    if events is None or len(events) < first + count - 1:
        missing: dict[str, JsonValue] = {"first": first, "count": count}
        return [AuditRecord(kind="unreadable", at=fact.at, run_id=fact.fields["run"], detail=missing)]
    records = list(records_of(fact.fields["run"], events, first, count))
    if records and (cards := fact.fields.get("cards")):
        shown = tuple(cast("list[JsonValue]", shown_in(json.loads(cards))))
        place = next((place for place, one in enumerate(records) if one.kind != "said"), 0)
        records[place] = records[place].model_copy(update={"cards": shown})
    return records


def _written(one: Sealed, kept: Kept) -> scripts.Sealed:
    return scripts.Sealed(one.place, one.body, one.seal, json.dumps(kept, ensure_ascii=False) if kept else "")


def _people_in(policy: JsonValue) -> Iterator[str]:
    """Everybody whom a policy names, wherever in it; they may have left the directory since."""
    if isinstance(policy, dict):
        for found in (policy[name] for name in policy if name in _NAMING):
            yield from map(str, found if isinstance(found, list) else [found])
    parts: list[Any] = list(policy.values()) if isinstance(policy, dict) else policy if isinstance(policy, list) else []
    for part in parts:
        yield from _people_in(part)


async def head_of(store: Store, shard: int) -> Head:
    """The newest record of a shard, as it is noted beside the chain."""
    return _head(shard, await store.client.do("GET", Keys(shard).audit_head))


def _head(shard: int, noted: bytes | None) -> Head:
    return Head.parse(noted.decode()) if noted else Head(shard)


async def rows_of(store: Store, shard: int) -> dict[str, Row]:
    """Whom the pseudonyms of a shard stand for."""
    found = await store.client.do("HGETALL", Keys(shard).audit_people)
    rows = {name.decode(errors="replace"): row_in(body) for name, body in found.items()}
    return {name: row for name, row in rows.items() if row}
