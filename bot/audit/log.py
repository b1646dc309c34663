"""Notes facts that are events of no run. What happens in a run is noted by the script that appends it."""

import secrets
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from agents.requests import PersonId
from agents.requests.proof import Proof
from bot.audit.records import AuditRecord
from bot.policy.audited import Kind
from bot.store import Keys, Store, scripts

# More than that and the fact is in what it is about; a note is one line.
_WORDS_CHARS = 2_000
# Any id of the shard in whose log facts stand that are about no run.
_NEAR = "s0r-aaaaaaaaaaaaa"


class AuditLog:
    """Writes to the stream that the sealer of a shard takes its facts from."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(
        self,
        kind: Kind,
        *,
        who: PersonId | None = None,
        proof: Proof | None,
        channel: str = "",
        people: Iterable[PersonId] = (),
        run_id: str = "",
        request_id: str = "",
        environment: str = "",
        outcome: str = "",
        words: str = "",
        detail: Mapping[str, JsonValue] | None = None,
        near: str = "",
        once: str = "",
    ) -> None:
        """Note a fact once; it is sealed within seconds. See `AuditRecord` for what each means.

        It stands in the log of the shard of its request or its run, or of any id that it is `near`. Without a `proof`,
        `channel` says by what it came.

        Note it before what it tells of takes effect: where this raises StoreUnavailable, do nothing. Of several who
        note it at the same time under one name, `once`, one does.
        """
        near = near or request_id or run_id or _NEAR
        keys = Keys.of(near)
        record = AuditRecord(
            kind=kind,
            at=await self._store.now(near),
            who=who,
            channel=proof.channel if proof else channel,
            proof=proof if proof and proof.words else None,
            people=tuple(people),
            run_id=run_id,
            request_id=request_id,
            environment=environment,
            outcome=outcome,
            words=words[:_WORDS_CHARS],
            detail=dict(detail or {}),
            release=self._store.release,
        )
        await self._store.client.run(scripts.note_audit(keys, once or secrets.token_hex(8), record.model_dump_json()))
