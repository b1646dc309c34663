"""Operators freeze and unfreeze by a message of nothing else, from wherever they are."""

import re
import secrets
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from agents.requests import PersonId
from bot.requests.freezes import FrozenRequests
from channels import Trigger
from channels.email.local.letters import Letter
from tests.bot.cli.shell import sayso
from tests.fakes.hallway import Hallway
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.console import sent as filled
from tests.stories.mail.test_consent import button

TO = "sayso@sayso.example"
THREAD = "C01OPS/1712345678.000100"
OPERATOR = f'{TOML}\n[roles]\noperator = ["person:cy"]\n'
TOLD = "Freeze"


pytestmark = opens(OPERATOR)


def a_mail(
    world: World, person: str, text: str, *, to: str = TO, subject: str = "Incident", has_date: bool = True
) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = world.address(person), to, f"<{secrets.token_hex(8)}@corp.example>"
    mail["Subject"] = subject
    if has_date:
        mail["Date"] = world.date(world.about_now())
    mail.set_content(text)
    return mail


async def sent(world: World, mail: EmailMessage) -> str:
    """Send it as whoever wrote it; what they are told."""
    who = mail["From"]
    await world.transport(who).send(bytes(mail), sender=who, recipients=[TO])
    return words(await world.next_mail(who.partition("@")[0], about=TOLD))


async def unanswered(world: World, mail: EmailMessage) -> None:
    """Send it, as words that are no order."""
    await world.transport(mail["From"]).send(bytes(mail), sender=mail["From"], recipients=[TO])
    await world.quiet()


async def ended_by(world: World, mail: EmailMessage) -> str:
    """Send it, and what it is asked back for; what its writer is told then."""
    asked = re.search(r"nothing but (.+?), within an hour", await sent(world, mail))
    assert asked
    await world.move_time(1)  # of two mails of one second the other may be a copy
    person = mail["From"].partition("@")[0]
    return await sent(world, a_mail(world, person, asked[1], to=mail["To"], subject="Unfreeze"))


def again(mail: EmailMessage) -> EmailMessage:
    """A copy, with another of a field that a signature may leave out."""
    del mail["Message-ID"]
    mail["Message-ID"] = f"<{secrets.token_hex(8)}@corp.example>"
    return mail


def told_of(world: World) -> int:
    """How often Cy was told."""
    return sum(one.subject == TOLD for one in world.mails("cy"))


async def write(world: World, person: str, text: str) -> str:
    return await sent(world, a_mail(world, person, text))


def words(letter: Letter) -> str:
    return " ".join(letter.text.split())


def freezes_of(world: World) -> FrozenRequests:
    return world.app.requests.freezes


async def frozen(world: World) -> list[tuple[str, str, str]]:
    return [(one.environment, one.by or "", one.reason) for one in await freezes_of(world).all()]


async def test_an_operator_and_whoever_hears_alerts_freeze_by_mail_and_end_it_by_mail(world: World) -> None:
    told = await write(world, "cy", "freeze production: incident 4711")

    assert "production: Frozen since" in told
    assert "unfreeze production: REASON, and confirm it" in told
    assert await frozen(world) == [("production", "cy", "incident 4711")]
    await write(world, "dan", "Freeze everything: the payment provider is down")
    assert await frozen(world) == [
        ("", "dan", "the payment provider is down"),
        ("production", "cy", "incident 4711"),
    ]
    assert await world.app.store.lists.runs() == []
    told = await ended_by(world, a_mail(world, "cy", "unfreeze production: fixed", subject="Unfreeze"))
    assert "That freeze of production is over. Still frozen: Everything: Frozen since" in told
    assert "no longer frozen" not in told
    await world.move_time(1)
    told = await ended_by(world, a_mail(world, "cy", "unfreeze everything: fixed", subject="Unfreeze"))
    assert "Everything is no longer frozen." in told
    assert await frozen(world) == []


async def test_attack_a_typed_reason_of_whatever_words_ends_no_freeze_before_its_writer_says_so_once_more(
    world: World,
) -> None:
    """Nobody tells each objection from a reason; nor is anybody's word, an old one or one for two the confirmation."""
    await write(world, "cy", "freeze production: incident 4711")
    held = await frozen(world)

    await sent(world, a_mail(world, "cy", "unfreeze production: fixed\nunfreeze production", subject="Unfreeze"))
    assert await frozen(world) == held
    for text in ("the board has the last word: the fix is in", "fixed says the vendor", "fixed"):
        await world.move_time(1)
        told = await sent(world, a_mail(world, "cy", f"unfreeze production: {text}", subject="Unfreeze"))
        assert "Nothing is unfrozen yet" in told, text
    told = await sent(world, a_mail(world, "dan", "unfreeze production", subject="Unfreeze"))
    assert "you gave no reason" in told
    told = await sent(world, a_mail(world, "anna", "unfreeze production", subject="Unfreeze"))
    assert "operator" in told
    assert await frozen(world) == held
    await world.move_time(1)
    await ended_by(world, a_mail(world, "dan", "unfreeze production: fixed", subject="Unfreeze"))
    await write(world, "dan", "freeze production: another one")
    held = await frozen(world)
    await unanswered(world, a_mail(world, "cy", "unfreeze production", subject="Unfreeze"))

    assert await frozen(world) == held


async def test_attack_a_confirmation_and_a_button_from_before_a_freeze_was_said_again_end_nothing(
    world: World,
) -> None:
    """Whoever said it once more meant what was asked and shown before to hold no longer."""
    await write(world, "cy", "freeze production: incident 4711")
    async with a_console(world) as console:
        page = await (browser := await console.browser("cy")).get("/live")
        await sent(world, a_mail(world, "cy", "unfreeze production: fixed", subject="Unfreeze"))
        await world.move_time(2)
        assert "said again" in await write(world, "dan", "freeze production: it is back")
        pressed = await browser.post(*filled(page.form("/live/unfreeze"), reason="fixed"))
        told = (await browser.get(pressed.headers["location"])).words
        assert await frozen(world) == [("production", "cy", "incident 4711")]
        await world.move_time(2)
        late = a_mail(world, "cy", "unfreeze production", subject="Unfreeze")
        await world.transport(late["From"]).send(bytes(late), sender=late["From"], recipients=[TO])
        await world.quiet()
        assert await frozen(world) == [("production", "cy", "incident 4711")]

        await world.move_time(2)
        asked = await sent(world, a_mail(world, "cy", "unfreeze production: fixed", subject="Unfreeze"))
        assert all("by Dan Dorn: “it is back”" in words_told for words_told in (told, asked))
        await browser.post(*filled((await browser.get("/live")).form("/live/unfreeze"), reason="fixed"))
        assert await frozen(world) == []
        await world.move_time(2)
        await write(world, "dan", "freeze production: another one")
        await browser.post(*filled(page.form("/live/unfreeze"), reason="fixed"))
        assert await frozen(world) == [("production", "dan", "another one")]


ENVIRONMENT = """
[deploy.environments.production]
policy = "production"
repo = "."
command = ["true"]
live = ["true"]
"""


in_shop = opens(OPERATOR + ENVIRONMENT + ENVIRONMENT.replace("production]", "staging]"))
"""An office with the environments production and staging."""


@in_shop
async def test_attack_a_freeze_without_a_reason_or_a_colon_freezes_at_once(world: World) -> None:
    for subject, text, reasons in (
        ("freeze production", "Best,\nCy\n", {"production": ""}),
        ("Incident", "Hi,\n\nplease freeze production now!\n\nBest,\nCy\n", {"production": ""}),
        ("Incident", "freeze production incident 4711", {"production": "incident 4711"}),
        ("Incident", "freeze production and staging: it burns", {"production": "it burns", "staging": "it burns"}),
        (
            "Incident",
            "freeze production, staging now because it burns",
            {"production": "it burns", "staging": "it burns"},
        ),
    ):
        told = await sent(world, a_mail(world, "cy", text, subject=subject))

        assert {one.environment: one.reason for one in await freezes_of(world).all()} == reasons, text
        assert all(f"by Cy Cole: {f'“{why}”' if why else 'no reason given'}" in told for why in reasons.values())
        for place in reasons:
            await freezes_of(world).unfreeze(place, PersonId("cy"), "", proof=None)
        await world.move_time(1)  # of two mails of one second the other may be a copy
    assert await world.app.store.lists.runs() == []
    await unanswered(world, a_mail(world, "anna", "freeze production incident 4711"))
    assert len(await world.app.store.lists.runs()) == 1, "such a sentence of somebody who may not is a wish"


async def test_an_answer_to_the_notice_ends_it_as_the_notice_says_and_approves_nothing_of_what_it_held(
    world: World,
) -> None:
    await write(world, "cy", "freeze everything: incident 4711")
    notice, record = world.mails("cy")[-1], await world.opened(await world.trigger("press bell"))

    await world.reply("cy", notice, "unfreeze everything: fixed")
    asked = await world.next_mail("cy", about="Nothing is unfrozen yet")
    await world.move_time(1)
    await world.reply("cy", asked, "unfreeze everything")

    assert "Everything is no longer frozen." in words(await world.next_mail("cy", about=TOLD))
    assert await frozen(world) == []
    assert (await world.request(record.request.id)).state == "open"
    assert world.workshop.effects == []


async def test_an_answer_to_a_card_freezes_and_ends_nothing(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("cy")

    await world.reply("cy", card, "freeze production: incident 4711")

    assert "production: Frozen since" in words(await world.next_mail("cy", about=TOLD))
    await world.reply("cy", card, "unfreeze production: fixed")
    assert "proves too little for that (it answers a request)" in words(await world.next_mail("cy", about=TOLD))
    assert await frozen(world) == [("production", "cy", "incident 4711")]
    assert (await world.request(record.request.id)).request.remarks == ()


async def test_attack_a_denial_that_also_freezes_denies_and_freezes_and_a_link_that_outlook_writes_twice_loses_neither(
    world: World,
) -> None:
    for text, state in (("deny and freeze everything", "denied"), ("freeze everything: incident 4711", "open")):
        record = await world.opened(await world.trigger("press bell"))
        card = await world.next_mail("cy", about=record.request.id)
        mail = a_mail(world, "cy", f"{text}\n\nCy Cole\nCorp<http://www.corp.example>\n", to=card.reply_to or "")
        signed = 'Cy Cole<br><a href="http://www.corp.example">Corp</a>'
        mail.add_alternative(f"<html><body><p>{text}</p><p>{signed}</p></body></html>", subtype="html")

        await world.transport(mail["From"]).send(bytes(mail), sender=mail["From"], recipients=[TO])
        await world.quiet()

        assert [one.environment for one in await freezes_of(world).all()] == [""]
        assert (await world.request(record.request.id)).state == state
        await freezes_of(world).unfreeze("", PersonId("cy"), "", proof=None)
        await world.move_time(1)


async def test_attack_a_freeze_below_the_sentence_of_a_button_that_approves_is_lost(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("cy")
    text = f"{button(world, card, person='cy')}\n\nfreeze production: incident 4711\n"

    told = await sent(world, a_mail(world, "cy", text, to=card.reply_to or "", subject=f"Re: {card.subject}"))

    assert "production: Frozen since" in told
    assert await frozen(world) == [("production", "cy", "incident 4711")]
    assert (await world.request(record.request.id)).state == "open"


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_freeze_typed_in_the_thread_of_a_run_to_nobody_is_words_alone(
    world: World, hallway: Hallway
) -> None:
    inbox = world.app.messages.inbox
    run = world.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", "press bell", THREAD)))
    await world.opened(run)

    for person, told, holds in (("bo", "operator", []), ("cy", "Frozen since", [("", "cy", "incident 4711")])):
        for text in ("freeze everything: incident 4711", "unfreeze everything: fixed", "freeze the thing"):
            await inbox.handle(await inbox.accept(hallway.follows(person, text, THREAD)))

        assert await frozen(world) == holds
        await until(lambda who=person, words=told: hallway.to(who, words), what="its writer hears of it")


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_message_that_quotes_others_freezes(world: World, hallway: Hallway) -> None:
    said = Trigger(person="cy", text="freeze everything: incident 4711", thread=THREAD, others=("bo",))

    await world.app.messages.inbox.handle(await world.app.messages.inbox.accept(hallway.item(said, begins=THREAD)))

    assert await frozen(world) == []


async def test_attack_no_mail_that_is_old_a_copy_to_somebody_else_or_without_a_date_ends_a_freeze(
    world: World,
) -> None:
    def ends(**how: Any) -> EmailMessage:
        return a_mail(world, "cy", "unfreeze production: fixed", subject="Freeze", **how)

    held_up, came_first = ends(), ends(to="bo@corp.example")
    await world.move_time(300)
    await write(world, "cy", "freeze production: the first")
    copied_to_us = ends(to="bo@corp.example")
    copied_to_us["Cc"] = TO
    for mail, why in (
        (held_up, "A freeze began, or was said again, after what you saw or wrote."),
        (came_first, "its To does not name sayso"),
        (copied_to_us, "its To does not name sayso"),
        (ends(has_date=False), "your mail proves too little for that"),
    ):
        assert why in await sent(world, mail)
        assert await frozen(world) == [("production", "cy", "the first")]

    await world.move_time(1)
    once = ends()
    await ended_by(world, once)
    await write(world, "cy", "freeze production: the second")
    assert "the same mail came before" in await sent(world, again(once))
    for name in ("Subject", "Date"):
        value = str(once[name])
        blanks = f"{' ' * 900}\r\n{' ' * 900}"
        raw = bytes(again(once)).replace(f"{name}: ".encode(), f"{name}:{blanks}".encode())
        raw = raw.replace(value.encode(), value.replace(" ", f"{' ' * 90}\r\n ").encode())
        await world.transport(once["From"]).send(raw, sender=once["From"], recipients=[TO])
        assert "the same mail came before" in words(await world.next_mail("cy", about=TOLD)), name
    assert await frozen(world) == [("production", "cy", "the second")]


async def test_attack_a_mail_that_is_sent_over_and_over_is_answered_some_thirty_times(world: World) -> None:
    mail = a_mail(world, "cy", "freeze production: incident 4711")
    for _ in range(32):
        await world.transport(mail["From"]).send(bytes(again(mail)), sender=mail["From"], recipients=[TO])

    await sent(world, a_mail(world, "dan", "freeze everything: two at once"))
    await until(lambda: told_of(world) >= 31, what="thirty answers")
    await world.quiet()
    assert told_of(world) == 31  # the first was no copy


async def test_attack_a_date_at_the_end_of_time_keeps_no_freeze_from_beginning(world: World) -> None:
    mail = a_mail(world, "cy", "freeze production: incident 4711", has_date=False)
    mail["Date"] = "Fri, 31 Dec 9999 23:59:59 +0000"

    told = await sent(world, mail)

    assert "production: Frozen since" in told
    assert await frozen(world) == [("production", "cy", "incident 4711")]
    ends = a_mail(world, "cy", "unfreeze production: fixed", subject="Unfreeze", has_date=False)
    ends["Date"] = mail["Date"]
    await sent(world, ends)
    assert len(await frozen(world)) == 1
    assert await world.dead() == []


@in_shop
async def test_a_page_a_terminal_and_a_program_freeze_without_a_reason(world: World) -> None:
    async with a_console(world) as console:
        cy = await console.browser("cy")
        form = (await cy.get("/live")).form("/live/freeze")
        await cy.post("/live/freeze", dict(form.fields) | {"environment": "production", "reason": ""})
        shown = (await cy.get("/live")).words
        program = await (await console.api.client("cy", "admin")).post("/v1/freeze", json={"environment": "staging"})
    typed = await sayso(world, "freeze", "--as", "cy")

    assert "production: Frozen since" in shown
    assert all("by Cy Cole: no reason given" in told for told in (shown, program.json()["told"], typed.out))
    assert await frozen(world) == [("", "cy", ""), ("production", "cy", ""), ("staging", "cy", "")]


@pytest.mark.parametrize(
    "text",
    [
        "freeze production; freeze staging",
        "freeze production. Then freeze staging.",
        "freeze production, then staging",
        "freeze production (and staging)",
        "freeze production, stagng and staging: incident",
    ],
)
async def test_attack_a_second_freeze_in_one_line_is_lost_as_the_reason_of_the_first_and_nobody_told(
    shop: World, text: str
) -> None:
    told = await sent(shop, a_mail(shop, "anna", text))

    names = {name for name, _, _ in await frozen(shop)}
    assert names == {"production", "staging"} or "Of staging your message freezes nothing" in told
