"""Which runs wait for what goes on outside under a handle, so that a report of it finds them all."""

from agents.requests import RunId
from bot.ids import ingress_shard
from bot.store.client import Client, Script
from bot.store.keys import Keys

RUNS_AT_MOST = 20
"""Of one handle; whoever was noted before as many others looks by itself, in its own time."""

_NOTE = Script("note_handle")


class Handles:
    """By handle, in the words of the outside. All raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._shards = client, shards

    async def note(self, handle: str, run_id: RunId, keep_s: float) -> None:
        """`run_id` waits for `handle`, for `keep_s` at most. Noted again it is the newest."""
        keys = self._keys(handle)
        await self._client.run(_NOTE, [keys.handle(handle), keys.clock], [run_id, RUNS_AT_MOST, round(keep_s * 1000)])

    async def runs(self, handle: str) -> tuple[RunId, ...]:
        """The runs that wait for `handle`, or did, newest first."""
        keys = self._keys(handle)
        # An earlier release remembered one run, as a foreign id that led to it.
        noted, earlier = await self._client.read(
            ["ZREVRANGE", keys.handle(handle), 0, -1], ["GET", keys.seen(_name(handle))]
        )
        found = [*noted, earlier] if earlier else noted
        return tuple(dict.fromkeys(RunId(run_id.decode()) for run_id in found))

    def _keys(self, handle: str) -> Keys:
        return Keys(ingress_shard(_name(handle), self._shards))


def _name(handle: str) -> str:
    return f"handle {handle}"
