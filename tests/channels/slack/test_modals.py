"""Windows: whatever the text, Slack takes them, and what comes back is what was put in."""

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels import AnswerForm, Card, Input, Line
from channels.slack import modals
from language import LANGUAGES, Language, speaking
from tests.channels.slack.test_cards import CARDS, TEXTS
from tests.fakes.slack.elements import all_values
from tests.fakes.slack.limits import blocks as limits
from tests.kit.acts import acts
from tests.kit.long import examples

AT = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
NAMES = st.lists(st.text(min_size=1, max_size=400), min_size=1, max_size=100, unique=True)
CARRIED = {"token": "a" * 47, "place": "C01OPS/1712345678.000100", "shared": True}


def taken(view: Any) -> bool:
    """Return whether Slack takes a window."""
    return limits.view_mistakes(view, "modal") == [] and not limits.view_too_large(view)


@given(
    CARDS, st.sampled_from(["details", "open:deny", "open:deny:reason", "fill", "write"]), st.sampled_from(LANGUAGES)
)
@settings(max_examples=examples(150), deadline=None)
def test_any_card_makes_windows_that_slack_takes(card: Card, name: str, language: Language) -> None:
    with speaking(language):
        assert taken(modals.window(name, card, CARRIED))
        assert taken(modals.looking_up(name, card.title, CARRIED))


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_and_buttons_of_windows_are_not_cut_in_any_language(language: Language) -> None:
    with speaking(language):
        can = acts("approve", "deny", "edit", "ask", "break_glass", "hand_on")
        form = AnswerForm(token="a" * 47, format="form", fields=(Input(name="why"),), acts=can, until=AT)
        opened = {f"open:{act.name}": act.label for act in can if act.inputs}
        opened |= {f"open:{act.name}:{one.name}": act.offer for act in can for one in act.offered}
        views: list[Any] = [modals.ask(), modals.ask_about("Anna", "x", CARRIED)]
        for name in ("card", "details", *opened, "fill", "write", "ask", "ask_about", "closed"):
            card = Card(title="Which?", at=AT, form=None if name == "closed" else form)
            views += [modals.looking_up(name, opened.get(name, ""), CARRIED), modals.window(name, card, CARRIED)]

    shown = [view[part]["text"] for view in views for part in ("title", "submit", "close") if part in view]
    assert [text for text in shown if text.endswith("…")] == []


def test_details_hold_all_that_a_card_has_no_room_for() -> None:
    facts = tuple(Line(label=f"Fact {number}", text=f"{number} " + "x" * 700 + " end") for number in range(70))
    words = {"summary": "s" * 2_000, "said": "w" * 2_000, "said_as": "Anna wrote:", "quoted": "q" * 2_000}
    words |= {"quoted_as": "What the trigger wrote:", "exact": "deploy"}
    decides = (Line(label="Who decides", text="d" * 700),)
    card = Card(title="Deploy?", at=AT, facts=facts, decides=decides).model_copy(update=words)

    shown = "".join(json.dumps(view) for view in turned(card))

    assert [text for text in (*words.values(), *(line.text for line in (*facts, *decides))) if text not in shown] == []


def turned(card: Card) -> list[Any]:
    """Every page of the details, by the buttons on them; each is one that Slack takes."""
    views: list[Any] = [modals.window("details", card, CARRIED)]
    while button := next((one for one in buttons(views[-1]) if one["text"]["text"] == "Next page"), None):
        views.append(modals.details_page(card, CARRIED, int(button["value"])))
    assert all(map(taken, views))
    assert all(json.loads(view["private_metadata"]) == CARRIED for view in views)
    return views


def buttons(view: Any) -> list[Any]:
    return [one for block in view["blocks"] if block["type"] == "actions" for one in block["elements"]]


@pytest.mark.long
def test_a_list_of_2000_lines_is_whole_on_the_pages_of_its_details() -> None:
    lines = [f"{number:07x} Small change <@U0BO> {'x' * 90} (Anna)" for number in range(2_000)]
    changes = Line(label="Changes", text="2000 commits, newest first:", lines=2_000, whole="\n".join(lines) + "\n")
    card = Card(title="Deploy?", at=AT, facts=(changes,), exact="deploy")

    views = turned(card)

    texts = [element["text"] for view in views for element in elements(view)]
    shown = "\n".join(texts).splitlines()
    assert [line for line in shown if "Small change" in line] == lines
    assert len(views) > 2
    assert "Page 2 of" in json.dumps(views[1])
    assert [one["text"]["text"] for one in buttons(views[1])] == ["Previous page", "Next page"]


def elements(view: Any) -> list[Any]:
    rich = [block for block in view["blocks"] if block["type"] == "rich_text"]
    return [element for block in rich for part in block["elements"] for element in part["elements"]]


@given(TEXTS, TEXTS)
@settings(max_examples=examples(100), deadline=None)
def test_any_words_make_windows_that_slack_takes(one: str, other: str) -> None:
    assert taken(modals.sentence(one, other))
    assert taken(modals.ask_about(one, other, {"place": other}))
    assert taken(modals.ask())
    assert limits.view_mistakes(modals.home_notice(one), "home") == []


@given(NAMES)
@settings(max_examples=examples(100), deadline=None)
def test_fields_come_back_by_their_whole_names(names: list[str]) -> None:
    form = AnswerForm(token="a" * 47, format="form", fields=tuple(Input(name=name) for name in names), until=AT)
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


TYPED = (
    Input(name="begins", label="First day", hint="A date.", kind="date", least="2026-11-01", value="2026-12-24"),
    Input(name="days", kind="integer", least="1", most="14"),
    Input(name="load", kind="number", required=False, value="0.5"),
    Input(name="team", kind="choice", options=("shop", "search"), value="search"),
    Input(name="silent", kind="yes_no", value="no"),
    Input(name="ticket", min_length=5, max_length=8),
    Input(name="why", max_length=1_000),
)


def typed_view() -> Any:
    form = AnswerForm(token="a" * 47, format="form", fields=TYPED, until=AT)
    return modals.window("fill", Card(title="When?", at=AT, form=form), CARRIED)


def test_each_kind_of_field_has_its_own_input_with_its_limits_and_what_stands_in_it() -> None:
    view = typed_view()
    assert taken(view)

    blocks = {block["label"]["text"]: block for block in view["blocks"] if block["type"] == "input"}
    elements = {label: block["element"] for label, block in blocks.items()}
    kinds = [element["type"] for element in elements.values()]
    text = ["plain_text_input", "plain_text_input"]
    assert kinds == ["datepicker", "number_input", "number_input", "static_select", "radio_buttons", *text]
    assert elements["First day"]["initial_date"] == "2026-12-24"
    assert [elements["days"][name] for name in ("min_value", "max_value", "is_decimal_allowed")] == ["1", "14", False]
    assert (elements["load"]["initial_value"], elements["load"]["is_decimal_allowed"]) == ("0.5", True)
    assert elements["team"]["initial_option"]["text"]["text"] == "search"
    assert elements["silent"]["initial_option"]["text"]["text"] == "No"
    assert (elements["ticket"]["min_length"], elements["ticket"]["max_length"]) == (5, 8)
    assert [elements[name]["multiline"] for name in ("ticket", "why")] == [False, True]
    assert blocks["First day"]["hint"]["text"] == "A date."
    assert [label for label, block in blocks.items() if block.get("optional")] == ["load"]


def test_what_was_put_into_each_kind_of_input_comes_back_as_text() -> None:
    view = typed_view()
    view["state"] = {"values": all_values(view["blocks"], {})}

    put = {"begins": "2026-12-24", "load": "0.5", "team": "2", "silent": "no"}
    assert modals.filled(view) == {"days": "", "ticket": "", "why": "", **put}


def test_reasons_stand_at_their_fields_and_others_keep_no_window_open() -> None:
    view = typed_view()
    view["state"] = {"values": all_values(view["blocks"], {})}

    wrong = modals.errors(view, {"days": "it is missing" * 100, "": "no field", "gone": "no field"})

    [(block, text)] = cast("dict[str, str]", wrong["errors"]).items()
    assert (block, wrong["response_action"]) == ("field.2.days", "errors")
    assert len(text) <= 300
    assert modals.errors(view, {"gone": "no field"}) == modals.errors(view, {}) == {}


def test_a_window_carries_no_more_than_slack_takes_and_a_quoted_message_comes_back() -> None:
    view = modals.ask_about("Anna", "<!channel> *red* & <b>", {})

    assert modals.looking_up("open:deny:reason", "", {"place": "x" * 4_000})["private_metadata"] == "{}"
    assert modals.quoted(view) == "<!channel> *red* & <b>"
