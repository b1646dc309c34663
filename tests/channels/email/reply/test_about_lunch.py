"""Whether a mail says yes to the card, or to somebody who shows the card below a question of their own.

Whoever was shown a card can have its answers sent to it: `Reply-To` is theirs to write, and so are the name that a mail
program prints above a quote, and all that it quotes.
"""

import re
import tomllib
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest

from channels import Address, Line
from channels.email import mime
from channels.email.format.body import read_body
from channels.email.identity.proof import dmarc
from channels.email.mime import encoded
from channels.email.reading.reader import Reader
from channels.email.reply.binding import Answered, bound
from tests.channels.email.drafts import AUTHOR, SERVER, VERDICT, Draft
from tests.channels.email.mails import BO, BOT, NOON, TOKEN, People, approval
from tests.channels.email.reply.test_quoted_cards import as_plain, inner, marked

MAILS: dict[str, dict[str, dict[str, str]]] = tomllib.loads(
    Path(__file__).with_name("about_lunch.toml").read_text(encoding="utf-8")
)
LINK = "https://sayso.example/requests/s0q-1"
SAFE = f"https://eur01.safelinks.protection.outlook.com/?url={LINK.replace(':', '%3A').replace('/', '%2F')}&data=05%7C"
POST = mime.compose(
    approval(title="Press bell?", link=LINK, facts=(Line(label="To", text="ops@corp.example"),)),
    Address(channel="email", person="bo", to="bo@corp.example", thread="run-7"),
    "d1",
    own=BOT,
    timezone="Europe/Berlin",
)
READER = Reader(BOT, People(BO), dmarc(SERVER))


def filled(text: str, *, is_page: bool = False) -> str:
    """`text` with what its signs stand for."""
    assert POST.asks
    body = read_body(POST.raw)
    card, page = body.plain or "", body.html or ""
    stands_for = {
        "SUBJECT": escape(POST.asks.subject) if is_page else POST.asks.subject,
        "ID": POST.message_id,
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


def answer(mail: dict[str, str]) -> Draft:
    """The whole mail."""
    plain = filled(f"Sounds good!\n\n{mail.get('plain', '')}")
    answers, references = mail.get("answers", "<x1@corp.example>"), mail.get("references", "")
    marks = {"In-Reply-To": answers, "References": references, "X-Mailer": mail.get("program", "")}
    head = (
        VERDICT,
        f"From: {AUTHOR}",
        f"To: sayso <agent+{TOKEN}@sayso.example>",
        f"Subject: {encoded(filled(mail.get('subject', 'Re: @SUBJECT@')))}",
        "Message-ID: <r1@corp.example>",
        "Date: Tue, 03 Mar 2026 14:00:00 +0100",
        *(f"{name}: {filled(value)}" for name, value in marks.items() if value),
    )
    is_page_alone = "page" in mail and "plain" not in mail
    page = filled(mail["page"], is_page=True) if "page" in mail else None
    return Draft(None if is_page_alone else plain, page, head=head)


def read(mail: dict[str, str]) -> tuple[str, str]:
    """What the mail says, and why it is not about the card."""
    raw = answer(mail).bytes()
    reading: Any = READER.read(raw, len(raw))
    assert isinstance(reading, Answered), reading
    reply = bound(reading, POST.asks, NOON + timedelta(hours=1, minutes=1))
    return reply.said, reply.unbound


@pytest.mark.parametrize("mail", MAILS["attacks"].values(), ids=MAILS["attacks"])
def test_a_yes_to_a_mail_about_lunch_is_none_to_the_card_below_it(mail: dict[str, str]) -> None:
    said, why = read(mail)

    assert said != "approve" or why


@pytest.mark.parametrize("mail", MAILS["genuine"].values(), ids=MAILS["genuine"])
def test_a_yes_to_the_card_approves_whichever_program_wrote_it(mail: dict[str, str]) -> None:
    assert read(mail) == ("approve", "")


@pytest.mark.parametrize("mail", MAILS["attacks"].values(), ids=MAILS["attacks"])
def test_a_no_counts_whatever_it_answers(mail: dict[str, str]) -> None:
    raw = answer(mail).bytes().replace(b"Sounds good!", b"no, not on a Friday")
    reading: Any = READER.read(raw, len(raw))

    assert bound(reading, POST.asks, NOON + timedelta(hours=1, minutes=1)).said == "deny"
