"""Breaking the glass: who may, what it counts for, and everything that binds it as it binds an approval."""

from typing import Any

import pytest

from agents.requests import Anyone, PersonId, PolicySnapshot, PolicyStep, Vote
from agents.requests.asked import HandedOn
from agents.requests.record import RequestRecord
from bot.policy.approvers.who import who_of
from bot.policy.judge import AGAINST, NO_REASON, judge
from bot.policy.judgements import (
    AlreadyDecided,
    Answer,
    ClosedOtherwise,
    Decided,
    Judgement,
    NotEntitled,
    NotThisWay,
    OutOfDate,
    Revoked,
    TooLate,
    Unclear,
)
from bot.policy.recheck import why_not
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
    moved,
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
    more: dict[str, Any] = {"note": "checkout is down", **changes}
    return answer(person, "break_glass", **more)


@pytest.mark.parametrize("person", [BO, DAN])
def test_it_counts_as_the_whole_quorum_and_is_no_approval(person: PersonId) -> None:
    found = judge(asked(), breaks(person), HERE)

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.broke_glass, found.decision.by) == ("approved", True, (person,))
    assert found.decision.reason == "checkout is down"
    assert found.vote
    assert found.vote.breaks_glass


def test_it_counts_for_all_steps_that_are_left_and_for_one_who_has_approved_before() -> None:
    steps = (PolicyStep(name="manager", rule=anyone("bo")), PolicyStep(name="finance", rule=anyone("cy")))
    stepped = under(policy(rule=anyone("bo"), steps=steps, break_glass=ONCALL))

    assert isinstance(judge(stepped, breaks(), HERE), Decided)
    assert isinstance(judge(asked().model_copy(update={"votes": (vote(BO),)}), breaks(BO), HERE), Decided)


def under(rules: PolicySnapshot = NIGHT, joined: tuple[PersonId, ...] = ()) -> RequestRecord:
    return record(approval(policy=rules), joined=joined)


OWN = NIGHT.model_copy(update={"requester_may_approve": True})
NO_MAIL = NIGHT.model_copy(update={"approve_by_email": False})
PASSED_ON = record(approval(policy=NIGHT), asked=moved(NIGHT, handed_on=(HandedOn(person=BO, to=DAN),)))
EDITED = approval(policy=NIGHT.model_copy(update={"editor_may_approve": True}), edits={"version": (DAN,)})
UNSEEN = ("", "  \n", "\u200b", "\u2800 \u2800", "\u3164", "\xad\n\u2060", "\ufe0f", "\U000e0041", "…", "?!")
DENIED = under().model_copy(update={"state": "denied", "decision": decision("denied", by=(CY,))})


@pytest.mark.parametrize(
    ("found", "said", "outcome"),
    [
        (under(policy(quorum=2)), breaks(BO), NotEntitled(why="break_glass", approvers=())),
        (under(), breaks(CY), NotEntitled(why="break_glass", approvers=(BO, DAN))),
        (under(), breaks(ANNA), NotEntitled(why="requester", approvers=(BO, DAN))),
        (under(OWN), breaks(ANNA), NotEntitled(why="requester", approvers=(BO, DAN))),
        (under(joined=(DAN,)), breaks(), NotEntitled),
        (record(EDITED), breaks(), NotEntitled(why="editor", approvers=(BO,))),
        (PASSED_ON, breaks(BO), NotEntitled),
        (under(), breaks(addressee=BO), NotEntitled),
        (under(), breaks(unbound="it quotes another card"), Unclear),
        (under(), breaks(note="no, do not do this"), Unclear(why=AGAINST)),
        (under(), breaks(revision=0), OutOfDate),
        (under(), breaks(digest="e" * 64), OutOfDate),
        (under(), breaks(at=EXPIRES), ClosedOtherwise(state="expired")),
        (under(NO_MAIL), breaks(channel="email"), NotThisWay),
        (under(NO_MAIL), breaks(link_by="email"), NotThisWay),
        (DENIED, breaks(), AlreadyDecided),
        (broken(), breaks(BO), AlreadyDecided),
        (broken(), breaks(DAN), AlreadyDecided),
    ],
)
def test_who_may_not_break_it_and_what_does_not_count(
    found: RequestRecord, said: Answer, outcome: Judgement | type[Judgement]
) -> None:
    judged = judge(found, said, HERE)

    assert isinstance(judged, outcome) if isinstance(outcome, type) else judged == outcome


def test_who_has_left_may_not_and_who_handed_it_on_or_is_only_asked_a_question_is_not_offered_it() -> None:
    asked_them = record(approval(policy=NIGHT, format="free_text", purpose="question", call=None))

    assert isinstance(judge(asked(), breaks(), (ANNA, BO, CY)), NotEntitled)
    assert (who_of(PASSED_ON).glass, who_of(asked_them).glass) == ((DAN,), ())


@guards("judge:is_reason")
@pytest.mark.parametrize("reason", UNSEEN)
def test_attack_without_a_reason_that_somebody_sees_it_is_none(reason: str) -> None:
    assert judge(asked(), breaks(note=reason), HERE) == Unclear(why=NO_REASON)


@pytest.mark.parametrize("person", [BO, CY, DAN])
def test_until_the_start_every_approver_and_whoever_broke_it_can_stop_it(person: PersonId) -> None:
    begun = broken().model_copy(update={"started_at": LATER})

    assert isinstance(judge(broken(), answer(person, "deny"), HERE), Revoked)
    assert isinstance(judge(begun, answer(person, "deny"), HERE), TooLate)


@guards("recheck:glass")
def test_it_covers_a_start_only_while_whoever_broke_it_is_there_and_named() -> None:
    unnamed = broken().model_copy(update={"request": approval(policy=policy())})

    assert why_not(broken(), DIGEST, HERE, LATER) is None
    assert why_not(broken(), DIGEST, (ANNA, BO, CY), LATER)
    assert why_not(unnamed, DIGEST, HERE, LATER)


def test_the_other_approvers_review_it() -> None:
    assert who_of(broken()).reviewers == (BO, CY)
    assert who_of(broken(BO)).reviewers == (CY,)
    assert who_of(broken().model_copy(update={"joined": (CY,)})).reviewers == (BO,)
    assert who_of(broken().model_copy(update={"may_not_break": (CY,)})).reviewers == (BO,), "they may be an editor"
    behind = broken().request.model_copy(update={"behind": (CY,)})
    assert who_of(broken().model_copy(update={"request": behind})).reviewers == (BO,), "their words led to it"


def test_what_is_kept_of_other_votes_and_decisions_is_as_it_was() -> None:
    assert "glass" not in vote().model_dump_json()
    assert "glass" not in decision().model_dump_json()
    assert "glass" not in policy().model_dump_json()
    assert Vote.model_validate_json(broken().votes[0].model_dump_json()).breaks_glass
