"""The ways people steer a run besides deciding: pause, resume, cancel, withdraw, edit."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from pydantic import JsonValue

from agents import Agent, ToolRefused
from agents.events import Event, RunCancelled, RunPaused, RunResumed
from agents.requests import Decision, GatedCall, PersonId, Request, RequestId, RunId, bound_to
from agents.requests.proof import Proof
from agents.requests.record import after
from agents.run import Run, fold
from agents.steps import CallTool
from bot.archive.keeper import Archive
from bot.errors import Conflict, Forbidden, NotFound
from bot.execution.approval_guard import call_of
from bot.execution.executor import gate_now, prepare
from bot.outbound.notifier import Notifier
from bot.policy.answers import Statement
from bot.policy.approvers.concern import concern_of
from bot.policy.judgements import AlreadyDecided, ClosedOtherwise, NotEntitled
from bot.render.outcome import how_ended
from bot.render.words import state_word
from bot.requests.decisions import Decisions, Outcome
from bot.requests.edits import Edit
from bot.requests.opening import who_asked
from bot.requests.stored import copies_of
from bot.runs.children import Children
from bot.runs.loop import question_of
from bot.store import Commit, Wake, WorkItem, folded
from bot.store.commit import MAX_EVENTS_AT_ALL, RecordWrite
from bot.store.journal import Journal, record_write
from language import say


class Steering:
    """Each verb is one append; what follows from it is the loop's business."""

    def __init__(
        self,
        journal: Journal,
        decisions: Decisions,
        agents: Mapping[str, Agent],
        archive: Archive,
        children: Children,
        notifier: Notifier,
    ) -> None:
        self._journal, self._decisions, self._agents, self._archive = journal, decisions, agents, archive
        self._children, self._notifier = children, notifier

    async def steer(
        self,
        run_id: RunId,
        verb: Literal["pause", "resume", "cancel"],
        by: PersonId,
        *,
        proof: Proof | None,
        above: RunId | None = None,
    ) -> Run:
        """The run after the verb, which holds for the runs that it started as well. Raises Conflict when it makes no
        sense now, and WaitsForFile as long as a newer file than ours names whom it acts for.

        `proof` is of who says so, here and in what follows. `above` is the run with which it is paused.
        """
        while True:
            loaded = await self._journal.store.load(run_id)
            archived = None if loaded.events else await self._archive.run(run_id)
            run, now = await folded(archived.events if archived else loaded.events), loaded.now
            if run.started is None:
                raise NotFound(say("error.no-run", run=run_id), say("error.runs-listed"))
            if run.ended:
                ended = say("run.has-ended", run=run_id, outcome=how_ended(run.ended))
                raise Conflict(ended, say("run.nothing-changed"))
            if verb != "cancel" and run.is_cancelled:
                raise Conflict(say("run.is-cancelled", run=run_id), say("run.nothing-changed"))
            full = Conflict(say("run.run-full"), say("run.nothing-changed"))
            if run.seq >= MAX_EVENTS_AT_ALL:  # before anything below it changes
                raise full
            if verb != "cancel" and above is None:  # whoever asked hears it
                await self._decisions.check_joined((run.started.requester,))
            kinds: dict[str, Event] = {
                "pause": RunPaused(at=now, by=by, parent=above, proof=proof),
                "resume": RunResumed(at=now, by=by, proof=proof),
                "cancel": RunCancelled(at=now, by=by, proof=proof),
            }
            wake = [Wake(WorkItem("run", run_id))]
            commit = Commit(run_id=run_id, events=[kinds[verb]], expect=run.seq, wake=wake, limit=MAX_EVENTS_AT_ALL)
            if verb != "cancel":  # the end is told
                # First what is below: whoever dies over it leaves a run that does not say yet what holds for it alone.
                await self._steer_below(run, verb, by, proof)
                copies = await self._copies(run) if verb == "pause" and above is None else ()
                told = self._notifier.steered(run, verb, by, now, copies) if above is None else []
                commit = await self._on_cards(commit, run, told)
            written = await self._journal.write(commit)
            if written.state == "committed":
                steered = fold(commit.events, run)
                if verb == "cancel":  # who approves what they ask has it started before the turn of this run comes
                    await self._children.stop_all(steered)
                else:
                    await self._settle_below(run_id, verb, by, proof)
                return steered
            if written.state == "full":
                raise full

    async def _copies(self, run: Run) -> Sequence[RunId]:
        """Return the runs that were made from `run` and go on, of which those who asked for it may know."""
        askers = who_asked(run)
        return await copies_of(
            self._journal.store, run.id, lambda copy: not concern_of(copy).everybody.isdisjoint(askers)
        )

    async def _on_cards(self, commit: Commit, run: Run, told: Sequence[tuple[str, bytes]]) -> Commit:
        """`commit` with what its event makes of what `run` asks: what a yes does is another thing then."""
        records, outgoing = list[RecordWrite](), [*told]
        for request_id in [about for about, one in run.requests.items() if one.state == "open"]:
            record, version, now = await self._decisions.request(request_id)
            stands = after(record, commit.events)
            if stands != record:
                records.append(record_write(stands, version))
                outgoing += self._notifier.redrawn(stands, now)
        return replace(commit, records=records, outgoing=outgoing)

    async def _settle_below(
        self, run_id: RunId, verb: Literal["pause", "resume"], by: PersonId, proof: Proof | None
    ) -> None:
        """Have what a run started paused, or go on, as the run itself is by now; also what it began meanwhile.

        Somebody else may have said the reverse meanwhile, and looked below it before.
        """
        run, was_paused = await self._journal.store.run(run_id), None
        while run.is_paused is not was_paused:
            was_paused, is_so = run.is_paused, run.is_paused == (verb == "pause")
            said = (by, proof) if is_so else (run.paused_by or by, None)
            await self._steer_below(run, "pause" if run.is_paused else "resume", *said)
            run = await self._journal.store.run(run_id)

    async def _steer_below(self, run: Run, verb: Literal["pause", "resume"], by: PersonId, proof: Proof | None) -> None:
        """Pause or resume what `run` has started; what somebody paused by itself stays so.

        What a run started that is paused already may have been resumed by itself, and is paused with it once more. What
        has not begun to think may just pause itself as it `began_too_late`, unless it was resumed.
        """
        for child in run.children:
            if child.run_id in run.ended_children:
                continue
            below = await self._journal.store.run(child.run_id)
            is_due = not below.is_paused if verb == "pause" else below.paused_with == run.id
            is_due |= not below.is_paused and below.facts is None
            if below.started and is_due:
                with suppress(Conflict):  # it has ended
                    await self.steer(child.run_id, verb, by, proof=proof, above=run.id)
            elif verb == "pause":
                await self._steer_below(below, verb, by, proof)

    async def withdraw(self, request_id: RequestId, by: PersonId, why: str, proof: Proof) -> Outcome:
        """Take back a request that is open, or approved and not started; its outcome may be of the one in its place.

        Raises Forbidden for anybody but a requester, and Conflict when it is closed or was started: then only what has
        not begun stops.
        """
        read = await self._decisions.request(request_id)
        request = read.record.request
        statement = Statement(
            reply_id=f"withdraw-{secrets.token_hex(8)}",
            person=by,
            binding=bound_to(request, "request"),
            said="withdraw",
            text=why,
            proof=proof,
        )
        outcome = await self._decisions.answer(request_id, statement, read)
        match outcome.judgement:
            case NotEntitled(why="not_withdrawn"):
                raise Conflict(outcome.words, say("run.withdraw-unknown-do"))
            case NotEntitled():
                raise Forbidden(say("run.not-your-request"), say("run.not-your-request-do"))
            case ClosedOtherwise(state=state) | AlreadyDecided(decision=Decision(state=state)):
                closed = say("run.withdraw-closed", request=request_id, state=state_word(state))
                raise Conflict(closed, say("run.nothing-changed"))
            case _ if not outcome.counts:
                raise Conflict(outcome.words, say("run.look-again"))
            case _:
                return outcome

    def edit(self, values: Mapping[str, JsonValue]) -> Edit:
        """Return the change of these arguments, for `Decisions.answer`: the call is prepared by its agent."""
        return Edit(values, self._called)

    async def _called(
        self, request: Request, arguments: Mapping[str, JsonValue]
    ) -> tuple[GatedCall, Callable[[], str]]:
        """The call with these arguments as it would be made now, and its title. Raises ToolRefused."""
        run = await self._journal.store.run(request.run_id)
        agent = self._agents.get(run.started.agent) if run.started else None
        if agent is None or request.call is None:
            raise ToolRefused(say("error.amend-approvals-only"))
        step = CallTool(tool=request.call.tool, arguments=dict(arguments))
        tool, args, effect = await prepare(agent, run, step)
        if gate_now(agent, tool, args) != request.policy.name:
            raise ToolRefused(say("error.amend-other-policy"))
        return call_of(tool, args, effect), lambda: question_of(agent, step, effect)
