"""A stored run replayed: the same state, the same next move, the same context, byte for byte."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from agents.context import build
from agents.events import Event, read_event, write_event
from agents.run import RunState, fold
from bot.runs.moves import Move, next_move
from tests.agents.stories import any_story

STORIES = any_story()
NOWS = st.datetimes(timezones=st.just(UTC))


@given(STORIES, st.data())
def test_every_prefix_of_any_story_folds_and_has_a_next_move(events: list[Event], data: st.DataObject) -> None:
    now = data.draw(NOWS)
    for length in range(len(events) + 1):
        run = fold(events[:length])

        assert run.seq == length
        assert run.state in RunState.__args__
        assert isinstance(next_move(run, now), Move)


@given(STORIES, NOWS, st.sampled_from([300, 1_000, 20_000]))
def test_a_run_that_was_stored_and_read_is_the_same_run_with_the_same_move_and_the_same_context(
    events: list[Event], now: datetime, budget_tokens: int
) -> None:
    read = [read_event(write_event(event)) for event in events]

    assert fold(read) == fold(events)
    assert next_move(fold(read), now) == next_move(fold(events), now)
    assert build(fold(read), read, budget_tokens) == build(fold(events), events, budget_tokens)


@given(STORIES, st.data())
def test_what_the_model_saw_of_a_prefix_is_not_changed_by_what_came_later(
    events: list[Event], data: st.DataObject
) -> None:
    length = data.draw(st.integers(min_value=0, max_value=len(events)))
    stored = b"\n".join(write_event(event) for event in events)

    prefix = [read_event(line) for line in stored.splitlines()][:length]

    assert build(fold(prefix), prefix).text == build(fold(events[:length]), events[:length]).text
