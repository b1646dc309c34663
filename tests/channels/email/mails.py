"""People, cards and mails that the tests of the mail channel share."""

from datetime import UTC, datetime

from channels import AnswerForm, Card, Contact, Line
from channels.email.format import trace
from tests.kit.acts import vote

BOT = "agent@sayso.example"
TOKEN = "3k7qp2xv9rt4mzs8a"
ANNA = Contact(id="anna", name="Anna Ames", email="anna@corp.example", timezone="Europe/Berlin")
BO = Contact(id="bo", name="Bo Berg", email="bo@corp.example", timezone="America/New_York")
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


class People:
    """A directory of exactly these contacts."""

    def __init__(self, *contacts: Contact) -> None:
        self._contacts = contacts

    def contacts(self) -> tuple[Contact, ...]:
        return self._contacts

    def contact(self, person: str) -> Contact | None:
        return next((each for each in self._contacts if each.id == person), None)

    def by_email(self, address: str) -> Contact | None:
        return next((each for each in self._contacts if (each.email or "").lower() == address.lower()), None)


def approval(**changes: object) -> Card:
    """The card that asks for a deployment."""
    form = AnswerForm(token=TOKEN, format="approval", acts=vote(), until=datetime(2026, 3, 3, 16, 0, tzinfo=UTC))
    card = Card(
        title="Deploy 4f2a to production?",
        at=NOON,
        summary="Anna asked for it.",
        facts=(Line(label="Who may decide", text="Bo, Cy"),),
        exact='deploy(commit="4f2a")',
        quoted="It fixes the log-in.",
        form=form,
        ref="R-12",
    )
    return card.model_copy(update=changes)


def arrived(
    message: bytes, *, to: str = f"agent+{TOKEN}@sayso.example", login: str | None = "bo@corp.example"
) -> bytes:
    """`message` as the embedded server stores it."""
    return trace.write(trace.Trace(sender=login or "bo@corp.example", recipient=to, login=login)) + message


def mail(body: str = "approve", *, author: str = "Bo Berg <bo@corp.example>", extra: str = "") -> bytes:
    """A plain mail to the bot."""
    head = (
        f"From: {author}\nTo: agent+{TOKEN}@sayso.example\nSubject: Re: Deploy?\nMessage-ID: <r1@corp.example>\n{extra}"
    )
    return f"{head}\n{body}\n".replace("\n", "\r\n").encode()
