"""An installation whose mail is at a provider, and the people who write to it."""

import asyncio
import json
import secrets
import smtplib
from pathlib import Path

from bot.store.keys import Keys
from channels.email.local.letters import Letter
from tests.channels.email.mails import mail
from tests.kit.installation import Installation
from tests.kit.waiting import PATIENCE_S
from tests.servers.mailhost import Correspondent, MailHost
from tests.servers.redis import RedisServer
from tests.servers.verdict import SERVER


class Branch(Installation):
    """A data directory, a Redis, a mailbox at the provider, and Anna and Bo with theirs.

    `hurried` shortens waits of the workers that nobody sets in earnest.
    """

    def __init__(self, folder: Path, redis: RedisServer, host: MailHost, *, hurried: bool = True) -> None:
        super().__init__(folder, redis, "sweep_s = 0.1\ngrace_s = 1\nshards = 1\n" if hurried else "")
        self.host = host
        self.anna, self.bo = Correspondent(host, "anna"), Correspondent(host, "bo")
        self.address = f"bot-{secrets.token_hex(4)}@sayso.example"
        del self.environ["SAYSO_MAIL_LOCAL"]
        self.environ |= host.environ(self.address) | {
            "SAYSO_MAIL_IDENTITY": "dmarc",
            "SAYSO_MAIL_AUTHSERV_ID": SERVER,
            "SSL_CERT_FILE": str(host.authority.bundle),
        }

    def stranger_writes(self, text: str) -> None:
        """A mail that is held, whatever the provider says of it."""
        raw = mail(text, author="Sam <sam@outside.example>").replace(b"agent+3k7qp2xv9rt4mzs8a", b"agent")
        with smtplib.SMTP("127.0.0.1", self.host.postfix.mx) as line:
            line.sendmail("sam@outside.example", [self.address], raw)

    def anna_writes(self, subject: str) -> None:
        """A mail from her own account."""
        asyncio.run(self.anna.write(self.address, subject, "please"))

    def next_mail(self, to: Correspondent, about: str, within_s: float = PATIENCE_S) -> Letter:
        """The next mail to somebody with `about` in it, once it is there."""
        return asyncio.run(to.next_mail(about, within_s))

    def bo_answers(self, card: Letter, text: str) -> None:
        """A reply by his own account."""
        asyncio.run(self.bo.reply(card, text))

    def held(self) -> list[str]:
        """The notes of what was held."""
        found = self.redis.ask("HVALS", Keys(0).dead)
        assert isinstance(found, list)
        return [json.loads(note)["why"] for note in found if isinstance(note, bytes)]
