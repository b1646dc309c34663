"""Checks the newest records once an hour, and tells the operators what is wrong with the log."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from pydantic import AwareDatetime, TypeAdapter

from bot.audit.health import Waiting, waiting
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
_TOLD_FOR = timedelta(days=1)
_SEALED_WITHIN = timedelta(minutes=10)
_SHOWN = 5
_HOME = Keys(0)
_TOLD = TypeAdapter(dict[str, AwareDatetime])

Facts = Mapping[str, Callable[[], str]]
"""What is wrong, each under a name that stays the same while it is so, and in words."""


class Alert(Protocol):
    """Tells the operators something."""

    def __call__(self, near: str, words: Callable[[], tuple[str, str]]) -> Awaitable[None]:
        """Tell it in the language that each of them reads."""
        ...


class AuditWatch:
    """Looks at the log that `reader` reads, with the `keys` that seal it."""

    def __init__(self, store: Store, reader: AuditReader, keys: Callable[[], Sequence[bytes]], alert: Alert) -> None:
        self._store, self._reader, self._keys, self._alert = store, reader, keys, alert
        self._late = frozenset[str]()

    async def keep_looking(self, ask_s: float = _ASK_S) -> None:
        """Look for ever, one process at a time; each asks that often whether it is time."""
        while True:
            await asyncio.sleep(ask_s)
            try:
                looked, client = _HOME.audit_looked, self._store.client
                # A look that Redis ended by being away is made again with the next asking, not in an hour.
                is_due = await client.is_first(looked, _ASK_S)
                if is_due and await self.look():
                    await client.claim(looked, _EVERY_S)
            except (StoreError, SaysoError) as error:
                log.warning("the audit log was not checked", error=str(error))
            except Exception:
                log.exception("the audit log was not checked")

    async def look(self) -> bool:
        """Check the newest records, and whether what happens is sealed; where nobody can, that is what is wrong.

        Operators are told of each thing once a day, and at once where it has come since. Return False where it is to be
        looked at again soon: what waits to be sealed may wait as Redis was away, and is wrong if it still does then.
        What was told already, here or by another process, is known to be.
        Raises StoreUnavailable.
        """
        facts, found, now = dict[str, Callable[[], str]](), Waiting(), datetime.now(UTC)
        try:
            facts |= {one.fact: partial(str, one) for one in await self._reader.verify_newest(self._keys())}
            found = await waiting(self._store.client, self._store.shards)
        except StoreUnavailable:
            raise
        except Exception as error:  # whatever it is, nobody checks the log meanwhile
            log.exception("the audit log can't be checked")
            facts = {"unchecked": partial(str, ascii(str(error))[1:-1]), **facts}
        # Of what came as Redis's clock had been ahead, nobody knows since when it waits.
        late = frozenset(name for name, at in found.oldest.items() if abs(now - at) > _SEALED_WITHIN)
        before, self._late = self._late, late
        if late and (late & before or "unsealed" in await self._told()):
            facts["unsealed"] = partial(_unsealed, found.count, min(now, *found.oldest.values()))
        await self._tell(facts)
        return not late or "unsealed" in facts

    async def _tell(self, facts: Facts) -> None:
        """Tell what is wrong, where any of it is news. What was right in between is news again."""
        client, now = self._store.client, datetime.now(UTC)
        before = await self._told()
        told = {name: at for name, at in before.items() if name in facts and now - at < _TOLD_FOR}
        news = [name for name in facts if name not in told]
        if news:
            lines = [facts[name] for name in (*news, *told)]
            await self._alert(new_id("outgoing", 0), partial(_words, lines))
        told |= dict.fromkeys(news, now)
        if told:
            await client.do("SET", _HOME.audit_told, _TOLD.dump_json(told), "EX", round(_TOLD_FOR.total_seconds()))
        elif before:
            await client.do("DEL", _HOME.audit_told)

    async def _told(self) -> dict[str, datetime]:
        """Return when operators were told what they were told last; what can't be read is told again."""
        try:
            body = await self._store.client.do("GET", _HOME.audit_told)
            return _TOLD.validate_json(body) if body else {}
        except StoreUnavailable:
            raise
        except (StoreError, ValueError):
            return {}


def _unsealed(count: int, since: datetime) -> str:
    return say("audit.alert-unsealed", count=count, since=in_words(since))


def _words(lines: Sequence[Callable[[], str]]) -> tuple[str, str]:
    shown = [line() for line in lines[:_SHOWN]] + (["…"] if len(lines) > _SHOWN else [])
    return say("audit.alert-wrong-title"), say("audit.alert-wrong", found="\n".join(shown))
