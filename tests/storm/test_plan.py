from itertools import islice, product

import pytest

from tests.storm.checker import KILLED, OTHERS, POINTS, WORKERS
from tests.storm.facts import APPROVERS, KINDS, PEOPLE, SETUPS, WAYS, Setup
from tests.storm.plan import ASKERS, DISTURBANCES, WHENS, Plan


def test_the_same_seed_plans_the_same_storm_and_another_one_another() -> None:
    assert list(islice(Plan(7).plots(), 50)) == list(islice(Plan(7).plots(), 50))
    assert list(islice(Plan(7).kills(), 50)) == list(islice(Plan(7).kills(), 50))
    assert list(islice(Plan(7).disturbances(), 50)) != list(islice(Plan(8).disturbances(), 50))


def test_everything_happens_before_anything_happens_again() -> None:
    plots = list(islice(Plan(1).plots(), 60))

    assert {plot.kind for plot in plots} == {*KINDS}
    assert {plot.way for plot in plots} == {*WAYS}
    assert {plot.asked_by for plot in plots} == {*ASKERS}
    assert {name for name, _, _ in islice(Plan(1).kills(), len(KILLED))} == {*KILLED}


@pytest.mark.parametrize("setup", SETUPS)
def test_everything_befalls_a_redis_that_can(setup: Setup) -> None:
    expected = DISTURBANCES[setup]

    assert {*islice(Plan(1, setup).disturbances(), len(expected))} == {*expected}


def test_only_who_has_a_line_of_its_own_to_redis_dies_at_a_named_point() -> None:
    assert any(point for _, point, _ in islice(Plan(1).kills(), 50))
    assert not any(point for _, point, _ in islice(Plan(1, "cluster").kills(), 50))


def test_workers_die_at_every_point_beginning_with_what_they_took_and_others_at_what_people_say() -> None:
    kills = list(islice(Plan(1).kills(), 20 * len(POINTS)))
    at_points = [(point, when) for name, point, when in kills if point and name in WORKERS]

    assert at_points[0] == ("take", "after")
    assert {*at_points} == {*product(POINTS, WHENS)} - {("take", "before")}
    assert {(name, point) for name, point, _ in kills if name in OTHERS} == {*product(OTHERS, ("", "accept"))}


def test_whoever_decides_in_a_way_may_decide_by_its_policy() -> None:
    for plot in islice(Plan(3).plots(), 200):
        assert PEOPLE[plot.way] in APPROVERS[plot.policy]
        assert "dan" in APPROVERS[plot.policy], "he says what happened where nobody knows"
