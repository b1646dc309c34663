import email
import email.header
import email.policy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import Address, AnswerForm, Card, ChannelRefused, Input, Line
from channels.email import mime
from channels.email.format import message_ids
from channels.email.format.body import read_text
from channels.email.format.headers import read_headers
from tests.channels.email.mails import BOT, NOON, TOKEN, approval
from tests.kit.acts import vote

TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")
EVIL = "x\r\nBcc: mallory@evil.example\r\n\r\nbody\x00\u2028\x85"


def compose(card: Card, to: Address = TO, key: str = "d1") -> mime.Post:
    return mime.compose(card, to, key, own=BOT, timezone="Europe/Berlin")


def code_of(post: mime.Post) -> str:
    """The code that ends the subject and the first line of the mail."""
    first = read_text(post.raw).partition("\n")[0]
    assert re.fullmatch(r".*\[[A-Z2-7]{6}\]", first)
    return first[-8:]


def test_the_headers_are_complete() -> None:
    post = compose(approval())
    headers = read_headers(post.raw)

    assert headers.one("from") == "sayso <agent@sayso.example>"
    assert headers.one("to") == "bo@corp.example"
    assert headers.one("reply-to") == f"sayso <agent+{TOKEN}@sayso.example>"
    assert headers.one("subject") == f"Deploy 4f2a to production? {code_of(post)}"
    assert headers.one("date") == "Tue, 03 Mar 2026 12:00:00 +0000"
    assert headers.one("message-id") == post.message_id
    assert headers.one("in-reply-to") == headers.one("references") == message_ids.thread_root("run-7", BOT)
    assert headers.one("auto-submitted") == "auto-generated"


def test_a_card_without_a_form_has_no_address_to_answer_to_and_a_thread_that_somebody_began_goes_on() -> None:
    post = compose(approval(form=None), TO.model_copy(update={"thread": "<r1@corp.example>"}))

    assert read_headers(post.raw).all("reply-to") == ()
    assert read_headers(post.raw).one("references") == "<r1@corp.example>"


def test_lines_are_short_and_ascii_whatever_the_card_says() -> None:
    raw = compose(approval(summary="ä" * 5000, exact="x" * 5000)).raw

    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_no_text_of_a_card_becomes_a_header() -> None:
    expected = [name for name, _ in read_headers(compose(approval()).raw).fields]
    form = AnswerForm(token=TOKEN, format="form", options=(EVIL,), fields=(Input(name=EVIL),), until=NOON)
    words = dict.fromkeys(("title", "summary", "quoted", "exact", "ref"), EVIL)

    raw = compose(approval(facts=(Line(label=EVIL, text=EVIL),), form=form, **words)).raw

    assert [name for name, _ in read_headers(raw).fields] == expected
    assert read_text(raw)


@given(st.text(max_size=200))
def test_any_title_is_one_subject_that_python_reads_back(title: str) -> None:
    post = compose(approval(title=title))

    parsed = email.message_from_bytes(post.raw, policy=email.policy.compat32)
    subject = str(email.header.make_header(email.header.decode_header(parsed["Subject"])))
    assert post.asks is not None
    assert subject.strip() == post.asks.subject.strip()
    assert mime.one_line(title, mime.TITLE_CHARS - 7).strip("… ") in subject
    assert len(subject) <= mime.TITLE_CHARS + len(" [K7QP2X]")


@given(st.text(max_size=200), st.text(max_size=200))
def test_pythons_own_parser_finds_both_parts_and_no_defect(summary: str, exact: str) -> None:
    parsed = email.message_from_bytes(compose(approval(summary=summary, exact=exact)).raw, policy=email.policy.default)

    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert not parsed.defects


def test_an_address_or_a_token_that_does_not_fit_is_refused_with_what_to_do() -> None:
    for to in ("", "bo", "bo@corp.example\r\nBcc: x@y.example", "a@b.example, c@d.example"):
        with pytest.raises(ChannelRefused, match="Correct the address of 'bo'"):
            compose(approval(), TO.model_copy(update={"to": to}))
    for token in ("", "UPPER", "a b", "a@b", "x" * 60, "a\r\nb"):
        with pytest.raises(ChannelRefused, match="does not fit into a mail address"):
            compose(approval(form=AnswerForm(token=token, format="approval", acts=vote(), until=NOON)))
    with pytest.raises(ValueError, match="line break"):
        mime.header_block([("Subject", "x\nBcc: y")])


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("", "Closed: Deploy?"),
        ("Deploy?", "Re: Deploy?"),
        ("RE: our release", "RE: our release"),
        ("x\r\nBcc: eve@evil.example", "Re: x Bcc: eve@evil.example"),
    ],
)
def test_a_mail_is_called_as_its_thread_is_and_says_its_own_title_first(topic: str, subject: str) -> None:
    card = Card(title="Closed: Deploy?", at=NOON, topic=topic, closes=True)

    post = mime.compose(card, TO, "d1", own=BOT, timezone="UTC")

    headers = read_headers(post.raw)
    assert headers.one("subject") == subject
    assert read_text(post.raw).startswith("Closed: Deploy?\n")


def test_a_mail_that_closes_a_card_goes_on_from_it_under_its_subject() -> None:
    asked = compose(approval()).asks
    assert asked is not None

    post = mime.compose(Card(title="Closed", at=NOON), TO, "d2", own=BOT, timezone="UTC", after=asked)

    headers = read_headers(post.raw)
    assert headers.one("subject") == f"Re: {asked.subject}"
    assert headers.one("in-reply-to") == asked.message_id
    assert headers.one("references").split()[-1] == asked.message_id


def test_a_title_that_outlook_would_take_for_a_prefix_stands_behind_our_name() -> None:
    assert read_headers(compose(approval(title="Ops: restart?")).raw).one("subject").startswith("sayso: Ops: restart?")
