"""Taking what is ready to be done, from all shards: it waits in the server, and stops when it is told to."""

import secrets

import structlog

from bot.errors import NotFound
from bot.store import Keys, Store, StoreError, WorkItem

log = structlog.stdlib.get_logger()

_STOP_KEPT_MS = 60_000


class Taker:
    """Takes from the ready work of a store; one call of `take` at a time.

    A call that is cancelled may lose what it took, until the sweeper brings it again: `stop` ends it without a loss.
    """

    def __init__(self, store: Store) -> None:
        self._client, self._shards, self._first = store.client, store.shards, 0
        self._stop = Keys(0).stop(secrets.token_hex(8))

    async def take(self, wait_s: float) -> WorkItem | None:
        """Take what a worker can do now, answers first; None when there is nothing for `wait_s`, which is below 4.

        Each shard has its turn to be first, or one that is never empty would keep the others waiting. What was taken
        stays in the schedule until it is done. Raises StoreError at once.
        """
        shards = [Keys((self._first + number) % self._shards) for number in range(self._shards)]
        self._first = (self._first + 1) % self._shards
        names = [self._stop, *(keys.answers for keys in shards), *(keys.ready for keys in shards)]
        found = await self._client.wait_for("BZPOPMIN", *names, wait_s)
        if not found or found[0].decode() == self._stop:
            return None
        try:
            return WorkItem.parse(found[1].decode(errors="replace"))
        except NotFound as error:  # of a newer release, which finds it in the schedule
            log.warning("left in the schedule", error=str(error))
            return None

    async def stop(self) -> None:
        """Have a call that waits return. Where the store can't be reached it ends by itself."""
        try:
            await self._client.read(["ZADD", self._stop, 0, "stop"], ["PEXPIRE", self._stop, _STOP_KEPT_MS])
        except StoreError as error:
            log.warning("the queue is left without a word", error=str(error))
