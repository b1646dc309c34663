"""Runs that a run starts as a step of its own: begun once, in its shard, and its end is news to who started it."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import structlog
from pydantic import JsonValue

from agents import ChildRun, ToolRefused
from agents.changes import change_of, changed_in, with_changes
from agents.context.pruning import authors
from agents.deploy.results import live_seen
from agents.events import (
    MOST_BELOW,
    MOST_CHILDREN,
    AnswerNoted,
    CardDelivered,
    Change,
    ChildStarted,
    DeliveryFailed,
    Event,
    OutsideReported,
    Parent,
    RunCancelled,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    ToolOrphaned,
    own,
)
from agents.requests import Author, DeliveryId, PersonId, RunId, StepId
from agents.run import Run, fold
from agents.state import failed_command
from bot.config.tables import AgentConfig
from bot.outbound.raw_mail import RawMail
from bot.people.refusals import Refusals
from bot.people.rights import Rights
from bot.policy.approvers.who import who_of
from bot.render.became import told_of
from bot.render.outcome import by_people, is_only_said, stopped, stopped_for_parent, word_of
from bot.render.views import line_of
from bot.requests.opening import are_own, everybody_behind, thread_of, who_asked
from bot.runs.budgets import allowance_of_child, set_aside
from bot.runs.endings import goes_on
from bot.runs.start import TEXT_BYTES
from bot.store import Commit, Store, Wake, WorkItem
from bot.store.attachments import contents_of
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.ids import derived_id
from bot.store.indexes import said_to
from bot.store.journal import Journal
from language import say

log = structlog.stdlib.get_logger()

# Runs that start runs that start runs: whoever needs more has a loop as well.
_DEEPEST = 3
# Twice as long as a run waits for one of them.
_COUNTED_S = 60 * 86_400.0


class Left(NamedTuple):
    """What children that are stopped leave behind: what `goes_on` all the same, and what each of them had changed."""

    goes_on: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    def beside(self, other: "Left") -> "Left":
        """Return it with what `other` children leave."""
        return Left((*self.goes_on, *other.goes_on), (*self.changes, *other.changes))


class Children:
    """Starts, looks at and stops children of the agents that there are, within the `budgets` of the settings.

    Every write may be repeated: ids are derived from the step, so that the same child is meant each time.
    """

    def __init__(
        self, journal: Journal, agents: Collection[str], budgets: Mapping[str, AgentConfig], rights: Rights
    ) -> None:
        self._journal, self._agents, self._budgets, self._rights = journal, agents, budgets, rights
        self.mailing = RawMail(journal)

    async def start(
        self,
        run: Run,
        step_id: StepId,
        agent: str,
        text: str,
        key: str,
        context: Mapping[str, JsonValue],
        *,
        with_files: bool = False,
    ) -> RunId:
        """The child of `run` that this step begins under `key`. Raises ToolRefused."""
        child_id = RunId(derived_id("run", step_id, f"child {key}"))
        if (parent := run.started) is None:
            raise ToolRefused(say("run.child-not-started"))
        depth = parent.parent.depth + 1 if parent.parent else 1
        await self._check_may(parent.requester, agent, run.id)
        self._check(agent, text, depth)
        at = self._journal.store.about_now(run.id)
        by_model = _is_of_model(run, text)
        wanted = ChildStarted(
            at=at, step_id=step_id, run_id=child_id, agent=agent, text=text, key=key, by_model=by_model
        )
        run, begun = await self._noted(run.id, wanted)
        files, others = parent.files if with_files else (), everybody_behind(run)
        started = RunStarted(
            at=at,
            run_id=child_id,
            agent=agent,
            channel=parent.channel,
            thread=thread_of(run),
            requester=parent.requester,
            text=text,
            context=dict(context),
            submitter=parent.submitter,
            service=parent.service,
            holders=parent.holders,
            origin=parent.origin,
            files=files,
            **allowance_of_child(self._budgets, agent, run),
            parent=Parent(
                run_id=run.id,
                step_id=step_id,
                depth=depth,
                root=parent.root,
                max_tokens=begun.max_tokens,
                max_cost_usd=begun.max_cost_usd,
                is_verbatim=text == parent.text and are_own(run),
                by_model=by_model,
                by_mail="email" in run.ways,
            ),
            inherits=tuple(person for person in others if person != parent.requester),
            only_read=tuple(person for person in others if person not in who_asked(run)),
            weakness=_weakness(parent, run),
            ways=tuple(dict.fromkeys((*parent.ways, *run.ways))),
        )
        files_of = await contents_of(self._journal.store.client, run.id, files)
        await self._journal.write(_beginning(started, files_of))
        log.info("child run", child_id=child_id, agent=agent)
        return child_id

    async def _noted(self, run_id: RunId, wanted: ChildStarted) -> tuple[Run, ChildStarted]:
        """The parent with the child that is `wanted`, noted once with what it is given. Raises ToolRefused.

        Each sees what was given to those before: two that are started at once do not get the same money.
        """
        while True:
            run = await self._journal.store.run(run_id)
            if run.ended:
                raise ToolRefused(say("run.child-after-end"))
            if known := next((child for child in run.children if child.run_id == wanted.run_id), None):
                return run, known
            await self._check_count(run, wanted.run_id)
            own = allowance_of_child(self._budgets, wanted.agent, run)
            given = set_aside(run, own, is_one_of_several=bool(wanted.key))
            event = wanted.model_copy(update={"max_tokens": given.tokens, "max_cost_usd": given.cost_usd})
            commit = Commit(run_id=run_id, events=[event], expect=run.seq, limit=MAX_EVENTS_AT_ALL)
            written = await self._journal.write(commit)
            if written.state == "full":
                raise ToolRefused(say("run.child-too-many-events"))

    async def _check_count(self, run: Run, child_id: RunId) -> None:
        if len(run.children) >= MOST_CHILDREN:
            raise ToolRefused(say("run.child-too-many", count=MOST_CHILDREN))
        root = run.started.root if run.started else run.id
        if not await self._journal.store.admit(f"runs below {root}", child_id, MOST_BELOW, _COUNTED_S):
            raise ToolRefused(say("run.child-too-many-below", count=MOST_BELOW, run=root))

    async def look(self, run: Run, child_id: RunId) -> ChildRun:
        """Return the state of a child. Raises ToolRefused for a run that is not a child of `run`."""
        child, events = await self._child(run, child_id)
        await self.notify_parent(child, events)  # who wrote to it is known before what came of it is
        # What the run goes on by makes a requester of whoever answered it, and that is known of one that has ended.
        answered = [one for one in child.results if one.kind == "answered"] if child.ended else []
        answers = tuple((person, one.text) for one in answered for person in one.by)
        printed, only_said = await self._printed(child), child.ended is not None and is_only_said(child.ended)
        told, stop = told_of(child, self._rights.people), stopped(child)
        # Whose question was closed before its time, for a reason that code gives, has not kept silent.
        how = stop and ("withdrawn" if stop.how == "expired" and stop.reason else stop.how)
        how = "cancelled" if child.ended and child.cancelled_by and child.stopped_with is None else how
        return ChildRun(child_id, child.state, told, answers, _reached(events), printed, only_said, how)

    async def _printed(self, child: Run) -> str:
        """What the command printed over which `child` failed, as it is kept beside that run; empty if there is none."""
        failure = failed_command(child.made) if child.ended and word_of(child) == "failed" else None
        if failure is None:
            return ""
        kept = await contents_of(self._journal.store.client, child.id, failure.files)
        return "\n".join(content.decode(errors="replace") for _, content in kept)

    async def stop(self, run: Run, child_id: RunId) -> None:
        """Cancel a child that has not ended, with `run`, or for it. Raises ToolRefused as `look` does."""
        child, _ = await self._child(run, child_id)
        await self._cancel(child, run.cancelled_by, run.id)

    async def _cancel(self, run: Run, by: PersonId | None, parent: RunId | None = None) -> None:
        if run.started is None or run.ended or run.is_cancelled:
            return
        event = RunCancelled(at=self._journal.store.about_now(run.id), by=by, parent=parent)
        wake = [Wake(WorkItem("run", run.id))]
        commit = Commit(run_id=run.id, events=[event], wake=wake, limit=MAX_EVENTS_AT_ALL, is_there=True)
        await self._journal.write(commit)

    async def stop_all(self, run: Run) -> Left:
        """Stop the children of `run` and theirs, for whom nobody waits any more; what they leave behind."""
        left = Left()
        for child in run.children:
            # A crash may have come before it began.
            if child.run_id not in run.ended_children and await self._journal.store.length(child.run_id):
                left = left.beside(await self._stopped(run, child.run_id))
        return left

    async def _stopped(self, run: Run, child_id: RunId) -> Left:
        """Stop a child and those below it: what they had begun. One that was stopped before may have ended since."""
        await self.stop(run, child_id)
        child, events = await self._child(run, child_id)
        if child.ended and child.stopped_with is None:
            return Left(changes=(child.ended.change,))
        child = _without_turn(fold(event for event in events if not isinstance(event, RunEnded)))
        below = await self.stop_all(child)
        own = change_of(None, with_changes(child, below.changes))
        return Left((*filter(None, [goes_on(child)]), *below.goes_on), (own,))

    async def began_too_late(self, run: Run, events: Sequence[Event]) -> RunCancelled | RunPaused | None:
        """Return the event that stops or pauses a child begun after its parent did so with its children; None if it may
        go on.

        Whoever begins a child may be held up for so long that the parent is over by then. What was resumed by its
        `events` goes on: what is below a run is resumed first.
        """
        parent = run.started.parent if run.started else None
        if parent is None:
            return None
        loaded = await self._journal.store.load(parent.run_id)
        above = fold(loaded.events)
        if above.is_cancelled or above.budget.over:
            return RunCancelled(at=loaded.now, by=above.cancelled_by, parent=above.id)
        is_late = above.is_paused and not any(isinstance(event, RunResumed) for event in events)
        return RunPaused(at=loaded.now, by=above.paused_by, parent=above.id) if is_late else None

    async def notify_parent(self, run: Run, events: Sequence[Event]) -> None:
        """The end of `run`, of these events, is news to the run that started it, and so is what it is heard to have
        changed after that; told once, or harmlessly again.
        """
        parent = run.started.parent if run.started else None
        if parent is None or run.ended is None:
            return
        await self._stop_above(run, events)
        loaded = await self._journal.store.load(parent.run_id)
        above = fold(loaded.events)
        heard = above.ended_children.get(run.id)
        is_news = heard or not above.ended or run.ended.change in {"changed", "partly", "failed"}
        if heard == run.ended.change or not is_news:
            return
        spent = run.budget.spent
        news = OutsideReported(
            at=loaded.now,
            report_id=run.id,
            handle=run.id,
            text=word_of(run),
            by=_read_in(events),
            by_mail="email" in run.ways,
            ways=run.ways,
            weakness=run.weakness,
            tokens=spent.tokens,
            cost_usd=spent.cost_usd,
            change=run.ended.change,
            live=live_seen(run),
            changed_in=changed_in(run),
            stopped=stopped_for_parent(run),
            by_people=by_people(run),
            ended_at=run.ended.at,
        )
        wake = [Wake(WorkItem("run", parent.run_id))]
        commit = Commit(run_id=parent.run_id, events=[news], wake=wake, limit=MAX_EVENTS_AT_ALL, is_there=True)
        await self._journal.write(commit)

    async def _stop_above(self, run: Run, events: Sequence[Event]) -> None:
        """Stop what the words were said to as well that stopped `run` only as their writer never said what they meant:
        the run in whose thread they stand.
        """
        story, store = [*own(events)], self._journal.store
        ends = (one for one in story if isinstance(one, RunCancelled))
        if not any(one.parent is None and one.proof is None for one in ends):
            return
        noted = [one for one in story if isinstance(one, AnswerNoted) and one.outcome == "stop_or_answer"]
        for reply_id in [one.reply_id for one in noted if one.person == run.cancelled_by]:
            for name in (await store.remembered(said_to(reply_id)) or b"").decode().split():
                await self._cancel(await store.run(RunId(name)), run.cancelled_by)
                await self.stop_all(await store.run(RunId(name)))

    async def _child(self, run: Run, child_id: RunId) -> tuple[Run, Sequence[Event]]:
        events = (await self._journal.store.load(child_id)).events
        child = fold(events)
        parent = child.started.parent if child.started else None
        if parent is None or parent.run_id != run.id:
            raise ToolRefused(say("run.child-unknown", run=child_id))
        return child, events

    async def _check_may(self, requester: PersonId, agent: str, run_id: RunId) -> None:
        if denied := self._rights.trigger_denial(requester, agent):
            await Refusals(self._journal.store).note(requester, "trigger", denied.what, None, run_id=run_id)
            raise ToolRefused(f"{denied.what}. {denied.do}")

    def _check(self, agent: str, text: str, depth: int) -> None:
        if agent not in self._agents:
            there = say("run.there-are", names=", ".join(self._agents))
            raise ToolRefused(f"{say('run.unknown-agent', name=agent)}. {there}")
        if depth > _DEEPEST:
            raise ToolRefused(say("run.child-too-deep", count=_DEEPEST))
        if not text.strip() or len(text.encode()) > TEXT_BYTES:
            raise ToolRefused(say("run.child-text", limit=TEXT_BYTES))


def _read_in(events: Sequence[Event]) -> tuple[Author, ...]:
    """Return whose words may be in what a child with these events comes to, beside those with which it was begun: these
    its parent knows. To which call they said no is not to be seen there.
    """
    own = (one for one in authors(events) if one.part not in {"asked", "key", "inherited", "behind"})
    return tuple(dict.fromkeys(one.model_copy(update={"no_to": ""}) for one in own))


def _weakness(parent: RunStarted, run: Run) -> str:
    """Return why a child proves too little: as its parent does, which a mail may have steered."""
    steered = "parent written to" if parent.channel == "email" and run.writers else ""
    return parent.weakness or run.weakness or steered


def _beginning(started: RunStarted, files: Sequence[tuple[str, bytes]]) -> Commit:
    return Commit(
        run_id=started.run_id,
        events=[started],
        expect=0,
        wake=[Wake(WorkItem("run", started.run_id))],
        summary=line_of(fold([started])),
        files=files,
        commit=started.run_id,
    )


def _is_of_model(run: Run, text: str) -> bool:
    """Return whether a model worded the `text` of a child of `run`, or what the run itself began with."""
    started, pending = run.started, run.pending
    is_inherited = bool(started and started.is_of_model)
    return is_inherited or (pending is not None and pending.by_model and text != run.text)


def _without_turn(child: Run) -> Run:
    """Return a child as it is once what waits for its turn is given up: of a run that is cancelled it never begins."""
    queued = child.queued
    if queued is None or not child.is_cancelled:
        return child
    return fold([ToolOrphaned(at=queued.at, attempt_id=queued.attempt_id, may_have_started=False)], child)


async def busy_with(store: Store, run_id: RunId, person: PersonId) -> RunId:
    """The run itself, or the one child that its step waits for, or that one's: where words of `person` about it belong.

    Of several children, as those of a survey, that is the one that asks them.
    """
    run = await store.run(run_id)
    if run.pending is None or run.pending.waits is None:
        return run_id
    children = [child.run_id for child in run.children if child.step_id == run.pending.id]
    if len(children) > 1:
        children = [one for one in children if _waits_for(await store.run(one), person)]
    if len(children) != 1 or (await store.run(children[0])).ended:
        return run_id
    return await busy_with(store, children[0], person)


def _waits_for(run: Run, person: PersonId) -> bool:
    """Return whether `run` asks `person` something, or waits to begin what they may still deny."""
    asked = (one for one in run.requests.values() if one.state == "open" or one.waits)
    return any(person in {*who.approve, *who.deny} for who in map(who_of, asked))


def _reached(events: Sequence[Event]) -> tuple[PersonId, ...]:
    """Return the people who have a card that its channel did not give back later."""
    cards = dict[DeliveryId, PersonId]()
    for event in events:
        if isinstance(event, CardDelivered) and event.person:
            cards[event.delivery_id] = event.person
        elif isinstance(event, DeliveryFailed):
            cards.pop(event.delivery_id, None)
    return tuple(dict.fromkeys(cards.values()))
