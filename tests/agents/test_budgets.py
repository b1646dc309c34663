"""What is used up, and by how much people extend it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.budgets import Budget, Limits, Spent, spent_by_day
from agents.events import Event, StepChosen
from agents.history import RunForked
from agents.requests import RunId, StepId
from agents.run import fold
from agents.steps import ModelCall
from tests.agents.worlds import ANNA, DEPLOY, MODEL, NOON, chosen, failed, raised, started

CALL = ModelCall(model="model", rehearsal=False, input_tokens=90, output_tokens=10, cost_usd=0.25)
AMOUNTS = st.integers(0, 10**7)
DOLLARS = st.floats(0, 10**4)


def paid(call: ModelCall = CALL, days: int = 0) -> StepChosen:
    return StepChosen(at=NOON + timedelta(days=days), step_id=StepId("s1"), step=DEPLOY, call=call)


def test_a_failed_call_costs_what_it_cost_and_is_no_step() -> None:
    run = fold([started(), failed().model_copy(update={"call": CALL}), paid()])

    assert run.budget.spent == Spent(steps=1, tokens=200, cost_usd=0.5)


def test_a_call_of_unknown_price_counts_as_nothing_and_is_told_apart_from_plain_rules() -> None:
    rules = ModelCall(model="rehearsal", rehearsal=True)

    assert Spent().after(CALL.model_copy(update={"cost_usd": None}), 1) == Spent(1, 100, 0.0, unpriced=1)
    assert Spent().after(rules, 1) == Spent(1)


def test_a_run_of_an_older_release_has_no_limit_but_its_steps() -> None:
    budget = fold([started(max_steps=3)]).budget

    assert budget.limits == Limits(steps=3)
    assert budget.limits.reached(Spent(2, 10**9, 10**6)) == ()


@pytest.mark.parametrize(
    ("spent", "extended"),
    [
        (Spent(9, 99, 0.9), Limits(10, 100, 1.0)),
        (Spent(10, 99, 0.9), Limits(20, 100, 1.0)),
        (Spent(10, 5_000, 0.9), Limits(20, 5_100, 1.0)),
        (Spent(3, 40, 1.25), Limits(10, 100, 2.25)),
    ],
)
def test_only_what_is_used_up_is_extended_from_what_was_used(spent: Spent, extended: Limits) -> None:
    by = Limits(10, 100, 1.0)

    assert by.extended(spent, by) == extended


@given(st.builds(Spent, AMOUNTS, AMOUNTS, DOLLARS), st.builds(Limits, AMOUNTS, AMOUNTS, DOLLARS))
def test_what_was_extended_is_not_used_up(spent: Spent, by: Limits) -> None:
    budget = Budget(spent=spent, limits=by, by=by).let_go_on(raised("steps"), 0)

    assert budget.limits.reached(spent) == ()


def test_the_use_of_a_day_is_what_was_chosen_on_it_in_this_run() -> None:
    copied = RunForked(at=NOON, how="fork", source=RunId("r0"), at_seq=2, by=ANNA)
    events: list[Event] = [started(), chosen(), copied, paid(), paid(days=1), paid(days=1), chosen(step_id="s2")]

    assert MODEL.input_tokens == 0
    assert spent_by_day(events) == {
        NOON.date(): Spent(2, 100, 0.25),
        NOON.date() + timedelta(days=1): Spent(2, 200, 0.5),
    }
