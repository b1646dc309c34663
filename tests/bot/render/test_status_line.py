"""The line that says what a run does now."""

import pytest
from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.events import (
    Event,
    RequestDecided,
    RequestOpened,
    RunCancelled,
    RunEnded,
    RunPaused,
    ToolQueued,
    ToolStarted,
    VoteCast,
)
from agents.requests import AttemptId, PersonId, Request, RunId
from agents.run import fold
from bot.config.tables import PersonConfig
from bot.people.directory import People
from bot.render.outcome import word_of
from bot.render.status_line import status_line
from tests.agents.worlds import EFFECT, NOON, any_event, chosen, orphaned, started
from tests.bot.examples import ANNA, APPROVAL, BO, LATER, PEOPLE, REQUEST, anyone, approval, decision, policy, vote

CHOSEN: tuple[Event, ...] = (started(), chosen(step_id=APPROVAL.step_id, gate="production"))


def opened(request: Request = APPROVAL) -> tuple[Event, ...]:
    return (*CHOSEN, RequestOpened(at=NOON, request=request))


def voted(request: Request, *people: PersonId) -> tuple[Event, ...]:
    return (*opened(request), *(VoteCast(at=NOON, request_id=REQUEST, vote=vote(person)) for person in people))


APPROVED = (*opened(), RequestDecided(at=NOON, request_id=REQUEST, decision=decision()))
BEGUN = (
    *APPROVED,
    ToolStarted(
        at=LATER,
        step_id=APPROVAL.step_id,
        attempt_id=AttemptId("a1"),
        tool="deploy",
        effect=EFFECT,
        request_id=REQUEST,
        idempotent=False,
        host="here",
    ),
)
ASKED = started().text
PAUSED = RunPaused(at=NOON, by=ANNA)
QUEUED = ToolQueued(at=NOON, attempt_id=AttemptId("a1"), behind=RunId("s0r-other"))
AGAIN = QUEUED.model_copy(update={"behind": started().run_id, "within_s": 29.5})
MANY = [f"p{number}" for number in range(9)]
CROWD = approval(policy=policy(rule=anyone(*MANY)))
HERE = People(
    {**PEOPLE.tables.people, **{name: PersonConfig(name=name, email=f"{name}@corp.example") for name in MANY}}, {}
)


def denied(state: str, *by: PersonId) -> RequestDecided:
    return RequestDecided(at=NOON, request_id=REQUEST, decision=decision(state, by))


def ended(outcome: str, summary: str = "", words_of: str = "code") -> RunEnded:
    told = {"at": NOON, "outcome": outcome, "summary": summary, "words_of": words_of}
    return RunEnded.model_validate({**told, "change": "changed" if outcome == "done" else "nothing"})


def test_of_a_worker_that_is_silent_the_line_does_not_say_that_it_runs() -> None:
    run, silent = fold(BEGUN), "nothing is heard of its worker. Another one goes on by itself."

    line = status_line(run.silent(), None, HERE)

    assert line == f"Interrupted, it seems: {silent} Deploy v1.2.0 to production"
    assert (word_of(run), word_of(run.silent())) == ("running", "interrupted")
    queued = fold((*BEGUN, AGAIN))
    assert queued.silent() == queued, "nothing of it is under way"


@pytest.mark.parametrize(
    ("events", "line"),
    [
        (CHOSEN, "Working on it…"),
        (opened(), "Waiting for Bo Berg or Cy Cole: Deploy v1.2.0 to production?"),
        (opened(approval(policy=policy(quorum=2))), "Waiting for Bo Berg and Cy Cole: Deploy v1.2.0 to production?"),
        (voted(approval(policy=policy(quorum=2)), BO), "Waiting for Cy Cole: Deploy v1.2.0 to production?"),
        (opened(CROWD), "Waiting for p0, p1, p2, p3, p4 or 4 more: Deploy v1.2.0 to production?"),
        (BEGUN, "Running: Deploy v1.2.0 to production, since 12:01 UTC on 02 March 2026"),
        (
            (*BEGUN, PAUSED),
            "Running: Deploy v1.2.0 to production, since 12:01 UTC on 02 March 2026. Paused by Anna Ames after that",
        ),
        ((*BEGUN, QUEUED), "Waiting for its turn, after run s0r-other: Deploy v1.2.0 to production"),
        ((*BEGUN, AGAIN), "Interrupted; goes on by itself within 30 s. Deploy v1.2.0 to production"),
        ((*BEGUN, orphaned()), "It is not known whether this happened: Deploy v1.2.0 to production?"),
        ((started(), ended("done", "all is well")), f"Done: {ASKED}"),
        ((started(), ended("failed", "no such tag\nat all")), f"Failed: {ASKED}: no such tag"),
        ((started(), ended("failed", "I gave up", "model")), f"Failed: {ASKED}: The model wrote: “I gave up”"),
        ((started(), RunEnded(at=NOON, outcome="done", summary="all is well")), f"Nothing was changed: {ASKED}"),
        ((started(), RunEnded(at=NOON, outcome="done", summary="", change="not_wanted")), f"Answered: {ASKED}"),
        ((*opened(), denied("denied", BO), ended("failed", "denied")), f"Stopped: denied by Bo Berg: {ASKED}"),
        ((*opened(), denied("expired"), ended("failed", "expired")), f"Stopped: not decided in time: {ASKED}"),
        ((started(), RunCancelled(at=NOON, by=ANNA), ended("cancelled")), f"Cancelled by Anna Ames: {ASKED}"),
    ],
)
def test_the_line_says_what_the_run_does(events: tuple[Event, ...], line: str) -> None:
    assert status_line(fold(events), fold(events).requests.get(REQUEST), HERE) == line


@any_of_them(st.lists(any_event(st.text()), max_size=25))
def test_any_run_has_one_short_line(events: list[Event]) -> None:
    found = [None, *fold(events).requests.values()]

    for one in found:
        line = status_line(fold(events), one, PEOPLE)
        assert line
        assert len(line.splitlines()) == 1
        assert len(line) <= 200


def test_it_waits_for_nobody_whose_word_would_not_count() -> None:
    events, said = opened(), "Waiting for Cy Cole: Deploy v1.2.0 to production?"
    found = fold(events).requests[REQUEST]
    without_bo = People({name: one for name, one in PEOPLE.tables.people.items() if name != BO}, {})

    assert status_line(fold(events), found.model_copy(update={"joined": (BO,)}), PEOPLE) == said, "who asks by now"
    assert status_line(fold(events), found, without_bo) == said, "who has left"
