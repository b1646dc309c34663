"""A run is the fold of its events: tables of events and what they amount to."""

from datetime import date
from decimal import Decimal
from typing import Self, get_args

import pytest
from pydantic import BaseModel, JsonValue, model_validator

from agents.events import (
    Event,
    OutsideReported,
    RequestOpened,
    RequestReassigned,
    RequestRevised,
    RunCancelled,
    RunForked,
    RunPaused,
    RunResumed,
    RunStarted,
    StepGated,
    StepRefused,
)
from agents.events.requests import Edited
from agents.forms import FormValue
from agents.requests import Author, Closed, GatedCall, Given, PersonId, RequestId, RunId, StandIn, StepId
from agents.requests.proof import as_by
from agents.requests.record import MOST_OPEN
from agents.run import GO_ON, IT_DID_NOT, IT_HAPPENED, STOP, USE_RULES, Result, Run, fold
from agents.state import editors_of
from agents.steps import FIXED_RULES, CallTool, ModelCall, RequestHumanInput
from language import say
from tests.agents.worlds import (
    ANNA,
    BO,
    DEPLOY,
    EFFECT,
    NOON,
    chosen,
    decided,
    ended,
    failed,
    finished,
    opened,
    orphaned,
    raised,
    request,
    revoked,
    said,
    started,
    tool_started,
    vote,
)

QUESTION = RequestHumanInput(question="Which version?")
APPROVED: tuple[Event, ...] = (started(), chosen(gate="production"), opened(), vote(), decided("approved"))
UNKNOWN: tuple[Event, ...] = (*APPROVED, tool_started(), orphaned(), opened("q2", purpose="unknown"))


def answered(text: str, *picks: str, request_id: str = "q2") -> Event:
    return decided("answered", request_id, Given(text=text, picks=picks))


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], "running"),
        ([started(), chosen(), opened()], "waiting"),
        ([*APPROVED], "running"),
        ([*APPROVED, tool_started(), orphaned()], "unknown"),
        ([*UNKNOWN], "unknown"),
        ([started(), chosen(), opened(), RunPaused(at=NOON, by=BO)], "paused"),
        ([started(), chosen(), opened(), RunPaused(at=NOON, by=BO), RunResumed(at=NOON, by=BO)], "waiting"),
        ([started(), ended("cancelled")], "cancelled"),
    ],
)
def test_the_state_that_people_see(events: list[Event], state: str) -> None:
    assert fold(events).state == state


RAN = [started(), chosen(), tool_started()]
THERE = "production"


@pytest.mark.parametrize(
    ("events", "result"),
    [
        ([*RAN, finished(output="out")], Result(DEPLOY, "ok", "out", environment=THERE)),
        ([*RAN, finished(output="o", error="e")], Result(DEPLOY, "error", "e", environment=THERE)),
        ([*RAN[:2], StepRefused(at=NOON, step_id=StepId("s1"), error="no")], Result(DEPLOY, "refused", "no")),
        ([*APPROVED[:3], decided("denied", reason="not today")], Result(DEPLOY, "denied", "not today", (BO,))),
        ([*APPROVED[:3], decided("expired")], Result(DEPLOY, "expired", "", (BO,))),
        ([*APPROVED[:3], decided("withdrawn")], Result(DEPLOY, "withdrawn", "", (BO,))),
        ([*APPROVED, revoked()], Result(DEPLOY, "revoked", "not now", (BO,))),
        (
            [*UNKNOWN, answered("1", say(IT_HAPPENED))],
            Result(DEPLOY, "ok", "a person confirmed that it happened", (BO,), environment=THERE),
        ),
    ],
)
def test_what_closes_a_step_becomes_its_result(events: list[Event], result: Result) -> None:
    run = fold(events)

    assert run.results == (result,)
    assert run.pending is None


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        (Given(text="v1.2.0"), "v1.2.0"),
        (Given(text="2", picks=("production",)), "production"),
        (Given(text="1, 2", picks=("staging", "production")), "staging\nproduction"),
        (Given(text="see below", form={"version": "v1", "why": "bug"}), "version: v1\nwhy: bug"),
        (Given(text="see below", form={"why": "bug\nversion: v9"}), "why: bug\n  version: v9"),
        (None, ""),
    ],
)
def test_an_answer_is_kept_as_what_it_means(given_: Given | None, text: str) -> None:
    question = (chosen(QUESTION), opened(purpose="question"))

    run = fold([started(), *question, decided("answered", given=given_)])

    assert run.results == (Result(QUESTION, "answered", text, (BO,), given_.form if given_ else {}),)


class Window(BaseModel):
    begins: date
    hours: Decimal
    note: str | None = None

    @model_validator(mode="after")
    def _is_no_sunday(self) -> Self:
        if self.begins.isoweekday() == 7:
            raise ValueError("on Sundays nobody is here")
        return self


def filled_in(**form: FormValue) -> Result:
    asks = RequestHumanInput.form("When?", Window)
    given_ = Given(text="as it was shown", form=form)
    run = fold([started(), chosen(asks), opened(purpose="question"), decided("answered", given=given_)])
    return run.results[-1]


def test_the_answer_to_a_form_is_the_model_again_or_an_error_in_the_words_of_its_own_check() -> None:
    result = filled_in(begins="2026-12-24", hours=1.1, note=None)

    assert result.text == "begins: 2026-12-24\nhours: 1.1\nnote: "
    assert result.filled(Window) == Window(begins=date(2026, 12, 24), hours=Decimal("1.1"))
    with pytest.raises(ValueError, match="on Sundays nobody is here"):
        filled_in(begins="2026-12-27", hours=1, note=None).filled(Window)


def test_a_decision_about_another_request_changes_nothing() -> None:
    before = fold(APPROVED[:3])

    for state in get_args(Closed):
        after = fold([decided(state, "q9")], before)
        assert (after.pending, after.results) == (before.pending, ())


def test_an_approval_waits_for_its_start_and_a_superseded_one_is_asked_again() -> None:
    approved = fold(APPROVED)
    superseded = fold([decided("superseded")], approved)

    assert approved.pending is not None
    assert approved.pending.decision is not None
    assert superseded.pending is not None
    assert (superseded.pending.request, superseded.pending.decision) == (None, None)


def test_what_is_asked_in_place_of_a_superseded_request_is_replaced_by_nothing_that_came_before_it() -> None:
    superseded = fold([*APPROVED, decided("superseded")])
    asked = fold([opened("q2")], superseded)

    assert superseded.pending
    assert superseded.pending.replaced
    assert asked.pending
    assert asked.pending.replaced is None, "it did not happen, and is asked again for that alone"


def test_a_revision_voids_an_approval_of_the_older_one_and_brings_its_own_arguments() -> None:
    arguments = {"version": "v1.1.0", "environment": "production"}
    call = GatedCall(tool="deploy", schema_version=1, arguments={**arguments}, effect=EFFECT)
    revision = request(revision=2).model_copy(update={"call": call})

    run = fold([*APPROVED, RequestRevised(at=NOON, by=ANNA, request=revision)])

    assert run.pending is not None
    assert run.pending.decision is None
    assert run.pending.step == CallTool(tool="deploy", arguments={**arguments})
    assert run.state == "waiting"


def test_another_gate_voids_an_approval() -> None:
    run = fold([*APPROVED, StepGated(at=NOON, step_id=StepId("s1"), gate="stricter")])

    assert run.pending is not None
    assert (run.pending.gate, run.pending.request, run.pending.decision) == ("stricter", None, None)


def test_a_revocation_after_the_start_changes_nothing() -> None:
    running = fold([*APPROVED, tool_started()])

    assert fold([revoked()], running).pending == running.pending


WORDS = said()
MAILED = WORDS.model_copy(update={"proof": as_by("console", "email")})
REPORT = OutsideReported(at=NOON, report_id="r1", handle="r1", by=())
EDITED = RequestRevised(at=NOON, by=BO, request=request(), proof=as_by("slack"))


@pytest.mark.parametrize(
    ("event", "by_mail", "is_weak"),
    [
        (said(), False, False),
        (said(channel="email"), True, True),
        (MAILED, True, False),
        (WORDS.model_copy(update={"proof": as_by("console", "slack")}), False, False),
        (WORDS.model_copy(update={"proof": as_by("api", "email")}), True, True),
        (WORDS.model_copy(update={"proof": as_by("cli", "email")}), True, False),
        (WORDS.model_copy(update={"proof": as_by("slack")}), False, False),
        (decided("answered", channel="email"), True, False),
        (decided("answered", channel="slack"), False, False),
        (decided("answered", channel="api"), False, True),
        (decided("approved", channel="email"), False, False),
        (decided("denied", channel="email"), False, False),
        (decided("denied", channel="email", reason="v2 instead"), True, True),
        (vote(channel="email"), False, False),
        (vote(approve=False, channel="email", reason="v2 instead"), True, True),
        (vote(approve=False, channel="slack", reason="v2 instead"), False, False),
        (revoked(), True, True),
        (EDITED, False, False),
        (EDITED.model_copy(update={"proof": as_by("email")}), True, True),
        (REPORT, False, False),
        (REPORT.model_copy(update={"by_mail": True}), True, False),
        (REPORT.model_copy(update={"weakness": "written to by mail"}), False, True),
    ],
)
def test_a_run_knows_whether_it_goes_by_what_whoever_reads_a_mailbox_or_a_program_can_say(
    event: Event, *, by_mail: bool, is_weak: bool
) -> None:
    run = fold([started(), chosen(), event, said()])
    forked = fold([RunForked(at=NOON, how="fork", source=RunId("r0"), at_seq=3, by=ANNA)], run)

    assert ("email" in run.ways, bool(run.weakness)) == (by_mail, is_weak)
    assert (forked.ways, forked.weakness) == (run.ways, run.weakness)


def test_a_person_and_the_run_that_started_it_may_both_cancel_a_run_in_any_order() -> None:
    by_a_person, with_its_parent = RunCancelled(at=NOON, by=BO), RunCancelled(at=NOON, parent=RunId("r0"))

    for both in ((by_a_person, with_its_parent), (with_its_parent, by_a_person)):
        run = fold([started(), *both])

        assert (run.cancelled_by, run.stopped_with) == (BO, "r0")


def test_a_result_that_lands_after_its_orphan_counts() -> None:
    asked = fold(UNKNOWN)

    run = fold([finished(output="late")], asked)

    assert run.results == (Result(DEPLOY, "ok", "late", environment="production"),)
    assert run.open == "q2", "the question about it is still to be taken back"


def test_a_result_of_an_attempt_that_is_not_the_steps_own_does_not_count() -> None:
    run = fold([*APPROVED, tool_started("a1"), finished("a2", output="foreign")])

    assert run.results == ()
    assert run.pending is not None
    assert run.pending.attempt is not None


def test_a_model_that_is_asked_in_place_of_another_has_failed_at_nothing_and_only_this_step_is_its_own() -> None:
    gone = failed("refused").model_copy(update={"fallback": "openai:gpt-x"})

    first = fold([started(), failed("timeout")])
    second = fold([gone], first)
    again = fold([failed("overloaded")], second)
    then = fold([chosen()], again)

    assert (len(first.failures), first.fallback) == (1, "")
    assert (second.failures, second.retry_at, second.fallback) == ((), None, "openai:gpt-x")
    assert ([one.kind for one in again.failures], again.fallback) == (["overloaded"], "openai:gpt-x")
    assert (then.failures, then.fallback) == ((), "")


@pytest.mark.parametrize(("idempotent", "may_have_started"), [(True, True), (True, False), (False, False)])
def test_an_orphan_that_may_be_made_again_is_not_unknown(*, idempotent: bool, may_have_started: bool) -> None:
    run = fold([*APPROVED, tool_started(idempotent=idempotent), orphaned(may_have_started=may_have_started)])

    assert run.pending is not None
    assert (run.pending.attempt, run.pending.unknown) == (None, None)
    assert run.pending.decision is not None


def test_it_did_not_happen_asks_for_a_new_approval() -> None:
    run = fold([*UNKNOWN, answered("2", say(IT_DID_NOT))])

    assert run.pending is not None
    assert (run.pending.request, run.pending.decision, run.pending.unknown) == (None, None, None)


def test_stop_closes_an_unknown_step_and_cancels_the_run() -> None:
    run = fold([*UNKNOWN, answered("3", say(STOP))])

    assert [result.kind for result in run.results] == ["error"]
    assert run.cancelled_by == BO


@pytest.mark.parametrize("decision", [decided("expired", "q2"), answered("no idea"), answered("1", "something else")])
def test_an_unknown_attempt_stays_unknown_without_a_clear_answer(decision: Event) -> None:
    run = fold([*UNKNOWN, decision])

    assert run.state == "unknown"
    assert run.pending is not None
    assert (run.pending.request and run.pending.request.purpose, run.open) == ("unknown", None)


IN_PLACE = ModelCall(model=FIXED_RULES, rehearsal=False)
REHEARSED = ModelCall(model="rehearsal", rehearsal=True)
REFUSED = failed("auth", "401 authentication_error: invalid x-api-key")


@pytest.mark.parametrize(
    ("events", "stand_in", "is_rehearsal"),
    [
        ([chosen(call=REHEARSED)], None, True),
        ([chosen()], None, False),
        ([failed("timeout"), chosen()], None, False),
        ([REFUSED, chosen(call=IN_PLACE)], StandIn(kind="auth", status=401), False),
        ([REFUSED, chosen(call=REHEARSED)], StandIn(kind="auth", status=401), False),  # as older releases wrote it
        ([failed("timeout", "no answer within 401 s"), chosen(call=IN_PLACE)], StandIn(kind="timeout"), False),
        ([chosen(), *(closed := [tool_started(), finished()]), REFUSED, chosen(call=IN_PLACE, step_id="s2")],
         StandIn(kind="auth", status=401, some=True), False),
        ([REFUSED, chosen(call=IN_PLACE), *closed, chosen(step_id="s2")],
         StandIn(kind="auth", status=401, some=True), False),
        ([chosen(call=REHEARSED), *closed, REFUSED, chosen(call=IN_PLACE, step_id="s2")],
         StandIn(kind="auth", status=401), True),
    ],
)  # fmt: skip
def test_a_run_knows_whether_its_rules_rehearsed_or_stood_in_for_a_model_and_why(
    events: list[Event], stand_in: StandIn | None, *, is_rehearsal: bool
) -> None:
    run = fold([started(), *events])

    assert (run.stand_in, run.is_rehearsal) == (stand_in, is_rehearsal)


GAVE_NONE: tuple[Event, ...] = (started(), *(failed("no_tool") for _ in range(3)))


def test_the_fixed_rules_are_used_from_then_on_where_that_was_offered() -> None:
    asked = raised("failures").model_copy(update={"rules": True})
    answer = (opened("q2", "s9", purpose="go_on"), answered("2", say(USE_RULES)))

    run = fold([*GAVE_NONE, asked, *answer])
    assert (run.rules_only, run.stand_in, run.failures, run.budget.over) == (True, StandIn(kind="no_tool"), (), None)
    assert fold([chosen(call=IN_PLACE)], run).stand_in == StandIn(kind="no_tool")

    not_offered = fold([*GAVE_NONE, raised("failures"), *answer])
    assert not_offered.budget.over
    assert not not_offered.rules_only


def test_who_lets_a_run_go_on_lets_its_model_go_on() -> None:
    asked = raised("failures").model_copy(update={"rules": True})

    run = fold([*GAVE_NONE, asked, opened("q2", "s9", purpose="go_on"), answered("1", say(GO_ON))])

    assert (run.rules_only, run.stand_in, run.failures, run.budget.over) == (False, None, (), None)


@pytest.mark.parametrize(
    "events",
    [APPROVED[:3], APPROVED, (started(), chosen(), tool_started()), (started(), chosen(), tool_started(), orphaned())],
    ids=["it is asked about", "it was approved", "it runs", "nobody knows of it"],
)
def test_whether_to_go_on_is_not_asked_in_place_of_what_people_were_asked_or_what_has_begun(
    events: tuple[Event, ...],
) -> None:
    assert fold([*events, raised()]).pending == fold(events).pending


def test_only_the_first_start_and_one_pending_step_count() -> None:
    other = CallTool(tool="live", arguments={})

    run = fold([started("first"), started("second"), chosen(), chosen(other, "s2")])

    assert isinstance(run.started, RunStarted)
    assert run.started.text == "first"
    assert run.pending is not None
    assert run.pending.step == DEPLOY


@pytest.mark.parametrize(
    ("events", "writers"),
    [
        ([started(), said(), said(ANNA), said()], (BO, ANNA)),
        ([started(), said(), chosen(), opened(), decided("approved")], (BO,)),
        ([started(), said(), chosen(QUESTION), opened(), decided("answered")], (BO,)),
        ([started(), said(), chosen(), opened(), decided("superseded")], (BO,)),
        ([started(), chosen(), opened(), said(), decided("denied")], (BO,)),
        ([*APPROVED, said(), tool_started()], (BO,)),
    ],
)
def test_whoever_wrote_is_a_writer_to_the_end_of_the_run(events: list[Event], writers: tuple[str, ...]) -> None:
    assert fold(events).writers == writers


def test_who_was_read_in_a_child_that_ended_was_read_for_all_that_its_step_does_then() -> None:
    asked, answered = Author(person=ANNA, part="asked"), Author(person=BO, part="answered")
    told = REPORT.model_copy(update={"by": (answered,)})

    run = fold([started(), chosen(read_by=(asked,)), tool_started(), told])

    assert run.read_by == (asked, answered)
    assert run.writers == (), "who only answered does not steer"


def test_an_answer_means_what_its_request_says_whatever_the_words_of_that_are_by_now() -> None:
    asked = request("q2", purpose="unknown").model_copy(update={"options": ("it was so", "it was not", "halt")})
    reworded = (*UNKNOWN[:-1], RequestOpened(at=NOON, request=asked))

    assert fold([*reworded, answered("1", "it was so")]).results[0].kind == "ok"
    assert fold([*reworded, answered("1", say(IT_HAPPENED))]).state == "unknown"


CY = PersonId("cy")
OPENED: tuple[Event, ...] = (started(), chosen(gate="production"), opened())
GONG, HORN = {"version": "gong"}, {"version": "horn"}


def revised(by: PersonId, arguments: dict[str, JsonValue], changed: tuple[str, ...] = ()) -> RequestRevised:
    """A revision by a requester; by somebody who decides where it names what they changed."""
    whole = {"version": "v1.2.0", "environment": "production", **arguments}
    call = GatedCall(tool="deploy", schema_version=1, arguments=whole, effect=EFFECT)
    edited = Edited(before={}, changed=changed, reply_id="r1", proof=as_by("cli")) if changed else None
    return RequestRevised(at=NOON, by=by, request=request(revision=2).model_copy(update={"call": call}), edited=edited)


def holding(run: Run, **arguments: JsonValue) -> dict[str, tuple[PersonId, ...]]:
    """Whose edits such a call holds."""
    return editors_of(run, GatedCall(tool="deploy", schema_version=1, arguments=arguments, effect=EFFECT))


def test_a_run_knows_whose_edits_a_call_holds_and_for_which_values() -> None:
    edited = [*OPENED, revised(BO, {**GONG}, ("version",))]
    forked = RunForked(at=NOON, source=RunId("s0r-source"), by=ANNA, how="fork", at_seq=4)
    later = [revised(ANNA, {**GONG}), decided("superseded"), decided("denied"), forked]

    for more in ([], *([one] for one in later)):
        run = fold([*edited, *more])
        assert holding(run, version="gong", environment="production") == {"version": (BO,)}
        assert holding(run, version="v1.2.0") == holding(run, environment="production") == {}
        assert editors_of(run, GatedCall(tool="press", schema_version=1, arguments={**GONG}, effect=EFFECT)) == {}


def test_all_who_ever_chose_a_value_are_its_editors_each_once() -> None:
    edits = [revised(BO, {**GONG}, ("version",)), revised(CY, {**HORN}, ("version",))]
    run = fold([*OPENED, *edits, revised(CY, {**GONG}, ("version",)), revised(CY, {**GONG}, ("version",))])

    assert holding(run, **GONG) == {"version": (BO, CY)}
    assert holding(run, **HORN) == {"version": (CY,)}
    assert len(run.edits) == 3


def test_what_only_a_requester_chose_is_nobodys_edit_and_what_they_left_or_chose_again_stays_one() -> None:
    edited = fold([*OPENED, revised(BO, {**GONG, "environment": "staging"}, ("version", "environment"))])

    amended = fold([revised(ANNA, {**HORN, "environment": "staging"})], edited)

    assert holding(amended, version="horn", environment="staging") == {"environment": (BO,)}
    assert holding(fold([revised(ANNA, {**GONG, "environment": "staging"})], amended), **GONG) == {"version": (BO,)}


def test_whoever_writes_joins_no_more_requests_than_a_run_has_open_whatever_a_file_tells() -> None:
    many = range(100)
    asked = [opened(f"q{number}", f"s{number}") for number in many]
    wrote = [said(f"p{number}", said_id=f"i{number}") for number in many]

    run = fold([started(), *asked, *wrote])

    assert len(run.requests) == MOST_OPEN
    assert len(run.writers) == len(many)


def test_what_follows_of_a_request_that_a_run_could_not_have_opened_changes_nothing() -> None:
    others = [opened(f"q{number}", f"s{number}") for number in range(MOST_OPEN)]
    known = [started(), *others, chosen(gate="production")]
    unheard_of = [
        opened("one-more", "s1"),
        RequestReassigned(at=NOON, request_id=RequestId("one-more"), why="escalated"),
        RequestRevised(at=NOON, by=ANNA, request=request("one-more", "s1").asking()),
        decided("approved", request_id="one-more"),
    ]

    run = fold([*known, *unheard_of])

    assert run.pending
    assert (run.pending.request, run.pending.decision) == (None, None)
    assert run.requests == fold(known).requests
    for number in range(MOST_OPEN):
        unheard_of.insert(0, decided("denied", request_id=f"q{number}"))
    assert "one-more" in fold([*known, *unheard_of]).requests


def test_whoever_writes_joins_each_request_that_is_open_and_none_that_is_closed() -> None:
    run = fold([started(), opened("q1"), decided("denied"), opened("q2"), opened("q3"), said("cy")])

    assert [one.joined for one in run.requests.values()] == [(), ("cy",), ("cy",)]
