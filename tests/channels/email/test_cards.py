import html
import re
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels import Address, AnswerForm, Card, CardAct, Input, Line
from channels.email import mime
from channels.email.cards import Made, answers_of, as_text, attachments, filling, moment
from channels.email.format.body import read_body
from channels.email.page import as_html
from channels.email.reply import is_decision, markup, read_reply
from channels.email.reply.binding import squashed
from channels.showing import escape_invisible
from language import LANGUAGES, Language, say, speaking
from tests.channels.email.mails import BOT, NOON, TOKEN, approval
from tests.channels.inputs import inputs
from tests.kit.acts import acts, stop, vote
from tests.kit.long import few_of

Format = Literal["approval", "free_text", "yes_no", "choice", "choices", "form"]
UNTIL = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")
HERE, BERLIN = Made("UTC"), Made("Europe/Berlin")
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(["approve", "yes\nno", "deny", "<b>", "a\r\nb", "\u202e"]))
PAGE = "https://sayso.example/requests/s0q-1/changes"
LONG = st.sampled_from(("x", "&", '"', "ä", "\u202e", "\U0001f600", "a b\n", "\n", "' ")).flatmap(
    lambda piece: st.sampled_from((0, 1, 100, 4_000)).map(lambda count: piece * count)
)


def cards(texts: st.SearchStrategy[str], formats: tuple[str, ...], options: int) -> st.SearchStrategy[Card]:
    """Any cards with these words in them."""
    links, few = st.sampled_from(["", PAGE]), 3
    lines = st.lists(st.builds(Line, label=texts, text=texts, link=links, verbatim=st.booleans()), max_size=few)
    asked = st.builds(
        AnswerForm,
        token=st.just(TOKEN),
        format=st.sampled_from(formats),
        options=st.lists(texts, max_size=options).map(tuple),
        fields=st.lists(inputs(texts), max_size=few).map(tuple),
        acts=st.sampled_from([(), vote(), acts("approve", "deny", "edit", "ask"), stop()]),
        until=st.just(UNTIL),
    )
    words = dict.fromkeys(("title", "summary", "quoted", "quoted_as", "said", "said_as", "exact", "ref"), texts)
    facts = dict.fromkeys(("facts", "decides", "details"), lines.map(tuple))
    return st.builds(Card, at=st.just(NOON), form=st.none() | asked, **words, **facts)


CARDS = cards(TEXTS, ("approval", "free_text", "yes_no", "choice", "choices", "form"), 3)


def form(
    kind: Format,
    *,
    options: tuple[str, ...] = (),
    fields: tuple[str | Input, ...] = (),
    acts: tuple[CardAct, ...] | None = None,
) -> AnswerForm:
    asked = tuple(Input(name=each) if isinstance(each, str) else each for each in fields)
    can = vote() if acts is None else acts
    return AnswerForm(token=TOKEN, format=kind, options=options, fields=asked, acts=can, until=UNTIL)


def shown(card: Card, made: Made = HERE) -> list[str]:
    """The lines of the HTML as a reader sees them."""
    seen = markup.as_text(as_html(card, made))
    assert seen.unsure == "", "our own mail hides nothing"
    return [line.strip() for line in seen.text.split("\n")]


def made_of(card: Card) -> Made:
    """What a mail of `card` has, as `mime` makes it."""
    codes = tuple(f"I answer {i}" for i in range(len(answers_of(card.form)) if card.form else 0))
    to, subject = f"agent+{TOKEN}@sayso.example", "Deploy? [K7QP2X]"
    return Made("UTC", "", "K7QP2X", subject, to, "I approve", "I deny", codes, filling(card, "CODE"))


def test_the_first_line_says_who_asks_and_until_when_and_the_next_what_it_is_about() -> None:
    lines = as_text(approval(), BERLIN).split("\n")

    assert lines[:3] == [
        "Please answer by Tue 3 Mar 2026, 17:00 CET. Anna asked for it.",
        "",
        "Deploy 4f2a to production?",
    ]


def test_the_first_line_says_what_happens_if_nobody_answers_and_no_other_does() -> None:
    otherwise = Line(label="If nobody answers by then", text="nothing happens", kind="unanswered")

    text = as_text(approval(decides=(otherwise,)), BERLIN)

    begins = "Please answer by Tue 3 Mar 2026, 17:00 CET; if nobody does, nothing happens. Anna asked for it.\n"
    assert text.startswith(begins)
    assert text.count("nothing happens") == 1


def test_it_is_read_in_the_order_in_which_somebody_decides() -> None:
    card = approval(
        said="it is urgent",
        said_as="What Anna wrote:",
        facts=(Line(label="From", text="v1.0.0"),),
        decides=(Line(label="Who decides", text="Bo"),),
        on_yes=Line(label="If you approve", text="it starts right away"),
        asked="You, as a member of the group release",
        risks=("CI failed",),
        details=(Line(label="Digest", text="d" * 64),),
        link="https://sayso.example/requests/s0q-1",
    )

    text = as_text(card, made_of(card), labels=True)

    parts = (
        "Deploy 4f2a to production?",
        "You, as a member of the group release",
        "⚠ CI failed",
        "If you approve: it starts right away",
        "Approve by email\nDeny by email",
        "To approve, reply with the one word: approve\nTo deny, reply: deny (you can add a reason)",
        "Open the request\nhttps://sayso.example/requests/s0q-1",
        "From: v1.0.0",
        "What Anna wrote:\n\n| it is urgent",
        "Unverified text:\n\n| It fixes the log-in.",
        "Who decides: Bo\nExpires Tue 3 Mar 2026, 16:00 UTC, 4 h after this mail.",
        'Details\n\nExactly this:\n\n| deploy(commit="4f2a")',
        f"Digest: {'d' * 64}",
        "Reference: R-12\n",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_risky_card_begins_with_a_box_and_its_approval_looks_no_larger_than_its_denial() -> None:
    plain, risky = approval(), approval(risks=("CI failed",))
    text, page = as_text(risky, made_of(risky)), as_html(risky, made_of(risky))

    assert "Look closely:\n⚠ CI failed\n" in text
    assert "border:2px solid" in page
    full = 'bgcolor="#17603a"'
    assert (full in as_html(plain, made_of(plain)), full in page) == (True, False)
    assert "⚠" not in as_text(plain, made_of(plain)) + as_html(plain, made_of(plain))


def test_a_fact_leads_to_its_page_once_and_below_how_to_decide_it_says_how_to_ask() -> None:
    facts = tuple(Line(label=label, text="2", link=PAGE) for label in ("Files", "Migrations"))
    card = approval(facts=facts, form=form("approval", acts=acts("approve", "deny", "ask")))

    text, page = as_text(card, made_of(card)), as_html(card, made_of(card))

    assert f"Files: 2\nMigrations: 2\n\nSee what changes in the files\n{PAGE}\n\n" in text
    assert page.count(f'<a href="{PAGE}"') == 1
    assert "(you can add a reason)\nTo ask something first, reply with your question: it decides nothing" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_that_a_mail_asks_for_are_read_as_what_it_says(language: Language) -> None:
    with speaking(language):
        approve = say("mail.how-to-approve").rpartition(": ")[2]
        deny = say("mail.how-to-deny").rpartition(": ")[2].partition(" (")[0]
        buttons = (say("mail.i-approve", title="x"), say("mail.i-deny", title="too early"))
        fills = say("mail.i-fill-in", title="x")
        yes, no = say("mail.yes"), say("mail.no")

    assert [read_reply(word).said for word in (approve, yes)] == ["approve", "approve"]
    assert [read_reply(word).said for word in (deny, no)] == ["deny", "deny"]
    assert [read_reply(each).said for each in (*buttons, fills)] == ["free_text", "deny", "free_text"]
    assert read_reply(f"{deny}, too early").reason == "too early"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["approval", "yes_no", "choice", "choices", "form", "free_text"])
def test_no_sentence_of_ours_needs_a_mark(language: Language, kind: Format) -> None:
    with speaking(language):
        forms = (form(kind), form(kind, acts=acts("deny")), form(kind, acts=stop()))
        texts = [as_text(card, made_of(card), labels=True) for card in (approval(form=each) for each in forms)]

    assert [line for text in texts for line in text.split("\n") if line.startswith("| ")] == [
        "| It fixes the log-in.",
        '| deploy(commit="4f2a")',
    ] * 3


@pytest.mark.parametrize(
    ("answer", "words", "labels"),
    [
        (form("approval", acts=acts("deny")), "than one in a mail.\n\nTo deny, reply: deny", ["Deny by email"]),
        (form("approval", acts=stop()), "", ["Deny by email"]),
        (form("yes_no"), "reply with one word: yes or no", ["Answer by email: yes", "Answer by email: no"]),
        (form("choice", options=("a", "b")), "1. a\n2. b", ["Answer by email: a", "Answer by email: b"]),
        (form("choice", options=tuple(map(str, range(20)))), "20. 19", []),
        (form("choices", options=("a", "b")), "with commas between them", []),
        (form("form", fields=("version", "when")), "version: …\nwhen: …", ["Fill in by email"]),
        (form("free_text"), "in your own words", []),
    ],
)
def test_each_form_says_how_it_is_answered_and_has_a_button_for_what_one_answer_is_enough_for(
    answer: AnswerForm, words: str, labels: list[str]
) -> None:
    card = approval(form=answer)

    assert words in as_text(card, HERE)
    assert re.findall(r">([^<>]*)</a>", as_html(card, made_of(card))) == labels
    below = re.search(r"\b(Each|The) button", as_text(card, made_of(card), labels=True))
    assert (below and below[1]) == {0: None, 1: "The"}.get(len(labels), "Each")


def test_a_fact_of_several_lines_keeps_them_apart_and_a_closing_card_is_short() -> None:
    card = Card(title="Deploy?", at=NOON, facts=(Line(label="Changes", text="one\n\ntwo"), Line(label="To", text="b1")))

    assert "Changes:\n- one\n- two\nTo: b1" in as_text(card, HERE)
    assert as_text(Card(title="Nothing to do", at=NOON, closes=True), HERE) == "Nothing to do\n"
    assert attachments(approval(), HERE) == (), "a card that fits comes without a file"


@pytest.mark.parametrize("language", LANGUAGES)
@given(card=CARDS)
def test_no_line_of_our_own_mail_would_come_back_as_a_decision(language: Language, card: Card) -> None:
    with speaking(language):
        lines = (*as_text(card, HERE).split("\n"), *shown(card))

    for line in lines:
        assert read_reply(line).said not in ("approve", "deny")


@pytest.mark.parametrize("language", LANGUAGES)
@given(card=CARDS)
def test_text_and_html_say_the_same(language: Language, card: Card) -> None:
    with speaking(language):
        made = made_of(card)
        text, html_text = as_text(card, made, labels=True), "\n".join(shown(card, made))

    assert squashed(text) == squashed(html_text)
    assert [line for line in html_text.split("\n") if is_decision(line)] == []


def test_everything_from_a_card_is_escaped_in_html() -> None:
    evil = '<img src="http://evil.example/x"><a href="x">approve</a>&amp;'
    fact = Line(label="To", text=evil)
    words = {"title": evil, "summary": evil, "exact": evil, "quoted": evil, "said": evil, "said_as": evil, "ref": evil}
    card = approval(**words, facts=(fact,), decides=(fact,), details=(fact,))

    assert "<img" not in as_html(card, HERE)
    assert "<a " not in as_html(card, HERE)
    assert as_html(card, HERE).count(html.escape(evil)) == 10


def test_an_unknown_time_zone_is_shown_as_utc() -> None:
    assert moment(NOON, "America/New_York") == "Tue 3 Mar 2026, 07:00 EST"
    for zone in ("Nowhere/Land", "../etc/passwd"):
        assert moment(NOON, zone) == "Tue 3 Mar 2026, 12:00 UTC"


def test_how_long_it_can_be_answered_is_said_as_people_say_it() -> None:
    spans: dict[int, str] = {0: "0 min", 25: "25 min", 60: "1 h", 220: "3 h 40 min", 47 * 60: "47 h", 48 * 60: "2 days"}
    for minutes, span in spans.items():
        assert f" UTC, {span} " in as_text(approval(at=UNTIL - timedelta(minutes=minutes)), HERE)
    with speaking("de"):
        assert " UTC, 3 Std. 40 Min. " in as_text(approval(at=UNTIL - timedelta(minutes=220)), HERE)


def test_the_html_breaks_no_line_within_the_time_that_is_left_and_the_text_has_plain_spaces() -> None:
    card = approval(at=UNTIL - timedelta(minutes=220))

    assert "16:00\u00a0UTC, 3\u00a0h\u00a040\u00a0min after" in as_html(card, HERE)
    assert "16:00 UTC, 3 h 40 min after" in as_text(card, HERE)


def test_every_button_is_at_least_44_px_high_for_each_program() -> None:
    card = approval(link="https://sayso.example/requests/s0q-1")

    page = as_html(card, made_of(card))

    links = re.findall(r"<td(?: height=\"(\d+)\")?[^>]*><a [^>]*style=\"([^\"]*)\"", page)
    assert len(links) == page.count("<a ")
    assert [cell_px for cell_px, _ in links] == ["48", "48", ""], "what opens the page is no button"
    for cell_px, style in links:
        height = re.search(r"line-height:(\d+)px", style)
        padding = re.search(r"padding:(\d+)px", style)
        assert height is not None
        assert padding is not None
        assert int(cell_px or 44) >= 44
        assert int(height[1]) + 2 * int(padding[1]) >= 44


def test_a_list_is_folded_to_three_lines_with_its_total_and_stands_whole_below() -> None:
    changes = Line(label="Changes", text="\n".join(f"commit {i}" for i in range(25)))
    row = Line(label="Migrations", text=", ".join(f"{i}.sql" for i in range(100, 130)))

    above, _, below = as_text(approval(facts=(changes, row)), HERE).partition("\nDetails\n")

    assert "Changes:\n- commit 0\n- commit 1\n- commit 2\n- 22 more: below under Details\n" in above
    assert "Migrations:\n- 100.sql, 101.sql," in above
    assert "…\n- All of it stands below.\n" in above
    assert "commit 3" not in above
    assert "129.sql" not in above
    assert all(f"- commit {i}\n" in below for i in range(25))
    assert "129.sql" in below


def test_a_list_of_one_line_stands_in_the_mail_and_a_longer_one_is_attached_once() -> None:
    one = Line(label="CI", text="failed", lines=1, whole="lint: failed after 3 min\n")
    many = Line(label="Changes", text="a\nb\nc\nd\n… and 56 more", lines=60, whole="a\nb\nc\nd\ne\n")
    card = approval(facts=(one, many))

    text = as_text(card, HERE)

    assert "CI:\n- failed\n- lint: failed after 3 min\n" in text
    assert text.count("- a\n- b\n- c\n- Complete list (60): attached as changes.txt\n") == text.count("- a\n") == 1
    assert attachments(card, HERE) == (("changes.txt", many.whole),)


def test_of_many_risks_the_first_stand_above_the_buttons_each_short_and_all_of_them_below() -> None:
    card = approval(risks=(*(f"risk {i}" for i in range(9)), "DROP TABLE " + "x" * 200))

    above, _, below = as_text(card, made_of(card)).partition("To approve")

    assert "⚠ risk 2\n⚠ risk 3\n6 more warnings: below under Details\n" in above
    assert "risk 4" not in above
    assert all(f"⚠ {risk}\n" in below for risk in card.risks)


def test_a_question_begins_above_its_buttons_and_what_has_no_room_there_goes_on_below() -> None:
    short, long = "Which one?", "\n".join(f"line {i}" for i in range(20))
    words = " ".join(f"word{i}" for i in range(99))

    once, split, longest = (as_text(approval(quoted=one, form=form("yes_no")), HERE) for one in (short, long, words))

    assert once.index(f"| {short}") < once.index("To answer")
    assert once.count(short) == 1
    assert split.index("| line 4…\n\nThe rest stands below.") < split.index("To answer") < split.index("| …line 5")
    assert [split.count(f"line {i}\n") for i in range(5, 20)] == [1] * 15
    assert [longest.count(f"word{i} ") + longest.count(f"word{i}…") for i in range(10, 98)] == [1] * 88


def test_news_say_what_is_so_first_and_show_what_a_program_printed_as_it_printed_it() -> None:
    printed = "step 1\n  yes\nerror: disk full"
    card = Card(
        title="Failed: deploy", at=NOON, summary="It ended with exit code 1.", quoted=printed, quoted_as="Last:"
    )

    assert as_text(card, HERE) == (
        "Failed: deploy\n\nIt ended with exit code 1.\n\nLast:\n\n| step 1\n|   yes\n| error: disk full\n"
    )
    assert re.search(r"<pre [^>]*monospace[^>]*>\| step 1\n\|   yes\n", as_html(card, HERE))


@pytest.mark.long
@given(card=cards(LONG, ("approval", "choice", "choices", "form"), 8), language=st.sampled_from(LANGUAGES))
@settings(max_examples=40)
def test_however_much_a_card_says_its_html_stays_small_and_says_where_all_of_it_is(
    card: Card, language: Language
) -> None:
    with speaking(language):
        body = read_body(mime.compose(card, TO, "d1", own=BOT, timezone="UTC").raw)
        files, cut = dict(attachments(card, Made())), say("mail.cut", file="card.txt")

    assert len((body.html or "").encode()) < 40_000
    assert (cut in (body.plain or "")) == ("card.txt" in files)
    for text in (card.exact, card.said, card.quoted) if "card.txt" in files else ():
        assert stands_in(files["card.txt"], escape_invisible(text))


def stands_in(file: str, text: str) -> bool:
    """Whether all of `text` does, marked: in one piece, or the beginning of a question, and the rest of it below."""
    marked = "\n".join(f"| {line}" for line in text.split("\n"))
    if not text or marked in file:
        return True
    told, asked = (re.sub(r"[|…\s]", "", one) for one in (file, text))
    return any(asked[:at] in told and asked[at:] in told for at in range(400))


@pytest.mark.parametrize("piece", few_of(["x", "'", "\u202e", "\U0001f600", "'\n", "a\n"], 4))
@pytest.mark.parametrize("kind", few_of(["approval", "choice", "form"], 0))
def test_a_card_that_is_too_long_everywhere_makes_a_small_page_all_the_same(piece: str, kind: Format) -> None:
    much = piece * 4_000
    lines = (Line(label=much, text=much, lines=99, link=PAGE),) * 2
    answer = form(kind, options=tuple(piece * 90 + str(i) for i in range(8)), fields=(much,))
    words = {"title": much, "summary": much, "said": much, "said_as": much, "quoted": much, "exact": much, "ref": much}
    card = approval(**words, facts=lines, decides=lines, details=lines, link="https://sayso.example/", form=answer)

    page = read_body(mime.compose(card, TO, "d1", own=BOT, timezone="UTC").raw).html or ""

    assert 10_000 < len(page.encode()) < 40_000


@given(CARDS)
def test_nothing_of_a_mail_is_loaded_from_elsewhere_and_nothing_of_it_is_hidden(card: Card) -> None:
    made = made_of(card)
    page = as_html(card.model_copy(update={"link": "https://sayso.example/requests/s0q-1"}), made).lower()
    tags = "".join(re.findall(r"<[^>]*>", page))

    assert not re.search(r"\bsrc\s*=|url\(|@import|<link|<style|<script|<img|background\s*=|<form|<input", tags)
    assert not re.search(r"display:none|visibility|font-size:[0-3]p|opacity|max-height", tags)
    assert set(re.findall(r'href="([^:"]*):', tags)) <= {"mailto", "https"}
