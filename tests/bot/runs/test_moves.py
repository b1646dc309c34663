"""The next move of a run: a table of stories and their next move, and promises about any events at all."""

from datetime import timedelta

import pytest
from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.events import (
    Event,
    RequestRevised,
    RunCancelled,
    RunEnded,
    RunPaused,
    RunResumed,
    StepFailed,
    StepGated,
    StepRefused,
)
from agents.requests import Given, StepId
from agents.run import IT_DID_NOT, IT_HAPPENED, STOP, Run, fold
from agents.steps import CallTool, Done, RequestHumanInput
from bot.runs.endings import summary_of, why_closed
from bot.runs.moves import Ask, Close, End, Execute, Move, Raise, Stop, Think, Wait, next_move
from language import say
from tests.agents.worlds import (
    ANNA,
    BO,
    MODEL,
    NOON,
    any_event,
    chosen,
    decided,
    finished,
    opened,
    orphaned,
    request,
    revoked,
    started,
    tool_started,
    vote,
)
from tests.bot.examples import PEOPLE

SOON = NOON + timedelta(seconds=30)
PAUSED, RESUMED, CANCELLED = RunPaused(at=NOON, by=BO), RunResumed(at=NOON, by=BO), RunCancelled(at=NOON, by=BO)
REFUSED = StepRefused(at=NOON, step_id=StepId("s1"), error="no such tag")
TRY_LATER = StepFailed(at=NOON, kind="overloaded", detail="", retry_at=SOON, call=MODEL)
OVER = RunEnded(at=NOON, outcome="done", summary="")
GATED: tuple[Event, ...] = (started(), chosen(gate="production"))
ASKED: tuple[Event, ...] = (*GATED, opened())
APPROVED: tuple[Event, ...] = (*ASKED, vote(), decided("approved"))
RUNNING: tuple[Event, ...] = (*APPROVED, tool_started())
UNKNOWN: tuple[Event, ...] = (*RUNNING, orphaned())
UNKNOWN_ASKED: tuple[Event, ...] = (*UNKNOWN, opened("q2", purpose="unknown"))
MAY_HAVE_HAPPENED: tuple[Event, ...] = (*APPROVED, tool_started(idempotent=True), orphaned())
ASKED_FIRST: tuple[Event, ...] = (*MAY_HAVE_HAPPENED, orphaned())
OTHER = CallTool(tool="restart", arguments={})
QUESTION = chosen(RequestHumanInput(question="Which version?"))


def move(events: tuple[Event, ...]) -> Move:
    return next_move(fold(events), NOON)


def name(events: tuple[Event, ...]) -> str:
    """The move in short: its kind, and what tells it from others of that kind."""
    run = fold(events)
    match next_move(run, NOON):
        case Ask() as ask:
            return f"ask {ask.purpose}"
        case Close() as close:
            return f"close {close.request_id}: {why_closed(close, run)}"
        case Raise(why):
            return f"raise {why}"
        case End() as end:
            return f"end {end.outcome}: {summary_of(end, run, PEOPLE)}"
        case Wait() as wait:
            return f"wait {wait.until:%S}" if wait.until else "wait"
        case other:
            return type(other).__name__.lower()


def answered(*picks: str) -> Event:
    return decided("answered", "q2", Given(text="1", picks=picks))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), "stop"),
        ((started(),), "think"),
        ((started(), PAUSED), "wait"),
        ((started(), PAUSED, RESUMED), "think"),
        ((started(), CANCELLED), "end cancelled: cancelled by Bo Berg"),
        ((started(), TRY_LATER), "wait 30"),
        ((started(), chosen()), "execute"),
        ((started(), chosen(), PAUSED), "wait"),
        ((started(), chosen(), REFUSED), "think"),
        ((started(), chosen(), StepGated(at=NOON, step_id=StepId("s1"), gate="production")), "ask gate"),
        ((started(), QUESTION), "ask question"),
        ((started(), QUESTION, opened(purpose="question")), "wait"),
        ((started(), QUESTION, opened(purpose="question"), decided("answered", given=Given(text="v1"))), "think"),
        ((started(), chosen(Done(summary="over"))), "think"),
        (GATED, "ask gate"),
        (ASKED, "wait"),
        ((*ASKED, PAUSED), "wait"),
        ((*ASKED, CANCELLED), "close q1: the run was cancelled"),
        ((*ASKED, CANCELLED, decided("withdrawn")), "end cancelled: cancelled by Bo Berg"),
        ((*ASKED, decided("denied")), "think"),
        ((*ASKED, REFUSED), "close q1: the run went on without it"),
        ((*ASKED, RequestRevised(at=NOON, by=ANNA, request=request(revision=2))), "wait"),
        (APPROVED, "execute"),
        ((*APPROVED, PAUSED), "wait"),
        ((*APPROVED, PAUSED, RESUMED), "execute"),
        ((*APPROVED, CANCELLED), "end cancelled: cancelled by Bo Berg"),
        ((*APPROVED, decided("superseded")), "ask gate"),
        ((*APPROVED, revoked()), "think"),
        ((*APPROVED, StepGated(at=NOON, step_id=StepId("s1"), gate="stricter")), "ask gate"),
        (RUNNING, "execute"),
        ((*RUNNING, PAUSED), "execute"),
        ((*RUNNING, CANCELLED), "execute"),
        ((*RUNNING, finished()), "think"),
        ((*RUNNING, CANCELLED, finished()), "end cancelled: cancelled by Bo Berg"),
        ((*RUNNING, orphaned(may_have_started=False)), "execute"),
        (UNKNOWN, "ask unknown"),
        ((*UNKNOWN, PAUSED), "ask unknown"),
        ((*UNKNOWN_ASKED, PAUSED), "wait"),
        ((*UNKNOWN_ASKED, PAUSED, answered(say(IT_DID_NOT))), "wait"),
        ((*UNKNOWN, RunPaused(at=NOON, restored_from=NOON)), "wait"),
        (UNKNOWN_ASKED, "wait"),
        ((*UNKNOWN_ASKED, answered(say(IT_HAPPENED))), "think"),
        ((*UNKNOWN_ASKED, answered(say(IT_DID_NOT))), "ask gate"),
        (
            (*UNKNOWN_ASKED, answered(say(STOP))),
            "end cancelled: cancelled by Bo Berg: it is not known whether this happened, and a person stopped the run",
        ),
        ((*UNKNOWN_ASKED, decided("expired", "q2")), "ask unknown"),
        ((*UNKNOWN_ASKED, finished(output="late")), "close q2: the run went on without it"),
        (MAY_HAVE_HAPPENED, "execute"),
        (ASKED_FIRST, "ask unknown"),
        ((*MAY_HAVE_HAPPENED, tool_started("a2"), orphaned("a2", may_have_started=False), orphaned()), "ask unknown"),
        ((*MAY_HAVE_HAPPENED, tool_started("a2"), orphaned()), "execute"),
        ((*ASKED_FIRST, opened("q2", purpose="unknown"), answered(say(IT_HAPPENED))), "think"),
        ((*ASKED_FIRST, opened("q2", purpose="unknown"), answered(say(IT_DID_NOT))), "ask gate"),
        ((*ASKED_FIRST, opened("q2", purpose="unknown"), answered(say(IT_DID_NOT)), orphaned()), "ask gate"),
        ((*MAY_HAVE_HAPPENED, decided("superseded")), "ask gate"),
        ((*MAY_HAVE_HAPPENED, REFUSED), "think"),
        ((started(), OVER), "stop"),
        ((started(), OVER, chosen(), opened()), "close q1: the run went on without it"),
        ((*ASKED, OVER), "close q1: the run went on without it"),
        ((*ASKED, OVER, decided("withdrawn")), "stop"),
    ],
)
def test_the_next_move_of_a_story(events: tuple[Event, ...], expected: str) -> None:
    assert name(events) == expected


def test_a_run_tries_its_model_again_when_the_time_has_come() -> None:
    waiting = fold((started(), TRY_LATER))

    assert next_move(waiting, SOON - timedelta(milliseconds=1)) == Wait(SOON)
    assert next_move(waiting, SOON) == Think()


def steps(count: int) -> tuple[Event, ...]:
    """Return so many steps that were chosen, executed and gave something else each time."""
    return tuple(
        event
        for number in range(count)
        for event in (
            chosen(step_id=f"s{number}"),
            tool_started(f"a{number}", f"s{number}"),
            finished(f"a{number}", output=str(number)),
        )
    )


def test_people_are_asked_after_as_many_steps_as_a_run_may_take() -> None:
    assert name((started(max_steps=4), *steps(3))) == "think"
    assert name((started(max_steps=4), *steps(4))) == "raise steps"
    assert name((started(max_steps=50), *steps(3), chosen(step_id="s9"))) == "execute", (
        "results that differ are no loop"
    )


def test_a_run_ends_before_the_store_refuses_its_events() -> None:
    noise: tuple[Event, ...] = (RESUMED,) * 9_898

    assert name((started(), *noise)) == "think"
    assert name((started(), *noise, RESUMED)) == "end failed: stopped after 9900 events: a run may have 10,000"


EVENTS = st.lists(any_event(st.text(max_size=3)), max_size=25)
# Whatever others write while a tool runs: the loop's own events are fenced, and a started request is not decided again.
LANDS = {
    "vote_cast", "answer_noted", "request_revoked", "card_delivered", "delivery_failed", "run_paused", "run_resumed",
    "run_cancelled", "run_started", "context_fetched", "step_chosen", "step_failed", "thought_dropped",
}  # fmt: skip
BETWEEN = EVENTS.map(lambda events: [event for event in events if event.type in LANDS])


def after(events: list[Event] | tuple[Event, ...]) -> tuple[Run, Move]:
    run = fold(events)
    return run, next_move(run, NOON)


@any_of_them(EVENTS)
def test_any_list_of_events_has_a_next_move(events: list[Event]) -> None:
    run, found = after(events)

    assert isinstance(found, Move)
    assert (isinstance(found, Stop)) is (run.started is None or (run.ended is not None and run.open is None))


@any_of_them(EVENTS)
def test_whatever_happened_a_gated_call_starts_only_after_its_approval(events: list[Event]) -> None:
    _, found = after([*GATED, *events])

    if isinstance(found, Execute) and found.pending.attempt is None and found.pending.gate:
        assert found.pending.decision is not None
        assert found.pending.decision.state == "approved"
        assert found.pending.request is not None


@any_of_them(EVENTS)
def test_an_ended_run_does_nothing_but_take_back_what_is_open(events: list[Event]) -> None:
    _, found = after([started(), OVER, *(event for event in events if event.type != "run_forked")])

    assert isinstance(found, Stop | Close)


@any_of_them(EVENTS)
def test_a_paused_run_begins_nothing_new(events: list[Event]) -> None:
    run, found = after([started(), *events, PAUSED])

    is_asked = isinstance(found, Ask) and found.purpose != "unknown"
    is_new = is_asked or isinstance(found, Think) or (isinstance(found, Execute) and found.pending.attempt is None)
    assert not is_new
    assert run.is_paused


@any_of_them(BETWEEN)
def test_whatever_lands_while_a_tool_runs_it_is_looked_after_and_its_result_is_kept_once(between: list[Event]) -> None:
    _, found = after([*RUNNING, *between])
    done, then = after([*RUNNING, *between, finished(output="out"), finished(output="again")])

    assert isinstance(found, Execute)
    assert found.pending.attempt is not None
    assert [result.text for result in done.results] == ["out"]
    assert not isinstance(then, Execute)


def test_a_call_is_executed_with_the_arguments_that_were_amended() -> None:
    call = {"tool": "deploy", "schema_version": 1, "arguments": {"version": "v2"}, "effect": {"argv": ("x",)}}
    revised = request(revision=2).model_copy(update={"call": None})
    revised = revised.model_validate({**revised.model_dump(), "call": call})

    found = move((*ASKED, RequestRevised(at=NOON, by=ANNA, request=revised), vote(), decided("approved")))

    assert isinstance(found, Execute)
    assert found.pending.step == CallTool(tool="deploy", arguments={"version": "v2"})
