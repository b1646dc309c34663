"""Runs, requests and everything that waits, in Redis.

Others use `Store`, `Commit`, `Journal` and the ids; what is written together stands or falls together. It judges no
answer, and nothing outside this room knows Redis's client.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Literal, ParamSpec, TypeVar

import structlog

from agents.events import Event, read_event
from agents.run import Run, fold
from bot.store import client as clock
from bot.store import scripts
from bot.store.client import (
    Call,
    Client,
    NotReplicated,
    Replicas,
    StoreError,
    StoreUnavailable,
    WentBack,
)
from bot.store.client.durability import look_at_shards
from bot.store.client.line import Arg, Command
from bot.store.commit import (
    Accepted,
    Commit,
    Ends,
    Line,
    Loaded,
    Once,
    Record,
    RecordWrite,
    Rest,
    Seen,
    Start,
    Takes,
    Waiting,
    Wake,
    WriteState,
    Written,
    encode,
)
from bot.store.freezes import Freezes
from bot.store.ids import WorkItem
from bot.store.keys import Keys
from bot.store.lists import Lists
from bot.store.memory import Memory
from bot.store.timers import Clock, Days, boot_s

__all__ = [
    "Accepted",
    "Commit",
    "Keys",
    "Line",
    "NotReplicated",
    "Once",
    "RecordWrite",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "Wake",
    "WentBack",
    "WorkItem",
    "Written",
    "beside",
    "folded",
]

log = structlog.stdlib.get_logger()

T = TypeVar("T")
P = ParamSpec("P")


# Until then a fresh entry is somebody's work; after it, nobody's.
GRACE_S = 12.0
LISTED_AT_MOST = 1_000
# Longer than anything waits to be tried again.
_TRIES_KEPT_S = 3_600


# Longer than replicas that follow take to say so, and short enough to be told within a lease.
_REPLICATED_WITHIN_S = 1.0
# Only that it was written counts.
_REPLICATED_KEPT_MS = 60_000

# What became of an attempt is written however many events its run has.
_NO_LIMIT = 1_000_000_000
# The clock of a process is about that of the server.
_ABOUT_MS = 1_000
# So much apart they are at most while a reading is good: what came just now may be a stop as well.
_APART_S = 0.1
# So soon a message is read that could not be at first; whoever sends what nobody can read keeps others no longer.
_READ_SOON_MS = 10_000
# Whoever sent so much that the last of it has its turn later than this keeps nobody waiting by that.
_TURNS_MS = 600_000
# Of messages that wait so many are looked at together, the oldest first.
_LOOKED_AT = 50
# Whoever hears late of each of so many renewals is given up on.
_HEARD_LATE = 5
# What is longer is read, folded and shown in a thread: all others would wait for it.
_LONG_BYTES, _LONG_EVENTS = 262_144, 1_000


def _read(bodies: Sequence[bytes]) -> tuple[Event, ...]:
    return tuple(map(read_event, bodies))


async def folded(events: Sequence[Event]) -> Run:
    """Return the run as its events make it."""
    return await beside(events, fold, events)


async def beside(events: Sequence[Event], work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """Return what `work` makes of so many events, of many of them beside the event loop."""
    return await asyncio.to_thread(work, *args, **more) if len(events) > _LONG_EVENTS else work(*args, **more)


class Store:
    """The verbs of runs, requests, inbox and outbox; all raise StoreUnavailable. Events are stored under `release`.

    The server's clock is read again when that was `clock_s` ago. So many `replicas` must have the start of a tool, and
    each of its leases, before they count.
    """

    def __init__(
        self,
        client: Client,
        shards: int,
        lease_s: float = 10.0,
        grace_s: float = GRACE_S,
        release: str = "",
        clock_s: float = 0.0,
        replicas: int = 0,
    ) -> None:
        self.client, self.shards, self.lease_s, self.grace_s = client, shards, lease_s, grace_s
        self.lists, self.days, self.freezes = Lists(client, shards), Days(client, shards), Freezes(client, shards)
        self._grace_ms, self._lease_ms, self.release = round(grace_s * 1000), round(lease_s * 1000), release
        self._replicas = Replicas(replicas, min(_REPLICATED_WITHIN_S, lease_s / 4)) if replicas else None
        # When the leases of this process were asked for last.
        self._asked = dict[str, float]()
        self._clock = Clock(clock_s)
        self.memory = Memory()

    @property
    def has_grown(self) -> bool:
        """True where there are more shards than the store began with."""
        return self.client.began_with not in {None, self.shards}

    def keys_of(self, foreign_id: str) -> Keys:
        """The keys of the shard where what is known of a foreign id is kept."""
        return Keys(self.client.ingress(foreign_id, self.shards))

    async def know_shards(self) -> None:
        """Read how many shards the store began with, where nothing in this process has yet: names are found by that."""
        if self.client.began_with is None:
            await look_at_shards(self.client)

    async def load(self, run_id: str, after: int = 0, commit: str = "") -> Loaded:
        """All events of a run, oldest first; none when there is no such run.

        Who knows the first `after` of them reads those that follow, if that `commit` wrote the last one that is known.
        """
        keys = Keys.of(run_id)
        first = f"0-{after}" if after else "-"
        entries, *told = await self.client.read(["XRANGE", keys.run(run_id), first, "+"], *self._clock.asked(keys))
        now = self._clock.noted(keys, told)
        if after and (not entries or entries[0][1][b"c"] != commit.encode()):
            return await self.load(run_id)
        written_by = entries[-1][1][b"c"].decode() if entries else ""
        entries = entries[1:] if after else entries
        bodies = [fields[b"e"] for _, fields in entries]
        is_long = sum(map(len, bodies)) > _LONG_BYTES
        events = await asyncio.to_thread(_read, bodies) if is_long else _read(bodies)
        return Loaded(events, now, after, written_by)

    async def run(self, run_id: str) -> Run:
        """The run as its events make it; an empty one when there is no such run."""
        return await folded((await self.load(run_id)).events)

    async def events_after(self, run_id: str, seq: int, count: int) -> list[Event]:
        """Return at most `count` events of a run after its `seq`-th, oldest first."""
        key = Keys.of(run_id).run(run_id)
        entries = await self.client.do("XRANGE", key, f"0-{seq + 1}", "+", "COUNT", count)
        return [read_event(fields[b"e"]) for _, fields in entries]

    async def length(self, run_id: str) -> int:
        """Return the number of a run's events; 0 if there is no such run."""
        return int(await self.client.do("XLEN", Keys.of(run_id).run(run_id)))

    async def commit(self, commit: Commit, *, push: bool = True, replicated: bool = False) -> Written:
        """Write all of it or nothing; see `Written` for the ways it can end.

        Without `push` the caller does what is to be done now, and a worker only what nobody did. With `replicated` the
        replicas that are asked for have it, as for `accept`.
        """
        call = encode(commit, self._grace_ms, self.release, push=push)
        if not replicated:
            return await self.client.run(call)
        return (await self._run_replicated(call, commit.run_id))[0]

    async def record(self, request_id: str) -> Record | None:
        """A request's record; None when there is no such request."""
        keys = Keys.of(request_id)
        fields = ["HMGET", keys.request(request_id), "version", "body"]
        (version, body), *told = await self.client.read(fields, *self._clock.asked(keys))
        return None if body is None else Record(int(version), body, self._clock.noted(keys, told))

    def about_now(self, near: str = "") -> datetime:
        """The time of the scripts as it was last read, moved on by this machine's clock; for facts, not for judging.

        It is that of the shard of the id `near`, as far as that was read, or of any shard.
        """
        return self._clock.about(Keys.of(near) if near else None)

    def recent_now(self, some_id: str) -> datetime | None:
        """The time that the scripts go by; None where it was not read of late, and must be asked for."""
        keys = Keys.of(some_id)
        return None if self._clock.asked(keys) else self._clock.noted(keys, ())

    async def now(self, some_id: str) -> datetime:
        """The time that the scripts go by."""
        keys = Keys.of(some_id)
        return self._clock.noted(keys, await self.client.read(*clock.asked(keys)))

    async def start_tool(
        self,
        run_id: str,
        expect: int,
        attempt_id: str,
        event: Event,
        record: RecordWrite | None,
        line: Line | None = None,
        thought: Sequence[Event] = (),
        outside_s: float | None = None,
    ) -> Start:
        """Record an attempt and take its lease, if the run and the approval are still what they were.

        The `thought` that chose it is appended before it. The run's turn ends with it, and its `line` is kept. Who
        makes the effect outside of sayso renews no lease: it is theirs for `outside_s`. With 0 it is
        over with its start.

        `record.before` is the moment from which the approval is too old. A start that is heard of late is a `conflict`
        if somebody else has taken the lease by then; else the lease is renewed. One that too few replicas have
        in time is `unconfirmed`: a fail-over could lose it, so nothing may be done, and whoever asked takes it back.
        Raises WentBack where the store lacks what this process has seen of it.
        """
        shard = Keys.of(run_id).shard
        lease_ms = self._lease_ms if outside_s is None else round(outside_s * 1000)
        commit = Commit(
            run_id=run_id,
            events=[*thought, event],
            expect=expect,
            records=[record] if record else (),
            attempt=Takes(attempt_id, lease_ms, Seen(*self.memory.asked(shard))),
            summary=line,
            limit=_NO_LIMIT,
        )
        asked = boot_s()
        written, is_replicated = await self._run_replicated(encode(commit, self._grace_ms, self.release), run_id)
        match written.state:
            case "back":
                self.memory.doubt()
                raise WentBack("a start or an audit record that was seen is not in it")
            case "started" if not is_replicated:
                return Start("unconfirmed")
            case "started":
                self.memory.saw_start(shard, written.starts)
                if outside_s is None:
                    self._asked[attempt_id] = asked
                    return Start("started" if await self.holds(run_id, attempt_id) else "conflict")
                return Start("started")
            case "late" | "frozen" as why:
                return Start(why)
            case _:
                return Start("conflict")

    async def tell_start(self, run_id: str, attempt_id: str) -> bool:
        """Note that whoever makes the effect outside of sayso is told to begin; False where that start was taken back.

        Whoever recorded it takes it back no longer. Raises NotReplicated where a fail-over could lose it.
        """
        if self._replicas is None:
            return True
        call = scripts.set_if(Keys.of(run_id).attempts(run_id), attempt_id, "told", "started", "told")
        (_, state), is_replicated = await self._run_replicated(call, run_id)
        is_noted = state in {b"told", b"finished"}
        if is_noted and not is_replicated:
            raise NotReplicated
        return is_noted

    async def holds(self, run_id: str, attempt_id: str) -> bool:
        """Return whether a lease that was taken here still runs, or could be renewed before anybody took it.

        It is told at once while that is sure: what passed here since it was asked for is no less than what passed in
        Redis since its answer, also where this process or its machine was stopped meanwhile.
        """
        for _ in range(_HEARD_LATE):
            if self.memory.trouble:
                return False  # nobody knows of it any more
            if self._is_sure(attempt_id):
                return True
            if not await self.renew(run_id, attempt_id):
                return False
        return self._is_sure(attempt_id)

    def _is_sure(self, attempt_id: str) -> bool:
        asked = self._asked.get(attempt_id)
        return asked is not None and (boot_s() - asked) * 1000 < self._lease_ms - 1

    async def finish_tool(
        self, run_id: str, attempt_id: str, event: Event, files: Sequence[tuple[str, bytes]] = ()
    ) -> bool:
        """Keep an attempt's result wherever the run is now; False when the store does not know the attempt.

        `files`, hashes and contents, are kept with it for `FILES_S`.
        """
        commit = Commit(
            run_id=run_id,
            events=[event],
            attempt=Ends(attempt_id, "finished"),
            wake=[Wake(WorkItem("run", run_id))],
            files=files,
            limit=_NO_LIMIT,
        )
        is_known = (await self.commit(commit, push=False)).state == "committed"
        self._asked.pop(attempt_id, None)
        return is_known

    async def lease(self, run_id: str, attempt_id: str) -> tuple[Literal["alive", "dead", "gone"], datetime]:
        """Return the state of an attempt's owner, and the time until which its lease runs."""
        keys = Keys.of(run_id)
        asked = ["HMGET", keys.attempts(run_id), "holder", "until"]
        (holder, ends), *told = await self.client.read(asked, *clock.asked(keys))
        now, _ = clock.adjusted(*told)
        if holder != attempt_id.encode():
            return "gone", now
        until = clock.moment(ends)
        return "alive" if now < until else "dead", until

    async def silent(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the runs in which something is executed, and nothing is heard of the worker that does: it
        gave up, or should have renewed its lease twice.
        """
        if not run_ids:
            return frozenset()
        asked = (self.client.do("HMGET", Keys.of(one).attempts(one), "holder", "until") for one in run_ids)
        leases, now = await asyncio.gather(*asked), await self.now(run_ids[0])
        ends = {one: clock.moment(until) for one, (holder, until) in zip(run_ids, leases, strict=True) if holder}
        return frozenset(one for one, end in ends.items() if (end - now).total_seconds() < self.lease_s / 3)

    async def renew(self, run_id: str, attempt_id: str, lease_s: float | None = None) -> bool:
        """Move the end of the lease to `lease_s` from now (0 gives it up); False when somebody else has it."""
        keys = Keys.of(run_id)
        ms, asked = self._lease_ms if lease_s is None else round(lease_s * 1000), boot_s()
        is_ours, is_replicated = await self._run_replicated(scripts.renew(keys, run_id, attempt_id, ms), run_id)
        if not is_ours or lease_s is not None:
            self._asked.pop(attempt_id, None)
        elif is_replicated:
            self._asked[attempt_id] = asked
        return is_ours

    async def _run_replicated(self, call: Call[T], some_id: str) -> tuple[T, bool]:
        if self._replicas is None:
            return await self.client.run(call), True
        return await self.client.run_replicated(call, _mark(some_id), self._replicas)

    @property
    def waits_for_replicas(self) -> bool:
        """Whether the start of a tool counts only once replicas have it."""
        return self._replicas is not None

    async def is_replicated(self, some_id: str) -> bool:
        """Return whether as many replicas as are asked for follow what is written to the shard of `some_id`."""
        if self._replicas is None:
            return True
        return await self.client.write_replicated(_mark(some_id), self._replicas)

    async def orphan(
        self,
        run_id: str,
        attempt_id: str,
        event: Event,
        *,
        seq: int | None = None,
        is_own: bool = False,
        record: RecordWrite | None = None,
    ) -> WriteState:
        """Take the lease of a dead owner. It may be `alive` after all, or the lease be `gone`.

        An owner ends its own attempt in the same way, so that nobody else says of it what only the owner knows. With
        `seq` it is a `conflict` if the run has changed since then, and with the `record` of its request if that has.
        """
        commit = Commit(
            run_id=run_id,
            events=[event],
            expect=seq,
            attempt=Ends(attempt_id, "orphaned", is_own=is_own),
            records=[record] if record else (),
            wake=[Wake(WorkItem("run", run_id))],
            limit=_NO_LIMIT,
        )
        written = await self.commit(commit, push=False)
        if is_own:
            self._asked.pop(attempt_id, None)
        return written.state

    async def settle(
        self, run_id: str, seq: int, due: datetime | None, summary: Line | None, *, waits: str = "", frozen: int = 0
    ) -> bool:
        """End a turn at `seq`, to be looked at again at `due`; False when something came in since.

        A run that has not started has no `summary`. One with an approved request that `waits` for the end of a freeze
        goes on as well if the freezes are no longer those of the number `frozen`.
        """
        commit = Commit(
            run_id=run_id,
            expect=seq,
            summary=summary,
            rest=Rest(due),
            waits=waits,
            frozen=frozen if waits else None,
            limit=_NO_LIMIT,
        )
        return (await self.commit(commit)).state == "committed"

    async def accept(self, item: Accepted, *, push: bool = True) -> tuple[str, bool]:
        """Make an inbound item durable; (the id it has, whether it is new). See `commit` for `push`.

        Replicas that are asked for have it, unless none follow: then it is taken all the same, as its sender may not
        come again. Raises StoreUnavailable like `Client.run`, so whoever sent it is not told that it was taken.
        """
        keys = Keys.of(item.id)
        keep_ms, who = round(item.keep_s * 1000), "" if item.is_answer else item.who
        call = scripts.accept(
            keys, item.id, item.foreign, item.body, item.raw, keep_ms, self._grace_ms,
            is_answer=item.is_answer, push=push, who=who,
        )  # fmt: skip
        known, _ = await self._run_replicated(call, item.id)
        if known.at_ms:
            self._clock.heard(keys, clock.moment(known.at_ms))
        return known.id, known.is_new

    async def admit(self, sender: str, trigger: str, count: int, per_s: float) -> bool:
        """Count `trigger` against its sender's limit; False when it is one too many."""
        keys = self.keys_of(sender)
        return await self.client.run(scripts.admit(keys, sender, trigger, count, round(per_s * 1000)))

    async def admitted_in_s(self, sender: str, per_s: float) -> float:
        """Seconds until a sender who is at the limit has room for one more."""
        keys = self.keys_of(sender)
        oldest = ["ZRANGE", keys.window(sender), 0, 0, "WITHSCORES"]
        found, *told = await self.client.read(oldest, *clock.asked(keys))
        if not found:
            return 0.0
        started = float(found[0][1] if len(found[0]) == 2 and not isinstance(found[0], bytes) else found[1])
        return max(0.0, started / 1000 + per_s - self._clock.noted(keys, told).timestamp())

    async def tell_once(self, what: str, in_s: float, tell: Callable[[], Awaitable[None]]) -> None:
        """Tell people `what`, once in so long, and again where we died or Redis went away before all of it was told.

        By our own time: what Redis itself forgets then, it keeps for longer where its clock is put back.
        """
        if not await self.admitted_in_s(what, in_s):
            await tell()
            await self.admit(what, secrets.token_hex(8), 1, in_s)

    async def remember(self, foreign_id: str, body: bytes, keep_s: float) -> tuple[bytes, bool]:
        """Keep `body` for a foreign id unless it has one; return the body that is kept, and whether it is new."""
        key = self.keys_of(foreign_id).seen(foreign_id)
        while True:
            is_new = await self.client.do("SET", key, body, "NX", "PX", round(keep_s * 1000))
            known = body if is_new else await self.client.do("GET", key)
            if known is not None:
                return known, known == body

    async def is_first(self, what: str, within_s: float) -> bool:
        """Return whether the caller is the one to tell people `what`: within `within_s` only one is.

        A value of our own: a write whose answer was lost is asked again, and knows itself.
        """
        return (await self.remember(what, secrets.token_bytes(16), within_s))[1]

    async def remembered(self, foreign_id: str) -> bytes | None:
        """Return the body kept for a foreign id; None if the id has not come, or came too long ago."""
        return await self.client.do("GET", self.keys_of(foreign_id).seen(foreign_id))

    async def forget(self, foreign_id: str) -> None:
        """Keep nothing for a foreign id any more."""
        await self.client.do("DEL", self.keys_of(foreign_id).seen(foreign_id))

    async def inbound(self, inbound_id: str) -> Waiting | None:
        """Return an inbound item that has not had its effect yet."""
        body, raw, at = await self.client.do("HMGET", Keys.of(inbound_id).inbound(inbound_id), "body", "raw", "at")
        return None if body is None else Waiting(body, raw, clock.moment(at))

    async def drop_inbound(self, inbound_id: str) -> None:
        """Forget an inbound item that has had its effect."""
        keys = Keys.of(inbound_id)
        item = str(WorkItem("in", inbound_id))
        await self.client.read(["DEL", keys.inbound(inbound_id)], ["ZREM", keys.wake, item])

    async def outgoing(self, outgoing_id: str) -> bytes | None:
        """An outbox entry that must still be sent."""
        return await self.client.do("HGET", Keys.of(outgoing_id).outbox, outgoing_id)

    def sending(self, outgoing_id: str, body: bytes) -> list[Command]:
        """Return what puts an entry into the outbox with another change of its shard; see `Commit.outgoing`."""
        keys, item = Keys.of(outgoing_id), str(WorkItem("out", outgoing_id))
        due = scripts.at_ms(self.about_now(outgoing_id)) + self._grace_ms
        return [["HSET", keys.outbox, outgoing_id, body], ["ZADD", keys.wake, due, item]]

    async def is_waiting(self, outgoing_id: str) -> bool:
        """Return whether an outbox entry will still be sent by itself."""
        keys = Keys.of(outgoing_id)
        waits, is_dead = await self.client.read(
            ["HEXISTS", keys.outbox, outgoing_id], ["HEXISTS", keys.dead, outgoing_id]
        )
        return bool(waits) and not is_dead

    async def delivery(self, delivery_id: str) -> bytes | None:
        """One card at one address."""
        return await self.client.do("HGET", Keys.of(delivery_id).deliveries, delivery_id)

    async def delivery_in(self, run_id: str, delivery_id: str) -> tuple[bytes | None, int]:
        """The same, and how many events its run had then, or just before."""
        keys = Keys.of(run_id)
        seq, body = await self.client.read(["XLEN", keys.run(run_id)], ["HGET", keys.deliveries, delivery_id])
        return body, int(seq)

    async def result(self, attempt_id: str) -> bytes | None:
        """Return the result that a runner on some machine noted for its command."""
        return await self.client.do("GET", Keys.of(attempt_id).result(attempt_id))

    async def put_off(self, item: WorkItem, wait_s: float) -> int:
        """Have `item` done again in `wait_s`, twice as late each time; how often it has failed by now.

        A run's failures are counted while it does not move on.
        """
        return await self.client.run(
            scripts.put_off(Keys.of(item.id), item, round(wait_s * 1000), _TRIES_KEPT_S * 1000)
        )

    async def push_off(self, item: WorkItem) -> None:
        """Let the sweeper bring `item` one grace later, if it still waits."""
        keys = Keys.of(item.id)
        score = scripts.at_ms((await self._times_of([keys]))[keys]) + self._grace_ms
        await self.client.do("ZADD", keys.wake, "XX", "GT", score, str(item))

    async def _times_of(self, shards: Sequence[Keys]) -> dict[Keys, datetime]:
        """The time of each shard, by which alone its work is due."""
        asked = {keys: self._clock.asked(keys) for keys in shards}
        commands = list(chain.from_iterable(asked.values()))
        told = iter(await self.client.read(*commands) if commands else ())
        return {keys: self._clock.noted(keys, list(islice(told, len(of)))) for keys, of in asked.items()}

    async def come_back(self, item: WorkItem, at: datetime) -> None:
        """Have `item` done again at `at`, by the time of its shard, if it still waits; nothing failed.

        `put_off` counts a failure.
        """
        await self.client.do("ZADD", Keys.of(item.id).wake, "XX", round(at.timestamp() * 1000), str(item))

    async def give_up(self, item: WorkItem, note: bytes, most: int | None = LISTED_AT_MOST) -> None:
        """Move `item` to the dead letters; `requeue` has it done again. Tell people first, rather twice.

        Of messages the `most` newest of a shard stay, with None this one whatever comes; a run and a request wait for
        somebody, so they do.
        """
        for one in await self.client.run(scripts.bury(Keys.of(item.id), item, note, most, is_held=False)):
            log.error("dead letter forgotten, there are too many", id=one)

    async def hold(self, inbound_id: str, note: bytes, most: int = LISTED_AT_MOST) -> None:
        """List an inbound item as held and forget its bytes: whoever sent it has it, and so has the mailbox.

        The `most` newest of a shard stay listed, for anybody may send us what must be held.
        """
        item = WorkItem("in", inbound_id)
        await self.client.run(scripts.bury(Keys.of(inbound_id), item, note, most, is_held=True))

    async def push(self, item: WorkItem) -> None:
        """Have a worker take `item` now."""
        keys = Keys.of(item.id)
        ready = keys.messages if item.kind == "in" else keys.ready
        await self.client.do("ZADD", ready, "NX", scripts.at_ms(self.about_now(item.id)), str(item))

    async def unread_for_s(self) -> float | None:
        """Return how long ago, at most, the oldest message came that is to be read, or is being read, by any process.

        Each shard tells by its own time. What could not be read counts for ten seconds more: what proves its sender may
        be away for a second. What somebody sent on top of much else waits its turn, and does not count before.
        """
        shards = [Keys(shard) for shard in range(self.shards)]
        now_ms = {keys: scripts.at_ms(now) for keys, now in (await self._times_of(shards)).items()}
        until_ms = self._grace_ms + _ABOUT_MS
        looks = (["ZRANGEBYSCORE", keys.wake, "-inf", now + until_ms] for keys, now in now_ms.items())
        due = await self.client.read(*looks)
        found = [
            (keys, item.removeprefix(b"in ").decode())
            for keys, items in zip(shards, due, strict=True)
            for item in items
            if item.startswith(b"in ")
        ]
        told = await self.client.read(*(["HGET", keys.inbound(one), "at"] for keys, one in found)) if found else ()
        came = sorted(
            (int(at) - now_ms[keys], keys.shard, one) for (keys, one), at in zip(found, told, strict=True) if at
        )
        for first in range(0, len(came), _LOOKED_AT):
            some = [(ago, Keys(shard), one) for ago, shard, one in came[first : first + _LOOKED_AT]]
            failed = await self.client.read(*(["HMGET", keys.tries(one), "count", "since"] for _, keys, one in some))
            waits = await self.client.read(*(["ZSCORE", keys.messages, f"in {one}"] for _, keys, one in some))
            for (ago_ms, keys, _), (count, since), turn in zip(some, failed, waits, strict=True):
                is_late = count and now_ms[keys] - int(since or 0) > _READ_SOON_MS
                if not is_late and float(turn or 0) <= now_ms[keys] + _TURNS_MS:
                    return _APART_S - ago_ms / 1000
        return None

    async def is_to_sweep(self, shard: int, once_in_s: float) -> bool:
        """Return whether the caller is the one to sweep a shard: within `once_in_s` only one is."""
        return await self.client.is_first(Keys(shard).swept, once_in_s)

    async def is_to_seal(self, shard: int, once_in_s: float) -> bool:
        """Return whether the caller is the one to seal what is new in a shard, as `is_to_sweep` does."""
        return await self.client.is_first(Keys(shard).audit_sealing, once_in_s)

    async def keep_from_sealing(self, shard: int, within_s: float) -> None:
        """Have nobody else be the one to seal a shard within that time."""
        await self.client.claim(Keys(shard).audit_sealing, within_s)

    async def sweep(self, shard: int, at_most: int = 500) -> list[WorkItem]:
        """Push what is due in a shard, or nobody took; return it."""
        keys = Keys(shard)
        return await self.client.run(scripts.sweep(keys, self._grace_ms, at_most))


def _mark(some_id: str) -> list[Arg]:
    """Return a write to the shard of `some_id` that means nothing, for replicas to have."""
    return ["SET", Keys.of(some_id).replicated, "1", "PX", _REPLICATED_KEPT_MS]
