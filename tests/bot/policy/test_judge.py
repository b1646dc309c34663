"""The meaning of an answer for a request: a table for each check. What always holds: `test_judge_always.py`."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from agents.requests import PersonId, PolicyStep, Purpose, Remark, Request, RequestState
from agents.requests.asked import AskedStep, HandedOn
from agents.requests.moves import StepBegan
from agents.requests.proof import LinkBy, as_by, rests_on
from agents.requests.record import Comment, RequestRecord
from bot.policy.judge import (
    CHECKS,
    TOO_OFTEN,
    counts,
    is_kept,
    judge,
    objection,
)
from bot.policy.judgements import (
    ACTS,
    Act,
    AlreadyDecided,
    AlreadyVoted,
    Asked,
    ClosedOtherwise,
    Counted,
    Decided,
    Judgement,
    NotEntitled,
    NoteUnconfirmed,
    NotThisWay,
    OutOfDate,
    Remarked,
    Replied,
    Rests,
    Revoked,
    StopOrAnswer,
    TooLate,
    Unclear,
)
from tests.agents.worlds import NOON
from tests.bot.examples import (
    ANNA,
    BO,
    CY,
    DAN,
    EXPIRES,
    LATER,
    SEEN,
    answer,
    anyone,
    approval,
    decision,
    given,
    moved,
    policy,
    question,
    record,
    vote,
)
from tests.kit.guards import guards

EVE = PersonId("eve")
YES_OR_NO: tuple[Act, ...] = ("approve", "deny")
EFFECTS: set[Rests] = {"approve", "break_glass", "edit", "hand_on", "stand_in", "use_standing"}


def test_the_approval_of_one_approver_decides_where_one_is_enough() -> None:
    found = judge(record(), answer(BO))

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.by, found.decision.at) == ("approved", (BO,), LATER)
    assert found.vote is not None
    assert (found.vote.person, found.vote.binding) == (BO, SEEN)


def test_the_first_of_two_needed_approvals_counts_and_the_second_one_decides() -> None:
    pair = approval(policy=policy(quorum=2))

    first = judge(record(pair), answer(BO))
    second = judge(record(pair, votes=(vote(BO),)), answer(CY))

    assert isinstance(first, Counted)
    assert isinstance(second, Decided)
    assert second.decision.by == (BO, CY)


def test_one_denial_decides_however_many_approvals_are_needed() -> None:
    found = judge(record(approval(policy=policy(quorum=2)), votes=(vote(BO),)), answer(CY, "deny"))

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.by, found.decision.reason) == ("denied", (CY,), "not today")


def test_an_answer_to_a_question_decides_it() -> None:
    found = judge(record(question()), answer(ANNA, "answer", given=given()))

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.given, found.vote) == ("answered", given(), None)


@guards("judge:stop_or_answer")
def test_words_of_a_requester_that_fit_a_question_and_would_stop_the_run_are_asked_about() -> None:
    said = answer(ANNA, "answer", given=given(), text="stop", may_stop=True)

    assert judge(record(question()), said) == StopOrAnswer(text="stop")
    assert isinstance(judge(record(question()), said.model_copy(update={"may_stop": False})), Decided)


@guards("judge:addressee")
def test_a_card_that_was_made_for_somebody_else_does_not_count_even_from_an_approver() -> None:
    assert judge(record(), answer(BO, addressee=CY)) == NotEntitled(why="not_addressee", approvers=(BO, CY))


def test_a_denial_counts_from_a_card_that_was_made_for_somebody_else() -> None:
    found = judge(record(), answer(BO, "deny", addressee=CY))

    assert isinstance(found, Decided)
    assert found.decision.state == "denied"
    assert judge(record(), answer(DAN, "deny", addressee=CY)) == NotEntitled(why="not_an_approver", approvers=(BO, CY))


@guards("judge:entitled")
@pytest.mark.parametrize("act", YES_OR_NO)
def test_somebody_whom_the_policy_does_not_name_is_not_entitled(act: Act) -> None:
    assert judge(record(), answer(DAN, act)) == NotEntitled(why="not_an_approver", approvers=(BO, CY))


@guards("judge:not_requester")
@pytest.mark.parametrize("state", ["approved", "denied", "expired", "withdrawn"])
def test_who_is_not_entitled_hears_of_nobody_who_may_where_nobody_may_any_more(state: RequestState) -> None:
    assert judge(record(state=state), answer(DAN, "approve")) == NotEntitled(why="over", approvers=())


def test_a_requester_does_not_decide_even_as_an_approver() -> None:
    own = record(approval(requesters=(BO,)))

    assert judge(own, answer(BO)) == NotEntitled(why="requester", approvers=(CY,))


@guards("judge:not_requester")
def test_whoever_has_joined_the_requesters_since_does_not_decide() -> None:
    joined = record(joined=(BO,))

    assert judge(joined, answer(BO)) == NotEntitled(why="requester", approvers=(CY,))


@guards("judge:not_editor")
def test_an_editor_does_not_approve_the_own_edit_and_may_deny_it() -> None:
    edited = record(asked=moved(editors=(BO,)))

    assert judge(edited, answer(BO)) == NotEntitled(why="editor", approvers=(CY,))
    assert isinstance(judge(edited, answer(BO, "deny")), Decided)
    assert isinstance(judge(edited, answer(CY)), Decided)


@guards("judge:not_giver")
def test_whoever_handed_it_on_does_not_approve_it_from_a_seat_that_they_still_have_and_may_deny_it() -> None:
    given = record(asked=moved(handed_on=(HandedOn(person=BO, to=CY),)))

    own = judge(given, answer(BO))

    assert isinstance(own, NotEntitled)
    assert own.why == "handed_on"
    assert isinstance(judge(given, answer(BO, "deny")), Decided)
    assert isinstance(judge(given, answer(CY)), Decided)


@guards("judge:withdrawal")
@pytest.mark.parametrize(
    ("person", "seen"), [(ANNA, {}), (BO, {}), (ANNA, {"addressee": CY}), (ANNA, {"revision": 0, "digest": "other"})]
)
def test_a_requester_s_denial_withdraws_whatever_card_it_came_from(person: PersonId, seen: dict[str, object]) -> None:
    found = judge(record(approval(requesters=(ANNA, BO))), answer(person, "deny", **seen))

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.by, found.vote) == ("withdrawn", (person,), None)


@guards("judge:withdrawal")
def test_a_requester_s_denial_after_the_approval_and_before_the_start_stops_it() -> None:
    found = judge(record(state="approved", votes=(vote(BO),)), answer(ANNA, "deny"))

    assert isinstance(found, Revoked)
    assert (found.vote.person, found.vote.approve) == (ANNA, False)


@guards("judge:withdrawal")
def test_a_requester_who_withdraws_after_the_start_is_told_since_when_it_runs() -> None:
    started = record(state="approved", started_at=LATER)

    assert judge(started, answer(ANNA, "deny")) == TooLate(started_at=LATER)


@guards("judge:withdrawal")
def test_a_requester_who_withdraws_what_is_decided_is_told_how() -> None:
    assert isinstance(judge(record(state="denied"), answer(ANNA, "deny")), AlreadyDecided)


@guards("judge:asked_it")
@pytest.mark.parametrize("state", ["open", "approved", "denied"])
def test_nobody_withdraws_what_they_did_not_ask(state: RequestState) -> None:
    found = record(approval(requesters=(ANNA, EVE), parts={EVE: "objected"}), state)

    for person in (BO, DAN, EVE):
        assert judge(found, answer(person, "withdraw")) == NotEntitled(why="not_asker", approvers=())


@guards("judge:may_be_withdrawn")
@pytest.mark.parametrize("purpose", ["unknown", "review"])
def test_nobody_withdraws_what_code_asks_by_itself(purpose: Purpose) -> None:
    found = record(approval(format="free_text", purpose=purpose, call=None))

    assert judge(found, answer(ANNA, "withdraw")) == NotEntitled(why="not_withdrawn", approvers=())


@pytest.mark.parametrize(
    ("asked", "seen"),
    [(approval(), {"addressee": CY}), (approval(), {"revision": 0, "digest": "other"}), (question(), {}),
     (approval(policy=policy(rule=anyone("anna", "bo"), requester_may_approve=True)), {"channel": "email"})],
)  # fmt: skip
def test_whoever_asked_withdraws_what_is_open_also_a_question_and_what_they_could_decide(
    asked: Request, seen: dict[str, Any]
) -> None:
    found = judge(record(asked), answer(asked.requesters[0], "withdraw", **seen))

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.by, found.vote) == ("withdrawn", (asked.requesters[0],), None)


def test_a_program_withdraws_what_it_asked_by_itself() -> None:
    found = judge(record(approval(program=PersonId("ci"))), answer(PersonId("ci"), "withdraw"))

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.by) == ("withdrawn", ("ci",))


def test_a_withdrawal_stops_what_was_approved_until_it_starts() -> None:
    approved = record(state="approved", votes=(vote(BO),))
    withdrawal = answer(ANNA, "withdraw").model_copy(update={"text": "not today"})

    stopped = judge(approved, withdrawal)

    assert isinstance(stopped, Revoked)
    assert (stopped.vote.person, stopped.vote.approve, stopped.vote.reason) == (ANNA, False, "not today")
    assert judge(record(state="approved", started_at=LATER), withdrawal) == TooLate(started_at=LATER)
    assert isinstance(judge(record(state="denied"), withdrawal), AlreadyDecided)
    expired = withdrawal.model_copy(update={"at": EXPIRES})
    assert judge(record(), expired) == ClosedOtherwise(state="expired")


@guards("judge:remark")
def test_words_of_a_requester_beside_an_open_approval_are_a_remark_and_no_answer() -> None:
    of_another, unbound = {"addressee": BO}, {"unbound": "it answers another mail, and does not quote the card"}

    for seen in ({}, of_another, unbound):
        assert judge(record(), answer(ANNA, "say", text="wait until 5", **seen)) == Remarked(text="wait until 5")
    old = answer(ANNA, "say", text="wait until 5", **of_another, **unbound)
    assert isinstance(judge(record(), old), NotEntitled), "an old mail of theirs, sent to another's card, is none"


def test_a_card_takes_twenty_remarks_and_no_more() -> None:
    remarks = tuple(Remark(person=ANNA, text="wait", at=NOON) for _ in range(20))

    found = judge(record(approval(remarks=remarks)), answer(ANNA, "say", text="wait until 5"))

    assert isinstance(found, NotEntitled)


@guards("judge:reply")
def test_words_of_a_requester_that_answer_a_question_are_that_answer_and_no_remark() -> None:
    question = Comment(person=BO, text="why now?", at=NOON, kind="question", id="asked-1")

    found = judge(record(comments=(question,)), answer(ANNA, "say", text="the fair opens at noon"))

    assert found == Replied(about="asked-1")


@guards("judge:not_too_often")
def test_what_is_kept_of_one_person_no_longer_is_neither_called_a_question_nor_an_answer() -> None:
    question = Comment(person=BO, text="why now?", at=NOON, kind="question", id="asked-1")
    full = record(comments=(question,), noted={ANNA: 50, BO: 50})

    assert judge(full, answer(BO, "say", text="why now?")) == Unclear(why=TOO_OFTEN)
    assert judge(full, answer(BO, "ask", text="why now")) == Unclear(why=TOO_OFTEN)
    assert judge(full, answer(ANNA, "say", text="the fair opens at noon")) == Unclear(why=TOO_OFTEN)
    assert isinstance(judge(full, answer(CY, "say", text="why now?")), Asked)
    assert isinstance(judge(full, answer(BO)), Decided)
    assert isinstance(judge(full, answer(BO, "deny")), Decided)


@guards("judge:names_it")
@pytest.mark.parametrize(
    "asked",
    [
        record(approval(remarks=(Remark(person=ANNA, text="Shall I wait?", at=NOON),))),
        record(asked=moved(handed_on=(HandedOn(person=DAN, to=BO),))),
        record(noted={BO: 1}),
        record(votes=(vote(CY).model_copy(update={"reason": "Shall I wait?"}),)),
        record(void=(vote(CY).model_copy(update={"reason": "Shall I wait?"}),)),
        record(told_why_frozen=True),
    ],
)
def test_a_yes_that_may_answer_what_was_written_beside_the_request_is_asked_back(asked: RequestRecord) -> None:
    assert isinstance(judge(asked, answer(BO, may_answer=True)), Unclear)
    assert isinstance(judge(asked, answer(BO)), Decided)


def test_a_yes_that_may_answer_what_the_wish_asks_beside_what_it_wants_is_asked_back() -> None:
    assert isinstance(judge(record(), answer(BO, may_answer=True, wish_asks=True)), Unclear)
    assert isinstance(judge(record(), answer(BO, wish_asks=True)), Decided)


@guards("judge:note")
def test_words_beside_an_approval_are_asked_back_before_it_counts() -> None:
    noted = answer(BO, note="only after lunch")

    assert judge(record(), noted) == NoteUnconfirmed(note="only after lunch")
    found = judge(record(), noted.model_copy(update={"note_confirmed": True}))
    assert isinstance(found, Decided)
    assert found.vote is not None
    assert (found.vote.reason, found.decision.reason) == ("only after lunch", "only after lunch")


@pytest.mark.parametrize(("joined", "here"), [((BO,), None), ((), (ANNA, CY, DAN))])
def test_a_vote_of_somebody_who_has_joined_the_requesters_or_left_since_no_longer_counts(
    joined: tuple[PersonId, ...], here: tuple[PersonId, ...] | None
) -> None:
    pair = approval(policy=policy(quorum=2, rule=anyone("bo", "cy", "dan")))
    voted = record(pair, votes=(vote(BO),), joined=joined)

    second = judge(voted, answer(CY), here)
    third = judge(voted.model_copy(update={"votes": (vote(BO), vote(CY))}), answer(DAN), here)

    assert isinstance(second, Counted)
    assert isinstance(third, Decided)
    assert third.decision.by == (CY, DAN)


def test_whoever_has_joined_decides_where_the_policy_lets_requesters_decide() -> None:
    joined = record(approval(policy=policy(requester_may_approve=True)), joined=(BO,))

    assert isinstance(judge(joined, answer(BO)), Decided)


def test_a_requester_decides_where_the_policy_says_so() -> None:
    own = record(approval(requesters=(BO,), policy=policy(requester_may_approve=True)))

    assert isinstance(judge(own, answer(BO)), Decided)


@guards("judge:asks")
def test_what_is_not_plainly_a_vote_is_unclear() -> None:
    assert judge(record(), answer(BO, "say", text="ok, but wait until 5")) == Unclear()


@guards("judge:bound")
def test_an_approval_that_is_not_about_the_card_is_a_comment_and_a_denial_counts() -> None:
    unbound = "its subject is not that of the card"

    assert judge(record(), answer(BO, unbound=unbound)) == Unclear(why=unbound)
    assert objection(record(), answer(BO, "hand_on", unbound=unbound)) == Unclear(why=unbound)
    assert isinstance(judge(record(), answer(BO, "deny", unbound=unbound)), Decided)


@guards("judge:bound")
def test_an_approval_with_a_card_that_was_replaced_is_a_comment() -> None:
    replaced = record().model_copy(update={"replaced": ("d1",)})

    assert isinstance(judge(replaced, answer(BO, card="d1")), Unclear)
    assert isinstance(judge(replaced, answer(BO, card="d2")), Decided)


def test_a_comment_after_the_decision_is_told_who_decided() -> None:
    assert isinstance(judge(record(state="denied"), answer(BO, "say", text="hm?")), AlreadyDecided)


@guards("judge:is_given")
def test_what_does_not_fit_a_questions_format_is_unclear() -> None:
    assert judge(record(question("choice", ("a", "b"))), answer(ANNA, "answer", given=None)) == Unclear()


@guards("judge:fits")
def test_a_vote_answers_no_question_and_an_answer_no_approval() -> None:
    assert judge(record(question()), answer(ANNA)) == Unclear()
    assert judge(record(), answer(BO, "answer", given=given())) == Unclear()


@guards("judge:revocation")
@pytest.mark.parametrize("seen", [{}, {"revision": 0}, {"digest": "other"}, {"at": EXPIRES}, {"channel": "email"}])
def test_a_denial_after_the_approval_takes_it_back_whatever_card_it_came_from(seen: dict[str, object]) -> None:
    found = judge(record(state="approved", votes=(vote(BO),)), answer(CY, "deny", **seen))

    assert isinstance(found, Revoked)
    assert (found.vote.person, found.vote.approve, found.vote.reason) == (CY, False, "not today")


@guards("judge:revocation")
def test_the_one_who_approved_may_take_it_back() -> None:
    assert isinstance(judge(record(state="approved", votes=(vote(BO),)), answer(BO, "deny")), Revoked)


@guards("judge:revocation")
def test_a_denial_after_the_start_is_too_late_and_told_since_when() -> None:
    started = record(state="approved", started_at=LATER)

    assert judge(started, answer(CY, "deny")) == TooLate(started_at=LATER)


def test_the_first_denial_after_the_start_is_kept_however_much_its_writer_said_before() -> None:
    full = record(state="approved", started_at=LATER, noted={CY: 50})
    stopped = full.model_copy(update={"stopped": vote(BO, approve=False)})

    assert is_kept(full, CY, TooLate(started_at=LATER))
    assert not is_kept(stopped, CY, TooLate(started_at=LATER))
    assert not is_kept(full, CY, Unclear())


@guards("judge:undecided")
@pytest.mark.parametrize(
    ("state", "act"), [("approved", "approve"), ("denied", "approve"), ("denied", "deny"), ("answered", "approve")]
)
def test_the_first_decision_is_final(state: RequestState, act: Act) -> None:
    closed = record(state=state)

    may_stop = state == "approved"
    assert judge(closed, answer(CY, act)) == AlreadyDecided(decision=decision(state), may_stop=may_stop)


@guards("judge:open")
@pytest.mark.parametrize("state", ["expired", "withdrawn", "superseded", "revoked"])
@pytest.mark.parametrize("act", YES_OR_NO)
def test_what_is_closed_otherwise_takes_no_answer(state: RequestState, act: Act) -> None:
    assert judge(record(state=state), answer(BO, act)) == ClosedOtherwise(state=state)


@guards("judge:unexpired")
@pytest.mark.parametrize("act", YES_OR_NO)
def test_from_the_expiry_on_nothing_counts(act: Act) -> None:
    just_in_time = judge(record(), answer(BO, act, at=EXPIRES - timedelta(microseconds=1)))
    too_late = judge(record(), answer(BO, act, at=EXPIRES))

    assert isinstance(just_in_time, Decided)
    assert too_late == ClosedOtherwise(state="expired")


@pytest.mark.parametrize("act", ["say", "ask"])
def test_words_from_the_expiry_on_are_told_that_it_is_over_and_reach_nobody(act: Act) -> None:
    just_in_time = judge(record(), answer(BO, act, at=EXPIRES - timedelta(microseconds=1), text="why now?"))

    assert isinstance(just_in_time, Asked)
    assert judge(record(), answer(BO, act, at=EXPIRES, text="why now?")) == ClosedOtherwise(state="expired")


@guards("judge:this_way")
@pytest.mark.parametrize(
    ("changes", "channel", "ways"),
    [
        ({"approve_by_email": False}, "email", ("slack", "console", "cli", "api")),
        ({"answer_from": ("email",)}, "cli", ("email",)),
        ({"answer_from": ("email",), "approve_by_email": False}, "email", ()),
    ],
)
def test_an_approval_counts_only_in_the_ways_that_the_policy_names(
    changes: dict[str, object], channel: str, ways: tuple[str, ...]
) -> None:
    asked = record(approval(policy=policy(**changes)))

    assert judge(asked, answer(BO, channel=channel)) == NotThisWay(ways=ways)


@pytest.mark.parametrize("act", [*ACTS, "stand_in", "use_standing"])
@pytest.mark.parametrize(
    ("channel", "link_by", "by_mail", "there"),
    [
        ("cli", None, False, True),
        ("email", None, False, False),
        ("email", None, True, True),
        ("console", "email", False, False),
        ("console", "email", True, True),
        ("slack", None, True, False),
    ],
)
def test_what_has_an_effect_counts_where_an_approval_does_and_everything_else_by_every_way(
    act: Rests, channel: str, link_by: LinkBy | None, *, by_mail: bool, there: bool
) -> None:
    ways = policy(approve_by_email=by_mail, answer_from=("email", "console", "cli", "api"))

    assert counts(ways, act, rests_on(as_by(channel, link_by))) is (there or act not in EFFECTS)


@pytest.mark.parametrize("act", ["approve", "break_glass", "edit", "hand_on"])
def test_each_answer_with_an_effect_is_refused_by_a_way_that_does_not_count(act: Act) -> None:
    ways = policy(approve_by_email=False, break_glass=(anyone("bo"),))
    said = answer(BO, act, channel="email", note="down" if act == "break_glass" else "")

    found = objection(record(approval(policy=ways)), said)

    assert isinstance(found, NotThisWay)
    assert found.act == act


@pytest.mark.parametrize(
    ("found", "at", "why"),
    [
        (record(state="approved"), LATER, AlreadyDecided),
        (record(state="denied"), LATER, AlreadyDecided),
        (record(state="withdrawn"), LATER, ClosedOtherwise),
        (record(), EXPIRES, ClosedOtherwise),
    ],
)
def test_what_is_over_is_handed_on_to_nobody(found: RequestRecord, at: datetime, why: type[Judgement]) -> None:
    assert isinstance(objection(found, answer(BO, "hand_on", at=at)), why)
    assert objection(record(), answer(BO, "hand_on")) is None


@pytest.mark.parametrize("act", YES_OR_NO)
@pytest.mark.parametrize("by_email", [True, False])
@pytest.mark.parametrize("link_by", [None, "slack", "email", "operator"])
@pytest.mark.parametrize("channel", ["console", "cli", "api"])
def test_after_a_log_in_by_a_mailed_link_an_approval_counts_where_one_by_mail_does(
    *, channel: str, link_by: LinkBy | None, by_email: bool, act: Act
) -> None:
    asked = record(approval(policy=policy(approve_by_email=by_email)))

    found = judge(asked, answer(BO, act, channel=channel, link_by=link_by))

    if act == "approve" and link_by == "email" and not by_email:
        assert found == NotThisWay(ways=("slack", "console", "cli", "api"), rests_on_mail=True)
    else:
        assert isinstance(found, Decided)
        assert found.decision.state == ("approved" if act == "approve" else "denied")


@pytest.mark.parametrize("answer_from", [("console",), ("console", "email")])
def test_a_policy_without_mail_among_its_ways_takes_no_approval_after_a_log_in_by_mail(
    answer_from: tuple[str, ...],
) -> None:
    asked = record(approval(policy=policy(answer_from=answer_from, approve_by_email=True)))

    found = judge(asked, answer(BO, channel="console", link_by="email"))

    assert isinstance(found, Decided if "email" in answer_from else NotThisWay)


def test_where_the_console_is_no_way_that_is_said_whatever_the_log_in() -> None:
    asked = record(approval(policy=policy(answer_from=("cli",))))

    assert judge(asked, answer(BO, channel="console", link_by="email")) == NotThisWay(ways=("cli",))


def test_a_question_is_answered_after_any_log_in() -> None:
    asked = question()
    strict = asked.policy.model_copy(update={"approve_by_email": False})

    found = judge(
        record(asked.model_copy(update={"policy": strict})),
        answer(ANNA, "answer", given=given(), channel="console", link_by="email"),
    )

    assert isinstance(found, Decided)


@guards("judge:leaves_enough")
def test_attack_a_vote_that_leaves_nobody_for_the_next_step_is_refused_and_says_who_may() -> None:
    steps = (PolicyStep(name="a", rule=anyone("bo", "cy")), PolicyStep(name="b", rule=anyone("bo")))
    asked = record(approval(policy=policy(rule=steps[0].rule, steps=steps)))

    assert judge(asked, answer(BO)) == NotEntitled(why="needed_later", approvers=(CY,))
    assert isinstance(judge(asked, answer(BO, "deny")), Decided)
    first = judge(asked, answer(CY))
    assert isinstance(first, Counted)
    assert first.next_step == StepBegan(number=1, filled=(CY,))


def test_a_vote_counts_where_its_step_lacks_more_and_all_steps_can_still_be_met() -> None:
    steps = (PolicyStep(name="a", rule=anyone("bo", "cy", "dan"), quorum=2), PolicyStep(name="b", rule=anyone("bo")))
    asked = record(approval(policy=policy(rule=steps[0].rule, quorum=2, steps=steps)))

    assert judge(asked, answer(BO)) == NotEntitled(why="needed_later", approvers=(CY, DAN))
    assert isinstance(judge(asked, answer(CY)), Counted)
    left = judge(asked, answer(BO), here=(ANNA, BO, DAN))
    assert isinstance(left, Counted)  # too few are left anyway: others are asked in place of who has left


@pytest.mark.parametrize("part", ["decides", "edited", "gave", "decided before", "decides later", "took", "only asks"])
def test_a_denial_of_whoever_asked_and_may_approve_denies_it_and_of_who_only_asks_withdraws(part: str) -> None:
    own = policy(requester_may_approve=True, rule=anyone("anna" if part in {"decides", "edited"} else "bo"))
    before, later = (AskedStep(name="a", rule=anyone("anna"), by=(ANNA,)), AskedStep(name="b", rule=own.rule))
    changes: dict[str, dict[str, object]] = {
        "edited": {"editors": (ANNA,)},
        "gave": {"handed_on": (HandedOn(person=ANNA, to=BO),), "may_deny": (ANNA,)},
        "decided before": {"steps": (before, later), "in_step": 1, "may_deny": (ANNA,)},
        "decides later": {"steps": (AskedStep(name="a", rule=own.rule), AskedStep(name="b", rule=anyone("anna")))},
        "took": {"rule": anyone("anna"), "handed_on": (HandedOn(person=BO, to=ANNA),)},
    }

    found = judge(record(approval(policy=own), asked=moved(own, **changes.get(part, {}))), answer(ANNA, "deny"))

    assert isinstance(found, Decided)
    assert found.decision.state == ("withdrawn" if part in {"decides later", "took", "only asks"} else "denied")


def test_people_of_a_later_step_may_look_and_may_not_act_before_their_turn() -> None:
    steps = (PolicyStep(name="a", rule=anyone("bo")), PolicyStep(name="b", rule=anyone("cy")))
    asked = record(approval(policy=policy(rule=steps[0].rule, steps=steps)))
    early = answer(CY)

    for found in (judge(asked, early), judge(asked, early.of("deny")), objection(asked, early.of("edit"))):
        assert found == NotEntitled(why="not_an_approver", approvers=(BO,))


@pytest.mark.parametrize("has_voted", [False, True])
def test_whoever_has_edited_or_voted_may_edit_again(*, has_voted: bool) -> None:
    three = policy(rule=anyone("bo", "cy", "dan"), quorum=2)
    now = moved(three, editors=() if has_voted else (BO,))
    asked = record(approval(policy=three), votes=(vote(BO),) if has_voted else (), asked=now)

    assert objection(asked, answer(BO, "edit")) is None


def test_a_denial_counts_in_every_way() -> None:
    asked = record(approval(policy=policy(answer_from=("cli",), approve_by_email=False)))

    assert isinstance(judge(asked, answer(BO, "deny", channel="email")), Decided)


@guards("judge:current_revision")
def test_an_approval_of_an_older_revision_is_superseded() -> None:
    assert judge(record(approval(revision=2)), answer(BO, revision=1)) == OutOfDate(seen_revision=1)


@guards("judge:current_revision")
def test_an_answer_to_an_older_revision_of_a_question_is_superseded() -> None:
    asked = question().model_copy(update={"revision": 2})

    found = judge(record(asked), answer(ANNA, "answer", given=given()))

    assert found == OutOfDate(seen_revision=1, act="answer")


@guards("judge:same_digest")
def test_an_approval_of_another_digest_is_superseded() -> None:
    assert judge(record(), answer(BO, digest="e" * 64)) == OutOfDate(seen_revision=1)


@guards("judge:current_revision")
@guards("judge:same_digest")
@pytest.mark.parametrize("seen", [{"revision": 0}, {"digest": "e" * 64}])
def test_who_saw_something_else_than_what_stands_hands_nothing_on(seen: dict[str, object]) -> None:
    found = objection(record(), answer(BO, "hand_on", **seen))

    assert isinstance(found, OutOfDate)
    assert found.act == "hand_on"


@pytest.mark.parametrize("seen", [{"revision": 0}, {"digest": "other"}])
def test_a_denial_of_what_stood_before_denies_what_stands_now(seen: dict[str, object]) -> None:
    found = judge(record(), answer(BO, "deny", **seen))

    assert isinstance(found, Decided)
    assert found.decision.state == "denied"


@guards("judge:first_vote")
def test_a_second_approval_by_one_person_is_no_second_vote() -> None:
    pair = record(approval(policy=policy(quorum=2)), votes=(vote(BO),))

    assert judge(pair, answer(BO, reply_id="another mail")) == AlreadyVoted()


def test_who_approved_may_still_deny_while_it_is_open() -> None:
    found = judge(record(approval(policy=policy(quorum=2)), votes=(vote(BO),)), answer(BO, "deny"))

    assert isinstance(found, Decided)
    assert found.decision.state == "denied"


def test_a_stranger_learns_nothing_of_how_it_was_decided() -> None:
    closed = record(state="denied")

    assert isinstance(judge(closed, answer(DAN)), NotEntitled)


def test_each_check_has_a_name_of_its_own() -> None:
    checks = [row.check for row in CHECKS]

    assert len(set(checks)) == len(checks)
