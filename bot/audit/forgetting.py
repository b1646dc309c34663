"""Forgets a person: deletes what the log keeps of them beside the chain, which still verifies."""

import json
from collections.abc import Iterable

from agents.requests import PersonId
from bot.audit.chain import record_in
from bot.audit.log import AuditLog
from bot.audit.reading import row_of
from bot.audit.sealer import Sealer, head_of, rows_of
from bot.audit.stored import LAST, kept_or_none
from bot.store import Keys, Store, scripts

_AT_ONCE = 500


class Forgetting:
    """Deletes a person's name and texts. Doing it again, also after a crash in the middle, does the rest."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store, self._log, self._sealer = store, AuditLog(store), sealer

    async def forget(self, *ids: str) -> int:
        """Forget whoever has these `ids`; return of how many records texts were deleted.

        Raises StoreUnavailable.

        What is of them in the archive can't be read any more: the key to it went with them.

        That they are forgotten is sealed first: so a text that is missing for this reason is told from one that
        somebody else deleted.
        """
        return sum([await self._forget_in(shard, ids) for shard in range(self._store.shards)])

    async def _forget_in(self, shard: int, ids: Iterable[str]) -> int:
        await self._seal_until_now(shard)
        rows = await rows_of(self._store, shard)
        pseudonyms = set[str]().union(*(row_of(rows, one) for one in ids))
        if not pseudonyms:
            return 0
        await self._log.note(
            "forgotten", people=map(PersonId, sorted(pseudonyms)), near=f"s{shard}r-aaaaaaaaaaaaa", proof=None
        )
        await self._seal_until_now(shard)
        deleted, place, keys = 0, 0, Keys(shard)
        while True:
            head = await head_of(self._store, shard)
            deleted += await self._delete_texts(shard, pseudonyms, place)
            # What is sealed after this has other pseudonyms; of what was sealed since, texts are deleted first.
            if (await self._store.client.run(scripts.forget_people(keys, str(head), sorted(pseudonyms)))).is_set:
                return deleted
            place = head.n

    async def _seal_until_now(self, shard: int) -> None:
        """Seal what has been noted by now, whoever else seals meanwhile."""
        new = Keys(shard).audit_new
        newest = await self._store.client.do("XREVRANGE", new, "+", "-", "COUNT", 1)
        while newest and await self._store.client.do("XRANGE", new, "-", newest[0][0], "COUNT", 1):
            await self._sealer.seal(shard)

    async def _delete_texts(self, shard: int, pseudonyms: set[str], after: int) -> int:
        keys, place, deleted = Keys(shard), after, 0
        while entries := await self._store.client.do(
            "XRANGE", keys.audit_chain, f"(0-{place}" if place else "-", LAST, "COUNT", _AT_ONCE
        ):
            for name, fields in entries:
                place = int(name.decode().partition("-")[2])
                body = record_in(fields.get(b"b", b""))  # of one that nothing can read, nobody knows whom it is of
                if body and pseudonyms.isdisjoint(body.get("of", ())):
                    continue
                deleted += await self._delete_text(keys, place)
        return deleted

    async def _delete_text(self, keys: Keys, place: int) -> int:
        """Delete all texts of a record but the policy, in which nobody has a name."""
        found = await self._store.client.do("HGET", keys.audit_kept, place)
        if not found:
            return 0
        kept = kept_or_none(found)
        left = {part: value for part, value in kept.items() if part == "policy"}
        if left == kept:
            return 0
        stays = json.dumps(left) if left else ""
        return int((await self._store.client.run(scripts.set_if(keys.audit_kept, place, stays, found))).is_set)
