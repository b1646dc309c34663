"""A run told in sentences."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.events import (
    AnswerHeld,
    AnswerNoted,
    CardDelivered,
    ContextFetched,
    DeliveryFailed,
    Event,
    RequestRevised,
    RunCancelled,
    RunEnded,
    RunPaused,
    ToolQueued,
)
from agents.model.failures import FailureKind
from agents.requests import AttemptId, DeliveryId, Fact, PersonId, RequestId, RunId, StepId
from agents.requests.proof import as_by
from agents.steps import RequestHumanInput
from bot.policy.attachments import files_in
from bot.render.times import clock, moment
from bot.render.transcript import lines
from bot.testing.events import ended
from language import LANGUAGES, speaking
from tests.agents.worlds import (
    ANNA,
    BO,
    NOON,
    any_event,
    chosen,
    decided,
    failed,
    finished,
    opened,
    orphaned,
    request,
    revoked,
    started,
    tool_started,
    vote,
)
from tests.agents.worlds import (
    said as wrote,
)
from tests.bot.examples import PEOPLE
from tests.fakes.screen import is_harmless

Q1, D1, S1, NOBODY = RequestId("q1"), DeliveryId("d1"), StepId("s1"), PersonId("")


def said(event: Event) -> str:
    [line] = lines([event], PEOPLE)
    return line


def waits(**more: Any) -> ToolQueued:
    return ToolQueued(at=NOON, attempt_id=AttemptId("a1"), behind=RunId("s0r-other"), requester=BO, **more)


def card(**more: Any) -> CardDelivered:
    told = {"at": NOON, "request_id": Q1, "delivery_id": D1, "revision": 1, "person": BO, "channel": "slack"}
    return CardDelivered.model_validate(told | more)


def unreached(error: str, **more: Any) -> DeliveryFailed:
    told = {"at": NOON, "request_id": Q1, "delivery_id": D1, "person": BO, "channel": "email", "error": error}
    return DeliveryFailed.model_validate(told | more)


def noted(text: str, outcome: str, channel: str = "email") -> AnswerNoted:
    told = {"at": NOON, "request_id": Q1, "reply_id": "m", "person": BO, "proof": as_by(channel)}
    told |= {"binding": {"by": "card", "revision": 1, "digest": "d"}}
    return AnswerNoted.model_validate({**told, "text": text, "outcome": outcome})


def held(why: str, **more: Any) -> AnswerHeld:
    told = {"at": NOON, "request_id": Q1, "delivery_id": D1, "inbound_id": "i", "channel": "email", "why": why}
    return AnswerHeld.model_validate(told | more)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (started(), "Anna Ames asked by email: deploy v1.2.0 to production"),
        (ContextFetched(at=NOON, facts=(Fact(label="Live", text="v1"),)), "looked up: Live"),
        (chosen(gate="production"), "needs approval under policy production (model)"),
        (chosen(RequestHumanInput(question="?")), "next: a question to people (model)"),
        (failed("overloaded", "busy"), "no step from model: its server is overloaded: busy"),
        (opened(), "asks: Deploy v1.2.0 to production? (q1)"),
        (RequestRevised(at=NOON, by=ANNA, request=request(revision=2)), "Anna Ames amended: Deploy v1.2.0"),
        (wrote(), "Bo Berg said in Slack: v2 instead"),
        (card(channel="email"), "card sent to Bo Berg by email"),
        (card(is_shared=True), "card sent to Bo Berg in Slack, where others see it"),
        (card(person=NOBODY, to="C01OPS", is_shared=True), "card posted in Slack, where others see it: C01OPS"),
        (unreached("no such box"), "Bo Berg could not be reached: no such box"),
        (unreached("gone", person=NOBODY, channel="slack", place="slack:#ops"), "#ops could not be reached: gone"),
        (vote(), "Bo Berg approves by email"),
        (noted("hm", "unclear"), "Bo Berg answered by email, not counted (unclear): hm"),
        (held("forged", claims="bo@corp.example"), "from bo@corp.example was quarantined, not counted: forged"),
        (decided("denied", reason="too early"), f"Bo Berg denied on {moment(None, NOON)}. Reason: “too early”."),
        (revoked(), "Bo Berg took the approval back: not now"),
        (tool_started(), "running deploy: ./deploy.sh production c0ffee"),
        (finished(output="live"), "succeeded: live"),
        (orphaned(may_have_started=False), "the effect had not begun"),
        (RunPaused(at=NOON, by=BO), "Bo Berg paused the run"),
        (RunCancelled(at=NOON, by=BO), "Bo Berg cancelled the run"),
        (RunCancelled(at=NOON, by=BO, parent=RunId("r0")), "stopped by r0, which started it: Bo Berg cancelled that"),
        (waits(), "waits for its turn, after run s0r-other of Bo Berg"),
        (waits(within_s=30.0), "Interrupted; goes on by itself within 30 s"),
        (ended("done", "2 answered\nBo: “Mon”"), "done: 2 answered\n          Bo: “Mon”"),
        (ended("done", "v7 is live", change="nothing"), "nothing was changed: v7 is live"),
        (
            RunEnded(at=NOON, outcome="done", summary="v7 is live", words_of="model"),
            "nothing was changed; a model wrote: v7 is live",
        ),
    ],
)
def test_every_kind_of_event_has_its_sentence(event: Event, sentence: str) -> None:
    assert said(event).startswith(f"{clock(None, NOON)}  ")
    assert sentence in said(event)


def test_a_run_that_people_stopped_did_not_fail() -> None:
    told = ended("failed", "denied: too early")

    [plain], [stopped] = lines([told], PEOPLE), lines([told], PEOPLE, "denied")

    assert (plain[10:], stopped[10:]) == ("failed: denied: too early", "denied: denied: too early")


LOOKED = (Fact(label="Live in staging", text="v1"), Fact(label="CI: look-up failed", text="?"))


@pytest.mark.parametrize(
    ("event", "german"),
    [
        (ContextFetched(at=NOON, facts=LOOKED), "nachgesehen: Live in staging, CI: Abfrage fehlgeschlagen"),
        (failed("overloaded", "529 busy"), "kein Schritt von model: sein Server ist überlastet: 529 busy"),
        (noted("hm", "already_decided", "cli"), "antwortete im Terminal, nicht gezählt (schon entschieden): hm"),
        (finished(output="deployed c0ffee to shop\nfailed"), "gelungen: c0ffee nach shop deployt failed"),
    ],
)
def test_what_code_recorded_of_it_in_english_a_german_reads_in_german(event: Event, german: str) -> None:
    with speaking("de"):
        assert german in said(event)


@given(any_event(st.text()))
def test_nothing_that_was_typed_moves_the_cursor_or_fills_the_screen(event: Event) -> None:
    line, *below = said(event).split("\n")

    assert len(below) <= 60 if isinstance(event, RunEnded) else len(below) == len(files_in(event))
    assert all(one.startswith(" " * 10) for one in below)
    assert all(is_harmless(one) and len(one) < 450 for one in (line, *below))


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_how_a_model_failed_is_told_in_words_and_not_in_names_of_our_code(kind: FailureKind) -> None:
    for language in LANGUAGES:
        with speaking(language):
            told = said(failed(kind, "the answer called no tool: call exactly one"))
        assert "_" not in told
        assert ("call exactly one" in told or "nötig ist genau eines" in told) == (
            kind not in {"no_tool", "many_tools"}
        )
