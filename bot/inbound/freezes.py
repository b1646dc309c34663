"""`freeze production: incident 4711` as a message: an operator stops everything gated there, from wherever they are."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from agents.requests import PersonId
from agents.text import first_line
from bot.config.tables import CHANNELS
from bot.errors import Forbidden, NotFound, SaysoError
from bot.outbound.notifier import to_person
from bot.people.directory import People
from bot.people.refusals import Refusals
from bot.people.rights import Rights
from bot.requests.freezes import FrozenRequests
from bot.store.journal import Journal
from bot.store.outbox_entry import nearest_first
from channels import Trigger
from language import say

_TYPED = re.compile(r"(?P<un>un)?freeze(?:\s+(?P<where>[^\s:]{1,80}))?\s*:\s*(?P<reason>\S.*)", re.IGNORECASE)
_SUBJECTS = frozenset(("freeze", "unfreeze"))
_EVERYTHING = "everything"
_REASON_CHARS = 500


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody wrote who freezes an environment (empty: everything), or ends that."""

    environment: str
    reason: str
    ends: bool = False


def typed_freeze(text: str) -> Typed | None:
    """Read a text of nothing but `freeze production: incident 4711`, or `unfreeze everything: fixed`; else None.

    Above it may stand a subject that says the same, or just that.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 2 and (lines[0].casefold() in _SUBJECTS or lines[0] == lines[1]):
        lines = lines[1:]
    found = _TYPED.fullmatch(lines[0]) if len(lines) == 1 else None
    if found is None:
        return None
    where = found["where"] or _EVERYTHING
    reason = first_line(found["reason"], _REASON_CHARS)
    return Typed("" if where.casefold() == _EVERYTHING else where, reason, ends=bool(found["un"]))


class TypedFreezes:
    """Freezes and unfreezes for those who may; `environments` are those of the settings."""

    def __init__(
        self, journal: Journal, people: People, rights: Rights, freezes: FrozenRequests, environments: Collection[str]
    ) -> None:
        self._journal, self._people, self._rights, self._freezes = journal, people, rights, freezes
        self._environments, self._refusals = environments, Refusals(journal.store)

    async def take(self, channel: str, trigger: Trigger) -> bool:
        """Do what the message says; False where it says something else. Taking the same twice changes nothing more.

        A freeze only stops things, so it counts from every proven sender. Its end needs as much as an approval does.
        """
        typed = typed_freeze(trigger.text)
        if typed is None or trigger.others:
            return False
        person = PersonId(trigger.person)
        await self._people.look_up(self._people.tables.alerts)
        with self._people.speaking_to(person):
            try:
                told = await self._done(typed, channel, person, trigger)
            except SaysoError as error:
                told = str(error)
            title = say("notice.freeze-title")
        await to_person(self._journal, person, title, told, reach=nearest_first(CHANNELS, channel))
        return True

    async def _done(self, typed: Typed, channel: str, person: PersonId, trigger: Trigger) -> str:
        who = self._rights.of_person(person)
        if denied := self._rights.denial_at_all(who, "freeze"):
            await self._refusals.refuse(who, "freeze", denied, channel)
        where = typed.environment
        if typed.ends and trigger.weakness:
            raise Forbidden(say("absence.too-weak", why=trigger.weakness), say("notice.unfreeze-do"))
        if typed.ends:
            ended = await self._freezes.unfreeze(
                where, person, typed.reason, channel=channel, evidence=trigger.evidence
            )
            name = where or say("words.frozen-everything")
            if ended is None:
                raise NotFound(say("notice.not-frozen", where=name), say("notice.not-frozen-do"))
            return say("notice.unfrozen", where=name)
        made = await self._freezes.freeze(where, person, typed.reason, channel=channel, evidence=trigger.evidence)
        told = f"{self._freezes.words(made)} {say('notice.freeze-how-ends', where=where or _EVERYTHING)}"
        is_known = not where or where in self._environments
        return told if is_known else f"{told} {say('notice.freeze-unknown', where=where)}"
