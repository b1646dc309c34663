"""Budgets: their use, and by how much people extend them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.budgets import Budget, Limits, Spent, spent_by_day
from agents.events import ChildStarted, Event, OutsideReported, Parent, RunForked, StepChosen, StepRefused
from agents.requests import RunId, StepId
from agents.run import fold
from agents.steps import ModelCall
from tests.agents.worlds import ANNA, MODEL, NOON, chosen, failed, raised, started

CALL = ModelCall(model="model", rehearsal=False, input_tokens=90, output_tokens=10, cost_usd=0.25)
AMOUNTS = st.integers(0, 10**7)
DOLLARS = st.floats(0, 10**4)


def paid(call: ModelCall = CALL, days: int = 0) -> StepChosen:
    return chosen(call=call, at=NOON + timedelta(days=days))


def test_a_failed_call_costs_what_it_cost_and_is_no_step() -> None:
    run = fold([started(), failed().model_copy(update={"call": CALL}), paid()])

    assert run.budget.spent == Spent(steps=1, tokens=200, cost_usd=0.5)


def test_a_call_of_unknown_price_counts_as_nothing_and_is_told_apart_from_plain_rules() -> None:
    rules = ModelCall(model="rehearsal", rehearsal=True)

    assert Spent().after(CALL.model_copy(update={"cost_usd": None}), 1) == Spent(1, 100, 0.0, unpriced=1)
    assert Spent().after(rules, 1) == Spent(1)


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


def child(name: str, tokens: int = 0, cost_usd: float = 0.0) -> ChildStarted:
    """A child of the run, with what was set aside for it."""
    told = {"at": NOON, "step_id": "s1", "run_id": name, "agent": "deploy", "text": "x", "key": name}
    return ChildStarted.model_validate(told | {"max_tokens": tokens, "max_cost_usd": cost_usd})


def ends(name: str, tokens: int, cost_usd: float) -> OutsideReported:
    """The end of a child, with what it used."""
    return OutsideReported(at=NOON, report_id=name, handle=name, by=(), text="done", tokens=tokens, cost_usd=cost_usd)


def refused() -> StepRefused:
    """The end of the step, so that there can be another one."""
    return StepRefused(at=NOON, step_id=StepId("s1"), error="no")


def test_what_was_set_aside_for_a_child_is_what_it_used_once_it_has_ended() -> None:
    events: list[Event] = [started(), paid(), child("a", 500, 1.0), child("b", 50, 0.5), child("old")]

    assert fold(events).spoken_for == Spent(steps=1, tokens=650, cost_usd=1.75)
    told = fold([*events, ends("a", 100, 0.25), ends("a", 100, 0.25)])
    assert told.spoken_for == Spent(steps=1, tokens=250, cost_usd=1.0)
    assert told.budget.spent == Spent(steps=1, tokens=200, cost_usd=0.5)


def test_a_child_may_use_what_its_parent_gave_it_and_people_allow_as_much_as_its_agent_has() -> None:
    parent = Parent(run_id=RunId("r0"), step_id=StepId("s1"), max_tokens=1, max_cost_usd=0.0001)
    own = started().model_copy(update={"max_tokens": 1_000, "max_cost_usd": 0.5, "parent": parent})

    budget = fold([own, paid()]).budget

    assert budget.limits == Limits(10, 1, 0.0001)
    assert budget.reached == ("tokens", "cost")
    assert budget.let_go_on(raised("cost"), 0).limits == Limits(10, 1_100, 0.75)


def test_what_children_use_up_stops_no_agent_that_is_all_code_but_its_steps_do() -> None:
    own = started(max_steps=2).model_copy(update={"max_tokens": 100, "max_cost_usd": 0.1})
    rules = ModelCall(model="rules", rehearsal=False)
    events: list[Event] = [own, paid(rules), child("a"), ends("a", 1_000, 1.0), refused()]

    assert fold(events).budget.reached == ()
    assert fold([*events, paid(rules)]).budget.reached == ("steps",)
    assert fold([*events, paid(CALL)]).budget.reached == ("steps", "tokens", "cost")
    rehearsal = ModelCall(model="rehearsal", rehearsal=True)
    assert fold([own, paid(rehearsal), child("a"), ends("a", 1_000, 1.0)]).budget.reached == ("tokens", "cost")


def test_a_copy_of_a_run_that_is_all_code_is_all_code_too() -> None:
    rules, copied = ModelCall(model="rules", rehearsal=False), ModelCall(model="copied", rehearsal=False)
    forked = RunForked(at=NOON, how="fork", source=RunId("r0"), at_seq=2, by=ANNA)

    assert fold([started(), paid(rules), forked, paid(copied)]).budget.is_free


@given(st.builds(Limits, AMOUNTS, AMOUNTS, DOLLARS), AMOUNTS, DOLLARS)
def test_within_a_limit_is_never_more_and_never_no_limit(by: Limits, tokens: int, cost_usd: float) -> None:
    within = by.within(tokens, cost_usd)

    assert within.steps == by.steps
    for found, one, other in ((within.tokens, by.tokens, tokens), (within.cost_usd, by.cost_usd, cost_usd)):
        assert found == (min(one, other) if one and other else one or other)


def test_the_use_of_a_day_is_what_was_chosen_on_it_in_this_run() -> None:
    copied = RunForked(at=NOON, how="fork", source=RunId("r0"), at_seq=2, by=ANNA)
    lost = failed().model_copy(update={"call": CALL})
    events: list[Event] = [started(), chosen(), copied, paid(), lost, paid(days=1), paid(days=1), chosen(step_id="s2")]

    assert MODEL.input_tokens == 0
    assert spent_by_day(events) == {
        NOON.date(): Spent(2, 200, 0.5),
        NOON.date() + timedelta(days=1): Spent(2, 200, 0.5),
    }
