"""An installation whose mail is at a provider, and the people who write to it."""

import asyncio
import json
import secrets
import smtplib
from pathlib import Path

from agents.events import Event
from bot.config.example import example_toml
from bot.dev.demo import make_demo
from bot.store.keys import Keys
from channels.email.local.letters import Letter
from tests.channels.email.mails import mail
from tests.kill.reading import runs_in
from tests.kit.waiting import PATIENCE_S
from tests.processes.programs import KEY, Program, RedisServer
from tests.servers.mailhost import Correspondent, MailHost
from tests.servers.verdict import SERVER


class Branch:
    """A data directory, a Redis, a mailbox at the provider, and Anna and Bo with theirs.

    `hurried` shortens waits of the workers that nobody sets in earnest.
    """

    def __init__(self, folder: Path, redis: RedisServer, host: MailHost, *, hurried: bool = True) -> None:
        self.folder, self.redis, self.host, self.data = folder, redis, host, folder / "data"
        self.anna, self.bo = Correspondent(host, "anna"), Correspondent(host, "bo")
        self.address = f"bot-{secrets.token_hex(4)}@sayso.example"
        toml = example_toml(make_demo(self.data / "demo"))
        hurry = "sweep_s = 0.1\ngrace_s = 1\nshards = 1\n" if hurried else ""
        (self.data / "sayso.toml").write_text(f"{hurry}{toml}")
        self.environ = host.environ(self.address) | {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
            "SAYSO_MAIL_IDENTITY": "dmarc",
            "SAYSO_MAIL_AUTHSERV_ID": SERVER,
            "SSL_CERT_FILE": str(host.authority.bundle),
            "PYTHONUNBUFFERED": "1",
        }

    def program(self, name: str, *words: str) -> Program:
        """A process of this installation; its log has its name."""
        return Program([*words, "--data", str(self.data)], self.environ, self.folder / f"{name}.log")

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

    def live(self) -> str:
        """The tag that visitors of the demo site get."""
        return (self.data / "demo" / "site" / "production" / "current").resolve().name

    def runs(self) -> list[list[Event]]:
        """The events of every run."""
        connection = self.redis.connect()
        try:
            return list(runs_in(connection).values())
        finally:
            connection.close()

    def held(self) -> list[str]:
        """The notes of what was held."""
        connection = self.redis.connect()
        try:
            found = connection.ask("HVALS", Keys(0).dead)
        finally:
            connection.close()
        assert isinstance(found, list)
        return [json.loads(note)["why"] for note in found if isinstance(note, bytes)]
