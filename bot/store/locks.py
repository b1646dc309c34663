"""Locks that hold on all machines of one Redis, each with a lease and a fence that goes up; and who reads a mailbox."""

import asyncio
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from agents.requests import Frozen
from bot.store import scripts
from bot.store.client import Client, StoreError, adjusted, asked, moment
from bot.store.ids import ingress_shard
from bot.store.keys import Keys
from channels.email.servers.bookmark import Cursor

# Who waits asks twice a second; a busy machine may take longer.
_ASKS_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Held:
    """A lock as its holder knows it, who is named `<run id> <attempt id>`."""

    name: str
    holder: str
    fence: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of taking a lock: `held` by `holder`, whose lease lives; `left` by one whose lease is over.

    `queued`: it is free, and `holder` has waited for it longer.
    """

    state: Literal["taken", "held", "left", "queued"]
    holder: str
    fence: int


@dataclass(frozen=True, slots=True)
class InQueue:
    """One that holds a lock, or waits for it, `since` then."""

    who: str
    since: datetime


@dataclass(frozen=True, slots=True)
class LockQueue:
    """Who holds a lock, None for nobody, and who waits for it, whoever waits longest first."""

    holder: InQueue | None = None
    waiting: tuple[InQueue, ...] = ()


class Locks:
    """The locks, by name. All methods raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, shards: int, lease_s: float) -> None:
        self._client, self._shards, self.lease_s = client, shards, lease_s

    @property
    def shards(self) -> int:
        """The number by which the shard of a lock is found."""
        return self._client.began_with or self._shards

    async def take(self, name: str, holder: str, gone: str = "") -> Taken:
        """Take the lock, from `gone` if that holder's lease is over; asked again by its holder it is kept.

        Who does not get it waits in the queue from then on, for as long as it asks every few seconds.
        """
        keys = self._keys(name)
        lease_ms, asks_ms = round(self.lease_s * 1000), round(_ASKS_WITHIN_S * 1000)
        return Taken(*await self._client.run(scripts.take_lock(keys, name, holder, lease_ms, gone, asks_ms)))

    async def leave(self, name: str, holder: str) -> None:
        """Wait for the lock no longer."""
        await self._client.do("HDEL", self._keys(name).lock_queue(name), holder)

    async def holding(self, name: str, holder: str) -> Held | None:
        """Return the lock as `holder` has it; None where somebody else has it, or nobody."""
        who, fence = await self._client.do("HMGET", self._keys(name).lock(name), "holder", "fence")
        return Held(name, holder, int(fence)) if who and who.decode() == holder else None

    async def queue(self, name: str) -> LockQueue:
        """Return who holds the lock, and who waits for it."""
        keys = self._keys(name)
        held, waiting, *told = await self._client.read(
            ["HMGET", keys.lock(name), "holder", "until", "since"], ["HGETALL", keys.lock_queue(name)], *asked(keys)
        )
        now, _ = adjusted(*told)
        who, until, since = held
        holder = InQueue(who.decode(), moment(since or until)) if who and now < moment(until) else None
        seen = ((name.decode(), value.split()) for name, value in waiting.items())
        left = now - timedelta(seconds=_ASKS_WITHIN_S)
        waits = (InQueue(name, moment(began)) for name, (began, last) in seen if moment(last) >= left)
        return LockQueue(holder, tuple(sorted(waits, key=lambda one: (one.since, one.who))))

    async def keep(self, held: Held) -> bool:
        """Move the end of the lease to `lease_s` from now; False when somebody else has the lock."""
        return await self._keep(held, self.lease_s)

    async def give_up(self, held: Held) -> None:
        """Free the lock, if it is still this holder's."""
        await self._keep(held, 0)

    async def _keep(self, held: Held, lease_s: float) -> bool:
        keys = self._keys(held.name)
        lease_ms = round(lease_s * 1000)
        return await self._client.run(scripts.keep_lock(keys, held.name, held.holder, held.fence, lease_ms))

    def _keys(self, name: str) -> Keys:
        return Keys(ingress_shard(f"lock {name}", self.shards))


def keep_until(redis_url: str, shards: int, lease_s: float, held: Held, over: threading.Event) -> None:
    """Keep a lock until `over` is set, then give it up; for a thread of a process that does nothing else with Redis."""
    asyncio.run(_keep_until(redis_url, shards, lease_s, held, over))


async def _keep_until(redis_url: str, shards: int, lease_s: float, held: Held, over: threading.Event) -> None:
    client = Client(redis_url)
    locks = Locks(client, shards, lease_s)
    try:
        while not over.is_set():
            with suppress(StoreError):  # Redis may be away for a while, and nobody else can take the lock then
                await locks.keep(held)
            await asyncio.to_thread(over.wait, lease_s / 3)
        with suppress(StoreError):
            await locks.give_up(held)
    finally:
        await client.close()


# Mails of years, in about six megabytes: a server that forgets its UIDs brings all of them again.
MAILS_REMEMBERED = 50_000

# A mailbox is looked at every minute; a busy machine may take longer.
_FRESH = timedelta(minutes=3)

_KEYS = Keys(0)


class MailboxState(Frozen):
    """The last time the mailbox was reached, and the trouble since; none if all is well."""

    reached_at: AwareDatetime | None = None
    trouble: str = ""

    def is_fresh(self, now: datetime) -> bool:
        """Return whether the mailbox was read as often as its reader should."""
        return self.reached_at is not None and now - self.reached_at < _FRESH


class MailboxStore:
    """One mailbox, named by whose it is and where. A `channels.email.servers.bookmark.Bookmark`.

    All raise StoreUnavailable while Redis is away.
    """

    def __init__(self, client: Client, name: str, remembers: int = MAILS_REMEMBERED) -> None:
        self._client, self._remembers = client, remembers
        self._mark, self._mails = _KEYS.mailbox(name), _KEYS.mailbox(name, "mails")
        self._holder, self._state = _KEYS.mailbox(name, "holder"), _KEYS.mailbox(name, "state")
        self._told, self._telling = _KEYS.mailbox(name, "told"), _KEYS.mailbox(name, "telling")
        self._me = secrets.token_hex(8)

    async def read(self) -> Cursor | None:
        """Return the mark up to which the mailbox was read; None if it was never read."""
        validity, uid, since = await self._client.do("HMGET", self._mark, "validity", "uid", "since")
        return None if validity is None else Cursor(int(validity), int(uid), date.fromisoformat(since.decode()))

    async def move(self, cursor: Cursor, key: str | None) -> None:
        """Go to `cursor`, never back while the UIDs are the same, and know the mail with `key` from now on."""
        validity, uid, since = cursor.validity, cursor.uid, cursor.since.isoformat()
        await self._client.run(
            scripts.bookmark(_KEYS, self._mark, self._mails, validity, uid, since, key or "", self._remembers)
        )

    async def knows(self, key: str) -> bool:
        """Return whether the mail with this key was done, by whichever UID."""
        return await self._client.do("ZSCORE", self._mails, key) is not None

    async def hold(self, for_s: float) -> bool:
        """Claim the mailbox for `for_s`; return whether this process got it.

        Several ask, one gets it.
        """
        return await self._client.run(scripts.hold(self._holder, self._me, round(for_s * 1000)))

    async def let_go(self) -> None:
        """Another process may read it at once."""
        await self._client.run(scripts.hold(self._holder, self._me, 0))

    async def now(self) -> datetime:
        """The time that its states go by: Redis's."""
        return adjusted(*await self._client.read(*asked(_KEYS)))[0]

    async def state(self) -> MailboxState | None:
        """Return the state of reading the mailbox; None if nobody ever has."""
        body = await self._client.do("GET", self._state)
        return None if body is None else MailboxState.model_validate_json(body)

    async def note_reached(self) -> None:
        """Note that the mailbox was looked at, and all is well."""
        state = MailboxState(reached_at=await self.now())
        await self._client.do("SET", self._state, state.model_dump_json())

    async def note_trouble(self, trouble: str) -> None:
        """Note that the mailbox can't be looked at."""
        before = await self.state() or MailboxState()
        state = before.model_copy(update={"trouble": trouble[:500]})
        await self._client.do("SET", self._state, state.model_dump_json())

    async def may_tell(self, within_s: float) -> bool:
        """Claim for `within_s` the right to tell people the mailbox's state, until `note_told`; one process gets it."""
        return await self._client.is_first(self._telling, within_s)

    async def is_told_away(self) -> bool:
        """Return whether people were told that the mailbox is away, and not yet that it is back."""
        return bool(await self._client.do("EXISTS", self._told))

    async def note_told(self, *, is_away: bool) -> None:
        """People know it."""
        await (self._client.do("SET", self._told, self._me) if is_away else self._client.do("DEL", self._told))
        await self._client.do("DEL", self._telling)
