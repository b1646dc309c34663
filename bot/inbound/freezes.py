"""`freeze production: incident 4711` as a message: an operator stops everything gated there, from wherever they are."""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from agents.requests import Freeze, PersonId
from agents.text import first_line
from bot.config.tables import CHANNELS
from bot.errors import Conflict, Forbidden, Invalid, NotFound
from bot.inbound.absences import TOLD
from bot.inbound.proving import proof_of
from bot.outbound.notifier import to_person
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.refusals import Refusals
from bot.people.rights import Rights, is_free
from bot.policy.orders import REASON_CHARS, Freezing, may_mean_freeze, stop_beside, typed_freeze
from bot.render.cards import notice
from bot.render.words import no_environment
from bot.requests.freezes import FrozenRequests, stays_frozen
from bot.store.journal import Journal
from bot.store.outbox_entry import nearest_first, to_writer
from channels import Trigger
from channels.email.reply.vocabulary import fold
from language import say
from language.recorded import reason_of

_EVERYTHING = "everything"

_ASKED_S = 3600.0
"""How long a typed reason waits for its writer to say once more that the freeze is to end."""
_TAKEN_S = 400 * 24 * 3600.0
"""How long a message that froze something is known: one that was given up may be taken again months later."""


def _said_at(written_at: datetime | None, received_at: datetime) -> datetime:
    """Return when it was said at the latest: a mail says the second alone in which it was written.

    Its Date may be the end of time, to which nothing can be added.
    """
    second = timedelta(seconds=1)
    return received_at if written_at is None or written_at > received_at - second else written_at + second


class TypedFreezes:
    """Freezes and unfreezes for those who may; `environments` are those of the settings."""

    def __init__(
        self, journal: Journal, people: People, rights: Rights, freezes: FrozenRequests, environments: Collection[str]
    ) -> None:
        self._journal, self._people, self._rights, self._freezes = journal, people, rights, freezes
        self._environments, self._refusals = environments, Refusals(journal.store)

    async def take(
        self, inbound_id: str, channel: str, trigger: Trigger, received_at: datetime, *, is_denial: bool = False
    ) -> bool:
        """Do what the message says; False where it says something else. Raises StoreUnavailable.

        `is_denial`: the message counts as one beside that.
        A freeze only stops things, so it counts from every proven sender, also in a copy. A message freezes once: for
        what stands beside it, it may be taken again when somebody has ended the freeze. An end needs as much as an
        approval does, and ends nothing that began after it was written or received.
        """
        typed = typed_freeze(trigger.text, has_subject=channel == "email" and not trigger.follows)
        if typed is None or trigger.others or not (trigger.is_addressed or _is_meant_in_thread(typed, trigger)):
            return False
        typed, person = self._of_settings(typed), PersonId(trigger.person)
        may = await self._may(person)
        held = {one.environment for one in await self._freezes.all()} if typed.ends else frozenset[str]()
        if not (self._is_order(typed, may=may, held=held) or (may and self._is_below_more(typed))):
            return False
        store, once = self._journal.store, f"froze {inbound_id} {typed.environment}"
        if not typed.ends and await store.remembered(once) is not None:
            return True
        if typed.ends and not typed.reason and typed.environment is not None:
            known = await self._asked(person, typed.environment)
            typed = replace(typed, reason=known or "", is_confirmed=known is not None)
        said_at, froze = _said_at(trigger.written_at, received_at), not typed.ends
        with self._people.speaking_to(person):
            try:
                is_heard = is_denial or (trigger.follows and stop_beside(trigger.text) != "")
                told = await self._done(typed, channel, trigger, said_at, is_heard=is_heard)
            except (Conflict, Forbidden, Invalid, NotFound) as error:
                told, froze = str(error), False
            title = say("notice.freeze-title")
        weak = trigger.weakness
        if not weak or await self._journal.store.admit(f"told of freezes {person}", inbound_id, *TOLD):
            await to_person(self._journal, person, title, told, reach=nearest_first(CHANNELS, channel))
        if froze:
            await store.remember(once, b"1", _TAKEN_S)
        return True

    async def freezes(self, person: PersonId, text: str) -> bool:
        """Return whether words freeze something, or are read as such that would, as their writer may do that. Raises
        StoreUnavailable.
        """
        typed = typed_freeze(text)
        return typed is not None and not typed.ends and await self._may(person) and await self.reads(person, text)

    async def reads(self, person: PersonId, text: str, *, has_subject: bool = False) -> bool:
        """Return whether words would be read in a message as such that freeze something, or end that. Raises
        StoreUnavailable.
        """
        typed = typed_freeze(text, has_subject=has_subject)
        if typed is None:
            return False
        typed, may = self._of_settings(typed), await self._may(person)
        return self._is_order(typed, may=may, held=()) or (may and self._is_below_more(typed))

    def speaks_of(self, said: Trigger) -> bool:
        """Return whether a few words may be meant as a freeze; what tells or asks about one is not."""
        is_addressed = said.is_addressed
        return not said.is_edit and may_mean_freeze(said.text, self._environments, is_addressed=is_addressed)

    async def tell_how(self, inbound_id: str, channel: str, said: Trigger) -> None:
        """Tell somebody who may freeze, and speaks of it in words that are no order, how to. Raises
        StoreUnavailable.
        """
        person = PersonId(said.person)
        if not self.speaks_of(said) or not await self._may(person):
            return
        if not await self._journal.store.admit(f"told of freezes {person}", inbound_id, *TOLD):
            return
        with self._people.speaking_to(person):
            do = say("notice.freeze-what-do", verb="freeze", names=self._names())
            told = str(Invalid(say("notice.freeze-unread"), do))
            card = notice(say("notice.freeze-title"), told, await self._journal.store.now(inbound_id))
        await self._journal.send(to_writer(inbound_id, "freeze", channel, said, card))

    def _names(self) -> str:
        return ", ".join(dict.fromkeys((*self._environments, _EVERYTHING)))

    async def _may(self, person: PersonId) -> bool:
        await self._people.look_up(self._people.tables.alerts)
        denied = self._rights.denial_at_all(self._rights.of_person(person, None), "freeze")
        if denied:
            await NotedTables(self._journal.store).check_rights(person, self._people)
        return is_free(denied)

    def _of_settings(self, typed: Freezing) -> Freezing:
        """Return it with the environment as the settings write it."""
        return typed if typed.environment is None else replace(typed, environment=self._known(typed.environment))

    def _is_order(self, typed: Freezing, *, may: bool, held: Collection[str]) -> bool:
        """Return whether it is meant so. Else it is a sentence that only looks like one, or somebody else's wish."""
        if typed.environment is None:
            return typed.is_first if may else typed.is_alone and not typed.reason
        if typed.is_loose or not (typed.reason or typed.more or typed.is_first):
            return may and typed.is_first and self._is_known(typed.environment)
        is_known = self._is_known(typed.environment) or typed.environment in held
        return is_known or (typed.is_all and may)

    def _is_below_more(self, typed: Freezing) -> bool:
        """Return whether a line of nothing but a freeze stands below other words: it does nothing, and that is told."""
        is_line = not (typed.is_loose or typed.ends or typed.is_first)
        return is_line and typed.environment is not None and self._is_known(typed.environment)

    def _is_known(self, where: str) -> bool:
        return not where or where in self._environments

    def _all_of(self, typed: Freezing, where: str) -> tuple[tuple[str, ...], str]:
        """Return what a freeze names, and the reason behind that: `freeze production and staging: incident`."""
        more = list(takewhile(self._is_known, map(self._known, typed.more)))
        is_all = len(more) == len(typed.more)
        reason = typed.reason if is_all else first_line(typed.behind[len(more)].lstrip(" ,+&"), REASON_CHARS)
        return tuple(dict.fromkeys((where, *more))), reason

    def _known(self, where: str) -> str:
        """The environment that is written so, but for capitals."""
        return next((one for one in self._environments if one.casefold() == where.casefold()), where)

    async def _done(self, typed: Freezing, channel: str, trigger: Trigger, said_at: datetime, *, is_heard: bool) -> str:
        """Return what the writer is told. `is_heard`: what stands beside it is a refusal that counts."""
        person, where = PersonId(trigger.person), typed.environment
        who = self._rights.of_person(person, proof_of(channel, trigger))
        if denied := self._rights.denial_at_all(who, "freeze"):
            await self._refusals.refuse(who, "freeze", denied)
        if where is None:
            verb = "unfreeze" if typed.ends else "freeze"
            raise Invalid(say("notice.freeze-what"), say("notice.freeze-what-do", verb=verb, names=self._names()))
        if not typed.is_alone and (typed.reason if typed.ends else not typed.is_first):
            verb = "unfreeze" if typed.ends else "freeze"
            line = f"{verb} {where or _EVERYTHING}" + (
                f": {typed.reason}" if typed.reason and not typed.is_confirmed else ""
            )
            do = "notice.freeze-heard-do" if is_heard else "notice.freeze-not-alone-do"
            raise Invalid(say("notice.freeze-not-alone"), say(do, line=line))
        if typed.ends:
            return await self._ended(typed, where, channel, trigger, said_at)
        told = list[str]()
        places, reason = self._all_of(typed, where)
        for place in places:
            made = await self._freezes.freeze(
                place, person, reason, proof=proof_of(channel, trigger), is_copy=trigger.is_copy
            )
            ends = say("notice.freeze-how-ends", where=place or _EVERYTHING)
            told += [no_environment(place, self._environments), f"{self._freezes.words(made)} {ends}"]
        said = set(map(fold, re.findall(r"[\w.-]*\w", reason)))
        left = [one for one in self._environments if fold(one) in said and not {"", one} & {*places}]
        told += [say("notice.freeze-others", named=", ".join(left), where=left[0])] if left else []
        return "\n".join(filter(None, (*told, "" if typed.is_alone or is_heard else say("notice.freeze-rest"))))

    async def _ended(self, typed: Freezing, where: str, channel: str, trigger: Trigger, said_at: datetime) -> str:
        person, proof = PersonId(trigger.person), proof_of(channel, trigger)
        if trigger.weakness:
            why = say("absence.too-weak", why=reason_of(trigger.weakness))
            await self._refusals.note(person, "freeze", why, proof, is_weak=True)
            raise Forbidden(why, say("notice.unfreeze-do"))
        if typed.is_against:
            raise stays_frozen()
        name = where or say("words.frozen-everything")
        if not typed.is_confirmed:
            held = await self._freezes.may_end(where, typed.reason, said_at)
            if held is None:
                raise NotFound(say("notice.not-frozen", where=name), say("notice.not-frozen-do"))
            if not typed.reason:
                why = say("notice.unfreeze-why", what=self._freezes.words(held))
                raise Conflict(why, say("notice.unfreeze-why-do", where=where or _EVERYTHING))
            return await self._ask(person, held, typed.reason)
        ended = await self._freezes.unfreeze(where, person, typed.reason, proof=proof, said_at=said_at)
        if ended is None:
            raise NotFound(say("notice.not-frozen", where=name), say("notice.not-frozen-do"))
        return await self._freezes.after_end(where)

    async def _ask(self, person: PersonId, held: Freeze, reason: str) -> str:
        """Return what asks whether the freeze is to end: no list of words tells each objection from a reason."""
        kept, _ = await self._journal.store.remember(_waiting(person, held), reason.encode(), _ASKED_S)
        line = f"unfreeze {held.environment or _EVERYTHING}"
        return say("notice.unfreeze-asked", what=self._freezes.words(held), reason=kept.decode(), line=line)

    async def _asked(self, person: PersonId, where: str) -> str | None:
        """Return the reason for which `person` wants to end what is frozen there, and was asked whether they do."""
        held = await self._freezes.may_end(where, "")
        kept = await self._journal.store.remembered(_waiting(person, held)) if held else None
        return kept.decode() if kept is not None else None


def _is_meant_in_thread(typed: Freezing, trigger: Trigger) -> bool:
    """Return whether words to nobody in the thread of a run are a freeze: they name what, and do not end one."""
    is_named = typed.environment is not None and not typed.is_loose
    return trigger.follows and is_named and typed.is_first and not typed.ends


def _waiting(person: PersonId, held: Freeze) -> str:
    """The name under which a typed reason waits: of one person, and for one freeze alone, as it was shown."""
    return f"unfreezes {person} {held.environment} {held.shown}"
