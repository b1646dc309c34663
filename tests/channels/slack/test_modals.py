"""Windows: whatever the text, Slack takes them, and what comes back is what was put in."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from channels import AnswerForm, Card, Line
from channels.slack import modals
from tests.channels.slack.test_cards import CARDS, TEXTS
from tests.fakes.slack.limits import blocks as limits

AT = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
NAMES = st.lists(st.text(min_size=1, max_size=400), min_size=1, max_size=100, unique=True)
CARRIED = {"token": "a" * 47, "place": "C01OPS/1712345678.000100", "shared": True}


def taken(view: Any) -> bool:
    """Whether Slack takes a window."""
    return limits.view_mistakes(view, "modal") == [] and not limits.view_too_large(view)


@given(CARDS, st.sampled_from(["details", "deny_why", "fill", "write"]))
@settings(max_examples=150, deadline=None)
def test_any_card_makes_windows_that_slack_takes(card: Card, name: str) -> None:
    assert taken(modals.window(name, card, CARRIED))
    assert taken(modals.looking_up(name, CARRIED))


def test_details_hold_all_that_a_card_has_no_room_for() -> None:
    facts = tuple(Line(label=f"Fact {number}", text=f"{number} " + "x" * 700 + " end") for number in range(70))
    card = Card(title="Deploy?", at=AT, summary="s" * 2_000, quoted="q" * 2_000, facts=facts, exact="deploy")

    view = modals.window("details", card, {})
    shown = json.dumps(view)
    assert taken(view)
    assert all(fact.text in shown for fact in facts[:60])
    assert "10 more facts" in shown
    assert card.summary in shown
    assert card.quoted in shown


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_any_words_make_windows_that_slack_takes(one: str, other: str) -> None:
    assert taken(modals.sentence(one, other))
    assert taken(modals.ask_about(one, other, {"place": other}))
    assert taken(modals.ask())
    assert limits.view_mistakes(modals.home_notice(one), "home") == []


@given(NAMES)
@settings(max_examples=100, deadline=None)
def test_fields_come_back_by_their_whole_names(names: list[str]) -> None:
    form = AnswerForm(token="a" * 47, format="form", fields=tuple(names), until=AT)
    view: Any = modals.window("fill", Card(title="Which?", at=AT, form=form), CARRIED)
    assert taken(view)
    if view["callback_id"] != "fill":
        assert "does not fit" in view["blocks"][0]["text"]["text"]
        return

    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    values: Any = {
        block["block_id"]: {"value": {"value": f"about {name}"}} for block, name in zip(inputs, names, strict=True)
    }

    assert modals.filled({"state": {"values": values}}) == {name: f"about {name}" for name in names}


def test_a_window_carries_a_token_and_a_place_and_no_more_than_slack_takes() -> None:
    view = modals.looking_up("deny_why", {"place": "x" * 4_000})

    assert view["private_metadata"] == "{}"


def test_a_quoted_message_comes_back() -> None:
    view = modals.ask_about("Anna", "<!channel> *red* & <b>", {})

    assert modals.quoted(view) == "<!channel> *red* & <b>"
