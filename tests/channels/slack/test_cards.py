"""Cards as Slack's blocks: whatever the text, the message is one that Slack takes and that calls nobody."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels import AnswerForm, Card, CardAct, Input, Line
from channels.slack import cards, modals
from language import LANGUAGES, Language, speaking
from tests.channels.inputs import inputs
from tests.fakes.slack.limits.blocks import message_mistakes
from tests.kit.acts import acts, stop, vote
from tests.kit.long import examples

AT = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)
FORMATS = ("approval", "free_text", "yes_no", "choice", "choices", "form")

TEXTS = st.one_of(
    st.text(max_size=300),
    st.text(max_size=9).map(lambda text: f"<!here> at 14:02 UTC on 03 March 2026{text}"),
    st.text(max_size=40).map(lambda text: text * 200),
    st.sampled_from(["<!channel> now", "Bo at 14:02 UTC on 03 March 2026, <!here>", "<@U1> & <#C1|x>"]),
    st.sampled_from(["*bold* `code` _x_", "\u202egnp.exe", "a\x00b", "😀" * 2000]),
)
WORDS = st.builds(Input, name=st.just("reason"), label=TEXTS, hint=TEXTS, kind=st.sampled_from(["words", "yes_no"]))
ACTS = st.builds(
    CardAct,
    name=st.sampled_from(["approve", "deny", "something_new", "other"]),
    tone=st.sampled_from(["plain", "yes", "no", "stop"]),
    inputs=st.lists(inputs(TEXTS), max_size=3).map(tuple) | st.tuples(WORDS),
    offered=st.just(()) | st.tuples(WORDS),
    **dict.fromkeys(("label", "offer", "title", "note", "send", "how"), TEXTS),
)
FORMS = st.builds(
    AnswerForm,
    token=st.just("a" * 47),
    format=st.sampled_from(FORMATS),
    options=st.lists(TEXTS.filter(bool), min_size=1, max_size=100, unique=True).map(tuple),
    fields=st.lists(inputs(TEXTS), max_size=5).map(tuple),
    acts=st.lists(ACTS, max_size=5, unique_by=lambda act: act.name).map(tuple),
    until=st.just(AT),
)
PAGES = st.sampled_from(["", "https://sayso.example/requests/s0q-abc/changes"])
FACTS = st.lists(st.builds(Line, label=TEXTS, text=TEXTS, link=PAGES, verbatim=st.booleans()), max_size=40).map(tuple)
CARDS = st.builds(
    Card,
    title=TEXTS,
    at=st.just(AT),
    asked=st.just("") | TEXTS,
    risks=st.lists(TEXTS, max_size=5).map(tuple),
    summary=TEXTS,
    quoted=TEXTS,
    quoted_as=st.just("") | TEXTS,
    said=TEXTS,
    said_as=st.just("") | TEXTS,
    facts=FACTS,
    decides=FACTS,
    details=FACTS,
    exact=TEXTS,
    form=st.none() | FORMS,
    ref=st.sampled_from(["", "s0q-abc"]),
    link=st.sampled_from(["", "https://sayso.example/requests/s0q-abc"]),
    topic=TEXTS,
    is_line=st.booleans(),
    mentions=st.lists(TEXTS | st.sampled_from(["U0BO>", "S0CREW|x", "channel", "U0\n<!here>"]), max_size=5).map(tuple),
)


@given(CARDS, st.sampled_from(LANGUAGES))
@settings(max_examples=examples(300), deadline=None)
def test_any_card_is_a_message_that_slack_takes(card: Card, language: Language) -> None:
    with speaking(language):
        found = cards.message(card, "d1")
    assert 1 <= len(found.blocks) <= 50
    assert 0 < len(found.text) <= 4_000
    assert len(json.dumps(found.blocks, ensure_ascii=False)) < 12_000
    assert len({str(block["block_id"]) for block in found.blocks}) == len(found.blocks)
    assert message_mistakes(list(found.blocks)) == []


@given(CARDS, st.sampled_from(LANGUAGES))
@settings(max_examples=examples(300), deadline=None)
def test_nothing_that_others_wrote_is_read_as_a_command(card: Card, language: Language) -> None:
    with speaking(language):
        found = cards.message(card, "d1")
    marked = [found.text, *(node["text"] for node in nodes(found.blocks) if node.get("type") == "mrkdwn")]
    ours = re.compile(
        r"<!date\^\d+\^\{date_short_pretty\}(?: at|,) \{time\}\|[^<>|]+>|<https://sayso\.example/[^<>|]+\|[^<>]+>"
    )
    assert [text for text in marked if re.search(r"[<>]", ours.sub("", text))] == []


CROWD = tuple(f"U0{number:09d}" for number in range(250))
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_card_that_is_too_long_keeps_the_mention_of_everybody_who_is_asked() -> None:
    facts = tuple(Line(label="Changes", text="x" * 590) for _ in range(24))
    form = AnswerForm(token="t", format="approval", acts=vote(), until=AT)
    found = cards.message(Card(title="Deploy?", at=AT, facts=facts, form=form, mentions=("S0CREW", *CROWD)), "d1")

    shown = json.dumps(found.blocks)
    assert [one for one in CROWD if f"<@{one}>" not in shown] == []
    assert "<!subteam^S0CREW>" in shown
    assert message_mistakes(list(found.blocks)) == []


@pytest.mark.parametrize(
    ("card", "text"),
    [
        (Card(title="clerk asks: Which one?", quoted="Which one? The big, or the small?", at=AT),
         "clerk asks: Which one?\nUnverified text: Which one? The big, or the small?"),
        (Card(title="Which one?", quoted="Which one?", at=AT), "Which one?"),
        (Card(title="Answer: Deploy?", quoted="since noon", quoted_as="Anna Ames wrote:", at=AT),
         "Answer: Deploy?\nAnna Ames wrote: since noon"),
        (Card(title="Denied: Deploy", quoted="<!here> at 14:02 UTC on 03 March 2026", quoted_as="Bo:", at=AT),
         "Denied: Deploy\nBo: &lt;!here&gt; at 14:02 UTC on 03 March 2026"),
        (Card(title="Failed: Deploy", quoted="exit 1", is_output=True, summary="It ended.", at=AT),
         "Failed: Deploy\nIt ended."),
        (Card(title="Deploy?", mentions=("U0BO", "S0CREW"), at=AT), "Deploy?\n<!subteam^S0CREW> <@U0BO>"),
        (Card(title="Deploy?", summary="Until 14:02 UTC on 03 March 2026.", at=AT),
         "Deploy?\nUntil <!date^1772546520^{date_short_pretty} at {time}|03 Mar 2026, 15:02 UTC+01:00>."),
    ],
)  # fmt: skip
def test_a_notification_holds_what_is_asked_answered_or_given_as_a_reason(card: Card, text: str) -> None:
    assert cards.message(card, "d1", BERLIN).text == text


MARKS = ["*x*", "_x_", "~x~", "`x`", "```x```", ":tada:", "<!channel>", "<@U1>", "&lt;", "https://evil.example", "> x"]
MARKED = st.lists(st.sampled_from([*MARKS, " ", "\n", "fix", "* x"]), min_size=1, max_size=12).map("".join)


@given(MARKED.filter(str.strip), MARKED.filter(str.strip))
@settings(max_examples=examples(200), deadline=None)
def test_what_others_wrote_stays_the_characters_that_they_typed(subject: str, said: str) -> None:
    facts = (Line(label="Changes", text=subject),)
    card = Card(title=said, at=AT, summary=said, said=said, said_as=said, quoted=said, quoted_as=said)
    card = card.model_copy(update={"facts": facts, "decides": facts, "details": facts, "exact": said})

    found = [cards.message(card, "d1").blocks, cards.details(card)]

    shown = [node for node in nodes(found) if isinstance(node.get("text"), str)]
    assert [node for node in shown if node["type"] == "mrkdwn"] == []
    assert [node for node in shown if node["type"] == "plain_text" and node["emoji"]] == []
    assert {node.get("type") for node in nodes(found)} & {"emoji", "link", "user", "broadcast"} == set()
    assert [node["text"] for node in shown].count(subject.strip()) >= 3


@given(CARDS, FORMS, ACTS)
@settings(max_examples=examples(200), deadline=None)
def test_how_to_answer_is_never_left_out(card: Card, form: AnswerForm, act: CardAct) -> None:
    card = card.model_copy(update={"is_line": False, "form": form.model_copy(update={"acts": form.acts or (act,)})})
    assert card.form
    values = [node.get("value", "") for node in nodes(cards.message(card, "d1").blocks)]
    assert any(card.form.token in str(value).split(" ") for value in values)


@given(CARDS)
@settings(max_examples=examples(100), deadline=None)
def test_any_card_begins_a_thread_that_slack_takes(card: Card) -> None:
    found = cards.root(card)
    assert len(found.blocks) == 1
    assert 0 < len(found.text) <= 4_000
    assert not re.search(r"[<>]", found.text)
    assert message_mistakes(list(found.blocks)) == []


@given(CARDS)
@settings(max_examples=examples(100), deadline=None)
def test_a_line_is_one_small_line_whatever_it_says(card: Card) -> None:
    found = cards.message(card.model_copy(update={"is_line": True}), "d1")
    assert [block["type"] for block in found.blocks] == ["context"]
    plain = [node["text"] for node in nodes(found.blocks) if node.get("type") == "plain_text"]
    assert "\n" not in "".join(plain)
    assert 0 < len("".join(plain)) <= 300
    assert message_mistakes(list(found.blocks)) == []


@given(CARDS, CARDS)
@settings(max_examples=examples(100), deadline=None)
def test_a_revision_is_another_one_where_something_looks_different(one: Card, other: Card) -> None:
    assert (cards.revision(one) == cards.revision(other)) == (one == other)
    later = one.model_copy(update={"receipt": "s0r-x", "at": datetime(2026, 3, 4, tzinfo=UTC)})
    assert cards.revision(later) == cards.revision(one)


def told(block: Any) -> str:
    """A block in a line: its kind, what it says with whose styles, and what its buttons do."""
    said = [f"{node['text']}{'*' * (node.get('style') == {'bold': True})}" for node in nodes(block) if _is_text(node)]
    buttons = [{"action_id": "", **node} for node in nodes(block) if "value" in node]
    colours = [{"primary": "+", "danger": "-"}.get(str(node.get("style")), "") for node in buttons]
    does = [
        f"{node['action_id']}={node['value']}{colour}{'!' * ('confirm' in node)}"
        if "action_id" in node
        else node["value"]
        for node, colour in zip(buttons, colours, strict=True)
    ]
    parts = [node["type"].removeprefix("rich_text_") for node in nodes(block.get("elements")) if "elements" in node]
    return " | ".join([block["type"], *parts, *said, *does])


def _is_text(node: dict[str, Any]) -> bool:
    return isinstance(node.get("text"), str)


DATE = "<!date^1772546520^{date_short_pretty} at {time}|03 Mar 2026, 14:02 UTC>"
BUTTONS = "Approve | Deny | More… | Deny with reason…"
STOP_SAYS = "It is approved and has not started. Stopped, it never starts."
STOPS = AnswerForm(token="t1", format="approval", acts=stop(), until=AT)
OPEN = Card(
    title="Deploy?",
    at=AT,
    summary="Anna Ames asks.",
    facts=(Line(label="From", text="v1.0.0"), Line(label="Approvals", text="1 of 2: Bo at 14:02 UTC on 03 March 2026")),
    details=(Line(label="Digest", text="0" * 64),),
    form=AnswerForm(token="t1", format="approval", acts=vote(), until=AT),
)
DENIED = Card(
    title="Denied: Deploy <!channel> & v2",
    at=AT,
    quoted="not on a *Friday*, <@U0ANNA> <https://evil.example|click>",
    quoted_as="The reason that Cy Cole gave:",
    facts=(Line(label="<b>", text="<!here> & `x`"),),
)


@pytest.mark.parametrize(
    ("card", "blocks"),
    [
        (OPEN, [
            "header | Deploy?", "section | Anna Ames asks.",
            "rich_text | section | section | From: * | v1.0.0 | Approvals: * | 1 of 2: Bo ",
            f"context | Expires {DATE}",
            f"actions | {BUTTONS} | act:approve=t1+ | act:deny=t1- | details=t1 | =open:deny:reason t1",
        ]),
        (Card(title="Approved", at=AT, form=STOPS), [
            "header | Approved",
            f"actions | Stop | Stop this? | {STOP_SAYS} | Stop | Back | act:deny=t1-!",
        ]),
        (DENIED, [
            "header | Denied: Deploy <!channel> & v2", "context | The reason that Cy Cole gave:",
            "rich_text | quote | not on a *Friday*, <@U0ANNA> <https://evil.example|click>",
            "rich_text | section | <b>: * | <!here> & `x`",
        ]),
        (Card(title="Running: <!here>, since 14:02 UTC on 03 March 2026. Paused", at=AT, is_line=True),
         [f"context | Running: <!here>, since  | {DATE} | . Paused"]),
        (Card(title="Running: <tests>", summary="step 3 of 5", at=AT, is_line=True),
         ["context | Running: <tests> · step 3 of 5"]),
    ],
)  # fmt: skip
def test_a_card_has_these_blocks_in_this_order(card: Card, blocks: list[str]) -> None:
    assert [told(block) for block in _blocks(card)] == blocks
    assert [block["block_id"] for block in _blocks(card)] == [f"d1.{number}" for number in range(len(blocks))]
    dates = [node["timestamp"] for node in nodes(_blocks(card)) if node.get("type") == "date"]
    assert dates == [1772546520] * (card is OPEN)


def test_an_approve_button_is_there_only_where_it_counts() -> None:
    form = AnswerForm(token="s0d-x", format="approval", acts=acts("deny"), until=AT)
    denies = [each for each in _actions_of(Card(title="Deploy?", at=AT, form=form)) if each]
    assert denies == ["act:deny", "details", "open:deny:reason"]
    stopped = form.model_copy(update={"acts": stop()})
    assert [each for each in _actions_of(Card(title="Deploy?", at=AT, form=stopped)) if each] == ["act:deny"]


def test_a_risky_card_says_so_in_its_notification_and_makes_no_approval_easy() -> None:
    form = AnswerForm(token="s0d-x", format="approval", acts=vote(), until=AT)
    plain, risky = (Card(title="Deploy?", at=AT, form=form, risks=risks) for risks in ((), ("CI failed",)))

    assert cards.message(risky, "d1").text.startswith("⚠ Deploy?\nLook closely: CI failed")
    assert cards.message(plain, "d1").text.startswith("Deploy?")
    styles = [[node.get("style") for node in nodes(cards.message(one, "d1").blocks)] for one in (plain, risky)]
    assert ["primary" in found for found in styles] == [True, False]


def test_long_arguments_are_folded_and_complete_in_their_own_window() -> None:
    exact = "".join(f"line {number}\n" for number in range(2_000))
    form = AnswerForm(token="s0d-x", format="approval", acts=vote(), until=AT)
    card = Card(title="Deploy?", at=AT, exact=exact, form=form)
    assert "details" in [node.get("action_id") for node in nodes(cards.message(card, "d1").blocks)]
    shown = "".join(node["text"] for node in nodes(cards.details(card)) if node.get("type") == "text")
    assert shown == exact


@pytest.mark.parametrize("kind", FORMATS)
def test_whatever_has_no_room_on_a_card_is_behind_details(kind: Any) -> None:
    facts = [[(f"Fact {n}", length) for n in range(count)] for count, length in ((25, 1), (20, 590), (1, 601))]
    longer: list[dict[str, Any]] = [
        {"facts": tuple(Line(label=label, text="x" * length) for label, length in each)} for each in facts
    ]
    longer += [{"summary": "x" * 3_001}, {"quoted": "x" * 1_501}, {"said": "x" * 1_501}, {"exact": "deploy"}]
    longer += [{"details": (Line(label="Digest", text="c0ffee"),)}]
    options, fields = ("one", "two"), (Input(name="one"),)
    form = AnswerForm(token="s0d-x", format=kind, options=options, fields=fields, acts=vote(), until=AT)
    short = Card(title="Deploy?", at=AT, facts=(Line(label="Changes", text="few"),), form=form)

    assert ("details" in _actions_of(short)) == (kind == "approval"), "an approval has few lines, and always more"
    for changes in longer:
        assert "details" in _actions_of(short.model_copy(update=changes)), changes


def test_a_form_names_its_fields_above_its_button_and_a_question_what_an_answer_does() -> None:
    fields = (Input(name="day", label="First day"), Input(name="team", label="Team on call"))
    form = AnswerForm(token="s0d-x", format="form", fields=fields, until=AT)
    does = Line(label="If you answer", text="the agent goes on with your answer at once")

    blocks = cards.message(Card(title="When?", at=AT, form=form, on_yes=does), "d1").blocks

    assert [block["type"] for block in blocks[-2:]] == ["section", "actions"]
    assert _plain_texts(blocks[-2:-1]) == ["To fill in: First day · Team on call"]
    assert does.text in json.dumps(blocks)


def _actions_of(card: Card) -> list[Any]:
    return [_does(node) for node in nodes(cards.message(card, "d1").blocks)]


def _does(node: dict[str, Any]) -> str | None:
    """What is pressed by a button, or chosen in the menu behind three dots."""
    named = node.get("action_id", node.get("value", "")).partition(" ")[0]
    return None if named.startswith(cards.MENU) else named or None


@pytest.mark.parametrize(("form", "count"), [("choice", 2), ("choice", 7), ("choices", 3)])
def test_an_option_that_is_too_long_for_its_button_can_be_read_in_full(form: Any, count: int) -> None:
    long = "delete all that is older than a year, " * 5 + "and keep no copy"
    options = (*(f"option {number}" for number in range(1, count)), long)
    card = Card(title="Which?", at=AT, form=AnswerForm(token="s0d-x", format=form, options=options, until=AT))
    found = cards.message(card, "d1").blocks
    assert [text for text in _plain_texts(found) if text.endswith(f"{count}. {long}")]
    assert [text for text in _plain_texts(found) if text.startswith(f"{count}. delete") and text.endswith("…")]


def _plain_texts(blocks: Any) -> list[str]:
    return [node["text"] for node in nodes(blocks) if node.get("type") == "plain_text"]


def _blocks(card: Card) -> tuple[cards.Block, ...]:
    return cards.message(card, "d1").blocks


def nodes(found: Any) -> Iterator[dict[str, Any]]:
    """Every object in blocks, however deep."""
    if isinstance(found, dict):
        yield cast("dict[str, Any]", found)
        yield from nodes(list(cast("dict[str, Any]", found).values()))
    elif isinstance(found, list | tuple):
        for value in cast("list[Any]", found):
            yield from nodes(value)


def test_a_fact_leads_to_its_page_and_whoever_decides_can_ask_back() -> None:
    page = "https://sayso.example/requests/s0q-abc/changes"
    form = AnswerForm(token="a" * 47, format="approval", acts=acts("approve", "deny", "ask"), until=AT)
    facts = (Line(label="Files", text="2 files, +6 -4", link=page), Line(label="CI", text="passed"))

    found = cards.message(Card(title="Deploy?", at=AT, facts=facts, form=form), "d1").blocks

    links = [node for node in nodes(found) if node.get("type") == "link"]
    assert links == [{"type": "link", "url": page, "text": "See what changes in the files"}]
    pressed = [named for node in nodes(found) if (named := _does(node))]
    assert pressed == ["act:approve", "act:deny", "details", "open:deny:reason", "open:ask"]
    nobody = cards.message(Card(title="Deploy?", at=AT, form=form.model_copy(update={"acts": vote()})), "d1").blocks
    assert "open:ask" not in map(_does, nodes(nobody))


def test_an_approval_has_ten_lines_and_three_buttons_and_the_rest_of_it_is_behind_more() -> None:
    can = acts("approve", "deny", "edit", "ask", "break_glass", "hand_on", again=True)
    page = "https://sayso.example/requests/s0q-abc/changes"
    led = dict.fromkeys(range(9), "") | {8: page}
    card = Card(
        title="Deploy v1.2.0 to production, replacing v1.0.0?",
        at=AT,
        asked="You, as a member of the group release · 1 of 2 · asked at 14:02 UTC on 03 March 2026",
        summary="Anna Ames asks.",
        said="deploy v1.2.0 to production\nbefore the sale begins",
        said_as="What Anna Ames wrote:",
        facts=tuple(Line(label=f"Fact {at}", text="\n".join(["a line"] * at), link=led[at]) for at in range(1, 9)),
        decides=tuple(Line(label=f"Rule {at}", text="so it is") for at in range(5)),
        on_yes=Line(label="If you approve", text="it starts right away"),
        details=(Line(label="Digest", text="c0ffee"),),
        form=AnswerForm(token="t1", format="approval", acts=can, until=AT),
        link="https://sayso.example/requests/s0q-abc",
        mentions=("U0BO",),
    )

    found = cards.message(card, "d1").blocks
    above = found[: next(at for at, block in enumerate(found) if block["type"] == "actions")]
    pressed = [node["text"]["text"] for node in nodes(found) if node.get("type") == "button"]
    lines = [line for block in above for line in _lines_of(block)]

    assert pressed == ["Approve", "Deny", "More…"]
    assert len(lines) <= 10, lines
    assert lines[-2:] == ["If you approve: it starts right away", f"Expires {DATE}"]
    window = "\n".join(node["text"] for node in nodes(modals.details_page(card, {}, 1)) if _is_text(node))
    for line in (*card.facts, *card.decides):
        assert f"{line.label}: {line.text}" in window
    assert card.said.split("\n")[1] in window
    assert f"<{page}|See what changes in the files>" in json.dumps(found), "a page is one press away all the same"
    offered = [node["text"]["text"] for node in nodes(found) if str(node.get("value", "")).endswith(" t1")]
    assert sorted([*pressed[:2], *offered]) == sorted(label for act in can for label in (act.label, act.offer) if label)


def _lines_of(block: Any) -> list[str]:
    """What a block shows, as lines."""
    rows = [row for row in block["elements"] if "elements" in row] if block["type"] == "rich_text" else [block]
    shown = ("".join(node["text"] for node in nodes(row) if _is_text(node)) for row in rows)
    return [line for row in shown for line in row.split("\n")]


def test_of_many_risks_a_message_names_the_first_and_how_many_there_are() -> None:
    form = AnswerForm(token="t1", format="approval", acts=vote(), until=AT)
    card = Card(title="Deploy?", at=AT, risks=tuple(f"risk {at}" for at in range(9)), form=form)

    found, window = cards.message(card, "d1").blocks, modals.details_page(card, {}, 1)

    said = "\n".join(node["text"] for node in nodes(found) if _is_text(node))
    assert "risk 3\n9 warnings in all: press More…" in said
    assert "risk 4" not in said
    assert "risk 8" in "\n".join(node["text"] for node in nodes(window) if _is_text(node))
