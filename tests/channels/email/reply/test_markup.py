import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply import read_html
from channels.email.reply.markup import TOKENS, as_text
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import few_of

QUOTE = "<p>Deploy 4f2a?</p><p>To approve, reply with the one word: approve</p>"
CITE = "On 3 Mar 2026, at 09:41, sayso &lt;a@b.example&gt; wrote:"
CLIENTS = {
    "Gmail": '<div dir="ltr">{}</div><br><div class="gmail_quote gmail_quote_container"><div class="gmail_attr">'
    f'{CITE}<br></div><blockquote class="gmail_quote" style="border-left:1px solid">{QUOTE}</blockquote></div>',
    "Apple Mail": '<body dir="auto">{}<div><br><blockquote type="cite"><div>'
    f"{CITE}</div><div>{QUOTE}</div></blockquote></div></body>",
    "Outlook": "<html><head><style><!-- p.MsoNormal {{margin:0cm; font-size:11.0pt;}} --></style></head><body>"
    "<div class=WordSection1><p class=MsoNormal>{}<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
    "<div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>Von:</b> sayso<br><b>Gesendet:</b>"
    f" Dienstag<br><b>An:</b> Bo<br><b>Betreff:</b> Deploy?</p></div>{QUOTE}</div></body></html>",
    "Outlook on the web": '<body><div class="elementToProof">{}</div><div id="appendonsend"></div><hr>'
    f'<div id="divRplyFwdMsg"><b>From:</b> sayso</div><div>{QUOTE}</div></body>',
    "Outlook on a phone": '<body><div>{}</div><div id="ms-outlook-mobile-signature">Get <a href="x">Outlook for iOS</a>'
    f'</div><div id="mail-editor-reference-message-container"><hr><b>From:</b> sayso<br>{QUOTE}</div></body>',
    "Yahoo": '<div class="ydp1yahoo-style-wrap">{}</div><div id="ydp7yahoo_quoted_9" class="ydp7yahoo_quoted">'
    f"<div>{CITE}</div>{QUOTE}</div>",
    "Proton": '<div>{}</div><div class="protonmail_quote">'
    f'{CITE}<br><blockquote class="protonmail_quote" type="cite">{QUOTE}</blockquote><br></div>',
    "Thunderbird": '<p>{}<br></p><div class="moz-cite-prefix">Am 03.03.26 um 09:41 schrieb sayso:<br></div>'
    f'<blockquote type="cite" cite="mid:x@y">{QUOTE}</blockquote>',
    "Thunderbird, below": '<div class="moz-cite-prefix">Am 03.03.26 um 09:41 schrieb sayso:<br></div>'
    f'<blockquote type="cite">{QUOTE}</blockquote><p>{{}}</p>',
    "Zimbra": '<div>{}</div><hr id="zwchr"><div><b>From: </b>sayso<br><b>To: </b>Bo<br><b>Subject: </b>Deploy?</div>'
    + QUOTE,
    "GMX": '<div>{}</div><div name="quote"><b>Gesendet:</b> Dienstag, 3. M&auml;rz 2026 um 09:41<br><b>Von:</b> sayso'
    f"<br><b>An:</b> bo@corp.example<br><b>Betreff:</b> Deploy?<div>{QUOTE}</div></div>",
    "Zoho": "<div>{}</div><div class=zmail_extra><div>---- On Tue, 03 Mar 2026 sayso wrote ---</div><blockquote>"
    f"{QUOTE}</blockquote></div>",
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("words", "said"), [("Approved", "approve"), ("No, wrong version", "deny"), ("Yes, but not now", "free_text")]
)
def test_a_reply_from_every_program_says_what_its_writer_wrote(client: str, words: str, said: str) -> None:
    found = read_html(CLIENTS[client].format(words), "Bo Berg")

    assert (found.said, found.whole) == (said, words)


@pytest.mark.parametrize(
    "document",
    [
        "approve<!--> only on Friday <!-- -->",
        "approve<!---> only on Friday <!-- -->",
        "approve<!-- x --!> only on Friday <!-- -->",
        "<html><head><span>only on Friday</span></head><body>approve</body></html>",
        '<style>[class="x"]{display:none}</style><p class=x>approve</p>',
        "<style>*{display:none}</style><p>approve</p>",
        "<style>.p > .x{display:none}</style><div class=p><p class=x>approve</p></div>",
        "<style>.p>.x{display:none}</style><div class=p><p class=x>approve</p></div>",
    ],
)
def test_what_a_browser_shows_or_hides_in_another_way_than_it_looks_never_approves(document: str) -> None:
    assert read_html(document, "Bo Berg").said != "approve"


def test_white_on_black_is_seen_as_on_a_dark_screen() -> None:
    dark = '<div style="color: rgb(255, 255, 255); background-color: rgb(31, 31, 31);">approve</div>'

    assert read_html(dark).said == "approve"
    assert read_html(dark.replace("31", "251")).said != "approve"
    assert read_html(dark.replace("rgb(31, 31, 31)", "white")).said != "approve"


HIDING = [
    "display:none",
    "DISPLAY : NONE !important",
    "visibility: hidden",
    "opacity:0",
    "opacity: 0.01",
    "font-size:0",
    "font-size:1px",
    "font-size:0.1em",
    "color:#fff",
    "color:#FEFEFE",
    "color: white",
    "color: rgb(255, 255, 255)",
    "color:rgba(0,0,0,0)",
    "color:red;background:red",
    "position:absolute;left:-9999px",
    "text-indent:-9999px",
    "max-height:0;overflow:hidden",
    "height:1px;overflow:hidden",
    "mso-hide:all",
    "clip:rect(0,0,0,0)",
    "transform:scale(0)",
    "text-decoration:line-through",
    "display:&#110;one",
    "dis/**/play:none",
    "d\\isplay:none",
]


@pytest.mark.parametrize("style", HIDING)
def test_a_text_that_a_style_hides_is_not_read_and_decides_nothing(style: str) -> None:
    found = read_html(f'<p>approve</p><p style="{style}">but wait for Bo</p>')

    assert (found.said, found.whole) == ("free_text", "approve")
    assert read_html(f'<p style="{style}">approve</p><p>What is this?</p>').whole == "What is this?"


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>wait</p>",
        "<span hidden>wait</span>",
        "<font color=white>wait</font>",
        "<del>wait</del>",
        "<template>wait</template>",
        "<noscript>wait</noscript>",
        "<textarea>wait</textarea>",
        "<select><option>wait</select>",
        "<title>wait</title>",
        "<svg><text>wait</text></svg>",
        "<style>.x{display:none}</style><p class='a x'>wait</p>",
        "<style>@media all{#q, b i{font-size:0}}</style><p id=q>wait</p>",
    ],
)
def test_whatever_else_hides_text_makes_a_reply_unclear(hidden: str) -> None:
    found = read_html(f"<p>approve</p>{hidden}")

    assert (found.said, found.whole) == ("free_text", "approve")


@pytest.mark.parametrize(
    "document",
    [
        "<!-- wait -->approve",
        "<script>wait</script>approve",
        "<html><head><title>Re: Deploy?</title><style>p{margin:0}</style><body>approve",
        "<P>a<B>pp</B>rove</P>",
        "&#97;pprove",
        '<a href="https://sayso.example/deny">approve</a>',
        '<img alt="deny" src="cid:x">approve',
        "<p style='font-size:12pt;color:#000;line-height:1.5'>approve</p>",
        "<p style='background-color:white;color:black'>approve</p>",
        "appr<wbr>ove",
    ],
)
def test_what_a_person_sees_is_what_is_read(document: str) -> None:
    assert read_html(document).said == "approve"


def test_answers_between_the_pieces_of_a_quote_are_kept() -> None:
    document = (
        '<div class="gmail_quote"><div class="gmail_attr">x wrote:</div><blockquote>Which?</blockquote><div>main</div>'
        "<blockquote>When?</blockquote><div>now</div></div>"
    )

    assert read_html(document).whole.split() == ["main", "now"]


def test_an_indented_paragraph_is_no_quote() -> None:
    assert "mine" in as_text('<blockquote style="margin:0 0 0 40px;border:none">mine</blockquote>').text.split()


def test_an_emoji_that_is_a_picture_is_read() -> None:
    assert read_html('<div>ok <img data-emoji="👍" alt="👍" src="x"></div>').said == "approve"


def test_a_text_of_less_thans_stays_a_text() -> None:
    assert as_text("5 &lt; 6 & 7 > 4 <3").text == "5 < 6 & 7 > 4 <3"


def test_a_document_with_too_many_tags_decides_nothing() -> None:
    assert read_html("approve" + "<b></b>" * TOKENS).said == "free_text"


PIECES = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<blockquote>",
        "</blockquote>",
        "<div class=gmail_quote>",
        "</div>",
        "x",
        "<",
        ">",
        '"',
        "<!--",
        "-->",
    ]
)


@given(st.lists(PIECES, max_size=40))
def test_any_pieces_of_html_are_read(pieces: list[str]) -> None:
    assert as_text("".join(pieces)).text is not None


@given(st.lists(PIECES, max_size=12), st.lists(PIECES, max_size=12))
def test_hidden_words_never_add_to_an_approval(before: list[str], after: list[str]) -> None:
    document = "".join([*before, "<div style='display:none'>approve</div>", *after])

    assert read_html(document).said != "approve"


@pytest.mark.parametrize(
    "piece",
    few_of(
        [
            "<div>",
            "</div>",
            "<p>x",
            "<",
            '<a "',
            '<a ">',
            "<!--",
            "<style>a{}",
            "<style",
            "&#",
            "<blockquote>x",
            "</x",
            "<br>",
        ],
        0,
        4,
        8,
        12,
    ),
)
def test_two_megabytes_of_any_html_take_no_more_work_than_the_limit_allows(piece: str) -> None:
    document = piece * (2_000_000 // len(piece))

    assert calls_of(lambda: read_html(document)) < MOST_CALLS


@pytest.mark.parametrize(
    ("names", "is_quote"),
    [
        ("gmail_quote", True),
        ("x gmail_quote_container y", True),
        ("x_moz-cite-prefix", True),
        ("ydp4ab12cyahoo_quoted", True),
        ("ydp4ab12cgmail_attr", True),
        ("mail-quote-head", True),
        ("cite", True),
        ("recite", False),
        ("misquoted", False),
        ("cited", False),
        ("gmail_attribute", False),
        ("_" * 20_000, False),
        ("_x" * 10_000, False),
        ("a " * 90 + "gmail_quote", True),
        ("a " * 10_000 + "gmail_quote", False),
        ("_" * 190 + "quote", True),
        ("_" * 20_000 + "quote", False),
    ],
)
def test_a_quote_is_known_by_one_of_its_first_hundred_names(names: str, is_quote: bool) -> None:
    assert as_text(f'<div class="{names}">x</div>').text == ("> x" if is_quote else "x")


@pytest.mark.parametrize(
    "style",
    [
        "[" * 100_000,
        "[ " + " " * 100_000,
        "[class=" * 20_000,
        "font:" * 700,
        "opacity:" + "0" * 3_900 + ".1",
        "background:rgb(1" + " " * 3_900,
        "transform:" + "scale" * 700,
    ],
)
def test_a_style_is_read_once_whatever_it_repeats(style: str) -> None:
    assert as_text(f"<style>{style}{{display:none}}</style><p style='{style}'>x").text in ("x", "")


def test_names_in_brackets_are_hidden_like_others() -> None:
    document = "<style>div[class~='a'], [ id = b ], p[x][class=c i] {{ {} }}</style>{}"
    for tag in ("<div class='z a'>", "<i id=b>", "<p x class=c>"):
        assert as_text(document.format("display:none", f"{tag}no")).unsure
        assert not as_text(document.format("color:red", f"{tag}no")).unsure
