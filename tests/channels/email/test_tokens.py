"""The two ways a reply token travels: what a mail of ours carries, and what is read from whatever answers it."""

import pytest

from channels import Address, Reply, Trigger
from channels.email import mime, tokens
from channels.email.cards import Made
from channels.email.format.body import read_text
from channels.email.format.headers import Unreadable, read_headers
from channels.email.page import as_html
from channels.email.reading.reader import Reader
from channels.email.reply import read_reply
from channels.email.ways import Way
from language import LANGUAGES, Language, speaking
from tests.channels.email.mails import ANNA, BO, BOT, TOKEN, People, approval
from tests.channels.email.provers import TAKEN_FOR_PROVEN
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import few_of

TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")
WAYS: tuple[Way, ...] = ("plus", "reference")
OTHER = "s0d-zzzzzzzzzzzzz-aa2222222222"


def card(way: Way, language: Language = "en") -> mime.Post:
    with speaking(language):
        return mime.compose(approval(), TO, "d1", own=BOT, timezone="UTC", way=way)


def received(*fields: str, body: str = "approve") -> bytes:
    """A mail as a server of one's own stores it."""
    given = {field.partition(":")[0].lower() for field in fields}
    usual = ("From: Bo Berg <bo@corp.example>", f"To: {BOT}", "Message-ID: <r1@corp.example>")
    lines = [*fields, *(line for line in usual if line.partition(":")[0].lower() not in given)]
    return "\r\n".join((*lines, "", body.replace("\n", "\r\n"), "")).encode()


def quoted(post: mime.Post, mark: str = "> ") -> str:
    return "approve\n\nOn 3 Mar 2026, at 13:00, agent@sayso.example wrote:\n\n" + "\n".join(
        mark + line for line in read_text(post.raw).split("\n")
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_card_says_where_its_answer_goes_and_only_a_reference_shows_its_token(way: Way) -> None:
    post = card(way)

    assert post == card(way)
    address = f"agent+{TOKEN}@sayso.example" if way == "plus" else BOT
    assert read_headers(post.raw).one("reply-to") == f"sayso <{address}>"
    assert (f"Answer code: {TOKEN}" in read_text(post.raw)) == (way == "reference")
    assert TOKEN not in post.message_id


LOST = ("In-Reply-To: <AM0PR0@outlook.example>",)


@pytest.mark.parametrize(
    ("way", "fields", "body"),
    [
        ("plus", (f"To: sayso <agent+{TOKEN}@sayso.example>",), "approve"),
        ("plus", (f"To: AGENT+{TOKEN.upper()}@Sayso.Example",), "approve"),
        ("plus", (f"To: cy@corp.example,\r\n agent+{TOKEN}@sayso.example", f"Cc: {BOT}"), "approve"),
        ("reference", (f"In-Reply-To: {card('reference').message_id.upper()}",), quoted(card("reference"))),
        ("reference", LOST, quoted(card("reference"))),
        ("reference", LOST, quoted(card("reference"), mark="")),
        ("reference", LOST, quoted(card("reference"), mark="> > ")),
        ("reference", LOST, quoted(card("reference", "de"))),
        ("reference", LOST, quoted(card("reference", "de"), mark="")),
    ],
)
def test_the_token_comes_back(way: Way, fields: tuple[str, ...], body: str) -> None:
    raw = received(*fields, body=body)

    assert tokens.returning(way)(raw, BOT) == TOKEN


@pytest.mark.parametrize(
    ("way", "fields", "body"),
    [
        ("plus", (), "approve"),
        ("plus", (f"Delivered-To: agent+{TOKEN}@sayso.example", "To: undisclosed recipients:;"), "approve"),
        ("plus", (f"X-Original-To: agent+{TOKEN}@sayso.example", f"Delivered-To: {BOT}"), "approve"),
        ("plus", (f"Envelope-To: agent+{TOKEN}@sayso.example",), "approve"),
        ("plus", (f'To: "agent+{TOKEN}@sayso.example" <x@corp.example>',), "approve"),
        ("reference", (f"In-Reply-To: {card('reference').message_id}",), "approve"),
        ("plus", (f"To: {TOKEN}@sayso.example",), "approve"),
        ("plus", (f"To: agent+{TOKEN}@sayso.example.evil.example",), "approve"),
        ("plus", (f"To: xagent+{TOKEN}@sayso.example",), "approve"),
        ("plus", (f"Subject: agent+{TOKEN}@sayso.example",), f"agent+{TOKEN}@sayso.example"),
        ("reference", (f"To: agent+{TOKEN}@sayso.example",), "approve"),
        ("reference", (f"In-Reply-To: <card.{TOKEN}.0f@sayso.example>",), "approve"),
        ("reference", (f"In-Reply-To: {card('reference').message_id.replace('sayso', 'evil')}",), "approve"),
        ("reference", (), f"my Answer code: {TOKEN}"),
        ("reference", (), f"mein Antwortcode: {TOKEN}"),
    ],
)
def test_a_mail_without_a_token_of_its_way_has_none(way: Way, fields: tuple[str, ...], body: str) -> None:
    assert tokens.returning(way)(received(*fields, body=body), BOT) is None


HTML_REPLY = """<div>Approved</div><div class="gmail_quote">On 3 Mar 2026, agent@sayso.example wrote:
<blockquote>{}</blockquote></div>"""
OUTLOOK_REPLY = """<p>Approved</p><hr><p><b>From:</b> agent@sayso.example<br><b>Sent:</b> Tuesday<br>
<b>To:</b> Bo Berg<br><b>Subject:</b> Deploy 4f2a to production?</p>{}"""


def shown(language: Language = "en") -> str:
    """Return what the card shows in HTML, as a reply quotes it."""
    with speaking(language):
        page = as_html(approval(), Made(code=TOKEN))
    return page[page.index("<body") : page.index("</body>")]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", [HTML_REPLY, OUTLOOK_REPLY, "<p>Approved</p>{}"])
def test_a_reply_of_html_alone_brings_the_token_back_in_what_it_quotes(page: str, language: Language) -> None:
    fields = ("In-Reply-To: <AM0PR0@outlook.example>", "Content-Type: text/html; charset=utf-8")

    assert tokens.returning("reference")(received(*fields, body=page.format(shown(language))), BOT) == TOKEN


def test_an_answer_in_html_alone_whose_thread_was_lost_counts_for_its_question() -> None:
    fields = (*LOST, "Content-Type: text/html; charset=utf-8")
    raw = received(*fields, body=HTML_REPLY.format(shown()))

    reading = reader("reference").read(raw, len(raw))

    assert isinstance(reading, Reply)
    assert (reading.token, reading.said) == (TOKEN, "approve")
    hidden = f'<p>Approved</p><p style="display:none">Answer code: {TOKEN}</p>'
    assert tokens.returning("reference")(received("Content-Type: text/html", body=hidden), BOT) is None


def test_plain_text_and_html_that_quote_different_codes_are_held() -> None:
    parts = f"--b\nContent-Type: text/plain\n\nyes\n> Answer code: {TOKEN}\n--b\nContent-Type: text/html\n\n"
    raw = received(
        "Content-Type: multipart/alternative; boundary=b",
        body=f"{parts}yes<blockquote>Answer code: {OTHER}</blockquote>\n--b--",
    )

    with pytest.raises(Unreadable, match="several questions"):
        tokens.returning("reference")(raw, BOT)


@pytest.mark.parametrize(
    "piece", few_of(["<div>", "<p>Answer code: ", "<", "<!--", "Answer code:\n", "> ", "&gt; "], 1)
)
def test_looking_for_a_code_takes_no_longer_than_the_html_is_read(piece: str) -> None:
    raw = received("Content-Type: text/html", body=piece * (1_900_000 // len(piece)))

    assert calls_of(lambda: tokens.returning("reference")(raw, BOT)) < MOST_CALLS


@pytest.mark.parametrize("way", WAYS)
def test_a_reply_in_each_way_is_that_persons_answer_and_a_new_mail_wants_something_new(
    way: Way,
) -> None:
    post, is_likely = card(way), tokens.hint(way, BOT)
    fields = (f"To: {read_headers(post.raw).one('reply-to')}", f"In-Reply-To: {post.message_id}")
    raw, new = received(*fields, body=quoted(post)), received("Subject: please", body="deploy it")

    reading = reader(way).read(raw, len(raw))

    assert isinstance(reading, Reply)
    assert (reading.person, reading.token, reading.said) == ("bo", TOKEN, "approve")
    assert isinstance(reader(way).read(new, len(new)), Trigger)
    assert is_likely(raw)
    assert not is_likely(received(body=raw.decode()))


def test_the_quoted_code_is_no_part_of_what_the_person_said() -> None:
    said = read_reply(quoted(card("reference"), mark=""), "Bo Berg")

    assert (said.said, TOKEN in said.text) == ("approve", False)


def reader(way: Way) -> Reader:
    return Reader(BOT, People(ANNA, BO), lambda _raw, _author: TAKEN_FOR_PROVEN, tokens.returning(way))


SECRET = "s0d-abcdefghijklm-abcdefghijklmnopqrstuvwxyz23"


@pytest.mark.parametrize("text", [f"what is {SECRET}?", f"x+{SECRET}@y.example", f"<card.{'0' * 32}@sayso.example>"])
def test_what_people_write_is_kept_without_tokens_and_ids_of_cards(text: str) -> None:
    kept = tokens.masked(text, BOT)

    assert SECRET not in kept
    assert "card." not in kept
