"""`freeze production: incident 4711` as a message: an operator stops everything gated there, from wherever they are."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agents.command import said_lines
from agents.requests import Freeze, PersonId
from agents.text import first_line, strip_invisible
from bot.config.tables import CHANNELS
from bot.errors import Conflict, Forbidden, Invalid, NotFound
from bot.inbound.absences import TOLD
from bot.outbound.notifier import to_person
from bot.people.directory import People
from bot.people.refusals import Refusals
from bot.people.rights import Rights
from bot.render.words import no_environment
from bot.requests.freezes import FrozenRequests, stays_frozen
from bot.store.journal import Journal
from bot.store.outbox_entry import nearest_first
from channels import Trigger
from channels.email.reply import read_reply
from channels.email.reply.against import is_end, speaks_against
from language import in_all, say
from language.recorded import reason_of, recorded

# The name as the API takes it; people mark a name up in chat, or quote it.
_MARKS = "*_` \t"
_QUOTES = "[\"'`*\u201c\u201d\u201e\u2018\u2019]*"
_TYPED = re.compile(
    rf"(?P<un>un)?freeze\s+{_QUOTES}(?P<where>[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}){_QUOTES}\s*"
    r"(?::\s*(?P<reason>\S.*)|(?(un)|(?!)))",
    re.IGNORECASE,
)
_EVERYTHING = "everything"
_REASON_CHARS = 500
_ASKED_S = 3600.0
"""How long a typed reason waits for its writer to say once more that the freeze is to end."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody wrote who freezes an environment (empty: everything), or ends that.

    `is_alone`: the message says nothing else; `is_first`: nothing stands above it, but the end of a freeze; `is_all`:
    all lines of the message begin or end a freeze, but for a subject. Without a `reason` it ends one for that which its
    writer gave before, and `is_confirmed`.
    `is_against`: what stands beside the end of a freeze, or below it where a signature does, speaks against it.
    """

    environment: str
    reason: str
    ends: bool = False
    is_confirmed: bool = False
    is_alone: bool = True
    is_first: bool = True
    is_all: bool = True
    is_against: bool = False


# What ends a freeze and is longer is asked back unread: looking for words against it takes long.
_READ_CHARS = 4_000


def typed_freeze(text: str, *, has_subject: bool = False) -> Typed | None:
    """Read a line such as `freeze production: incident`, or `unfreeze everything: fixed`; None where there is none.

    A greeting, thanks and a signature say nothing; nor does a subject above a freeze, which only stops. A freeze wins
    over the end of one that stands beside it.
    """
    lines = tuple(said_lines(strip_invisible(text), None))
    read = [_typed(line) for line in lines]
    typed = [one for one in read if one]
    found = next((one for one in typed if not one.ends), next(iter(typed), None))
    if found is None:
        return None
    is_all = all(read[1:] if has_subject else read)
    first = read if found.ends else [one for one in read if one is None or not one.ends]
    is_first = found in first[: 2 if has_subject else 1]
    if has_subject and len(lines) == 2 and (not found.ends or lines[0].casefold() in _subjects()):
        read = read[1:]
    is_against = found.ends and (len(text) > _READ_CHARS or _is_against(text))
    is_alone = all(one == found for one in read)
    return replace(found, is_alone=is_alone, is_first=is_first, is_all=is_all, is_against=is_against)


def _is_against(text: str) -> bool:
    """Return whether anything of the message speaks against what it does; a signature is what replies have as one."""
    lines = [line.strip(_MARKS) for line in read_reply(strip_invisible(text)).whole.splitlines()]
    read = [(line, _TYPED.fullmatch(line)) for line in lines if line.casefold() not in _subjects()]
    reasons = [found["reason"] for _, found in read if found and found["reason"]]
    return not all(map(is_end, reasons)) or any(speaks_against(line) for line, found in read if not found)


def _typed(line: str) -> Typed | None:
    found = _TYPED.fullmatch(line.strip(_MARKS))
    if found is None:
        return None
    where = "" if found["where"].casefold() == _EVERYTHING else found["where"]
    return Typed(where, first_line(found["reason"] or "", _REASON_CHARS), ends=bool(found["un"]))


def _said_at(written_at: datetime | None, received_at: datetime) -> datetime:
    """Return when it was said at the latest: a mail says the second alone in which it was written.

    Its Date may be the end of time, to which nothing can be added.
    """
    second = timedelta(seconds=1)
    return received_at if written_at is None or written_at > received_at - second else written_at + second


def _subjects() -> frozenset[str]:
    return frozenset(("unfreeze", *(each.casefold() for each in in_all("notice.freeze-title"))))


class TypedFreezes:
    """Freezes and unfreezes for those who may; `environments` are those of the settings."""

    def __init__(
        self, journal: Journal, people: People, rights: Rights, freezes: FrozenRequests, environments: Collection[str]
    ) -> None:
        self._journal, self._people, self._rights, self._freezes = journal, people, rights, freezes
        self._environments, self._refusals = environments, Refusals(journal.store)

    async def take(self, inbound_id: str, channel: str, trigger: Trigger, received_at: datetime) -> bool:
        """Do what the message says; False where it says something else. Raises StoreUnavailable.

        A freeze only stops things, so it counts from every proven sender, also where it is taken again. Its end needs
        as much as an approval does, and ends nothing that began after it was written or received.
        """
        typed = typed_freeze(trigger.text, has_subject=channel == "email" and not trigger.follows)
        if typed is None or trigger.others or not trigger.is_addressed:
            return False
        typed = replace(typed, environment=self._known(typed.environment))
        await self._people.look_up(self._people.tables.alerts)
        person = PersonId(trigger.person)
        may = self._rights.denial_at_all(self._rights.of_person(person), "freeze") is None
        if not typed.reason:
            known = await self._asked(person, typed.environment)
            if known is None:
                return False
            typed = replace(typed, reason=known, is_confirmed=True)
        # Else it is a sentence that only looks like one.
        if not self._is_known(typed.environment) and not ((typed.is_alone or typed.is_all) and may):
            return False
        said_at = _said_at(trigger.written_at, received_at)
        with self._people.speaking_to(person):
            try:
                told = await self._done(typed, channel, trigger, said_at)
            except (Conflict, Forbidden, Invalid, NotFound) as error:
                told = str(error)
            title = say("notice.freeze-title")
        weak = trigger.weakness
        if not weak or await self._journal.store.admit(f"told of freezes {person}", inbound_id, *TOLD):
            await to_person(self._journal, person, title, told, reach=nearest_first(CHANNELS, channel))
        return True

    def _is_known(self, where: str) -> bool:
        return not where or where in self._environments

    def _known(self, where: str) -> str:
        """The environment that is written so, but for capitals."""
        return next((one for one in self._environments if one.casefold() == where.casefold()), where)

    async def _done(self, typed: Typed, channel: str, trigger: Trigger, said_at: datetime) -> str:
        person, where = PersonId(trigger.person), typed.environment
        who = self._rights.of_person(person, trigger.evidence)
        if denied := self._rights.denial_at_all(who, "freeze"):
            await self._refusals.refuse(who, "freeze", denied, channel)
        if not typed.is_alone and (typed.ends or not typed.is_first):
            verb = "unfreeze" if typed.ends else "freeze"
            line = f"{verb} {where or _EVERYTHING}" + ("" if typed.is_confirmed else f": {typed.reason}")
            raise Invalid(say("notice.freeze-not-alone"), say("notice.freeze-not-alone-do", line=line))
        if typed.ends:
            return await self._ended(typed, channel, trigger, said_at)
        is_copy = trigger.weakness == recorded("reason.came-before")
        made = await self._freezes.freeze(
            where, person, typed.reason, channel=channel, evidence=trigger.evidence, is_copy=is_copy
        )
        told = f"{self._freezes.words(made)} {say('notice.freeze-how-ends', where=where or _EVERYTHING)}"
        rest = "" if typed.is_alone else say("notice.freeze-rest")
        return "\n".join(filter(None, (no_environment(where, self._environments), told, rest)))

    async def _ended(self, typed: Typed, channel: str, trigger: Trigger, said_at: datetime) -> str:
        person, where, evidence = PersonId(trigger.person), typed.environment, trigger.evidence
        if trigger.weakness:
            why = say("absence.too-weak", why=reason_of(trigger.weakness))
            await self._refusals.note(person, "freeze", why, channel, evidence=evidence, is_weak=True)
            raise Forbidden(why, say("notice.unfreeze-do"))
        if typed.is_against:
            raise stays_frozen()
        name = where or say("words.frozen-everything")
        if not typed.is_confirmed:
            held = await self._freezes.may_end(where, typed.reason, said_at)
            if held is None:
                raise NotFound(say("notice.not-frozen", where=name), say("notice.not-frozen-do"))
            return await self._ask(person, held, typed.reason)
        ended = await self._freezes.unfreeze(
            where, person, typed.reason, channel=channel, evidence=evidence, said_at=said_at
        )
        if ended is None:
            raise NotFound(say("notice.not-frozen", where=name), say("notice.not-frozen-do"))
        left = [one for one in await self._freezes.all() if not where or one.environment in ("", where)]
        told = say("notice.unfrozen", where=name)
        return f"{told} {say('notice.still-frozen', what='; '.join(map(self._freezes.words, left)))}" if left else told

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


def _waiting(person: PersonId, held: Freeze) -> str:
    """The name under which a typed reason waits: of one person, and for one freeze alone, as it was shown."""
    return f"unfreezes {person} {held.environment} {held.shown}"
