"""Uses of standing approvals: a request that nobody has to be asked about, opened and decided in one commit."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from agents import Repeats
from agents.events import Event, RequestDecided, RequestFrozen, RequestOpened
from agents.requests import AuthoredLine, Decision, Effect, Freeze, PersonId, Request, StandingUse
from agents.requests.record import RequestRecord, after
from agents.run import Run
from bot.archive.keeper import Archive
from bot.errors import NotFound
from bot.people.directory import People
from bot.people.recognition import as_known_now
from bot.policy.approvers.who import who_of
from bot.policy.attachments import list_contents
from bot.policy.judge import counts
from bot.policy.sessions import pattern_in_session, same_in
from bot.policy.standing import Lapse, Standing, Use, covers, exact, is_by_program, lapse, may_stand, no_to, rules_of
from bot.render.cards import notice
from bot.render.words import standing_use
from bot.requests.opening import everybody_behind
from bot.requests.standing.kept import KeptStandings
from bot.requests.stored import family_of, read_request
from bot.store import Commit, Store, Wake, WorkItem
from bot.store.journal import outbox_entry, record_write
from bot.store.outbox_entry import Tell, tell_about
from language import say

log = structlog.stdlib.get_logger()

_LAPSES: dict[Lapse, str] = {
    "revoked": "again.revoked",
    "over": "again.over",
    "policy": "again.policy-changed",
    "left": "again.granter-left",
    "requester": "again.granter-asks",
    "one": "again.granters-one",
}
# Whoever asks is told why they have to; what has ended as it was to end is no news.
_TOLD: frozenset[Lapse] = frozenset({"policy", "left", "requester", "one"})


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found for a call: the decision that it needs no asking, or why people are asked in spite of it."""

    decision: Decision | None = None
    why: tuple[str, ...] = ()


class StandingUses:
    """Finds what covers a request, counts its use, and looks again before it is executed."""

    def __init__(self, store: Store, people: People) -> None:
        self._store, self._kept, self._people = store, KeptStandings(store), people

    async def look(self, request: Request, run: Run, repeats: Repeats | None) -> Looked:
        """Return what decides a request of `run` without asking.

        Its use is counted from then on, whatever becomes of it.
        """
        may = repeats is not None and may_stand(request) and not _is_asked_again(request, run)
        if repeats is None or not may or is_by_program(run) or not _is_proven(run, request):
            return Looked()
        if request.remarks:  # they are for people to read
            return Looked()
        why = dict[str, None]()
        # Also those whose words the run goes by, and who could not decide it anyway.
        [*requesters] = {*request.requesters, *everybody_behind(run)}
        is_theirs = len(requesters) == 1 and self._people.is_here(requesters[0])
        found = await self._kept.of_person(requesters[0]) if is_theirs else []
        for standing in found:
            if not self._covers(standing, request, repeats):
                continue
            is_its = standing.approval.pattern.policy == request.policy.name
            if lapsed := await lapse_now(standing, self._people, self._store):
                why |= {lapse_text(standing, lapsed): None} if lapsed in _TOLD else {}
            elif is_its and (denied := await self._denied_around(request, run)):
                return Looked(why=(*why, denied))
            elif is_its and (decision := await self._use(standing, request)):
                return Looked(decision)
        return Looked(why=tuple(why))

    async def _denied_around(self, request: Request, run: Run) -> str:
        """Return who said no to a call in this run, or one above, below or beside it, also before any of them was
        copied, or that one of these is in the archive, where nobody looks; empty where nobody did.

        A model may want what people denied under another name, in a part of it, or in another run.
        """
        call, started, told = request.call, run.started, ""
        if call is None or started is None:
            return told
        async for other in family_of(self._store, started.root, also_before=True):
            told = told or ("" if other.started else say("again.archived"))
            for record in other.requests.values():
                asked, by = record.request.call, _said_no(record, other)
                names = self._people.names_of([by] if by else [])
                if asked and by and asked.is_for_same(call):
                    key = "run.withdrawn-before" if by in request.askers else "run.denied-before"
                    return say(key, names=names)
                told = told or (say("again.said-no", names=names) if asked and by else "")
        return told

    async def in_session(self, request: Request) -> Decision | None:
        """Return what decides a call of a program without asking, as somebody has allowed the same in its session.

        The use is counted. People are asked about what is risky, whatever was allowed.
        """
        rules = _rules(self._people, request.policy.name)
        pattern = pattern_in_session(request, rules)
        if not rules or pattern is None:
            return None
        for standing in await self._kept.of_person(request.requesters[0]):
            if (
                exact(standing.approval.pattern) != exact(pattern)
                or standing.state != "valid"
                or not await self._holds(standing, request)
            ):
                continue
            if decision := await self._use(standing, request):
                return decision
        return None

    async def _holds(self, standing: Standing, request: Request) -> bool:
        """Return whether what was allowed in a session still is.

        Nobody denied the call that it was allowed with, not even too late, or cancelled its run, and those who allowed
        it may still come to decide, as they did, and have no part in this one.
        """
        try:
            granting = (await read_request(self._store, Archive(None), standing.approval.request_id)).record
        except NotFound:
            return False
        known = as_known_now(RequestRecord(request=request), self._people)
        out = who_of(known).out
        stands = granting.state == "approved" and granting.stopped is None
        is_theirs = stands and out.isdisjoint(standing.approval.granted_by)
        return is_theirs and await lapse_now(standing, self._people, self._store) is None

    async def why_not(self, record: RequestRecord, effect: Effect) -> str | None:
        """Return why a standing approval does not cover a request that it has decided; None if it still does.

        `effect` is that of the call as it would be executed now.
        """
        used = record.decision.standing if record.decision else None
        if used is None:
            return None
        is_risky = record.request.again is not None and same_in(record.request.call) is None
        if effect.is_risky or is_risky:
            return say("again.risky", id=used.id)
        standing = await self._kept.read(used.id)
        if standing is None or record.request.id not in {use.request_id for use in standing.uses}:
            return say("again.gone", id=used.id)
        lapsed = await lapse_now(standing, self._people, self._store)
        return lapse_text(standing, lapsed) if lapsed else None

    def opening(self, request: Request, decision: Decision, expect: int | None, freeze: Freeze | None) -> Commit:
        """Everything that opening `request` writes, which `decision` decides at once: nobody gets a card to answer."""
        events: list[Event] = [RequestOpened(at=request.opened_at, request=request)]
        events += [RequestFrozen(at=request.opened_at, request_id=request.id, freeze=freeze)] if freeze else []
        events += [RequestDecided(at=decision.at, request_id=request.id, decision=decision)]
        record = after(RequestRecord(request=request), events[1:])
        return Commit(
            run_id=request.run_id,
            events=events,
            expect=expect,
            records=[record_write(record, 0)],
            outgoing=[outbox_entry(self._notice(request, decision, person)) for person in decision.by],
            files=list_contents(request),
            wake=[Wake(WorkItem("run", request.run_id))],
        )

    def _covers(self, standing: Standing, request: Request, repeats: Repeats) -> bool:
        """Return whether it covers the call, by whatever policy: the one that it was granted for may have gone."""
        pattern, call = standing.approval.pattern, request.call
        is_known = set(pattern.open) <= set(repeats.variable) and standing.state == "valid"
        return is_known and call is not None and covers(pattern, call, pattern.policy)

    async def _use(self, standing: Standing, request: Request) -> Decision | None:
        approval = standing.approval
        use = Use(request_id=request.id, run_id=request.run_id, title=request.title, at=request.opened_at)
        number = await self._kept.use(approval.id, use)
        if not number:
            return None
        log.info("used a standing approval", request_id=request.id, standing=approval.id, number=number)
        return Decision(
            state="approved",
            by=approval.granted_by,
            standing=StandingUse(id=approval.id, number=number, of=approval.uses),
            at=request.opened_at,
        )

    def _notice(self, request: Request, decision: Decision, person: PersonId) -> Tell:
        """Return what tells one of those who granted it that it was used."""
        used = decision.standing
        if used is None:
            raise TypeError(f"{request.id} is decided by people")
        with self._people.speaking_to(person):
            title = say("again.used-title", title=request.title.removesuffix("?"))
            who = self._people.names_of(request.askers)
            text = (
                f"{say('again.used', who=who)} {standing_use(decision, self._people)} {say('again.end-it', id=used.id)}"
            )
            card = notice(title, text, decision.at, request.id)
        return tell_about(request, person, card)


def _said_no(record: RequestRecord, run: Run) -> PersonId | None:
    """Return who said no to a request, or cancelled its run before anything of it began."""
    no = no_to(record)
    return no.by if no else run.cancelled_by if record.began_at is None else None


def lapse_text(standing: Standing, lapsed: Lapse) -> str:
    """Return why a standing approval counts no longer, in words."""
    return say(_LAPSES[lapsed], id=standing.approval.id)


async def lapse_now(standing: Standing, people: People, store: Store) -> Lapse | None:
    """Return why a standing approval counts no longer, as the directory is now; None while it does.

    What holds in a session only ends when the call that it was allowed with, or one that it allowed, is taken back, or
    the run of such a call is cancelled: its program makes the same call again.
    """
    approval = standing.approval
    if approval.pattern.session and await _is_taken_back(standing, store):
        return "revoked"
    policy = approval.pattern.policy
    await people.look_up_policy(policy)
    may_ever, found = people.may_ever(policy, standing.now), people.tables.policies.get(policy)
    # What a session does is a program's doing, which the owner of its key may approve where the policy says so.
    may_be_own = bool(approval.pattern.session) and found is not None and found.requester_may_approve
    rules, now = _rules(people, policy), people.snapshot(policy, standing.now, ever=True)
    return lapse(standing, rules, may_ever, people.all(), people.doubles, now=now, may_be_own=may_be_own)


async def _is_taken_back(standing: Standing, store: Store) -> bool:
    """Return whether somebody has said no to one of the calls that `standing` is about, as far as that is known here.

    It may have been too late for that call.
    """
    for of in (standing.approval, *standing.uses):
        run = await store.run(of.run_id)
        record = run.requests.get(of.request_id)
        if run.is_cancelled or (record and no_to(record)):
            return True
    return False


def _rules(people: People, policy: str) -> str:
    """Return the rules of a policy as they are now; empty where it allows no standing approvals."""
    found = people.tables.policies.get(policy)
    return rules_of(found) if found and found.standing else ""


def _is_asked_again(request: Request, run: Run) -> bool:
    """Return whether people were asked about the same step before, or whether it happened: they have it asked again."""
    return any(one.request.step_id == request.step_id for one in run.requests.values())


def _is_proven(run: Run, request: Request) -> bool:
    """Return whether a run is as certainly its requester's word as an approval of theirs would have to be: it began
    and goes on by ways that count.

    Whoever has a mail can send it again, and whoever reads a mailbox can write from it: to begin the run, and to answer
    what it asks.
    """
    started = run.started
    if started is None or started.weakness or run.weakness:
        return False
    ways = {*started.all_ways, *run.ways}
    may_count = counts(request.policy, "use_standing", ways)
    return may_count and not (started.channel == "email" and run.writers)


def with_reasons(request: Request, why: Sequence[str]) -> Request:
    """Return `request` as people are asked it, who read why a standing approval does not spare them that."""
    told = (AuthoredLine(text=one, by=()) for one in why)
    return request.model_copy(update={"changes": (*request.changes, *told)}) if why else request
