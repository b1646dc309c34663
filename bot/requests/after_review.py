"""What follows from a broken glass: everybody is told at once, and a review of it is started. One commit, once."""

from datetime import datetime, timedelta

import structlog

from agents.events import RunStarted
from agents.requests import Decision, PersonId, RequestId, RunId, Vote
from agents.requests.origin import as_of_person
from agents.requests.record import RequestRecord
from agents.review import REVIEW, Reviewed, context_of, title_of
from agents.run import fold
from bot.archive.keeper import Archive
from bot.config.tables import CHANNELS
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.recognition import as_known_now
from bot.policy.approvers.who import who_of
from bot.policy.glass import broken, decision_by
from bot.render.cards import notice
from bot.render.views import line_of
from bot.render.words import decided, present
from bot.requests.stored import RequestRead, read_request
from bot.store import Commit, Wake, WorkItem
from bot.store.ids import review_of
from bot.store.journal import Journal, outbox_entry, outgoing_id
from bot.store.outbox_entry import Tell
from language import say

log = structlog.stdlib.get_logger()

# Whoever was asleep when it happened, or away over a weekend, can still say what they think of it.
_REVIEW_WITHIN = timedelta(days=7)
# Before that no review leaves the store.
_MAY_HAVE_LEFT = timedelta(days=1)
# It asks once, tells the operators if nobody answers, and ends.
_MAX_STEPS = 5


class AfterReviews:
    """Starts reviews. Whoever hears the alerts hears of every broken glass."""

    def __init__(self, journal: Journal, people: People, archive: Archive) -> None:
        self._journal, self._people, self._archive = journal, people, archive
        self._noted = NotedTables(journal.store)

    async def start(self, request_id: RequestId) -> None:
        """Tell everybody that the glass was broken, and start the review; nothing when that was done before.

        Raises WaitsForFile while a newer file than ours names one who decides and ours does not.
        """
        record, _, now = read = await read_request(self._journal.store, self._archive, request_id)
        await self._people.look_up(self._people.tables.alerts)
        vote = broken(record)
        await self._noted.check_joined(who_of(record).seated_ever if vote else (), self._people)
        commit = self._begun(read, vote, now) if vote and not await self._was_begun(request_id, vote, now) else None
        written = await self._journal.write(commit) if commit else None
        if written and written.state == "committed":
            log.warning("the glass was broken", request_id=request_id, run_id=review_of(request_id))
            return
        done = WorkItem("glass", request_id)
        await self._journal.write(Commit(run_id=record.request.run_id, asleep=[done]))

    async def _was_begun(self, request_id: RequestId, vote: Vote, now: datetime) -> bool:
        """Return whether there is a review: a rebuilt store asks again, and by then it may be in the archive."""
        run_id = review_of(request_id)
        if await self._journal.store.length(run_id):
            return True
        return now > vote.at + _MAY_HAVE_LEFT and await self._archive.run(run_id) is not None

    def _begun(self, read: RequestRead, vote: Vote, now: datetime) -> Commit:
        record, by = read.record, vote.person
        request = record.request
        wanted = reviewed(record, vote, self._people, now)
        with self._people.speaking_to(by):
            text = title_of(wanted)
        run_id = RunId(review_of(request.id))
        started = RunStarted(
            at=now,
            run_id=run_id,
            agent=REVIEW,
            channel=vote.channel,
            requester=by,
            text=text,
            context=context_of(wanted),
            # The file may name whoever set it off once people are asked.
            origin=as_of_person(request.origin),
            max_steps=_MAX_STEPS,
        )
        heard = present(dict.fromkeys((*self._people.alerted(now), *who_of(record).seated_ever)), self._people)
        made = decision_by(vote)
        told = [self._told(record, made, one, run_id, now) for one in heard if one != by]
        return Commit(
            run_id=run_id,
            events=[started],
            expect=0,
            outgoing=[*map(outbox_entry, told)],
            wake=[Wake(WorkItem("run", run_id))],
            asleep=[WorkItem("glass", request.id)],
            summary=line_of(fold([started])),
            commit=run_id,
        )

    def _told(self, record: RequestRecord, decision: Decision, person: PersonId, run_id: RunId, now: datetime) -> Tell:
        request = record.request
        with self._people.speaking_to(person):
            title = say("notice.glass-title", title=request.title.removesuffix("?"))
            card = notice(title, f"{decided(decision, self._people)} {say('notice.glass')}", now, request.id)
        return Tell(
            id=outgoing_id(request.id),
            run_id=run_id,
            person=person,
            reach=CHANNELS,
            card=card,
            thread=f"glass-{request.id}",
        )


def reviewed(record: RequestRecord, vote: Vote, people: People, now: datetime) -> Reviewed:
    """Return what is reviewed once `vote` has broken the glass of `record`, and who is asked."""
    request, by, known = record.request, vote.person, who_of(as_known_now(record, people))
    # Whoever may be one of them could not answer it either.
    out = {other for one in (by, *known.took_part, *known.behind) for other in (one, *people.maybe(one))}
    to = present(known.reviewers, people)
    operators = people.members(people.tables.alerts, now)
    return Reviewed(
        request_id=request.id,
        run_id=request.run_id,
        title=request.title,
        by=by,
        name=people.name_of(by),
        reason=vote.reason,
        to=to or tuple(one for one in operators if one not in out),
        took_part=(*who_of(record).took_part, *request.behind),
        expires_after_s=_REVIEW_WITHIN.total_seconds(),
        remind_after_s=request.policy.remind_after_s,
        quiet_hours=request.policy.quiet_hours,
    )
