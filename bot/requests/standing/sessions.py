"""Standing approvals of one session: an approval of a call of a coding agent may allow the same again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from agents.events import Event, RunCancelled
from agents.requests import PersonId, Request
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.people.directory import People
from bot.policy.sessions import allows_again, pattern_in_session
from bot.policy.standing import Ended, No, Standing, StandingApproval, exact, no_to, rules_of
from bot.policy.whole import is_its_own
from bot.render.cards import notice
from bot.requests.standing.kept import KeptStandings
from bot.store import StoreError
from bot.store.journal import Journal
from bot.store.outbox_entry import tell_about
from language import say, say_many
from language.dates import in_words

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class SessionGrants:
    """Writes down what an approval allows again in its session, and ends that with a denial, however late that is."""

    journal: Journal
    people: People

    async def follow(self, record: RequestRecord, *, is_repeat: bool = False) -> None:
        """Do what the decision of `record` says of its session, once however often it is called.

        An approval that `is_repeat` allows nothing: somebody may have said no to the same call since. It never fails:
        without it people are asked again.
        """
        try:
            if no := no_to(record):
                await self._end(record, no)
            elif record.state == "approved" and allows_again(record) and not is_repeat:
                await self._grant(record)
        except StoreError:
            log.exception("what is allowed again in a session is not written down", request_id=record.request.id)

    async def end_after(self, run: Run, events: Sequence[Event]) -> None:
        """End what a no in `run` ends, whoever wrote it died before that, and what its cancelling ends, as a no to all
        of it that has not begun. Raises StoreError.
        """
        asked = [one for one in run.requests.values() if one.request.again]
        cancelled = next((one for one in events if isinstance(one, RunCancelled)), None) if asked else None
        for record in asked:
            by_cancelling = None
            if cancelled and record.began_at is None:
                by_cancelling = No(run.cancelled_by or PersonId(""), cancelled.at, cancelled.proof)
            if no := no_to(record) or by_cancelling:
                await self._end(record, no)

    async def _grant(self, record: RequestRecord) -> None:
        request, decision, kept = record.request, record.decision, KeptStandings(self.journal.store)
        standing_id = kept.id_for(request.run_id)
        if decision is None or await kept.read(standing_id):
            return
        policy = self.people.tables.policies.get(request.policy.name)
        rules = rules_of(policy) if policy and policy.standing else ""
        may, pattern = request.again, pattern_in_session(request, rules)
        if not rules or may is None or pattern is None:
            await self._tell(record, "again.policy-allows-none")
            return
        if rules != may.rules:  # what counted when it was opened may not be enough by now
            await self._tell(record, "again.policy-changed-since")
            return
        approval = StandingApproval(
            id=standing_id,
            run_id=request.run_id,
            request_id=request.id,
            person=request.requesters[0],
            title=request.title.removesuffix("?"),
            pattern=pattern,
            uses=may.uses,
            until=decision.at + timedelta(seconds=may.within_s),
            granted_by=decision.by,
            granted_at=decision.at,
        )
        is_kept = await kept.grant(approval)
        log.info("allowed again in a session", request_id=request.id, standing=standing_id, granted=is_kept)
        await self._tell(record, "" if is_kept else "again.too-many", approval)

    async def _end(self, record: RequestRecord, no: No) -> None:
        """End what `record` has allowed, and what another request has that allows the very same call."""
        kept, request = KeptStandings(self.journal.store), record.request
        found = await kept.read(kept.id_for(request.run_id)) if any(vote.again for vote in record.votes) else None
        beside = await kept.of_person(request.requesters[0]) if _is_about_call(record, no) else []
        before = [one for one in beside if one.approval.granted_at <= no.at]  # an old no that comes again is no new one
        ends = [*([found] if found else []), *(one for one in before if _allows(one, request))]
        with self.people.speaking_to(""):  # it is kept
            ended = Ended(by=no.by, at=no.at, reason=say("again.taken-back"))
        for one in ends:
            await kept.revoke(one.approval.id, ended, proof=no.proof)

    async def _tell(self, record: RequestRecord, why: str, approval: StandingApproval | None = None) -> None:
        """Tell the approver what holds from now on and how to end it, or `why` nothing does."""
        request, decision = record.request, record.decision
        if decision is None:
            return
        [person] = decision.by
        with self.people.speaking_to(person):
            if why or approval is None:
                text = say("again.session-not", why=say(why, policy=request.policy.name))
            else:
                until = in_words(approval.until)
                text = say_many("again.granted", approval.uses, id=approval.id, until=until)
                text = f"{text} {say('again.end-it', id=approval.id)}"
            title = say("again.session-title", title=request.title.removesuffix("?"))
            card = notice(title, text, decision.at, request.id)
        await self.journal.send(tell_about(request, person, card, once="again in its session"))


def _is_about_call(record: RequestRecord, no: No) -> bool:
    """Return whether a no is about the call, wherever it is asked: people were asked, and one of them says so, and no
    program that takes back what it asked. Who denies one use reads how to end them all.
    """
    is_use = record.decision is not None and record.decision.standing is not None
    return record.request.again is not None and not (is_use or is_its_own(record.request, no.proof))


def _allows(standing: Standing, request: Request) -> bool:
    """Return whether a standing approval holds in the session of `request` and allows its call."""
    pattern = pattern_in_session(request, standing.approval.pattern.rules)
    return standing.state == "valid" and pattern is not None and exact(pattern) == exact(standing.approval.pattern)
