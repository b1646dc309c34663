"""Lets finished runs leave Redis for the archive, some at a time, and the oldest records of the audit log with them.

A run leaves in three steps: its file, which can be read, is written and read back, its requests and its month name it,
and one script takes it out of Redis unless anything about it has changed since it was read. Whoever dies in between,
or does it twice, has only written the same again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from agents.run import RunState
from bot.archive.format import pack, unpack
from bot.archive.keeper import Archive
from bot.archive.leaving import Leaving, Read
from bot.archive.places import ArchiveUnavailable
from bot.audit.leaving import AuditLeaving
from bot.errors import Invalid, SaysoError
from bot.render.cards import Words
from bot.render.views import Summary
from bot.store import Store, StoreError
from bot.store.ids import new_id, shard_of
from bot.store.indexes import forks_of
from language import say

log = structlog.stdlib.get_logger()

Alert = Callable[[str, Words], Awaitable[None]]

LOOKS_EVERY_S = 60.0
# All workers look; for this part of the interval after one of them did, none need look again.
_ENOUGH = 0.9
# Of each shard and state at a time: eight shards let a hundred thousand runs leave in an hour or two.
_AT_ONCE = 200
_TRIES, _WHY_CHARS = 3, 500
_ALARM_EVERY_S = 24 * 3600.0

_ENDED: tuple[RunState, ...] = ("done", "failed", "cancelled")


class Retention:
    """Lets runs leave that ended more than `after` ago, and records as `audit` says.

    `alert` is how the operators hear that it does not work.
    """

    def __init__(
        self,
        store: Store,
        archive: Archive,
        after: timedelta,
        audit: AuditLeaving,
        alert: Alert,
    ) -> None:
        self._store, self._archive, self._after, self._alert = store, archive, after, alert
        self._audit = audit
        self._leaving = Leaving(store.client)
        # Those in front of a list that can't leave yet, by shard and state: the next look begins behind them.
        self._passed = Counter[tuple[int, RunState]]()
        self._failed = Counter[str]()

    async def keep_looking(self) -> None:
        """Look at every shard now and then, for ever. Where nothing can leave, the log says so first."""
        if self._archive.place is None:
            fix = 'set to = "s3://BUCKET/PREFIX" in [retention] of sayso.toml, or a directory that every process sees'
            log.warning("finished runs and audit records stay in Redis for ever: there is no archive", fix=fix)
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            await self.look(LOOKS_EVERY_S * _ENOUGH)

    async def look(self, for_s: float = 0.0) -> int:
        """Have the runs leave whose time has come, and return how many did. Never raises.

        With `for_s` a shard is left out that another worker has looked at within that time.
        """
        left = 0
        try:
            for shard in range(self._store.shards):
                if not for_s or await self._leaving.is_mine(shard, for_s):
                    left += await self._look_at(shard)
        except StoreError as error:
            log.warning("retention put off", error=str(error))
        except ArchiveUnavailable as error:
            await self._trouble("", str(error), new_id("outgoing", 0))
        except Exception:
            log.exception("retention failed, comes again")
        else:
            self._failed.pop("", None)
        return left

    async def _look_at(self, shard: int) -> int:
        if self._archive.place is None:
            return 0
        await self._look_at_audit(shard)
        return sum([await self._look(shard, state) for state in _ENDED])

    async def _look_at_audit(self, shard: int) -> None:
        """Have records leave; what is wrong with those of one shard keeps nothing else from leaving."""
        about = f"audit s{shard}"
        try:
            await self._audit.look(shard)
        except Invalid as error:
            await self._trouble(about, str(error), new_id("outgoing", shard))
        else:
            self._failed.pop(about, None)

    async def _look(self, shard: int, state: RunState) -> int:
        before = await self._leaving.now(shard) - self._after
        passed = self._passed[shard, state]
        run_ids = await self._leaving.started_before(shard, state, before, passed, _AT_ONCE)
        unsent = await self._leaving.unsent(shard) if run_ids else None
        if unsent is None:
            return 0
        left = sum([await self._left(run_id, before, unsent) for run_id in run_ids])
        stays = len(run_ids) - left
        self._passed[shard, state] = passed + stays if len(run_ids) == _AT_ONCE else 0
        return left

    async def _left(self, run_id: str, before: datetime, unsent: Mapping[str, Collection[str]]) -> bool:
        """Return whether this run has left. What is wrong with it alone keeps no other from leaving."""
        try:
            read = await self._leaving.read(run_id, unsent.get(run_id, ()))
            ended = read.run.ended if read else None
            if read is None or ended is None or ended.at >= before or not await self._is_free(read):
                return False
            await self._write(read, ended.at, before + self._after)
            is_gone = await self._leaving.forget(read)
        except (StoreError, ArchiveUnavailable):
            raise
        except (ValueError, SaysoError) as error:
            await self._trouble(run_id, f"{type(error).__name__}: {error}"[:_WHY_CHARS])
            return False
        self._failed.pop(run_id, None)
        log.info("run archived" if is_gone else "run changed while it was archived", run_id=run_id)
        return is_gone

    async def _write(self, read: Read, ended_at: datetime, now: datetime) -> None:
        kept = read.kept

        async def tell(other: str) -> None:
            log.error("the archive holds another story of a run", run_id=kept.run_id, kept_as=other)
            # Near the run, not about it: it leaves only once nothing about it is still to be told.
            near = new_id("outgoing", shard_of(kept.run_id))
            await self._tell(other, near, lambda: _told_twice(kept.run_id, other))

        body, request_ids = await asyncio.to_thread(pack, kept, now), list(read.requests)
        await asyncio.to_thread(unpack, body)  # what can't be read there stays here
        await self._archive.write(kept.run_id, body, request_ids, ended_at, read.line.body, tell)

    async def _is_free(self, read: Read) -> bool:
        """Return whether nobody answers it or reads it any more: no request of it is open, the run that started it has
        ended, and those that it started have told it so. A run that has left, or never began, does neither.

        Nor does any copy of it go on: whoever stops what is over hears of those.
        """
        if read.is_asking:
            return False
        parent = read.run.started.parent if read.run.started else None
        family = [*([parent.run_id] if parent else []), *(child.run_id for child in read.run.children)]
        made = [read.kept.run_id]
        for source in made:
            made += [copy for copy in await forks_of(self._store.client, source) if copy not in made]
        family += made[1:]
        return not any([await self._goes_on(run_id) for run_id in family])

    async def _goes_on(self, run_id: str) -> bool:
        line, is_due = await self._leaving.line(run_id)
        return is_due or (line is not None and Summary.model_validate_json(line).state not in _ENDED)

    async def _trouble(self, about: str, why: str, near: str = "") -> None:
        """Count it, and after three tries tell the operators, once a day however many workers try.

        Without an id that it is `near` it is about that run.
        """
        self._failed[about] += 1
        log.warning("not archived", about=about, error=why, tries=self._failed[about])
        if self._failed[about] >= _TRIES:
            await self._tell(about, near or about, lambda: _not_archived("" if near else about, why))

    async def _tell(self, about: str, near: str, words: Words) -> None:
        try:
            await self._store.tell_once(f"archive alarms {about}", _ALARM_EVERY_S, partial(self._alert, near, words))
        except StoreError as error:
            log.warning("operators were not told about the archive", error=str(error))


def _not_archived(run_id: str, why: str) -> tuple[str, str]:
    if run_id:
        title = say("notice.alert-not-archived-title", run=run_id)
        return title, say("notice.alert-not-archived", run=run_id, why=why)
    return say("notice.alert-no-archive-title"), say("notice.alert-no-archive", why=why)


def _told_twice(run_id: str, other: str) -> tuple[str, str]:
    title = say("notice.alert-other-story-title", run=run_id)
    return title, say("notice.alert-other-story", file=other)
