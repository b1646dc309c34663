"""The requests of a run by the pure rules: what `judge` makes of each answer is an event, and a fold says what stands.

There is no store here, no worker, no channel, and no clock but a number.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal, cast

from pydantic import JsonValue

from agents.context.pruning import authors
from agents.events import Event, RequestDecided, RequestFrozen, RequestOpened, RequestReassigned, RequestRevised
from agents.requests import AttemptId, Decision, Effect, Freeze, GatedCall, PersonId, Request
from agents.requests.moves import Move
from agents.requests.record import RequestRecord
from agents.review import REVIEW, context_of
from agents.review import next_step as next_of_review
from agents.run import Run, fold
from agents.steps import CallTool, Done, Step
from bot.outbound.notifier import Notifier
from bot.people.directory import People
from bot.people.offers import offers
from bot.people.recognition import as_known_now, doubles_in, whose_votes_count, with_other_ids
from bot.policy.answers import Statement, events_of, read_answer
from bot.policy.approvers.delegation import Absent, passed, people_involved, stood_in_for
from bot.policy.approvers.delegation import objection as not_to_them
from bot.policy.approvers.who import who_at_first
from bot.policy.due import next_due
from bot.policy.glass import broken
from bot.policy.judge import judge, objection
from bot.policy.judgements import Counted
from bot.policy.offers import Can
from bot.policy.recheck import why_not
from bot.requests.after_review import reviewed
from bot.requests.edits import Edit, judged
from bot.requests.opening import NotEnoughApprovers, gate_request, question_request, unknown_request
from bot.requests.reassignment.timing import escalation
from bot.store.ids import new_id, review_of
from bot.testing import events as build
from tests.kit.clerk import next_step
from tests.kit.house import statement
from tests.kit.surfaces import Verb, lines

Does = Verb | Literal["withdraw", "write", "away"]
"""What somebody does here: what every surface has, and what is done beside an answer.

To `write` is to say something to the run; who is `away` may name who stands in.
"""
Happens = Literal["pause", "resume", "freeze", "finish", "lose", "review"]
"""What happens to the run: nothing starts, or again; the tool ends, or is lost; what was done in an emergency is
reviewed.
"""


class Core:
    """What Anna wants of the clerk, by the rules of `people`. What is approved starts unless it is paused.

    Whatever is pressed is behind `policy`.
    """

    def __init__(self, people: People, policy: str, wants: str) -> None:
        self._people, self._policy, self._now, self._is_paused = people, policy, build.NOON, False
        self._notifier = Notifier(people, ("email",))
        self.pressed = ""
        # A child's requesters are its parent's: here Anna alone.
        text = wants.removeprefix("start_run ").replace(";", "\n")
        self._events: list[Event] = [build.started(text, run_id=new_id("run", 0), requester="anna")]
        self._go_on()

    @property
    def _run(self) -> Run:
        return fold(self._events)

    @property
    def records(self) -> list[RequestRecord]:
        """Every request as it stands, the newest one last."""
        return [*self._run.requests.values()]

    @property
    def record(self) -> RequestRecord:
        """The newest one."""
        return self.records[-1]

    def can(self, person: str) -> Can:
        """Return what `person` can do to the newest one on the console."""
        return self.can_do_to(self.record, person)

    def can_do_to(self, record: RequestRecord, person: str) -> Can:
        """Return what `person` can do to one of them on the console."""
        return offers(record, self._people, PersonId(person), "console", self._now)

    @property
    def _known(self) -> RequestRecord:
        return as_known_now(self.record, self._people)

    def _ask(self) -> None:
        """Have the clerk choose its next step, and open what that asks."""
        step = next_step(self._run)
        if isinstance(step, Done):
            return
        gate = self._policy if isinstance(step, CallTool) else None
        self._events.append(
            build.chosen(step, f"s{len(self._events)}", gate=gate, at=self._now, read_by=authors(self._events))
        )
        self._open(step)

    def _open(self, step: Step) -> None:
        run = self._run
        assert run.pending
        if isinstance(step, CallTool):
            snapshot, call = self._people.snapshot(self._policy, self._now), _call(str(step.arguments["what"]))
            assert snapshot
            known, doubles = with_other_ids(run, self._people), doubles_in(who_at_first(snapshot, ()), self._people)
            self._opens(gate_request(known, run.pending, "Press it?", call, snapshot, self._now, doubles))
        else:
            self._opens(question_request(run, run.pending, self._notifier.question_policy(run, self._now), self._now))

    def _opens(self, request: Request | NotEnoughApprovers) -> None:
        assert isinstance(request, Request), request
        self._events.append(RequestOpened(at=self._now, request=request))

    async def play(self, line: str) -> None:
        """Have happen what a line says: `bo approve`, who the verb and its value, `run pause`, or `clock` and seconds.

        `clock 60 unseen`: nobody has looked since.
        """
        person, verb, *value = line.split(" ", 2)
        match person:
            case "run":
                self._happen(cast("Happens", verb))
            case "clock":
                self._now += timedelta(seconds=float(verb))
                if not value:
                    self._look()
            case _:
                await self._act(person, cast("Does", verb), " ".join(value))
        self._go_on()

    async def _act(self, person: str, verb: Does, value: str) -> None:
        """Have `person` do it, who has seen what stands."""
        if verb == "write":
            self._events.append(build.said(person, value, said_id=f"m{len(self._events)}", channel="cli", at=self._now))
            return
        if verb == "away":
            self._stand_in(Absent(self._now + timedelta(days=1), PersonId(value)), PersonId(person))
            return
        record, said = self.record, self._said(person, verb, value)
        answer = read_answer(record.request, said, self._now, is_asked=record.question_for(said.person) is not None)
        match verb:
            case "edit":
                await self._edit(said, value)
            case "hand_on":
                self._hand_on(said, PersonId(value))
            case _:
                judgement = judge(self._known, answer, self._people.all())
                self._events += events_of(self._known, answer, judgement, said, ())
                if isinstance(judgement, Counted) and judgement.next_step is not None:
                    self._move("next_step", judgement.next_step)

    def _happen(self, what: Happens) -> None:
        record, run = self.record, self._run
        match what:
            case "pause" | "resume":
                self._is_paused = what == "pause"
            case "freeze":
                freeze = Freeze(by=PersonId("ole"), reason="incident", since=self._now)
                self._events.append(RequestFrozen(at=self._now, request_id=record.request.id, freeze=freeze))
            case "finish":
                assert record.attempt
                self._events.append(build.finished(record.attempt, at=self._now))
            case "lose":
                assert record.attempt
                self._events.append(build.orphaned(record.attempt, at=self._now))
                [policy, *_] = self._notifier.unknown_policies(run, record, self._now)
                run = self._run
                assert run.pending
                self._opens(unknown_request(run, run.pending, "Press it", policy, self._now))
            case "review":
                vote = broken(record)
                assert vote
                context = context_of(reviewed(record, vote, self._people, self._now))
                run_id = review_of(record.request.id)
                begun = build.started(run_id=run_id, agent=REVIEW, requester=vote.person, context=context, at=self._now)
                step = next_of_review(fold([begun]), self._people.name_of)
                self._events = [begun, build.chosen(step, at=self._now)]
                self._open(step)

    def _look(self) -> None:
        """Do what is due: it escalates, or expires."""
        due = next_due(self.record, self._people.zones())
        if due is None or due.moment > self._now:
            return
        match due.kind:
            case "expiry":
                self._close("expired")
            case "escalation":
                self._events.append(escalation(self.record, self._people, self._now))
                self._look()
            case "reminder":
                pass

    def _stand_in(self, gone: Absent, person: PersonId) -> None:
        record = self.record
        involved, accepts = people_involved(self._known, self._people.all()), self._people.may_take(record, self._now)
        for move in stood_in_for({person: gone}, involved, accepts):
            self._move("absent", move, move.out)

    def _said(self, person: str, verb: Does, value: str) -> Statement:
        is_glass = verb == "break_glass"
        match verb:
            case "approve" | "deny" | "withdraw" | "break_glass" | "ask":
                said = statement(person, "cli", verb, self.record.request)
            case _:
                said = statement(person, "cli", "free_text", self.record.request)
        return replace(said, text=lines(value) or verb, reason=value if is_glass else "", note_confirmed=is_glass)

    async def _edit(self, said: Statement, what: str) -> None:
        async def prepare(_: Request, values: Mapping[str, JsonValue]) -> tuple[GatedCall, Callable[[], str]]:
            return _call(str(values["what"])), lambda: "Press it?"

        async def run() -> Run:
            return self._run

        answer = read_answer(self.record.request, said, self._now).of("edit")
        _, after = await judged(self.record, answer, Edit({"what": what}, prepare), self._people, run)
        if after:
            self._events.append(RequestRevised(at=self._now, by=said.person, request=after.asking()))

    def _hand_on(self, said: Statement, to: PersonId) -> None:
        record = self.record
        answer = read_answer(record.request, said, self._now).of("hand_on")
        accepts = self._people.may_take(record, self._now)
        involved = people_involved(self._known, self._people.all())
        if objection(self._known, answer, self._people.all()) or not_to_them(said.person, to, involved, accepts):
            return
        self._move("delegated", passed(record.asked, said.person, to, accepts), said.person)

    def _move(self, why: Literal["next_step", "delegated", "absent"], move: Move, by: PersonId | None = None) -> None:
        request_id = self.record.request.id
        moved = RequestReassigned(at=self._now, request_id=request_id, why=why, moves=(move,), by=by, person=by)
        self._events.append(moved)

    def _go_on(self) -> None:
        """Ask what comes next; start what is approved, unless that covers it no more."""
        if self._run.pending is None:
            self._ask()
        record = self.record
        if record.state != "approved" or record.started_at or self._is_paused:
            return
        call = record.request.call
        assert call
        if why_not(record, record.request.digest, whose_votes_count(record, self._people), self._now):
            self._close("superseded")
            self._open(CallTool(tool="press", arguments=call.arguments))
            return
        attempt = AttemptId(f"a-{secrets.token_hex(4)}")
        started = build.tool_started(attempt, tool="press", effect=call.effect, at=self._now)
        self._events.append(started.model_copy(update={"request_id": record.request.id}))
        self.pressed = str(call.arguments["what"])

    def _close(self, state: Literal["expired", "superseded"]) -> None:
        decision = Decision(state=state, at=self._now)
        self._events.append(RequestDecided(at=self._now, request_id=self.record.request.id, decision=decision))


def _call(what: str) -> GatedCall:
    effect = Effect(argv=("press", what), environment="workshop")
    return GatedCall(tool="press", schema_version=1, arguments={"what": what}, effect=effect, editable=("what",))
