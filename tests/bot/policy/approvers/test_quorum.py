"""Quorums: distinct people, one seat each, for any nesting of rules."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.requests import AllOf, AnyOf, Anyone, PersonId, PolicyStep, Rule, people_of
from bot.policy.approvers.quorum import can_fill, is_met, lacking
from bot.policy.approvers.who import who_at_first
from tests.bot.examples import ANNA, BO, CY, DAN, all_of, any_of, anyone, policy
from tests.channels.email.work import calls_of

PEOPLE = (ANNA, BO, CY, DAN)
DEV, OPS = anyone("anna", "bo"), anyone("bo", "cy")


@pytest.mark.parametrize(
    ("rule", "quorum", "voters", "met"),
    [
        (anyone("bo", "cy"), 1, (BO,), True),
        (anyone("bo", "cy"), 2, (BO, BO), False),
        (anyone("bo", "cy"), 2, (BO, DAN), False),
        (anyone("bo", "cy"), 2, (BO, CY), True),
        (anyone(), 1, (BO,), False),
        (all_of(DEV, OPS), 1, (BO,), False),
        (all_of(DEV, OPS), 1, (BO, CY), True),
        (all_of(DEV, OPS), 3, (ANNA, CY), False),
        (all_of(DEV, DEV, DEV), 1, (ANNA, BO), False),
        (any_of(all_of(DEV, OPS), anyone("dan")), 1, (DAN,), True),
        (all_of(any_of(anyone("anna"), anyone("dan")), OPS), 1, (DAN, BO), True),
    ],
)
def test_a_quorum_is_met_by_enough_people_in_different_seats(
    *, rule: Rule, quorum: int, voters: tuple[PersonId, ...], met: bool
) -> None:
    assert is_met(policy(rule=rule, quorum=quorum), voters) is met


@pytest.mark.parametrize(
    ("requesters", "own", "left"),
    [
        ((), False, (BO, CY)),
        ((BO,), False, (CY,)),
        ((BO,), True, (BO, CY)),
        ((BO, CY), False, ()),
        ((ANNA,), False, (BO, CY)),
    ],
)
def test_requesters_are_not_eligible_unless_the_policy_says_so(
    *, requesters: tuple[PersonId, ...], own: bool, left: tuple[PersonId, ...]
) -> None:
    assert who_at_first(policy(requester_may_approve=own), requesters).approve == left


def test_somebody_named_twice_is_eligible_once() -> None:
    assert who_at_first(policy(rule=any_of(OPS, DEV)), ()).approve == (BO, CY, ANNA)


SEATS = st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True).map(lambda people: anyone(*people))
RULES: st.SearchStrategy[Rule] = st.recursive(
    SEATS,
    lambda parts: st.lists(parts, min_size=1, max_size=3).flatmap(
        lambda of: st.sampled_from([AllOf(of=tuple(of)), AnyOf(of=tuple(of))])
    ),
    max_leaves=5,
)
VOTERS = st.lists(st.sampled_from(PEOPLE), max_size=6)


def is_met_by_hand(rule: Rule, people: frozenset[PersonId]) -> bool:
    """By trying every way to divide the people among the parts."""
    match rule:
        case Anyone():
            return bool(people & set(rule.people))
        case AnyOf():
            return any(is_met_by_hand(part, people) for part in rule.of)
        case AllOf() if not rule.of:
            return True
        case AllOf():
            first, others = rule.of[0], AllOf(of=rule.of[1:])
            groups = (frozenset(group) for size in range(len(people) + 1) for group in combinations(people, size))
            return any(is_met_by_hand(first, group) and is_met_by_hand(others, people - group) for group in groups)


@given(RULES, st.integers(min_value=1, max_value=4), VOTERS)
def test_it_agrees_with_trying_every_way_to_seat_the_people(rule: Rule, quorum: int, voters: list[PersonId]) -> None:
    named = frozenset(voters) & frozenset(people_of(rule))

    met = is_met(policy(rule=rule, quorum=quorum), voters)

    assert met is (len(named) >= quorum and is_met_by_hand(rule, named))


@given(RULES, VOTERS, st.sampled_from(PEOPLE))
def test_one_more_voter_never_undoes_a_quorum(rule: Rule, voters: list[PersonId], one_more: PersonId) -> None:
    if is_met(policy(rule=rule), voters):
        assert is_met(policy(rule=rule), [*voters, one_more])


@given(RULES, VOTERS.flatmap(lambda voters: st.tuples(st.just(voters), st.permutations(voters * 2))))
def test_neither_order_nor_repetition_matters(rule: Rule, voters: tuple[list[PersonId], list[PersonId]]) -> None:
    once, twice_in_some_order = voters

    assert is_met(policy(rule=rule), twice_in_some_order) is is_met(policy(rule=rule), once)


def test_a_rule_that_nobody_can_meet_always_lacks_somebody() -> None:
    assert lacking(policy(rule=any_of()), [ANNA, BO]) == 1


def test_teams_that_are_written_out_person_by_person_cost_as_little_as_groups() -> None:
    """Three teams of eight in each of two steps: to try every choice of one of each takes ten seconds for a card."""

    def step(name: str) -> PolicyStep:
        teams = (any_of(*(anyone(f"{name}-{team}-{one}") for one in range(8))) for team in range(3))
        return PolicyStep(name=name, rule=all_of(*teams))

    steps = (step("manager"), step("finance"))
    there = [one for each in steps for one in people_of(each.rule) if "-2-" not in one]

    assert not can_fill(steps, there)
    assert calls_of(lambda: can_fill(steps, there)) < 20_000
