"""Questions of code to people: when a run needs their yes to go on, and what it does; promises about any events."""

from dataclasses import replace

import pytest
from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.budgets import Day, Limits, Spent
from agents.events import Event, RunPaused, StepRefused
from agents.requests import Closed, Given, StepId
from agents.run import GO_ON, STOP, fold
from agents.steps import CallTool
from bot.runs.moves import Ask, End, Raise, Stop, Think, next_move
from language import say
from tests.agents.worlds import BO, NOON, chosen, decided, failed, finished, opened, raised, said, started, tool_started
from tests.bot.runs.test_moves import EVENTS, after, name, steps

YES, NO = say(GO_ON), say(STOP)
OTHER = CallTool(tool="restart", arguments={})
PAUSED = RunPaused(at=NOON, by=BO)


def failures(*kinds: str) -> tuple[Event, ...]:
    return tuple(failed(kind) for kind in kinds)


def same(count: int, error: str = "") -> tuple[Event, ...]:
    """The same call so many times, each with the same result."""
    return tuple(
        event
        for number in range(count)
        for event in (
            chosen(step_id=f"s{number}"),
            tool_started(f"a{number}", f"s{number}"),
            finished(f"a{number}", output="nothing new", error=error),
        )
    )


def go_on(*picks: str, state: Closed = "answered") -> tuple[Event, ...]:
    """The raised question was opened and answered so."""
    return opened("q9", "s9", "go_on"), decided(state, "q9", Given(text="", picks=picks))


RICH = started(max_steps=50)
TWICE: tuple[Event, ...] = (RICH, *same(2))
THIRD: tuple[Event, ...] = (*TWICE, chosen(step_id="s3"))
THIRD_GATED: tuple[Event, ...] = (*TWICE, chosen(step_id="s3", gate="production"))
ERRORS: tuple[Event, ...] = tuple(
    event
    for number in range(3)
    for event in (
        chosen(CallTool(tool="deploy", arguments={"version": f"v{number}"}), f"s{number}"),
        tool_started(f"a{number}", f"s{number}"),
        finished(f"a{number}", error="no room"),
    )
)
AGAIN: tuple[Event, ...] = (started(), failed("not_sent"), raised("too_long"), *go_on(YES))
SPENT: tuple[Event, ...] = (started(max_steps=4), *steps(4))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (TWICE, "think"),
        (THIRD, "raise repeated"),
        (THIRD_GATED, "raise repeated"),
        ((*TWICE, *steps(1), chosen(step_id="s9")), "execute"),
        ((*THIRD, raised("repeated")), "ask question"),
        ((*THIRD, raised("repeated"), opened("q9", "s9", "go_on")), "wait"),
        ((*THIRD, raised("repeated"), *go_on(YES)), "execute"),
        ((*THIRD_GATED, raised("repeated"), *go_on(YES)), "ask gate"),
        (
            (*THIRD_GATED, raised("repeated"), *go_on(NO)),
            "end cancelled: cancelled by Bo Berg: the same call had given the same twice",
        ),
        ((started(), *failures("no_tool", "bad_arguments")), "think"),
        ((started(), *failures("no_tool", "bad_arguments", "unknown_tool")), "raise failures"),
        ((started(), *failures("overloaded", "overloaded", "overloaded")), "think"),
        ((started(), *failures("too_long")), "think"),
        ((started(), *failures("too_long", "too_long")), "raise too_long"),
        ((started(), *failures("not_sent")), "raise too_long"),
        ((started(), *failures("overloaded", "not_sent")), "raise too_long"),
        (AGAIN, "think"),
        ((*AGAIN, failed("overloaded")), "think"),
        ((*AGAIN, failed("too_long")), "think"),
        (
            (*AGAIN, failed("not_sent", "long")),
            "end failed: it is too long for its model, also after somebody said to go",
        ),
        ((*AGAIN, *failures("too_long", "too_long")), "end failed: it is too long for its model, also after somebody"),
        ((*AGAIN, *steps(1), failed("not_sent")), "raise too_long"),
        ((started(), *failures("auth")), "think"),
        ((started(), *failures("no_tool", "no_tool", "no_tool"), raised("failures"), *go_on(YES)), "think"),
        ((RICH, *ERRORS[:-1], finished("a2")), "think"),
        ((RICH, *ERRORS), "raise failures"),
        ((RICH, *ERRORS, raised("failures"), *go_on(YES)), "think"),
        ((*SPENT, raised(), *go_on(YES, NO)), "end failed: its steps were used up; nobody said whether"),
        (SPENT, "raise steps"),
        ((*SPENT, PAUSED), "wait"),
        ((*SPENT, raised()), "ask question"),
        ((*SPENT, raised(), *go_on(YES)), "think"),
        ((*SPENT, raised(), *go_on(YES), *steps(3)), "think"),
        ((*SPENT, raised(), *go_on(YES), *steps(4)), "raise steps"),
        ((*SPENT, raised(), *go_on(NO)), "end cancelled: cancelled by Bo Berg: its steps were used up"),
        (
            (*SPENT, raised(), *go_on(state="expired")),
            "end failed: its steps were used up; nobody said whether to go on, the question is expired",
        ),
        ((*SPENT, raised(), *go_on(YES, state="expired")), "end failed: its steps were used up; nobody said"),
        ((*SPENT, raised(), *go_on("go on, but carefully")), "end failed: its steps were used up; nobody said whether"),
        (
            (*SPENT, raised(), StepRefused(at=NOON, step_id=StepId("s9"), error="nobody left")),
            "end failed: its steps were used up; nobody can be asked: nobody left",
        ),
    ],
)
def test_code_asks_whether_a_run_goes_on(events: tuple[Event, ...], expected: str) -> None:
    assert name(events).startswith(expected)


def test_a_call_that_gave_the_same_twice_is_asked_about_whatever_came_in_between() -> None:
    events = (RICH, chosen(step_id="s0"), tool_started("a0", "s0"), finished("a0", output="down"))
    events += (chosen(OTHER, "s1"), tool_started("a1", "s1"), finished("a1", output="restarted"))
    events += (chosen(step_id="s2"), tool_started("a2", "s2"), finished("a2", output="down"))

    assert name((*events, chosen(OTHER, "s3"))) == "execute"
    assert name((*events, chosen(step_id="s3"))) == "raise repeated"


def test_a_question_of_code_is_no_step_and_who_wrote_stays_a_requester() -> None:
    run = fold((started(max_steps=4), said(BO), *steps(4), raised(), *go_on(YES)))

    assert run.steps == 4
    assert run.writers == (BO,)
    assert run.results == fold(SPENT).results


def test_the_budget_of_the_day_stands_before_a_thought_alone() -> None:
    over = Day("deploy", NOON.date(), Spent(steps=5), Limits(steps=5))

    assert next_move(fold((started(),)), NOON, over) == Raise("day")
    assert next_move(fold((started(), chosen())), NOON, over) == next_move(fold((started(), chosen())), NOON)
    assert next_move(fold((started(),)), NOON, replace(over, limits=Limits(steps=6))) == Think()


@any_of_them(EVENTS)
def test_whoever_lets_a_run_go_on_is_not_asked_again_before_it_did(events: list[Event]) -> None:
    run, found = after([started(max_steps=1), *events])

    while isinstance(found, Raise):
        question = raised(found.why)
        pending = fold([question], run).pending
        assert pending is not None
        assert next_move(fold([question], run), NOON) == Ask(pending, "question")
        run = fold([question, *go_on(YES)], run)
        found = next_move(run, NOON)
        assert not isinstance(found, Raise | Stop)
        assert not isinstance(found, End) or run.budget.over is None


@any_of_them(EVENTS, st.sampled_from([("answered", (NO,)), ("answered", ("yes",)), ("expired", (YES,))]))
def test_nothing_but_the_word_to_go_on_lets_a_run_go_on(
    events: list[Event], word: tuple[Closed, tuple[str, ...]]
) -> None:
    run, found = after([started(max_steps=1), *events])

    if isinstance(found, Raise):
        run = fold([raised(found.why), *go_on(*word[1], state=word[0])], run)
        assert isinstance(next_move(run, NOON), End)
