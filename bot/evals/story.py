"""The events of a case, made through the contract: what an agent sees is what it would see in a run. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta

from agents import Agent
from agents.events import (
    ContextFetched,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevoked,
    RunStarted,
    StepChosen,
    StepFailed,
    StepRefused,
    ToolFinished,
    ToolStarted,
)
from agents.requests import (
    Anyone,
    AttemptId,
    Closed,
    Decision,
    Effect,
    Fact,
    GatedCall,
    Given,
    PersonId,
    PolicySnapshot,
    Request,
    RequestId,
    RunId,
    StepId,
    Vote,
    bound_to,
)
from agents.requests.proof import as_by
from agents.steps import CallTool, ModelCall, RequestHumanInput, Step
from bot.evals.cases import Case, Happens

GateOf = Callable[[Agent, Step], str | None]

_RUN = RunId("s0r-evalsevalseva")
_CALL = ModelCall(model="recorded", rehearsal=False)
_OPEN_FOR = timedelta(hours=4)
_MAX_STEPS = 20
# Whom a question is put to is no policy of anybody's.
_QUESTION = "question"


class Story:
    """A run that a case tells; `events` are what happened so far, a minute apart."""

    def __init__(self, agent: Agent, case: Case, gate_of: GateOf) -> None:
        self._agent, self._case, self._gate_of = agent, case, gate_of
        started = RunStarted(
            at=case.at,
            run_id=_RUN,
            agent=agent.name,
            channel=case.channel,
            requester=case.requester,
            text=case.text,
            context=case.context,
            origin=case.origin,
            max_steps=_MAX_STEPS,
        )
        facts = tuple(Fact(label=label, text=text) for label, text in case.facts.items())
        self.events: list[Event] = [started, ContextFetched(at=case.at, facts=facts)]
        for happens in case.history:
            self.record(happens, None)

    def record(self, happens: Happens, chosen: Step | None) -> None:
        """Let this happen: to the step it names, else to `chosen`. Raises ValueError where there is neither."""
        at = self._now()
        if happens.says is not None:
            said_id = f"said-{len(self.events)}"
            person, channel = happens.by, self._case.channel
            self.events.append(
                PersonSaid(at=at, said_id=said_id, person=person, proof=as_by(channel), text=happens.says)
            )
        elif happens.fails is not None:
            self.events.append(StepFailed(at=at, kind=happens.fails, detail=happens.fails, call=_CALL))
        else:
            self._close(happens, _step_of(happens, chosen), at)

    def _close(self, happens: Happens, step: Step, at: datetime) -> None:
        step_id, gate = StepId(f"step-{len(self.events)}"), self._gate_of(self._agent, step)
        self.events.append(StepChosen(at=at, step_id=step_id, step=step, gate=gate, call=_CALL, read_by=()))
        if happens.refused is not None:
            self.events.append(StepRefused(at=at, step_id=step_id, error=happens.refused))
            return
        is_effect = happens.gives is not None or happens.error is not None
        if gate is None and is_effect:
            self._execute(happens, step, step_id, None)
            return
        request = self._opened(step, step_id, gate or _QUESTION, at)
        self.events.append(RequestOpened(at=at, request=request))
        self.events.append(RequestDecided(at=at, request_id=request.id, decision=_decision(happens, step, at)))
        if happens.revoked is not None:
            vote = _vote(happens.by, happens.revoked, request, at)
            self.events.append(RequestRevoked(at=at, request_id=request.id, vote=vote))
        if is_effect:
            self._execute(happens, step, step_id, request.id)

    def _execute(self, happens: Happens, step: Step, step_id: StepId, request_id: RequestId | None) -> None:
        at, attempt_id = self._now(), AttemptId(f"attempt-{len(self.events)}")
        tool = step.tool if isinstance(step, CallTool) else ""
        known = self._agent.tool(tool)
        self.events += [
            ToolStarted(
                at=at,
                step_id=step_id,
                attempt_id=attempt_id,
                tool=tool,
                effect=Effect(argv=()),
                request_id=request_id,
                idempotent=True,
                host="",
                changes=known is not None and known.changes_world,
            ),
            ToolFinished(at=at, attempt_id=attempt_id, output=happens.gives or "", error=happens.error or ""),
        ]

    def _opened(self, step: Step, step_id: StepId, policy: str, at: datetime) -> Request:
        asked = step if isinstance(step, RequestHumanInput) else None
        call = step if isinstance(step, CallTool) else None
        return Request(
            id=RequestId(f"request-{len(self.events)}"),
            run_id=_RUN,
            step_id=step_id,
            purpose="question" if asked else "gate",
            nonce="",
            title=asked.question if asked else f"Approve {call.tool if call else ''}",
            quoted=asked.question if asked else "",
            format=asked.format if asked else "approval",
            options=asked.options if asked else (),
            fields=asked.fields if asked else (),
            call=_gated(call) if call else None,
            requesters=(self._case.requester,),
            policy=_policy(policy),
            digest="",
            opened_at=at,
            expires_at=at + _OPEN_FOR,
        )

    def _now(self) -> datetime:
        return self._case.at + timedelta(minutes=len(self.events))


def _gated(call: CallTool) -> GatedCall:
    return GatedCall(tool=call.tool, schema_version=1, arguments=call.arguments, effect=Effect(argv=()))


def _step_of(happens: Happens, chosen: Step | None) -> Step:
    if happens.calls:
        return CallTool(tool=happens.calls, arguments=happens.arguments)
    if happens.asks:
        return RequestHumanInput(question=happens.asks, format=happens.format, options=happens.options)
    if chosen is None:
        raise ValueError("`calls` or `asks` must say which step this happened to")
    return chosen


def _decision(happens: Happens, step: Step, at: datetime) -> Decision:
    if happens.answered is not None:
        picks = tuple(happens.answered.splitlines()) if _picks(step) else ()
        given = Given(text=happens.answered, picks=picks)
        return Decision(state="answered", by=(happens.by,), proof=as_by("cli"), given=given, at=at)
    closed: Closed = "approved"
    if happens.denied is not None:
        closed = "denied"
    elif happens.withdrawn is not None:
        closed = "withdrawn"
    elif happens.expired:
        return Decision(state="expired", at=at)
    reason = happens.denied or happens.withdrawn or ""
    return Decision(state=closed, by=(happens.by,), proof=as_by("cli"), reason=reason, at=at)


def _picks(step: Step) -> bool:
    return isinstance(step, RequestHumanInput) and step.format in {"choice", "choices"}


def _vote(person: PersonId, reason: str, request: Request, at: datetime) -> Vote:
    return Vote(
        reply_id="",
        person=person,
        approve=False,
        reason=reason,
        binding=bound_to(request, "digest"),
        proof=as_by("cli"),
        at=at,
    )


def _policy(name: str) -> PolicySnapshot:
    return PolicySnapshot(
        name=name,
        rule=Anyone(source="group:release", people=()),
        reach=(),
        answer_from=(),
        approve_by_email=False,
        requester_may_approve=False,
        expires_after_s=_OPEN_FOR.total_seconds(),
        execute_within_s=900,
    )
