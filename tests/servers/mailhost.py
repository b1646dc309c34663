"""A whole mail provider on loopback: Postfix takes mail, a step says who sent it, Dovecot keeps it for people."""

import asyncio
import email.policy
import gc
import secrets
from contextlib import ExitStack
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self

from channels import Contact
from channels.email.local.letters import Letter, letters
from channels.email.local.reply_mail import submit
from channels.email.transport import Relay, Transport
from tests.kit.waiting import PATIENCE_S, until
from tests.servers import dovecot, postfix
from tests.servers.authority import Authority
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.postfix import Postfix
from tests.servers.verdict import Verdict


def missing() -> str:
    """Return why it can't run here; nothing where it can."""
    return "; ".join(why for why in (dovecot.missing(), postfix.missing()) if why)


class MailHost:
    """Runs while the context is open. Everybody at corp.example and sayso.example has a mailbox and `PASSWORD`."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.folder, self.authority = folder, authority
        self.dovecot = Dovecot(folder / "dovecot", authority)
        self.verdict = Verdict(self.dovecot.lmtp)
        self._trust = authority.believing()

    def __enter__(self) -> Self:
        """Start all of it."""
        with ExitStack() as stack:
            stack.enter_context(self.dovecot)
            stack.enter_context(self.verdict)
            lmtp = self.verdict.port
            self.postfix = stack.enter_context(Postfix(self.folder / "postfix", self.dovecot, lmtp))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End all of it."""
        self._stack.close()

    def environ(self, address: str, way: str = "plus", imap_port: int | None = None) -> dict[str, str]:
        """The settings of an installation whose mailbox is that of `address`."""
        return {
            "SAYSO_MAIL_ADDRESS": address,
            "SAYSO_MAIL_REPLY": way,
            "SAYSO_IMAP_HOST": "localhost",
            "SAYSO_IMAP_PORT": str(imap_port or self.dovecot.imaps),
            "SAYSO_IMAP_USER": address,
            "SAYSO_IMAP_PASSWORD": PASSWORD,
            "SAYSO_SMTP_HOST": "localhost",
            "SAYSO_SMTP_PORT": str(self.postfix.submission),
            "SAYSO_SMTP_USER": address,
            "SAYSO_SMTP_PASSWORD": PASSWORD,
        }

    def transport(self, login: str) -> Transport:
        """Return the transport by which `login` sends mail: submission, with STARTTLS."""
        relay = Relay("localhost", self.postfix.submission, login, PASSWORD, "starttls", trust=self._trust)
        return Transport(lambda: relay)

    def mails(self, address: str) -> tuple[Letter, ...]:
        """Everything in a mailbox, oldest first."""
        return letters(self.dovecot.maildir(address))


class Correspondent:
    """A person with a mailbox at corp.example, who is shown what arrives from now on."""

    def __init__(self, host: MailHost, person: str) -> None:
        self._host, self.email = host, f"{person}@corp.example"
        self.contact = Contact(id=person, name=person.title(), email=self.email)
        self._shown = {letter.id for letter in host.mails(self.email)}

    async def write(self, to: str, subject: str, text: str) -> None:
        """A new mail."""
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"], message["To"], message["Subject"] = self.email, to, subject
        message["Message-ID"] = f"<{secrets.token_hex(8)}@corp.example>"
        message.set_content(text)
        await self._host.transport(self.email).send(bytes(message), sender=self.email, recipients=[to])

    async def next_mail(self, about: str, within_s: float = PATIENCE_S) -> Letter:
        """The next mail with `about` in it, once it is there."""

        def seen() -> Letter | None:
            for letter in self._host.mails(self.email):
                if letter.id not in self._shown and about in f"{letter.subject}\n{letter.text}":
                    self._shown.add(letter.id)
                    return letter
            return None

        try:
            return await until(seen, within_s, f"a mail to {self.email} about {about!r}")
        except AssertionError as error:
            found = [letter.subject for letter in self._host.mails(self.email)]
            raise AssertionError(f"{error}; in the mailbox: {found}") from None

    async def reply(self, letter: Letter, text: str) -> None:
        """Answer a mail, above its quoted text."""
        await submit(self._host.transport(self.email), letter, text, author=self.contact, at=datetime.now(UTC))


async def hung_up() -> None:
    """Returns once each connection that was ended is closed: TLS says goodbye first, and a loop that ends before that
    leaves its socket open.
    """

    def is_closed() -> bool:
        ended = (one for one in gc.get_objects() if isinstance(one, asyncio.Transport) and one.is_closing())
        return all(not (held := one.get_extra_info("socket")) or held.fileno() < 0 for one in ended)

    await until(is_closed, what="what was ended is closed")
