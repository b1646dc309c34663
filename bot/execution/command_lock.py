"""Taking turns: one command at a time under one lock, on all machines that share a Redis."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import structlog

from agents.requests import AttemptId, RunId
from bot.store import Store, StoreError
from bot.store.locks import Held, Locks
from bot.store.watch import ended

log = structlog.stdlib.get_logger()

_PAUSE_S = 0.5
# Longer than the lease of an attempt: whoever takes a lock from a dead holder must find that attempt judged before.
_LEASES = 3


@dataclass(frozen=True, slots=True)
class Holder:
    """An attempt that holds a lock, or waits for it, as the lock names it."""

    run_id: RunId
    attempt_id: AttemptId

    @classmethod
    def of(cls, named: str) -> Self:
        """Read the name."""
        run_id, _, attempt_id = named.partition(" ")
        return cls(RunId(run_id), AttemptId(attempt_id))

    def __str__(self) -> str:
        """Write the name."""
        return f"{self.run_id} {self.attempt_id}"


Queued = Callable[[Holder | None], Awaitable[bool]]
"""Hears behind whom an attempt waits, None for nobody; returns whether its run still wants it."""


class CommandLock:
    """The lock of commands: one runs at a time.

    Its file, on each machine, lets a successor there adopt what runs.
    """

    def __init__(self, store: Store) -> None:
        self._store, self.locks = store, Locks(store.client, store.shards, store.lease_s * _LEASES)

    async def take(self, name: str, me: Holder, not_after: datetime | None, queued: Queued) -> Held | None:
        """Wait for the lock and take it; None when `not_after` came first, or the turn is no longer wanted.

        From a holder whose lease is over it is taken only once that attempt has been judged: its result is kept, or
        its run knows that nobody knows. `queued` hears again and again behind whom the attempt waits, then None once
        its turn has come, and says whether it is still wanted.
        """
        held: Held | None = None
        try:
            held = await self._turn(name, me, not_after, queued)
        finally:
            if held is None:
                await self._withdraw(name, me)
        return held

    def here(self, moment: datetime | None, attempt_id: AttemptId) -> datetime | None:
        """Return a moment of the clock of an attempt's shard by this machine's, by which runners go."""
        return moment and datetime.now(UTC) + (moment - self._store.about_now(attempt_id))

    async def _turn(self, name: str, me: Holder, not_after: datetime | None, queued: Queued) -> Held | None:
        gone, has_waited, is_wanted = "", False, True
        while is_wanted and (not_after is None or self._store.about_now(me.run_id) < not_after):
            with suppress(StoreError):
                found = await self.locks.take(name, str(me), gone)
                gone = found.holder if found.state == "left" and await self._is_judged(found.holder) else ""
                if gone:
                    continue
                behind = None if found.state == "taken" else Holder.of(found.holder)
                if behind or has_waited:
                    has_waited = True
                    is_wanted = await queued(behind)
                if behind is None and is_wanted:
                    log.info("lock taken", lock=name, fence=found.fence)
                    return Held(name, str(me), found.fence)
            await asyncio.sleep(_PAUSE_S)
        return None

    async def _withdraw(self, name: str, me: Holder) -> None:
        """Wait no longer, and hold nothing that was taken without being wanted; both would end by themselves."""
        with suppress(StoreError):
            await self.locks.leave(name, str(me))
            found = await self.locks.holding(name, str(me))
            if found:
                await self.locks.give_up(found)

    @asynccontextmanager
    async def kept(self, held: Held) -> AsyncGenerator[None]:
        """The lock does not end while this is open, as long as Redis can be reached."""
        keeping = asyncio.create_task(self._keep(held), name=f"lock {held.name}")
        try:
            yield
        finally:
            await ended([keeping])

    async def give_up(self, held: Held) -> None:
        """Free the lock. Its lease would end by itself."""
        with suppress(StoreError):
            await self.locks.give_up(held)

    async def _keep(self, held: Held) -> None:
        while True:
            await asyncio.sleep(self.locks.lease_s / 3)
            try:
                await self.locks.keep(held)
            except StoreError as error:
                log.warning("lock not kept", lock=held.name, error=str(error))

    async def _is_judged(self, holder: str) -> bool:
        of = Holder.of(holder)
        state, _ = await self._store.lease(of.run_id, of.attempt_id)
        return state == "gone"
