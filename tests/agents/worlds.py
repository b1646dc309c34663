"""Events to build runs from: plain ones by hand, and hypothesis strategies for any event at all."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import strategies as st

from agents.deliveries import CardDelivered, DeliveryFailed
from agents.events import (
    AnswerHeld,
    AnswerNoted,
    ContextFetched,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepChosen,
    StepFailed,
    StepGated,
    StepRefused,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    VoteCast,
)
from agents.raised import GO_ON, STOP_HERE, QuestionRaised, Why
from agents.requests import (
    Anyone,
    Attachment,
    AttemptId,
    Closed,
    Decision,
    DeliveryId,
    Effect,
    Fact,
    Given,
    PersonId,
    PolicySnapshot,
    Request,
    RequestId,
    RunId,
    StepId,
    Vote,
)
from agents.run import IT_DID_NOT, IT_HAPPENED, STOP
from agents.steps import CallTool, Done, ModelCall, RequestHumanInput, Step

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


def raised(why: Why = "steps", step_id: str = "s9") -> QuestionRaised:
    return QuestionRaised(at=NOON, step_id=StepId(step_id), why=why, question="Go on?")


def any_event(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Event]:
    """Any event, its free text drawn from `texts`, its ids from so few that events meet."""
    steps = st.sampled_from(["s1", "s2"]).map(StepId)
    requests = st.sampled_from(["q1", "q2"]).map(RequestId)
    attempts = st.sampled_from(["a1", "a2"]).map(AttemptId)
    people = st.just(ANNA) | texts.map(PersonId)
    picks = st.sampled_from([(), (IT_HAPPENED,), (IT_DID_NOT,), (STOP,), (GO_ON,), (STOP_HERE,)]) | st.tuples(texts)
    at = st.just(NOON)
    tokens, dollars = st.integers(0, 60), st.floats(0, 0.4)
    call = st.builds(ModelCall, model=st.just("model"), rehearsal=st.just(False), input_tokens=tokens, cost_usd=dollars)
    kinds = texts | st.sampled_from(["no_tool", "bad_arguments", "too_long", "overloaded", "auth"])
    whys = st.sampled_from(get_args(Why))
    file = st.builds(Attachment, name=texts, type=texts, sha256=texts, text=texts, note=texts)
    files = st.lists(file, max_size=2).map(tuple)

    given = st.builds(Given, text=texts, picks=picks, form=st.dictionaries(texts, texts, max_size=2))
    decisions = st.builds(
        Decision,
        by=st.lists(people, max_size=2).map(tuple),
        channel=texts,
        reason=texts,
        given=st.none() | given,
        at=at,
    )
    votes = st.builds(Vote, reply_id=texts, person=people, reason=texts, digest=texts, channel=texts, at=at)
    asked = st.builds(
        Request,
        id=requests,
        run_id=st.just(RunId("r1")),
        step_id=steps,
        nonce=texts,
        title=texts,
        quoted=texts,
        options=st.tuples(texts),
        fields=st.tuples(texts),
        call=st.none(),
        requesters=st.tuples(people),
        policy=st.just(POLICY),
        digest=texts,
        opened_at=at,
        expires_at=at,
        changes=st.tuples(texts),
    )
    calls = st.builds(CallTool, tool=texts, arguments=st.dictionaries(texts, texts, max_size=2))
    questions = st.builds(RequestHumanInput, question=texts, options=st.tuples(texts), fields=st.just(()))
    a_step = st.just(DEPLOY) | calls | questions | st.builds(Done, summary=texts)
    facts = st.lists(st.builds(Fact, label=texts, text=texts), max_size=2).map(tuple)
    deliveries = {"request_id": requests, "delivery_id": texts.map(DeliveryId), "person": people, "channel": texts}
    return st.one_of(
        st.builds(
            RunStarted,
            at=at,
            run_id=st.just(RunId("r1")),
            agent=texts,
            channel=texts,
            requester=people,
            text=texts,
            files=files,
            max_steps=st.integers(-1, 4),
            max_tokens=st.integers(0, 100),
            max_cost_usd=dollars,
        ),
        st.builds(PersonSaid, at=at, said_id=texts, person=people, channel=texts, text=texts, files=files),
        st.builds(ContextFetched, at=at, facts=facts),
        st.builds(StepChosen, at=at, step_id=steps, step=a_step, gate=st.none() | texts, call=call),
        st.builds(StepFailed, at=at, kind=kinds, detail=texts, retry_at=st.none() | at, call=call),
        st.builds(QuestionRaised, at=at, step_id=steps, why=whys, question=texts, story=texts),
        st.builds(StepRefused, at=at, step_id=steps, error=texts),
        st.builds(StepGated, at=at, step_id=steps, gate=texts),
        st.builds(RequestOpened, at=at, request=asked),
        st.builds(RequestRevised, at=at, by=people, request=asked),
        st.builds(VoteCast, at=at, request_id=requests, vote=votes, files=files),
        st.builds(
            AnswerNoted,
            at=at,
            request_id=requests,
            reply_id=texts,
            person=people,
            channel=texts,
            text=texts,
            outcome=texts,
            files=files,
        ),
        st.builds(
            AnswerHeld,
            at=at,
            request_id=requests,
            delivery_id=texts.map(DeliveryId),
            inbound_id=texts,
            person=st.none() | people,
            claims=texts,
            channel=texts,
            why=texts,
        ),
        st.builds(RequestDecided, at=at, request_id=requests, decision=decisions, files=files),
        st.builds(RequestRevoked, at=at, request_id=requests, vote=votes, files=files),
        st.builds(CardDelivered, at=at, **deliveries),
        st.builds(DeliveryFailed, at=at, error=texts, **deliveries),
        st.builds(
            ToolStarted, at=at, step_id=steps, attempt_id=attempts, tool=texts, effect=st.just(EFFECT), host=texts
        ),
        st.builds(ToolFinished, at=at, attempt_id=attempts, output=texts, error=texts),
        st.builds(ToolOrphaned, at=at, attempt_id=attempts),
        st.builds(RunPaused, at=at, by=people),
        st.builds(RunResumed, at=at, by=people),
        st.builds(RunCancelled, at=at, by=people),
        st.builds(RunEnded, at=at, summary=texts),
    )
