"""What people write to say that they are away, or back: a text of nothing else, and never a wish or an answer."""

from agents.requests import PersonId
from bot.config.tables import CHANNELS
from bot.errors import SaysoError
from bot.outbound.notifier import to_person
from bot.people.absences import Typed, absence_words, typed_absence
from bot.people.directory import People
from bot.requests.reassignment.absences import AbsenceWanted, AbsentPeople
from bot.store.journal import Journal
from bot.store.outbox_entry import nearest_first
from language import say


class TypedAbsences:
    """Sets and ends the absences of those who write so themselves, and tells them what became of it."""

    def __init__(self, journal: Journal, people: People, absences: AbsentPeople) -> None:
        self._journal, self._people, self._absences = journal, people, absences

    async def take(self, channel: str, person: PersonId, text: str, evidence: str) -> bool:
        """Do what `text` says; False where it says something else. Taking the same twice changes nothing more."""
        typed = typed_absence(text)
        if typed is None:
            return False
        with self._people.speaking_to(person):
            try:
                told = await self._done(typed, channel, person, evidence)
            except SaysoError as error:
                told = str(error)
            title = say("absence.title")
        await to_person(self._journal, person, title, told, reach=nearest_first(CHANNELS, channel))
        return True

    async def _done(self, typed: Typed, channel: str, person: PersonId, evidence: str) -> str:
        if not typed.until:
            await self._absences.end(person, person, channel=channel, evidence=evidence)
            return say("absence.is-back")
        found = self._people.by_email(typed.to)
        to = PersonId(found.id if found else typed.to.removeprefix("person:")) if typed.to else None
        wanted = AbsenceWanted(person, typed.until, typed.starts, to)
        made = await self._absences.set(wanted, person, channel=channel, evidence=evidence)
        return f"{absence_words(made, self._people)} {say('absence.how-back')}"
