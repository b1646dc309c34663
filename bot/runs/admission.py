"""The limits of new runs: per person, per API key, per place of many, per trigger of the configuration."""

import asyncio
import hashlib
import time
from collections import OrderedDict

import structlog

from agents.requests import PersonId, RunId
from bot.config.tables import LimitsConfig
from bot.errors import RateLimited
from bot.people.directory import People
from bot.store import Store
from channels import Trigger
from language import say, say_many

# The same words again and again come from something that answers what we write.
_SAME_WORDS, _SAME_WORDS_PER_S = 5, 600.0
# What one process lets in within a second is little beside the limit.
_LOOK_AGAIN_S, _BACKLOG_AGAIN_S = 1.0, 10.0


class Admission:
    """Counts each run once, by its id. All raise RateLimited for one too many, in the language that is spoken."""

    def __init__(self, store: Store, people: People, limits: LimitsConfig) -> None:
        self._store, self._people, self._limits = store, people, limits
        self._waiting, self._looked_at = 0, -_LOOK_AGAIN_S

    async def backlog(self) -> None:
        """Against the limit of all work that waits for a worker, as it was a second ago: for whoever can come again."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_AGAIN_S:
            self._looked_at = now
            self._waiting = await self._store.lists.ready()
        if self._waiting >= self._limits.backlog:
            raise RateLimited(say("run.limit-of-backlog"), say("run.limit-of-backlog-do"), _BACKLOG_AGAIN_S)

    async def person(self, requester: PersonId, run_id: RunId) -> None:
        """Against the limit of whoever asks."""
        limit = self._limits.triggers_per_person
        if await self._store.admit(requester, run_id, limit.count, limit.per_s):
            return
        name, seconds = self._people.name_of(requester), f"{limit.per_s:.0f}"
        text = say_many("run.limit-of-person", limit.count, name=name, seconds=seconds)
        raise RateLimited(text, say("run.limit-do"), await self._store.admitted_in_s(requester, limit.per_s))

    async def key(self, prefix: str, run_id: RunId) -> None:
        """Against the limit of an API key with which a program asks people by itself."""
        limit = self._limits.asks_per_key
        if await self._store.admit(f"key {prefix}", run_id, limit.count, limit.per_s):
            return
        text = say_many("run.limit-of-key", limit.count, key=f"sayso_{prefix}", seconds=f"{limit.per_s:.0f}")
        raise RateLimited(text, say("run.limit-do"), await self._store.admitted_in_s(f"key {prefix}", limit.per_s))

    async def trigger(self, name: str, what_id: str) -> None:
        """Against the limit of a trigger of the configuration. Its requester does nothing, and keeps their own room."""
        limit = self._limits.triggers_per_trigger
        if await self._store.admit(f"trigger {name}", what_id, limit.count, limit.per_s):
            return
        text = say("run.limit-of-trigger", name=name, count=limit.count, seconds=f"{limit.per_s:.0f}")
        after_s = await self._store.admitted_in_s(f"trigger {name}", limit.per_s)
        raise RateLimited(text, say("run.limit-of-trigger-do"), after_s)

    async def room(self, run_id: RunId, channel: str, trigger: Trigger) -> None:
        """Against the limit of the place of many where it was asked for."""
        if not trigger.room:
            return
        room, limit = f"{channel}:{trigger.room}", self._limits.triggers_per_slack_channel
        if not await self._store.admit(f"room {room}", run_id, limit.count, limit.per_s):
            text = say_many("run.limit-of-room", limit.count, seconds=f"{limit.per_s:.0f}")
            raise RateLimited(text, say("run.limit-do"), await self._store.admitted_in_s(f"room {room}", limit.per_s))
        words = hashlib.sha256(f"{trigger.person} {trigger.text}".encode(errors="replace")).hexdigest()
        same = f"same words {room} {words}"
        if not await self._store.admit(same, run_id, _SAME_WORDS, _SAME_WORDS_PER_S):
            text = say("run.limit-same-words", count=_SAME_WORDS, minutes=f"{_SAME_WORDS_PER_S / 60:.0f}")
            after_s = await self._store.admitted_in_s(same, _SAME_WORDS_PER_S)
            raise RateLimited(text, say("run.limit-same-words-do"), after_s)


log = structlog.stdlib.get_logger()

MOST_BYTES = 64_000_000
"""The most of one channel: some thirty of the largest mails, and thousands of usual ones."""

_LOOK_EVERY_S = 0.2
_LOOKED_AT = 100


class Backlog:
    """The inbound items of one channel that this process took in and nobody has handled."""

    def __init__(self, store: Store, channel: str, most_bytes: int = MOST_BYTES) -> None:
        self._store, self._channel, self._most_bytes = store, channel, most_bytes
        self._waiting = OrderedDict[str, int]()
        self._bytes = 0

    def add(self, inbound_id: str, size_bytes: int) -> None:
        """Add an item that waits from now on."""
        self._waiting[inbound_id] = size_bytes
        self._bytes += size_bytes

    async def room(self) -> None:
        """Returns when no more waits than may. Raises StoreUnavailable."""
        is_told = False
        while self._bytes > self._most_bytes:
            await self._look()
            if self._bytes > self._most_bytes:
                if not is_told:
                    log.warning("too much waits to be read; no more is fetched meanwhile", channel=self._channel)
                is_told = True
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> None:
        """Forget what was handled, of those that were looked at longest ago."""
        ids = list(self._waiting)[:_LOOKED_AT]
        waits = await asyncio.gather(*(self._store.lists.is_unread(inbound_id) for inbound_id in ids))
        for inbound_id, still in zip(ids, waits, strict=True):
            # Somebody else may have looked at the same moment.
            size_bytes = self._waiting.pop(inbound_id, None)
            if size_bytes is not None and still:
                self._waiting[inbound_id] = size_bytes
            elif size_bytes is not None:
                self._bytes -= size_bytes
