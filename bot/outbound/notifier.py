"""Telling people what became of what they asked for or decided."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agents.events import Why
from agents.moves import filled
from agents.relay import Question, wanted_of
from agents.requests import AttemptId, PersonId, PolicySnapshot, Request, RunId, StepId
from agents.requests.asked import asked_at_first
from agents.requests.record import RequestRecord, after
from agents.review import Reviewed, reviewed_of
from agents.run import Run
from agents.steps import RequestHumanInput
from bot.config.tables import CHANNELS
from bot.people.directory import People
from bot.policy.approvers.steps import by_any_of, refilled
from bot.policy.approvers.who import who_at_first, who_of
from bot.render.cards import notice, outcome_card
from bot.render.meanwhile import meanwhile
from bot.render.status_line import status_card, status_line
from bot.render.words import askers_of, asking_now, copies_go_on, present, wish_of
from bot.requests.card_updates import changed, moved, updates_of
from bot.requests.opening import program_of, thread_of, topic_of
from bot.store import Commit
from bot.store.ids import ingress_shard, new_id
from bot.store.journal import Journal, outbox_entry, outgoing_id
from bot.store.outbox_entry import OutboxEntry, ShowStatus, Tell, nearest_first
from channels import Card
from language import say

_Steers = Literal["pause", "resume"]


async def to_person(
    journal: Journal, person: PersonId, title: str, text: str, *, login: str = "", reach: Sequence[str] = CHANNELS
) -> None:
    """Have somebody told what belongs to no run, over the first channel of `reach` that works; `login` as in `Tell`."""
    near = RunId(new_id("run", ingress_shard(person, journal.store.shards)))
    entry = Tell(
        id=outgoing_id(near),
        run_id=near,
        person=person,
        reach=tuple(reach),
        card=notice(title, text, journal.store.about_now()),
        thread=near,
        login=login,
    )
    await journal.send(entry)


def asked_by(run: Run) -> tuple[str, ...]:
    """Return whom the open question of `run` names: `person:…`, `group:…` and `oncall:…`."""
    wanted, step = wanted_of(run), run.pending.step if run.pending else None
    if isinstance(wanted, Question):
        return wanted.to
    return tuple(step.to) if isinstance(step, RequestHumanInput) else ()


@dataclass(frozen=True, slots=True)
class _Shown:
    """The state of a run when it was last to be shown."""

    made: tuple[tuple[AttemptId, str], ...]
    line: str


@dataclass(frozen=True, slots=True)
class News:
    """Outbox entries that show how `run_id` stands now."""

    run_id: RunId
    outgoing: tuple[tuple[str, bytes], ...]
    shown: _Shown


class Notifier:
    """Knows where people are reached: `channels` can carry a card, `edits` of them can change one where it stands."""

    def __init__(self, people: People, channels: Sequence[str], edits: Set[str] = frozenset()) -> None:
        self._people, self._channels, self._edits = people, tuple(channels), edits
        self._progress = Progress(people, edits)

    def reach(self, run: Run) -> tuple[str, ...]:
        """Return the channels for the requester: first the one the trigger came from."""
        came_from = run.started.channel if run.started else ""
        return nearest_first(self._channels, came_from)

    def _requester_of(self, run: Run) -> tuple[PersonId, ...]:
        return self._people.by_now((run.started.requester,) if run.started else ())

    def question_policy(self, run: Run, now: datetime) -> PolicySnapshot:
        """A question goes to whom it names, in any way; else to the requester, where the trigger came from."""
        if reviewed := reviewed_of(run):
            return self._review_policy(reviewed)
        wanted = wanted_of(run)
        if isinstance(wanted, Question):
            refs = self._people.refs(wanted.to)
            to, source = self._people.members(refs, now), ", ".join(refs)
            # The process that opens it serves HTTP and has no channels; those that send have them all.
            return self._people.question(to, CHANNELS, source, wanted.expires_after_s, wanted.urgency)
        step = run.pending.step if run.pending else None
        if isinstance(step, RequestHumanInput) and step.to:
            refs = self._people.refs(step.to)
            return self._people.question(self._people.members(refs, now), CHANNELS, ", ".join(refs))
        there = tuple(filter(self._people.is_here, self._requester_of(run)))
        return self._people.question(there, self.reach(run))

    def _review_policy(self, reviewed: Reviewed) -> PolicySnapshot:
        """Return who says afterwards whether it was right to break the glass: never whoever did."""
        policy = self._people.question(reviewed.to, CHANNELS, "the other approvers", reviewed.expires_after_s)
        more = {"remind_after_s": reviewed.remind_after_s, "quiet_hours": reviewed.quiet_hours}
        return policy.model_copy(update={**more, "requester_may_approve": False})

    def unknown_policies(self, run: Run, record: RequestRecord | None, now: datetime) -> list[PolicySnapshot]:
        """Return who says what became of an effect, the nearest first: who could decide `record`, editors as well.

        Without a gate it is the requester. Where all of them have left, or count no more, it is those who have their
        seats now, whom the policy names now, or the operators.
        """
        # Whatever they wrote since, it is found out and not decided.
        who = replace(who_of(record), requesters=record.request.requesters) if record else None
        old = by_any_of(who) if who else self._people.question(self._requester_of(run), self.reach(run))
        out = who.lost_seat if who else ()
        first = asked_at_first(old)
        seats = refilled(first, (0,), lambda seat: self._people.seated_anew(seat, now, out))
        anew = old.model_copy(update={"rule": filled(first, seats, now).rule})
        return [old, anew, *self._people.who_else_knows(old, now)]

    def _unless_left(self, policy: PolicySnapshot, now: datetime) -> PolicySnapshot:
        """Return `policy`, that of the operators where nobody is here who decides by it."""
        by_operators = self._people.by_operators(policy, now)
        is_theirs = self._is_anybody_here(by_operators) and not self._is_anybody_here(policy)
        return by_operators if is_theirs else policy

    def _is_anybody_here(self, policy: PolicySnapshot) -> bool:
        return any(map(self._people.is_here, who_at_first(policy, ()).approve))

    def go_on_policy(self, run: Run, why: Why, now: datetime) -> PolicySnapshot:
        """Return who decides whether a run goes on: its requester; for an agent's day budget, the operators, if any."""
        operators = self._people.members(self._people.tables.alerts, now) if why == "day" else ()
        to = operators or self._requester_of(run)
        policy = self._people.question(to, self.reach(run), "the operators" if operators else "the requester")
        return self._unless_left(policy, now)

    def outcome(self, run: Run, now: datetime) -> list[tuple[str, bytes]]:
        """Outbox entries that tell how `run` ended: the requester, whoever voted or was asked, and every card's place.

        Who is asked by a program often may vote before anything brought it to them, and who breaks the glass without
        being an approver gets no card: they are told all the same.
        """
        # The others were told when their request was closed, which ends what a program wanted.
        is_closed = program_of(run) and run.results and not run.heard_late
        stop = run.results[-1].stopped if is_closed else None
        news = run.voters & {*stop.by} if stop else run.voters
        entries: list[OutboxEntry] = [
            *updates_of(run, self._edits, lambda person: self._outcome(run, person, now), news=news)
        ]
        # A card that changes where it stands notifies nobody.
        told = {entry.person for entry in entries if entry.card.closes}
        # The end of a child is a step of its parent, whose end is told: maybe before an effect of the child had ended.
        if run.started and (run.started.parent is None or run.heard_after or _has_outlasted(run)):
            untold = [one for one in askers_of(run, self._people) if one not in told]
            entries += [self._ending(run, one, now) for one in untold]
            told |= {*untold}
        # Whoever breaks the glass need not be among those who were asked.
        may_lack_card = news if run.started and run.started.asked_with else news & {*run.broke_glass.values()}
        without_card = (may_lack_card | self._asked_back(run)) - told - {held.person for held in run.cards}
        entries += [self._ending(run, one, now) for one in sorted(asking_now(without_card, self._people))]
        return [outbox_entry(entry) for entry in entries]

    def news(self, run: Run, now: datetime) -> News | None:
        """Return what to show of `run` in channels that can show it as it goes, unless `shown` was told so before."""
        return self._progress.news(run, now)

    def shown(self, news: News) -> None:
        """The entries of `news` are in the outbox."""
        self._progress.shown(news)

    def steered(
        self, run: Run, verb: _Steers, by: PersonId, now: datetime, copies: Sequence[RunId] = ()
    ) -> list[tuple[str, bytes]]:
        """Outbox entries that tell whoever asked for `run` that somebody else pauses or resumes it, if that is news;
        and which `copies` go on in spite of that.
        """
        if run.started is None or run.is_paused == (verb == "pause"):
            return []
        told = present({*askers_of(run, self._people)} - {by}, self._people)
        return [outbox_entry(self._tell(run, one, self._steered(run, verb, by, one, now, copies))) for one in told]

    def in_pause(self, run: Run, now: datetime) -> Mapping[str, list[tuple[str, bytes]]]:
        """Outbox entries that tell whoever asked for a paused `run` what becomes of it meanwhile, news by news; and
        whoever allowed something what came of that, where no card of theirs for it shows it.

        Its end, which says so as well, comes once somebody resumes it, and maybe never.
        """
        told = defaultdict[str, list[tuple[str, bytes]]](list)
        askers = (*present(askers_of(run, self._people), self._people), *sorted(self._asked_back(run)))
        for person in dict.fromkeys((*askers, *asking_now(sorted(run.voters), self._people))):
            with self._people.speaking_to(person):
                paused = say("notice.paused", wish=wish_of(run.started, _WISH_CHARS), id=run.id)
                for news in meanwhile(run, self._people, self._edits):
                    card = notice(news.title, f"{news.text} {paused}".strip(), now, run.id)
                    if person not in news.by and person in (*askers, *news.allowed_by):
                        told[news.what].append(outbox_entry(self._tell(run, person, card)))
        return told

    def redrawn(self, record: RequestRecord, now: datetime) -> list[tuple[str, bytes]]:
        """Outbox entries that show how a request stands now, wherever a card of it can be changed."""
        return [outbox_entry(entry) for entry in moved(record, self._edits, now)]

    def _steered(
        self, run: Run, verb: _Steers, by: PersonId, person: PersonId, now: datetime, copies: Sequence[RunId]
    ) -> Card:
        with self._people.speaking_to(person):
            wish = wish_of(run.started, _WISH_CHARS)
            title, text = _STEERED[verb]
            told = say(text, wish=wish, id=run.id) + copies_go_on(copies)
            return notice(say(title, name=self._people.name_of(by)), told, now, run.id)

    def with_unknown(self, commit: Commit, run: Run, request: Request, now: datetime) -> Commit:
        """`commit`, which opens an UNKNOWN question, and a word to whoever wanted it where others are asked now."""
        stands = after(RequestRecord(request=request), commit.events)  # of some who are away others are asked instead
        asked = present(who_of(stands).approve, self._people)
        untold = [one for one in self._who_wanted(run, request.step_id) if one not in asked]
        entries = [self._tell(run, one, self._unknown(run, request, asked, one, now)) for one in untold]
        return replace(commit, outgoing=[*commit.outgoing, *map(outbox_entry, entries)])

    def _who_wanted(self, run: Run, step_id: StepId) -> tuple[PersonId, ...]:
        """Return who asked for a step, and who broke the glass for it: they need not be among those who are asked."""
        broke = (one for about, one in run.broke_glass.items() if run.requests[about].request.step_id == step_id)
        return tuple(dict.fromkeys((*askers_of(run, self._people), *asking_now(broke, self._people))))

    def _unknown(self, run: Run, request: Request, asked: Sequence[PersonId], person: PersonId, now: datetime) -> Card:
        with self._people.speaking_to(person):
            key = "notice.unknown" if asked else "notice.unknown-nobody"
            text = say(key, title=request.title, names=self._people.names_of(asked))
            return notice(say("notice.unknown-title"), text, now, run.id)

    def _outcome(self, run: Run, person: PersonId, now: datetime) -> Card:
        with self._people.speaking_to(person):
            return outcome_card(run, self._people, now)

    def _asked_back(self, run: Run) -> set[PersonId]:
        """Return who was asked about what `run` wants, and would hear no end, as others began it: of a copy, say."""
        sent = ((record, one) for record in run.requests.values() for one in record.comments if one.was_sent)
        asked = {person for record, one in sent for person in record.askers if person != one.person}
        return {*asking_now(asked, self._people)} - {*askers_of(run, self._people)}

    def _ending(self, run: Run, person: PersonId, now: datetime) -> Tell:
        return self._tell(run, person, self._outcome(run, person, now))

    def _tell(self, run: Run, person: PersonId, card: Card) -> Tell:
        card = card.model_copy(update={"topic": topic_of(run)})
        return Tell(
            id=outgoing_id(run.id),
            run_id=run.id,
            person=person,
            reach=self.reach(run),
            card=card,
            thread=thread_of(run),
        )


def _has_outlasted(run: Run) -> bool:
    """Return whether `run` was stopped with its parent while an effect was under way."""
    last, result = run.made[-1] if run.made else None, run.results[-1] if run.results else None
    if run.stopped_with is None or last is None or not last.changes or last.never_began:
        return False
    return last.state == "unknown" or (result is not None and result.step_id == last.step_id)


_STEERED = {
    "pause": ("notice.paused-title", "notice.paused"),
    "resume": ("notice.resumed-title", "notice.resumed"),
}
_WISH_CHARS = 200
# Runs that a process remembers; what is forgotten is shown once more.
_REMEMBERED = 10_000


class Progress:
    """Remembers, for one process, what it had shown. It is only ever shown too often: after a restart, say."""

    def __init__(self, people: People, edits: Set[str]) -> None:
        self._people, self._edits = people, edits
        self._shown = dict[RunId, _Shown]()

    def news(self, run: Run, now: datetime) -> News | None:
        """Return what differs from what was `shown` of `run`; None if nothing can be shown, or nothing differs."""
        has_line = run.started is not None and run.started.channel in self._edits and bool(run.started.thread)
        if not has_line and not run.made:
            return None
        line = status_line(run, _record(run), self._people) if has_line else ""
        queued = run.queued.attempt_id if run.queued else None
        made = tuple((one.id, "queued" if one.id == queued else one.state) for one in run.made)
        before, shown = self._shown.get(run.id), _Shown(made, line)
        if shown == before:
            return None
        known = set(before.made) if before else set(made[:-1])
        news = [one for one, stands in zip(run.made, made, strict=True) if stands not in known]
        about = {one.request_id for one in news if one.request_id}
        entries = list[OutboxEntry]()
        if about:
            entries += updates_of(run, self._edits, lambda _: changed(say("notice.tool-call"), now), about=about)
        if line and (before is None or before.line != line):
            entries.append(status_entry(run, line, now))
        return News(run.id, tuple(map(outbox_entry, entries)), shown)

    def shown(self, news: News) -> None:
        """The entries of `news` are in the outbox."""
        self._shown.pop(news.run_id, None)
        self._shown[news.run_id] = news.shown
        if len(self._shown) > _REMEMBERED:
            del self._shown[next(iter(self._shown))]


def status_entry(run: Run, line: str, now: datetime) -> ShowStatus:
    """Shows how `run` stands when it is sent, in the thread where it began."""
    started = run.started
    return ShowStatus(
        id=outgoing_id(run.id),
        run_id=run.id,
        person=started.requester if started else PersonId(""),
        reach=(started.channel,) if started else (),
        card=status_card(line, now),
        thread=thread_of(run),
    )


def _record(run: Run) -> RequestRecord | None:
    request = run.pending.request if run.pending else None
    return run.requests.get(request.id) if request and run.open == request.id else None
