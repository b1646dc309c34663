"""Every no of the table of rights: noted for the audit, then told as an error."""

import secrets

import structlog

from agents.requests import PersonId
from agents.requests.proof import Proof
from bot.audit.log import AuditLog
from bot.people.rights import Action, Caller, Denied
from bot.store import Store

log = structlog.stdlib.get_logger()

# More of one person within an hour are in the log alone: a script with a key must not fill the audit.
_NOTED, _NOTED_PER_S = 100, 3600.0
# Anybody who has a mail can send it again: such mails use up nothing of what is kept for their person's own refusals.
_NOTED_OF_WEAK = 30


class Refusals:
    """Notes who was refused what; a few of each person, so that none of them can fill the audit.

    Only what somebody known asks for is refused and noted: a stranger without a key or a session leaves no record.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._audit = store, AuditLog(store)

    async def refuse(self, caller: Caller, action: Action, denied: Denied, run_id: str = "") -> None:
        """Note it, then raise NotFound or Forbidden; WaitsForFile alone where it is unknown what they may."""
        if not denied.is_unknown:
            await self.note(caller.name, action, denied.what, caller.proof, run_id=run_id, is_hidden=denied.is_hidden)
        raise denied.error()

    async def note(
        self,
        name: str,
        action: Action,
        why: str,
        proof: Proof | None,
        *,
        run_id: str = "",
        is_hidden: bool = False,
        is_weak: bool = False,
    ) -> None:
        """Note that `name` was refused `action`; the caller says so. `is_weak`: by a mail that proves too little."""
        log.warning("refused", who=name, action=action, run_id=run_id, channel=proof.channel if proof else "", why=why)
        counted, most = (f"refused weak {name}", _NOTED_OF_WEAK) if is_weak else (f"refused {name}", _NOTED)
        if await self._store.admit(counted, secrets.token_hex(8), most, _NOTED_PER_S):
            await self._audit.note(
                "refused",
                who=PersonId(name),
                proof=proof,
                run_id=run_id,
                outcome="hidden" if is_hidden else "forbidden",
                words=why,
                detail={"action": action},
            )
