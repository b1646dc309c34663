"""A store whose facts are sealed, and what its log says then."""

from collections.abc import Sequence

from pydantic import JsonValue

from bot.archive.keeper import Archive
from bot.audit.chain import Head
from bot.audit.reading import AuditReader, Checked, Query
from bot.audit.sealer import Sealer
from bot.store import Store

KEY = b"a key for tests that nobody else has"
NO_ARCHIVE = Archive(None)
NAMES = {"anna": "Anna Ames", "bo": "Bo Berg", "cy": "Cy Cole"}


class Names:
    """Three people."""

    tables = NAMES

    def all(self) -> Sequence[str]:
        return tuple(NAMES)

    def name_of(self, person: str) -> str:
        return NAMES.get(person, person)


async def announced(_: Head) -> None:
    """Hear of a head, and do nothing."""


def a_sealer(store: Store, heads: list[Head] | None = None) -> Sealer:
    async def announce(head: Head) -> None:
        if heads is not None:
            heads.append(head)

    return Sealer(store, Names(), lambda: KEY, announce)


async def sealed_all(store: Store) -> None:
    sealer = a_sealer(store)
    for shard in range(store.shards):
        while await sealer.seal(shard):
            pass


def a_reader(store: Store, archive: Archive = NO_ARCHIVE) -> AuditReader:
    return AuditReader(store, archive)


async def verified(store: Store, *known: Head, archive: Archive = NO_ARCHIVE) -> Checked:
    return await a_reader(store, archive).verify([KEY], known)


async def log_of(store: Store, query: Query | None = None, archive: Archive = NO_ARCHIVE) -> list[dict[str, JsonValue]]:
    return (await a_reader(store, archive).search(query or Query()))[0]
