"""All that Redis holds about one run: read in one piece, and taken out in one piece. Nothing is judged here."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.events import Event, RequestOpened, StepChosen, own, read_event, write_event
from agents.run import Run, RunState, fold
from bot.archive.format import KeptRun
from bot.archive.left import bits_of
from bot.policy.approvers.concern import concern_of
from bot.render.views import line_of
from bot.store import Keys, Store, scripts
from bot.store.client import Client, adjusted, asked
from bot.store.commit import Line, lists_of
from bot.store.journal import place_of_call

_DELIVERY = re.compile(rb'"(s[0-9]{1,2}d-[a-z2-7]{13})"')
_OF_RUN = re.compile(rb'"run_id": ?"(s[0-9]{1,2}r-[a-z2-7]{13})"')
# More than that, and the shard has better things to do than to let old runs leave.
_UNSENT_AT_MOST = 5_000


@dataclass(frozen=True, slots=True)
class Read:
    """A run as Redis holds it, what its events say, and what goes with it.

    `requests` are the versions of their records; `dead` is what was given up on, `deliveries` are its cards.
    """

    kept: KeptRun
    run: Run
    events: tuple[Event, ...]
    line: Line
    requests: Mapping[str, int]
    is_asking: bool
    deliveries: tuple[str, ...]
    dead: tuple[str, ...]


async def has_left(store: Store) -> bool:
    """Return whether any run or record of the store has left for the archive. Raises StoreUnavailable."""
    keys = [Keys(shard) for shard in range(store.shards)]
    found = await store.client.read(
        *(["EXISTS", one.archived] for one in keys), *(["EXISTS", one.audit_archived] for one in keys)
    )
    return any(found)


class Leaving:
    """Finds runs that may leave, reads them and takes them out. All methods raise StoreUnavailable."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def now(self, shard: int) -> datetime:
        """The time that the scripts of a shard go by."""
        return adjusted(*await self._client.read(*asked(Keys(shard))))[0]

    async def is_mine(self, shard: int, for_s: float) -> bool:
        """Return whether the caller looks at a shard: for so long nobody else need."""
        return await self._client.is_first(Keys(shard).retained, for_s)

    async def started_before(
        self, shard: int, state: RunState, moment: datetime, after: int, count: int
    ) -> Sequence[str]:
        """At most `count` runs in `state` that were started before `moment`, oldest first, after the first `after`."""
        most = round(moment.timestamp() * 1000)
        name = Keys(shard).runs_in(state)
        found = await self._client.do("ZRANGEBYSCORE", name, "-inf", most, "LIMIT", after, count)
        return [run_id.decode() for run_id in found]

    async def unsent(self, shard: int) -> Mapping[str, Collection[str]] | None:
        """The outbox entries of a shard by their run; None while there are too many to look at."""
        keys = Keys(shard)
        entries: dict[bytes, bytes] = await self._client.do("HGETALL", keys.outbox)
        if len(entries) > _UNSENT_AT_MOST:
            return None
        found = dict[str, set[str]]()
        for name, body in entries.items():
            if of := _OF_RUN.search(body):
                found.setdefault(of[1].decode(), set()).add(name.decode())
        return found

    async def line(self, run_id: str) -> tuple[bytes | None, bool]:
        """A run's line in lists, and whether it is to be looked at again."""
        keys = Keys.of(run_id)
        line, due = await self._client.read(["HGET", keys.summaries, run_id], ["ZSCORE", keys.wake, f"run {run_id}"])
        return line, due is not None

    async def read(self, run_id: str, unsent: Iterable[str]) -> Read | None:
        """All of a run, with those of its `unsent` entries that were given up on; None where one still waits.

        Also None for a run that is not there. Raises ValueError for an event that can't be read.
        """
        keys = Keys.of(run_id)
        bodies: list[bytes] = [
            fields[b"e"] for _, fields in await self._client.do("XRANGE", keys.run(run_id), "-", "+")
        ]
        events = tuple(map(read_event, bodies))
        run = fold(events)
        line = line_of(run)
        if line is None or run.id != run_id:
            return None
        dead = await self._dead(keys, run_id, unsent)
        if dead is None:
            return None
        dead += await self._dead_expiries(keys, run)
        forks: list[bytes] = await self._client.do("ZRANGE", keys.forks(run_id), 0, -1)
        kept = KeptRun(run_id, tuple(bodies), tuple(fork.decode() for fork in forks))
        requests, is_asking = await self._requests(keys, run)
        deliveries = await self._deliveries(keys, run_id, events)
        return Read(kept, run, events, line, requests, is_asking, deliveries, dead)

    async def _dead(self, keys: Keys, run_id: str, unsent: Iterable[str]) -> tuple[str, ...] | None:
        found = list[str]()
        for name in (run_id, *unsent):
            is_dead, waits = await self._client.read(["HEXISTS", keys.dead, name], ["HEXISTS", keys.outbox, name])
            if is_dead:
                found.append(name)
            elif waits:
                return None
        return tuple(found)

    async def _dead_expiries(self, keys: Keys, run: Run) -> tuple[str, ...]:
        """The requests that could not expire. A review that did not begin is not among them: it is still due."""
        ids = tuple(run.requests)
        notes: list[bytes | None] = await self._client.do("HMGET", keys.dead, *ids) if ids else []
        return tuple(name for name, note in zip(ids, notes, strict=True) if note and _is_about_a_request(note))

    async def _requests(self, keys: Keys, run: Run) -> tuple[dict[str, int], bool]:
        """The versions of the records, and whether a request is open."""
        found, is_asking = dict[str, int](), False
        for request_id in run.requests:
            version, state = await self._client.do("HMGET", keys.request(request_id), "version", "state")
            if version:
                found[request_id], is_asking = int(version), is_asking or state == b"open"
        return found, is_asking

    async def _deliveries(self, keys: Keys, run_id: str, events: Sequence[Event]) -> tuple[str, ...]:
        """The cards that the events name, as far as they are this run's: what people quote may name others'."""
        text = b"\n".join(write_event(event) for event in own(events))
        names = list(dict.fromkeys(name.decode() for name in _DELIVERY.findall(text)))
        bodies: list[bytes | None] = await self._client.do("HMGET", keys.deliveries, *names) if names else []
        there = ((name, _OF_RUN.search(body or b"")) for name, body in zip(names, bodies, strict=True))
        return tuple(name for name, of in there if of and of[1].decode() == run_id)

    async def forget(self, read: Read) -> bool:
        """Take a run out of Redis; False, and nothing is, if anything about it has changed since it was read."""
        kept, keys = read.kept, Keys.of(read.kept.run_id)
        ids, concerned = list(read.requests), concern_of(read.run).everybody
        steps = [one.step_id for one in own(read.events) if isinstance(one, StepChosen)]
        call = scripts.forget_run(
            keys,
            kept.run_id,
            len(kept.events),
            read.requests,
            read.dead,
            read.deliveries,
            bits_of(kept.run_id),
            lists=[*lists_of(read.line, keys), *map(keys.runs_seen_by, concerned)],
            request_lists=[*map(keys.requests_seen_by, concerned), *map(keys.requests_in, _places_of(read.events))],
            whole=[
                *map(keys.replies, (*ids, kept.run_id, *steps)),
                *map(keys.places, ids),
                keys.forks(kept.run_id),
                keys.tries(kept.run_id),
            ],
        )
        return await self._client.run(call)


def _places_of(events: Iterable[Event]) -> set[str]:
    """The places of all requests of a run, as they are listed."""
    opened = (event.request for event in events if isinstance(event, RequestOpened))
    return set(filter(None, map(place_of_call, opened)))


def _is_about_a_request(note: bytes) -> bool:
    return str(json.loads(note).get("member", "")).startswith("ask ")
