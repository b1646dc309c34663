"""What goes across runs: lists for people, and dead letters."""

from collections.abc import Sequence

from bot.store.client import Client, Script
from bot.store.keys import Keys

_REQUEUE = Script("requeue")


class Lists:
    """Reads over all shards, eventually right. Nothing decides by them."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._shards = client, shards

    async def summaries(self) -> list[bytes]:
        """One line for every run, in no order."""
        found: list[bytes] = []
        for shard in range(self._shards):
            lines: list[bytes] = await self._client.do("HVALS", Keys(shard).summaries)
            found += lines
        return found

    async def summary(self, run_id: str) -> bytes | None:
        """The line of one run."""
        return await self._client.do("HGET", Keys.of(run_id).summaries, run_id)

    async def requests(self, *, only_open: bool) -> list[str]:
        """The ids of requests, oldest first within each shard."""
        found: list[str] = []
        for shard in range(self._shards):
            keys = Keys(shard)
            ids: list[bytes] = await self._client.do("ZRANGE", keys.open if only_open else keys.requests, 0, -1)
            found += [request_id.decode() for request_id in ids]
        return found

    async def dead(self) -> dict[str, bytes]:
        """Every dead letter and held item: id -> note."""
        found: dict[str, bytes] = {}
        for shard in range(self._shards):
            notes: Sequence[bytes] | dict[bytes, bytes] = await self._client.do("HGETALL", Keys(shard).dead)
            pairs = notes.items() if isinstance(notes, dict) else zip(notes[::2], notes[1::2], strict=True)
            found |= {name.decode(): note for name, note in pairs}
        return found

    async def requeue(self, some_id: str, member: str) -> bool:
        """Have a dead letter looked at again; False when it is not in the list."""
        keys = Keys.of(some_id)
        return bool(await self._client.run(_REQUEUE, [keys.dead, keys.wake, keys.clock], [some_id, member]))

    async def runs(self) -> list[str]:
        """The ids of all runs, found by their events alone."""
        found: list[str] = []
        for shard in range(self._shards):
            prefix = Keys(shard).run("")
            found += [key.removeprefix(prefix) async for key in self._client.scan(f"{prefix}*")]
        return found
