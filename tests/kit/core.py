"""The requests of a run by the pure rules: what `judge` makes of each answer is an event, and a fold says what stands.

There is no store here, no worker, no channel, and no clock but a number.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from pydantic import JsonValue

from agents.events import Event, RequestDecided, RequestOpened, RequestReassigned, RequestRevised
from agents.requests import AttemptId, Decision, Effect, GatedCall, PersonId, Request
from agents.requests.moves import Move
from agents.requests.record import RequestRecord
from agents.run import Run, fold
from agents.steps import CallTool, Done, RequestHumanInput
from bot.people.directory import People
from bot.people.recognition import whose_votes_count
from bot.policy.answers import Statement, events_of, read_answer
from bot.policy.approvers.delegation import objection as not_to_them
from bot.policy.approvers.delegation import passed, people_involved
from bot.policy.judge import judge, objection
from bot.policy.judgements import Counted
from bot.policy.recheck import why_not
from bot.requests.edits import Edit, judged
from bot.requests.opening import gate_request, question_request
from bot.store.ids import new_id
from bot.testing import events as build
from tests.kit.clerk import next_step
from tests.kit.house import statement
from tests.kit.surfaces import Verb, lines


class Core:
    """What Anna wants of the clerk, by the rules of `people`. What is approved starts unless it is paused.

    Whatever is pressed is behind `policy`.
    """

    def __init__(self, people: People, policy: str, wants: str) -> None:
        self._people, self._policy, self._now, self._is_paused = people, policy, build.NOON, False
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

    def _ask(self) -> None:
        """Have the clerk choose its next step, and open what that asks."""
        step = next_step(self._run)
        if isinstance(step, Done):
            return
        gate = self._policy if isinstance(step, CallTool) else None
        self._events.append(build.chosen(step, f"s{len(self._events)}", gate=gate, at=self._now))
        self._open(step)

    def _open(self, step: CallTool | RequestHumanInput) -> None:
        run = self._run
        assert run.pending
        if isinstance(step, CallTool):
            snapshot, call = self._people.snapshot(self._policy, self._now), _call(str(step.arguments["what"]))
            assert snapshot
            request = gate_request(run, run.pending, "Press it?", call, snapshot, self._now)
        else:
            policy = self._people.question(self._people.members(step.to, self._now), ("email",))
            request = question_request(run, run.pending, policy, self._now)
        assert isinstance(request, Request)
        self._events.append(RequestOpened(at=self._now, request=request))

    async def act(self, person: str, verb: Verb, value: str) -> None:
        """Have `person` do it, who has seen what stands."""
        record, said = self.record, self._said(person, verb, value)
        answer = read_answer(record.request, said, self._now, is_asked=record.question_for(said.person) is not None)
        match verb:
            case "edit":
                await self._edit(said, value)
            case "hand_on":
                self._hand_on(said, PersonId(value))
            case _:
                judgement = judge(record, answer, self._people.all())
                self._events += events_of(record, answer, judgement, said)
                if isinstance(judgement, Counted) and judgement.next_step is not None:
                    self._move("next_step", judgement.next_step)
        self._go_on()

    def pause(self, *, is_paused: bool) -> None:
        """Nothing starts while it is paused."""
        self._is_paused = is_paused
        self._go_on()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        if self.record.state == "open" and self._now >= self.record.request.expires_at:
            self._close("expired")

    def _said(self, person: str, verb: Verb, value: str) -> Statement:
        is_glass = verb == "break_glass"
        match verb:
            case "say" | "answer":
                said = statement(person, "cli", "free_text", self.record.request)
            case _:
                said = statement(person, "cli", verb, self.record.request)
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
        involved = people_involved(record, self._people.all())
        if objection(record, answer, self._people.all()) or not_to_them(said.person, to, involved, accepts):
            return
        self._move("delegated", passed(record.asked, said.person, to, accepts), said.person)

    def _move(self, why: Literal["next_step", "delegated"], move: Move, by: PersonId | None = None) -> None:
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
