"""Checks the newest records once an hour, and tells the operators what is wrong with the log."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from bot.audit.health import waiting
from bot.audit.reading import AuditReader
from bot.errors import SaysoError
from bot.store import Keys, Store, StoreError, StoreUnavailable
from bot.store.ids import new_id
from language import say
from language.dates import in_words

log = structlog.stdlib.get_logger()

_EVERY_S = 3600.0
# So often each worker asks whether it is time: one of them looks, whoever was started last.
_ASK_S = 60.0
_ALARM_EVERY_S = 24 * 3600.0
_SEALED_WITHIN = timedelta(minutes=10)
_SHOWN = 5
_HOME = Keys(0)


class AlertOnce(Protocol):
    """Tells the operators something, once in so many seconds for a name."""

    def __call__(self, name: str, every_s: float, near: str, words: Callable[[], tuple[str, str]]) -> Awaitable[None]:
        """Tell it in the language that each of them reads."""
        ...


class AuditWatch:
    """Looks at the log that `reader` reads, with the `keys` that seal it."""

    def __init__(
        self, store: Store, reader: AuditReader, keys: Callable[[], Sequence[bytes]], alert: AlertOnce
    ) -> None:
        self._store, self._reader, self._keys, self._alert = store, reader, keys, alert

    async def keep_looking(self) -> None:
        """Look for ever, one process at a time."""
        while True:
            await asyncio.sleep(_ASK_S)
            try:
                if await self._store.client.do("SET", _HOME.audit_looked, "1", "EX", round(_EVERY_S), "NX"):
                    await self.look()
            except (StoreError, SaysoError) as error:
                log.warning("the audit log was not checked", error=str(error))
            except Exception:
                log.exception("the audit log was not checked")

    async def look(self) -> None:
        """Check the newest records, and whether what happens is sealed; where nobody can, that is what is wrong.

        Raises StoreUnavailable.
        """
        found, count, since = list[str](), 0, None
        try:
            found += map(str, await self._reader.verify_newest(self._keys()))
            count, since = await waiting(self._store.client, self._store.shards)
        except StoreUnavailable:
            raise
        except Exception as error:  # whatever it is, nobody checks the log meanwhile
            log.exception("the audit log can't be checked")
            found.insert(0, ascii(str(error))[1:-1])
        is_late = since is not None and datetime.now(UTC) - since > _SEALED_WITHIN
        if found or is_late:
            words = partial(_words, found, count if is_late else 0, since)
            await self._alert("audit log", _ALARM_EVERY_S, new_id("outgoing", 0), words)


def _words(found: Sequence[str], unsealed: int, since: datetime | None) -> tuple[str, str]:
    lines = [*found[:_SHOWN]] + (["…"] if len(found) > _SHOWN else [])
    if unsealed and since:
        lines.append(say("audit.alert-unsealed", count=unsealed, since=in_words(since)))
    return say("audit.alert-wrong-title"), say("audit.alert-wrong", found="\n".join(lines))
