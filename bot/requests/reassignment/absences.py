"""People who are away: set, ended, and the requests that go to whoever stands in for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from agents.requests import PersonId, RequestId, RunId
from agents.requests.proof import Proof
from bot.audit.log import AuditLog
from bot.config.tables import CHANNELS
from bot.errors import Conflict, Invalid, NotFound
from bot.people.absences import LONGEST, Absence, Absences, absence_words
from bot.people.directory import People
from bot.render.cards import notice
from bot.render.times import read_moment
from bot.requests.decisions import Decisions
from bot.requests.stored import TRIES
from bot.store.ids import WorkItem, new_id
from bot.store.journal import Journal, outgoing_id
from bot.store.outbox_entry import Tell
from language import say

log = structlog.stdlib.get_logger()

# What comes to them meanwhile, by the next step, an escalation, a colleague or an edit, goes on with the next look.
_LOOK_AGAIN = timedelta(seconds=30)
_MOST_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class AbsenceWanted:
    """An absence as somebody says it: dates or times by the clocks of the `person`; without `starts` from now on."""

    person: PersonId
    until: str
    starts: str = ""
    to: PersonId | None = None


class AbsentPeople:
    """Sets and ends absences, and hands on what people hold who are away."""

    def __init__(self, journal: Journal, decisions: Decisions, people: People) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, people
        self._absences, self._audit = Absences(journal.store, people), AuditLog(journal.store)
        self._near = new_id("run", 0)

    async def all(self) -> Sequence[Absence]:
        """Return all absences that are not over, the first to end first."""
        now = await self._store.now(self._near)
        found = (one for one in await self._absences.counting() if one.until > now)
        return sorted(found, key=lambda one: (one.until, one.person))

    async def set(self, wanted: AbsenceWanted, by: PersonId, proof: Proof) -> Absence:
        """Have somebody away, in place of any absence before; what they hold goes to whoever stands in.

        That is so where an approval by the ways that `proof` rests on would count: see `Absence.chosen`.
        Raises NotFound for nobody's name, and Invalid for times that make no sense.
        """
        person = self._here(wanted.person)
        to = self._here(wanted.to) if wanted.to else None
        contact, now = self._people.contact(person), await self._store.now(self._near)
        zone = ZoneInfo(contact.timezone if contact else "UTC")
        starts = max(read_moment(wanted.starts, zone, now), now)
        until = read_moment(wanted.until, zone, now)
        if to == person:
            raise Invalid(say("absence.own"), say("absence.own-do"))
        if until <= starts or until > now + LONGEST:
            raise Invalid(say("absence.wrong-times"), say("absence.wrong-times-do"))
        times = f"{starts.isoformat()} {until.isoformat()}"
        about = (person, to) if to else (person,)
        absence = Absence(person=person, starts=starts, until=until, to=to, by=by, proof=proof)
        await self._audit.note("absence_set", who=by, proof=proof, people=about, words=times)
        await self._change(person, absence, by, absence_words(absence, self._people))
        log.info("absence set", person=person, to=to, until=until.isoformat(), by=by)
        if absence.holds(now):
            await self._look_at(absence, now)
        return absence

    def _here(self, person: PersonId) -> PersonId:
        """Return whose id it is; where it is nobody's, whom the file calls so. Raises NotFound."""
        return person if self._people.is_here(person) else self._people.named(person)

    async def end(self, person: PersonId, by: PersonId, proof: Proof) -> Absence:
        """End an absence; what went to others stays with them. Raises NotFound where there is none."""
        if person not in await self._absences.all():
            raise self._is_here_already(person)
        await self._audit.note("absence_ended", who=by, proof=proof, people=(person,))
        ended = await self._change(person, None, by, say("absence.is-back"))
        if ended is None:
            raise self._is_here_already(person)
        log.info("absence ended", person=person, by=by)
        await self._look_at(ended, await self._store.now(self._near))
        return ended

    def _is_here_already(self, person: PersonId) -> NotFound:
        return NotFound(say("absence.none", name=self._people.name_of(person)), say("absence.none-do"))

    async def _change(self, person: PersonId, now: Absence | None, by: PersonId, text: str) -> Absence | None:
        """Have `now` hold of somebody, None for nothing, and return what did. Where others say so, they hear of it with
        that: others may decide in their place by it.
        """
        told = [self._told(person, by, text)] if by != person else []
        for _ in range(TRIES):
            was = (await self._absences.all()).get(person)
            if was is now:
                return None
            if await self._absences.change(was, now, *told):
                for one in told:
                    await self._journal.queue.notify(WorkItem("out", one.id))
                return was
        raise Conflict(say("absence.changed"), say("run.look-again"))

    def _told(self, person: PersonId, by: PersonId, text: str) -> Tell:
        near = RunId(new_id("run", 0))
        with self._people.speaking_to(person):
            said = f"{text} {say('absence.said-by', name=self._people.name_of(by))}"
            card = notice(say("absence.title"), said, self._store.about_now())
        return Tell(id=outgoing_id(near), run_id=near, person=person, reach=tuple(CHANNELS), card=card, thread=near)

    async def look(self) -> None:
        """End what is over, and hand on what people hold whose absence has started. Repeating it does no more.

        Whoever has left may be back by the next file, and is away as before. While one is only half taken all stays as
        it is.
        """
        await self._absences.follow()
        found = await self._absences.all()
        now = await self._store.now(self._near) if found else None
        for absence in found.values() if now else ():
            if self._people.half_taken:
                return
            if now and absence.until <= now:
                await self._audit.note("absence_ended", people=(absence.person,), outcome="over", proof=None)
                await self._absences.change(absence, None)
                await self._look_at(absence, now)
            elif now and self._people.is_here(absence.person) and absence.holds(now) and _is_due(absence, now):
                await self._look_at(absence, now)

    async def _look_at(self, absence: Absence, now: datetime) -> None:
        """Hand on everything that somebody holds; what could not be is tried again with the next look."""
        people = (absence.person,)
        marks = await self._store.lists.newest_requests(None, _MOST_REQUESTS, only_open=True, people=people)
        is_done = True
        for _, request_id in marks:
            try:
                await self._stand_in(RequestId(request_id))
            except Exception:
                log.exception("a request did not go to whoever stands in", request_id=request_id)
                is_done = False
        if is_done:
            looked = absence.model_copy(update={"looked_at": now})
            await self._absences.change(absence, looked)

    async def _stand_in(self, request_id: RequestId) -> None:
        """Have those decide a request who stand in for people who are away."""
        for _ in range(TRIES):
            record, version, now = read = await self._decisions.request(request_id)
            commit = None if read.is_archived else await self._decisions.delegation.standing_in(record, version, now)
            if commit is None or (await self._journal.write(commit)).state in {"committed", "full"}:
                return
        raise RuntimeError(f"{request_id} changed {TRIES} times while people were away")


def _is_due(absence: Absence, now: datetime) -> bool:
    return absence.looked_at is None or now >= absence.looked_at + _LOOK_AGAIN
