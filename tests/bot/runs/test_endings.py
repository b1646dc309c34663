"""What is said where a run ends, in the language of whoever hears it."""

import pytest

from agents.events import Event, RunCancelled
from agents.requests import RequestId, RunId
from agents.run import STOP, fold
from bot.runs.endings import goes_on, summary_of, why_closed
from bot.runs.moves import Close, End
from language import say, speaking
from tests.agents.worlds import BO, NOON, started
from tests.bot.examples import PEOPLE
from tests.bot.runs.test_moves import MAY_HAVE_HAPPENED, RUNNING, UNKNOWN, UNKNOWN_ASKED, answered

BY_BO = RunCancelled(at=NOON, by=BO)
BY_PARENT = RunCancelled(at=NOON, parent=RunId("r0"))


GERMAN_UNKNOWN = "es ist nicht bekannt, ob dies geschehen ist, und eine Person hat den Lauf angehalten"


@pytest.mark.parametrize(
    ("events", "english", "german"),
    [
        ((started(), BY_BO), "cancelled by Bo Berg", "abgebrochen von Bo Berg"),
        ((started(), BY_PARENT), "stopped by r0, which started it", "angehalten von r0, der ihn gestartet hat"),
        (
            (started(), BY_PARENT, BY_BO),
            "stopped by r0, which started it: cancelled by Bo Berg",
            "angehalten von r0, der ihn gestartet hat: abgebrochen von Bo Berg",
        ),
        (
            (*UNKNOWN_ASKED, answered(say(STOP))),
            "cancelled by Bo Berg: it is not known whether this happened, and a person stopped the run",
            f"abgebrochen von Bo Berg: {GERMAN_UNKNOWN}",
        ),
    ],
)
def test_who_stopped_a_run_and_why(events: tuple[Event, ...], english: str, german: str) -> None:
    end, run = End("cancelled", "cancelled"), fold(events)

    assert summary_of(end, run, PEOPLE) == english
    with speaking("de"):
        assert summary_of(end, run, PEOPLE) == german


def test_why_a_question_is_closed() -> None:
    run = fold((started(),))

    with speaking("de"):
        assert why_closed(Close(RequestId("q1"), "went_on"), run) == "der Lauf ging ohne sie weiter"
        assert why_closed(Close(RequestId("q1"), "cancelled"), run) == "der Lauf wurde abgebrochen"
        assert why_closed(Close(RequestId("q1"), "full"), run).startswith("angehalten nach 1 Ereignissen")


def test_what_outlasts_the_end() -> None:
    assert goes_on(fold((started(),))) == ""
    assert goes_on(fold(RUNNING)) == "deploy, which ran then and was to be finished"
    for events in (UNKNOWN, MAY_HAVE_HAPPENED):
        assert goes_on(fold(events)) == "deploy, of which it is not known whether it happened"
    with speaking("de"):
        assert goes_on(fold(RUNNING)) == "deploy, das da lief und noch zu beenden war"
