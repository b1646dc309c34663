"""Whom a mail without a question was for, kept for as long as mail systems try: word that it failed comes later."""

from pydantic import ValidationError

from agents.requests import Frozen, PersonId, RunId
from bot.store.client import Client
from bot.store.keys import Keys

# Servers give up after four or five days (RFC 5321, 4.5.4.1).
_KEEP_S = 7 * 24 * 3600


class Receipt(Frozen):
    """What was sent, and to whom: a person, or an address outside (`to`)."""

    kind: str
    run_id: RunId
    person: PersonId
    title: str
    to: str = ""


class Receipts:
    """By the id of the outbox entry. All raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def note(self, outgoing_id: str, receipt: Receipt) -> None:
        """Keep it."""
        key = Keys.of(outgoing_id).receipt(outgoing_id)
        await self._client.do("SET", key, receipt.model_dump_json(), "EX", _KEEP_S)

    async def read(self, outgoing_id: str) -> Receipt | None:
        """What it says; None for one that is unknown or too old."""
        body = await self._client.do("GET", Keys.of(outgoing_id).receipt(outgoing_id))
        try:
            return Receipt.model_validate_json(body) if body else None
        except ValidationError:  # of a newer release
            return None
