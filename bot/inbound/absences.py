"""Word that somebody is away: what they write themselves, and what their mailbox answers. Never a wish or an answer."""

from datetime import datetime

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from bot.config.tables import CHANNELS
from bot.errors import Conflict, Forbidden, Invalid, NotFound
from bot.inbound.proving import proof_of
from bot.outbound.notifier import to_person
from bot.people.absences import absence_words
from bot.people.directory import People
from bot.people.offers import offers
from bot.people.refusals import Refusals
from bot.policy.orders import Away, may_mean_absence, typed_absence
from bot.render.cards import notice
from bot.requests.decisions import Decisions
from bot.requests.reassignment.absences import AbsenceWanted, AbsentPeople
from bot.requests.stored import TRIES
from bot.store.journal import Journal
from bot.store.outbox_entry import Delivery, Tell, nearest_first, tell_about
from channels import Trigger
from language import say
from language.lists import either
from language.recorded import reason_of

TOLD = (30, 3600.0)
"""So often in so many seconds somebody hears that a mail proves too little: anybody who has one can send it again."""

_OFFERED_S = 7 * 24 * 3600.0


class TypedAbsences:
    """Sets and ends the absences of those who write so themselves; notes whose mailbox says that they are away."""

    def __init__(self, journal: Journal, people: People, absences: AbsentPeople, decisions: Decisions) -> None:
        self._journal, self._people, self._absences, self._decisions = journal, people, absences, decisions
        self._refusals = Refusals(journal.store)

    async def take(self, inbound_id: str, channel: str, said: Trigger) -> bool:
        """Do what the message says; False where it says something else. Taking the same twice changes nothing more.

        With a weakness nothing is done, and they are told why: others may decide by it. Raises StoreUnavailable.
        """
        typed, person = typed_absence(said.text), PersonId(said.person)
        if typed is None:
            return False
        with self._people.speaking_to(person):
            try:
                told = await self._done(typed, channel, said)
            except (Conflict, Forbidden, Invalid, NotFound) as error:
                told = str(error)
            title = say("absence.title")
        if said.weakness and not await self._journal.store.admit(f"told of absences {person}", inbound_id, *TOLD):
            return True
        await to_person(self._journal, person, title, told, reach=nearest_first(CHANNELS, channel))
        return True

    async def _done(self, typed: Away, channel: str, said: Trigger) -> str:
        person, proof = PersonId(said.person), proof_of(channel, said)
        if said.weakness:
            why = say("absence.too-weak", why=reason_of(said.weakness))
            await self._refusals.note(person, "absent", why, proof, is_weak=True)
            raise Forbidden(why, say("absence.too-weak-do"))
        if not typed.until:
            await self._absences.end(person, person, proof=proof)
            return say("absence.is-back")
        found = self._people.by_email(typed.to)
        to = (PersonId(found.id) if found else self._people.named(typed.to)) if typed.to else None
        wanted = AbsenceWanted(person, typed.until, typed.starts, to)
        made = await self._absences.set(wanted, person, proof=proof)
        return f"{absence_words(made, self._people)} {say('absence.how-back')}"

    async def seems_away(self, placed: Delivery, person: PersonId) -> None:
        """Note that the mailbox of somebody who is asked answered a card by itself; nothing is handed on by that.

        They are offered to do it themselves, once in a week: away from their mail where they have another way.
        """
        if placed.person != person or placed.about:
            return
        kept, _ = await self._journal.store.remember(f"seems away {person}", placed.request_id.encode(), _OFFERED_S)
        for _ in range(TRIES):
            record, version, now = read = await self._decisions.request(placed.request_id)
            offer = self._offer(record, person, now) if kept == placed.request_id.encode() else None
            commit = self._decisions.delegation.seeming_away(record, version, person, now, offer)
            if read.is_archived or commit is None:
                return
            if (await self._journal.write(commit)).state in {"committed", "full"}:
                return
        raise RuntimeError(f"{placed.request_id} changed {TRIES} times while somebody seemed to be away")

    def _offer(self, record: RequestRecord, person: PersonId, now: datetime) -> Tell:
        request, contact = record.request, self._people.contact(person)
        with self._people.speaking_to(person):
            can = [
                way
                for way in (*request.policy.reach, "cli")
                if "hand_on" in offers(record, self._people, person, way, now)
            ]
            how = [say("absence.on-its-card")] if {*can} & {*request.policy.reach} else []
            how += [say("absence.in-a-terminal", request=request.id)] if "cli" in can else []
            hand_on = say("absence.hand-it-on", how=either(how)) if how else ""
            text = f"{say('absence.offer', title=request.title)} {hand_on}".rstrip()
            text = f"{text} {say('absence.say-so')}"
            card = notice(say("absence.offer-title"), text, now, request.id)
        return tell_about(request, person, card, ("slack", "email") if contact and contact.slack else ("email",))


def check_is_no_absence(text: str, *, has_subject: bool) -> None:
    """Raise Invalid for words that may say that somebody is away, or back, and set nothing: no run is meant by them."""
    if may_mean_absence(text, has_subject=has_subject):
        raise Invalid(say("absence.not-read"), say("absence.not-read-do"))
