"""What is frozen, by people or by windows of the settings, and telling everybody whose request waits for it."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog

from agents.events import RequestFrozen
from agents.requests import Freeze, PersonId, Request, RequestId
from agents.requests.proof import Proof
from agents.requests.record import RequestRecord, after
from agents.run import Run
from bot.archive.keeper import Archive
from bot.audit.log import AuditLog
from bot.config.tables import CHANNELS
from bot.errors import Conflict, NotFound
from bot.people.directory import People
from bot.policy.freezes import ComingWindow, active, coming_windows, next_window, window_at
from bot.render.cards import notice
from bot.render.words import askers_of, frozen_words
from bot.requests.card_updates import moved
from bot.requests.stored import TRIES, read_request
from bot.store import Commit, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.freezes import FrozenPlaces
from bot.store.ids import shard_of
from bot.store.journal import Journal, outbox_entry, record_write
from bot.store.outbox_entry import Tell, nearest_first, tell_about
from channels.email.reply.against import is_end
from language import say

log = structlog.stdlib.get_logger()

_Kind = Literal["frozen", "unfrozen"]


@dataclass(frozen=True, slots=True)
class Found:
    """What freezes an environment, None for nothing; `number` is of the freezes by people that were looked at."""

    freeze: Freeze | None
    number: int


def stays_frozen() -> Conflict:
    """Return the error for words beside the end of a freeze that speak against it."""
    return Conflict(say("notice.unfreeze-against"), say("notice.unfreeze-against-do"))


class FrozenRequests:
    """Freezes environments, and tells of it. `edits`: the channels that can change a card where it stands."""

    def __init__(
        self,
        journal: Journal,
        people: People,
        edits: Set[str],
        archive: Archive,
    ) -> None:
        self._journal, self._store, self._freezes = journal, journal.store, journal.store.freezes
        self._people, self._edits, self._archive = people, edits, archive
        self._audit = AuditLog(journal.store)
        # What each shard was told of, or need not be, as of the last look here.
        self._looked = dict[int, str]()

    async def freeze(
        self,
        environment: str,
        by: PersonId,
        reason: str,
        *,
        proof: Proof | None,
        is_copy: bool = False,
    ) -> Freeze:
        """Freeze an environment (empty: everything); what is frozen by somebody already is said once more by it.

        Once it returns, nothing gated starts there. A copy of what was said before says nothing once more.
        """
        held = await self._freezes.read()
        before = held.freezes.get(environment)
        if before and is_copy:
            await self._freezes.spread(held)  # whoever said it first may have died before all shards knew
            return before
        is_listed = self._is_listed(environment)
        freeze = Freeze(environment=environment, by=by, reason=reason, since=held.now, was_listed=is_listed)
        await self._note("frozen", environment, by, reason, proof)
        before = await self._freezes.put(environment, freeze)
        log.warning("frozen", environment=environment or "*", person=by, was_frozen=before is not None)
        return before.again(freeze) if before else freeze

    async def unfreeze(
        self,
        environment: str,
        by: PersonId,
        reason: str,
        *,
        proof: Proof | None,
        said_at: datetime | None = None,
        seen: str | None = None,
    ) -> Freeze | None:
        """End a freeze that somebody began; return it, None where there is none. Windows end by themselves.

        Raises as `may_end` does.
        """
        held = await self.may_end(environment, reason, said_at, seen)
        if held is None:
            return None
        await self._note("unfrozen", environment, by, reason, proof)
        before = await self._freezes.put(environment, None, held.shown)
        if before and before.shown != held.shown:
            await self._note("unfrozen", environment, by, reason, proof, outcome="frozen")
            raise self._newer(before)
        log.warning("no longer frozen", environment=environment or "*", person=by, was_frozen=before is not None)
        return before

    async def may_end(
        self, environment: str, reason: str, said_at: datetime | None = None, seen: str | None = None
    ) -> Freeze | None:
        """Return the freeze that somebody began and that may be ended for this reason, None where there is none.

        Raises Conflict where it was said, also once more, after `said_at`, or is not the freeze that was `seen`:
        whoever said that can't have meant it; and for a reason that speaks against it.
        """
        held = (await self._freezes.read()).freezes.get(environment)
        if held is None:
            return None
        if (said_at and held.said_at >= said_at) or seen not in {None, held.shown}:
            raise self._newer(held)
        if reason.strip() and not is_end(reason):
            raise stays_frozen()
        return held

    def _newer(self, held: Freeze) -> Conflict:
        return Conflict(say("notice.newer-freeze", what=self.words(held)), say("notice.unfreeze-again"))

    async def _note(
        self, kind: _Kind, where: str, by: PersonId, reason: str, proof: Proof | None, *, outcome: str = ""
    ) -> None:
        await self._audit.note(kind, who=by or None, proof=proof, environment=where, outcome=outcome, words=reason)

    async def after_end(self, where: str) -> str:
        """Return what is told once the freeze of an environment (empty: everything) was ended: what still holds it."""
        left = [one for one in await self.all() if not where or self.holds(one, where)]
        name = where or say("words.frozen-everything")
        if not left:
            return say("notice.unfrozen", where=name)
        still = say("notice.still-frozen", what="; ".join(map(self.words, left)))
        return f"{say('notice.freeze-over', where=name)} {still}"

    def words(self, freeze: Freeze) -> str:
        """Return what is frozen, since when, by whom and why, in one line."""
        where = freeze.environment or say("words.frozen-everything")
        return f"{where}: {frozen_words(freeze, self._people)}"

    async def all(self) -> tuple[Freeze, ...]:
        """Everything that is frozen now: by people, everything first, then by windows."""
        held = await self._freezes.read()
        named = sorted({name for window in self._people.tables.windows for name in window.environments})
        by_windows = (window_at(self._people.tables.windows, name or None, held.now) for name in ("", *named))
        found = (*(held.freezes[name] for name in sorted(held.freezes)), *filter(None, by_windows))
        return tuple(dict.fromkeys(found))

    async def on(self, environment: str | None, near: str) -> Found:
        """Return what freezes an environment, as the shard of the id `near` has it, and as it was said first: what is
        noted of it is compared with that.

        One that is frozen and that the settings list no longer may be any that they list by now.
        """
        held = await self._freezes.read(shard_of(near))
        freeze = held.of(environment) or window_at(self._people.tables.windows, environment, held.now)
        if freeze is None:
            freeze = next((one for _, one in sorted(held.freezes.items()) if self.holds(one, environment or "")), None)
        return Found(freeze and freeze.at_first(), held.number)

    def holds(self, freeze: Freeze, environment: str) -> bool:
        """Return whether a freeze is of an environment (empty: none), of everything, or of whatever is listed."""
        is_its = freeze.environment in ("", environment)
        return is_its or (self._is_unlisted(freeze) and self._is_listed(environment))

    def _unlisted(self, held: FrozenPlaces) -> list[str]:
        return sorted(name for name, one in held.freezes.items() if self._is_unlisted(one))

    def _is_unlisted(self, freeze: Freeze) -> bool:
        return freeze.was_listed and not self._is_listed(freeze.environment)

    def _is_listed(self, environment: str | None) -> bool:
        return environment in self._people.as_written.environments

    def window(self, environment: str | None, now: datetime) -> Freeze | None:
        """Return the freeze of an environment by windows."""
        return window_at(self._people.tables.windows, environment, now)

    def next_window(self, environment: str | None, now: datetime) -> datetime | None:
        """When the next window of an environment begins."""
        return next_window(self._people.tables.windows, environment, now)

    def coming(self, now: datetime) -> tuple[ComingWindow, ...]:
        """Return the windows that come next, for a fortnight."""
        return coming_windows(self._people.tables.windows, now)

    async def note(self, request_id: RequestId, freeze: Freeze | None) -> None:
        """Tell everybody what freezes a request, or that nothing does any more; what is known is not told again."""
        for _ in range(TRIES):
            record, version, now = read = await read_request(self._store, self._archive, request_id)
            if read.is_archived or record.state not in {"open", "approved"}:
                return await self._freezes.waits_no_longer(request_id)
            if record.frozen == (freeze := freeze and freeze.at_first()):
                return None
            run = await self._store.run(record.request.run_id)
            if run.ended or (record.state == "approved" and not run.may_begin(request_id)):
                return await self._freezes.waits_no_longer(request_id)
            if record.queued:  # it waits for its turn, and is looked at again when that comes
                return None
            if (await self._journal.write(self._noting(record, version, run, freeze, now))).state == "committed":
                return None
        raise RuntimeError(f"{request_id} changed {TRIES} times while a freeze was noted")

    def _noting(self, record: RequestRecord, version: int, run: Run, freeze: Freeze | None, now: datetime) -> Commit:
        event = RequestFrozen(at=now, request_id=record.request.id, freeze=freeze)
        stands = after(record, [event])
        told = self.told(record.request, run, freeze, now) if freeze else []
        return Commit(
            run_id=record.request.run_id,
            events=[event],
            records=[record_write(stands, version)],
            outgoing=[outbox_entry(entry) for entry in (*moved(stands, self._edits, now), *told)],
            wake=[Wake(WorkItem("run", record.request.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )

    def told(self, request: Request, run: Run, freeze: Freeze, now: datetime) -> list[Tell]:
        """A word to whoever asked, where they did."""
        return [self._told(request, run, freeze, one, now) for one in askers_of(run, self._people)]

    def _told(self, request: Request, run: Run, freeze: Freeze, person: PersonId, now: datetime) -> Tell:
        with self._people.speaking_to(person):
            goes_on = say("notice.frozen-program" if request.program else "notice.frozen")
            text = f"{frozen_words(freeze, self._people)}. {goes_on}"
            card = notice(say("notice.frozen-title", title=request.title.removesuffix("?")), text, now, request.id)
        reach = nearest_first(CHANNELS, run.started.channel if run.started else "")
        return tell_about(request, person, card, reach)

    async def look(self, shard: int) -> None:
        """Tell the requests of a shard what freezes them, where that has changed. Repeating it tells nobody twice.

        What a freeze stops is stopped before that. Of two processes whose files have other windows each tells its own
        once, and not again and again what the other one said.
        """
        held, own, told = await self._freezes.look(shard)
        if not own.is_as(held):  # whoever changed it died on the way, or it was lost
            held = await self._freezes.catch_up()
            await self._freezes.spread(held)
        now = ";".join((str(held.number), *active(self._people.tables.windows, held.now), *self._unlisted(held)))
        is_of_others = self._looked.get(shard) == now and told.partition(";")[0] == str(held.number)
        if told == now or is_of_others:
            self._looked[shard] = now
            return
        for request_id in await self._freezes.concerned(shard):
            await self._tell(RequestId(request_id))
        await self._freezes.note_told(shard, now)
        self._looked[shard] = now

    async def _tell(self, request_id: RequestId) -> None:
        try:
            record = (await read_request(self._store, self._archive, request_id)).record
            if record.request.purpose == "gate":
                found = await self.on(environment_of(record), request_id)
                await self.note(request_id, found.freeze)
        except NotFound as error:
            log.warning("not told of a freeze", request_id=request_id, error=str(error))
        except ValueError:  # it can't be read: the others hear of it all the same, and a worker says so of this one
            log.exception("not told of a freeze", request_id=request_id)
            await self._store.push(WorkItem("ask", request_id))


def environment_of(record: RequestRecord) -> str | None:
    """The environment of what a request is about."""
    call = record.request.call
    return call.effect.environment if call else None
