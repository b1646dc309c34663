"""Events to build runs from: plain ones by hand, and hypothesis strategies for any event at all."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from agents.events import (
    ContinuationAsked,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevoked,
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
    Closed,
    Decision,
    Effect,
    Given,
    PersonId,
    PolicySnapshot,
    Request,
    RequestId,
    RunId,
    StepId,
    Vote,
)
from agents.steps import CallTool, ModelCall, Step
from tests.agents import stories

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
DEPLOY = CallTool(tool="deploy", arguments={"version": "v1.2.0", "environment": "production"})


def started(text: str = "deploy v1.2.0 to production", max_steps: int = 10) -> RunStarted:
    return RunStarted(
        at=NOON, run_id=RunId("r1"), agent="deploy", channel="email", requester=ANNA, text=text, max_steps=max_steps
    )


def said(person: PersonId = BO, text: str = "v2 instead") -> PersonSaid:
    return PersonSaid(at=NOON, said_id="i1", person=person, channel="slack", text=text)


def chosen(step: Step = DEPLOY, step_id: str = "s1", gate: str | None = None) -> StepChosen:
    return StepChosen(at=NOON, step_id=StepId(step_id), step=step, gate=gate, call=MODEL)


def request(request_id: str = "q1", step_id: str = "s1", purpose: str = "gate", revision: int = 1) -> Request:
    return Request.model_validate(
        {
            "id": request_id,
            "run_id": "r1",
            "step_id": step_id,
            "purpose": purpose,
            "revision": revision,
            "nonce": "n",
            "title": "Deploy v1.2.0 to production?",
            "format": "approval" if purpose == "gate" else "choice",
            "requesters": ["anna"],
            "policy": POLICY,
            "digest": "d",
            "opened_at": NOON,
            "expires_at": NOON + timedelta(hours=1),
        }
    )


def opened(request_id: str = "q1", step_id: str = "s1", purpose: str = "gate") -> RequestOpened:
    return RequestOpened(at=NOON, request=request(request_id, step_id, purpose))


def decided(state: Closed, request_id: str = "q1", given: Given | None = None, reason: str = "") -> RequestDecided:
    decision = Decision(state=state, by=(BO,), channel="email", reason=reason, given=given, at=NOON)
    return RequestDecided(at=NOON, request_id=RequestId(request_id), decision=decision)


def vote(request_id: str = "q1", *, approve: bool = True, reason: str = "") -> VoteCast:
    return VoteCast(at=NOON, request_id=RequestId(request_id), vote=_vote(approve=approve, reason=reason))


def revoked(request_id: str = "q1") -> RequestRevoked:
    return RequestRevoked(at=NOON, request_id=RequestId(request_id), vote=_vote(approve=False, reason="not now"))


def _vote(*, approve: bool, reason: str) -> Vote:
    return Vote(
        reply_id="m1", person=BO, approve=approve, reason=reason, revision=1, digest="d", channel="email", at=NOON
    )


def tool_started(attempt: str = "a1", step_id: str = "s1", *, idempotent: bool = False) -> ToolStarted:
    return ToolStarted(
        at=NOON,
        step_id=StepId(step_id),
        attempt_id=AttemptId(attempt),
        tool="deploy",
        effect=EFFECT,
        idempotent=idempotent,
        host="here",
    )


def finished(attempt: str = "a1", output: str = "", error: str = "") -> ToolFinished:
    return ToolFinished(at=NOON, attempt_id=AttemptId(attempt), output=output, error=error)


def orphaned(attempt: str = "a1", *, may_have_started: bool = True) -> ToolOrphaned:
    return ToolOrphaned(at=NOON, attempt_id=AttemptId(attempt), may_have_started=may_have_started)


def failed(kind: str = "timeout", detail: str = "") -> StepFailed:
    return StepFailed(at=NOON, kind=kind, detail=detail, call=MODEL)


def raised(why: Why = "steps", step_id: str = "s9") -> ContinuationAsked:
    return ContinuationAsked(at=NOON, step_id=StepId(step_id), why=why, question="Go on?")


def any_event(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Event]:
    """Any event, as in `tests.agents.stories`."""
    return stories.any_event(texts)
