"""One request of the pure rules: what `judge` makes of each answer is an event, and a fold says what stands.

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
from agents.steps import CallTool
from bot.people.directory import People
from bot.people.recognition import whose_votes_count
from bot.policy.answers import Statement, events_of, read_answer
from bot.policy.approvers.delegation import objection as not_to_them
from bot.policy.approvers.delegation import passed, people_involved
from bot.policy.judge import judge, objection
from bot.policy.judgements import Counted
from bot.policy.recheck import why_not
from bot.requests.edits import Edit, judged
from bot.requests.opening import gate_request
from bot.store.ids import new_id
from bot.testing import events as build
from tests.kit.house import statement
from tests.kit.surfaces import Verb


class Core:
    """A request of Anna's to press something, by the rules of `people`. What is approved starts unless it is paused."""

    def __init__(self, people: People, policy: str, what: str) -> None:
        self._people, self._now, self._is_paused = people, build.NOON, False
        self.pressed = ""
        step = CallTool(tool="press", arguments={"what": what})
        self._events: list[Event] = [
            build.started(run_id=new_id("run", 0), requester="anna"),
            build.chosen(step, gate=policy),
        ]
        run, snapshot = self._run, people.snapshot(policy, self._now)
        assert snapshot
        assert run.pending
        request = gate_request(run, run.pending, f"Press {what}?", _call(what), snapshot, self._now)
        assert isinstance(request, Request)
        self._events.append(RequestOpened(at=self._now, request=request))

    @property
    def _run(self) -> Run:
        return fold(self._events)

    @property
    def record(self) -> RequestRecord:
        """The request as it stands."""
        return next(iter(self._run.requests.values()))

    async def act(self, person: str, verb: Verb, value: str) -> None:
        """Have `person` do it, who has seen what stands."""
        record, said = self.record, self._said(person, verb, value)
        answer = read_answer(record.request, said, self._now)
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
        said = statement(person, "cli", "free_text" if verb == "say" else verb, self.record.request)
        return replace(said, text=value or verb, reason=value if is_glass else "", note_confirmed=is_glass)

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
        """Start what is approved, unless that covers it no more."""
        record = self.record
        if record.state != "approved" or record.started_at or self._is_paused:
            return
        if why_not(record, record.request.digest, whose_votes_count(record, self._people), self._now):
            self._close("superseded")
            return
        call = record.request.call
        assert call
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
