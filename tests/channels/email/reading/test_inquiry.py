"""Mail to the public address: whose it is, what of it is read, and the mail that answers it."""

import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import Contact, Ignored, Inquiry, Quarantined, Reading
from channels.email.format import trace
from channels.email.identity.proof import local
from channels.email.reading.inquiry import Answer, compose
from channels.email.reading.reader import Reader
from channels.email.reading.sandbox import Contacts

OWN, HELP, EVE = "sayso@sayso.example", "help@corp.example", "eve@shop.example"
BO = Contact(id="bo", name="Bo Berg", email="bo@corp.example")
READER = Reader(OWN, Contacts({"bo": BO}, {"bo@corp.example": BO}), local, public=HELP)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def mail(text: str = "How?", **headers: str) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    given = {"From": f"Eve <{EVE}>", "To": HELP, "Subject": "Refund?", "Message-ID": "<1@shop.example>"}
    for name, value in {**given, **headers}.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def read(message: EmailMessage | bytes, login: str | None = None, recipient: str = HELP) -> Reading:
    raw = message if isinstance(message, bytes) else bytes(message)
    raw = trace.write(trace.Trace(EVE, recipient, login)) + raw
    return READER.read(raw, len(raw))


def enquiry(message: EmailMessage, login: str | None = None) -> Inquiry:
    found = read(message, login)
    assert isinstance(found, Inquiry), found
    return found


def held(message: EmailMessage | bytes) -> str:
    found = read(message)
    assert isinstance(found, Quarantined), found
    assert not found.stranger  # nobody is written to
    return " ".join(found.reasons)


def test_anybody_may_ask_and_it_is_said_whether_they_are_who_they_say() -> None:
    unsure, sure = enquiry(mail()), enquiry(mail(), login=EVE)

    assert (unsure.sender, unsure.subject, unsure.text) == (EVE, "Refund?", "How?")
    assert "may be forged" in unsure.doubt
    assert sure.doubt == ""
    assert enquiry(mail(From="bo@corp.example"), login="bo@corp.example").sender == "bo@corp.example"


def test_what_names_the_own_address_is_no_enquiry() -> None:
    raw = bytes(mail(Cc=OWN))

    assert not isinstance(READER.read(raw, len(raw)), Inquiry)
    assert isinstance(READER.read(bytes(mail()), 100), Inquiry)


def test_a_reply_token_goes_before_the_public_address() -> None:
    raw = trace.write(trace.Trace(EVE, HELP, None)) + bytes(mail())

    def token(_: bytes, __: str) -> str:
        return "abc"

    assert not isinstance(read(mail(), recipient="sayso+abc@sayso.example"), Inquiry)
    assert not isinstance(replace(READER, token=token).read(raw, len(raw)), Inquiry)


def test_the_thread_is_the_ids_of_the_mails_before_it_and_of_nothing_else() -> None:
    found = enquiry(mail(References="<a@x> nonsense <b@x> <not an id@x>", In_Reply_To="<b@x>"))

    assert (found.message_id, found.references) == ("<1@shop.example>", ("<a@x>", "<b@x>"))


def test_html_alone_is_read_as_people_see_it_and_files_are_none_of_the_text() -> None:
    page = mail()
    page.set_content("<p>How do I <b>pay</b>?</p><script>x</script>", subtype="html")
    message = mail()
    message.add_attachment(b"approve", maintype="text", subtype="plain", filename="approve.txt")

    assert enquiry(page).text == "How do I pay?"
    assert enquiry(message).text == "How?"
    assert [file.name for file in enquiry(message).files] == ["approve.txt"]


def test_what_is_huge_comes_of_several_or_only_looks_automatic_is_held_for_people() -> None:
    several = bytes(mail()).replace(b"From: Eve <eve@shop.example>", b"From: eve@shop.example, bo@corp.example")

    assert "longer than 8000 characters" in enquiry(mail("long " * 2_000)).held_because
    assert "not exactly one plain address" in held(several)
    for subject in ("Delivery problem with my order", "Undelivered parcel 4711", "Auto: a question"):
        assert "it looks like an automatic answer" in held(mail(Subject=subject))


def test_another_desk_is_held_and_our_own_mail_is_dropped() -> None:
    assert "another desk" in held(mail(X_Sayso_Desk="help@shop.example"))
    assert isinstance(read(mail(From=HELP)), Ignored)


def test_machines_ask_nothing() -> None:
    away = {"Subject": "Out of office: back on Monday", "In-Reply-To": "<a@corp.example>"}
    lists = ({"Auto-Submitted": "auto-generated"}, {"Precedence": "list"}, {"List-Id": "<x.shop.example>"})

    by_person = {"Precedence": "bulk", "X-Mailer": "Mozilla Thunderbird"}

    for headers in (*lists, by_person, {"From": "MAILER-DAEMON@shop.example"}, away):
        assert isinstance(read(mail(**headers)), Ignored), headers


def answer(**change: object) -> EmailMessage:
    values: dict[str, object] = {"own": HELP, "name": "Corp", "to": EVE, "subject": "Re: Refund?", "text": "Soon.\n"}
    made = Answer(**{**values, "at": NOON, "key": "k", **change})  # type: ignore[arg-type]
    assert compose(made) == compose(made)
    return BytesParser(_class=EmailMessage, policy=email.policy.default).parsebytes(compose(made))


def test_an_answer_is_in_the_thread_and_known_to_other_desks() -> None:
    found = answer(after="<b@x>", references=("<a@x>",))

    assert (found["From"], found["To"], found["In-Reply-To"]) == (f"Corp <{HELP}>", EVE, "<b@x>")
    assert (found["References"], found["X-Sayso-Desk"]) == ("<a@x> <b@x>", HELP)
    assert found["Message-ID"].startswith("<answer.")


@given(subject=st.text(max_size=150), text=st.text(max_size=300), name=st.text(max_size=40), after=st.text(max_size=40))
def test_no_word_of_anybody_makes_a_header_or_a_recipient(subject: str, text: str, name: str, after: str) -> None:
    found = answer(subject=f"{subject}\r\nBcc: all@corp.example", text=text, name=name, after=f"{after}\r\nCc: x@y")

    kinds = {"From", "To", "Subject", "Date", "Message-ID", "X-Sayso-Desk", "MIME-Version"}
    assert set(found.keys()) == kinds | {"Content-Type", "Content-Transfer-Encoding"}
    assert found["To"] == EVE


@pytest.mark.parametrize("to", ["eve@shop.example, x@y", "eve@shop.example\r\nBcc: x@y", "everyone", ""])
def test_an_answer_goes_to_one_plain_address(to: str) -> None:
    with pytest.raises(ValueError, match="not a plain mail address"):
        answer(to=to)
