"""One mail comes several times, by an alias beside sayso's own address: it is one wish, and is done once."""

import email.policy
from email.message import EmailMessage

from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.mail.test_consent import send, write

SAYSO = "sayso@sayso.example"


async def copies(world: World, subject: str, text: str, thread: str = "") -> None:
    """A mail of Anna's that its server delivers for two names of one mailbox."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Cc"] = "anna@corp.example", SAYSO, "deploys@corp.example"
    message["Subject"], message["Message-ID"] = subject, "<once@corp.example>"
    message["Date"] = world.date(world.about_now())
    if thread:
        message["In-Reply-To"] = thread
    message.set_content(text)
    for name in (SAYSO, "deploys@corp.example"):
        del message["Delivered-To"]
        message["Delivered-To"] = name
        await send(world, message, SAYSO, "anna")


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
