"""One mail comes several times, by an alias beside sayso's own address: it is one wish, and is done once."""

import email.policy
from datetime import timedelta
from email.message import EmailMessage

import pytest

from agents.requests import PersonId
from channels.email.local.letters import Letter
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.mail.test_consent import card_for, send, write
from tests.stories.people.standing import ALLOWED, done_once, granted, the_only

SAYSO = "sayso@sayso.example"


async def copies(
    world: World, subject: str, text: str, thread: str = "", *, by: str = "anna", to: str = SAYSO
) -> list[Letter]:
    """A mail that its server delivers for two names of one mailbox; what its writer reads then."""
    await world.quiet()
    message, before = EmailMessage(policy=email.policy.SMTP), len(world.mails(by))
    message["From"], message["To"], message["Cc"] = f"{by}@corp.example", to, "deploys@corp.example"
    message["Subject"], message["Message-ID"] = subject, "<once@corp.example>"
    message["Date"] = world.date(world.about_now())
    if thread:
        message["In-Reply-To"] = thread
    message.set_content(text)
    for name in (SAYSO, "deploys@corp.example"):
        del message["Delivered-To"]
        message["Delivered-To"] = name
        await send(world, message, to, by)
    await world.quiet()
    return [*world.mails(by)[before:]]


async def test_attack_a_mail_that_comes_in_two_copies_is_done_twice(world: World) -> None:
    await copies(world, "stamp it", "pull rope")

    await world.next_mail("anna", about="Done")
    await world.quiet()
    assert world.workshop.effects == ["stamp it", "pull rope"]
    assert len(await world.app.store.lists.runs()) == 1


async def test_attack_a_word_to_a_run_that_comes_in_two_copies_stands_twice_on_the_card(world: World) -> None:
    wish = await write(world, SAYSO, "press bell", "press bell", "", by="anna")
    await until(lambda: len(world.mails("bo")), what="bo is asked")
    [run_id] = await world.app.store.lists.runs()

    await copies(world, "Re: press bell", "It is for the party at noon.", wish["Message-ID"])
    await world.quiet()

    remarks = (await world.opened(run_id)).request.remarks
    assert [one.text for one in remarks] == ["It is for the party at noon."]
    assert await world.app.store.lists.runs() == [run_id]


async def line(world: World, order: str) -> str:
    """The order with a day that has not come yet, and what it is about."""
    if order.startswith("unfreeze"):
        await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident 4711", proof=None)
    day = (await world.now() + timedelta(days=3)).date().isoformat()
    return order.replace("DAY", day)


ORDERS = (
    ("", "Away", "away until DAY: cy@corp.example", "Bo Berg is away"),
    ("", "Unfreeze", "unfreeze workshop: fixed", "Nothing is unfrozen yet"),
    ("", "Freeze", "freeze workshop: incident 4711", "Frozen since"),
    ("card", "", "away until DAY: cy@corp.example", "Bo Berg is away"),
    ("card", "", "freeze workshop: incident 4711", "Frozen since"),
)


@pytest.mark.parametrize(("answers", "subject", "order", "told"), few_of(ORDERS, 0, 1, 4, rows=True))
@opens(ALLOWED.replace('to = ["person:dan"]', 'to = ["person:dan", "person:bo"]'))
async def test_attack_whoever_gives_an_order_by_a_mail_that_comes_in_two_copies_reads_that_nothing_is_changed(
    world: World, answers: str, subject: str, order: str, told: str
) -> None:
    to, thread = SAYSO, ""
    if answers:
        _, card = await card_for(world)
        subject, to, thread = f"Re: {card.subject}", card.reply_to or "", card.message_id

    heard = await copies(world, subject, await line(world, order), thread, by="bo", to=to)

    assert [told in letter.text for letter in heard] == [True], [letter.text for letter in heard]


@opens(ALLOWED)
async def test_attack_one_mail_in_two_copies_asks_twice_for_a_standing_approval(world: World) -> None:
    run_id = await done_once(world)
    day = (await world.now() + timedelta(days=3)).date()

    await copies(world, "Standing", f"standing {run_id} 3 times until {day}")

    assert [one.state for one in await world.requests()].count("open") == 1


async def test_attack_who_stops_a_run_by_a_mail_in_two_copies_reads_that_it_was_too_late(world: World) -> None:
    record, _ = await card_for(world)

    heard = await copies(world, "Wrong bell", f"stop {record.request.run_id}")

    assert (await world.request(record.request.id)).state == "withdrawn"
    assert heard
    assert not any("Too late" in letter.text for letter in heard)


@pytest.mark.parametrize("subject", few_of(["Revoke", "Please stop", "Widerruf"], 0))
@opens(ALLOWED)
async def test_attack_who_revokes_under_a_subject_that_says_so_reads_that_nothing_was_stopped(
    world: World, subject: str
) -> None:
    standing = await granted(world, await done_once(world))

    heard = await copies(world, subject, f"revoke {standing.approval.id}", by="bo")

    assert (await the_only(world)).revoked
    assert ["is revoked" in letter.text for letter in heard] == [True], [letter.text for letter in heard]
