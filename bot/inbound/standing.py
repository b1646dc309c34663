"""Messages about standing approvals: `standing` lists them, `standing 5 times until …` asks for one, `revoke …` ends.

None of them is a vote. People decide about what is asked for; a listing tells its reader alone what concerns them; like
a denial, an end counts from every proven sender.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from agents.command import said_lines
from agents.requests import PersonId, RunId
from agents.requests.proof import Proof
from agents.run import Run
from agents.standing import covering
from agents.text import first_line, strip_invisible
from bot.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, add_failure
from bot.inbound.absences import TOLD
from bot.inbound.proving import proof_of
from bot.people.directory import People
from bot.people.refusals import Refusals
from bot.policy.answers import is_withdrawal, unwrapped
from bot.policy.standing import Standing
from bot.policy.stops import NEXT_ORDER, ORDER, called, ends_in_condition, is_condition, may_be_stop
from bot.queries.guard import Guard
from bot.render.cards import notice
from bot.render.times import read_moment
from bot.requests.standing.approvals import StandingApprovals
from bot.runs.api_requests import AskingAgain
from bot.runs.start import Starter
from bot.store.ids import derived_id
from bot.store.indexes import run_of_thread
from bot.store.journal import Journal
from bot.store.outbox_entry import Tell, to_writer
from channels import Trigger
from channels.email.reply.against import READ_CHARS, lines_beside, speaks_against
from language import say, say_many
from language.dates import in_words

_ID = r"s[0-9]{1,2}g-[a-z2-7]{13}"
_IDS = re.compile(_ID, re.IGNORECASE)
_POLITE = r"(?:please|pls|thanks|thank you|now|immediately|at once|asap|bitte|danke|jetzt|sofort)"
_QUOTES = "[\"'`*_\u201c\u201d\u201e\u2018\u2019]*"
_SAYS = (
    r"(?:(?:i|we|ich|wir)(?:\s+(?:hereby|hiermit|(?:want|need|have) to|must))?|(?P<asks>(?:can|could|would|will) you))"
)
_WHAT = (
    r"(?:\s+(?:the|this|that|these|our|my|both|all|die|diese|meine|unsere|beide))*"
    r"(?:\s+(?:standing(?:\s+approvals?)?|approvals?|(?:dauer)?genehmigung(?:en)?))?"
)
_NAMES_IDS = (
    rf"(?P<ids>{_QUOTES}{_ID}{_QUOTES}(?:(?:\s*[,;&+])?\s*(?:(?:and|und)\s+)?(?<=[\s,;&+]){_QUOTES}{_ID}{_QUOTES})*)"
)
_REVOKES = re.compile(
    rf"(?:(?:[-\u2022]|\d{{1,2}}[.)])\s+)?(?:{_POLITE},?\s+)?(?:{_SAYS}\s+)?(?:{_POLITE},?\s+)?"
    r"(?:revoke|withdraw|cancel|end|stop|kill|terminate|delete|remove|disable|widerruf(?:en?)?)"
    rf"(?:\s+{_POLITE})*(?:\s*:)?{_WHAT}\s+{_NAMES_IDS}"
    rf"(?:,?\s+{_POLITE})*\s*(?:(?(asks)[.!?]*|[.!]*)|(?:\s*[:,;]|[.!]+(?=\s)|\s[-\u2013\u2014](?=\s)"
    r"|(?=\s(?:because|since|as|weil|denn|da)\s)|(?=\s\())\s*(?P<why>\S.*))",
    re.IGNORECASE,
)
_REVOKES_LAST = re.compile(
    rf"(?:\s{_POLITE},?)?(?:\sich m\u00f6chte)?{_WHAT}\s{_NAMES_IDS}\s*:?(?:\s+{_POLITE})*"
    rf"\s+(?:widerrufen|revoken?|beenden)(?:,?\s+{_POLITE})*\s*(?:[.!]*|[.!:,;]+\s+(?P<why>\S.*))",
    re.IGNORECASE,
)
_SIGNS = re.compile(r":[a-z0-9_+'-]+:|[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]")
_NEXT = re.compile(rf"{NEXT_ORDER}|[;.,!]\s+(?=(?:{_POLITE},?\s+)?{ORDER})", re.IGNORECASE)
_REASON_CHARS, _LINE_CHARS = 500, 2_000
_BESIDE_ID = 8
"""Most words beside an id in a message that is about it and nothing else."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")
_MAY_END = re.compile(
    r"\b(?:revoke|withdraw|cancel|end|stop|kill|terminate|delete|remove|disable|widerruf\w*|zur\u00fcckzieh\w*|beende\w*"
    r"|l\u00f6sch\w*)\b",
    re.IGNORECASE,
)

# People mark a command up in chat.
_MARKS = "*_` \t"
_NAMED = r"(?:standing(?:\s+approvals?)?|dauergenehmigung(?:en)?)"
_KIND = re.compile(r"\b(?:standing approvals?|dauergenehmigung(?:en)?)\b", re.IGNORECASE)
_LISTS = re.compile(rf"{_NAMED}[.!?]?", re.IGNORECASE)
_ASKS = re.compile(
    rf"{_NAMED}\s*[:,]?\s+(?:(?P<run>s[0-9]{{1,2}}r-[a-z2-7]{{13}})\s+)?(?P<uses>[0-9]{{1,3}})\s*(?:times?|mal|x)\s+"
    r"(?:until|bis)\s+(?P<until>\S.*?)(?:\s*[,;]?\s+(?:with\s+any|any|mit\s+beliebige[mnrs]?)\s+(?P<open>\S.*?))?[.!]?",
    re.IGNORECASE,
)
# What begins so is meant for us, though it can't be read; `standing by` and `standing 2 hours in a queue` are words
# among people.
_SEEMS = re.compile(
    rf"{_NAMED}\s*[:,]?\s+(?:(?:until|bis|any|help|hilfe|times|mal)\b"
    r"|(?:[0-9]|s[0-9]{1,2}r-).*?\b[0-9]*(?:times?|mal|x|until|bis)\b).*",
    re.IGNORECASE,
)
_NAMES = re.compile(r"(?:\s*[,;&]\s*|\s+(?:and|und)\s+|\s+)+", re.IGNORECASE)
_LISTED = 20
_MOST_CHARS = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A standing approval that a message asks for: `until` as its writer says it, and the run, where they name one."""

    uses: int
    until: str
    leave_open: tuple[str, ...] = ()
    run: str = ""


def typed_standing(text: str, *, has_subject: bool = False) -> Wanted | Literal["list", "usage"] | None:
    """Read a message of nothing but `standing`, or `standing 5 times until 2026-12-01 18:00 with any version`.

    `usage`: it begins so, and can't be read, or something beside it speaks against it. None for any other text. Above
    it may stand a subject.
    """
    said = (" ".join(line.split()) for line in said_lines(strip_invisible(text), None))
    lines = list(dict.fromkeys(line.strip(_MARKS) for line in said))
    subject = lines[:1] if has_subject and not any(map(_SEEMS.fullmatch, lines[:1])) else []
    lines = [*subject, *unwrapped("\n".join(lines[len(subject) :])).splitlines()]
    is_below = bool(subject and len(lines) > 1 and _SEEMS.fullmatch(lines[1]))
    if is_below or (subject and len(lines) == 2 and not _is_ours(lines[0])):
        lines = lines[1:]
    line = lines[0] if lines else ""
    if not _is_ours(line):
        return None
    if len(lines) > 1 or len(line) > _MOST_CHARS:
        return None if _LISTS.fullmatch(line) else "usage"
    if _LISTS.fullmatch(line):
        return "list"
    found = _ASKS.fullmatch(line)
    if found is None or _is_against(text):
        return "usage"
    names = tuple(dict.fromkeys(filter(None, _NAMES.split(found["open"] or ""))))
    return Wanted(int(found["uses"]), found["until"], names, (found["run"] or "").lower())


# One message is asked about in several ways, one after the other.
@lru_cache(maxsize=16)
def typed_revocations(text: str) -> tuple[tuple[str, ...], str, str]:
    """Return the standing approvals that a message ends, and what it says above and below that.

    What stands below is the reason, where none stands beside the ids. A greeting, thanks and a signature say nothing.
    """
    read = _revocations(text)
    named = (one.lower() for _, found in read if found for one in _IDS.findall(found["ids"]))
    first = next((at for at, (_, found) in enumerate(read) if found), len(read))
    above, below = (line for line, _ in read[:first]), (line for line, found in read[first:] if not found)
    return tuple(dict.fromkeys(named)), "\n".join(above), "\n".join(below)


def may_mean_end(text: str) -> bool:
    """Return whether a few words name a standing approval and do nothing by themselves: `s1g-… zurückziehen`.

    So may one sentence that says to end one, also without its id: `revoke my standing approval`.
    """
    parts = [part for part in _SENTENCE.split(text[:READ_CHARS]) if _MAY_END.search(part)]
    is_one = _names_one(text) or any(_names_one(part) or _are_few(part, _KIND.sub(" ", part)) for part in parts)
    return is_one and not (typed_revocations(text)[0] or is_withdrawal(text) or may_be_stop(text))


def _names_one(text: str) -> bool:
    return _are_few(text, _IDS.sub(" ", text))


def _are_few(text: str, rest: str) -> bool:
    return rest != text and 0 < len(rest.split()) <= _BESIDE_ID


def check_is_order(text: str) -> None:
    """Raise Conflict for words that may mean the end of a standing approval and are no order."""
    if not may_mean_end(text):
        return
    if found := _IDS.search(text):
        raise Conflict(say("again.not-ended", id=found[0].lower()), say("again.not-ended-do", id=found[0].lower()))
    raise Conflict(say("again.not-named"), say("again.not-named-do"))


def _revocations(text: str) -> list[tuple[str, re.Match[str] | None]]:
    """Return the lines of `text`, each with what it ends, unless it says when, or stands there as what people write."""
    read, above = list[tuple[str, re.Match[str] | None]](), ""
    for line in said_lines(strip_invisible(text), None):
        for before, part in pairwise(["", *_NEXT.split(line)]):
            is_told = above.endswith(":") or ends_in_condition(before)
            read.append((part, None if is_told else _revoked_in(part)))
            above = part
    return read


def _revoked_in(line: str) -> re.Match[str] | None:
    plain = " ".join(_SIGNS.sub(" ", called(line)).split()).strip(_MARKS + "\"'\u201c\u201d\u201e")[:_LINE_CHARS]
    found = _REVOKES.fullmatch(plain) or _REVOKES_LAST.fullmatch(f" {plain}")
    return None if found and is_condition(found["why"] or "") else found


def _has_approval(run: Run) -> bool:
    return any(one.request.purpose == "gate" and one.state == "approved" for one in run.requests.values())


def _is_against(text: str) -> bool:
    """Return whether anything of the message speaks against what it asks for."""
    if len(text) > READ_CHARS:
        return True
    lines = (line for line in lines_beside(strip_invisible(text)) if not _is_ours(" ".join(line.split())))
    return any(map(speaks_against, lines))


def _is_ours(line: str) -> bool:
    return bool(_LISTS.fullmatch(line) or _SEEMS.fullmatch(line))


class TypedStanding:
    """Takes messages about standing approvals; who may, and what comes of it, is as in the console."""

    def __init__(
        self,
        journal: Journal,
        standing: StandingApprovals,
        again: AskingAgain,
        starter: Starter,
        people: People,
        guard: Guard,
    ) -> None:
        self._journal, self._store, self._standing, self._again = journal, journal.store, standing, again
        self._starter, self._people, self._guard, self._rights = starter, people, guard, guard.rights
        self._refusals = Refusals(journal.store)

    async def take(self, inbound_id: str, channel: str, trigger: Trigger, about: RunId | None = None) -> bool:
        """List them or ask for one, for what the run `about`, or of the thread, did; False where it says neither.

        Taken again, the same message has opened the same request. Raises StoreUnavailable.
        """
        typed = typed_standing(trigger.text, has_subject=channel == "email" and not trigger.follows)
        if typed is None or trigger.others or (typed == "list" and not trigger.is_addressed):
            return False
        person = PersonId(trigger.person)
        with self._people.speaking_to(person):
            try:
                title, text = await self._done(typed, inbound_id, channel, trigger, about)
            except (Conflict, Forbidden, Invalid, NotFound, RateLimited) as error:
                title, text = say("again.page"), str(error)
            card = notice(title, text, await self._store.now(inbound_id))
        if await self._store.admit(f"told of standing {person}", inbound_id, *TOLD):
            await self._journal.send(to_writer(inbound_id, "standing", channel, trigger, card))
        return True

    async def _done(
        self,
        typed: Wanted | Literal["list", "usage"],
        inbound_id: str,
        channel: str,
        trigger: Trigger,
        about: RunId | None,
    ) -> tuple[str, str]:
        """Return the title and the text of what the writer is told."""
        if typed == "list":
            return say("again.list"), await self._listed(PersonId(trigger.person))
        if typed == "usage":
            return say("again.page"), f"{say('again.unclear')} {say('again.usage')}"
        run_id = RunId(typed.run) if typed.run else about or await self._run_of(channel, trigger)
        if run_id is None:
            return say("again.page"), f"{say('again.no-run')} {say('again.usage')}"
        await self._ask(typed, inbound_id, channel, trigger, run_id)
        return say("again.page"), say("again.asked")

    async def _listed(self, person: PersonId) -> str:
        """Return those that have not ended, each with the words that end it, and why it counts no longer if so."""
        found = await self._standing.those_of(self._rights.of_person(person, None))
        valid = [one for one in found if one.state == "valid"]
        if not valid:
            return f"{say('again.message-none')} {say('again.usage')}"
        lines = [self._line(one, await self._standing.lapsed(one)) for one in valid[:_LISTED]]
        left = len(valid) - len(lines)
        return "\n".join([*lines, *([say_many("again.message-more", left)] if left else ())])

    def _line(self, found: Standing, lapsed: str) -> str:
        approval = found.approval
        line = say(
            "again.message-line",
            title=covering(approval.title, approval.pattern),
            name=self._people.name_of(approval.person),
            used=say("again.used-so-far", used=len(found.uses), uses=approval.uses),
            until=say("again.until", at=in_words(approval.until)),
            id=approval.id,
        )
        return f"{lapsed}. {line}" if lapsed else line

    async def _run_of(self, channel: str, trigger: Trigger) -> RunId | None:
        if not trigger.follows:
            return None
        return await run_of_thread(self._store, channel, trigger.within or trigger.thread)

    async def _ask(self, wanted: Wanted, inbound_id: str, channel: str, trigger: Trigger, run_id: RunId) -> None:
        """Open the request, unless this message has done so. Raises as the console's page does."""
        once = self._starter.run_id(inbound_id)
        if await self._again.asked(once):
            return
        person = PersonId(trigger.person)
        who = self._rights.of_person(person, proof_of(channel, trigger))
        await self._guard.check_run(who, "see", run_id)
        until = self._moment(wanted.until, person)
        did = await self._that_did(run_id)
        if did != run_id:
            await self._guard.check_run(who, "see", did)
        await self._again.ask(did, person, wanted.uses, until, wanted.leave_open, proof_of(channel, trigger), once)

    def _moment(self, text: str, person: PersonId) -> datetime:
        try:
            return read_moment(text, ZoneInfo(self._people.zones()[person]), self._store.about_now())
        except Invalid as error:
            raise Invalid(error.what, say("again.usage")) from error

    async def _that_did(self, run_id: RunId) -> RunId:
        """Return the run in which people approved something: this one, or one that it started."""
        run = await self._store.run(run_id)
        if _has_approval(run):
            return run_id
        for child in reversed(run.children):
            if _has_approval(await self._store.run(child.run_id)):
                return child.run_id
        return run_id

    async def revokes(self, inbound_id: str, channel: str, trigger: Trigger) -> bool:
        """End all that the message names; False where that is nothing. Raises Conflict, at last, for whom one of them
        does not concern, and for words beside those of others.
        """
        # What answers a mail that asked nothing may end something all the same.
        named, _, below = typed_revocations(trigger.text)
        found = (one for _, one in _revocations(trigger.text) if one)
        why = next(filter(None, (one["why"] for one in found)), below)
        if not named:
            return False
        if trigger.others:
            raise Conflict(say("again.not-ended", id=named[0]), say("again.not-ended-do", id=named[0]))
        person, failed = PersonId(trigger.person), None
        for standing_id in named:
            try:
                with self._people.speaking_to(person):
                    ended = await self._of(person, standing_id, proof_of(channel, trigger))
            except Conflict as error:
                failed = add_failure(failed, error)
                continue
            reason = first_line(why, _REASON_CHARS)
            await self._standing.revoke(standing_id, person, reason, proof=proof_of(channel, trigger))
            told = self._told(inbound_id, channel, trigger, ended)
            await self._journal.send(told)
        if failed:
            raise failed
        return True

    async def _of(self, person: PersonId, standing_id: str, proof: Proof) -> Standing:
        try:
            found = await self._standing.one(standing_id)
        except NotFound as error:
            raise Conflict(error.what, error.do) from error
        if self._standing.concerns(self._rights.of_person(person, None), found):
            return found
        why, run_id = say("again.none", id=standing_id), found.approval.run_id
        note = self._refusals.note
        await note(person, "answer", why, proof, run_id=run_id, is_hidden=True)
        raise Conflict(why, say("again.listed"))

    def _told(self, inbound_id: str, channel: str, trigger: Trigger, found: Standing) -> Tell:
        approval = found.approval
        with self._people.speaking_to(trigger.person):
            title = say("again.revoked-title", title=approval.title)
            card = notice(title, say("again.is-revoked", id=approval.id), found.now, approval.request_id)
        return Tell(
            id=derived_id("outgoing", approval.run_id, f"revoked by {inbound_id}"),
            run_id=RunId(approval.run_id),
            person=PersonId(trigger.person),
            reach=(channel,),
            card=card,
            thread=trigger.thread or approval.run_id,
            to=trigger.place,
        )
