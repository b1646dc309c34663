"""Every no of the table of rights: noted for the audit, then told as an error."""

import secrets

import structlog

from agents.requests import PersonId
from bot.audit.log import AuditLog
from bot.people.rights import Action, Denied, Who
from bot.store import Store

log = structlog.stdlib.get_logger()

# More of one person within an hour are in the log alone: a script with a key must not fill the audit.
_NOTED, _NOTED_PER_S = 100, 3600.0


class Refusals:
    """Notes who was refused what; a few of each person, so that none of them can fill the audit."""

    def __init__(self, store: Store) -> None:
        self._store, self._audit = store, AuditLog(store)

    async def refuse(self, who: Who, action: Action, denied: Denied, channel: str, run_id: str = "") -> None:
        """Note it, then raise NotFound or Forbidden."""
        log.warning("refused", who=who.name, action=action, run_id=run_id, channel=channel, why=denied.what)
        if await self._store.admit(f"refused {who.name}", secrets.token_hex(8), _NOTED, _NOTED_PER_S):
            await self._audit.note(
                "refused",
                who=PersonId(who.name),
                channel=channel,
                evidence=who.evidence,
                run_id=run_id,
                outcome="hidden" if denied.is_hidden else "forbidden",
                words=denied.what,
                detail={"action": action},
            )
        raise denied.error()
