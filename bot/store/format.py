"""The number of the store's format: a process that meets another one than its own stops, and says what to do."""

import secrets

from bot.errors import Invalid
from bot.store import scripts
from bot.store.client import Client, StoreError
from bot.store.client.durability import SHARDS, NotWhole, look_at_shards
from bot.store.keys import Keys

FORMAT = 20
"""Goes up with each change after which a release can't read what the one before wrote, or writes it otherwise.

Archived and exported runs say it as well: they hold events as a store does.
"""

_KEYS = Keys(0)
_WHAT_TO_DO = (
    "Start the release of sayso that wrote it, or let this one begin with an empty Redis or a new data directory: "
    "nothing converts a store"
)


class OtherFormat(StoreError):
    """The store has another format than this release reads, or data and no number of a format."""

    def __init__(self, found: bytes | None) -> None:
        if found:
            named = found[:20].decode() if found.isdigit() else ascii(found[:20].decode(errors="replace"))
            what = f"This store has format {named}, and this release of sayso reads format {FORMAT}"
        else:
            what = f"This store has data and no format number, and this release of sayso reads format {FORMAT}"
        super().__init__(what, _WHAT_TO_DO)


def of_other_format(what: str, found: int) -> Invalid:
    """Return the error for a file of events that has another format than this release reads; `what` begins it."""
    said = f"{what} of format {found}, and this release of sayso reads format {FORMAT}"
    return Invalid(said, "Read it with the release of sayso that wrote it: nothing converts it")


async def check_format(client: Client) -> None:
    """Check that the store has our format; one that nobody has used gets it, and a name of its own.

    Raises OtherFormat, and NotWhole for a store that is being restored or went back.
    """
    found = await client.run(scripts.note_format(_KEYS, _used(), FORMAT, secrets.token_hex(8)))
    await _judge(client, found)
    await check_whole(client)


async def check_whole(client: Client) -> None:
    """Raises NotWhole for a store that is being restored, or went back."""
    stored = await look_at_shards(client)
    if stored is not None and not stored.isdigit():
        raise NotWhole(stored)


async def look_at_format(client: Client) -> int | None:
    """Return the store's format, None where nobody has used it; write nothing. Raises as `check_format` does."""
    found, *there = await client.read(["GET", _KEYS.format], *(["EXISTS", key] for key in _used()))
    if found is None and not any(there):
        return None
    await _judge(client, found)
    return FORMAT


async def _judge(client: Client, found: bytes | None) -> None:
    if found == str(FORMAT).encode():
        return
    await check_whole(client)
    raise OtherFormat(found)


def _used() -> list[str]:
    """Keys of one shard of which a store that was used has one at least: whatever is written first is among them."""
    keys = _KEYS
    return [
        SHARDS,
        keys.restored,
        keys.tables,
        keys.api_keys,
        keys.audit_new,
        keys.audit_chain,
        keys.runs,
        keys.requests,
        keys.wake,
    ]
