"""Which orders to ask are plain, and what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ask.plain import Asked, plain_ask

PLAIN = {
    "ask group:release: which day suits? | Mon, Tue, Wed | until Thursday 12:00": Asked(
        ("group:release",), "which day suits?", ("Mon", "Tue", "Wed"), "until Thursday 12:00"
    ),
    "Please ask person:bo and person:cy: ready? | in 2 hours": Asked(
        ("person:bo", "person:cy"), "ready?", (), "in 2 hours"
    ),
    "ask person:bo, group:release, and person:cy: lunch: where?": Asked(
        ("person:bo", "group:release", "person:cy"), "lunch: where?"
    ),
    "The retro\n\nask person:bo: when? | by Monday": Asked(("person:bo",), "when?", (), "by Monday"),
    "ask person:bo: when? | a, b | until Thursday, 12:00": Asked(
        ("person:bo",), "when?", ("a", "b"), "until Thursday, 12:00"
    ),
}


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_order_says_whom_what_and_until_when(text: str) -> None:
    assert plain_ask(text) == PLAIN[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ask the release group which day suits",
        "ask group:release which day suits",
        "ask group:release: ",
        "do not ask group:release: when?",
        "ask person:bo: when? | Mon",
        "ask person:bo: when? | Mon,, Tue",
        "ask person:bo: when? | a, b | c, d",
        "ask person:bo: when? | until Thursday, 12:00",  # a deadline, or two options
        "ask person:bo: when? | in 2 hours | a, b",
        "ask person:bo: when?\nor rather not",
        "ask person:bo: when?\nask person:cy: when?",
        "one\ntwo\nask person:bo: when?",
        "ask person:bo: " + "x" * 4_000,
    ],
)
def test_everything_else_is_left_to_a_question(text: str) -> None:
    assert plain_ask(text) is None


@given(st.one_of(st.text(), st.text(alphabet="ask person:bo|,\n until", max_size=60)))
def test_whatever_is_read_as_an_order_names_people_and_a_question(text: str) -> None:
    asked = plain_ask(text)

    assert asked is None or (asked.people and asked.question and len(asked.options) != 1)
