"""A mail approves what it visibly is about, and nothing else: whoever knows a token can have other mails sent to it."""

import email.policy
import re
import secrets
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from agents.events import AnswerNoted, write_event
from agents.requests import PersonId, RunId
from bot.policy.judgements import Counted
from bot.policy.record import RequestRecord
from channels.email.local.letters import Letter
from channels.email.local.maildir import every_mail
from tests.kit.long import few_of
from tests.kit.office import STEPS
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.test_delegation import SOLO, on_solo


async def card_for(world: World, person: str = "bo") -> tuple[RequestRecord, Letter]:
    """An open request and the mail that asks `person`."""
    record = await world.opened(await world.trigger("press bell"))
    return record, await world.next_mail(person)


async def write(
    world: World,
    to: str | None,
    text: str,
    subject: str = "Re: Lunch at noon",
    answers: str = "<lunch@corp.example>",
    at: datetime | str | None = None,
    cc: str = "",
    without: str = "",
    by: str = "bo",
    extra: str = "",
    within: str = "",
) -> EmailMessage:
    """A mail of Bo's own, or of somebody else's, logged in, in whatever thread."""
    assert to is not None
    message = EmailMessage(policy=email.policy.SMTP)
    fields = {
        "From": f"{by}@corp.example",
        "To": to,
        "Cc": cc,
        "Subject": subject,
        "Date": at if isinstance(at, str) else format_datetime(at or datetime.now(UTC)),
        "Message-ID": f"<{secrets.token_hex(8)}@corp.example>",
        "In-Reply-To": answers,
        "References": within,
        "Auto-Submitted": extra,
    }
    for name, value in fields.items():
        if value and name != without:
            message[name] = value
    message.set_content(text)
    await send(world, message, to, by)
    return message


async def send(world: World, message: EmailMessage, to: str, by: str = "bo") -> None:
    sender = f"{by}@corp.example"
    await world.transport(sender).send(bytes(message), sender=sender, recipients=[to])


async def fresh_card(world: World) -> Letter:
    """The card that Bo gets instead, once his mail was read as a comment."""
    letter = await world.next_mail("bo", about="not counted as a decision")
    assert "not counted as a decision" in letter.text
    return letter


async def is_open(world: World, record: RequestRecord) -> bool:
    after = await world.request(record.request.id)
    return after.state == "open" and after.votes == () and world.workshop.effects == []


async def is_frozen_no_longer(world: World, record: RequestRecord) -> bool:
    return (await world.request(record.request.id)).frozen is None


async def approved(world: World, record: RequestRecord) -> None:
    await until(lambda: world.workshop.effects, what="the bell is pressed")
    assert (await world.request(record.request.id)).state == "approved"


def raw_of(world: World, letter: Letter, person: str = "bo") -> str:
    """The mail as it lies in somebody's mailbox, headers and all."""
    folder = world.mail.folder(f"{person}@corp.example")
    raw = (path.read_text() for path in every_mail(folder))
    return next(each for each in raw if letter.message_id in each)


def button(world: World, letter: Letter, label: str = "Approve by mail", person: str = "bo") -> str:
    """The sentence that a button of the mail's HTML writes."""
    page = email.message_from_string(raw_of(world, letter, person), policy=email.policy.default).get_body(("html",))
    assert page is not None
    link = re.search(rf'href="mailto:[^"]*body=([^"]*)"[^>]*>{re.escape(label)}</a>', page.get_content())
    assert link is not None
    return unquote(link[1].replace("&amp;", "&"))


async def test_a_word_of_consent_to_another_mail_that_was_sent_to_the_cards_address_approves_nothing(
    world: World,
) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, "Sounds good!\n\nOn Tue, Mar 3, 2026 at 9:55 AM Mallory wrote:\n\n> Lunch?\n")

    again = await fresh_card(world)
    assert "its subject is not that of the card" in again.text
    assert again.reply_to != card.reply_to
    assert await is_open(world, record)

    await world.reply("bo", again, "approve")
    await approved(world, record)


async def test_an_old_mail_that_is_sent_again_to_the_cards_address_approves_nothing(world: World) -> None:
    record, card = await card_for(world)

    await write(
        world,
        card.reply_to,
        "Sounds good!",
        f"Re: {card.subject}",
        card.message_id,
        datetime.now(UTC) - timedelta(hours=2),
    )

    assert "it was written before the card was sent" in (await fresh_card(world)).text
    assert await is_open(world, record)


@pytest.mark.parametrize(
    ("change", "why"),
    few_of(
        [
            ({"subject": "Re: something else"}, "its subject is not that of the card"),
            ({"answers": "<other@corp.example>"}, "it answers another mail, and does not quote the card"),
            ({"answers": ""}, "it answers another mail, and does not quote the card"),
            ({"at": datetime.now(UTC) + timedelta(hours=2)}, "later than it arrived"),
            ({"without": "Date"}, "it has not exactly one Date"),
            ({"without": "Subject"}, "it has not exactly one Subject"),
            ({"without": "Message-ID"}, "it has not exactly one Message-Id"),
            (
                {"text": "approve\n\nOn 3 Mar 2026 at 9:55, Eve wrote:\n\n> Is the draft fine?\n"},
                "it quotes something else",
            ),
            (
                {
                    "text": "Sounds good!\n\n{eve}Lunch at noon?\n\n"
                    "From: sayso\nSent: Monday, 2 March 2026 9:55\nTo: Bo\n"
                    "Subject: x\n\n{whole}",
                    "answers": "",
                },
                "it quotes more than the card",
            ),
            ({"text": "Sounds good!\n\n> Lunch at noon?\n>\n{quote}"}, "it quotes more than the card"),
            (
                {
                    "text": "Sounds good!\n\nOn 3 Mar 2026 at 9:55, Anna <anna@corp.example> wrote:\n\n{quote}",
                    "answers": "<x@corp.example>",
                },
                "nothing shows that the mail it quotes is ours",
            ),
            (
                {
                    "text": "approve\n\nFrom: Eve\nSent: Tuesday, 3 March 2026 9:55\nTo: Bo\nSubject: Draft\n\n"
                    "Is it fine?\n"
                },
                "it quotes something else",
            ),
            (
                {
                    "text": "Sounds good!\n\nFrom: sayso <sayso@sayso.example> On Behalf Of Anna Ames\n"
                    "Sent: Tuesday, March 3, 2026 1:00 PM\nTo: Bo Berg\nSubject: x\n\n{whole}",
                    "answers": "<x@corp.example>",
                },
                "nothing shows that the mail it quotes is ours",
            ),
        ],
        0,
        10,
        11,
        12,
        rows=True,
    ),
)
async def test_a_mail_that_does_not_show_that_it_is_about_the_card_is_a_comment(
    world: World, change: dict[str, Any], why: str
) -> None:
    record, card = await card_for(world)
    genuine: dict[str, Any] = {"text": "approve", "subject": f"Re: {card.subject}", "answers": card.message_id}

    quote = "\n".join(f"> {line}" for line in card.text.split("\n"))
    changed = {**genuine, **change}
    eve = "From: Eve\nSent: Tuesday, 3 March 2026 9:55\nTo: Bo\nSubject: x\n\n"
    changed["text"] = changed["text"].format(quote=quote, whole=card.text, eve=eve)
    await write(world, card.reply_to, **changed)

    assert why in (await fresh_card(world)).text
    assert await is_open(world, record)


@pytest.mark.parametrize(
    "change",
    few_of(
        [
            {},
            {"subject": "AW: [EXTERNAL] {}"},
            {"text": "approve\n\nOn 3 Mar 2026 at 9:55, {us} wrote:\n\n{quote}", "answers": "<0102018f@ses.example>"},
            {"text": "approve\n\nOn 3 Mar 2026 at 9:55, {us} wrote:\n\n{quote}", "answers": ""},
            {
                "text": "approve\n\nFrom: {us}\nSent: Tuesday, 3 March 2026 9:55\nTo: Bo\nSubject: {}\n\n{whole}",
                "answers": "",
            },
        ],
        0,
        4,
    ),
)
async def test_a_mail_that_names_the_card_approves_it_as_real_mail_programs_write_it(
    world: World, change: dict[str, str]
) -> None:
    record, card = await card_for(world)
    genuine = {"text": "approve", "subject": "Re: {}", "answers": card.message_id, **change}
    quote = "\n".join(f"> {line}" for line in card.text.split("\n"))

    text, subject, answers = (
        genuine[name].format(card.subject, quote=quote, whole=card.text, us="sayso <sayso@sayso.example>")
        for name in ("text", "subject", "answers")
    )
    await write(world, card.reply_to, text, subject, answers)

    await approved(world, record)


async def test_a_mail_dated_in_universal_time_without_a_zone_of_its_own_approves(world: World) -> None:
    record, card = await card_for(world)
    at = format_datetime(datetime.now(UTC)).replace("+0000", "-0000")  # RFC 5322, 3.3

    await write(world, card.reply_to, "approve", f"Re: {card.subject}", card.message_id, at=at)

    await approved(world, record)


async def test_words_of_ones_own_inside_or_below_a_quote_without_marks_make_it_a_comment(world: World) -> None:
    record, card = await card_for(world)
    header = "From: sayso\nSent: Tuesday, 3 March 2026 9:55\nTo: Bo\nSubject: Press bell?\n\n"

    await world.reply("bo", card, "")
    for text in (f"{card.text}\nthe blue one\n", card.text.replace("\n\n", "\nthe blue one\n\n", 1)):
        await write(world, card.reply_to, f"approve\n\n{header}{text}", f"Re: {card.subject}", card.message_id)

    await until(lambda: len(noted_in(world)) >= 1, what="something is noted")
    assert await is_open(world, record)


@pytest.mark.parametrize(
    "below", ["--\nwithout the migration", "\nEnvoyé de mon iPhone sauf prod", "\nSent from my iPhone on Monday"]
)
async def test_attack_a_condition_that_passes_for_a_signature_or_a_phones_footer_leaves_a_yes_without_it(
    world: World, below: str
) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, f"approve\n{below}", f"Re: {card.subject}", card.message_id)

    await fresh_card(world)
    assert await is_open(world, record)


def noted_in(world: World) -> list[Letter]:
    return [
        mail
        for mail in world.mails("bo")
        if "not counted as a decision" in mail.text or "answer was empty" in mail.text
    ]


async def asks_beside(world: World, by: str) -> tuple[RequestRecord, Letter]:
    """A request on whose newest card for Bo a question of Anna's stands: as an answer to him, or as a remark."""
    record, card = await card_for(world)
    if by == "an answer":
        await world.reply("bo", card, "Is the backup done?")
        asked = await world.next_mail("anna", about="Is the backup done?")
        await world.reply("anna", asked, "Not yet. Shall I do that first?")
    else:
        await world.decide("anna", record, "free_text", "Shall I do that first?", channel="email")
    return record, await world.next_mail("bo", about="Shall I do that first?")


@pytest.mark.parametrize("by", ["an answer", "a remark"])
@pytest.mark.parametrize("words", few_of(["Yes", "Sounds good!", "Ja, gerne", "👍", "Go ahead"], 0))
async def test_attack_a_yes_to_a_question_that_stands_on_the_card_approves_nothing(
    world: World, by: str, words: str
) -> None:
    record, card = await asks_beside(world, by)

    await world.reply("bo", card, words)

    told = await world.next_mail("bo", about="a yes may be about that")
    assert "a yes may be about that: to approve, use the word approve" in " ".join(told.text.split())
    assert (await world.request(record.request.id)).state == "open"
    assert world.workshop.effects == []

    await world.reply("bo", card, "Yes, approved")
    await approved(world, record)


@pytest.mark.parametrize("below", ["", "> Who decides: you or Cy Cole\n"])
async def test_attack_an_approved_below_the_quoted_question_of_whoever_asked_approves_nothing(
    world: World, below: str
) -> None:
    record, card = await asks_beside(world, "an answer")
    [asked] = [line for line in card.text.split("\n") if line.startswith("Answer by Anna Ames")]
    text = f"> {asked}\n\nApproved.\n\n{below}"

    await write(world, card.reply_to, text, f"Re: {card.subject}", card.message_id)

    await world.next_mail("bo", about="above all that is quoted")
    assert await is_open(world, record)


async def test_whoever_answers_the_notice_that_asks_for_the_word_is_sent_to_the_card(world: World) -> None:
    record, card = await asks_beside(world, "an answer")
    await world.reply("bo", card, "Yes")
    notice = await world.next_mail("bo", about="to approve, use the word approve")
    assert "newest card that you got can still be answered, and this mail can not" in " ".join(notice.text.split())

    await world.reply("bo", notice, "approve")

    told = await world.next_mail("bo", about="About: Press bell?")
    assert "Please answer the newest card that you got" in told.text
    assert "Typed words do not approve this" not in told.text
    assert await is_open(world, record)


@pytest.mark.parametrize("by", ["an answer", "a remark"])
async def test_the_button_of_a_card_with_a_question_on_it_approves(world: World, by: str) -> None:
    record, card = await asks_beside(world, by)

    await write(world, card.reply_to, button(world, card), "anything", "")

    await approved(world, record)


@pytest.mark.parametrize(
    ("words", "told"),
    few_of(
        [
            ("Is the backup done?", "Your question goes to Anna Ames"),
            ("delegate: nobody@corp.example", "It was not handed on"),
            ("let me look first", "not counted as a decision"),
        ],
        0,
        rows=True,
    ),
)
async def test_attack_an_ok_to_what_is_told_of_ones_own_words_approves_nothing(
    world: World, words: str, told: str
) -> None:
    record, card = await card_for(world)
    await world.reply("bo", card, words)

    await world.reply("bo", await world.next_mail("bo", about=told), "Ok, thanks!")

    await world.next_mail("bo", about="a yes may be about that")
    assert (await world.request(record.request.id)).state == "open"
    assert world.workshop.effects == []


async def test_attack_a_sure_to_whoever_hands_it_on_approves_nothing(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        record = await office.opened(await office.trigger("press bell"))
        await office.delegate("bo", record, "cy", "Please take it, I am on the train")
        card = await office.next_mail("cy", about="Please take it, I am on the train")

        await office.reply("cy", card, "Sure!")

        await office.next_mail("cy", about="a yes may be about that")
        assert office.workshop.effects == []

        await office.reply("cy", card, "approve")
        await approved(office, record)


async def test_attack_a_yes_to_the_note_of_whoever_approved_before_approves_nothing(redis: str, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "spending"

    async with a_world(redis, tmp_path / "data", STEPS, change=change) as office:
        record = await office.opened(await office.trigger("press bell"))
        noted = await office.decide("bo", record, "approve", "Shall I order another one?", note_confirmed=True)
        assert isinstance(noted, Counted)
        card = await office.next_mail("eve", about="Shall I order another one?")

        await office.reply("eve", card, "Yes, please!")

        await office.next_mail("eve", about="a yes may be about that")
        assert office.workshop.effects == []

        await office.reply("eve", card, "approve")
        await approved(office, record)


@pytest.mark.parametrize("is_over", [False, True])
async def test_attack_an_ok_to_the_reason_of_a_freeze_approves_nothing(world: World, *, is_over: bool) -> None:
    freezes, dan = world.app.requests.freezes, PersonId("dan")
    await freezes.freeze("", dan, "Demo at three. Is Friday fine?")
    record, card = await card_for(world)
    assert "Is Friday fine?" in card.text
    if is_over:
        await freezes.unfreeze("", dan, "the demo is over")
        await until(lambda: is_frozen_no_longer(world, record), what="it is frozen no longer")

    await world.reply("bo", card, "Yes")

    await world.next_mail("bo", about="a yes may be about that")
    assert await is_open(world, record)


async def test_attack_a_yes_to_a_question_in_the_wish_itself_approves_nothing(world: World) -> None:
    record = await world.opened(await world.trigger("press bell\nShall I tell the neighbours first?"))
    card = await world.next_mail("bo")

    await world.reply("bo", card, "Yes")

    await world.next_mail("bo", about="a yes may be about that")
    assert await is_open(world, record)
    await world.reply("bo", card, "approve")
    await approved(world, record)


@pytest.mark.parametrize("where", ["a fact", "an argument"])
async def test_attack_a_yes_to_what_a_program_asks_beside_approves_nothing(world: World, where: str) -> None:
    asks = "Shall I tell the customer first?"
    body = {"title": "Refund order 5?", "policy": "production", "arguments": {"order": 5}}
    more = {"facts": {"Open": asks}} if where == "a fact" else {"arguments": {"steps": [{"note": asks}]}}
    async with serving(world.app) as api:
        program = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"])
        asked = (await program.post("/v1/requests", json=body | more)).json()
        card = await world.next_mail("bo", about=asks)

        await world.reply("bo", card, "Ja, gerne")

        await world.next_mail("bo", about="a yes may be about that")
        assert (await world.request(asked["id"])).state == "open"
        plain = (await program.post("/v1/requests", json=body)).json()
        await world.reply("bo", await world.next_mail("bo", about=plain["digest"]), "Yes")
        await world.quiet()
        assert (await world.request(plain["id"])).state == "approved"


@pytest.mark.parametrize(
    "title",
    few_of(
        [
            "Delete bucket logs? Or shall I make a backup first?",
            "I would delete bucket logs now. Shall I back it up first?",
            "Bucket logs löschen? Soll ich vorher sichern?",
        ],
        0,
    ),
)
async def test_attack_a_yes_to_one_of_two_questions_in_a_title_approves_nothing(world: World, title: str) -> None:
    body = {"title": title, "policy": "production", "arguments": {"bucket": "logs"}}
    async with serving(world.app) as api:
        program = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"])
        asked = (await program.post("/v1/requests", json=body)).json()

        await world.reply("bo", await world.next_mail("bo"), "Yes")

        again = await world.next_mail("bo", about="a yes may be about that")
        assert (await world.request(asked["id"])).state == "open"
        await world.reply("bo", again, "approve")
        await world.quiet()


async def answer_with(world: World, card: Letter, text: str, calendar: EmailMessage) -> None:
    """Bo's answer to a card as his program writes it, with a calendar in it."""
    assert card.reply_to
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "bo@corp.example", card.reply_to, f"Re: {card.subject}"
    message["Date"], message["Message-ID"] = (
        format_datetime(datetime.now(UTC)),
        f"<{secrets.token_hex(8)}@corp.example>",
    )
    message["In-Reply-To"] = card.message_id
    message.set_content(text)
    message.make_mixed()
    message.attach(calendar)
    await send(world, message, card.reply_to)


def calendar(method: str = "", name: str | None = None) -> EmailMessage:
    part = EmailMessage(policy=email.policy.SMTP)
    part.set_content(f"BEGIN:VCALENDAR\nMETHOD:{method or 'PUBLISH'}\nEND:VCALENDAR", subtype="calendar", filename=name)
    if method:
        part.set_param("method", method)
    return part


@pytest.mark.parametrize(
    ("method", "name"), [("REQUEST", None), ("COUNTER", None), ("REQUEST", "invite.ics"), ("", None)]
)
async def test_attack_an_approval_that_comes_with_an_invitation_approves(
    world: World, method: str, name: str | None
) -> None:
    record, card = await card_for(world)

    await answer_with(world, card, "approve", calendar(method, name))

    async def is_read() -> bool:
        read = await world.request(record.request.id)
        return bool(read.comments or read.votes)

    await until(is_read, what="it is read")
    assert await is_open(world, record)
    assert "it comes with an invitation" in (await fresh_card(world)).text


async def test_an_approval_with_a_calendars_file_beside_it_approves(world: World) -> None:
    record, card = await card_for(world)

    await answer_with(world, card, "approve", calendar(name="outage.ics"))

    await approved(world, record)


async def test_a_denial_counts_though_it_comes_with_an_invitation(world: World) -> None:
    record, card = await card_for(world)

    await answer_with(world, card, "deny", calendar("REQUEST"))

    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "denied"


async def test_a_denial_need_not_name_the_card(world: World) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, "No, stop.", "no", "")

    await until(lambda: world.mails("anna"), what="anna hears of it")
    assert (await world.request(record.request.id)).state == "denied"


async def test_an_old_mail_of_a_requester_that_is_sent_to_anothers_card_stands_on_no_card(world: World) -> None:
    record, card = await card_for(world)

    await write(
        world, card.reply_to, "All tests are green, go ahead", "Re: CI", at=datetime(2026, 1, 1, tzinfo=UTC), by="anna"
    )

    await world.next_mail("anna", about="Press bell?")
    assert (await world.request(record.request.id)).request.remarks == ()


async def test_a_mail_that_a_button_has_written_approves_without_a_thread_and_a_quote(world: World) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, f"{button(world, card)}\n\nSent from my phone\n", "anything", "")

    await approved(world, record)


OUTLOOK = """
Mit freundlichen Grüßen

Bo Berg
[Ein Bild, das Logo enthält.

Automatisch generierte Beschreibung]
Corp GmbH | Hauptweg 12 | 12345 Berlin
bo@corp.example<mailto:bo@corp.example>
Sitz der Gesellschaft: Berlin | Geschäftsführer: Dr. Eva Meier, Cy Cole | Amtsgericht Berlin HRB 12345
"""
OUTLOOK_PAGE = """<p>Mit freundlichen Grüßen</p><p>Bo Berg</p>
<p><img src="cid:image001.png@01D" alt="Ein Bild, das Logo enthält.&#10;&#10;Automatisch generierte Beschreibung"></p>
<p>Corp GmbH | Hauptweg 12 | 12345 Berlin<br><a href="mailto:bo@corp.example">bo@corp.example</a><br>
Sitz der Gesellschaft: Berlin | Geschäftsführer: Dr. Eva Meier, Cy Cole | Amtsgericht Berlin HRB 12345</p>
"""
"""A signature with a logo, which Outlook describes by itself, and with the line that a law wants."""


GMAIL = """
*Bo Berg*
Head of Operations
[image: Corp]
+49 30 1234567 <+49301234567>
www.corp.example <http://www.corp.example>
"""
GMAIL_PAGE = """<p><b>Bo Berg</b></p><div>Head of Operations</div><img src="https://corp.example/logo" alt="Corp">
<div><a href="tel:+49301234567">+49 30 1234567</a></div><a href="http://www.corp.example">www.corp.example</a>
"""
"""A signature without dashes above it, which Gmail's users may turn off, and with a name in bold."""

ONE_LINE = "\nBest regards\nBo Berg | Head of Operations\nT: +49 30 1234567\n"
ONE_LINE_PAGE = "<p>Best regards</p><p>Bo Berg | Head of Operations<br>T: +49 30 1234567</p>"

OF_LAW = OUTLOOK.splitlines()[-1]
ADDED = OUTLOOK[OUTLOOK.index("Bo Berg") :].replace(OF_LAW, f"\n{OF_LAW}")
ADDED_PAGE = f"<table><tr><td>{OUTLOOK_PAGE[OUTLOOK_PAGE.index('<p>Bo Berg') :]}</td></tr></table>"
"""A signature that a server adds, with other empty lines in its two versions."""


async def from_a_program(world: World, card: Letter, text: str, page: str) -> None:
    """Answer `card` as Bo, with a plain text and HTML beside it."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = (
        "Bo Berg <bo@corp.example>",
        card.reply_to,
        f"AW: {card.subject}",
    )
    message["Date"], message["Message-ID"] = format_datetime(datetime.now(UTC)), "<outlook@corp.example>"
    message["In-Reply-To"] = card.message_id
    message.set_content(text)
    message.add_alternative(page, "html")
    await send(world, message, str(card.reply_to))


@pytest.mark.parametrize("way", ["typed", "button"])
@pytest.mark.parametrize(
    ("below", "page"),
    [(OUTLOOK, OUTLOOK_PAGE), (GMAIL, GMAIL_PAGE), (ONE_LINE, ONE_LINE_PAGE), (ADDED, ADDED_PAGE)],
    ids=["logo", "bold", "one-line", "added"],
)
async def test_attack_a_signature_as_a_company_has_it_has_each_approval_asked_back(
    world: World, way: str, below: str, page: str
) -> None:
    record, card = await card_for(world)
    said = "Genehmigt, danke." if way == "typed" else button(world, card)

    await from_a_program(world, card, f"{said}\n{below}", f"<p>{said}</p>{page}")

    await approved(world, record)


@pytest.mark.parametrize("way", ["typed", "button"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OF_LAW, "Sitz: Berlin | Geschäftsführer: Dr. Eva Meier | Vorstand: Ablehnung"),
        (
            OF_LAW,
            "Geschäftsführer: Eva Meier, bitte ruf mich unter 030 1234567 kurz an, Cy sagt etwas ganz anderes dazu",
        ),
        (OF_LAW, "Vorstand: Freeze Production"),
        ("Automatisch generierte Beschreibung", "nur auf Staging"),
        ("Ein Bild, das Logo enthält.", "ABGELEHNT"),
    ],
)
async def test_attack_words_that_hide_in_a_companys_line_or_in_place_of_its_logo_approve(
    world: World, way: str, old: str, new: str
) -> None:
    record, card = await card_for(world)
    said = "Genehmigt, danke." if way == "typed" else button(world, card)

    await from_a_program(
        world, card, f"{said}\n{OUTLOOK.replace(old, new)}", f"<p>{said}</p>{OUTLOOK_PAGE.replace(old, new)}"
    )

    assert "Press bell" in (await world.next_mail("bo")).text
    assert await is_open(world, record)


async def test_a_mail_that_a_button_has_written_answers_a_question_with_that_choice(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0")
    asked = await shop.opened(run_id)
    card = await shop.next_mail("anna")

    sentence = button(shop, card, "Answer by mail: production", "anna")
    await write(shop, card.reply_to, f"{sentence}\n\nSent from my phone\n", "anything", "", by="anna")

    assert (await shop.opened(run_id, after=asked.request.id)).request.title.startswith("Deploy v1.2.0 to production")
    decision = (await shop.request(asked.request.id)).decision
    assert decision is not None
    assert decision.given is not None
    assert decision.given.picks == ("production",)


async def test_a_signature_without_dashes_below_the_number_of_a_choice_is_no_part_of_it(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0")
    asked = await shop.opened(run_id)

    await shop.reply("anna", await shop.next_mail("anna"), f"1\n{ONE_LINE.replace('Bo Berg', 'Anna Ames')}")

    assert (await shop.opened(run_id, after=asked.request.id)).request.title.startswith("Deploy v1.2.0 to production")


@pytest.mark.parametrize("added", few_of(["but only after lunch", "wait", "?"], 0))
async def test_words_that_are_added_to_a_buttons_sentence_are_read(world: World, added: str) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, f"{button(world, card)}\n{added}\n", "anything", "")

    assert "not counted" in (await world.next_mail("bo", about="not counted")).text
    assert await is_open(world, record)


async def test_a_buttons_sentence_with_the_code_of_another_card_approves_nothing(world: World) -> None:
    record, card = await card_for(world)
    _, other = await card_for(world)

    await write(world, card.reply_to, button(world, other), "anything", "")

    await world.next_mail("bo", about="not counted")
    assert await is_open(world, record)


async def test_the_same_mail_along_two_ways_has_one_outcome(world: World) -> None:
    record, card = await card_for(world)
    message = await write(world, card.reply_to, "Sounds good!")
    await fresh_card(world)

    message["X-Spam-Score"] = "0.1"
    assert card.reply_to
    await send(world, message, card.reply_to)
    await world.reply("bo", card, "no")

    await until(lambda: world.mails("anna"), what="the denial behind it was read")
    events = (await world.app.store.load(record.request.run_id)).events
    assert sum(isinstance(event, AnswerNoted) for event in events) == 1


async def test_a_card_whose_address_others_have_seen_approves_no_longer(world: World) -> None:
    record, card = await card_for(world)
    await write(world, card.reply_to, "what is this?", f"Re: {card.subject}", card.message_id, cc="eve@corp.example")
    again = await world.next_mail("bo", about="not counted")

    await world.reply("bo", card, "approve")

    told = await world.next_mail("bo", about="replaced by a newer one")
    assert told.reply_to is None or "+" not in told.reply_to
    assert await is_open(world, record)
    await world.reply("bo", again, "approve")
    await approved(world, record)


async def test_somebody_who_goes_on_commenting_gets_one_card_in_ten_minutes(world: World) -> None:
    record, card = await card_for(world)
    await world.reply("bo", card, "what is this?")
    first = await world.next_mail("bo", about="not counted")

    await world.reply("bo", first, "and why?")

    told = await world.next_mail("bo", about="The newest card that you got can still be answered")
    assert "To approve, reply" not in told.text
    assert await is_open(world, record)
    await world.reply("bo", first, "approve")
    await approved(world, record)


async def test_what_answers_a_card_stands_in_no_event_and_in_no_export(world: World) -> None:
    record, card = await card_for(world)
    assert card.reply_to
    token = card.reply_to.partition("+")[2].partition("@")[0]
    receipt = re.search(r"X-Sayso-Receipt: (\S+)", raw_of(world, card))
    assert receipt is not None
    await write(world, card.reply_to, f"what is {card.reply_to} and {token}?", "Re: x", "")
    await world.next_mail("bo", about="not counted")

    story = b"".join(map(write_event, (await world.app.store.load(record.request.run_id)).events)).decode()

    for secret in (token, receipt[1], card.message_id, token.rpartition("-")[2], receipt[1].rpartition("-")[2]):
        assert secret not in story
    assert len({token, receipt[1], card.message_id}) == 3
    assert token.rpartition("-")[2] != receipt[1].rpartition("-")[2]


BOT = "sayso@sayso.example"


async def asked_by_mail(world: World) -> tuple[RequestRecord, str]:
    """Return what Anna asked for by mail, and the Message-ID of that mail."""
    asked = await write(world, BOT, "press bell", "", "", by="anna")
    await world.next_mail("bo")
    found = await world.app.store.threads.run_of("email", asked["Message-ID"])
    assert found is not None
    return await world.opened(RunId(found)), asked["Message-ID"]


@pytest.mark.parametrize(
    "words", few_of(["cancel", "Stop.", "stop, please do not press it after all", "No, sorry!"], 0)
)
async def test_a_requester_takes_it_back_by_mail_in_the_thread_where_they_asked(world: World, words: str) -> None:
    record, thread = await asked_by_mail(world)

    await write(world, BOT, words, "Re: press bell", thread, by="anna")

    told = await world.next_mail("bo", about="Withdrawn by Anna Ames")
    assert "There is nothing to do" in told.text
    assert "Withdrawn" in (await world.next_mail("anna", about="Withdrawn")).text
    assert (await world.request(record.request.id)).state == "withdrawn"
    assert world.workshop.effects == []


async def test_other_words_of_a_requester_in_that_thread_stand_on_a_new_card(world: World) -> None:
    record, thread = await asked_by_mail(world)

    await write(world, BOT, "it is for the fire drill", "Re: press bell", thread, by="anna")

    again = await world.next_mail("bo", about="it is for the fire drill")
    assert "Anna Ames wrote after you were asked" in again.text
    assert "Your words are on the card now" in (await world.next_mail("anna", about="Your words")).text
    assert (await world.request(record.request.id)).request.revision == 2
    await world.reply("bo", again, "approve")
    await approved(world, record)


async def asked_in_thread(world: World, wish: str, person: str) -> tuple[RequestRecord, str]:
    """Return what the run asks `person` that Anna began by mail, and the Message-ID of that mail."""
    began = await write(world, BOT, wish, "", "", by="anna")
    await world.next_mail(person)
    found = await world.app.store.threads.run_of("email", began["Message-ID"])
    assert found is not None
    return await world.opened(RunId(found)), began["Message-ID"]


async def test_attack_a_yes_to_a_mail_about_lunch_in_the_thread_of_a_run_answers_no_question_of_it(
    world: World,
) -> None:
    record, thread = await asked_in_thread(world, "ask-of person:bo yes_no Did the bell ring?", "bo")
    lunch = "<lunch@corp.example>"

    await write(world, BOT, "yes", "Re: Lunch?", lunch, within=f"{thread} {lunch}")

    told = await world.next_mail("bo", about="not counted as an answer")
    assert "it answers another mail, and does not quote the card" in told.text
    assert "denial" not in told.text
    assert "The newest card that you got can still be answered" in told.text
    assert (await world.request(record.request.id)).state == "open"


async def test_attack_an_old_mail_that_is_sent_again_into_the_thread_of_a_run_answers_no_question_of_it(
    world: World,
) -> None:
    record, thread = await asked_in_thread(world, "ask yes_no Did the bell ring?", "anna")
    before = datetime.now(UTC) - timedelta(days=30)

    await write(world, BOT, "yes", "Re: Lunch?", "<lunch@corp.example>", before, by="anna", within=thread)

    assert "within the last hour" in (await world.next_mail("anna", about="not counted as an answer")).text
    assert (await world.request(record.request.id)).state == "open"


SIGNED = "\n\nAnna Ames\nHead of Operations\nT: +44 20 1234567"


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("yes_no Did the bell ring?", "yes", "yes"),
        ("yes_no Did the bell ring?", f"yes{SIGNED}", "yes"),
        ("choice Which bell? | gate, tower", f"tower{SIGNED}", "tower"),
        ("free_text Whom shall they call?", f"My new number:{SIGNED}", f"My new number:{SIGNED}"),
    ],
)
async def test_whoever_asked_answers_a_question_of_their_run_in_its_thread(
    world: World, question: str, text: str, answer: str
) -> None:
    record, thread = await asked_in_thread(world, f"ask {question}", "anna")

    await write(world, BOT, text, "Re: Lunch?", thread, by="anna")

    assert await world.summary(record.request.run_id) == f"done: answered: {answer}"


@pytest.mark.parametrize(
    "text",
    few_of(
        [
            (
                "---------- Forwarded message ---------\nFrom: Eve <eve@shop.example>\nDate: Tue\nSubject: x\n\n"
                "press bell\n"
            ),
            "press bell\n",
        ],
        0,
    ),
)
async def test_a_wish_in_a_forwarded_mail_is_not_the_forwarders(world: World, text: str) -> None:
    await write(world, BOT, text, "Fwd: press bell", "", by="anna")

    told = await world.next_mail("anna", about="it was forwarded")

    assert "write what you want in words of your own" in told.text
    assert await world.app.store.lists.requests(only_open=False) == []


async def test_a_no_to_the_mail_that_closes_a_card_takes_the_approval_back(world: World) -> None:
    record, _ = await card_for(world)
    await world.steer(record.request.run_id, "pause")
    await world.reply("cy", await world.next_mail("cy"), "approve")
    closed = await world.next_mail("bo", about="Cy Cole approved")

    await world.reply("bo", closed, "thanks!")
    await world.reply("bo", closed, "Stop!")

    await world.next_mail("bo", about="taken back")
    assert (await world.request(record.request.id)).state == "revoked"
    assert world.workshop.effects == []


async def test_whoever_answers_late_is_promised_no_card_that_can_still_be_answered(world: World) -> None:
    record, card = await card_for(world)
    await world.reply("bo", card, "what is this?")
    again = await world.next_mail("bo", about="not counted")
    await world.reply("bo", again, "approve")
    await approved(world, record)

    await world.reply("bo", card, "approve")

    late = await world.next_mail("bo", about="Already decided")
    assert "can still be answered" not in late.text
