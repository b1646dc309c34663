"""To whom somebody's seats may go, why not to others, and what holds then."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.moves import handed_on
from agents.requests import AllOf, AnyOf, Anyone, PersonId, PolicySnapshot, PolicyStep, Rule, people_of
from agents.requests.record import RequestRecord
from bot.policy.approvers.delegation import (
    MOST_HANDED_ON,
    Absent,
    Accepts,
    Involved,
    candidates,
    hand_ons_to,
    objection,
    passed,
    stood_in_for,
)
from bot.policy.approvers.quorum import can_be_met, is_met
from bot.policy.approvers.who import who_at_first, who_of
from bot.policy.judge import judge
from bot.policy.judgements import Decided, NotEntitled
from tests.agents.worlds import NOON
from tests.bot.examples import ANNA, BO, CY, DAN, all_of, answer, anyone, approval, moved, policy, record
from tests.kit.long import examples

EVE, FAY = PersonId("eve"), PersonId("fay")
HERE = (ANNA, BO, CY, DAN, EVE, FAY)
ALONE = policy(rule=anyone("bo"), stand_ins=(anyone("cy", "dan", "eve", "fay"),))


def of(snapshot: PolicySnapshot) -> Accepts:
    """Whoever may stand in takes any seat."""
    reserve = {person for seat in snapshot.stand_ins for person in seat.people}
    return lambda seat: {*reserve, *seat.people}


def involved(
    *voters: PersonId,
    under: PolicySnapshot = ALONE,
    here: Collection[PersonId] = HERE,
    editors: tuple[PersonId, ...] = (),
) -> Involved:
    return Involved(who_at_first(under, (ANNA,), editors), voters, here)


def why(found: Involved, person: PersonId, to: PersonId) -> str | None:
    return objection(person, to, found, of(found.who.policy))


def given_on(snapshot: PolicySnapshot, *pairs: tuple[PersonId, PersonId]) -> Involved:
    found = involved(under=snapshot)
    for person, to in pairs:
        assert why(found, person, to) is None
        found = found.after(passed(found.who.asked, person, to, of(snapshot)))
    return found


def asked_by(found: Involved) -> RequestRecord:
    return record(approval(policy=found.who.policy), asked=found.who.asked)


def test_who_holds_it_now_decides_and_who_handed_it_on_only_denies() -> None:
    now = given_on(ALONE, (BO, CY))
    asked = asked_by(now)

    assert now.who.approve == (CY,)
    assert isinstance(judge(asked, answer(CY)), Decided)
    own = judge(asked, answer(BO))
    assert isinstance(own, NotEntitled)
    assert (own.why, own.approvers) == ("handed_on", (CY,))
    denied = judge(asked, answer(BO, "deny"))
    assert isinstance(denied, Decided)
    assert denied.decision.state == "denied"


def test_nobody_comes_back_by_escalation_who_handed_it_on() -> None:
    now = asked_by(given_on(ALONE, (BO, CY)))
    wider = now.model_copy(update={"asked": now.asked.model_copy(update={"rule": anyone("cy", "bo", "dan")})})

    assert who_of(wider).approve == (CY, DAN)
    assert isinstance(judge(wider, answer(BO)), NotEntitled)


@pytest.mark.parametrize(
    ("found", "person", "to", "reason"),
    [
        (involved(), CY, DAN, "not_asked"),
        (involved(), ANNA, CY, "not_asked"),
        (involved(BO), BO, CY, "has_voted"),
        (involved()._replace(in_doubt=(BO,)), BO, CY, "may_have_stopped"),
        (involved(), BO, BO, "self"),
        (involved(here=(ANNA, BO)), BO, CY, "left"),
        (involved(under=policy(rule=anyone("bo"), stand_ins=(anyone("anna"),))), BO, ANNA, "requester"),
        (involved(editors=(CY,)), BO, CY, "editor"),
        (involved(under=policy(rule=anyone("bo", "cy"))), BO, CY, "deciding"),
        (involved(under=policy(rule=anyone("bo"))), BO, CY, "not_accepted"),
    ],
)
def test_it_is_not_handed_on(found: Involved, person: PersonId, to: PersonId, reason: str) -> None:
    assert why(found, person, to) == reason


def test_what_a_policy_allows_requesters_and_editors_is_for_those_whom_it_names_itself() -> None:
    own = policy(
        rule=anyone("bo"),
        stand_ins=(anyone("anna", "cy", "dan"),),
        requester_may_approve=True,
        editor_may_approve=True,
    )
    edited = involved(under=own, editors=(CY,))

    assert why(involved(under=own), BO, ANNA) == "requester"
    assert why(edited, BO, CY) == "editor"
    assert candidates(edited, of(own), BO) == (DAN,)
    absent: Mapping[PersonId, Absent] = {BO: Absent(until=NOON, to=ANNA)}
    assert [*stood_in_for(absent, edited, of(own))] == []


@pytest.mark.parametrize("part", ["joined", "edited"])
def test_attack_who_took_a_seat_steers_or_edits_it_afterwards_and_approves_alone(part: str) -> None:
    own = policy(rule=anyone("bo"), stand_ins=(anyone("cy"),), requester_may_approve=True, editor_may_approve=True)
    asked = approval(policy=own, edits={"version": (CY,)} if part == "edited" else {})
    now = given_on(own, (BO, CY)).who.asked.edited_by(asked.editors, own)

    found = judge(record(asked, asked=now, joined=(CY,) if part == "joined" else ()), answer(CY))

    assert isinstance(found, NotEntitled)
    assert found.why == ("requester" if part == "joined" else "editor")


def test_nobody_decides_who_may_be_whoever_handed_it_on() -> None:
    own = policy(rule=anyone("bo", "dan", "eve"), stand_ins=(anyone("cy"),))

    now = replace(given_on(own, (BO, CY)).who, doubles=((BO, DAN), (DAN, EVE)))

    assert now.approve == (CY, EVE)


def test_it_never_goes_back_and_not_further_than_three_times() -> None:
    now = given_on(ALONE, (BO, CY), (CY, DAN))
    assert why(now, DAN, BO) == "loop"
    assert why(now, DAN, CY) == "loop"

    last = given_on(ALONE, (BO, CY), (CY, DAN), (DAN, EVE))

    assert [one.person for one in hand_ons_to(last.who.asked, EVE)] == [BO, CY, DAN]
    assert why(last, EVE, FAY) == "chain"
    assert isinstance(judge(asked_by(last), answer(EVE)), Decided)


def test_two_who_hand_it_on_have_chains_of_their_own() -> None:
    both = policy(rule=anyone("bo", "cy"), quorum=2, stand_ins=(anyone("dan", "eve"),))

    now = given_on(both, (BO, DAN), (CY, EVE))

    assert [one.person for one in hand_ons_to(now.who.asked, DAN)] == [BO]
    assert now.who.approve == (DAN, EVE)
    assert now.who.asked.quorum == 2


def test_exactly_the_seats_of_one_go_to_the_other() -> None:
    rule = all_of(anyone("bo", "cy"), all_of(anyone("bo"), anyone("dan")))
    now = given_on(policy(rule=rule, stand_ins=(anyone("eve"),)), (BO, EVE)).who.asked

    assert now.rule == all_of(anyone("eve", "cy"), all_of(anyone("eve"), anyone("dan")))
    assert is_met(now, (CY, EVE, DAN))


def test_a_seat_that_is_none_of_theirs_by_the_policy_is_not_taken() -> None:
    """Whoever joined the other group since may take that group's seats, and no others."""
    data, security = (Anyone(source=f"group:{name}", people=(one,)) for name, one in (("data", BO), ("security", CY)))
    snapshot = policy(rule=all_of(data, security))

    def accepts(seat: Anyone) -> Collection[PersonId]:
        return {DAN} if seat.source == "group:security" else {BO}

    assert objection(BO, DAN, involved(under=snapshot), accepts) == "not_accepted"
    assert objection(CY, DAN, involved(under=snapshot), accepts) is None


def test_it_is_refused_where_too_few_would_be_left() -> None:
    steps = (PolicyStep(name="one", rule=anyone("bo")), PolicyStep(name="two", rule=anyone("cy")))
    snapshot = policy(rule=steps[0].rule, steps=steps, stand_ins=(anyone("cy", "dan"),))

    assert why(involved(under=snapshot), BO, CY) == "too_few"
    now = given_on(snapshot, (BO, DAN)).who.asked
    assert now.steps[0].rule == now.rule == anyone("dan")


def test_those_to_whom_it_can_go_are_listed() -> None:
    alone = policy(rule=anyone("bo"))

    assert candidates(involved(), of(ALONE), BO) == (CY, DAN, EVE, FAY)
    assert candidates(involved(), of(ALONE)) == (CY, DAN, EVE, FAY)
    assert candidates(involved(), of(ALONE), CY) == ()
    assert candidates(involved(under=alone), of(alone), BO) == ()


UNTIL = NOON + timedelta(days=3)


def absences(**to: str) -> Mapping[PersonId, Absent]:
    return {PersonId(name): Absent(UNTIL, PersonId(one) if one else None) for name, one in to.items()}


@pytest.mark.parametrize(
    ("away", "went"),
    [
        (absences(bo="cy"), ["bo cy"]),
        (absences(bo="cy", cy="dan"), ["bo cy", "cy dan"]),
        (absences(bo="cy", cy="bo"), ["bo cy"]),
        (absences(bo="cy", cy="dan", dan="eve", eve="fay"), ["bo cy", "cy dan", "dan eve"]),
        (absences(bo=""), []),
        (absences(bo="anna"), []),
        (absences(cy="dan"), []),
    ],
)
def test_those_who_are_away_are_stood_in_for(away: Mapping[PersonId, Absent], went: list[str]) -> None:
    found = list(stood_in_for(away, involved(), of(ALONE)))

    assert [f"{one.out} {one.into}" for one in found] == went
    assert {one.until for one in found} <= {UNTIL}
    assert [*stood_in_for(away, involved(BO), of(ALONE))] == []


def test_seats_of_other_steps_go_along_only_where_they_may_be_taken() -> None:
    first, then = anyone("bo"), Anyone(source="group:finance", people=(BO, CY))
    steps = (PolicyStep(name="now", rule=first), PolicyStep(name="then", rule=then))
    snapshot = moved(policy(rule=first, steps=steps))

    now = handed_on(snapshot, passed(snapshot, BO, DAN, lambda seat: (DAN,) if seat.source != then.source else ()))

    assert [[*people_of(rule)] for rule in (now.rule, now.steps[0].rule, now.steps[1].rule)] == [[DAN], [DAN], [CY]]


_names = st.sampled_from(["anna", "bo", "cy", "dan", "eve", "fay"])
_seats = st.lists(_names, min_size=1, max_size=4, unique=True).map(lambda names: anyone(*names))


def _combined(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return parts.map(lambda of: AllOf(of=of)) | parts.map(lambda of: AnyOf(of=of))


_rules = st.recursive(_seats, _combined, max_leaves=4)


def _policy(rule: Rule, quorum: int, reserve: Anyone, then: Rule | None) -> PolicySnapshot:
    steps = (PolicyStep(name="now", rule=rule, quorum=quorum), PolicyStep(name="then", rule=then)) if then else ()
    return policy(rule=rule, quorum=quorum, stand_ins=(reserve,), steps=steps)


_everybody = st.just(anyone("anna", "bo", "cy", "dan", "eve", "fay"))
_policies = st.builds(_policy, _rules, st.integers(1, 2), _everybody | _seats, st.none() | _rules)
_wishes = st.lists(st.tuples(st.integers(0, 5), _names.map(PersonId)), min_size=4, max_size=40)


@settings(max_examples=examples(300))
@given(_policies, _wishes, st.sets(_names.map(PersonId), max_size=2))
def test_whatever_is_handed_on_the_rules_hold(
    snapshot: PolicySnapshot, wishes: list[tuple[int, PersonId]], voters: set[PersonId]
) -> None:
    found, first = involved(*voters, under=snapshot), set(people_of(snapshot.rule))
    reserve = of(snapshot)
    for number, to in wishes:
        before = found.who.approve
        person = before[number % len(before)] if before else BO
        if objection(person, to, found, reserve):
            continue
        found = found.after(passed(found.who.asked, person, to, reserve))
        after, now = found.who.approve, found.who.asked

        assert person in before
        assert person not in after
        assert to in after
        assert to not in before
        assert to != ANNA
        assert set(after) == {*before, to} - {person}
        assert person in now.may_deny
        assert can_be_met(now, [one for one in found.who.named if one not in (ANNA, *now.givers)]) or voters
    now = found.who.asked
    assert set(now.givers).isdisjoint(found.who.approve)
    assert len(set(now.givers)) == len(now.givers)
    assert all(len(hand_ons_to(now, one)) <= MOST_HANDED_ON for one in HERE)
    assert set(found.who.approve) <= {
        *first,
        *(one for seat in snapshot.stand_ins for one in seat.people),
    }
