"""A mail approves what it visibly is about, and nothing else: whoever knows a token can have other mails sent to it.

What binds a mail to a card, and what is consent, is tested in `tests/channels/email/reply`; which questions a yes may
answer, in `tests/bot/policy/test_answers.py`.
"""

import email.policy
import re
import secrets
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

from agents.events import AnswerNoted, write_event
from agents.requests import PersonId, RunId
from agents.requests.record import RequestRecord
from agents.steps import CallTool, Done
from bot.policy.judgements import Counted
from bot.store.indexes import run_of_thread
from bot.testing import Scripted
from channels.email.local.letters import Letter
from channels.email.local.maildir import every_mail
from tests.kit.clerk import Workshop, clerk
from tests.kit.office import STEPS
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, a_sayso
from tests.servers.web import serving
from tests.stories.test_delegation import SOLO, on_solo

LUNCH = "On Tue, Mar 3, 2026 at 9:55 AM Mallory wrote:\n\n> Lunch?\n"


async def card_for(world: World, person: str = "bo") -> tuple[RequestRecord, Letter]:
    """An open request and the mail that asks `person`."""
    record = await world.opened(await world.trigger("press bell"))
    return record, await world.next_mail(person, about=record.request.digest)


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
        "Date": at if isinstance(at, str) else format_datetime(at) if at else world.date(datetime.now(UTC)),
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


async def approved(world: World, record: RequestRecord) -> None:
    async def is_pressed() -> bool:
        return bool((await world.run(record.request.run_id)).results)

    await until(is_pressed, what="the bell is pressed")
    assert (await world.request(record.request.id)).state == "approved"
    assert world.workshop.effects


def raw_of(world: World, letter: Letter, person: str = "bo") -> str:
    """The mail as it lies in somebody's mailbox, headers and all."""
    folder = world.mail.folder(f"{person}@corp.example")
    raw = (path.read_text() for path in every_mail(folder))
    return next(each for each in raw if letter.message_id in each)


def button(world: World, letter: Letter, label: str = "Approve by email", person: str = "bo") -> str:
    """The sentence that a button of the mail's HTML writes."""
    page = email.message_from_string(raw_of(world, letter, person), policy=email.policy.default).get_body(("html",))
    assert page is not None
    link = re.search(rf'href="mailto:[^"]*body=([^"]*)"[^>]*>{re.escape(label)}</a>', page.get_content())
    assert link is not None
    return unquote(link[1].replace("&amp;", "&"))


async def test_a_word_of_consent_that_is_sent_to_a_cards_address_approves_nothing(
    world: World,
) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, f"Sounds good!\n\n{LUNCH}")

    again = await fresh_card(world)
    assert "its subject is not that of the card" in again.text
    assert again.reply_to != card.reply_to
    await world.reply("bo", card, "approve")
    await world.next_mail("bo", about="replaced by a newer one")
    assert await is_open(world, record)

    await world.reply("bo", again, "approve")
    await approved(world, record)

    world.workshop.effects.clear()
    record, card = await card_for(world)
    await write(world, card.reply_to, "what is this?", f"Re: {card.subject}", card.message_id, cc="eve@corp.example")
    again = await world.next_mail("bo", about="not counted")

    await world.reply("bo", card, "approve")

    told = await world.next_mail("bo", about="replaced by a newer one")
    assert told.reply_to is None or "+" not in told.reply_to
    assert await is_open(world, record)
    await world.reply("bo", again, "approve")
    await approved(world, record)

    world.workshop.effects.clear()
    record, card = await card_for(world)

    await write(
        world, card.reply_to, "All tests are green, go ahead", "Re: CI", at=datetime(2026, 1, 1, tzinfo=UTC), by="anna"
    )

    await world.next_mail("anna", about="Press bell?")
    assert (await world.request(record.request.id)).request.remarks == ()


COMMENTS: list[tuple[dict[str, Any], str]] = [
    ({"at": datetime.now(UTC) - timedelta(hours=2)}, "it was written before the card was sent"),
    ({"at": datetime.now(UTC) + timedelta(hours=2)}, "later than it arrived"),
    ({"answers": "<other@corp.example>"}, "it answers another mail, and does not quote the card"),
    ({"without": "Message-ID"}, "it has not exactly one Message-Id"),
    ({"text": f"approve\n\n{LUNCH}"}, "it quotes something else"),
    ({"text": "Sounds good!\n\n> Lunch at noon?\n>\n{quote}"}, "it quotes more than the card"),
    (
        {
            "text": "Sounds good!\n\nOn 3 Mar 2026 at 9:55, Anna <anna@corp.example> wrote:\n\n{quote}",
            "answers": "<x@corp.example>",
        },
        "nothing shows that the mail it quotes is ours",
    ),
    ({"text": "approve\n--\nwithout the migration"}, ""),
    ({"text": "approve\n---\nJust the small one"}, ""),
    ({"text": "approve\n\nBo Berg\n+49 30 123456\n\nAb 18 Uhr"}, ""),
]


async def test_a_mail_that_does_not_show_that_it_is_about_the_card_is_a_comment(world: World) -> None:
    for change, why in COMMENTS:
        record, card = await card_for(world)
        quote = "\n".join(f"> {line}" for line in card.text.split("\n"))
        changed = {"text": "approve", "subject": f"Re: {card.subject}", "answers": card.message_id, **change}
        changed["text"] = changed["text"].format(quote=quote)

        await write(world, card.reply_to, **changed)

        assert why in (await fresh_card(world)).text, change
        assert await is_open(world, record), change


BELOW = "approve\n\nOn 3 Mar 2026 at 9:55, sayso <sayso@sayso.example> wrote:\n\n{quote}"


async def test_a_mail_that_names_the_card_approves_it_as_real_mail_programs_write_it(world: World) -> None:
    for change in (
        {"subject": "AW: [EXTERNAL] {}", "at": "{now}"},  # RFC 5322, 3.3: a time in UTC without a zone of its own
        {"text": BELOW, "answers": "<0102018f@ses.example>"},
    ):
        record, card = await card_for(world)
        quote = "\n".join(f"> {line}" for line in card.text.split("\n"))
        mail = {"text": "approve", "subject": "Re: {}", "answers": card.message_id, **change}
        now = format_datetime(datetime.now(UTC)).replace("+0000", "-0000")
        filled = {name: text.format(card.subject, quote=quote, now=now) for name, text in mail.items()}

        await write(world, card.reply_to, **filled)

        await approved(world, record)


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


MAY_BE = "a yes may be about that"


async def test_attack_a_yes_to_a_question_that_stands_on_the_card_approves_nothing(world: World) -> None:
    record, card = await asks_beside(world, "a remark")
    await world.reply("bo", card, "Yes")
    notice = await world.next_mail("bo", about=MAY_BE)
    assert f"{MAY_BE}: to approve, use the word approve" in " ".join(notice.text.split())
    assert await is_open(world, record)
    await write(world, card.reply_to, button(world, card), f"Re: {card.subject}", "")
    await approved(world, record)
    world.workshop.effects.clear()

    record, card = await asks_beside(world, "an answer")
    [asked] = [line for line in card.text.split("\n") if line.startswith("Answer by Anna Ames")]
    await write(world, card.reply_to, f"> {asked}\n\nApproved.\n\n", f"Re: {card.subject}", card.message_id)
    await world.next_mail("bo", about="above all that is quoted")
    assert await is_open(world, record)
    await world.reply("bo", card, "Yes")
    notice = await world.next_mail("bo", about=MAY_BE)
    assert "newest card that you got can still be answered, and this mail can not" in " ".join(notice.text.split())
    await world.reply("bo", notice, "approve")
    told = (await world.next_mail("bo", about="Please answer the newest card that you got")).text
    assert "Typed words do not approve this" not in told
    assert await is_open(world, record)
    await world.reply("bo", card, "Yes, approved")
    await approved(world, record)


async def test_attack_an_ok_to_what_is_told_of_ones_own_words_approves_nothing(world: World) -> None:
    for words, told in (
        ("Is the backup done?", "Your question goes to Anna Ames"),
        ("delegate: nobody@corp.example", "It was not handed on"),
        ("let me look first", "not counted as a decision"),
    ):
        record, card = await card_for(world)
        await world.reply("bo", card, words)

        await world.reply("bo", await world.next_mail("bo", about=told), "Ok, thanks!")

        await world.next_mail("bo", about=MAY_BE)
        assert await is_open(world, record), words


@opens(toml=SOLO, change=on_solo)
async def test_attack_a_sure_to_whoever_hands_it_on_approves_nothing(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.delegate("bo", record, "cy", "Please take it, I am on the train")
    card = await world.next_mail("cy", about="Please take it, I am on the train")

    await world.reply("cy", card, "Sure!")

    await world.next_mail("cy", about=MAY_BE)
    assert await is_open(world, record)
    await world.reply("cy", card, "approve")
    await approved(world, record)


def on_spending(world: World) -> None:
    world.workshop.policy_of["bell"] = "spending"


@opens(toml=STEPS, change=on_spending)
async def test_attack_a_yes_to_the_note_of_whoever_approved_before_approves_nothing(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    noted = await world.decide("bo", record, "approve", "Shall I order another one?", note_confirmed=True)
    assert isinstance(noted, Counted)

    await world.reply("eve", await world.next_mail("eve", about="Shall I order another one?"), "Yes, please!")

    await world.next_mail("eve", about=MAY_BE)
    assert (await world.request(record.request.id)).state == "open"


async def test_attack_a_yes_to_the_reason_of_who_denied_the_same_before_approves_nothing() -> None:
    press, workshop = CallTool(tool="press", arguments={"what": "bell"}), Workshop()
    policies = {"production": {"approvers": ["person:bo", "person:cy"], "approve_by_email": True}}
    model = Scripted(press, press, Done(summary="done"))
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=model) as s:
        first = await s.opened(run_id := await s.trigger("press bell"))
        await s.decide("cy", first, "deny", "Let us do it on Friday instead")
        again = await s.opened(run_id, after=first.request.id)

        await s.reply("bo", await s.next_mail("bo", about="on Friday instead"), "Sounds good!")

        await s.quiet()
        assert (await s.request(again.request.id)).state == "open"
        await s.reply("bo", await s.next_mail("bo", about=MAY_BE), "approve")
        await s.ended(run_id)
        assert workshop.effects == ["press bell"]


async def test_attack_an_ok_to_the_reason_of_a_freeze_approves_nothing(world: World) -> None:
    freezes, dan = world.app.requests.freezes, PersonId("dan")
    await freezes.freeze("", dan, "Demo at three. Is Friday fine?", proof=None)
    record, card = await card_for(world)
    assert "Is Friday fine?" in card.text

    await world.reply("bo", card, "Yes")
    await world.next_mail("bo", about=MAY_BE)
    await freezes.unfreeze("", dan, "the demo is over", proof=None)

    async def is_frozen_no_longer() -> bool:
        return (await world.request(record.request.id)).frozen is None

    await until(is_frozen_no_longer, what="it is frozen no longer")
    await world.reply("bo", card, "Yes!")

    await world.next_mail("bo", about=MAY_BE)
    assert await is_open(world, record)


async def test_attack_a_yes_to_what_a_wish_or_a_program_asks_beside_approves_nothing(world: World) -> None:
    asks = "Shall I tell the customer first?"
    in_haste = (
        "Wait for Dan?!",
        "Wait for Dan ⁇",
        "Shall I tell the customer first",
        "Oder soll ich bis Freitag warten",
    )
    for wish in (asks, *in_haste):
        record = await world.opened(await world.trigger(f"press bell\n{wish}"))
        await world.reply("bo", await world.next_mail("bo"), "Yes")
        await world.next_mail("bo", about=MAY_BE)
        assert await is_open(world, record), wish

    body: dict[str, Any] = {"title": "Refund order 5?", "policy": "production", "arguments": {"order": 5}}
    async with serving(world.app) as api:
        program = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"])
        for more in (
            {"facts": {"Open": asks}},
            {"arguments": {"steps": [{"note": asks}]}},
            {"title": f"Refund order 5? {asks}"},
        ):
            asked = (await program.post("/v1/requests", json=body | more)).json()
            await world.reply("bo", await world.next_mail("bo", about=asked["digest"]), "Ja, gerne")
            await world.next_mail("bo", about=MAY_BE)
            assert (await world.request(asked["id"])).state == "open", more

        plain = (await program.post("/v1/requests", json=body)).json()
        await world.reply("bo", await world.next_mail("bo", about=plain["digest"]), "Yes")
        await world.quiet()
        assert (await world.request(plain["id"])).state == "approved"


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


async def test_attack_an_approval_that_comes_with_an_invitation_approves(
    world: World,
) -> None:
    record, card = await card_for(world)

    await answer_with(world, card, "approve", calendar("REQUEST", "invite.ics"))

    assert "it comes with an invitation" in (await fresh_card(world)).text
    assert await is_open(world, record)

    world.workshop.effects.clear()
    record, card = await card_for(world)
    await answer_with(world, card, "approve", calendar(name="outage.ics"))
    await approved(world, record)

    record, card = await card_for(world)
    await answer_with(world, card, "deny", calendar("REQUEST"))
    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "denied"


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

ONE_LINE = "\nBest regards\nBo Berg | Head of Operations\nT: +49 30 1234567\n"


async def from_a_program(world: World, card: Letter, text: str, page: str) -> None:
    """Answer `card` as Bo, with a plain text and HTML beside it."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = (
        "Bo Berg <bo@corp.example>",
        card.reply_to,
        f"AW: {card.subject}",
    )
    message["Date"], message["Message-ID"] = world.date(datetime.now(UTC)), "<outlook@corp.example>"
    message["In-Reply-To"] = card.message_id
    message.set_content(text)
    message.add_alternative(page, "html")
    await send(world, message, str(card.reply_to))


async def test_attack_words_of_no_list_below_dashes_approve_as_a_signature_would(world: World) -> None:
    """Nobody can tell them from a signature, but for whoever has seen that below an earlier mail."""
    below = "\n-- \nJust the small one\n"
    record, card = await card_for(world)
    other, shown = await card_for(world)
    before = world.date(datetime.now(UTC) - timedelta(seconds=5))

    await write(world, card.reply_to, f"approve{below}", f"Re: {card.subject}", card.message_id, before)
    again = await fresh_card(world)
    assert "no earlier mail of this person had" in again.text
    assert "Just the small one" in again.text
    assert await is_open(world, record)

    await write(world, shown.reply_to, f"approve{below}", f"Re: {shown.subject}", shown.message_id, before)
    await world.next_mail("bo", about=other.request.digest)
    assert await is_open(world, other), "it was written before anybody asked what that is"


async def test_a_signature_is_asked_back_once_and_known_from_then_on(world: World) -> None:
    record, card = await card_for(world)
    await from_a_program(world, card, f"Genehmigt, danke.\n{OUTLOOK}", f"<p>Genehmigt, danke.</p>{OUTLOOK_PAGE}")
    again = await fresh_card(world)
    assert "Amtsgericht Berlin" in again.text
    assert await is_open(world, record)

    for way in ("typed", "button"):
        words = "Genehmigt, danke." if way == "typed" else button(world, again)

        await from_a_program(world, again, f"{words}\n{OUTLOOK}", f"<p>{words}</p>{OUTLOOK_PAGE}")

        await approved(world, record)
        world.workshop.effects.clear()
        record, again = await card_for(world)


async def test_attack_words_that_hide_in_a_companys_line_or_in_place_of_its_logo_approve(world: World) -> None:
    for old, new in (
        (OUTLOOK.splitlines()[-1], "Sitz: Berlin | Geschäftsführer: Dr. Eva Meier | Vorstand: Ablehnung"),
        ("Automatisch generierte Beschreibung", "nur auf Staging"),
    ):
        for way in ("typed", "button"):
            record, card = await card_for(world)
            words = "Genehmigt, danke." if way == "typed" else button(world, card)
            plain, page = OUTLOOK.replace(old, new), OUTLOOK_PAGE.replace(old, new)

            await from_a_program(world, card, f"{words}\n{plain}", f"<p>{words}</p>{page}")

            assert "Press bell" in (await world.next_mail("bo")).text
            assert await is_open(world, record), new


async def test_attack_words_that_look_like_a_programs_own_above_a_quote_or_are_marked_as_one_approve(
    world: World,
) -> None:
    outlook = "From: sayso <sayso@sayso.example>\nSent: Tuesday, 3 March 2026 12:00\nTo: Bo Berg\nSubject: Press bell"
    gmail = "On Tue, Mar 3, 2026 at 12:00 PM sayso <sayso@sayso.example> wrote:"
    for number, below in enumerate((
        "The {size} one at 17:00:\n\n> {card}",
        f"On the {{size}} one,\n{gmail}\n> {{card}}",
        f"--- Just the {{size}} one ---\n{outlook}\n\n{{card}}",
        "> only the {size} one",
    )):  # fmt: skip
        for size in ("small", "large"):  # what an earlier mail had is known
            record, card = await card_for(world)
            words = "approve" if size == "small" else button(world, card)
            quote = card.text.replace("\n", "\n> ") if number < 2 else card.text

            text = f"{words}\n\n{below.format(size=size, card=quote)}"
            await write(world, card.reply_to, text, f"Re: {card.subject}", card.message_id)

            await world.next_mail("bo", about=record.request.digest)
            assert await is_open(world, record), text


async def test_attack_a_buttons_sentence_approves_below_a_subject_that_speaks_against_it(world: World) -> None:
    """A button writes the subject, too: what stands there instead is its writer's."""
    for subject in ("NOT YET: only after Cy agrees", "Entwurf, noch nicht genehmigt", "Re: wait"):
        record, card = await card_for(world)

        await write(world, card.reply_to, button(world, card), subject, "")

        again = await fresh_card(world)
        assert "its subject is not that of the card" in " ".join(again.text.split())
        assert await is_open(world, record), subject
    await write(world, again.reply_to, button(world, again), f"Re: {again.subject}", "")
    await approved(world, record)


async def test_a_button_writes_a_sentence_that_counts_by_itself_for_its_own_card_alone(world: World) -> None:
    record, card = await card_for(world)
    for of_another in (True, False):
        other, shown = await card_for(world)
        text = button(world, card) if of_another else f"{button(world, shown)}\nbut only after lunch\n"
        await write(world, shown.reply_to, text, f"Re: {shown.subject}", "")
        await fresh_card(world)
        assert await is_open(world, other)

    await write(world, card.reply_to, f"{button(world, card)}\n\nSent from my phone\n", f"Re: {card.subject}", "")
    await approved(world, record)


async def test_who_goes_on_commenting_gets_one_card_in_ten_minutes_and_one_mail_has_one_outcome(
    world: World,
) -> None:
    record, card = await card_for(world)
    await world.reply("bo", card, "what is this?")
    first = await world.next_mail("bo", about="not counted")

    await world.reply("bo", first, "and why?")

    told = await world.next_mail("bo", about="The newest card that you got can still be answered")
    assert "To approve, reply" not in told.text
    assert await is_open(world, record)
    await world.reply("bo", first, "approve")
    await approved(world, record)

    world.workshop.effects.clear()
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


async def asked_by_mail(world: World, wish: str = "press bell") -> tuple[RequestRecord, str]:
    """Return what the run asks that Anna began by mail, and the Message-ID of that mail."""
    began = await write(world, BOT, wish, "", "", by="anna")

    async def known() -> str | None:
        return await run_of_thread(world.app.store, "email", began["Message-ID"])

    return await world.opened(RunId(await until(known, what="a run began"))), began["Message-ID"]


async def test_what_whoever_asked_writes_in_the_thread_of_their_run_is_heard_there(world: World) -> None:
    record, thread = await asked_by_mail(world)

    await write(world, BOT, "it is for the fire drill", "Re: press bell", thread, by="anna")

    again = await world.next_mail("bo", about="it is for the fire drill")
    assert "Anna Ames wrote after you were asked" in again.text
    assert "Your words are on the card now" in (await world.next_mail("anna", about="Your words")).text
    assert (await world.request(record.request.id)).request.revision == 2
    await world.reply("bo", again, "approve")
    await approved(world, record)

    _, thread = await asked_by_mail(world, "ask yes_no Did the bell ring?")
    await write(world, BOT, f"yes{SIGNED}", "Re: Lunch?", thread, by="anna")
    assert "Head of Operations" in (await world.next_mail("anna", about="no earlier mail of this person had")).text

    world.workshop.effects.clear()
    for question, text, answer in (
        ("yes_no Did the bell ring?", f"yes{SIGNED}", "yes"),
        ("choice Which bell? | gate, tower", f"tower{SIGNED}", "tower"),
        ("free_text Whom shall they call?", f"My new number:{SIGNED}", f"My new number:{SIGNED}"),
    ):
        record, thread = await asked_by_mail(world, f"ask {question}")

        await write(world, BOT, text, "Re: Lunch?", thread, by="anna")

        assert await world.summary(record.request.run_id) == f"done: answered: {answer}"


async def test_attack_an_old_mail_or_one_about_lunch_in_the_thread_of_a_run_answers_its_question(
    world: World,
) -> None:
    record, thread = await asked_by_mail(world, "ask-of person:bo yes_no Did the bell ring?")
    lunch = "<lunch@corp.example>"

    await write(world, BOT, "yes", "Re: Lunch?", lunch, within=f"{thread} {lunch}")

    told = await world.next_mail("bo", about="not counted as an answer")
    assert "it answers another mail, and does not quote the card" in told.text
    assert "denial" not in told.text
    assert "The newest card that you got can still be answered" in told.text
    assert (await world.request(record.request.id)).state == "open"

    world.workshop.effects.clear()
    record, thread = await asked_by_mail(world, "ask yes_no Did the bell ring?")
    before = datetime.now(UTC) - timedelta(days=30)

    await write(world, BOT, "yes", "Re: Lunch?", "<lunch@corp.example>", before, by="anna", within=thread)

    assert "within the last hour" in (await world.next_mail("anna", about="not counted as an answer")).text
    assert (await world.request(record.request.id)).state == "open"


SIGNED = "\n\nAnna Ames\nHead of Operations\nT: +44 20 1234567"


async def test_a_wish_in_a_forwarded_mail_is_not_the_forwarders(world: World) -> None:
    text = "---------- Forwarded message ---------\nFrom: Eve <eve@shop.example>\nDate: Tue\nSubject: x\n\npress bell\n"

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
