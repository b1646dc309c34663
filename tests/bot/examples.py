"""Requests, answers and votes that the tests of deciding share. Built small; each test changes what it is about."""

from datetime import datetime, timedelta
from typing import cast

from agents.forms import FormField
from agents.requests import (
    AllOf,
    AnyOf,
    Anyone,
    Binding,
    Decision,
    Effect,
    Fact,
    GatedCall,
    Given,
    PersonId,
    PolicySnapshot,
    Request,
    RequestId,
    RequestState,
    Rule,
    RunId,
    StepId,
    Vote,
)
from agents.requests.asked import Asked, asked_at_first
from agents.requests.proof import LinkBy, as_by
from agents.requests.record import RequestRecord
from bot.config.directory.policies import PolicyConfig
from bot.config.tables import PersonConfig
from bot.people.directory import People
from bot.policy.judgements import Act, Answer
from tests.agents.worlds import NOON

ANNA, BO, CY, DAN = (PersonId(name) for name in ("anna", "bo", "cy", "dan"))
RUN, REQUEST = RunId("s0r-aaaaaaaaaaaaa"), RequestId("s0q-aaaaaaaaaaaaa")
LATER = NOON + timedelta(minutes=1)
EXPIRES = NOON + timedelta(hours=4)
DIGEST = "d" * 64
SEEN = Binding(by="digest", revision=1, digest=DIGEST)


def anyone(*people: str) -> Anyone:
    return Anyone(source="group:release", people=tuple(PersonId(person) for person in people))


def all_of(*parts: Rule) -> AllOf:
    return AllOf(of=parts)


def any_of(*parts: Rule) -> AnyOf:
    return AnyOf(of=parts)


POLICY = PolicySnapshot(
    name="production",
    rule=anyone("bo", "cy"),
    reach=("email",),
    answer_from=("slack", "email", "console", "cli", "api"),
    approve_by_email=True,
    requester_may_approve=False,
    expires_after_s=4 * 3600,
    execute_within_s=900,
)
CALL = GatedCall(
    tool="deploy",
    schema_version=1,
    arguments={"version": "v1.2.0", "environment": "production"},
    effect=Effect(
        argv=("./deploy.sh", "production", "c0ffee"),
        versions={"v1.2.0": "c0ffee"},
        environment="production",
        facts=(Fact(label="From", text="v1.0.0"),),
    ),
)
APPROVAL = Request(
    id=REQUEST,
    run_id=RUN,
    step_id=StepId("s0p-aaaaaaaaaaaaa"),
    purpose="gate",
    nonce="n",
    title="Deploy v1.2.0 to production?",
    format="approval",
    call=CALL,
    requesters=(ANNA,),
    policy=POLICY,
    digest=DIGEST,
    opened_at=NOON,
    expires_at=EXPIRES,
)
PEOPLE = People(
    {
        "anna": PersonConfig(name="Anna Ames", email="anna@corp.example"),
        "bo": PersonConfig(name="Bo Berg", email="bo@corp.example", groups=("release",)),
        "cy": PersonConfig(name="Cy Cole", email="Cy@Corp.example", groups=("release",)),
        "dan": PersonConfig(name="Dan Dorn"),
    },
    {"production": PolicyConfig.model_validate({"approvers": ["group:release"], "expires_after": "4h"})},
)


def policy(**changes: object) -> PolicySnapshot:
    return POLICY.model_copy(update=changes)


def approval(**changes: object) -> Request:
    return APPROVAL.model_copy(update=changes)


def question(
    form: str = "free_text", options: tuple[str, ...] = (), fields: tuple[str | FormField, ...] = ()
) -> Request:
    named = tuple(FormField(name=field) if isinstance(field, str) else field for field in fields)
    asked = policy(name="question", rule=anyone("anna"), requester_may_approve=True)
    return approval(
        purpose="question", format=form, call=None, options=options, fields=named, policy=asked, quoted="Which one?"
    )


def vote(person: PersonId = BO, *, approve: bool = True) -> Vote:
    return Vote(reply_id=f"m-{person}", person=person, approve=approve, binding=SEEN, proof=as_by("cli"), at=NOON)


def decision(state: str = "approved", by: tuple[PersonId, ...] = (BO,), at: datetime = LATER) -> Decision:
    return Decision.model_validate({"state": state, "by": by, "way": "cli", "at": at})


def moved(first: PolicySnapshot = POLICY, **changes: object) -> Asked:
    """Who is asked under a policy after moves that changed this."""
    return asked_at_first(first).model_copy(update=changes)


def record(
    request: Request = APPROVAL, state: RequestState = "open", votes: tuple[Vote, ...] = (), **changes: object
) -> RequestRecord:
    """A record in `state`, with the decision that such a state has."""
    by_people = state in {"approved", "denied", "answered"}
    closed = None if state == "open" else decision("approved" if state == "revoked" else state)
    closed = closed.model_copy(update={"by": ()}) if closed and not by_people and state != "revoked" else closed
    return RequestRecord(request=request, state=state, votes=votes, decision=closed).model_copy(update=changes)


def answer(person: PersonId = BO, act: Act = "approve", **changes: object) -> Answer:
    """An answer that came by `channel`, after a log-in by a link that came by `link_by`, to what was shown.

    Each field of its binding may be named here.
    """
    channel, link_by = cast("str", changes.pop("channel", "cli")), cast("LinkBy | None", changes.pop("link_by", None))
    seen = {name: changes.pop(name) for name in Binding.model_fields if name in changes}
    return Answer(
        reply_id=f"m-{person}",
        person=person,
        act=act,
        proof=as_by(channel, link_by),
        binding=SEEN.model_copy(update=seen),
        text="not today" if act == "deny" else "",
        at=LATER,
    ).model_copy(update=changes)


def given(text: str = "v1.2.0") -> Given:
    return Given(text=text)
