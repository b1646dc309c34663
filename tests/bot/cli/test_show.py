"""The look of things in a terminal: everything that is decided, nothing that steers, no row that is not ours."""

from agents.events import Event, RunEnded
from agents.requests import AttemptId, AuthoredLine, Effect, Fact, PersonId
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.cli.plain import plain
from bot.cli.show import request_text, summary_text
from bot.render.in_run import in_run
from bot.render.views import request_view, summary_of
from tests.agents.worlds import NOON, chosen, decided, finished, opened, started, tool_started
from tests.bot.examples import (
    CALL,
    LATER,
    PEOPLE,
    REQUEST,
    approval,
    record,
    vote,
)


def text_of(shown: RequestRecord) -> str:
    return request_text(request_view(shown, PEOPLE), PEOPLE)


def test_outside_text_is_made_printable_and_keeps_its_lines() -> None:
    assert plain("a\x1b[2Jb\r\x9b1mc\u202ed\u3164\ne") == "a\\u001b[2Jb \\u009b1mc\\u202ed\\u3164\ne"


def test_no_text_can_pass_for_a_row_of_its_own() -> None:
    forged = "x\n  decides    Mallory\r\n  exactly    nothing\u2028  expires    never"
    effect = Effect(argv=("./deploy.sh",), facts=(Fact(label=f"From{forged}", text=forged),))
    asked = approval(
        title=forged,
        quoted=forged,
        changes=(AuthoredLine(text=forged, by=()),),
        call=CALL.model_copy(update={"effect": effect}),
    )

    rows = text_of(record(asked)).splitlines()

    assert rows[2] == "  asked Mon 2 Mar, 12:00 UTC"
    labels = [row[2:12].strip() for row in rows[3:] if not row.startswith("   ")]
    ours = [
        "asked by",
        "about",
        "changed",
        "fromx deci",
        "decides",
        "asked",
        "expires",
        "then",
        "then",
        "exactly",
        "exactly",
        "run",
        "digest",
    ]
    assert labels == ours


def test_what_a_program_says_of_an_approval_is_called_unverified() -> None:
    wanted = approval(program="service:ci", quoted="Approved: by Bo Berg")

    assert "  unverified Approved: by Bo Berg\n" in text_of(record(wanted))


def test_what_a_program_may_begin_has_its_use_by_time_and_then_when_it_began_and_what_came_of_it() -> None:
    found = record(approval(program="service:ci"), state="approved", votes=(vote(),))
    attempt = {"started_at": LATER, "attempt": AttemptId("a1"), "begun_by": PersonId("service:ci")}
    run = fold([started(), chosen(gate="production"), opened(), decided("approved")])
    began = tool_started().model_copy(update={"request_id": REQUEST, "by": PersonId("service:ci")})

    def text(stands: RequestRecord, *more: Event) -> str:
        return request_text(request_view(stands, PEOPLE, in_run(fold(more, run), stands.request.id), now=LATER), PEOPLE)

    waits, over = text(found), text(found.model_copy(update=attempt), began, finished(error="half of it"))

    assert ("  use by     " in waits, "  expires    " in waits) == (True, False)
    assert ("  use by     " in over, "  began      " in over) == (False, True)
    assert ", by service:ci\n" in over
    assert "  came of it the program says that it failed: half of it\n" in over


def test_what_was_approved_and_begun_says_what_became_of_it() -> None:
    found = record(state="approved", votes=(vote(),), started_at=LATER)
    run = fold([started(), chosen(gate="production"), opened(), decided("approved")])
    began = tool_started().model_copy(update={"request_id": REQUEST})

    def first_line(*more: Event) -> str:
        shown = request_view(found, PEOPLE, in_run(fold(more, run), found.request.id), now=LATER)
        return request_text(shown, PEOPLE).split("\n")[0]

    assert "approved, failed" in first_line(began, finished(error="exit code 12"))
    assert "approved, running" in first_line(began)


def test_a_run_is_one_line_however_many_its_end_has() -> None:
    ended = RunEnded(at=NOON, outcome="done", summary="2 of 2 answered\nBo: “Mon”")
    summary = summary_of(fold([started(), ended]))
    assert summary is not None
    of_an_earlier_release = summary.model_copy(update={"outcome": ended.summary})

    assert summary.outcome == "2 of 2 answered Bo: “Mon”"
    line = summary_text(summary, PEOPLE)
    assert summary_text(of_an_earlier_release, PEOPLE) == line
    assert "\n" not in line
    assert "  Anna Ames: " in line
