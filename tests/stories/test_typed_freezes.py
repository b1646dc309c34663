"""Operators freeze and unfreeze by a message of nothing else, from wherever they are."""

import re
import secrets
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.requests.freezes import FrozenRequests
from channels.email.local.letters import Letter
from tests.bot.cli.shell import sayso
from tests.fakes.hallway import Hallway
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories.mail.test_consent import button

TO = "sayso@sayso.example"
THREAD = "C01OPS/1712345678.000100"
OPERATOR = f'{TOML}\n[roles]\noperator = ["person:cy"]\n'
TOLD = "Freeze"


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", OPERATOR) as world:
        yield world


def a_mail(
    office: World, person: str, text: str, *, to: str = TO, subject: str = "Incident", has_date: bool = True
) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = office.address(person), to, f"<{secrets.token_hex(8)}@corp.example>"
    mail["Subject"] = subject
    if has_date:
        mail["Date"] = format_datetime(office.about_now())
    mail.set_content(text)
    return mail


async def sent(office: World, mail: EmailMessage) -> str:
    """Send it as whoever wrote it; what they are told."""
    who = mail["From"]
    await office.transport(who).send(bytes(mail), sender=who, recipients=[TO])
    return words(await office.next_mail(who.partition("@")[0], about=TOLD))


async def unanswered(office: World, mail: EmailMessage) -> None:
    """Send it, as words that are no order."""
    await office.transport(mail["From"]).send(bytes(mail), sender=mail["From"], recipients=[TO])
    await office.quiet()


async def ended_by(office: World, mail: EmailMessage) -> str:
    """Send it, and what it is asked back for; what its writer is told then."""
    asked = re.search(r"nothing but (.+?), within an hour", await sent(office, mail))
    assert asked
    await office.move_time(1)  # of two mails of one second the other may be a copy
    person = mail["From"].partition("@")[0]
    return await sent(office, a_mail(office, person, asked[1], to=mail["To"], subject="Unfreeze"))


def again(mail: EmailMessage) -> EmailMessage:
    """A copy, with another of a field that a signature may leave out."""
    del mail["Message-ID"]
    mail["Message-ID"] = f"<{secrets.token_hex(8)}@corp.example>"
    return mail


def told_of(office: World) -> int:
    """How often Cy was told."""
    return sum(one.subject == TOLD for one in office.mails("cy"))


async def write(office: World, person: str, text: str) -> str:
    return await sent(office, a_mail(office, person, text))


def words(letter: Letter) -> str:
    return " ".join(letter.text.split())


def freezes_of(office: World) -> FrozenRequests:
    return office.app.requests.freezes


async def frozen(office: World) -> list[tuple[str, str, str]]:
    return [(one.environment, one.by or "", one.reason) for one in await freezes_of(office).all()]


async def test_an_operator_freezes_by_mail_and_ends_it_by_mail(office: World) -> None:
    told = await write(office, "cy", "freeze production: incident 4711")

    assert "production: Frozen since" in told
    assert "unfreeze production: REASON, and confirm it" in told
    assert await frozen(office) == [("production", "cy", "incident 4711")]
    assert await office.app.store.lists.runs() == []
    ended = await ended_by(office, a_mail(office, "cy", "unfreeze production: fixed", subject="Unfreeze"))
    assert "production is no longer frozen." in ended
    assert await frozen(office) == []


async def test_attack_a_typed_reason_of_whatever_words_ends_no_freeze_before_its_writer_says_so_once_more(
    office: World,
) -> None:
    """Nobody tells each objection from a reason; nor is anybody's word, an old one or one for two the confirmation."""
    await write(office, "cy", "freeze production: incident 4711")
    held = await frozen(office)

    await sent(office, a_mail(office, "cy", "unfreeze production: fixed\nunfreeze production", subject="Unfreeze"))
    assert await frozen(office) == held
    for text in ("the board has the last word: the fix is in", "fixed, says the vendor", "fixed"):
        await office.move_time(1)
        told = await sent(office, a_mail(office, "cy", f"unfreeze production: {text}", subject="Unfreeze"))
        assert "Nothing is unfrozen yet" in told, text
    told = await sent(office, a_mail(office, "dan", "unfreeze production", subject="Unfreeze"))
    assert "you gave no reason" in told
    told = await sent(office, a_mail(office, "anna", "unfreeze production", subject="Unfreeze"))
    assert "operator" in told
    assert await frozen(office) == held
    await office.move_time(1)
    await ended_by(office, a_mail(office, "dan", "unfreeze production: fixed", subject="Unfreeze"))
    await write(office, "dan", "freeze production: another one")
    held = await frozen(office)
    await unanswered(office, a_mail(office, "cy", "unfreeze production", subject="Unfreeze"))

    assert await frozen(office) == held


async def test_attack_a_confirmation_and_a_button_from_before_a_freeze_was_said_again_end_nothing(
    office: World,
) -> None:
    """Whoever said it once more meant what was asked and shown before to hold no longer."""
    await write(office, "cy", "freeze production: incident 4711")
    async with a_console(office) as console:
        page = await (browser := await console.browser("cy")).get("/live")
        await sent(office, a_mail(office, "cy", "unfreeze production: fixed", subject="Unfreeze"))
        await office.move_time(2)
        assert "said again" in await write(office, "dan", "freeze production: it is back")
        pressed = await browser.post("/live/unfreeze", page.form("/live/unfreeze").fields)
        told = (await browser.get(pressed.headers["location"])).words
        assert await frozen(office) == [("production", "cy", "incident 4711")]
        await office.move_time(2)
        late = a_mail(office, "cy", "unfreeze production", subject="Unfreeze")
        await office.transport(late["From"]).send(bytes(late), sender=late["From"], recipients=[TO])
        await office.quiet()
        assert await frozen(office) == [("production", "cy", "incident 4711")]

        await office.move_time(2)
        asked = await sent(office, a_mail(office, "cy", "unfreeze production: fixed", subject="Unfreeze"))
        assert all("by Dan Dorn: “it is back”" in words_told for words_told in (told, asked))
        await browser.post("/live/unfreeze", (await browser.get("/live")).form("/live/unfreeze").fields)
        assert await frozen(office) == []
        await office.move_time(2)
        await write(office, "dan", "freeze production: another one")
        await browser.post("/live/unfreeze", page.form("/live/unfreeze").fields)
        assert await frozen(office) == [("production", "dan", "another one")]


async def test_who_ends_one_reads_what_is_frozen_all_the_same(office: World) -> None:
    await write(office, "cy", "freeze everything: the provider is down")
    await write(office, "cy", "freeze production: incident 4711")

    told = await ended_by(office, a_mail(office, "cy", "unfreeze production: fixed", subject="Freeze"))

    assert "That freeze of production is over. Still frozen: Everything: Frozen since" in told
    assert "no longer frozen" not in told


async def test_everything_is_frozen_also_by_whoever_hears_the_alerts(office: World) -> None:
    await write(office, "dan", "Freeze everything: the payment provider is down")

    assert await frozen(office) == [("", "dan", "the payment provider is down")]


NO_REASON = """
[deploy.environments.production]
policy = "production"
repo = "."
command = ["true"]
live = ["true"]
"""


@pytest.fixture
async def shop(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    """An office with the environments production and staging."""
    places = NO_REASON + NO_REASON.replace("production]", "staging]")
    async with a_world(redis, tmp_path / "data", OPERATOR + places) as world:
        yield world


@pytest.mark.parametrize(
    ("subject", "text", "reasons"),
    [
        ("Incident", "freeze production", {"production": ""}),
        ("freeze production", "Best,\nCy\n", {"production": ""}),
        ("Incident", "Hi,\n\nplease freeze production now!\n\nBest,\nCy\n", {"production": ""}),
        ("Incident", "freeze production incident 4711", {"production": "incident 4711"}),
        (
            "Incident",
            "freeze production and staging: incident 4711",
            dict.fromkeys(("production", "staging"), "incident 4711"),
        ),
        ("Incident", "freeze all", {"": ""}),
    ],
)
async def test_attack_a_freeze_without_a_reason_or_a_colon_freezes_at_once(
    shop: World, subject: str, text: str, reasons: dict[str, str]
) -> None:
    told = await sent(shop, a_mail(shop, "cy", text, subject=subject))

    assert {one.environment: one.reason for one in await freezes_of(shop).all()} == reasons
    assert all(f"by Cy Cole: {f'“{why}”' if why else 'no reason given'}" in told for why in reasons.values())
    assert await shop.app.store.lists.runs() == []


async def test_a_freeze_of_nothing_and_the_end_of_one_for_nothing_are_asked_back_and_begin_no_run(shop: World) -> None:
    assert "one of these: production, staging, everything" in await write(shop, "cy", "freeze")
    await freezes_of(shop).freeze("production", PersonId("dan"), "incident")
    await shop.move_time(2)  # of two mails of one second the other may be a copy
    assert "unfreeze production: REASON" in await write(shop, "cy", "unfreeze production")
    await shop.move_time(2)
    assert "one of these: production, staging, everything" in await write(shop, "cy", "unfreeze")

    assert await frozen(shop) == [("production", "dan", "incident")]
    assert await shop.app.store.lists.runs() == []


@pytest.mark.parametrize("text", ["freeze production", "unfreeze production", "freeze", "freeze everything"])
async def test_whoever_may_not_freeze_hears_who_may_and_begins_no_run(shop: World, text: str) -> None:
    assert "operator" in await write(shop, "anna", text)

    assert await frozen(shop) == []
    assert await shop.app.store.lists.runs() == []


async def test_nobody_else_freezes_and_that_is_told(office: World) -> None:
    told = await write(office, "anna", "freeze everything: because")

    assert "operator" in told
    assert await frozen(office) == []


async def test_what_others_say_of_no_environment_that_is_known_is_a_wish(office: World) -> None:
    await office.send("anna", TO, "freeze header: the first row")

    await until(office.app.store.lists.runs, what="a run")
    assert await frozen(office) == []


@pytest.mark.parametrize("below", ["Cy, please look at the database.", "or rather not", "freeze staging: as well"])
async def test_attack_what_stands_below_a_freeze_keeps_nobody_from_it(office: World, below: str) -> None:
    told = await write(office, "cy", f"freeze everything: incident 4711\n\n{below}")

    assert "Everything: Frozen since" in told
    assert "The rest of your message did nothing." in told
    assert await frozen(office) == [("", "cy", "incident 4711")]
    assert await office.app.store.lists.runs() == []


async def test_attack_a_freeze_below_the_end_of_another_one_is_not_lost(office: World) -> None:
    await write(office, "cy", "freeze staging: before")

    told = await write(office, "cy", "unfreeze staging: fixed\nfreeze production: incident 4711")

    assert "production: Frozen since" in told
    assert "The rest of your message did nothing." in told
    assert await frozen(office) == [("production", "cy", "incident 4711"), ("staging", "cy", "before")]


@pytest.mark.parametrize(
    "text", ["I wonder about this line:\nfreeze everything: incident", "so: freeze\nunfreeze everything: fixed"]
)
async def test_a_message_that_says_more_does_neither_and_its_writer_is_told(office: World, text: str) -> None:
    await freezes_of(office).freeze("", PersonId("dan"), "before")

    told = await write(office, "cy", text)

    assert "Nothing was frozen or unfrozen, because your message says more than that." in told
    assert "Write only that line: " in told
    assert await frozen(office) == [("", "dan", "before")]
    assert await office.app.store.lists.runs() == []


async def test_an_answer_to_the_notice_ends_it_as_the_notice_says(office: World) -> None:
    await write(office, "cy", "freeze production: incident 4711")

    await office.reply("cy", office.mails("cy")[-1], "unfreeze production: fixed")
    await office.next_mail("cy", about="Nothing is unfrozen yet")
    await office.move_time(1)
    await office.reply("cy", office.mails("cy")[-1], "unfreeze production")

    assert "production is no longer frozen." in words(await office.next_mail("cy", about=TOLD))
    assert await frozen(office) == []


async def test_an_answer_to_a_card_freezes_and_ends_nothing(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    card = await office.next_mail("cy")

    await office.reply("cy", card, "freeze production: incident 4711")

    assert "production: Frozen since" in words(await office.next_mail("cy", about=TOLD))
    await office.reply("cy", card, "unfreeze production: fixed")
    assert "proves too little for that (it answers a request)" in words(await office.next_mail("cy", about=TOLD))
    assert await frozen(office) == [("production", "cy", "incident 4711")]
    assert (await office.request(record.request.id)).request.remarks == ()


@pytest.mark.parametrize("text", ["No! Freeze production.", "deny and freeze production"])
async def test_attack_a_denial_that_also_freezes_denies_and_freezes(office: World, text: str) -> None:
    record = await office.opened(await office.trigger("press bell"))

    await office.reply("cy", await office.next_mail("cy"), text)
    await office.quiet()

    assert (await office.request(record.request.id)).state == "denied"
    assert [one.environment for one in await freezes_of(office).all()] == ["production"]


async def test_attack_a_freeze_below_the_sentence_of_a_button_that_approves_is_lost(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    card = await office.next_mail("cy")
    text = f"{button(office, card, person='cy')}\n\nfreeze production: incident 4711\n"

    told = await sent(office, a_mail(office, "cy", text, to=card.reply_to or "", subject=f"Re: {card.subject}"))

    assert "production: Frozen since" in told
    assert await frozen(office) == [("production", "cy", "incident 4711")]
    assert (await office.request(record.request.id)).state == "open"


async def test_what_does_not_show_which_card_it_answers_freezes_all_the_same(office: World) -> None:
    await office.opened(await office.trigger("press bell"))
    card = await office.next_mail("cy")

    told = await sent(office, a_mail(office, "cy", "freeze production: incident 4711", to=card.reply_to or ""))

    assert "production: Frozen since" in told
    assert await frozen(office) == [("production", "cy", "incident 4711")]


@pytest.mark.parametrize(
    ("text", "state"), [("freeze everything: incident 4711", "open"), ("No! Freeze everything.", "denied")]
)
async def test_attack_a_link_in_a_signature_that_outlook_writes_twice_has_a_freeze_in_answer_to_a_card_lost(
    office: World, text: str, state: str
) -> None:
    record = await office.opened(await office.trigger("press bell"))
    card = await office.next_mail("cy")
    mail = a_mail(office, "cy", f"{text}\n\nCy Cole\nCorp<http://www.corp.example>\n", to=card.reply_to or "")
    signed = 'Cy Cole<br><a href="http://www.corp.example">Corp</a>'
    mail.add_alternative(f"<html><body><p>{text}</p><p>{signed}</p></body></html>", subtype="html")

    await office.transport(mail["From"]).send(bytes(mail), sender=mail["From"], recipients=[TO])
    await office.quiet()

    assert [one.environment for one in await freezes_of(office).all()] == [""]
    assert (await office.request(record.request.id)).state == state


async def test_it_is_said_in_a_thread_but_for_what_answers_a_question(
    redis: str, tmp_path: Path, hallway: Hallway
) -> None:
    async with a_world(redis, tmp_path / "data", OPERATOR, beside=(hallway,), reach=("slack", "email")) as world:
        inbox = world.app.messages.inbox
        asked = hallway.begins("cy", "ask choice What now? | freeze production, go on", THREAD)
        run = world.app.runs.starter.run_id(await inbox.accept(asked))
        await world.opened(run)
        found: list[object] = []

        for _ in ("an answer", "a freeze"):
            said = hallway.follows("cy", "freeze production", THREAD, is_addressed=True)
            await inbox.accept(said)
            await world.ended(run)
            await world.quiet()

            assert "freeze production" in (await world.run(run)).results[0].text
            found.append(await frozen(world))
        assert found == [[], [("production", "cy", "")]]


@pytest.mark.parametrize("person", ["cy", "bo"])
async def test_attack_a_freeze_typed_in_the_thread_of_a_run_to_nobody_is_words_alone(
    redis: str, tmp_path: Path, hallway: Hallway, person: str
) -> None:
    async with a_world(redis, tmp_path / "data", OPERATOR, beside=(hallway,), reach=("slack", "email")) as world:
        inbox = world.app.messages.inbox
        run = world.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", "press bell", THREAD)))
        await world.opened(run)

        for text in ("freeze everything: incident 4711", "unfreeze everything: fixed", "freeze the thing"):
            await inbox.handle(await inbox.accept(hallway.follows(person, text, THREAD)))

        is_operator = person == "cy"
        assert await frozen(world) == ([("", "cy", "incident 4711")] if is_operator else [])
        told = "Frozen since" if is_operator else "operator"
        await until(lambda: hallway.to(person, told), what="its writer hears of it")


async def test_a_mail_that_could_not_approve_freezes_and_ends_nothing(office: World) -> None:
    await sent(office, a_mail(office, "cy", "freeze everything: incident 4711", has_date=False))

    told = await sent(office, a_mail(office, "cy", "unfreeze everything: fixed", subject="Freeze", has_date=False))

    assert "your mail proves too little for that" in told
    assert await frozen(office) == [("", "cy", "incident 4711")]


async def test_attack_a_mail_that_ended_a_freeze_and_is_sent_again_ends_no_other(office: World) -> None:
    await write(office, "cy", "freeze production: the first")
    ends = a_mail(office, "cy", "unfreeze production: fixed", subject="Freeze")
    await ended_by(office, ends)
    await write(office, "cy", "freeze production: the second")

    told = await sent(office, again(ends))

    assert "the same mail came before" in told
    assert await frozen(office) == [("production", "cy", "the second")]


async def test_attack_a_mail_that_was_held_up_ends_no_freeze_that_began_meanwhile(office: World) -> None:
    ends = a_mail(office, "cy", "unfreeze production: fixed", subject="Freeze")
    await office.move_time(300)
    await write(office, "cy", "freeze production: a new incident")

    told = await sent(office, ends)

    assert "A freeze began, or was said again, after what you saw or wrote." in told
    assert await frozen(office) == [("production", "cy", "a new incident")]


async def test_attack_a_mail_to_somebody_else_that_comes_to_sayso_ends_nothing(office: World) -> None:
    await write(office, "cy", "freeze production: incident 4711")

    told = await sent(
        office, a_mail(office, "cy", "unfreeze production: fixed", subject="Freeze", to="bo@corp.example")
    )

    assert "its To does not name sayso" in told
    assert await frozen(office) == [("production", "cy", "incident 4711")]


async def test_attack_blanks_in_signed_fields_make_no_copy_another_mail(office: World) -> None:
    await write(office, "cy", "freeze production: the first")
    ends = a_mail(office, "cy", "unfreeze production: fixed", subject="Freeze")
    await ended_by(office, ends)
    await write(office, "cy", "freeze production: the second")

    for name in ("Subject", "Date"):
        value = str(ends[name])
        blanks = f"{' ' * 900}\r\n{' ' * 900}"
        raw = bytes(again(ends)).replace(f"{name}: ".encode(), f"{name}:{blanks}".encode())
        raw = raw.replace(value.encode(), value.replace(" ", f"{' ' * 90}\r\n ").encode())
        who = ends["From"]
        await office.transport(who).send(raw, sender=who, recipients=[TO])
        assert "the same mail came before" in words(await office.next_mail("cy", about=TOLD)), name

    assert await frozen(office) == [("production", "cy", "the second")]


async def test_attack_a_copy_to_which_we_were_added_ends_nothing(office: World) -> None:
    await write(office, "cy", "freeze production: incident 4711")
    mail = a_mail(office, "cy", "unfreeze production: fixed", subject="Freeze", to="bo@corp.example")
    mail["Cc"] = TO

    told = await sent(office, mail)

    assert "its To does not name sayso" in told
    assert await frozen(office) == [("production", "cy", "incident 4711")]


async def test_what_operators_write_beside_words_that_only_look_like_a_freeze_is_a_wish(office: World) -> None:
    await office.send("cy", TO, "freeze dates: 20 December\nto 4 January, please write them down")

    await until(office.app.store.lists.runs, what="a run")
    assert await frozen(office) == []


async def test_attack_a_mail_that_is_sent_over_and_over_is_answered_some_thirty_times(office: World) -> None:
    mail = a_mail(office, "cy", "freeze production: incident 4711")
    for _ in range(32):
        await office.transport(mail["From"]).send(bytes(again(mail)), sender=mail["From"], recipients=[TO])

    await sent(office, a_mail(office, "dan", "freeze everything: two at once"))
    await until(lambda: told_of(office) >= 31, what="thirty answers")
    await office.quiet()
    assert told_of(office) == 31  # the first was no copy


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 +0000", pytest.param("Mon, 01 Jan 0001 00:00:00 +1400", marks=pytest.mark.long)]
)
async def test_attack_a_date_at_the_end_of_time_keeps_no_freeze_from_beginning(office: World, date: str) -> None:
    mail = a_mail(office, "cy", "freeze production: incident 4711", has_date=False)
    mail["Date"] = date

    told = await sent(office, mail)

    assert "production: Frozen since" in told
    assert await frozen(office) == [("production", "cy", "incident 4711")]
    ends = a_mail(office, "cy", "unfreeze production: fixed", subject="Unfreeze", has_date=False)
    ends["Date"] = date
    await sent(office, ends)
    assert len(await frozen(office)) == 1
    assert await office.dead() == []


async def test_the_end_of_a_freeze_by_mail_approves_nothing_of_what_it_held(office: World) -> None:
    await write(office, "cy", "freeze everything: incident 4711")
    record = await office.opened(await office.trigger("press bell"))

    await ended_by(office, a_mail(office, "cy", "unfreeze everything: fixed", subject="Unfreeze"))

    assert await frozen(office) == []
    assert (await office.request(record.request.id)).state == "open"
    assert office.workshop.effects == []


async def test_a_page_a_terminal_and_a_program_freeze_without_a_reason(shop: World) -> None:
    async with a_console(shop) as console, serving(shop.app) as api:
        cy = await console.browser("cy")
        form = (await cy.get("/live")).form("/live/freeze")
        await cy.post("/live/freeze", dict(form.fields) | {"environment": "production", "reason": ""})
        shown = (await cy.get("/live")).words
        program = await (await api.client("cy", "admin")).post("/v1/freeze", json={"environment": "staging"})
    typed = await sayso(shop, "freeze", "--as", "cy")

    assert "production: Frozen since" in shown
    assert all("by Cy Cole: no reason given" in told for told in (shown, program.json()["told"], typed.out))
    assert await frozen(shop) == [("", "cy", ""), ("production", "cy", ""), ("staging", "cy", "")]
