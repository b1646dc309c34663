"""Seals the new facts of a shard, in their order: each becomes a record of the chain, once, whoever dies meanwhile."""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import structlog
from pydantic import JsonValue

from agents.events import Event
from bot.audit.chain import Head, Sealed, sealed
from bot.audit.facts import records_of
from bot.audit.privacy import Kept, Pseudonyms, Row, row_in, split
from bot.audit.records import AuditRecord
from bot.store import Keys, OtherRelease, Store, StoreError
from bot.store.client import Script

log = structlog.stdlib.get_logger()

_SEAL = Script("seal")
# A batch is one script; more would keep the shard's other work waiting.
_AT_ONCE = 100
# Of each shard in a sweep, so that timers and what nobody took do not wait for a long backlog of facts.
_BATCHES = 10
_WORDS_CHARS = 2_000
# What in a policy holds people.
_NAMING = frozenset({"people", "by", "may_deny", "editors", "person", "to"})

Announce = Callable[[Head], Awaitable[None]]


class Directory(Protocol):
    """Who there is, and what they are called."""

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


class Sealer:
    """Chains what is new under `key`; `announce` hears of each new head, after it is there.

    Several may seal one shard: one of them does, and the others find that there is nothing left.
    """

    def __init__(self, store: Store, people: Directory, key: Callable[[], bytes], announce: Announce) -> None:
        self._store, self._people, self._key, self._announce = store, people, key, announce
        self._announced = set[int]()

    async def sweep(self, shard: int) -> None:
        """Seal what is new in a shard. Never raises: what is not sealed now is sealed later, or by another."""
        try:
            head = None
            for _ in range(_BATCHES):
                if (sealed_now := await self.seal(shard)) is None:
                    break
                head = sealed_now
            if head:
                await self._say(head)
            if shard not in self._announced and (head := await head_of(self._store, shard)).n:
                await self._say(head)  # whoever sealed it may have died before saying so
            self._announced.add(shard)
        except OtherRelease as error:
            log.warning("left to be sealed by the release that wrote it", shard=shard, error=str(error))
        except StoreError as error:
            log.warning("sealing put off", shard=shard, error=str(error))
        except Exception:
            log.exception("not sealed, comes again", shard=shard)

    async def _say(self, head: Head) -> None:
        self._announced.add(head.shard)
        log.info("audit head", shard=head.shard, records=head.n, head=str(head))
        await self._announce(head)

    async def seal(self, shard: int) -> Head | None:
        """Seal what is new in a shard, at most so much at once; return the new head, None where there was nothing.

        Raises OtherRelease for what only another release can read, and StoreError.
        """
        keys = Keys(shard)
        # First: with a head that is newer than the facts, what another has sealed meanwhile would be sealed once more.
        head = await head_of(self._store, shard)
        facts = await self._facts(keys)
        if not facts:
            return None
        pseudonyms = Pseudonyms(await rows_of(self._store, shard), self._people.name_of)
        pseudonyms.know(self._people.all())
        args, end = list[str | bytes](), head
        for record in await self._records(facts):
            pseudonyms.know(_people_in(record.policy))
            body, kept = split(record, pseudonyms)
            one, end = sealed(self._key(), end, body)
            args += _written(one, kept)
        people = [text for name, row in pseudonyms.fresh.items() for text in (name, row.model_dump_json())]
        counts = [len(facts), (end.n - head.n), len(pseudonyms.fresh)]
        names = [keys.audit_head, keys.audit_chain, keys.audit_kept, keys.audit_people, keys.audit_new]
        ids = [fact.id for fact in facts]
        is_ours = await self._store.client.run(_SEAL, names, [str(head), str(end), *counts, *ids, *args, *people])
        return end if is_ours else None

    async def _facts(self, keys: Keys) -> list[Fact]:
        entries = await self._store.client.do("XRANGE", keys.audit_new, "-", "+", "COUNT", _AT_ONCE)
        return [
            Fact(name.decode(), {field.decode(): value.decode(errors="replace") for field, value in fields.items()})
            for name, fields in entries
        ]

    async def _records(self, facts: Sequence[Fact]) -> list[AuditRecord]:
        """The records of these facts in their order; what can't be read is a record, too."""
        runs = dict[str, Sequence[Event] | None]()
        found = list[AuditRecord]()
        for fact in facts:
            run_id = fact.fields.get("run", "")
            if run_id and run_id not in runs:
                runs[run_id] = await self._events(run_id)
            try:
                found += _happened(fact, runs[run_id]) if run_id else [_noted(fact)]
            except (ValueError, KeyError):  # nothing of ours: it stands in the log, and keeps nothing else from it
                found.append(AuditRecord(kind="unreadable", at=fact.at, words=str(fact.fields)[:_WORDS_CHARS]))
        return found

    async def _events(self, run_id: str) -> Sequence[Event] | None:
        try:
            return (await self._store.load(run_id)).events
        except OtherRelease:
            raise
        except ValueError:
            log.exception("a run can't be read for the audit log", run_id=run_id)
            return None


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
        shown = tuple(cast("list[JsonValue]", json.loads(cards)))
        place = next((place for place, one in enumerate(records) if one.kind != "said"), 0)
        records[place] = records[place].model_copy(update={"cards": shown})
    return records


def _written(one: Sealed, kept: Kept) -> Iterator[str | bytes]:
    yield from (str(one.place), one.body, one.seal, json.dumps(kept, ensure_ascii=False) if kept else "")


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
    found = await store.client.do("GET", Keys(shard).audit_head)
    return Head.parse(found.decode()) if found else Head(shard)


async def rows_of(store: Store, shard: int) -> dict[str, Row]:
    """Whom the pseudonyms of a shard stand for."""
    found = await store.client.do("HGETALL", Keys(shard).audit_people)
    rows = {name.decode(errors="replace"): row_in(body) for name, body in found.items()}
    return {name: row for name, row in rows.items() if row}
