"""Builders of events: what happened in a run, written down by hand, for a test of plain rules or of what reads runs.

    run = fold([started("Vera"), chosen(ASKS), opened(purpose="question"), decided("answered", given=NORTH)])
    assert next_step(run) == CallTool(tool="reserve", arguments={"spot": "north", "guest": "Vera"})

Each gives one event of one run, `r1`: its step `s1`, its request `q1`, its attempt `a1`, all at `NOON`. Whatever else a
test is about is an argument.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import JsonValue

from agents.events import (
    CardDelivered,
    Change,
    ContinuationAsked,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevoked,
    RunEnded,
    RunPaused,
    RunStarted,
    StepChosen,
    StepFailed,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    VoteCast,
    Why,
)
from agents.requests import (
    Anyone,
    AttemptId,
    Author,
    Binding,
    Closed,
    Decision,
    DeliveryId,
    Effect,
    FromPerson,
    Given,
    Origin,
    PersonId,
    PolicySnapshot,
    Purpose,
    Request,
    RequestId,
    RunId,
    StepId,
    Vote,
)
from agents.requests.proof import as_by
from agents.run import GO_ON, IT_DID_NOT, IT_HAPPENED, STOP, USE_RULES
from agents.steps import CallTool, ModelCall, Step
from language import say

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ANNA, BO = PersonId("anna"), PersonId("bo")
MODEL = ModelCall(model="model", rehearsal=False)
POLICY = PolicySnapshot(
    name="production",
    rule=Anyone(source="group:release", people=(BO,)),
    reach=("email",),
    answer_from=("email",),
    approve_by_email=True,
    requester_may_approve=False,
    expires_after_s=3600,
    execute_within_s=900,
)
EFFECT = Effect(argv=("./deploy.sh", "production", "c0ffee"), environment="production")
SEEN = Binding(by="digest", revision=1, digest="d")
DEPLOY = CallTool(tool="deploy", arguments={"version": "v1.2.0", "environment": "production"})
_OPTIONS: dict[Purpose, tuple[str, ...]] = {
    "go_on": (GO_ON, USE_RULES, STOP),
    "unknown": (IT_HAPPENED, IT_DID_NOT, STOP),
}


def started(
    text: str = "deploy v1.2.0 to production",
    max_steps: int = 10,
    *,
    run_id: str = "r1",
    agent: str = "deploy",
    channel: str = "email",
    requester: str = ANNA,
    context: dict[str, JsonValue] | None = None,
    origin: Origin | None = None,
    at: datetime = NOON,
) -> RunStarted:
    """Somebody wants something."""
    return RunStarted(
        at=at,
        run_id=RunId(run_id),
        agent=agent,
        channel=channel,
        requester=PersonId(requester),
        text=text,
        context=context or {},
        origin=origin or FromPerson(),
        max_steps=max_steps,
    )


def said(
    person: str = BO, text: str = "v2 instead", *, said_id: str = "i1", channel: str = "slack", at: datetime = NOON
) -> PersonSaid:
    """Somebody writes to the run, unasked."""
    return PersonSaid(at=at, said_id=said_id, person=PersonId(person), proof=as_by(channel), text=text)


def chosen(
    step: Step = DEPLOY,
    step_id: str = "s1",
    gate: str | None = None,
    *,
    call: ModelCall = MODEL,
    read_by: tuple[Author, ...] = (),
    at: datetime = NOON,
) -> StepChosen:
    """A step is chosen; `gate` names the policy that it needs."""
    return StepChosen(at=at, step_id=StepId(step_id), step=step, gate=gate, call=call, read_by=read_by)


def failed(kind: str = "timeout", detail: str = "", *, at: datetime = NOON) -> StepFailed:
    """The model gave no step."""
    return StepFailed(at=at, kind=kind, detail=detail, call=MODEL)


def request(
    request_id: str = "q1",
    step_id: str = "s1",
    purpose: Purpose = "gate",
    revision: int = 1,
    *,
    run_id: str = "r1",
    title: str = "Deploy v1.2.0 to production?",
    quoted: str = "",
    policy: PolicySnapshot = POLICY,
    at: datetime = NOON,
) -> Request:
    """What people are asked: an approval at a `gate`, else a choice; of code's own questions with their options."""
    keys = _OPTIONS.get(purpose, ())
    return Request(
        id=RequestId(request_id),
        run_id=RunId(run_id),
        step_id=StepId(step_id),
        purpose=purpose,
        revision=revision,
        nonce="n",
        title=title,
        quoted=quoted,
        format="approval" if purpose == "gate" else "choice",
        options=tuple(map(say, keys)),
        option_keys=keys,
        requesters=(ANNA,),
        policy=policy,
        digest="d",
        opened_at=at,
        expires_at=at + timedelta(seconds=policy.expires_after_s),
    )


def opened(
    request_id: str = "q1", step_id: str = "s1", purpose: Purpose = "gate", *, at: datetime = NOON
) -> RequestOpened:
    """People are asked."""
    return RequestOpened(at=at, request=request(request_id, step_id, purpose, at=at))


def delivered(
    request_id: str = "q1",
    *,
    delivery_id: str = "d1",
    person: str = BO,
    channel: str = "email",
    handle: str = "",
    at: datetime = NOON,
) -> CardDelivered:
    """One person holds the card."""
    return CardDelivered(
        at=at,
        request_id=RequestId(request_id),
        delivery_id=DeliveryId(delivery_id),
        revision=1,
        person=PersonId(person),
        channel=channel,
        handle=handle,
    )


def vote(
    request_id: str = "q1",
    *,
    approve: bool = True,
    reason: str = "",
    reply_id: str = "m1",
    channel: str = "email",
    at: datetime = NOON,
) -> VoteCast:
    """Bo's answer counts towards an approval, or against it."""
    cast = _vote(approve=approve, reason=reason, reply_id=reply_id, channel=channel, at=at)
    return VoteCast(at=at, request_id=RequestId(request_id), vote=cast)


def decided(
    state: Closed,
    request_id: str = "q1",
    given: Given | None = None,
    reason: str = "",
    *,
    by: Sequence[str] = (BO,),
    channel: str = "email",
    at: datetime = NOON,
) -> RequestDecided:
    """The request is over; `given` is the answer to a question."""
    people = tuple(PersonId(person) for person in by)
    decision = Decision(state=state, by=people, proof=as_by(channel), reason=reason, given=given, at=at)
    return RequestDecided(at=at, request_id=RequestId(request_id), decision=decision)


def revoked(request_id: str = "q1", *, at: datetime = NOON) -> RequestRevoked:
    """Bo takes an approval back."""
    taken_back = _vote(approve=False, reason="not now", reply_id="m1", channel="email", at=at)
    return RequestRevoked(at=at, request_id=RequestId(request_id), vote=taken_back)


def tool_started(
    attempt: str = "a1",
    step_id: str = "s1",
    *,
    idempotent: bool = False,
    tool: str = "deploy",
    effect: Effect = EFFECT,
    host: str = "here",
    changes: bool = True,
    at: datetime = NOON,
) -> ToolStarted:
    """An attempt at `effect` is about to be made."""
    return ToolStarted(
        at=at,
        step_id=StepId(step_id),
        attempt_id=AttemptId(attempt),
        tool=tool,
        effect=effect,
        idempotent=idempotent,
        host=host,
        changes=changes,
    )


def finished(
    attempt: str = "a1", output: str = "", error: str = "", *, refused: bool = False, at: datetime = NOON
) -> ToolFinished:
    """The attempt worked, unless there is an `error`; `refused`: of a tool that refused before anything happened."""
    return ToolFinished(at=at, attempt_id=AttemptId(attempt), output=output, error=error, refused=refused)


def orphaned(attempt: str = "a1", *, may_have_started: bool = True, at: datetime = NOON) -> ToolOrphaned:
    """Whoever made the attempt is gone."""
    return ToolOrphaned(at=at, attempt_id=AttemptId(attempt), may_have_started=may_have_started)


def raised(why: Why = "steps", step_id: str = "s9", *, at: datetime = NOON) -> ContinuationAsked:
    """Code asks whether to go on."""
    return ContinuationAsked(at=at, step_id=StepId(step_id), why=why, question="Go on?")


def paused(by: str = BO, *, at: datetime = NOON) -> RunPaused:
    """Somebody stops the run for now."""
    return RunPaused(at=at, by=PersonId(by))


def ended(
    outcome: Literal["done", "failed", "cancelled"] = "done",
    summary: str = "",
    *,
    change: Change | None = None,
    at: datetime = NOON,
) -> RunEnded:
    """Nothing more will happen. What is done has changed something, unless `change` says otherwise."""
    changed: Change = "changed" if outcome == "done" else "nothing"
    return RunEnded(at=at, outcome=outcome, summary=summary, change=change or changed)


def _vote(*, approve: bool, reason: str, reply_id: str, channel: str, at: datetime) -> Vote:
    return Vote(
        reply_id=reply_id,
        person=BO,
        approve=approve,
        reason=reason,
        binding=SEEN,
        proof=as_by(channel),
        at=at,
    )
