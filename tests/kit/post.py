"""People at the local mailbox: they write, read and answer mail through SMTP, whoever serves it just now."""

import asyncio
import email.policy
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage

from bot.config.settings import Settings
from bot.wiring.local_mail import local_mail
from channels import Contact
from channels.email.local.letters import Letter, letters
from channels.email.local.reply_mail import submit
from channels.email.transport import Transport
from tests.kit.waiting import PATIENCE_S, wait_until


class Post:
    """The mail of one data directory. A mail counts as sent when SMTP has accepted it."""

    def __init__(self, settings: Settings) -> None:
        self._mail, self._people = local_mail(settings), settings.people
        self.address = self._mail.address

    def write(self, person: str, text: str) -> None:
        """`person` writes to sayso."""
        sender = self._email(person)
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"], message["To"], message["Subject"] = sender, self.address, text
        message["Message-ID"] = f"<{secrets.token_hex(8)}@corp.example>"
        message.set_content(text)
        transport = Transport(self._mail.relay(sender))
        asyncio.run(transport.send(bytes(message), sender=sender, recipients=[self.address]))

    def mails(self, person: str) -> tuple[Letter, ...]:
        """Everything in a person's mailbox, oldest first."""
        return letters(self._mail.folder(self._email(person)))

    def next_mail(self, person: str, about: str, within_s: float = PATIENCE_S) -> Letter:
        """The first mail to `person` with `about` in it, once it is there."""

        def found() -> Letter | None:
            said = (letter for letter in self.mails(person) if about in f"{letter.subject}\n{letter.text}")
            return next(said, None)

        return wait_until(found, within_s, f"a mail to {person} about {about!r}")

    def reply(self, person: str, letter: Letter, text: str) -> None:
        """`person` answers a mail."""
        sender = self._email(person)
        author = Contact(id=person, name=self._people[person].name, email=sender)
        asyncio.run(submit(Transport(self._mail.relay(sender)), letter, text, author=author, at=datetime.now(UTC)))

    def _email(self, person: str) -> str:
        found = self._people[person].email
        assert found
        return found
