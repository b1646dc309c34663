"""A copied story: what it leaves behind, and what of it can still be read."""

from hypothesis import example, given
from hypothesis import strategies as st

from agents.budgets import Budget
from agents.events import Event, ModelCall, RunCancelled, RunForked, RunPaused, own
from agents.requests import RunId
from agents.run import Run, fold
from bot.runs.moves import Think, next_move
from tests.agents.worlds import (
    ANNA,
    BO,
    NOON,
    any_event,
    chosen,
    decided,
    ended,
    failed,
    finished,
    opened,
    orphaned,
    said,
    started,
    tool_started,
    vote,
)

FORKED = RunForked(at=NOON, how="fork", source=RunId("r0"), at_seq=1, by=BO)
STORY: tuple[Event, ...] = (
    started(),
    said(),
    chosen(gate="production"),
    opened(),
    vote(),
    decided("approved"),
    tool_started(),
    RunPaused(at=NOON, by=ANNA),
    orphaned(may_have_started=True),
    opened("q2", purpose="unknown"),
    RunCancelled(at=NOON, by=ANNA),
    decided("withdrawn", "q2"),
    ended("cancelled", "over"),
)
EVENTS = st.lists(any_event(st.text(max_size=5)), max_size=25)


def test_after_any_part_of_a_story_a_copy_thinks_anew_and_waits_for_nothing() -> None:
    in_the_source = [opened("q3"), decided("approved"), tool_started(), finished(), decided("approved", "q2")]
    for seq in range(1, len(STORY) + 1):
        run = fold([*STORY[:seq], FORKED])
        later = fold(in_the_source, run)

        assert next_move(run, NOON) == Think()
        assert (run.state, run.forked, run.seq) == ("running", FORKED, seq + 1)
        assert (later.pending, later.results) == (None, run.results), "what goes on in the source changes nothing"
        if 7 <= seq <= 11:
            (result,) = run.results
            assert result.kind == "error"
            assert result.text == "this had begun in r0, and it is not known here whether it happened"


@given(EVENTS)
@example([started(), failed(), chosen(call=ModelCall(model="", rehearsal=True))])
def test_a_copy_takes_over_only_what_can_be_read(events: list[Event]) -> None:
    before, run = fold(events), fold([*events, FORKED])
    budget = Budget(heard=len(run.results))

    assert run == Run(
        id=before.id,
        seq=before.seq + 1,
        started=before.started,
        facts=before.facts,
        budget=budget.given(before.started) if before.started else budget,
        results=run.results,
        copied=len(run.results),
        is_rehearsal=before.is_rehearsal,
        stand_in=before.stand_in,
        writers=run.writers,
        unheard=before.unheard,
        read_by=before.read_by,
        ways=before.ways,
        weakness=before.weakness,
        edits=run.edits,
        forked=FORKED,
        beside=run.beside,
    )
    assert run.results[: len(before.results)] == before.results
    assert {*before.writers, BO} == {*run.writers}


@given(EVENTS)
def test_no_request_of_a_copied_story_is_a_request_of_the_copy(events: list[Event]) -> None:
    assert fold([*events, FORKED]).requests == {}


def test_what_was_looked_up_elsewhere_is_looked_up_again() -> None:
    run = Run(facts=())

    assert fold([FORKED], run).facts == ()
    assert fold([FORKED.model_copy(update={"how": "import"})], run).facts is None


def test_a_copy_of_a_copy_has_of_its_own_what_follows_the_last_of_them() -> None:
    assert own([started(), FORKED, said(), FORKED, chosen()]) == [chosen()]
    assert own([started(), said()]) == [started(), said()]
