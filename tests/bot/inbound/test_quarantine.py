"""A held item is told to whom it concerns: its certain writer, a certain stranger, the requester."""

import secrets
from email.message import EmailMessage

import pytest

from agents.requests import RunId
from bot.inbound.quarantine import Quarantine
from bot.requests.tokens import Tokens
from bot.store.ids import new_id
from channels import Quarantined
from channels.email.local.letters import Letter
from tests.kit.waiting import until
from tests.kit.world import World, heading

BOT = "sayso@sayso.example"
EVE = "eve@elsewhere.example"


async def encrypted(world: World, person: str, to: str) -> str:
    """The Message-ID of a mail from `person` that nobody here can read."""
    message, sender = EmailMessage(), f"{person}@corp.example"
    message["From"], message["To"], message["Subject"] = sender, to, "Re: the <b>bell</b>"
    message["Message-ID"] = f"<{secrets.token_hex(8)}@corp.example>"
    message.set_content(b"\x30\x80approve", "application", "pkcs7-mime")
    await world.transport(sender).send(bytes(message), sender=sender, recipients=[to])
    return str(message["Message-ID"])


def flat(letter: Letter) -> str:
    return " ".join(letter.text.split())


async def test_whoever_answers_with_an_encrypted_mail_can_answer_again_and_requester_and_story_say_whose_was_held(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    record, card = await world.opened(run_id), await world.next_mail("bo")

    message_id = await encrypted(world, "bo", card.reply_to or "")

    told = await world.next_mail("bo", about="Your message was not accepted")
    assert "it is encrypted or in a format that can't be read here; answer in plain text" in flat(told)
    assert "“Press bell?” still waits for an answer" in flat(told)
    assert f"sayso answer {record.request.id}" in flat(told)
    assert "| Subject: Re: the <b>bell</b>" in told.text
    assert message_id in told.references
    await world.send("bo", card.reply_to or "", "approve", login=None)
    first = await world.next_mail("anna", about="An answer was quarantined: Press bell?")
    second = await world.next_mail("anna", about="An answer was quarantined: Press bell?")
    both = flat(first) + flat(second)
    assert "A message from Bo Berg was not accepted as an answer: it is encrypted" in both
    assert "A message that claims to be from bo@corp.example was not accepted as an answer" in both
    held = [event for event in await world.events(run_id) if event.type == "answer_held"]
    assert sorted((event.person or "", event.claims) for event in held) == [
        ("", "bo@corp.example"),
        ("bo", "bo@corp.example"),
    ]
    assert (await world.request(record.request.id)).state == "open"
    await world.reply("bo", card, "approve")
    assert await world.summary(run_id) == "done: ok: press bell: done"


async def test_a_robot_that_sends_what_nobody_can_read_is_told_ten_times_a_day_and_tells_the_story_ten_times(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    card = await world.next_mail("bo")

    for _ in range(12):
        await encrypted(world, "bo", card.reply_to or "")
    await until_held(world, 12)
    await world.quiet()

    assert len([letter for letter in world.mails("bo") if "not accepted" in heading(letter)]) == 10
    assert len([event for event in await world.events(run_id) if event.type == "answer_held"]) == 10
    assert len([letter for letter in world.mails("anna") if "quarantined" in heading(letter)]) == 10


async def until_held(world: World, count: int) -> None:
    async def all_held() -> bool:
        return len(await world.dead()) == count

    await until(all_held, what=f"{count} messages are held")


async def test_whoever_wants_something_new_below_a_mail_that_asked_nothing_is_told_how_and_what_waits(
    world: World,
) -> None:
    await world.ended(await world.trigger("stamp letter", person="bo"))
    done = await world.next_mail("bo", about="Done")
    record = await world.opened(await world.trigger("press bell"))
    await world.next_mail("bo", about="Press bell?")

    await world.reply("bo", done, "stamp another one, too")

    told = await world.next_mail("bo", about="Your message was not accepted")
    assert "it answers a mail that asked nothing" in flat(told)
    assert "To ask for something new, write a new message; do not reply to an older one." in flat(told)
    assert "“Press bell?” still waits for an answer: reply to the message that asks it" in flat(told)
    assert record.request.id in told.text
    assert len(await world.app.store.lists.summaries()) == 2


async def test_thanks_for_a_mail_that_asked_nothing_are_neither_held_nor_answered(world: World) -> None:
    await world.ended(await world.trigger("stamp letter"))
    done = await world.next_mail("anna", about="Done")

    await world.reply("anna", done, "Thanks! 👍\n\nAnna")
    await until(lambda: not list((world.mail.folder(BOT) / "new").iterdir()))
    await world.quiet()

    assert (await world.dead(), len(world.mails("anna"))) == ([], 1)


async def test_a_message_whose_handling_a_crash_repeats_is_noted_and_told_to_the_requester_once(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    card, app = await world.next_mail("bo"), world.app
    token = (card.reply_to or "").partition("+")[2].partition("@")[0]
    holding = Quarantine(app.journal, app.requests.decisions, Tokens(app.data_dir.keys(app.settings)), app.people)

    inbound_id = new_id("inbound", 0)
    for _ in range(2):
        await holding.add(inbound_id, "email", Quarantined(reasons=("forged",), claims="bo@corp.example", token=token))
    await world.quiet()

    assert len([event for event in await world.events(run_id) if event.type == "answer_held"]) == 1
    assert len(world.mails("anna")) == 1
    assert len(await world.dead()) == 1


def strangers_mail(who: str = EVE) -> Quarantined:
    return Quarantined(
        reasons=(f"{who} is not in the directory of people",),
        claims=who,
        about="Viagra",
        thread="<x@elsewhere.example>",
        stranger=who,
    )


async def held_from(world: World, *strangers: str) -> None:
    """A mail of each of them is held."""
    app = world.app
    holding = Quarantine(app.journal, app.requests.decisions, Tokens([b"k" * 32]), app.people)
    for who in strangers:
        await holding.add(RunId(new_id("inbound", 0)), "email", strangers_mail(who))
    await world.quiet()


def answers(world: World, who: str = EVE) -> list[bytes]:
    folder = world.mail.folder(who) / "new"
    return [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []


async def test_a_stranger_gets_one_notice_a_day_that_nothing_can_answer_and_that_names_nobody(world: World) -> None:
    await held_from(world, EVE, EVE)
    await held_from(world, EVE)

    [answer] = answers(world)
    assert answer.startswith(b"Return-Path: <>\r\n")
    assert b"\r\nAuto-Submitted: auto-replied\r\n" in answer
    assert b"\r\nIn-Reply-To: <x@elsewhere.example>\r\n" in answer
    assert b"\r\nReply-To:" not in answer
    assert b"Only people who are registered here" in answer
    for name in (b"corp.example", b"anna", b"Anna", b"production", b"Viagra"):
        assert name not in answer
    await world.move_time(24 * 3600 + 1)
    await held_from(world, EVE, "a" * 64 + "@" + "x" * 300)
    assert len(answers(world)) == 2
    assert world.mails("dan") == (), "one who can't be reached alarms nobody"


@pytest.mark.long
async def test_all_strangers_together_get_two_hundred_notices_a_day(world: World) -> None:
    await held_from(world, *(f"s{number}@elsewhere.example" for number in range(205)))

    told = [number for number in range(205) if answers(world, f"s{number}@elsewhere.example")]
    assert told == list(range(200))
    assert len(await world.dead()) == 205
