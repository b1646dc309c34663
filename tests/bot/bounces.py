"""Mails that come back, as mail servers send them."""

from agents.events import DeliveryFailed
from agents.requests.record import RequestRecord
from channels.email.local.letters import Letter
from channels.email.local.maildir import every_mail
from tests.kit.waiting import until
from tests.kit.world import World

LOCAL, _, DOMAIN = "sayso@sayso.example".partition("@")


def receipt(world: World, letter: Letter) -> str:
    """Return the receipt that a mail of ours brings back, in a header of its own."""
    folders = (world.mail.folder(contact.email) for contact in world.app.people.contacts() if contact.email)
    raw = next(raw for each in folders for path in every_mail(each) if letter.message_id in (raw := path.read_text()))
    return raw.partition("X-Sayso-Receipt: ")[2].split()[0]


def report(to: str, *, action: str = "failed", said: str = "550 5.1.1 No such user", key: str = "") -> bytes:
    """Return the report that a mail server sends back."""
    text = (
        f"From: MAILER-DAEMON@mx.corp.example\nTo: {to}\nSubject: Undelivered Mail Returned to Sender\nX-Key: {key}\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
        f"Final-Recipient: rfc822; x@corp.example\nAction: {action}\nStatus: 5.1.1\nDiagnostic-Code: smtp; {said}\n\n"
        "--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


async def bounce(world: World, letter: Letter, **more: str) -> None:
    """The mail server gives `letter` back."""
    to = f"{LOCAL}+{receipt(world, letter)}@{DOMAIN}"
    await world.transport(None).send(report(to, **more), sender="", recipients=[to])


async def handled(world: World) -> None:
    """Every mail to us was read."""
    folder = world.mail.folder(f"{LOCAL}@{DOMAIN}") / "new"
    await until(lambda: not list(folder.iterdir()), what="the mail is taken")
    await world.quiet()


async def failures(world: World, run_id: str) -> list[tuple[str, str]]:
    """Return who was not reached, and how."""
    return [(event.person, event.channel) for event in await world.events(run_id) if isinstance(event, DeliveryFailed)]


async def asked(world: World) -> tuple[RequestRecord, Letter]:
    """An open request, and the card of bo."""
    record = await world.opened(await world.trigger("press bell"))
    return record, await world.next_mail("bo")
