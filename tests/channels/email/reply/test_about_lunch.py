"""Whether a mail says yes to the card, or to somebody who shows the card below a question of their own.

Whoever was shown a card can have its answers sent to it: `Reply-To` is theirs to write, and so are the name that a mail
program prints above a quote, and all that it quotes.
"""

import re
from datetime import timedelta
from functools import cache
from html import escape
from typing import Any

import pytest

from channels import Address, Line, Reply
from channels.email import mime
from channels.email.format.body import read_body
from channels.email.identity.proof import dmarc
from channels.email.mime import encoded
from channels.email.reading.reader import Reader
from channels.email.reply import markup
from channels.email.reply.binding import Answered, bound
from language import LANGUAGES, Language, speaking
from tests.channels.email.drafts import AUTHOR, SERVER, VERDICT, Draft
from tests.channels.email.mails import BO, BOT, NOON, TOKEN, People, approval
from tests.kit.long import few_of
from tests.kit.rows import rows

MAILS: dict[str, dict[str, dict[str, str]]] = rows("about_lunch.toml", beside=__file__)
LINK = "https://sayso.example/requests/s0q-1"
SAFE = f"https://eur01.safelinks.protection.outlook.com/?url={LINK.replace(':', '%3A').replace('/', '%2F')}&data=05%7C"
TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")
CARD = approval(title="Press bell?", link=LINK, facts=(Line(label="To", text="ops@corp.example"),))
STAGING = CARD.form and CARD.form.model_copy(update={"format": "choice", "options": ("staging", "production")})
READER = Reader(BOT, People(BO), dmarc(SERVER))


@cache
def posted(language: Language = "en", *, is_question: bool = False) -> mime.Post:
    """The card, or one that asks for an environment."""
    with speaking(language):
        card = CARD.model_copy(update={"form": STAGING}) if is_question else CARD
        return mime.compose(card, TO, "d1", own=BOT, timezone="Europe/Berlin")


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


def filled(text: str, post: mime.Post, *, is_page: bool = False, added: str = "") -> str:
    """`text` with what its signs stand for, and words `added` to the card."""
    assert post.asks
    body = read_body(post.raw)
    asked = "Anna asked for it."
    card, page = ((each or "").replace(asked, asked + added) for each in (body.plain, body.html))
    stands_for = {
        "SUBJECT": escape(post.asks.subject) if is_page else post.asks.subject,
        "ID": post.message_id,
        "LINK": LINK,
        "CARD": card,
        "LIST": marked(card),
        "SAFE": marked(card.replace(LINK, SAFE)),
        "DEFENDED": marked(card.replace(LINK, f"https://urldefense.com/v3/__{LINK}__;!!Kd8$")),
        "PAGE": inner(page),
        "WORDS": as_plain(page),
        "MARKS": marked(as_plain(page)),
        "BLANKS": "\n" * 150,
        "EMPTY": "\n".join(["> "] * 150),
        "BREAKS": "<br>" * 150,
    }
    return re.sub(r"@([A-Z]+)@", lambda found: stands_for[found[1]], text)


def answer(mail: dict[str, str], post: mime.Post, said: str = "Sounds good!", added: str = "") -> Draft:
    """The whole mail."""
    plain = filled(f"{said}\n\n{mail.get('plain', '')}", post, added=added)
    answers, references = mail.get("answers", "<x1@corp.example>"), mail.get("references", "")
    marks = {"In-Reply-To": answers, "References": references, "X-Mailer": mail.get("program", "")}
    head = (
        VERDICT,
        f"From: {AUTHOR}",
        f"To: sayso <agent+{TOKEN}@sayso.example>",
        f"Subject: {encoded(filled(mail.get('subject', 'Re: @SUBJECT@'), post))}",
        "Message-ID: <r1@corp.example>",
        "Date: Tue, 03 Mar 2026 14:00:00 +0100",
        *(f"{name}: {filled(value, post)}" for name, value in marks.items() if value),
    )
    is_page_alone = "page" in mail and "plain" not in mail
    page = mail["page"].replace("Sounds good!", said) if "page" in mail else None
    return Draft(None if is_page_alone else plain, page and filled(page, post, is_page=True, added=added), head=head)


def read(mail: dict[str, str], post: mime.Post, said: str = "Sounds good!", added: str = "") -> Reply:
    """What the mail says, and why it is not about the card."""
    raw = answer(mail, post, said, added).bytes()
    reading: Any = READER.read(raw, len(raw), post.asks.text if post.asks else "")
    assert isinstance(reading, Answered), reading
    return bound(reading, post.asks, NOON + timedelta(hours=1, minutes=1))


@pytest.mark.parametrize("mail", MAILS["attacks"].values(), ids=MAILS["attacks"])
def test_a_yes_to_a_mail_about_lunch_is_none_to_the_card_below_it(mail: dict[str, str]) -> None:
    reply = read(mail, posted())

    assert reply.said != "approve" or reply.unbound


def test_a_no_counts_whatever_it_answers() -> None:
    for mail in [*MAILS["attacks"].values()][::8]:
        assert read(mail, posted(), "no, not on a Friday").said == "deny"


@pytest.mark.parametrize("language", few_of(LANGUAGES, 0))
@pytest.mark.parametrize("mail", MAILS["genuine"].values(), ids=MAILS["genuine"])
def test_an_answer_to_the_card_is_read_whichever_program_wrote_it(mail: dict[str, str], language: Language) -> None:
    post = posted(language)

    yes, no = read(mail, post), read(mail, post, "no, not on a Friday")
    assert (yes.said, yes.unbound) == ("approve", "")
    assert (no.said, no.reason) == ("deny", "not on a Friday"), "and nothing of ours"
    assert read(mail, post, "").said not in ("approve", "deny")
    if "@" in re.sub("@(SUBJECT|ID)@|[a-z]@[a-z]", "", f"{mail.get('plain', '')}{mail.get('page', '')}"):
        comment = read(mail, post, added="\nbut only the small one")
        assert comment.said != "approve" or comment.unbound
    picked = read(mail, posted(language, is_question=True), "staging")
    assert (picked.text, picked.unbound) == ("staging", "")
