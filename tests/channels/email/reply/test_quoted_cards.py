"""Answers that quote a card of ours as mail programs write them: they count for that card, and words among it do not.

Each quote is made from the very mail: the text and the HTML that `mime.compose` writes, in each language. It is read
while another one is spoken: the language of a mail is that of the day when it was sent.
"""

import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from channels import Address, AnswerForm, Card, Line, Reply
from channels.email import mime
from channels.email.format.body import read_body
from channels.email.mime import Post
from channels.email.reply import markup, read_both
from channels.email.reply.binding import About, Answered, SentCard, bound
from language import LANGUAGES, Language, say, speaking, spoken
from tests.channels.email.mails import BOT, NOON, TOKEN, approval
from tests.kit.long import few_of

CODE_LINE = re.compile(r"^(?:> ?)?(?:Answer code|Antwortcode): (\S+)$", re.MULTILINE)
TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")
HASHES = ("6eb0b08c1d2e3f405162738495a6b7c8d9e0f1a2", "63e28bf0a1b2c3d4e5f60718293a4b5c6d7e8f90")
WROTE = "On Tue, Mar 3, 2026 at 1:00 PM sayso <agent@sayso.example> wrote:"
HEADER = "From: sayso <agent@sayso.example>\nSent: Tuesday, March 3, 2026 1:00 PM\nTo: Bo Berg\nSubject: {}\n\n"
SCHRIEB = "Am Di., 3. März 2026 um 13:00 Uhr schrieb sayso <agent@sayso.example>:"
KOPF = "Von: sayso <agent@sayso.example>\nGesendet: Dienstag, 3. März 2026 13:00\nAn: Bo Berg\nBetreff: {}\n\n"

DEPLOY = approval(
    title="Deploy v1.2.0 to production, replacing v1.0.0?",
    summary="Anna Ames asks.",
    said="please ship it, the log-in is broken\nyes",
    said_as="What Anna Ames wrote:",
    facts=(
        Line(label="From", text="v1.0.0 (6eb0b08)"),
        Line(label="To", text="v1.2.0 (63e28bf)"),
        Line(label="Changes", text="\n".join(f"{i:07x} Fix part {i} of the log-in" for i in range(25))),
    ),
    decides=(Line(label="Who decides", text="one of Bo Berg, Cy Cole"),),
    details=(Line(label="From", text=HASHES[0]), Line(label="To", text=HASHES[1]), Line(label="Digest", text="f" * 64)),
    exact=f'deploy {{"version": "v1.2.0"}}\nruns: ["./deploy.sh", "{HASHES[1]}"]',
    link="https://sayso.example/requests/s0q-1",
)
GERMAN = DEPLOY.model_copy(
    update={
        "title": "Version v1.2.0 in production ausliefern?",
        "summary": "Anna Ames fragt.",
        "said_as": "Anna Ames schrieb am Di., 3. März 2026, 12:55:",
        "facts": (
            Line(label="Von", text="v1.0.0"),
            Line(label="An", text="v1.2.0 <ops@corp.example>"),
            DEPLOY.facts[2],
        ),
        "decides": (Line(label="Wer entscheidet", text="Bo Berg oder Cy Cole"),),
    }
)
"""A card whose facts are called as the fields of a mail are."""

ONLY_PAGE = DEPLOY.model_copy(update={"form": DEPLOY.form and DEPLOY.form.model_copy(update={"may_approve": False})})
CHOICE = approval(
    title="Which environment?",
    summary="The agent that works for Anna Ames asks.",
    form=AnswerForm(token=TOKEN, format="choice", options=("staging", "production"), until=NOON + timedelta(hours=4)),
    link="https://sayso.example/requests/s0q-1",
)
YES_NO = CHOICE.model_copy(
    update={"form": AnswerForm(token=TOKEN, format="yes_no", until=NOON + timedelta(hours=4)), "title": "Is it up?"}
)

Quote = Callable[[str, str, str], tuple[str | None, str | None]]
"""From an answer, and the text and the HTML that it quotes: the two texts of the reply."""


def inner(page: str) -> str:
    """What a mail program keeps of a whole document in a quote."""
    body = re.search(r"<body[^>]*>(.*)</body>", page, re.DOTALL)
    assert body is not None
    return re.sub(r"<!--.*?-->", "", body[1])


def as_plain(page: str) -> str:
    """The plain text that a mail program makes of HTML: addresses behind the links, stars around what is bold."""
    spelled = re.sub(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', r"\2&lt;\1&gt;", inner(page))
    return markup.as_text(re.sub(r"<(?:/?)b>", "*", spelled)).text


def marked(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


@pytest.fixture(params=LANGUAGES, autouse=True)
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    """The language of the mails."""
    with speaking(request.param):
        yield request.param


def another() -> Language:
    return next(each for each in LANGUAGES if each != spoken())


def gmail(answer: str, _: str, page: str, wrote: str = WROTE) -> tuple[str, str]:
    who = html.escape(wrote)
    quote = f'<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{inner(page)}</blockquote>'
    head = f'<div dir="ltr" class="gmail_attr">{who}<br></div>'
    document = f'<div dir="ltr">{answer}</div><br><div class="gmail_quote gmail_quote_container">{head}{quote}</div>'
    return f"{answer}\n\n{wrote}\n\n{marked(as_plain(page))}\n", document


def german_gmail(answer: str, text: str, page: str) -> tuple[str, str]:
    return gmail(answer, text, page, SCHRIEB)


def apple(answer: str, _: str, page: str) -> tuple[str, str]:
    who = "On 3. Mar 2026, at 13:00, sayso &lt;agent@sayso.example&gt; wrote:"
    quote = f'<blockquote type="cite"><div>{who}</div><br class="Apple-interchange-newline">{inner(page)}</blockquote>'
    plain = f"{answer}\n\n> {html.unescape(who)}\n> \n{marked(as_plain(page))}\n"
    return plain, f'<html><body style="overflow-wrap: break-word;">{answer}<div><br>{quote}</div></body></html>'


def word(page: str) -> str:
    """HTML as Word writes it again: letters keep their colour in elements of their own, and lose the ground."""
    linked = re.sub(
        r'<a href="([^"]*)"[^>]*?color:(#\w{6})"[^>]*>([^<]*)</a>',
        r"""<p class=MsoNormal align=center><a href="\1"><b><span style='color:\2;text-decoration:none'>"""
        r"\3</span></b></a></p>",
        inner(page),
    )
    return re.sub(r' style="(?![^"]*pre-wrap)[^"]*"', "", linked)


def outlook(answer: str, _: str, page: str, header: str = HEADER) -> tuple[str, str]:
    fields = "".join(f"<b>{line.replace(': ', ':</b> ', 1)}<br>" for line in html.escape(header).strip().split("\n"))
    rule = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"
    head = f"<div><div style='{rule}'><p class=MsoNormal>{fields}</p></div></div>"
    return f"{answer}\n\n{header}{as_plain(page)}", f"<div><p class=MsoNormal>{answer}</p>{head}{word(page)}</div>"


def german_outlook(answer: str, text: str, page: str) -> tuple[str, str]:
    return outlook(answer, text, page, KOPF)


def outlook_on_the_web(answer: str, _: str, page: str) -> tuple[None, str]:
    head = f'<div id="divRplyFwdMsg" dir="ltr">{html.escape(HEADER).replace(chr(10), "<br>")}</div>'
    return None, f'<div class="elementToProof">{answer}</div><hr style="width:98%">{head}<div>{inner(page)}</div>'


def thunderbird(answer: str, text: str, _: str) -> tuple[str, None]:
    return f"{answer}\n\nOn 3/3/26 13:00, sayso wrote:\n{marked(text)}\n", None


def plain_outlook(answer: str, text: str, _: str) -> tuple[str, None]:
    return f"{answer}\n\n-----Original Message-----\n{HEADER}{text}", None


def german_plain_outlook(answer: str, text: str, _: str) -> tuple[str, None]:
    return f"{answer}\n\n-----Ursprüngliche Nachricht-----\n{KOPF}{text}", None


ENGLISH = [gmail, apple, outlook, outlook_on_the_web, thunderbird, plain_outlook]
PROGRAMS = [*ENGLISH, german_gmail, german_outlook, german_plain_outlook]


def sent(card: Card) -> tuple[Post, SentCard]:
    post = mime.compose(card, TO, "d1", own=BOT, timezone="Europe/Berlin")
    assert post.asks is not None
    return post, post.asks


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_line_that_brings_a_token_back_is_found_in_each_quote(program: Quote) -> None:
    post = mime.compose(DEPLOY, TO, "d1", own=BOT, timezone="UTC", way="reference")
    body = read_body(post.raw)

    plain, document = program("approve", body.plain or "", body.html or "")

    for text in (plain, markup.as_text(document).text if document else None):
        assert text is None or CODE_LINE.findall(text) == [TOKEN]


def read(card: Card, program: Quote, answer: str, **changes: str) -> Reply:
    """`answer` to `card` as `program` writes it, with an In-Reply-To that nobody knows, as we read it."""
    post, asks = sent(card)
    body = read_body(post.raw)
    text, page = body.plain or "", body.html or ""
    for old, new in changes.items():
        place = {"anna": "Anna Ames asks.", "below": f"{say('mail.reference')} R-12"}[old]
        text, page = text.replace(place, place + new), page.replace(place, place + new)
    return read_quoting(asks, text, page, program, answer)


def read_quoting(asks: SentCard, text: str, page: str, program: Quote, answer: str) -> Reply:
    """`answer` above `text` and `page`, which somebody got as what `asks`."""
    plain, document = program(answer, text, page)
    with speaking(another()):
        said = read_both(plain, document, "Bo Berg")
    about = About(
        subject=f"Re: {asks.subject}",
        sent_at=NOON + timedelta(hours=1),
        whole=said.whole if said.is_one and not said.unsure else "",
        author="Bo Berg",
        older=said.older,
        references=(asks.message_id,),  # for Thunderbird, which prints no address
        program="Apple Mail (2.3774.600.62)" if program is apple else "",
    )
    answered = Answered(person="bo", token=TOKEN, said=said.said, text=said.text, reason=said.reason, about=about)
    return bound(answered, asks, NOON + timedelta(hours=1))


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("card", few_of([DEPLOY, GERMAN, ONLY_PAGE, approval()], 0))
def test_an_approval_above_our_mail_is_bound_to_it_without_any_thread(program: Quote, card: Card) -> None:
    reply = read(card, program, "approve")

    assert (reply.said, reply.unbound) == ("approve", "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_refusal_above_our_mail_has_its_reason_and_nothing_of_ours(program: Quote) -> None:
    reply = read(DEPLOY, program, "no, not on a Friday")

    assert (reply.said, reply.reason) == ("deny", "not on a Friday")


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_answer_to_a_question_above_our_mail_is_that_answer_alone(program: Quote) -> None:
    reply = read(CHOICE, program, "staging")

    assert (reply.text, reply.unbound) == ("staging", "")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("place", few_of(["anna", "below"], 0))
def test_words_of_ones_own_among_our_mail_make_it_a_comment(program: Quote, place: str) -> None:
    reply = read(DEPLOY, program, "approve", **{place: "\nbut only the small one"})

    assert reply.said != "approve" or reply.unbound


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_quote_of_our_mail_with_nothing_above_it_is_no_answer(program: Quote) -> None:
    assert read(DEPLOY, program, "").said not in ("approve", "deny")


@pytest.mark.parametrize("program", [outlook, outlook_on_the_web])
def test_letters_of_a_button_that_lose_their_ground_are_no_hidden_text(program: Quote) -> None:
    text, page = read_body(sent(DEPLOY)[0].raw).plain, read_body(sent(DEPLOY)[0].raw).html

    assert read_both(*program("approve", text or "", page or ""), "Bo Berg").unsure == ""


def bodies(card: Card) -> list[str]:
    """What each button of the mail writes."""
    page = read_body(sent(card)[0].raw).html or ""
    links = re.findall(r'href="mailto:[^"]*body=([^"]*)"', page)
    return [re.sub(r"%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), html.unescape(link)) for link in links]


def pressed(card: Card, body: str) -> Reply:
    """The mail that a button has written, in no thread and under any subject, as we read it."""
    _, asks = sent(card)
    with speaking(another()):
        said = read_both(body, None, "Bo Berg")
    about = About(subject="x", sent_at=NOON + timedelta(hours=1), whole=said.whole, author="Bo Berg")
    answered = Answered(person="bo", token=TOKEN, said=said.said, text=said.text, reason=said.reason, about=about)
    return bound(answered, asks, NOON + timedelta(hours=1))


WRITTEN = {
    "en": [
        "I approve: Deploy v1.2.0 to production, replacing v1.0.0",
        "I deny: Deploy v1.2.0 to production, replacing v1.0.0",
        'I answer "staging" to: Which environment?',
        'I answer "production" to: Which environment?',
        'I answer "yes" to: Is it up?',
        'I answer "no" to: Is it up?',
    ],
    "de": [
        "Ich genehmige: Deploy v1.2.0 to production, replacing v1.0.0",
        "Ich lehne ab: Deploy v1.2.0 to production, replacing v1.0.0",
        'Ich antworte "staging" auf: Which environment?',
        'Ich antworte "production" auf: Which environment?',
        'Ich antworte "ja" auf: Is it up?',
        'Ich antworte "nein" auf: Is it up?',
    ],
}


def test_what_each_button_writes_says_what_it_does_and_has_a_code_of_its_own(language: Language) -> None:
    written = [*bodies(DEPLOY), *bodies(CHOICE), *bodies(YES_NO)]

    said, codes = zip(*(body.rsplit(" ", 2)[::2] for body in written), strict=True)
    assert list(said) == WRITTEN[language]
    assert all(re.fullmatch(r"[A-Z2-7]{12}\)", code) for code in codes)
    assert len(set(codes[:4])) == 4


def test_the_buttons_of_an_approval_approve_and_refuse() -> None:
    approves, refuses = bodies(DEPLOY)

    assert (pressed(DEPLOY, approves).said, pressed(DEPLOY, approves).unbound) == ("approve", "")
    assert pressed(DEPLOY, refuses).said == "deny"


def test_the_buttons_of_a_question_pick_their_answer_whatever_it_is_called() -> None:
    staging, production = bodies(CHOICE)
    yes, no = bodies(YES_NO)

    assert [(each.picks, each.unbound) for each in (pressed(CHOICE, staging), pressed(CHOICE, production))] == [
        ((1,), ""),
        ((2,), ""),
    ]
    assert [(each.text, each.unbound) for each in (pressed(YES_NO, yes), pressed(YES_NO, no))] == [
        (say("mail.yes"), ""),
        (say("mail.no"), ""),
    ]


@pytest.mark.parametrize("added", ["but only tomorrow", "?", "no, production"])
def test_words_below_the_sentence_of_a_question_are_read_and_it_picks_nothing(added: str) -> None:
    reply = pressed(CHOICE, f"{bodies(CHOICE)[0]}\n{added}")

    assert reply.picks == ()
    assert reply.unbound


def test_courtesy_below_the_sentence_of_a_question_changes_nothing() -> None:
    assert pressed(CHOICE, f"{bodies(CHOICE)[0]}\n\nThanks,\nBo Berg").picks == (1,)


def other_code(body: str, other: str) -> str:
    """The sentence of one button with the code of another one."""
    return f"{body.rpartition(' ')[0]} {other.rpartition(' ')[2]}"


def bare(body: str) -> str:
    """The sentence of a button without its code."""
    return body.rsplit(" ", 2)[0]


def test_a_sentence_with_the_code_of_another_answer_or_none_picks_nothing() -> None:
    staging, production = bodies(CHOICE)

    for body in (other_code(staging, production), bare(staging), "staging"):
        assert pressed(CHOICE, body).picks == ()
        assert pressed(CHOICE, body).unbound


def test_a_sentence_that_approves_with_another_code_or_none_approves_nothing() -> None:
    approves, denies = bodies(DEPLOY)

    for body in (other_code(approves, denies), bare(approves)):
        assert pressed(DEPLOY, body).said != "approve"
        assert pressed(DEPLOY, body).unbound


def test_only_the_very_sentence_that_was_sent_approves_not_its_translation() -> None:
    with speaking(another()):
        theirs, _ = bodies(DEPLOY)

    assert pressed(DEPLOY, theirs).said != "approve"
