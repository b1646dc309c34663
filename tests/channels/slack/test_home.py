"""The App Home: whatever waits, it is a view that Slack takes and that calls nobody."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels import AnswerForm, Card, Line, Overview, WorkGroup, WorkRow
from channels.slack import modals
from language import LANGUAGES, Language, speaking
from tests.channels.slack.test_cards import TEXTS, nodes
from tests.fakes.slack.limits.blocks import view_mistakes, view_too_large
from tests.kit.long import examples

AT = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)
LINES = st.lists(st.builds(Line, label=TEXTS, text=TEXTS), max_size=20).map(tuple)
WORDS = dict.fromkeys(("title", "change", "words", "asked_by", "decides"), TEXTS)
ROWS = st.builds(WorkRow, opened_at=st.just(AT), expires_at=st.just(AT), token=st.just("a" * 47), **WORDS)
GROUPS = st.builds(WorkGroup, name=TEXTS, rows=st.lists(ROWS, min_size=1, max_size=8).map(tuple))
WAITING = st.lists(GROUPS, max_size=18).map(tuple)
OVERVIEWS = st.builds(Overview, waiting=WAITING, more=st.integers(0, 3), asked=LINES, decided=LINES)


@given(OVERVIEWS, st.sampled_from(LANGUAGES))
@settings(max_examples=examples(150), deadline=None)
def test_any_overview_is_a_view_that_slack_takes_and_nothing_that_others_wrote_is_read_as_a_command(
    overview: Overview, language: Language
) -> None:
    with speaking(language):
        view = modals.view(overview)

    assert view_mistakes(view, "home") == []
    assert not view_too_large(view)
    marked = [node["text"] for node in nodes(view) if node.get("type") == "mrkdwn"]
    ours = re.compile(
        r"<!date\^\d+\^\{date_short_pretty\}(?: at|,) \{time\}\|[^<>|]+>|<https://sayso\.example/[^<>|]+\|[^<>]+>"
    )
    assert [text for text in marked if re.search(r"[<>]", ours.sub("", text))] == []


@given(OVERVIEWS)
@settings(max_examples=examples(100), deadline=None)
def test_a_request_is_listed_with_a_button_to_its_card_or_counted(overview: Overview) -> None:
    view = modals.view(overview)

    shown = [node for node in nodes(view) if node.get("action_id") == "card"]
    said = re.search(r"And (\d+) more|(\d+) waits?, and", json.dumps(view))
    more = int(said[1] or said[2]) if said else 0
    assert len(shown) + more == sum(len(group.rows) for group in overview.waiting) + overview.more


def deploy(number: int = 1, title: str = "Deploy v1.2.0 to production?") -> WorkRow:
    return WorkRow(
        title=title,
        change="v1.0.0 → v1.2.0",
        asked_by="Anna Ames",
        decides="only you",
        opened_at=AT,
        expires_at=AT,
        token=f"s0d-{number}",
    )


def waiting(*rows: WorkRow) -> tuple[WorkGroup, ...]:
    return (WorkGroup(name="production", rows=rows),)


def test_what_has_changed_has_another_id_and_what_has_not_keeps_what_was_put_into_it() -> None:
    before = modals.view(Overview(waiting=waiting(deploy())))
    after = modals.view(Overview(waiting=waiting(deploy(2), deploy())))

    ids_before, ids_after = _ids(before), _ids(after)

    assert set(ids_before) - set(ids_after) == set(), "only something was added"
    assert len(ids_after) == len(set(ids_after))
    assert modals.view(Overview(waiting=waiting(deploy()))) == before
    changed = modals.view(Overview(waiting=waiting(deploy(title="Deploy v1.3.0 to production?"))))
    assert len(set(ids_before) - set(_ids(changed))) == 1


@pytest.mark.parametrize("form", ["free_text", "yes_no"])
def test_no_card_in_a_window_says_that_one_can_write_below_it(form: Any) -> None:
    card = Card(title="Why?", at=AT, form=AnswerForm(token="s0d-1", format=form, until=AT))

    assert "thread" not in json.dumps(modals.window("card", card, {}))


def test_the_home_of_somebody_new() -> None:
    assert _told(modals.view(Overview())) == [
        "actions: Ask sayso…",
        "header: Waiting on you",
        "section: Nothing waits on you.",
        "divider: ",
        "header: You asked",
        "section: Nothing yet. Press *Ask sayso…*, or mention sayso in a Slack channel.",
    ]


def test_the_home_of_somebody_busy() -> None:
    asked = Line(label="deploy v1.2.0", text="Waiting for Bo Berg.")
    decided = Line(label="Deploy <v1.1.0>?", text="Bo Berg approved at 14:02 UTC.")

    view = modals.view(Overview(waiting=waiting(deploy(), deploy(2)), more=3, asked=(asked,), decided=(decided,)))

    at = "<!date^1772546520^{date_short_pretty} at {time}|03 Mar 2026, 14:02 UTC>"
    row = [
        "section: Deploy v1.2.0 to production?\nv1.0.0 → v1.2.0 · asked by Anna Ames | Open",
        f"context: Asked {at} · expires {at} | decides: only you",
    ]
    assert _told(view) == [
        "actions: Ask sayso…",
        "header: Waiting on you",
        "context: production",
        *row,
        *row,
        "divider: ",
        "context: And 3 more: they come up here as you answer these.",
        "divider: ",
        "header: You asked",
        "rich_text: deploy v1.2.0\n | Waiting for Bo Berg.",
        "divider: ",
        "header: Recently decided",
        "rich_text: Deploy <v1.1.0>?\n | Bo Berg approved at 14:02 UTC.",
    ]


def _told(view: Any) -> list[str]:
    """The blocks, a line each."""
    return [f"{block['type']}: {' | '.join(_texts(block))}" for block in view["blocks"]]


def _texts(block: Any) -> list[str]:
    return [node["text"] for node in nodes(block) if isinstance(node.get("text"), str)]


def _ids(view: Any) -> list[str]:
    return [block["block_id"] for block in view["blocks"]]
