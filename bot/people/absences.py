"""Absences: who is away from when until when, and who stands in. Kept outside runs, one for each person."""

from datetime import datetime, timedelta
from itertools import chain

from pydantic import AwareDatetime

from agents.requests import Frozen, PersonId, PolicySnapshot
from agents.requests.proof import Proof, rests_on
from bot.people.directory import People
from bot.policy.approvers.delegation import Absent
from bot.policy.judge import counts
from bot.store import Store, scripts
from bot.store.journal import outbox_entry
from bot.store.keys import Keys
from bot.store.outbox_entry import OutboxEntry
from language import say
from language.dates import in_words
from language.stored import Stored

_KEYS = Keys(0)
LONGEST = timedelta(days=366)
"""Whoever is away for longer has left."""


class Absence(Stored, Frozen):
    """`person` is away from `starts` until `until`; `to` stands in, where they named somebody. `by` said so.

    `proof` is how it is known. The requests that they hold were last looked at at `looked_at`.
    """

    person: PersonId
    starts: AwareDatetime
    until: AwareDatetime
    to: PersonId | None = None
    by: PersonId
    proof: Proof
    looked_at: AwareDatetime | None = None

    def as_it_counts(self, people: People) -> "Absence":
        """Return it without whoever stands in, where they have left."""
        return self if self.to and people.is_here(self.to) else self.model_copy(update={"to": None})

    def as_known_now(self, people: People) -> "Absence":
        """Return it with whom an operator has said its people to be since; what those hold was not looked at."""
        person, to = people.ids_of(self.person)[0], people.ids_of(self.to)[0] if self.to else None
        is_same = (person, to) == (self.person, self.to)
        return self if is_same else self.model_copy(update={"person": person, "to": to, "looked_at": None})

    def holds(self, at: datetime) -> bool:
        """Return whether they are away `at` this moment."""
        return self.starts <= at < self.until

    def chosen(self, policy: PolicySnapshot) -> PersonId | None:
        """Return who stands in for them under `policy`; None where an approval would not count as this was said.

        Whoever reads their mailbox could choose who decides.
        """
        return self.to if counts(policy, "stand_in", rests_on(self.proof)) else None


def absence_words(absence: Absence, people: People) -> str:
    """`Bo Berg is away until 23:00 UTC on 30 Nov 2026, and Cy Cole stands in`, in one line."""
    names = {"name": people.name_of(absence.person), "until": in_words(absence.until), "from": in_words(absence.starts)}
    told = say("absence.is-away", **names)
    key = "absence.stands-in-by-mail" if "email" in rests_on(absence.proof) else "absence.stands-in"
    return f"{told} {say(key, name=people.name_of(absence.to))}" if absence.to else told


class Absences:
    """What is stored of absences. All methods raise StoreUnavailable."""

    def __init__(self, store: Store, people: People) -> None:
        self._store, self._people = store, people

    async def all(self) -> dict[PersonId, Absence]:
        """Return every absence by its person, as it is stored: one that is over may still be among them."""
        found = await self._store.client.do("HGETALL", _KEYS.absences)
        kept = (Absence.model_validate_json(body) for body in found.values())
        return {one.person: one for one in kept}

    async def counting(self) -> list[Absence]:
        """Return those of people who have not left, as they count now."""
        found = (await self.all()).values()
        return [one.as_it_counts(self._people) for one in found if self._people.is_here(one.person)]

    async def at(self, moment: datetime, policy: PolicySnapshot) -> dict[PersonId, Absent]:
        """Return who is away at `moment`, and who stands in for them under `policy`."""
        away = (one for one in await self.counting() if one.holds(moment))
        return {one.person: Absent(one.until, one.chosen(policy)) for one in away}

    async def follow(self) -> None:
        """Keep each absence for whom an operator has said its person to be; of two of one human the later one."""
        found = await self.all()
        for absence in found.values():
            known = absence.as_known_now(self._people)
            before = found.get(known.person)
            if known == absence:
                continue
            if known.person == absence.person:
                await self.change(absence, known)
                continue
            is_later = before is None or before.starts <= known.starts
            if is_later and not await self.change(before, known):
                continue  # somebody changed it meanwhile: the next look decides
            await self.change(absence, None)

    async def change(self, was: Absence | None, now: Absence | None, *told: OutboxEntry) -> bool:
        """Replace an absence, None ends it, and have the entries of its shard sent; False where it is another one by
        now.
        """
        person = now.person if now else was.person if was else ""
        before, after = was.model_dump_json() if was else "", now.model_dump_json() if now else ""
        sending = chain.from_iterable(self._store.sending(*outbox_entry(one)) for one in told)
        call = scripts.set_if(_KEYS.absences, person, after, before, also=[*sending])
        return (await self._store.client.run(call)).value == after.encode()  # also where its answer was lost
