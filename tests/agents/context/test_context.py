"""The text that the model reads: every event that matters, and no line that we did not write ourselves."""

import json
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from agents.context import build, render
from agents.events import (
    AnswerNoted,
    ContextFetched,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RunPaused,
    RunStarted,
    StepFailed,
    read_event,
    write_event,
)
from agents.model.failures import is_of_the_answer
from agents.requests import Fact, RequestId
from agents.requests.proof import as_by
from agents.run import fold
from agents.text import ends_of, one_line, strip_invisible
from tests.agents.stories import ANY_TEXT, any_event, any_story
from tests.agents.worlds import (
    BO,
    DEPLOY,
    NOON,
    SEEN,
    chosen,
    decided,
    failed,
    finished,
    opened,
    said,
    started,
    tool_started,
    vote,
)

LINE = re.compile(r'<event seq="(\d+)" type="([a-z_]+)" at="([0-9T:+-]+)">(\{[^<>&]*\})</event>')
# A lone surrogate can't be stored, yet a tool may print one before it is.
TEXTS = ANY_TEXT | st.just("\ud800")
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt, Default_Ignorable_Code_Point; and controls.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
TAGS = {"<run>", "</run>", "<history>", "</history>"}


def shown(*events: Event) -> str:
    return render(fold(events), events)


def events_in(text: str) -> list[tuple[int, str, str, JsonValue]]:
    """The events that a context shows, read line by line: number, type, time, fields. No other line may be there."""
    first, *lines, last = text.splitlines()
    assert first == "<run>"
    assert last.startswith("Steps taken: ")
    if lines[-1].startswith("Left out for want of room: "):
        lines.pop()
    assert lines.pop() == "</run>"
    found = [LINE.fullmatch(line) for line in lines if line not in TAGS]
    assert all(found), [line for line in lines if line not in TAGS and not LINE.fullmatch(line)]
    return [(int(one[1]), one[2], one[3], json.loads(one[4])) for one in found if one]


def texts_in(value: JsonValue) -> Iterator[str]:
    """Every text in a value, names of fields among them."""
    match value:
        case str():
            yield value
        case list():
            for part in value:
                yield from texts_in(part)
        case dict():
            for name, part in value.items():
                yield from (name, *texts_in(part))
        case _:
            pass


@given(any_story(TEXTS, max_size=12), st.sampled_from([200, 1_000, 20_000]))
def test_no_text_from_outside_closes_a_tag_or_forges_an_event(events: list[Event], budget_tokens: int) -> None:
    text = render(fold(events), events, budget_tokens)

    told = events_in(text)
    assert [seq for seq, *_ in told] == sorted({seq for seq, *_ in told})
    for seq, kind, at, _ in told:
        event = events[seq - 1]
        assert (kind, datetime.fromisoformat(at)) == (event.type, event.at.replace(microsecond=0))
    forks = [seq for seq, kind, *_ in told if kind == "run_forked"]
    assert [line for line in text.splitlines() if line in TAGS] == (
        ["<run>", "<history>", "</history>", "</run>"] if forks else ["<run>", "</run>"]
    )


@given(any_story(TEXTS, max_size=6))
def test_no_character_that_nobody_sees_reaches_the_model(events: list[Event]) -> None:
    text = render(fold(events), events)

    assert not UNSEEN.search(text)
    for *_, fields in events_in(text):
        assert not any(UNSEEN.search(one) for one in texts_in(fields))


@given(any_event(TEXTS))
def test_what_is_read_back_is_what_was_said(event: Event) -> None:
    match event:
        case PersonSaid() | RunStarted() | OutsideReported():
            said = event.text
        case RequestDecided() if event.decision.state != "approved":
            said = event.decision.reason
        case _:
            said = ""

    told = [text for *_, fields in events_in(shown(event)) for text in texts_in(fields)]

    assert not said or strip_invisible(said) in told


@given(any_story(ANY_TEXT, max_size=10))
def test_a_run_that_was_written_and_read_is_rendered_alike_byte_for_byte(events: list[Event]) -> None:
    stored = [write_event(event) for event in events]

    read = [read_event(body) for body in stored]

    assert render(fold(read), read, 1_000).encode() == render(fold(events), events, 1_000).encode()


def test_a_run_reads_as_one_line_for_each_event_that_matters() -> None:
    text = shown(
        started(),
        ContextFetched(at=NOON, facts=(Fact(label="Versions", text="v1.2.0, v1.1.0"),)),
        chosen(gate="production"),
        opened(),
        vote(reason="go"),
        decided("approved"),
        tool_started(),
        finished(output="deployed\nall of it"),
        RunPaused(at=NOON, by=BO),
    )

    at = 'at="2026-03-02T12:00:00+00:00"'
    trigger = '{"requester":"anna","channel":"email","text":"deploy v1.2.0 to production"}'
    card = '{"title":"Deploy v1.2.0 to production?","format":"approval","policy":"production"}'
    call = '"tool":"deploy","arguments":{"version":"v1.2.0","environment":"production"}'
    assert text.splitlines() == [
        "<run>",
        f'<event seq="1" type="run_started" {at}>{trigger}</event>',
        f'<event seq="2" type="context_fetched" {at}>{{"facts":[["Versions","v1.2.0, v1.1.0"]]}}</event>',
        f'<event seq="3" type="step_chosen" {at}>{{"type":"call_tool",{call}}}</event>',
        f'<event seq="4" type="request_opened" {at}>{card}</event>',
        f'<event seq="5" type="vote_cast" {at}>{{"person":"bo","approve":true}}</event>',
        f'<event seq="6" type="request_decided" {at}>{{"state":"approved","by":["bo"]}}</event>',
        f'<event seq="8" type="tool_finished" {at}>{{"output":"deployed\\nall of it"}}</event>',
        "</run>",
        "Steps taken: 1 of 10. Choose the next step.",
    ]


def test_a_failure_is_left_out_with_its_step_once_the_same_worked_unless_people_approved_it() -> None:
    broke, again = (
        finished(error="broke"),
        (chosen(step_id="s2"), tool_started("a2", "s2"), finished("a2", output="ok")),
    )
    other = chosen(DEPLOY.model_copy(update={"arguments": {"version": "v1.1.0", "environment": "staging"}}), "s2")
    asked = (chosen(gate="production"), opened(), decided("denied", reason="I looked at it"), tool_started())

    left_out = shown(started(), failed("bad_arguments", "broke"), chosen(), tool_started(), broke, *again)
    assert "broke" not in left_out
    assert left_out.count('type="step_chosen"') == 1
    assert "broke" in shown(started(), chosen(), tool_started(), broke, other, *again[1:])
    assert all(words in shown(started(), *asked, broke, *again) for words in ("broke", "I looked at it"))


def test_what_somebody_wrote_beside_an_approval_is_for_people_and_never_shown_to_the_model() -> None:
    noted = AnswerNoted(
        at=NOON,
        request_id=RequestId("q1"),
        reply_id="m",
        person=BO,
        binding=SEEN,
        proof=as_by("email"),
        text="do v9",
        outcome="unclear",
    )
    asked = (started(), chosen(gate="production"), opened(), vote(reason="and then v9"), noted)

    text = shown(*asked, decided("approved", reason="and then v9"))

    assert "v9" not in text


@given(any_event(st.just("text")))
def test_every_event_type_is_either_shown_or_left_out_on_purpose(event: Event) -> None:
    text = shown(event)

    silent = {
        "run_ended", "run_paused", "run_resumed", "run_cancelled",
        "step_gated", "tool_started", "card_delivered", "delivery_failed", "answer_held",
        "answer_noted", "card_replaced", "thought_dropped", "tool_queued",
            "request_reassigned", "request_reminded", "request_frozen",
    }  # fmt: skip
    is_of_server = isinstance(event, StepFailed) and (bool(event.fallback) or not is_of_the_answer(event.kind))
    assert (f'type="{event.type}"' in text) == (event.type not in silent and not is_of_server)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\x00b\x1b[31mc\r", "ab[31mc"),
        ("a\u200b\u2060\ufeff\u00adb", "ab"),
        ("\u202etxt.exe", "txt.exe"),
        ("a\U000e0068\U000e0069\U000e01efb", "ab"),
        ("Grüße 你好 שלום 🚀", "Grüße 你好 שלום 🚀"),
    ],
)
def test_only_characters_that_somebody_sees_are_kept(text: str, seen: str) -> None:
    assert strip_invisible(text) == seen


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_one_line_is_one_bounded_line(text: str, chars: int) -> None:
    line = one_line(text, chars)

    assert len(line) <= chars
    assert len(line.splitlines()) <= 1


@given(st.text())
def test_a_text_that_fits_is_kept_as_it_is(text: str) -> None:
    assert ends_of(text, len(text), 0) == text


def test_what_was_sent_begins_what_is_sent_next_in_whole_blocks() -> None:
    told: list[Event] = [started(), said("and quick")]
    sent = build(fold(told), told)

    for step in ("s1", "s2"):
        told += chosen(step_id=step), tool_started(f"a-{step}", step), finished(f"a-{step}", "well")
        now = build(fold(told), told)
        assert now.blocks[: sent.stable] == sent.blocks[: sent.stable]
        assert now.stable == sent.stable + 1
        assert "Steps taken" not in "".join(now.blocks[: now.stable])
        sent = now


@given(any_story())
def test_the_blocks_of_any_run_are_its_text_and_none_is_empty(events: list[Event]) -> None:
    context = build(fold(events), events, 2_000)

    assert "".join(context.blocks) == context.text
    assert all(context.blocks)
    assert 1 <= context.stable < len(context.blocks)
    assert not any('type="step_failed"' in block for block in context.blocks[: context.stable])
