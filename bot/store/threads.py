"""Which run lives in a thread of a channel, so that what people write there finds it."""

from collections.abc import Iterable

from agents.requests import RunId
from bot.ids import ingress_shard
from bot.store.client import Client
from bot.store.keys import Keys

# Twice as long as a request may stay open: people come back to a thread, though hardly later.
_KEEP_S = 60 * 24 * 3600


class Threads:
    """By channel and thread, in the channel's own terms. All raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._shards = client, shards

    async def note(self, channel: str, thread: str, run_id: str) -> None:
        """From now on `run_id` lives there, whoever did before; for 60 days."""
        await self._client.do("SET", self._key(channel, thread), run_id, "EX", _KEEP_S)

    async def begin(self, channel: str, thread: str, run_id: str) -> None:
        """`run_id` lives there unless another run does already, though it may not have started yet."""
        await self._client.do("SET", self._key(channel, thread), run_id, "NX", "EX", _KEEP_S)

    async def run_of(self, channel: str, thread: str) -> RunId | None:
        """The run that lives there; it may not have started yet."""
        found = await self._client.do("GET", self._key(channel, thread))
        return RunId(found.decode()) if found else None

    async def is_answer(self, request_ids: Iterable[str], reply_id: str) -> bool:
        """Whether a reply has had its effect on one of these requests, which are of one run."""
        asked = [["HEXISTS", Keys.of(request_id).replies(request_id), reply_id] for request_id in request_ids]
        return any(await self._client.read(*asked)) if asked else False

    def _key(self, channel: str, thread: str) -> str:
        name = f"{channel}:{thread}"
        return Keys(ingress_shard(name, self._shards)).thread(name)
