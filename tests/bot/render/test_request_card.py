"""A request as a card: by code from data, and answerable exactly where an answer would count."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.events import Event, RunEnded, StepRefused, ToolQueued
from agents.forms import FormValue
from agents.requests import AttemptId, AuthoredLine, Decision, Given, PersonId, RequestId, RequestState, RunId, StepId
from agents.requests.proof import as_by
from agents.requests.record import Comment, RequestRecord
from agents.run import Run, fold
from agents.state import AttemptOutcome
from bot.policy.approvers.who import who_of
from bot.policy.judge import judge
from bot.policy.judgements import Act, Counted, Decided, Revoked
from bot.render.became import became, line
from bot.render.cards import request_card
from bot.render.in_run import in_run
from bot.render.request_card import standing, with_notes
from channels import Card
from language import speaking
from tests.agents.worlds import NOON, any_event, chosen, decided, opened, started, tool_started
from tests.bot.examples import (
    ANNA,
    APPROVAL,
    BO,
    CY,
    EXPIRES,
    LATER,
    PEOPLE,
    REQUEST,
    all_of,
    answer,
    anyone,
    approval,
    decision,
    policy,
    question,
    record,
    vote,
)
from tests.bot.policy.test_judge_always import RECORDS

State = Literal["running", "ok", "error", "left", "unknown", "not_done"]
RUN = fold([started()])
PAIR = approval(policy=policy(quorum=2))
BO_VOTED = "Bo Berg at 12:00 UTC on 02 March 2026 in the terminal"


def card_of(found: RequestRecord, run: Run = RUN, revision: int = 1) -> Card:
    return standing(found, run, PEOPLE, LATER, revision)


def facts(card: Card) -> dict[str, str]:
    return {line.label: line.text for line in (*card.facts, *card.decides, *card.details)}


def made(state: State, text: str = "", by: tuple[PersonId, ...] = (), request_id: RequestId = REQUEST) -> Run:
    """A run in which one attempt was made."""
    end = LATER if state in {"ok", "error"} else None
    one = AttemptOutcome(
        AttemptId("a1"),
        request_id,
        LATER,
        idempotent=False,
        step_id=StepId("s1"),
        state=state,
        text=text,
        ended_at=end,
        by=by,
    )
    return Run(id=RUN.id, started=RUN.started, made=(one,))


def ended(run: Run = RUN) -> Run:
    return fold([RunEnded(at=LATER, outcome="failed", summary="over")], run)


def approved() -> RequestRecord:
    return record(state="approved", votes=(vote(),))


def begun() -> RequestRecord:
    return approved().model_copy(update={"started_at": LATER})


def test_votes_are_counted_on_the_card_with_who_when_and_by_which_way() -> None:
    seats = approval(policy=policy(rule=all_of(anyone("bo", "cy"), anyone("dan"))))
    alone = card_of(record())

    assert alone.form
    assert (alone.form.format, alone.form.only_stops, alone.form.until) == ("approval", False, EXPIRES)
    assert "Approvals" not in facts(alone)
    assert facts(card_of(record(PAIR)))["Approvals"] == "0 of 2"
    assert facts(card_of(record(PAIR, votes=(vote(),))))["Approvals"] == "1 of 2: " + BO_VOTED
    one_seat = facts(card_of(record(seats, votes=(vote(BO), vote(CY)))))["Approvals"]
    assert one_seat.startswith("2 of 3: Bo Berg (fills release) at 12:00 UTC"), "the other seat is open"


def test_a_card_of_an_older_revision_points_to_the_newer_one_and_can_not_be_answered() -> None:
    card = card_of(
        record(approval(revision=2, changes=(AuthoredLine(text="v1.2.0 was a and is now b.", by=()),))), revision=1
    )

    assert card.title == "Changed: Deploy v1.2.0 to production?"
    assert card.summary == "A newer version of this is asked below. Nothing can be answered here any more."
    assert facts(card) == {"Changed": "v1.2.0 was a and is now b."}
    assert (card.form, card.exact) == (None, "")


def test_until_the_start_an_approval_can_only_be_stopped() -> None:
    card = card_of(approved())

    assert card.title == "Approved: Deploy v1.2.0 to production"
    assert card.summary == (
        "Bo Berg approved at 12:01 UTC on 02 March 2026, in the terminal. "
        "It has not begun, and can be stopped until it does."
    )
    assert "./deploy.sh" in card.exact
    assert "Approvals" not in facts(card), "who decided stands above"
    assert facts(card)["Asked by"] == "Anna Ames"
    assert "Who decides" not in facts(card)
    assert card.form
    assert (card.form.only_stops, card.form.until) == (True, LATER + timedelta(minutes=15))
    assert not card.closes


@pytest.mark.parametrize("began", [False, True], ids=["nothing began", "an earlier attempt may have begun"])
def test_what_waits_for_its_turn_can_be_stopped_unless_it_may_have_begun_before(*, began: bool) -> None:
    waits_for = ToolQueued(at=LATER, attempt_id=AttemptId("a1"), behind=RunId("s0r-other"))
    run = fold([chosen(gate="production"), opened(), decided("approved"), tool_started(), waits_for], RUN)
    waits = approved().model_copy(update={"queued": True, "may_have_begun_at": LATER if began else None})

    card = card_of(waits, replace(run, made=made("running").made))

    assert card.title == "Waiting for its turn: Deploy v1.2.0 to production"
    assert ("can be stopped" in card.summary, card.form is not None) == (not began, not began)


def test_what_waits_for_its_own_interrupted_attempt_goes_on_by_itself_and_is_behind_nobody() -> None:
    waits_for = ToolQueued(at=LATER, attempt_id=AttemptId("a1"), behind=RUN.id, within_s=30)
    run = fold([chosen(gate="production"), opened(), decided("approved"), tool_started(), waits_for], RUN)
    waits = approved().model_copy(update={"queued": True})

    card = card_of(waits, replace(run, made=made("running").made))

    assert card.title == "Interrupted: Deploy v1.2.0 to production"
    assert "Interrupted; goes on by itself within 30 s." in card.summary
    assert RUN.id not in card.summary


def test_a_call_of_whose_worker_nothing_is_heard_is_not_said_to_run() -> None:
    run = fold([chosen(gate="production"), opened(), decided("approved"), tool_started()], RUN)

    card = card_of(approved(), replace(run, made=made("running").made).silent())

    assert card.title == "Interrupted: Deploy v1.2.0 to production"
    assert card.summary.endswith("nothing is heard of its worker. Another one goes on by itself.")
    assert "began at" in card.summary


def test_an_approval_of_which_nothing_came_says_so() -> None:
    card = card_of(approved(), ended())

    assert (card.title, card.form) == ("Not begun: Deploy v1.2.0 to production", None)
    assert card.summary.endswith("It was not begun, and the run has ended: failed.")


AT = "12:01 UTC on 02 March 2026"
WAS = f"It began at {AT} and ended at {AT}."


@pytest.mark.parametrize(
    ("run", "title", "summary", "quoted"),
    [
        (made("running"), "Running", f"It began at {AT}.", ""),
        (made("ok", "released"), "Done", WAS, "released"),
        (made("error", "exit 1"), "Failed", WAS, "exit 1"),
        (made("ok", by=(CY,)), "Done", "Cy Cole said that it happened.", ""),
        (made("not_done", by=(CY,)), "Not done", "Cy Cole said that it did not happen.", ""),
        (made("left"), "Running", "was interrupted and is tried again.", ""),
        (ended(made("left")), "Interrupted", "It was interrupted, and the run has ended.", ""),
        (
            made("unknown"),
            "Unknown",
            "It was interrupted; nobody knows whether it happened. Those who may decide are asked.",
            "",
        ),
        (
            ended(made("unknown")),
            "Unknown",
            "It was interrupted; nobody knows whether it happened. The run has ended.",
            "",
        ),
    ],
)
def test_from_the_start_on_the_card_shows_what_became_of_it(run: Run, title: str, summary: str, quoted: str) -> None:
    card = card_of(begun(), run)

    assert (card.title, card.quoted, card.form) == (f"{title}: Deploy v1.2.0 to production", quoted, None)
    assert card.summary.startswith(f"Bo Berg approved at {AT}, in the terminal. It began at ")
    assert card.summary.endswith(summary)


def closed(state: RequestState, reason: str = "", **changes: object) -> RequestRecord:
    return record(state=state, decision=decision(state).model_copy(update={"reason": reason, **changes}))


UNDONE = "Nothing was done."
GOES_ON = f"{UNDONE} The run goes on without it."
NOBODY: dict[str, Any] = {"by": (), "way": ""}
WITHDRAWN = f"Withdrawn by Bo Berg at {AT}, in the terminal. {GOES_ON}"


@pytest.mark.parametrize(
    ("found", "title", "summary"),
    [
        (closed("denied", "not on a Friday"), "Denied", f"Bo Berg denied at {AT}, in the terminal. {GOES_ON}"),
        (closed("withdrawn", "changed my mind"), "Withdrawn", WITHDRAWN),
        (closed("expired", **NOBODY), "Expired", f"Not decided in time: expired at {AT}. {GOES_ON}"),
        (
            closed("superseded", "too old", **NOBODY),
            "No longer asked",
            f"No longer asked, at {AT}. Reason: “too old”. {UNDONE}",
        ),
    ],
)
def test_a_closed_request_says_who_when_why_and_what_follows(found: RequestRecord, title: str, summary: str) -> None:
    card = card_of(found)

    assert found.decision
    reason = found.decision.reason if found.decision.by else ""
    assert (card.title, card.form, card.closes) == (f"{title}: Deploy v1.2.0 to production", None, True)
    assert (card.summary, card.quoted) == (summary, reason)
    assert card.quoted_as == ("The reason that Bo Berg gave:" if reason else "")
    assert APPROVAL.digest in facts(card).values(), "everything that was to be known stays"
    assert card.exact == card_of(record()).exact
    if title == "Denied":
        assert card_of(found, ended()).summary.endswith(f"in the terminal. {UNDONE} The run has ended.")


def test_a_request_is_replaced_only_where_another_asks_in_its_place_and_stays_so_once_that_is_decided() -> None:
    found, replaced = closed("superseded", **NOBODY), f"Replaced by a new request at {AT}."
    asked = [started(), chosen(), opened(REQUEST), decided("superseded", REQUEST, by=())]
    anew = fold([*asked, opened("q2")])
    another = fold([*asked, StepRefused(at=LATER, step_id=StepId("s1"), error=""), chosen(step_id="s2")])
    another = fold([opened("q2", "s2")], another)

    assert [card_of(found, run).summary for run in (anew, ended(anew))] == [replaced, replaced]
    assert card_of(found, another).summary == f"No longer asked, at {AT}. {UNDONE}"


def test_an_approval_that_was_taken_back_names_both() -> None:
    back = vote(CY, approve=False).model_copy(update={"reason": "wait", "proof": as_by("slack")})
    card = card_of(record(state="revoked", votes=(vote(), back)))

    assert card.title == "Stopped: Deploy v1.2.0 to production"
    assert card.summary == (
        "Bo Berg approved at 12:01 UTC on 02 March 2026, in the terminal. "
        "Cy Cole took it back at 12:00 UTC on 02 March 2026, in Slack, before it began. The run goes on without it."
    )
    assert (card.quoted_as, card.quoted, card.form) == ("The reason that Cy Cole gave:", "wait", None)


def answered(text: str, asked: str = "Which one?") -> RequestRecord:
    said = Decision(state="answered", by=(BO,), proof=as_by("slack"), given=Given(text=text), at=LATER)
    return record(question().model_copy(update={"quoted": asked}), state="answered", decision=said)


def test_an_answered_question_shows_question_and_answer() -> None:
    card = card_of(answered("v1.2.0"))

    assert card.title.startswith("Answered: ")
    assert card.summary == "Bo Berg answered at 12:01 UTC on 02 March 2026, in Slack."
    assert (card.quoted, card.form) == ("> Which one?\nBo Berg:\nv1.2.0", None)


def test_no_text_of_a_form_looks_like_the_answer_of_another_field() -> None:
    form: dict[str, FormValue] = {"why": "a bug\nbudget: 1", "budget": 5}
    asked = question("form", fields=("why", "budget"))
    found = record(asked, "answered").model_copy(
        update={"decision": decision("answered").model_copy(update={"given": Given(text="", form=form)})}
    )

    assert card_of(found).quoted.endswith("why: a bug\n  budget: 1\nbudget: 5")


@any_of_them(st.text())
def test_no_question_can_look_like_an_answer(asked: str) -> None:
    lines = card_of(answered("no", asked)).quoted.splitlines()

    assert all(line.startswith("> ") for line in lines[: -2 if asked.splitlines() else -1])


def test_what_a_program_was_allowed_it_begins_itself_and_what_came_of_it_is_its_word() -> None:
    found = record(approval(program="service:ci"), state="approved", votes=(vote(),))
    begun = found.model_copy(update={"started_at": LATER, "begun_by": PersonId("service:ci")})

    def by_program(state: State, text: str = "") -> Card:
        run = made(state, text)
        return card_of(
            begun, replace(run, made=tuple(replace(one, begun_by=PersonId("service:ci")) for one in run.made))
        )

    waits, runs, unknown = card_of(found), by_program("running"), by_program("unknown")
    done, failed = by_program("ok", "gone"), by_program("error", "Approved: all")

    assert waits.form
    assert waits.summary.endswith("The program has not begun it yet. Until it does you can still stop it.")
    assert (runs.title, runs.form) == ("Running: Deploy v1.2.0 to production", None)
    assert runs.summary.endswith("The program that asked does it; sayso can not stop it.")
    assert (done.title, done.quoted) == ("Done, says the program: Deploy v1.2.0 to production", "gone")
    assert (failed.title, failed.quoted) == ("Failed, says the program: Deploy v1.2.0 to production", "Approved: all")
    assert {done.quoted_as, failed.quoted_as} == {"What the program says:"}
    silent = by_program("ok")
    assert (silent.title, silent.quoted) == ("Approved: Deploy v1.2.0 to production", "")
    assert silent.summary.endswith("It was allowed. Nobody reports what came of it.")
    said = "The program did not say what came of it; nobody knows whether it happened."
    assert unknown.summary.endswith(f"{said} Those who may decide are asked.")


@pytest.mark.parametrize("program", ["", "service:ci"])
def test_a_start_that_never_counted_is_none_and_what_is_approved_can_be_stopped(program: str) -> None:
    found = record(approval(program=program), state="approved", votes=(vote(),))
    run = made("left")
    run = replace(run, made=tuple(replace(one, never_began=True) for one in run.made))

    back, over = card_of(found, run), card_of(found, ended(run))

    assert back.title == "Approved: Deploy v1.2.0 to production"
    assert "tried again" not in back.summary
    assert back.form
    assert back.form.only_stops
    assert (over.title, over.form) == ("Not begun: Deploy v1.2.0 to production", None)


@any_of_them(st.lists(any_event(st.text(max_size=5)), max_size=25), st.integers(min_value=1, max_value=2))
def test_any_request_of_any_run_has_a_card(events: list[Event], revision: int) -> None:
    run, found = fold(events), fold(events).requests

    for one in found.values():
        card = standing(one, run, PEOPLE, NOON, revision)
        assert card.ref == one.request.id
        is_asked = one.state == "open" and one.request.revision == revision
        assert (card.form is not None and not card.form.only_stops) is is_asked


YES_OR_NO: tuple[Act, ...] = ("approve", "deny")


@any_of_them(RECORDS, st.integers(min_value=1, max_value=2))
def test_a_card_has_a_form_exactly_where_somebody_could_still_change_something(
    found: RequestRecord, revision: int
) -> None:
    run = made("running") if found.started_at else RUN
    form = card_of(found, run, revision).form
    people = who_of(found).approve
    said = [answer(person, act, addressee=person) for person in people for act in YES_OR_NO]
    counts = any(isinstance(judge(found, one), Counted | Decided | Revoked) for one in said)

    if form and people:
        assert counts
    if counts and revision == found.request.revision:
        assert form
    if form and form.only_stops:
        denials = [one for one in said if one.act == "deny"]
        assert all(isinstance(judge(found, one), Revoked) for one in denials)


def test_of_a_failure_the_card_says_what_was_live_afterwards() -> None:
    found = replace(in_run(made("error", "no space"), REQUEST), live={"production": "v1.0.0", "staging": "v1.2.0"})

    assert line(became(begun(), found), PEOPLE).endswith(" v1.0.0 was live in production afterwards.")


@any_of_them(st.text(), st.text() | st.lists(st.text()).map("\n".join))
def test_a_reason_is_only_ever_quoted(reason: str, output: str) -> None:
    card = card_of(closed("denied", reason))
    failed = card_of(begun(), made("error", output))

    assert card == card_of(closed("denied")).model_copy(update={"quoted": card.quoted, "quoted_as": card.quoted_as})
    words = {"quoted": failed.quoted, "quoted_as": failed.quoted_as, "is_output": failed.is_output}
    assert failed == card_of(begun(), made("error")).model_copy(update=words)


def test_a_failure_is_one_sentence_and_the_last_twenty_lines_that_were_printed() -> None:
    printed = [f"line {number}" for number in range(1, 31)]

    card = card_of(begun(), made("error", "'deploy.sh' ended with exit code 1.\n" + "\n".join(printed)))

    said = ["'deploy.sh' ended with exit code 1.", *printed[-20:]]
    assert (card.quoted, card.is_output) == ("\n".join(said), True)
    assert card.quoted_as == "What went wrong, in its own words, and the last lines that it printed:"
    assert card_of(closed("denied")).quoted_as == ""


def said(kind: Literal["comment", "question", "answer"], person: PersonId, number: int) -> Comment:
    return Comment(person=person, text=f"{kind} {number}", at=NOON, kind=kind, id=f"{kind}-{number}", revision=1)


@pytest.mark.parametrize(("pairs", "shown"), [(0, 10), (1, 8), (5, 0)])
def test_a_card_has_room_for_questions_and_answers_before_comments_and_for_the_newest_of_these(
    pairs: int, shown: int
) -> None:
    talked = [one for at in range(pairs) for one in (said("question", BO, at), said("answer", ANNA, at))]
    noise = [said("comment", CY, at) for at in range(10)]

    card = card_of(record(comments=(*talked, *noise)))

    told = [line.text.strip("“”") for line in card.facts if " by " in line.label]
    assert told == [one.text for one in (*talked, *noise[10 - shown :])]


def test_what_was_said_about_an_earlier_version_is_told_apart() -> None:
    now = approval(revision=2)

    card = card_of(record(now, comments=(said("answer", ANNA, 1),)), revision=2)

    assert facts(card)["Answer by Anna Ames, about an earlier version"] == "“answer 1”"


def test_what_was_said_stands_once_on_a_card_that_is_drawn_again_in_another_language() -> None:
    notes = [vote(one).model_copy(update={"reason": f"words of {one}", "reply_id": f"r-{one}"}) for one in (BO, CY)]
    asked = record(approval(policy=policy(quorum=3)), votes=(notes[0],), void=(notes[1],))

    card = with_notes(request_card(asked, PEOPLE, NOON), asked, PEOPLE)
    with speaking("de"):
        again = with_notes(card, asked, PEOPLE)

    ids = [(line.kind, line.id) for line in again.facts if line.id]
    assert ids == [("void", "r-cy"), ("said", "r-bo"), ("said", "r-cy")]
