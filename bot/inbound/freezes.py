"""`freeze production: incident 4711` as a message: an operator stops everything gated there, from wherever they are."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain

from agents.command import is_order, parse, said_lines
from agents.requests import Freeze, PersonId
from agents.text import first_line, strip_invisible
from bot.config.tables import CHANNELS
from bot.errors import Conflict, Forbidden, Invalid, NotFound
from bot.inbound.absences import TOLD
from bot.inbound.proving import proof_of
from bot.outbound.notifier import to_person
from bot.people.directory import People
from bot.people.refusals import Refusals
from bot.people.rights import Rights
from bot.policy.answers import is_withdrawal, refuses, stops_named
from bot.policy.stops import NEXT_ORDER, ORDER, called, ends_in_condition, is_condition, stops_plainly
from bot.render.cards import notice
from bot.render.words import no_environment
from bot.requests.freezes import FrozenRequests, stays_frozen
from bot.store.journal import Journal
from bot.store.outbox_entry import nearest_first, to_writer
from channels import Trigger
from channels.email.reply import read_reply
from channels.email.reply.against import READ_CHARS, is_emergency, is_end, lines_beside, speaks_against
from language import in_all, say
from language.recorded import reason_of

# The name as the API takes it; people mark a name up in chat, or quote it.
_MARKS = "*_` \t"
_QUOTED = '"\u201c\u201d\u201e'
_DASHES = "-\u2013\u2014"
_QUOTES = "[\"'`*\u201c\u201d\u201e\u2018\u2019]*"
_COURTESY = r"(?:please|pls|now|asap|immediately|at once|thanks|bitte|jetzt|sofort|danke)"
_SCOPE = rf"{_QUOTES}(?!{_COURTESY}\s*[.!]*\Z)(?P<where>[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,62}}[A-Za-z0-9_-])?){_QUOTES}"
_POLITE = rf"(?:[\s,]+{_COURTESY})*\s*[.!]*"
_WHY = r"(?:\s*[:,;]|[.!]+(?=\s)|\s+[-\u2013\u2014](?=\s)|\s+(?:because(?: of)?|due to|since|weil|wegen)(?=\s))"
_THE = r"the|our|die|(?:all\s+)?(?:the\s+)?(?:deploy(?:ment)?s|releases)\s+(?:to|on|in|for)"
_TYPED = re.compile(
    rf"(?P<un>un)?freeze\s+(?:(?:both|beide)\s+)?(?:(?P<the>{_THE})\s+)?{_SCOPE}(?(the)(?:\s+(?:environment|env|umgebung))?)"
    rf"(?:{_POLITE}\s*:?|{_WHY}\s*(?P<reason>\S.*)|(?(un)(?!)|\s+(?P<loose>\S.*[^?\s])))",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?P<un>un)?freeze(?:{_POLITE}\s*:?|\s*:\s*(?P<reason>\S.*))", re.IGNORECASE)
_MORE = re.compile(
    rf"\s*(?:,|\+|&|,?\s*\b(?:and|und)\b)\s*{_SCOPE}(?=\s*(?:[:,;&+.!]|\b(?:and|und|because|since|weil|wegen)\b|\Z))",
    re.IGNORECASE,
)
_ONLY_MORE = re.compile(rf"(?:{_MORE.pattern.replace('(?P<where>', '(?:')})+[\s.!]*", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s:,;.!\u2013\u2014-]*(?:because(?: of)?|due to|since|weil|wegen)?\s*", re.IGNORECASE)
_SIGN = r"(?:\s|:[a-z0-9_+'-]+:|[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])+"
_BEFORE_CHARS = 120
_BEFORE = re.compile(
    rf"(?P<said>(?:[^?:;]|(?<=\d):(?=\d)){{1,{_BEFORE_CHARS}}}?)(?:[.!,;]*\s(?:and|und)\s+|[.!,;:]+\s*"
    rf"|\s[-\u2013\u2014]+\s+|\s{_SIGN}\s*)(?=(?:{_COURTESY}[\s,]+)*freeze\b)",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[^\S\u00a0]+")
_AND = re.compile(rf"(?:[\s,;]+(?:and|und|{_COURTESY}))+[\s,]*\Z", re.IGNORECASE)
_NEXT = re.compile(
    rf"{NEXT_ORDER}|(?:[;.,!]|\s[-\u2013\u2014])\s+(?:(?:and|und)\s+)?(?=(?:{_COURTESY}[\s,]+)*{ORDER})", re.IGNORECASE
)
_URGES = re.compile(
    rf"(?:(?:[-\u2022]|\d{{1,2}}[.)])\s+)?(?:(?:{_COURTESY}|urgent(?:ly)?|dringend|emergency|notfall|everybody"
    r"|ok(?:ay)?|yes|ja|some(?:one|body)|(?P<asks>(?:can|could|would) (?:you|some(?:one|body))|kannst du|kann jemand)"
    r"|(?:(?:i|we|you) )?(?:want|need|have) to|(?:i|we)(?: would|['\u2019]d) like to|we must"
    r"|wir m\u00fcssen|let['\u2019]?s)"
    r"[\s:,!.\u2013\u2014-]+)*(?=freeze\b)",
    re.IGNORECASE,
)
_SIGNS = re.compile(_SIGN)
_ENDS = re.compile(r"(?<=[.!?])\s+")
_PARTS = re.compile(r"[,;:]\s+|\s[-\u2013\u2014]+\s")
_EVERYTHING = "everything"
_ALL = {_EVERYTHING, "all", "alles"}
_REASON_CHARS = 500
_DEPLOYS = r"(?:deploy(?:ment)?s|releases|rollouts)"
_SPEAKS_OF = re.compile(
    r"(?<!\w)(?:(?:(?:code|change|release|deploy(?:ment)?)-?)?freez(?:en?|ing)?|ein(?:zu)?frieren"
    r"|frier(?:e|en|t)? (?:\S+ ){1,4}ein"
    r"|deploy(?:ment)?[- ]?stopp?|emergency stop|not-?(?:aus|halt|stopp?)"
    rf"|(?:stop|halt|hold|pause|block|lock|suspend)(?: off| on| down)? (?:everything|(?:\S+ ){{0,3}}{_DEPLOYS})"
    rf"|no (?:\w+ ){{0,2}}{_DEPLOYS}|keine? (?:weiteren |neuen )?(?:deploy(?:ment)?s?|releases?|rollouts?)"
    rf"|(?:stoppt?|pausiert?|sperrt?) (?:\S+ ){{0,3}}(?:alles|{_DEPLOYS})"
    rf"|(?:alles|{_DEPLOYS}) (?:\S+ ){{0,3}}(?:anhalten|stoppen|pausieren|sperren|aussetzen|einstellen))(?![\w-])",
    re.IGNORECASE,
)
_SHUTS = (
    r"(?<![\w-])(?:(?:lock|block|pause|halt|hold|suspend|stop)(?: down)? (?:the )?(?:{names})(?: environment)?"
    r"(?: now| please| immediately|\W*\Z)|put (?:the )?(?:{names})(?: environment)? on hold"
    r"|(?:{names}) (?:\S+ ){{0,3}}(?:sperren|anhalten|pausieren|stoppen))(?![\w-])"
)
_TALKS_OF = re.compile(
    r"(?<!\w)(?:\A(?:(?:and|so|but|und|aber) )?"
    r"(?:why|who|when|how|what|which|where|wer|wann|warum|wieso|wie|was|show|list|zeige?)"
    r"|(?:thank(?:s| you)|danke)(?: \S+){0,2} (?:freez\w*|einfrieren)|there (?:is|was)|gibt es|es gibt"
    r"|(?:not|(?:do|does|did)n['\u2019]t|never|nicht|nie)(?: \S+)?"
    r" (?:freez|ein(?:zu)?frier|stop|hold|halt|pause|sperr)\w*"
    r"|freeze(?: \S+)? (?:is|was|has|ends?|ended|over|ist|war|endet|vorbei)"
    r"|(?:no|kein|in|im|under|during|after|before|since|until|despite|without|while|nach|vor|seit|trotz|ohne|w\u00e4hrend)"
    r" (?:(?:an?|the|this|our|der|dem|den|des|ein\w*|diese\w*) )?(?:\w+[- ])?freeze)(?!\w)",
    re.IGNORECASE,
)
"""Says something of a freeze, or asks about one, and orders none."""

_FEW = 12
"""Most words of a part of a sentence that may be meant as a freeze."""

_STOPS = 20
"""How many lines are read as stops; it bounds the time."""
_ASKED_S = 3600.0
"""How long a typed reason waits for its writer to say once more that the freeze is to end."""
_TAKEN_S = 400 * 24 * 3600.0
"""How long a message that froze something is known: one that was given up may be taken again months later."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody wrote who freezes an environment (empty: everything; None: they named none), or ends that.

    `is_loose`: an article stands before the name, or its `reason` is whatever stands behind it without a mark between.
    `behind` is all of the line behind the name, which may name more.
    `is_alone`: the message says nothing else; `is_first`: nothing stands above it, but a stop, an assent, an emergency
    or the end of a freeze; `is_all`: all lines of the message are that or begin one, but for a subject. Without a
    `reason` it ends one for that which its writer gave before, and `is_confirmed`; a freeze needs none.
    `is_against`: what stands beside the end of a freeze, or below it where a signature does, speaks against it.
    """

    environment: str | None
    reason: str
    ends: bool = False
    is_loose: bool = False
    behind: str = field(default="", compare=False)
    is_confirmed: bool = False
    is_alone: bool = True
    is_first: bool = True
    is_all: bool = True
    is_against: bool = False


# An answer is asked about more than once, by whoever may take it.
@lru_cache(maxsize=16)
def typed_freeze(text: str, *, has_subject: bool = False) -> Typed | None:
    """Read a line such as `freeze production: incident`, or `unfreeze everything: fixed`; None where there is none.

    A greeting, thanks and a signature say nothing; nor does a subject above a freeze, which only stops. A freeze wins
    over the end of one that stands beside it.
    """
    lines = said_lines(strip_invisible(text), None)
    read = [_typed(line) for line in lines]
    typed = [one for one in read if one]
    if not typed:
        return _bare(lines[: 2 if has_subject else 1], is_alone=len(set(lines)) <= (2 if has_subject else 1))
    found = next((one for one in typed if not one.ends), typed[0])
    is_beside = [one is not None or (at < _STOPS and _leaves(lines[at])) for at, one in enumerate(read)]
    is_all = all(is_beside[1:] if has_subject else is_beside)
    subject = 1 if has_subject else 0
    above = [one for at, one in enumerate(read) if one == found or at < subject or not is_beside[at]]
    first = read if found.ends else above
    is_first = found in first[: subject + 1]
    if has_subject and len(lines) == 2 and (not found.ends or lines[0].casefold() in _subjects()):
        read = read[1:]
    is_against = found.ends and (len(text) > READ_CHARS or _is_against(text))
    is_alone = all(one == found for one in read) and not any(map(_agrees, _before(lines)))
    return replace(found, is_alone=is_alone, is_first=is_first, is_all=is_all, is_against=is_against)


def stop_beside(text: str) -> str:
    """Return the stop or refusal in words beside what a message freezes: `stop! freeze production`; else nothing.

    A bare no counts before it or above it alone, and behind it in its line what begins as an order:
    `freeze production: incident. Deny this`.
    """
    lines = [_BLANKS.sub(" ", line).strip(_MARKS) for line in said_lines(strip_invisible(text), None)][:_STOPS]
    found = [_read(line) for line in lines]
    refused = filter(is_withdrawal, _before(lines))
    first = next((at for at, (_, one) in enumerate(found) if one), 0)
    beside = ((at < first, line) for at, (line, one) in enumerate(found) if not (_SIGNS.fullmatch(line) or one))
    stopped = (line for is_above, line in beside if (_refuses(line) if is_above else _stops(line)))
    tails = (one.string[one.end("where") :] for _, one in found if one)
    behind = (part for tail in tails for part in _NEXT.split(tail)[1:] if refuses(part) and not stops_named(part))
    return next(chain(refused, stopped, behind), "").strip()


def _before(lines: Iterable[str]) -> Iterator[str]:
    """What stands before a freeze in each of `lines`, but for signs and courtesy."""
    for said, one in map(_read, lines):
        before = _AND.sub("", _plain(said).partition(one.string)[0]).strip(_MARKS + _QUOTED + _DASHES) if one else ""
        if before and not _SIGNS.fullmatch(before):
            yield before


def _stops(line: str) -> bool:
    return stops_plainly(line) or refuses(line)


def _leaves(said: str) -> bool:
    """Return whether words above or before a freeze leave it one: a stop, an assent, or the emergency behind it.

    A condition right before it says when: `Checkout is slow. If it goes down, freeze production`.
    """
    if ends_in_condition(said):
        return False
    is_why = is_emergency(said) and not (is_condition(said) or is_order(said))
    return _refuses(said) or _agrees(said) or is_why


def _refuses(said: str) -> bool:
    return _stops(said) or is_withdrawal(said)


def _agrees(said: str) -> bool:
    return read_reply(said).said == "approve"


def _is_against(text: str) -> bool:
    """Return whether anything of the message speaks against what it does; a signature is what replies have as one."""
    lines = (line for line in lines_beside(strip_invisible(text)) if line.casefold() not in _subjects())
    read = [(line, _TYPED.fullmatch(line)) for line in lines]
    reasons = [found["reason"] for _, found in read if found and found["reason"]]
    return not all(map(is_end, reasons)) or any(speaks_against(line) for line, found in read if not found)


def _read(line: str) -> tuple[str, re.Match[str] | None]:
    """Return `line` as it was read, and what it freezes, or where nobody else is called the end of a freeze."""
    for said in dict.fromkeys((line, called(line))):
        found = _TYPED.fullmatch(_without_stop(said))
        if found and not (found["un"] and said != line):
            return said, found
    return line, None


def _typed(line: str) -> Typed | None:
    _, found = _read(line)
    if found is None:
        return None
    where, reason = _scope(found["where"]), first_line(found["reason"] or found["loose"] or "", _REASON_CHARS)
    behind = found.string[found.end("where") :] if _MORE.match(found.string, found.end("where")) else ""
    is_loose = _is_talk(found.string) or bool(found["the"])
    return Typed(where, reason, ends=bool(found["un"]), is_loose=is_loose, behind=behind)


def _without_stop(line: str) -> str:
    """`line` without signs around it, and without a stop, a no or haste before it: `no! freeze staging`."""
    plain = _plain(line)
    before, behind = _SIGNS.match(plain), _SIGNS.match(plain[::-1])
    plain = plain[before.end() if before else 0 : len(plain) - (behind.end() if behind else 0)]
    plain = plain.strip(_QUOTED) if plain.startswith(tuple(_QUOTED)) else plain
    before = _BEFORE.match(plain)
    if before and _leaves(before["said"]):
        rest = _urged(plain[before.end() :])
        plain = rest if _refuses(before["said"]) or not _is_talk(rest) else plain
    return _urged(plain)


def _urged(plain: str) -> str:
    """`plain` without haste, courtesy and assent before a freeze."""
    if urges := _URGES.match(plain):
        return plain[urges.end() :].rstrip("?" if urges["asks"] else "")
    return plain


def _is_talk(line: str) -> bool:
    """Return whether words that name nothing more stand right behind the name: `freeze production tonight`."""
    found = _TYPED.fullmatch(line)
    return found is not None and bool(found["loose"]) and not _ONLY_MORE.fullmatch(line, found.end("where"))


def _plain(line: str) -> str:
    return " ".join(line.split()).strip(_MARKS)  # without long blanks, of which patterns try each


def _bare(lines: Sequence[str], *, is_alone: bool) -> Typed | None:
    """What a first line such as `freeze` says, which names nothing."""
    found = next(filter(None, (_BARE.fullmatch(line.strip(_MARKS)) for line in lines)), None)
    if found is None:
        return None
    return Typed(None, first_line(found["reason"] or "", _REASON_CHARS), ends=bool(found["un"]), is_alone=is_alone)


def _scope(name: str) -> str:
    return "" if name.casefold() in _ALL else name


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
        names = "|".join(map(re.escape, environments)) or r"(?!)"
        self._shuts = re.compile(_SHUTS.format(names=names), re.IGNORECASE)

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
        """Return whether words freeze something, as their writer may do that. Raises StoreUnavailable."""
        typed = typed_freeze(text)
        if typed is None or typed.ends:
            return False
        return await self._may(person) and self._is_order(self._of_settings(typed), may=True, held=())

    async def reads(self, person: PersonId, text: str) -> bool:
        """Return whether words would be read in a message as such that freeze something, or end that. Raises
        StoreUnavailable.
        """
        typed = typed_freeze(text)
        if typed is None:
            return False
        typed, may = self._of_settings(typed), await self._may(person)
        return self._is_order(typed, may=may, held=()) or (may and self._is_below_more(typed))

    def speaks_of(self, said: Trigger) -> bool:
        """Return whether a few words may be meant as a freeze; what tells or asks about one is not."""
        if said.is_edit or parse(said.text):
            return False
        lines = said_lines(strip_invisible(said.text[:READ_CHARS]), None)
        found = (one for line in lines for one in _ENDS.split(line) if said.is_addressed or not one.endswith("?"))
        parts = (" ".join(part.split()) for one in found for part in _PARTS.split(one) if len(part.split()) <= _FEW)
        return any((_SPEAKS_OF.search(one) or self._shuts.search(one)) and not _TALKS_OF.search(one) for one in parts)

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
        return self._rights.denial_at_all(self._rights.of_person(person, None), "freeze") is None

    def _of_settings(self, typed: Typed) -> Typed:
        """Return it with the environment as the settings write it."""
        return typed if typed.environment is None else replace(typed, environment=self._known(typed.environment))

    def _is_order(self, typed: Typed, *, may: bool, held: Collection[str]) -> bool:
        """Return whether it is meant so. Else it is a sentence that only looks like one, or somebody else's wish."""
        if typed.environment is None:
            return typed.is_first if may else typed.is_alone and not typed.reason
        if typed.is_loose or not (typed.reason or typed.is_first):
            return may and typed.is_first and self._is_known(typed.environment)
        return (
            self._is_known(typed.environment) or typed.environment in held or ((typed.is_alone or typed.is_all) and may)
        )

    def _is_below_more(self, typed: Typed) -> bool:
        """Return whether a line of nothing but a freeze stands below other words: it does nothing, and that is told."""
        is_line = not (typed.is_loose or typed.ends or typed.is_first)
        return is_line and typed.environment is not None and self._is_known(typed.environment)

    def _is_known(self, where: str) -> bool:
        return not where or where in self._environments

    def _all_of(self, typed: Typed, where: str) -> tuple[tuple[str, ...], str]:
        """Return what a freeze names, and the reason behind that: `freeze production and staging: incident`."""
        places, at = [where], 0
        while found := _MORE.match(typed.behind, at):
            name = self._known(_scope(found["where"]))
            if not self._is_known(name):
                break
            places, at = [*places, name], found.end()
        if at == 0:
            return (where,), typed.reason
        begins = _BETWEEN.match(typed.behind, at)
        return tuple(dict.fromkeys(places)), first_line(typed.behind[begins.end() if begins else at :], _REASON_CHARS)

    def _known(self, where: str) -> str:
        """The environment that is written so, but for capitals."""
        return next((one for one in self._environments if one.casefold() == where.casefold()), where)

    async def _done(self, typed: Typed, channel: str, trigger: Trigger, said_at: datetime, *, is_heard: bool) -> str:
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
        return "\n".join(filter(None, (*told, "" if typed.is_alone or is_heard else say("notice.freeze-rest"))))

    async def _ended(self, typed: Typed, where: str, channel: str, trigger: Trigger, said_at: datetime) -> str:
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


def _is_meant_in_thread(typed: Typed, trigger: Trigger) -> bool:
    """Return whether words to nobody in the thread of a run are a freeze: they name what, and do not end one."""
    is_named = typed.environment is not None and not typed.is_loose
    return trigger.follows and is_named and typed.is_first and not typed.ends


def _waiting(person: PersonId, held: Freeze) -> str:
    """The name under which a typed reason waits: of one person, and for one freeze alone, as it was shown."""
    return f"unfreezes {person} {held.environment} {held.shown}"
