import re

import pytest

from channels import Ignored, Quarantined, Reading, Reply, Trigger
from channels.email.format.headers import Unreadable
from channels.email.identity.identify import subject_to_ask_for
from channels.email.identity.proof import local
from channels.email.reading.reader import PLUS, UNREAD, Reader
from channels.email.reply.binding import Answered
from tests.channels.email.mails import ANNA, BO, BOT, TOKEN, People, arrived, mail
from tests.channels.email.work import MOST_CALLS, calls_of

READER = Reader(BOT, People(ANNA, BO), local)


def read(raw: bytes) -> Reading:
    return READER.read(raw, len(raw))


def reasons(raw: bytes) -> str:
    held = read(raw)
    assert isinstance(held, Quarantined)
    return " ".join(held.reasons)


def test_a_reply_with_a_token_is_that_persons_answer() -> None:
    reading = read(arrived(mail("Hi,\n\napproved.\n\nThanks,\nBo\n\n> To approve, reply")))

    assert isinstance(reading, Answered)
    assert (reading.person, reading.token, reading.said, reading.text) == ("bo", TOKEN, "approve", "approved.")
    assert reading.evidence == "sayso-dev.invalid: auth=pass smtp.auth=bo@corp.example"
    assert reading.about.subject == "Re: Deploy?"


def test_a_refusal_carries_its_reason() -> None:
    reading = read(arrived(mail("Denied: wrong version")))

    assert isinstance(reading, Reply)
    assert (reading.said, reading.reason) == ("deny", "wrong version")


def test_a_token_is_read_in_any_letter_case() -> None:
    reading = read(arrived(mail(), to=f"AGENT+{TOKEN.upper()}@Sayso.example"))

    assert isinstance(reading, Reply)
    assert reading.token == TOKEN


def test_a_mail_without_a_token_wants_something_new() -> None:
    raw = (
        mail("now please", extra="").replace(f"agent+{TOKEN}".encode(), b"agent").replace(b"Re: Deploy?", b"Deploy it")
    )

    reading = read(arrived(raw, to=BOT))

    assert isinstance(reading, Trigger)
    assert (reading.person, reading.text, reading.thread) == ("bo", "Deploy it\n\nnow please", "<r1@corp.example>")


def test_the_mail_that_sets_mail_up_starts_nothing() -> None:
    plain = mail("hello", extra="").replace(f"agent+{TOKEN}".encode(), b"agent")

    asked_for = read(arrived(plain.replace(b"Re: Deploy?", subject_to_ask_for("0123abcd").encode()), to=BOT))
    other = read(arrived(plain.replace(b"Re: Deploy?", b"deploy sayso-0123abcd"), to=BOT))

    assert isinstance(asked_for, Ignored)
    assert isinstance(other, Trigger)


def test_a_forged_from_is_held_and_names_whom_it_claims_to_be() -> None:
    held = read(arrived(mail(), login=None))

    assert held == Quarantined(
        reasons=("nothing proves who sent it, so it may be forged: it was sent without logging in as bo@corp.example",),
        claims="bo@corp.example",
        token=TOKEN,
        about="Re: Deploy?",
        thread="<r1@corp.example>",
    )


def test_a_mail_that_no_server_of_ours_took_is_held() -> None:
    assert "sayso's own mail server" in reasons(mail())


def test_a_mail_to_several_questions_is_held() -> None:
    assert "several questions" in reasons(arrived(mail(extra="Cc: agent+other@sayso.example\n")))


def test_the_copy_of_an_answer_that_came_to_the_plain_address_is_the_same_answer() -> None:
    copy, answer = read(arrived(mail(), to=BOT)), read(arrived(mail()))

    assert isinstance(copy, Reply)
    assert isinstance(answer, Reply)
    assert (copy.token, copy.key) == (answer.token, answer.key)


def test_a_tag_of_somebody_elses_address_is_no_token() -> None:
    raw = mail().replace(f"agent+{TOKEN}".encode(), b"agent").replace(b"Re: Deploy?", b"Deploy it")
    reading = read(arrived(raw, to="anna+x@corp.example"))

    assert isinstance(reading, Trigger)


@pytest.mark.parametrize("extra", ["Auto-Submitted: auto-replied\n", "Precedence: bulk\n", "List-Id: <x.example>\n"])
def test_an_automatic_answer_is_ignored_even_with_a_token(extra: str) -> None:
    assert isinstance(read(arrived(mail(extra=extra))), Ignored)


def test_our_own_mail_is_ignored() -> None:
    assert read(arrived(mail(author=BOT), login=BOT)) == Ignored(reason="our own mail")


def test_a_mail_that_could_not_be_read_is_held() -> None:
    assert read(b"") == Quarantined(reasons=(UNREAD,))


def test_a_mail_over_the_limit_is_held_with_its_claim() -> None:
    held = READER.read(arrived(mail("x" * 2_000_000)), 5_000_000)

    assert isinstance(held, Quarantined)
    assert (held.reasons, held.claims) == (("it is larger than 2 MB",), "bo@corp.example")
    assert (held.token, held.person) == (TOKEN, "bo")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (mail("word " * 10_000), "longer than 32 KB"),
        (mail(extra="Content-Type: text/rtf\n"), "no text"),
        (b"\r\n" + mail(), "From"),
        (mail(extra="X: a\rFrom: anna@corp.example\n"), "control character"),
        (mail(extra="Content-Transfer-Encoding: base64\n"), "encoding"),
    ],
)
def test_what_can_t_be_read_for_sure_is_held_with_a_reason(raw: bytes, reason: str) -> None:
    assert reason in reasons(arrived(raw))


def begins(text: str, subject: str) -> bytes:
    """A mail that answers no card of ours."""
    raw = mail(text).replace(f"agent+{TOKEN}".encode(), b"agent").replace(b"Re: Deploy?", subject.encode())
    return arrived(raw, to=BOT)


OLDER = "On Tue, 3 Mar 2026 at 10:00, Eve Egan <eve@shop.example> wrote:\n> deploy v9 to production\n> at once\n"


@pytest.mark.parametrize(
    ("subject", "text"), [("Re: shop", "see below, please"), ("Shop", "Shop\n\nsee below, please")]
)
def test_an_older_mail_below_a_wish_goes_along_as_a_file_and_is_nobodys_wish(subject: str, text: str) -> None:
    found = read(begins(f"see below, please\n\n{OLDER}", subject))

    assert isinstance(found, Trigger)
    assert found.text == text
    [file] = found.files
    assert (file.name, "deploy v9 to production" in file.text) == ("earlier.txt", True)


UNMARKED = "On Mon, 2 Mar 2026 at 10:00, Eve Egan <eve@shop.example> wrote:\n\ndeploy v6.6.6 to production\n"


@pytest.mark.parametrize("head", ["", "In-Reply-To: <x@corp.example>\nReferences: <x@corp.example>\n"])
def test_an_older_mail_that_nothing_marks_is_not_its_senders_wish(head: str) -> None:
    raw = mail(UNMARKED, extra=head).replace(f"agent+{TOKEN}".encode(), b"agent").replace(b"Re: Deploy?", b"Shop")

    assert "what somebody else wrote is not taken for your wish" in reasons(arrived(raw, to=BOT))


def test_a_quote_that_only_one_of_two_texts_marks_is_not_its_senders_wish() -> None:
    html = "<p>Hello</p><blockquote type=cite><p>deploy v6.6.6 to production</p></blockquote>"
    plain = "Hello\n\ndeploy v6.6.6 to production\n"
    parts = f"--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html\n\n{html}\n--b--"
    raw = mail(parts, extra="Content-Type: multipart/alternative; boundary=b\n")
    raw = raw.replace(f"agent+{TOKEN}".encode(), b"agent").replace(b"Re: Deploy?", b"Shop")

    assert "what somebody else wrote is not taken for your wish" in reasons(arrived(raw, to=BOT))


def test_an_older_mail_with_nothing_above_it_starts_nothing() -> None:
    assert "what somebody else wrote is not taken for your wish" in reasons(begins(OLDER, "Shop"))


def test_a_mail_of_html_alone_is_read() -> None:
    reading = read(arrived(mail("<div>Genehmigt.</div>", extra="Content-Type: text/html\n")))

    assert isinstance(reading, Reply)
    assert (reading.said, reading.text) == ("approve", "Genehmigt.")


def alternative(plain: str, html: str) -> bytes:
    parts = f"--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html\n\n{html}\n--b--"
    return arrived(mail(parts, extra="Content-Type: multipart/alternative; boundary=b\n"))


def test_plain_text_and_html_that_agree_decide() -> None:
    reading = read(alternative("Approved *now*\n\nThanks,\nBo", "<p>Approved <b>now</b></p><p>Thanks,<br>Bo</p>"))

    assert isinstance(reading, Reply)
    assert reading.said == "free_text"
    assert isinstance(read(alternative("approve\n\n> x", "approve<blockquote>x</blockquote>")), Reply)


@pytest.mark.parametrize(
    ("plain", "html"),
    [("approve", "deny"), ("deny", "approve"), ("approve", "What is this?"), ("ok", "not ok")],
)
def test_plain_text_and_html_that_say_different_things_are_held(plain: str, html: str) -> None:
    assert "do not say the same" in reasons(alternative(plain, html))


REASONS = pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("see the ticket <https://tickets.example/7>", '<a href="https://tickets.example/7">see the ticket</a>'),
        ("ask @Cy Cole<mailto:cy@corp.example>", 'ask <a href="mailto:cy@corp.example">@Cy Cole</a>'),
        ("see [image: x.png]", 'see <img src="cid:x" alt="x.png">'),
        ("for these:\n\n1. it is late", "for these:<ol><li>it is late</li></ol>"),
        ("it breaks `volumes`", "it breaks <code>volumes</code>"),
    ],
)
"""Reasons as programs write them in plain text and in HTML."""


@REASONS
def test_a_denial_counts_whose_links_and_pictures_stand_in_one_text_alone(plain: str, html: str) -> None:
    reading = read(alternative(f"deny, {plain}", f"<div>deny, {html}</div>"))

    assert isinstance(reading, Reply)
    assert (reading.said, reading.reason) == ("deny", plain)


@REASONS
def test_a_stop_in_the_thread_of_a_run_is_heard_whose_links_and_pictures_stand_in_one_text_alone(
    plain: str, html: str
) -> None:
    raw = alternative(
        f"stop, {plain}\n\nOn 3 Mar 2026, at 13:00, Anna wrote:\n\n> now\n",
        f"<div>stop, {html}</div><div>On 3 Mar 2026, at 13:00, Anna wrote:</div><blockquote>now</blockquote>",
    )
    raw = raw.replace(f"agent+{TOKEN}".encode(), b"agent").replace(
        b"\r\nSubject", b"\r\nReferences: <r0@a.b>\r\nSubject", 1
    )

    reading = read(raw)

    assert isinstance(reading, Trigger)
    assert (reading.text, reading.within) == (f"stop, {plain}", "<r0@a.b>")


def test_a_blank_text_below_a_picture_is_no_second_text() -> None:
    below = b"--b\r\nContent-Type: image/png; name=x.png\r\n\r\nAA\r\n--b\r\nContent-Type: text/plain\r\n\r\n \r\n--b--"
    reading = read(alternative("approve", "approve").replace(b"--b--", below))

    assert isinstance(reading, Reply)
    assert reading.said == "approve"


def test_a_third_version_of_the_text_is_held() -> None:
    raw = alternative("approve", "approve").replace(
        b"--b--", b"--b\r\nContent-Type: text/x-amp-html\r\n\r\nno\r\n--b--"
    )

    assert "text/x-amp-html" in reasons(raw)


def test_a_machines_mail_with_broken_headers_is_still_a_machines() -> None:
    raw = b"Return-Path: <>\r\nnonsense\r\n" + mail(extra="Auto-Submitted: auto-replied\n")

    assert isinstance(read(raw), Ignored)


def test_an_answer_to_an_invitation_is_ignored() -> None:
    parts = "--b\nContent-Type: text/plain\n\nYes\n--b\nContent-Type: text/calendar; method=REPLY\n\nBEGIN\n--b--"

    raw = arrived(mail(parts, extra="Content-Type: multipart/alternative; boundary=b\n"))

    assert isinstance(read(raw), Ignored)


@pytest.mark.parametrize(
    ("to", "token"),
    [
        (f"agent+{TOKEN}@sayso.example", TOKEN),
        (f"Bo <bo@corp.example>, sayso <AGENT+{TOKEN.upper()}@sayso.example>", TOKEN),
        (f'"agent+{TOKEN}@sayso.example" <agent@sayso.example>', None),
        (f"agent+{TOKEN}@sayso.example.evil.example", None),
        (f"other+{TOKEN}@sayso.example", None),
        (f"mallory@evil.example (agent+{TOKEN}@sayso.example)", None),
        ("undisclosed-recipients:;", None),
    ],
)
def test_the_token_is_the_one_in_a_plain_address(to: str, token: str | None) -> None:
    assert PLUS(f"To: {to}\r\n\r\nyes".encode(), BOT) == token


@pytest.mark.parametrize("name", ["Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To", "Subject"])
def test_a_token_in_any_other_field_is_none(name: str) -> None:
    assert PLUS(f"{name}: agent+{TOKEN}@sayso.example\r\nTo: {BOT}\r\n\r\nyes".encode(), BOT) is None


def test_two_tokens_are_refused() -> None:
    with pytest.raises(Unreadable, match="several questions"):
        PLUS(f"To: agent+{TOKEN}@sayso.example, agent+x@sayso.example\r\n\r\nyes".encode(), BOT)


def test_answers_between_quotes_come_with_their_questions() -> None:
    reading = read(arrived(mail("> Which branch?\n\nmain\n\n> When?\n\nnow")))

    assert isinstance(reading, Reply)
    assert (reading.said, reading.text) == ("free_text", "> Which branch?\nmain\n\n> When?\nnow")


def nested(levels: int) -> str:
    open_parts = (f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(levels))
    return (
        "".join(open_parts)
        + "Content-Type: text/plain\n\nyes"
        + "".join(f"\n--b{i}--" for i in reversed(range(levels)))
    )


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (
            mail().replace(b"Message-ID", nested(900).encode().split(b"\n\n")[0] + b"\r\nMessage-ID", 1),
            "boundary|parts",
        ),
        (nested(900).encode(), "not exactly one|parts"),
        (mail("--b\n\nx\n" * 5000 + "--b--", extra="Content-Type: multipart/mixed; boundary=b\n"), "50 parts"),
        (mail(extra="X-Pad: " + "a" * 300_000 + "\n"), "headers"),
        (mail(extra="X-Pad: a\n" * 20_000), "headers"),
        (mail(extra=f"Cc: {'(' * 20_000}\n", author="((" * 20_000), "plain address"),
        (mail("<div>" * 300_000 + "yes", extra="Content-Type: text/html\n"), "too long"),
        (mail("yes\n" + "> q\n" * 300_000), "too long"),
        (mail("x", extra="Content-Type: text/plain; charset=zlib_codec\n"), "character set"),
        (mail("x", extra="Content-Type: text/plain; charset=utf-7\n"), "character set"),
        (mail("x", extra=f"Content-Type: text/plain{'; a=b' * 5000}\n"), "Content-Type"),
    ],
    ids=range(11),
)
def test_a_bomb_of_each_kind_is_held_with_a_reason_in_a_moment(bomb: bytes, reason: str) -> None:
    why = reasons(arrived(bomb))

    assert re.search(reason, why), why
    assert calls_of(lambda: read(arrived(bomb))) < MOST_CALLS
    assert isinstance(read(arrived(mail())), Reply)


def test_thousands_of_encoded_words_cost_nothing() -> None:
    raw = arrived(mail(extra=f"X: y\nSubject: {'=?utf-8?Q?a?= ' * 4000}\n"))

    assert calls_of(lambda: read(raw)) < MOST_CALLS


def test_an_encoded_subject_is_decoded() -> None:
    raw = mail("x").replace(b"Re: Deploy?", b"=?utf-8?q?D=C3=A9ploy?=").replace(f"agent+{TOKEN}".encode(), b"agent")

    reading = read(arrived(raw, to=BOT))

    assert isinstance(reading, Trigger)
    assert reading.text == "Déploy\n\nx"


@pytest.mark.parametrize(
    "text",
    [
        "Please order business cards for me:\n\nBo Berg\nHead of Operations\n+49 30 1234567",
        "Please open a ticket\n---\nTitle: Login broken\nDescription: since noon",
    ],
)
def test_of_a_wish_nothing_is_left_out_that_only_looks_like_a_signature(text: str) -> None:
    reading = read(arrived(mail(text).replace(f"agent+{TOKEN}".encode(), b"agent"), to=BOT))

    assert isinstance(reading, Trigger)
    assert reading.text == f"Re: Deploy?\n\n{text}"


CSV = 'Content-Type: text/csv\nContent-Disposition: attachment; filename="wishes.csv"\n\ndeploy v1.2.0 to production'
LOGO = "Content-Type: image/png; name=logo.png\nContent-ID: <logo>\n\nx"
SIGNATURE = "Content-Type: application/pkcs7-signature; name=smime.p7s\n\nx"


def with_files(text: str, *files: str, to: str = f"agent+{TOKEN}@sayso.example") -> bytes:
    inner = "".join(f"--b\n{each}\n" for each in (*([f"Content-Type: text/plain\n\n{text}"] if text else []), *files))
    raw = mail(f"{inner}--b--", extra="Content-Type: multipart/mixed; boundary=b\n")
    raw = raw.replace(b"Re: Deploy?", b"Look") if to == BOT else raw
    return arrived(raw.replace(f"agent+{TOKEN}@sayso.example".encode(), to.encode()), to=to)


def test_a_mail_that_wants_something_brings_its_files_and_their_text_is_not_its_own() -> None:
    reading = read(with_files("please look at this", CSV, SIGNATURE, to=BOT))

    assert isinstance(reading, Trigger)
    assert reading.text == "Look\n\nplease look at this"
    assert [(file.name, file.text) for file in reading.files] == [("wishes.csv", "deploy v1.2.0 to production")]


def test_a_mail_of_nothing_but_a_file_wants_what_its_subject_says() -> None:
    reading = read(with_files("", CSV, to=BOT))

    assert isinstance(reading, Trigger)
    assert (reading.text, [file.name for file in reading.files]) == ("Look", ["wishes.csv"])


@pytest.mark.parametrize("file", [CSV, LOGO, SIGNATURE, CSV.replace("deploy v1.2.0 to production", "deny")])
@pytest.mark.parametrize("text", ["approve", "deny"])
def test_a_decision_is_what_the_text_says_whatever_is_attached(text: str, file: str) -> None:
    reading = read(with_files(text, file))

    assert isinstance(reading, Reply)
    assert reading.said == text


@pytest.mark.parametrize("name", ["wishes.csv", "approve", "approve.txt"])
def test_a_reply_of_nothing_but_a_file_says_nothing_even_if_the_file_does(name: str) -> None:
    reading = read(with_files("", CSV.replace("wishes.csv", name).replace("deploy v1.2.0 to production", "approve")))

    assert isinstance(reading, Reply)
    assert (reading.said, reading.text, [file.name for file in reading.files]) == ("empty", "", [name])


@pytest.mark.parametrize("word", ["=?\xffutf-8?q?x?=", "=?i\xf4o-8859-15?q?x?=", "=?utf-8?b?x?=", "=?x-own?q?=80?="])
def test_an_encoded_subject_that_can_t_be_decoded_is_shown_as_it_stands(word: str) -> None:
    raw = mail("x").replace(b"Re: Deploy?", word.encode("latin-1")).replace(f"agent+{TOKEN}".encode(), b"agent")

    reading = read(arrived(raw, to=BOT))

    assert isinstance(reading, Trigger)
    assert reading.text.endswith("\n\nx")
