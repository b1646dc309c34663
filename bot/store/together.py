"""The open cards of one API key at one person, and the message that lists what came beyond them.

Kept by `<key> <person>` and `<key> <person> <channel>`. All raise StoreUnavailable while Redis is away.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field

from agents.requests import DeliveryId, Frozen, RequestId, RunId
from bot.store import Store, scripts
from bot.store.keys import Keys
from bot.store.lists import marks_in
from channels import Placement

MAIL_EVERY_S = 300.0
"""So long after a mail that lists requests comes the next one, at the earliest."""

# As long as a request may stay open, and a day.
_KEEP_S = 31 * 24 * 3600.0


def message_name(key: str, person: str, channel: str) -> str:
    """The name of the message that lists what the API key `key` asks a person, in one channel."""
    return f"{key} {person} {channel}"


class Gathered(Frozen):
    """One message, the number `number` of its kind, and the deliveries that it lists by their requests.

    `placement` is None while nothing stands; `is_tried`: it was sent, and nobody knows yet where it stands. `told` are
    those that were listed when it was sent last, at `sent_at`; `mark` stands for what it shows.
    """

    number: int = 0
    is_tried: bool = False
    placement: Placement | None = None
    deliveries: dict[RequestId, DeliveryId] = Field(default={})
    told: dict[RequestId, DeliveryId] = Field(default={})
    sent_at: AwareDatetime | None = None
    mark: str = ""


class GatheredMessages:
    """The messages by name."""

    def __init__(self, store: Store) -> None:
        self._store, self._client, self._me = store, store.client, secrets.token_hex(8)

    async def hold(self, name: str, for_s: float) -> bool:
        """Claim the message for this process; of several that ask one gets it, until it lets go or `for_s` is over."""
        return await self._client.run(scripts.hold(self._key(name, "holder"), self._me, round(for_s * 1000)))

    async def let_go(self, name: str) -> None:
        """Let others have it."""
        await self._client.run(scripts.hold(self._key(name, "holder"), self._me, 0))

    async def read(self, name: str) -> Gathered:
        """The message; one that lists nothing where there is none."""
        body = await self._client.do("GET", self._key(name, "message"))
        return Gathered.model_validate_json(body) if body else Gathered()

    async def keep(self, name: str, message: Gathered) -> None:
        """Keep what only its holder has changed."""
        await self._client.do("SET", self._key(name, "message"), message.model_dump_json(), "EX", round(_KEEP_S))

    async def stands(self, placement: Placement) -> None:
        """Note that a message stands there, below which people may write."""
        await self._store.remember(_there(placement.address.channel, placement.handle), b"1", _KEEP_S)

    async def is_one(self, channel: str, thread: str) -> bool:
        """Return whether such a message begins a thread."""
        return bool(thread) and await self._store.remembered(_there(channel, thread)) is not None

    def _key(self, name: str, what: str) -> str:
        return Keys(self._client.ingress(f"together {name}", self._store.shards)).together(name, what)


def _there(channel: str, handle: str) -> str:
    return f"list {channel} {handle}"


class OpenCards:
    """The runs of a key whose cards one person has, each card counted from before it is placed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def has_room(self, name: str, run_id: RunId, most: int) -> bool:
        """Count the card of a run, once; False where it is one more than `most`."""
        return await self._store.admit(f"cards {name}", run_id, most, _KEEP_S)

    async def runs(self, name: str) -> dict[RunId, datetime]:
        """The runs that are counted, and since when."""
        raw = await self._store.client.do("ZRANGE", self._window(name), 0, -1, "WITHSCORES")
        return {RunId(run_id): datetime.fromtimestamp(at_ms / 1000, UTC) for at_ms, run_id in marks_in(raw)}

    async def forget(self, name: str, run_ids: Iterable[RunId]) -> None:
        """Count these no more: they are not open."""
        await self._store.client.do("ZREM", self._window(name), *run_ids)

    def _window(self, name: str) -> str:
        sender = f"cards {name}"
        return Keys(self._store.client.ingress(sender, self._store.shards)).window(sender)
