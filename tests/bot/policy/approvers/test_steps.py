"""Steps that come one after the other, and seats that escalation opens to more people."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from agents.events import RequestReassigned, VoteCast
from agents.moves import begun, filled, restarted
from agents.requests import PersonId, PolicySnapshot, PolicyStep, people_of
from agents.requests.asked import Asked, HandedOn, asked_at_first
from agents.requests.moves import StepBegan
from agents.requests.record import RequestRecord, after
from bot.policy.approvers.quorum import can_be_met, is_met, lacking_in_all
from bot.policy.approvers.steps import can_go_on, escalated, open_steps, refilled, still_open
from bot.policy.approvers.who import who_at_first, who_of
from bot.policy.judge import judge, needed_later
from bot.policy.judgements import Act, AlreadyVoted, Counted, Decided, Judgement, NotEntitled
from bot.policy.recheck import why_not
from tests.bot.examples import (
    ANNA,
    BO,
    CY,
    DAN,
    DIGEST,
    LATER,
    all_of,
    answer,
    any_of,
    anyone,
    approval,
    moved,
    policy,
    record,
)
from tests.channels.email.work import calls_of

MANAGER = PolicyStep(name="manager", rule=anyone("bo"), escalate_after_s=600, escalate_to=(anyone("dan"),))
EVE = PersonId("eve")
FINANCE = PolicyStep(name="finance", rule=anyone("cy", "dan"))


def spending(*steps: PolicyStep, **changes: Any) -> PolicySnapshot:
    steps = steps or (MANAGER, FINANCE)
    first = steps[0]
    return policy(
        rule=first.rule,
        quorum=first.quorum,
        escalate_after_s=first.escalate_after_s,
        escalate_to=first.escalate_to,
        steps=steps,
        **changes,
    )


def escalating(now: Asked, *to: PersonId) -> Asked:
    return filled(now, escalated(now, to), LATER)


def asked(snapshot: PolicySnapshot | None = None) -> RequestRecord:
    return record(approval(policy=snapshot or spending()))


def approve(now: Asked, *requesters: PersonId) -> tuple[PersonId, ...]:
    return replace(who_at_first(policy(), requesters), asked=now).approve


def says(found: RequestRecord, person: PersonId, act: Act = "approve") -> Judgement:
    return judge(found, answer(person, act))


def voted(found: RequestRecord, person: PersonId) -> RequestRecord:
    """The record after an approval that counts, with the step in force that begins with it."""
    counted = says(found, person)
    assert isinstance(counted, Counted), counted
    found = after(found, [VoteCast(at=LATER, request_id=found.request.id, vote=counted.vote)])
    if counted.next_step is None:
        return found
    moves = (counted.next_step,)
    return after(found, [RequestReassigned(at=LATER, request_id=found.request.id, why="next_step", moves=moves)])


def test_the_step_that_is_met_begins_the_next_and_the_last_one_decides() -> None:
    found = asked()

    assert isinstance(says(found, CY), NotEntitled)
    second = voted(found, BO)
    decided = says(second, CY)

    assert who_of(second).approve == (CY, DAN)
    assert isinstance(decided, Decided)
    assert (decided.decision.state, decided.decision.by) == ("approved", (BO, CY))


def test_one_person_fills_one_step() -> None:
    first = asked()
    second = voted(first.model_copy(update={"asked": escalating(first.asked, DAN)}), DAN)

    assert who_of(second).approve == (CY,)
    assert isinstance(says(second, DAN), AlreadyVoted)
    assert isinstance(says(second, CY), Decided)


def test_a_denial_in_any_step_ends_it_also_of_whoever_approved_an_earlier_one() -> None:
    first, second = asked(), voted(asked(), BO)

    for found, person in ((first, BO), (second, CY), (second, BO)):
        denied = says(found, person, "deny")
        assert isinstance(denied, Decided)
        assert denied.decision.state == "denied"


def test_the_number_that_is_needed_counts_the_steps_to_come() -> None:
    found = asked(spending(MANAGER, FINANCE.model_copy(update={"quorum": 2})))
    second = voted(found, BO)

    assert lacking_in_all(found.asked, ()) == 3
    assert lacking_in_all(second.asked, [BO]) == 2


def test_a_step_needs_others_than_the_step_before() -> None:
    only_cy = PolicyStep(name="manager", rule=anyone("cy"))

    assert can_be_met(asked_at_first(spending()), (BO, CY))
    assert can_be_met(asked_at_first(spending(only_cy, FINANCE)), (CY, DAN))
    assert not can_be_met(asked_at_first(spending(only_cy, FINANCE)), (CY,))
    assert not can_be_met(asked_at_first(spending(FINANCE.model_copy(update={"quorum": 2}), FINANCE)), (CY, DAN))
    assert not can_be_met(asked_at_first(spending()), (BO,))


def test_whoever_becomes_a_requester_counts_for_no_step_and_that_step_is_asked_again() -> None:
    two = PolicyStep(name="manager", rule=anyone("bo", "anna"))
    second = voted(asked(spending(two, FINANCE)), BO)
    steered = second.model_copy(update={"joined": (BO,)})

    back = says(steered, CY)

    assert isinstance(back, Counted)
    assert back.next_step == StepBegan(number=0, filled=(CY,))
    again = voted(steered, CY)
    assert again.asked.steps[1].by == (CY,)
    assert approve(again.asked, BO) == (ANNA,)


def test_whoever_has_left_counts_for_no_step_and_that_step_is_asked_again() -> None:
    two = PolicyStep(name="manager", rule=anyone("bo", "anna"))
    second = voted(asked(spending(two, FINANCE)), BO)

    back = judge(second, answer(CY, "approve"), here={ANNA, CY, DAN})

    assert isinstance(back, Counted)
    assert back.next_step == StepBegan(number=0, filled=(CY,))
    assert isinstance(judge(second, answer(CY, "approve"), here={ANNA, BO, CY, DAN}), Decided)


def test_whoever_has_left_is_not_among_those_whose_approvals_met_a_step() -> None:
    two = PolicyStep(name="manager", rule=anyone("bo", "cy", "dan"), quorum=2)
    half, here = voted(asked(spending(two, PolicyStep(name="finance", rule=anyone("eve")))), BO), {ANNA, CY, DAN, EVE}
    counted = judge(half, answer(CY, "approve"), here)
    assert isinstance(counted, Counted)
    assert counted.next_step is None
    half = after(half, [VoteCast(at=LATER, request_id=half.request.id, vote=counted.vote)])

    met = judge(half, answer(DAN, "approve"), here)

    assert isinstance(met, Counted)
    assert met.next_step == StepBegan(number=1, filled=(CY, DAN))


def test_open_steps_have_nobody_in_a_seat_who_counted_for_another() -> None:
    first = PolicyStep(name="manager", rule=anyone("bo", "cy"))
    second = voted(asked(spending(first, FINANCE)), CY).asked

    assert {number: list(people_of(step.rule)) for number, step in open_steps(second, (), ()).items()} == {1: [DAN]}
    assert {number: list(people_of(step.rule)) for number, step in open_steps(second, (DAN,), (CY,)).items()} == {
        0: [BO, CY]
    }
    assert list(open_steps(moved(), (), ())) == [0]


def test_a_step_that_was_met_is_open_again_once_its_approver_has_left() -> None:
    second, without_bo = who_of(voted(asked(), BO)), {ANNA, CY, DAN}

    assert [*still_open(second, (), {*without_bo, BO})] == [1]
    assert [*still_open(second, (), without_bo)] == [0, 1]
    assert can_go_on(second, (), {*without_bo, BO})
    assert not can_go_on(second, (), without_bo - {DAN}), "nobody else may come to decide the first step"


def test_changed_words_begin_with_the_first_step_again() -> None:
    second = voted(asked(), BO).asked

    again = restarted(second, LATER + timedelta(minutes=1))

    assert (again.in_step, again.rule, [step.by for step in again.steps]) == (0, MANAGER.rule, [(), ()])
    assert restarted(moved(), LATER) == moved()


def test_after_changed_words_whoever_filled_an_earlier_step_may_approve_in_each_again() -> None:
    first = PolicyStep(name="manager", rule=anyone("bo", "dan"))
    finance = PolicyStep(name="finance", rule=all_of(anyone("bo", "cy"), any_of(anyone("cy"), anyone("bo", "eve"))))
    second = voted(asked(spending(first, finance)), BO).asked
    assert approve(second) == (CY, EVE)

    again = restarted(second, LATER)

    assert [step.rule for step in again.steps] == [first.rule, finance.rule]
    assert approve(begun(again, 1, (DAN,), LATER)) == (BO, CY, EVE)


def test_changed_words_bring_back_nobody_who_left_and_keep_whom_a_step_escalated_to() -> None:
    first = PolicyStep(name="manager", rule=anyone("bo", "dan"))
    second = voted(asked(spending(first, PolicyStep(name="finance", rule=anyone("bo", "cy", "eve")))), BO)
    left = second.asked.model_copy(update={"rule": anyone("cy")})

    again = restarted(escalating(left, ANNA), LATER)

    assert tuple(people_of(again.steps[1].rule)) == (BO, CY, ANNA)


def test_an_approval_covers_nothing_once_a_voter_of_any_step_has_left() -> None:
    second = voted(asked(), BO)
    decided = says(second, CY)
    assert isinstance(decided, Decided)
    done = second.model_copy(update={"state": "approved", "decision": decided.decision})

    assert why_not(done, DIGEST, (ANNA, BO, CY, DAN), LATER) is None
    assert why_not(done, DIGEST, (ANNA, CY, DAN), LATER) is not None
    assert why_not(done, DIGEST, (ANNA, BO, DAN), LATER) is not None


def test_escalation_opens_every_seat_and_needs_as_many_people_as_before() -> None:
    both = policy(rule=all_of(anyone("bo"), any_of(anyone("cy"), anyone("anna"))), quorum=2)

    wider = escalating(moved(both), DAN)

    assert approve(wider) == (BO, DAN, CY, ANNA)
    assert not is_met(wider, (DAN,))
    assert is_met(wider, (DAN, CY))
    assert is_met(wider, (BO, DAN))


def test_escalation_gives_no_seat_to_whoever_handed_it_on_or_filled_another_step() -> None:
    given_on = moved(handed_on=(HandedOn(person=DAN, to=BO),))
    second = voted(asked(), BO).asked

    assert [*people_of(escalating(given_on, DAN, ANNA).rule)] == [BO, CY, ANNA]
    assert [*people_of(escalating(second, BO, ANNA).rule)] == [CY, DAN, ANNA]


def test_whoever_filled_another_step_gets_no_seat_where_the_people_are_looked_up_anew() -> None:
    second = voted(asked(), BO).asked

    anew = refilled(second, {1}, lambda _: (BO, CY, EVE))

    assert [*people_of(filled(second, anew, LATER).rule)] == [CY, EVE]


def test_escalation_lets_no_requester_decide_and_no_editor() -> None:
    edited = record(approval(edits={"version": (BO,)}))
    wider = RequestReassigned(
        at=LATER, request_id=edited.request.id, why="escalated", moves=(escalated(edited.asked, [DAN]),)
    )

    assert approve(escalating(moved(), ANNA, DAN), ANNA) == (BO, CY, DAN)
    assert (who_of(edited).approve, who_of(after(edited, [wider])).approve) == ((CY,), (CY, DAN))


def test_a_large_group_in_each_of_two_steps_costs_as_little_as_a_small_one() -> None:
    """Each of them gets a card that says who may decide: in the square of their number nothing else would run."""

    def work(count: int) -> int:
        group = anyone(*(f"p{number}" for number in range(count)))
        steps = (PolicyStep(name="manager", rule=group), PolicyStep(name="finance", rule=group))
        found, everybody = asked(spending(*steps)), [*people_of(group)]
        return calls_of(lambda: needed_later(found, everybody))

    assert work(200) < 30 * work(10)
