"""Taking turns: one command at a time under one lock, on all machines that share a Redis."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog

from bot.store import Store, StoreError
from bot.store.locks import Held, Locks
from bot.store.watch import ended

log = structlog.stdlib.get_logger()

_PAUSE_S = 0.5
# Longer than the lease of an attempt: whoever takes a lock from a dead holder must find that attempt judged before.
_LEASES = 3


class CommandLock:
    """The lock of commands: one runs at a time.

    Its file, on each machine, lets a successor there adopt what runs.
    """

    def __init__(self, store: Store) -> None:
        self._store, self.locks = store, Locks(store.client, store.shards, store.lease_s * _LEASES)

    async def take(self, name: str, run_id: str, attempt_id: str, not_after: datetime | None) -> Held | None:
        """Wait for the lock and take it; None when `not_after` came first.

        From a holder whose lease is over it is taken only once that attempt has been judged: its result is kept, or
        its run knows that nobody knows.
        """
        me, gone, waits_for = f"{run_id} {attempt_id}", "", ""
        while not_after is None or self._store.about_now() < not_after:
            with suppress(StoreError):
                found = await self.locks.take(name, me, gone)
                if found.state == "taken":
                    log.info("lock taken", lock=name, fence=found.fence)
                    return Held(name, me, found.fence)
                if found.holder != waits_for:
                    waits_for = found.holder
                    log.info("waits for its turn", lock=name, holder=found.holder)
                gone = found.holder if found.state == "left" and await self._is_judged(found.holder) else ""
                if gone:
                    continue
            await asyncio.sleep(_PAUSE_S)
        return None

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
        run_id, _, attempt_id = holder.partition(" ")
        state, _ = await self._store.lease(run_id, attempt_id)
        return state == "gone"
