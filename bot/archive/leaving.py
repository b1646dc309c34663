"""All that Redis holds about one run: read in one piece, and taken out in one piece. Nothing is judged here."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.events import Event, RequestOpened, StepChosen, own, read_event, write_event
from agents.run import Run, RunState, fold
from bot.archive.format import KeptRequest, KeptRun
from bot.archive.left import bits_of
from bot.policy.approvers.concern import concern_of
from bot.render.views import line_of
from bot.store import Keys, Store
from bot.store.client import Client, Script, adjusted, asked
from bot.store.commit import lists_of
from bot.store.journal import place_of_call

_FORGET, _DROP = Script("forget_run"), Script("drop_dead")

_DELIVERY = re.compile(rb'"(s[0-9]{1,2}d-[a-z2-7]{13})"')
_OF_RUN = re.compile(rb'"run_id": ?"(s[0-9]{1,2}r-[a-z2-7]{13})"')
# More than that, and the shard has better things to do than to let old runs leave.
_UNSENT_AT_MOST = 5_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that was given up on: its note, and the outbox entry or the inbound item it is about."""

    id: str
    note: bytes
    at: datetime
    about: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Read:
    """A run as Redis holds it, and what its events say."""

    kept: KeptRun
    run: Run
    events: tuple[Event, ...]


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
        return bool(await self._client.do("SET", Keys(shard).retained, "1", "PX", round(for_s * 1000), "NX"))

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
        dead |= await self._dead_expiries(keys, events)
        forks: list[bytes] = await self._client.do("ZRANGE", keys.forks(run_id), 0, -1)
        kept = KeptRun(
            run_id=run_id,
            events=tuple(bodies),
            line=line.body,
            forks=tuple(fork.decode() for fork in forks),
            requests=await self._requests(keys, events),
            deliveries=await self._deliveries(keys, run_id, events),
            replies=await self._replies(keys, run_id, events),
            dead=dead,
        )
        return Read(kept, run, events)

    async def _dead(self, keys: Keys, run_id: str, unsent: Iterable[str]) -> dict[str, tuple[bytes, bytes]] | None:
        found = dict[str, tuple[bytes, bytes]]()
        for name in (run_id, *unsent):
            note, entry = await self._client.read(["HGET", keys.dead, name], ["HGET", keys.outbox, name])
            if note:
                found[name] = (entry or b"", note)
            elif entry:
                return None
        return found

    async def _dead_expiries(self, keys: Keys, events: Sequence[Event]) -> dict[str, tuple[bytes, bytes]]:
        """The notes of requests that could not expire. That of a review that did not begin stays: it is still due."""
        ids = _requests_in(events)
        notes: list[bytes | None] = await self._client.do("HMGET", keys.dead, *ids) if ids else []
        return {
            name: (b"", note)
            for name, note in zip(ids, notes, strict=True)
            if note and _kind_of(json.loads(note)) == "ask"
        }

    async def _requests(self, keys: Keys, events: Sequence[Event]) -> tuple[KeptRequest, ...]:
        found = list[KeptRequest]()
        for request_id in _requests_in(events):
            (version, state, body), replies, places = await self._client.read(
                ["HMGET", keys.request(request_id), "version", "state", "body"],
                ["HGETALL", keys.replies(request_id)],
                ["HGETALL", keys.places(request_id)],
            )
            if body:
                found.append(
                    KeptRequest(request_id, int(version), state.decode(), body, _named(replies), _named(places))
                )
        return tuple(found)

    async def _deliveries(self, keys: Keys, run_id: str, events: Sequence[Event]) -> dict[str, bytes]:
        """The cards that the events name, as far as they are this run's: what people quote may name others'."""
        text = b"\n".join(write_event(event) for event in own(events))
        names = list(dict.fromkeys(name.decode() for name in _DELIVERY.findall(text)))
        bodies: list[bytes | None] = await self._client.do("HMGET", keys.deliveries, *names) if names else []
        there = {name: body for name, body in zip(names, bodies, strict=True) if body}
        return {name: body for name, body in there.items() if (of := _OF_RUN.search(body)) and of[1].decode() == run_id}

    async def _replies(self, keys: Keys, run_id: str, events: Sequence[Event]) -> dict[str, Mapping[str, bytes]]:
        found = dict[str, Mapping[str, bytes]]()
        for about in (run_id, *(one.step_id for one in own(events) if isinstance(one, StepChosen))):
            replies = await self._client.do("HGETALL", keys.replies(about))
            if replies:
                found[about] = _named(replies)
        return found

    async def too_many_dead(self, shard: int, at_most: int) -> list[DeadLetter]:
        """The oldest dead letters of a shard beyond `at_most`. Those of a run stay: it waits for somebody, too."""
        keys = Keys(shard)
        if len(await self._client.do("HKEYS", keys.dead)) <= at_most:
            return []
        notes = _named(await self._client.do("HGETALL", keys.dead))
        dead = sorted((at, name) for name, note in notes.items() if (at := _dropped_by(note)) is not None)
        found = list[DeadLetter]()
        for at, name in dead[: max(0, len(dead) - at_most)]:
            entry, item = await self._client.read(["HGET", keys.outbox, name], ["HGETALL", keys.inbound(name)])
            found.append(DeadLetter(name, notes[name], at, _named(item) | ({"entry": entry} if entry else {})))
        return found

    async def drop(self, dead: DeadLetter) -> bool:
        """Take a dead letter out with what it is about, unless somebody has it done again by now."""
        keys = Keys.of(dead.id)
        return bool(
            await self._client.run(_DROP, [keys.dead, keys.outbox, keys.inbound(dead.id)], [dead.id, dead.note])
        )

    async def forget(self, read: Read) -> bool:
        """Take a run out of Redis; False, and nothing is, if anything about it has changed since it was read."""
        kept, keys = read.kept, Keys.of(read.kept.run_id)
        line, concerned = line_of(read.run), concern_of(read.events).everybody
        names = [
            keys.run(kept.run_id), keys.attempts(kept.run_id), keys.wake, keys.outbox, keys.deliveries, keys.dead,
            keys.summaries, keys.requests, keys.archived, keys.left,
        ]  # fmt: skip

        def places(more: Iterable[str]) -> list[int]:
            before = len(names)
            names.extend(more)
            return list(range(before + 1, len(names) + 1))

        ids = [one.id for one in kept.requests]
        records = places(map(keys.request, ids))
        plan: dict[str, Any] = {
            "run": kept.run_id,
            "seq": len(kept.events),
            "requests": [
                {"id": one.id, "version": one.version, "key": at}
                for one, at in zip(kept.requests, records, strict=True)
            ],
            "dead": list(kept.dead),
            "bits": bits_of(kept.run_id),
            "deliveries": list(kept.deliveries),
            "lists": places([*(lists_of(line, keys) if line else ()), *map(keys.runs_seen_by, concerned)]),
            "seen": places([*map(keys.requests_seen_by, concerned), *map(keys.requests_in, _places_of(read.events))]),
            "whole": [
                *records,
                *places(map(keys.replies, (*ids, *kept.replies))),
                *places(map(keys.places, ids)),
                *places((keys.forks(kept.run_id), keys.tries(kept.run_id))),
            ],
        }
        return bool(await self._client.run(_FORGET, names, [json.dumps(plan)]))


def _requests_in(events: Sequence[Event]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.request.id for one in own(events) if isinstance(one, RequestOpened)))


def _places_of(events: Iterable[Event]) -> set[str]:
    """The places of all requests of a run, as they are listed."""
    opened = (event.request for event in events if isinstance(event, RequestOpened))
    return set(filter(None, map(place_of_call, opened)))


def _dropped_by(note: bytes) -> datetime | None:
    """Return the time of a note that may be dropped; None for one about a run or a request, and for quarantine."""
    said: dict[str, Any] = json.loads(note)
    is_message = said["kind"] == "dead" and _kind_of(said) in {"in", "out"}
    return datetime.fromisoformat(said["at"]) if is_message else None


def _kind_of(note: Mapping[str, Any]) -> str:
    """What the work was that a note is about; nothing for a message that waits for nothing."""
    return str(note.get("member", "")).partition(" ")[0]


def _named(found: Mapping[bytes, bytes]) -> dict[str, bytes]:
    return {name.decode(): body for name, body in found.items()}
