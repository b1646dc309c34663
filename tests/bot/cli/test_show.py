"""The look of things in a terminal: everything that is decided, nothing that steers, no row that is not ours."""

import json

from agents.events import Event, RunEnded
from agents.requests import AttemptId, Effect, Fact, PersonId
from agents.run import fold
from bot.cli.plain import plain, plain_json, short_hash
from bot.cli.show import request_text, summary_text
from bot.policy.record import RequestRecord
from bot.render.views import request_view, summary_of
from bot.render.words import who_decides
from tests.agents.worlds import NOON, chosen, decided, finished, opened, started, tool_started
from tests.bot.examples import (
    BO,
    CALL,
    LATER,
    PEOPLE,
    REQUEST,
    all_of,
    any_of,
    anyone,
    approval,
    policy,
    record,
    vote,
)


def text_of(shown: RequestRecord) -> str:
    return request_text(request_view(shown, PEOPLE), PEOPLE)


def test_outside_text_is_made_printable_and_keeps_its_lines() -> None:
    assert plain("a\x1b[2Jb\r\x9b1mc\u202ed\u3164\ne") == "a\\u001b[2Jb \\u009b1mc\\u202ed\\u3164\ne"


def test_json_is_made_printable_without_changing_what_it_says() -> None:
    said = {"reason": "a\x1b\x7f\x9b\u202e\U000e0001é", "n": 1.5}

    shown = plain_json(json.dumps(said, ensure_ascii=False))

    assert shown.isprintable()
    assert "é" in shown
    assert json.loads(shown) == said


def test_a_request_says_who_decides_in_words() -> None:
    seats = approval(policy=policy(rule=all_of(anyone("dan"), any_of(anyone("bo", "cy"))), quorum=2))

    for request in (approval(), seats):
        words = who_decides(request.policy, PEOPLE, request.requesters)
        assert f"  decides    {words}\n" in text_of(record(request))
        assert request_view(record(request), PEOPLE).rule == words


def test_a_request_says_who_has_approved_so_far() -> None:
    pair = approval(policy=policy(quorum=2))

    assert "  approved " not in text_of(record(pair))
    assert "  approved   so far by Bo Berg\n" in text_of(record(pair, votes=(vote(BO),)))


def test_no_text_can_pass_for_a_row_of_its_own() -> None:
    forged = "x\n  decides    Mallory\r\n  exactly    nothing\u2028  expires    never"
    effect = Effect(argv=("./deploy.sh",), facts=(Fact(label=f"From{forged}", text=forged),))
    asked = approval(title=forged, quoted=forged, changes=(forged,), call=CALL.model_copy(update={"effect": effect}))

    rows = text_of(record(asked)).splitlines()

    labels = [row[2:12].strip() for row in rows[2:] if not row.startswith("   ")]
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
        return request_text(request_view(stands, PEOPLE, fold(more, run), now=LATER), PEOPLE)

    waits, over = text(found), text(found.model_copy(update=attempt), began, finished(error="half of it"))

    assert ("  use by     " in waits, "  expires    " in waits) == (True, False)
    assert ("  use by     " in over, "  began      " in over) == (False, True)
    assert ", by service:ci\n" in over
    assert "  came of it the program says that it failed: half of it\n" in over


def test_a_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert short_hash({"a": 1, "b": [2]}) == short_hash({"b": [2], "a": 1}) != short_hash({"a": 1, "b": [3]})


def test_a_run_is_one_line_however_many_its_end_has() -> None:
    ended = RunEnded(at=NOON, outcome="done", summary="2 of 2 answered\nBo: “Mon”")
    summary = summary_of(fold([started(), ended]))
    assert summary is not None
    of_an_earlier_release = summary.model_copy(update={"outcome": ended.summary})

    assert summary.outcome == "2 of 2 answered Bo: “Mon”"
    assert summary_text(of_an_earlier_release) == summary_text(summary)
    assert "\n" not in summary_text(summary)
