"""The outcomes of attempts, as their requests show them."""

from datetime import timedelta

import pytest

from agents.events import AnswerNoted, Event, ToolStarted
from agents.requests import Author, AuthoredLine, Given, RequestId
from agents.requests.proof import as_by
from agents.run import IT_DID_NOT, IT_HAPPENED, STOP, Run, fold
from agents.state import left_to_next, made_for
from language import say
from tests.agents.worlds import BO, NOON, SEEN, chosen, decided, finished, opened, orphaned, started, tool_started

Q1, Q2 = RequestId("q1"), RequestId("q2")


def begun(attempt: str = "a1", *, idempotent: bool = False) -> ToolStarted:
    return tool_started(attempt, idempotent=idempotent).model_copy(update={"request_id": Q1})


BEGUN: tuple[Event, ...] = (started(), chosen(gate="production"), opened(), decided("approved"), begun())
UNKNOWN = (*BEGUN, orphaned(), opened("q2", purpose="unknown"))


@pytest.mark.parametrize(
    ("events", "state", "text"),
    [
        (BEGUN, "running", ""),
        ((*BEGUN, finished(output="released")), "ok", "released"),
        ((*BEGUN, finished(error="exit 1")), "error", "exit 1"),
        ((*BEGUN, orphaned()), "unknown", ""),
        ((*BEGUN[:-1], begun(idempotent=True), orphaned()), "left", ""),
        ((*BEGUN[:-1], begun(idempotent=True), orphaned(), orphaned()), "unknown", ""),
        ((*BEGUN[:-1], begun(idempotent=True), orphaned(), orphaned(), finished(output="late")), "ok", "late"),
        ((*BEGUN, orphaned(), finished(output="late")), "ok", "late"),
        ((*UNKNOWN, decided("answered", "q2", Given(text="1", picks=(say(IT_HAPPENED),)))), "ok", ""),
        ((*UNKNOWN, decided("answered", "q2", Given(text="2", picks=(say(IT_DID_NOT),)))), "not_done", ""),
        ((*UNKNOWN, decided("answered", "q2", Given(text="3", picks=(say(STOP),)))), "unknown", ""),
        ((*UNKNOWN, decided("expired", "q2")), "unknown", ""),
    ],
)
def test_a_request_shows_what_became_of_the_attempt_it_allowed(
    events: tuple[Event, ...], state: str, text: str
) -> None:
    made = made_for(fold(events).made, Q1)

    assert made
    assert (made.state, made.text) == (state, text)
    assert made_for(fold(events).made, Q2) is None


def test_of_several_attempts_the_one_that_ended_counts_or_else_the_one_that_may_have_begun() -> None:
    first, second = begun(idempotent=True), begun("a2", idempotent=True)
    story = [*BEGUN[:-1], first, orphaned(), second]
    left = [*story, orphaned("a2", may_have_started=False)]
    ended, never = fold([*story, finished(output="late")]), fold((*BEGUN, orphaned(may_have_started=False)))

    shown = [made_for(run.made, Q1) for run in (ended, fold(left), fold([*left, orphaned()]), fold([*BEGUN, begun()]))]

    assert [(one.id, one.state, one.text) for one in shown if one] == [
        ("a1", "ok", "late"),
        ("a1", "left", ""),
        ("a1", "unknown", ""),
        ("a1", "running", ""),
    ]
    assert made_for(never.made, Q1) is None
    told = fold((*UNKNOWN, decided("answered", "q2", Given(text="1", picks=(say(IT_HAPPENED),)))))
    assert [one.by for one in told.made] == [(BO,)]


LATE = AnswerNoted(
    at=NOON,
    request_id=Q1,
    reply_id="m2",
    person=BO,
    proof=as_by("email"),
    binding=SEEN,
    text="wait",
    outcome="too_late",
)


def test_a_denial_after_its_start_stops_one_attempt_and_no_later_one() -> None:
    stopped, other = fold([*BEGUN, LATE]), LATE.model_copy(update={"outcome": "already_voted"})
    again = fold([*BEGUN, LATE, orphaned(may_have_started=False), begun("a2")])

    assert [is_stopped(run) for run in (stopped, again, fold([*BEGUN, other]))] == [True, False, False]


@pytest.mark.parametrize(("reason", "by_mail"), [("v2 instead", True), ("", False)])
def test_a_reason_by_mail_that_came_too_late_is_gone_by_once_the_call_is_asked_again(
    reason: str, *, by_mail: bool
) -> None:
    run = fold([*BEGUN, LATE.model_copy(update={"text": reason}), orphaned(may_have_started=True)])
    assert (run.ways, run.weakness) == ((), "")

    asked, late = opened("q2"), Author(person=BO, part="objected")
    told = asked.request.model_copy(update={"changes": (AuthoredLine(text=reason, by=(late,) if reason else ()),)})
    again = fold([asked.model_copy(update={"request": told})], run)

    assert ("email" in again.ways, bool(again.weakness), late in again.read_by) == (by_mail, by_mail, by_mail)


def is_stopped(run: Run) -> bool:
    assert run.pending
    assert run.pending.attempt
    return run.pending.attempt.is_stopped


def test_a_denial_stops_also_an_attempt_that_follows_one_of_which_nobody_knows() -> None:
    first, second = begun(idempotent=True), begun("a2", idempotent=True)
    story = [*BEGUN[:-1], first, orphaned(), second, LATE]

    left = fold([*story, orphaned("a2", may_have_started=False)])

    assert is_stopped(fold(story))
    assert left_to_next(left.pending) == "a1", "people are asked what that did"


def test_a_record_remembers_that_an_earlier_attempt_may_have_begun() -> None:
    first = begun(idempotent=True)
    second = begun("a2", idempotent=True).model_copy(update={"at": NOON + timedelta(seconds=5)})
    story = [*BEGUN[:-1], first, orphaned(), second, orphaned("a2", may_have_started=False)]

    assert fold(story).requests[Q1].began_at == NOON
    assert fold([*BEGUN, orphaned(may_have_started=False)]).requests[Q1].began_at is None
