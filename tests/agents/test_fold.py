"""Promises of the fold for any list of any events, however little sense it makes."""

from hypothesis import given
from hypothesis import strategies as st

from agents.events import (
    MOST_CHILDREN,
    ChildStarted,
    Event,
    OutsideReported,
    RequestOpened,
    own,
    read_event,
    write_event,
)
from agents.requests import Author, PersonId, RunId, StepId
from agents.requests.record import RequestRecord, after
from agents.run import Result, Run, RunState, fold
from tests.agents.worlds import (
    BO,
    DEPLOY,
    NOON,
    any_event,
    chosen,
    decided,
    ended,
    finished,
    opened,
    said,
    started,
    tool_started,
    vote,
)

EVENTS = st.lists(any_event(st.text(max_size=5)), max_size=25)
APPROVED: tuple[Event, ...] = (started(), chosen(gate="production"), opened(), vote(), decided("approved"))


@given(EVENTS)
def test_any_list_of_any_events_folds(events: list[Event]) -> None:
    run = fold(events)

    assert run.seq == len(events)
    assert run.state in RunState.__args__


@given(EVENTS, st.data())
def test_folding_a_list_in_two_parts_gives_the_same_run(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(min_value=0, max_value=len(events)))

    assert fold(events[cut:], fold(events[:cut])) == fold(events)


@given(EVENTS)
def test_events_that_were_written_and_read_fold_to_the_same_run(events: list[Event]) -> None:
    assert fold(read_event(write_event(event)) for event in events) == fold(events)


@given(EVENTS)
def test_results_orphans_and_steps_only_grow(events: list[Event]) -> None:
    run = Run()
    for event in events:
        after = fold([event], run)

        assert after.results[: len(run.results)] == run.results
        # A copy reads what was found out, and begins to count anew.
        assert after.orphans[: len(run.orphans)] == run.orphans or event.type == "run_forked"
        assert after.steps >= run.steps or event.type == "run_forked"
        run = after


@given(EVENTS)
def test_an_ended_run_stays_ended_as_it_did_first(events: list[Event]) -> None:
    end = ended("failed", "over")

    run = fold([end, *(event for event in events if event.type != "run_forked")])

    assert run.ended == end
    assert run.state == "failed"


HARMLESS = {
    "person_said",
    "vote_cast",
    "answer_noted",
    "run_paused",
    "run_resumed",
    "run_cancelled",
    "card_delivered",
    "step_failed",
    "thought_dropped",
}


@given(EVENTS)
def test_whatever_lands_between_start_and_finish_the_result_counts_once(events: list[Event]) -> None:
    between = [event for event in events if event.type in HARMLESS]

    run = fold([*APPROVED, tool_started(), *between, finished(output="out"), finished(output="again")])

    assert run.results == (Result(DEPLOY, "ok", "out", environment="production"),)


@given(EVENTS)
def test_the_record_of_each_request_is_folded_alone_as_within_its_run(events: list[Event]) -> None:
    """Whoever votes reads one record and no event."""
    own_events = own(events)

    for record in fold(events).requests.values():
        [(place, opened), *_] = [
            (place, event)
            for place, event in reversed(tuple(enumerate(own_events)))
            if isinstance(event, RequestOpened) and event.request.id == record.request.id
        ]
        first = RequestRecord(request=opened.request, holders=opened.holders)
        assert after(first, own_events[place + 1 :]) == record


@given(EVENTS)
def test_nobody_whom_a_run_asked_is_forgotten(events: list[Event]) -> None:
    run = Run()
    for event in own(events):
        run, before = fold([event], run), run
        assert before.asked <= run.asked
    assert run.asked == fold(events).asked
    for record in run.requests.values():
        assert {holder.person for holder in record.holders if holder.person} <= run.asked


@given(EVENTS)
def test_writers_are_among_those_who_wrote_each_once(events: list[Event]) -> None:
    run = fold(events)

    wrote = {event.person for event in events if event.type == "person_said"}
    wrote |= {event.by for event in events if event.type == "run_forked"}
    wrote |= {
        person
        for event in events
        if event.type == "outside_reported"
        for person in (one.person for one in event.by if one.asks)
    }
    assert set(run.unheard) <= set(run.writers) <= wrote
    assert len(set(run.writers)) == len(run.writers)


@given(EVENTS, EVENTS)
def test_who_wrote_stays_a_writer_until_people_decide_on_a_step_that_was_chosen_since(
    before: list[Event], events: list[Event]
) -> None:
    who = PersonId("somebody else")
    run, is_heard = fold([said(who)], fold(before)), False
    for event in events:
        is_heard = is_heard or event.type == "step_chosen"
        run = fold([event], run)
        if not is_heard:
            assert who in run.writers


@given(EVENTS)
def test_whoever_wrote_last_is_a_writer(events: list[Event]) -> None:
    assert BO in fold([*events, said(BO)]).writers


def test_one_report_that_names_any_number_of_writers_folds_in_one_go() -> None:
    people = tuple(PersonId(f"forged {number}") for number in range(200_000))
    report = OutsideReported(
        at=NOON, report_id="r", handle="h", by=tuple(Author(person=one, part="wrote") for one in people)
    )

    run = fold([started(), said(BO), report, report])

    assert run.writers == run.unheard == (BO, *people)


def test_a_story_that_tells_of_more_children_than_a_run_may_start_folds_as_fast() -> None:
    told = [
        ChildStarted(at=NOON, step_id=StepId("s1"), run_id=RunId(f"r{number}"), agent="deploy", text="go")
        for number in range(MOST_CHILDREN + 9_000)
    ]

    run = fold(told)

    assert [child.run_id for child in run.children] == [child.run_id for child in told[:MOST_CHILDREN]]
