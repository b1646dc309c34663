"""Breaking the glass: who may, what it counts for, and everything that binds it as it binds an approval."""

import pytest

from agents.requests import Anyone, HandedOn, PersonId, PolicyStep, Vote
from bot.policy.glass import breakers, reviewers
from bot.policy.judge import judge
from bot.policy.judgements import (
    AlreadyDecided,
    Answer,
    ClosedOtherwise,
    Decided,
    NotEntitled,
    NotThisWay,
    OutOfDate,
    Revoked,
    TooLate,
    Unclear,
)
from bot.policy.record import RequestRecord, why_not
from tests.bot.examples import (
    ANNA,
    BO,
    CY,
    DAN,
    DIGEST,
    EXPIRES,
    LATER,
    answer,
    anyone,
    approval,
    decision,
    policy,
    record,
    vote,
)
from tests.kit.guards import guards

ONCALL = (Anyone(source="group:oncall", people=(ANNA, BO, DAN)),)
NIGHT = policy(quorum=2, break_glass=ONCALL)
HERE = (ANNA, BO, CY, DAN)


def asked(**changes: object) -> RequestRecord:
    """Anna asks; Bo and Cy approve, both of them are needed; Anna, Bo and Dan are on call."""
    return record(approval(policy=NIGHT, **changes))


def broken(by: PersonId = DAN) -> RequestRecord:
    made = decision(by=(by,)).model_copy(update={"broke_glass": True, "reason": "checkout is down"})
    cast = vote(by).model_copy(update={"breaks_glass": True, "reason": "checkout is down"})
    return asked().model_copy(update={"state": "approved", "decision": made, "votes": (cast,)})


def breaks(person: PersonId = DAN, **changes: object) -> Answer:
    return answer(person, breaks_glass=True, note="checkout is down").model_copy(update=changes)


@pytest.mark.parametrize("person", [BO, DAN])
def test_it_counts_as_the_whole_quorum_and_is_no_approval(person: PersonId) -> None:
    found = judge(asked(), breaks(person), HERE)

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.broke_glass, found.decision.by) == ("approved", True, (person,))
    assert found.decision.reason == "checkout is down"
    assert found.vote
    assert found.vote.breaks_glass


def test_it_counts_for_all_steps_that_are_left() -> None:
    steps = (PolicyStep(name="manager", rule=anyone("bo")), PolicyStep(name="finance", rule=anyone("cy")))
    stepped = record(approval(policy=policy(rule=anyone("bo"), steps=steps, break_glass=ONCALL)))

    found = judge(stepped, breaks(), HERE)

    assert isinstance(found, Decided)


def test_who_has_approved_before_may_still_break_the_glass() -> None:
    once = asked().model_copy(update={"votes": (vote(BO),)})

    assert isinstance(judge(once, breaks(BO), HERE), Decided)


def test_a_policy_without_it_has_none() -> None:
    found = judge(record(approval(policy=policy(quorum=2))), breaks(BO), HERE)

    assert found == NotEntitled(why="break_glass", approvers=())


def test_who_is_not_in_the_group_may_not() -> None:
    assert judge(asked(), breaks(CY), HERE) == NotEntitled(why="break_glass", approvers=(BO, DAN))


@pytest.mark.parametrize("may_approve", [True, False])
def test_who_asked_may_not_break_their_own_glass_whatever_the_policy_says(may_approve: bool) -> None:
    own = NIGHT.model_copy(update={"requester_may_approve": may_approve})

    found = judge(record(approval(policy=own)), breaks(ANNA), HERE)

    assert found == NotEntitled(why="requester", approvers=(BO, DAN))


def test_who_steered_the_run_since_may_not() -> None:
    assert isinstance(judge(record(approval(policy=NIGHT), joined=(DAN,)), breaks(), HERE), NotEntitled)


def test_who_changed_an_argument_may_not_even_where_editors_approve() -> None:
    edited = NIGHT.model_copy(update={"editor_may_approve": True})

    found = judge(record(approval(policy=edited, edits={"version": (DAN,)})), breaks(), HERE)

    assert found == NotEntitled(why="editor", approvers=(BO,))


def test_who_handed_it_on_may_not_and_is_not_offered_it() -> None:
    given = NIGHT.model_copy(update={"handed_on": (HandedOn(person=BO, to=DAN),)})
    passed = record(approval(policy=given))

    assert breakers(passed) == (DAN,)
    assert isinstance(judge(passed, breaks(BO), HERE), NotEntitled)


def test_who_has_left_may_not() -> None:
    assert isinstance(judge(asked(), breaks(), (ANNA, BO, CY)), NotEntitled)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_without_a_reason_it_is_none(reason: str) -> None:
    assert isinstance(judge(asked(), breaks(note=reason), HERE), Unclear)


@pytest.mark.parametrize(
    "reason", ["\u200b", "\u2800 \u2800", "\u3164", "\xad\n\u2060", "\ufe0f", "\U000e0041", "…", "?!"]
)
def test_attack_a_reason_that_nobody_sees_is_none(reason: str) -> None:
    assert isinstance(judge(asked(), breaks(note=reason), HERE), Unclear)


def test_a_denial_that_came_before_wins() -> None:
    denied = asked().model_copy(update={"state": "denied", "decision": decision("denied", by=(CY,))})

    assert isinstance(judge(denied, breaks(), HERE), AlreadyDecided)


def test_what_is_decided_is_not_decided_again() -> None:
    assert isinstance(judge(broken(), breaks(BO), HERE), AlreadyDecided)
    assert isinstance(judge(broken(), breaks(DAN), HERE), AlreadyDecided)


def test_it_is_for_what_was_seen() -> None:
    assert isinstance(judge(asked(), breaks(revision=0), HERE), OutOfDate)
    assert isinstance(judge(asked(), breaks(digest="e" * 64), HERE), OutOfDate)


def test_after_the_expiry_it_is_too_late() -> None:
    assert judge(asked(), breaks(at=EXPIRES), HERE) == ClosedOtherwise(state="expired")


def test_it_counts_where_an_approval_would() -> None:
    no_mail = NIGHT.model_copy(update={"approve_by_email": False})

    assert isinstance(judge(record(approval(policy=no_mail)), breaks(channel="email"), HERE), NotThisWay)
    assert isinstance(judge(record(approval(policy=no_mail)), breaks(link_by="email"), HERE), NotThisWay)


def test_it_must_be_about_this_card() -> None:
    assert isinstance(judge(asked(), breaks(unbound="it quotes another card"), HERE), Unclear)
    assert isinstance(judge(asked(), breaks(addressee=BO), HERE), NotEntitled)


@pytest.mark.parametrize("person", [BO, CY, DAN])
def test_until_the_start_every_approver_and_whoever_broke_it_can_stop_it(person: PersonId) -> None:
    begun = broken().model_copy(update={"started_at": LATER})

    assert isinstance(judge(broken(), answer(person, approve=False), HERE), Revoked)
    assert isinstance(judge(begun, answer(person, approve=False), HERE), TooLate)


def test_a_question_has_no_glass() -> None:
    asked_them = record(approval(policy=NIGHT, format="free_text", purpose="question", call=None))

    assert breakers(asked_them) == ()


@guards("recheck:glass")
def test_it_covers_a_start_only_while_whoever_broke_it_is_there_and_named() -> None:
    unnamed = broken().model_copy(update={"request": approval(policy=policy(quorum=2))})

    assert why_not(broken(), DIGEST, HERE, LATER) is None
    assert why_not(broken(), DIGEST, (ANNA, BO, CY), LATER)
    assert why_not(unnamed, DIGEST, HERE, LATER)


def test_the_other_approvers_review_it() -> None:
    assert reviewers(broken()) == (BO, CY)
    assert reviewers(broken(BO)) == (CY,)


def test_what_is_kept_of_other_votes_and_decisions_is_as_it_was() -> None:
    assert "glass" not in vote().model_dump_json()
    assert "glass" not in decision().model_dump_json()
    assert "glass" not in policy().model_dump_json()
    assert Vote.model_validate_json(broken().votes[0].model_dump_json()).breaks_glass
