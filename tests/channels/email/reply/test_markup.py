import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply import read_html
from channels.email.reply.markup import TOKENS, as_text
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import few_of
from tests.kit.rows import rows

QUOTE = "<p>Deploy 4f2a?</p><p>To approve, reply with the one word: approve</p>"
CITE = "On 3 Mar 2026, at 09:41, sayso &lt;a@b.example&gt; wrote:"
PAGES = rows("markup.toml", beside=__file__)
COMMENT = ("<!--", "-->")
PIECES = st.sampled_from(
    ["<p>", "</p>", "<blockquote>", "</blockquote>", "<div class=gmail_quote>", "</div>", "x", "<", ">", '"', *COMMENT]
)


@pytest.mark.parametrize("client", PAGES["clients"])
def test_a_reply_from_every_program_says_what_its_writer_wrote(client: str) -> None:
    page = PAGES["clients"][client].replace("@QUOTE@", QUOTE).replace("@CITE@", CITE)

    for words, said in (("Approved", "approve"), ("No, wrong version", "deny"), ("Yes, but not now", "free_text")):
        found = read_html(page.replace("@ANSWER@", words), "Bo Berg")
        assert (found.said, found.whole) == (said, words)


def test_what_a_person_sees_is_what_is_read() -> None:
    assert [page for page in PAGES["shows"] if read_html(page).said != "approve"] == []
    assert read_html('<div>ok <img data-emoji="👍" alt="👍" src="x"></div>').said == "approve"
    assert as_text("5 &lt; 6 & 7 > 4 <3").text == "5 < 6 & 7 > 4 <3"
    assert "mine" in as_text('<blockquote style="margin:0 0 0 40px;border:none">mine</blockquote>').text.split()


def test_what_a_browser_shows_or_hides_in_another_way_than_it_looks_never_approves() -> None:
    assert [page for page in PAGES["shows_else"] if read_html(page, "Bo Berg").said == "approve"] == []


@pytest.mark.parametrize("style", PAGES["styles"])
def test_a_text_that_a_style_hides_is_not_read_and_decides_nothing(style: str) -> None:
    found = read_html(f'<p>approve</p><p style="{style}">but wait for Bo</p>')

    assert (found.said, found.whole) == ("free_text", "approve")
    assert read_html(f'<p style="{style}">approve</p><p>What is this?</p>').whole == "What is this?"


def test_whatever_else_hides_text_makes_a_reply_unclear() -> None:
    for hidden in PAGES["hidden"]:
        found = read_html(f"<p>approve</p>{hidden}")
        assert (found.said, found.whole) == ("free_text", "approve"), hidden


def test_the_lines_of_a_list_are_seen_that_outlook_indents_in_points() -> None:
    page = '<p style="text-indent:-18.0pt;mso-list:l0 level1 lfo1">approve</p>'

    for by_word in ("18.0", "17.85", "14.2", "35.4"):
        assert read_html(page.replace("18.0", by_word)).said == "approve"
    assert read_html(page.replace("18.0", "118.0")).said != "approve"


def test_white_on_black_is_seen_as_on_a_dark_screen() -> None:
    dark = '<div style="color: rgb(255, 255, 255); background-color: rgb(31, 31, 31);">approve</div>'

    assert read_html(dark).said == "approve"
    assert read_html(dark.replace("31", "251")).said != "approve"
    assert read_html(dark.replace("rgb(31, 31, 31)", "white")).said != "approve"


def test_answers_between_the_pieces_of_a_quote_are_kept() -> None:
    document = (
        '<div class="gmail_quote"><div class="gmail_attr">x wrote:</div><blockquote>Which?</blockquote><div>main</div>'
        "<blockquote>When?</blockquote><div>now</div></div>"
    )

    assert read_html(document).whole.split() == ["main", "now"]


def test_a_document_with_too_many_tags_decides_nothing() -> None:
    assert read_html("approve" + "<b></b>" * TOKENS).said == "free_text"


@given(st.lists(PIECES, max_size=40))
def test_any_pieces_of_html_are_read(pieces: list[str]) -> None:
    assert as_text("".join(pieces)).text is not None


@given(st.lists(PIECES, max_size=12), st.lists(PIECES, max_size=12))
def test_hidden_words_never_add_to_an_approval(before: list[str], after: list[str]) -> None:
    document = "".join([*before, "<div style='display:none'>approve</div>", *after])

    assert read_html(document).said != "approve"


def test_names_in_brackets_are_hidden_like_others() -> None:
    document = "<style>div[class~='a'], [ id = b ], p[x][class=c i] {{ {} }}</style>{}"
    for tag in ("<div class='z a'>", "<i id=b>", "<p x class=c>"):
        assert as_text(document.format("display:none", f"{tag}no")).unsure
        assert not as_text(document.format("color:red", f"{tag}no")).unsure


@pytest.mark.parametrize(
    "piece",
    few_of(["<div>", "<p>x", "<", '<a "', '<a ">', "<!--", "<style>a{}", "&#", "<blockquote>x", "</x", "<br>"], 0),
)
def test_two_megabytes_of_any_html_take_no_more_work_than_the_limit_allows(piece: str) -> None:
    document = piece * (2_000_000 // len(piece))

    assert calls_of(lambda: read_html(document)) < MOST_CALLS


def test_a_quote_is_known_by_one_of_its_first_hundred_names() -> None:
    quotes = ["gmail_quote", "x gmail_quote_container y", "x_moz-cite-prefix", "mail-quote-head", "cite"]
    quotes += ["ydp4ab12cyahoo_quoted", "ydp4ab12cgmail_attr", "a " * 90 + "gmail_quote", "_" * 190 + "quote"]
    others = ["recite", "misquoted", "cited", "gmail_attribute", "_" * 20_000, "a " * 10_000 + "gmail_quote"]
    others += ["_x" * 10_000, "_" * 20_000 + "quote"]

    assert {as_text(f'<div class="{names}">x</div>').text for names in quotes} == {"> x"}
    assert {as_text(f'<div class="{names}">x</div>').text for names in others} == {"x"}


def test_a_style_is_read_once_whatever_it_repeats() -> None:
    brackets, numbers = ("[" * 100_000, "[ " + " " * 100_000, "[class=" * 20_000), ("opacity:" + "0" * 3_900 + ".1",)

    for style in (*brackets, *numbers, "font:" * 700, "background:rgb(1" + " " * 3_900, "transform:" + "scale" * 700):
        assert as_text(f"<style>{style}{{display:none}}</style><p style='{style}'>x").text in ("x", "")
