"""The actions of people in a running sayso, and their mailboxes."""

import email.policy
import json
import secrets
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from pydantic import JsonValue

from agents.requests import RunId, bound_to
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.policy.answers import Statement
from bot.policy.judgements import Judgement
from bot.requests.reassignment.delegation import HandOn
from bot.runs.steering import Steering
from bot.testing.running import Running
from bot.testing.waiting import until
from channels.email.local.letters import Letter, letters
from channels.email.local.reply_mail import submit
from channels.email.transport import Transport

Verb = Literal["pause", "resume", "cancel"]


@dataclass
class Peopled(Running):
    """A running sayso among people, each called by the name in `sayso.toml`."""

    _shown: dict[str, int] = field(default_factory=dict[str, int], init=False)

    async def trigger(self, text: str, person: str = "anna", agent: str | None = None) -> RunId:
        """`person` wants something, from a terminal."""
        return await self.app.runs.starter.start("cli", text, self.app.people.named(person), agent=agent)

    async def decide(
        self,
        person: str,
        record: RequestRecord,
        said: Literal["approve", "deny", "free_text"],
        text: str = "",
        *,
        reply_id: str | None = None,
        channel: str = "cli",
        note_confirmed: bool = False,
    ) -> Judgement:
        """Answer as `person`, who types into a terminal, having seen `record`; return the judgement.

        `note_confirmed`: the `text` beside an approval is a note to keep with it, and no condition.
        """
        statement = Statement(
            reply_id=reply_id or f"cli-{secrets.token_hex(8)}",
            person=self.app.people.of_file(person),
            proof=as_by(channel),
            binding=bound_to(record.request, "digest"),
            said=said,
            text=text,
            reason=text,
            note_confirmed=note_confirmed,
        )
        return await self.app.requests.decisions.decide(record.request.id, statement)

    async def edit(
        self, person: str, record: RequestRecord, *, reply_id: str | None = None, **values: JsonValue
    ) -> Judgement:
        """Change arguments as `person`, who decides and has seen `record`; return the judgement."""
        request = record.request
        statement = Statement(
            reply_id=reply_id or f"cli-{secrets.token_hex(8)}",
            person=self.app.people.of_file(person),
            proof=as_by("cli"),
            binding=bound_to(request, "digest"),
            said="edit",
            text=json.dumps(values),
        )
        return await self.app.requests.decisions.decide(request.id, statement, change=self.steering.edit(values))

    async def delegate(
        self, person: str, record: RequestRecord, to: str, reason: str = "", *, once: str | None = None
    ) -> Judgement:
        """Hand `record` on as `person`, who types into a terminal; return the judgement."""
        request = record.request
        statement = Statement(
            reply_id=once or f"cli-{secrets.token_hex(8)}",
            person=self.app.people.of_file(person),
            proof=as_by("cli"),
            binding=bound_to(request, "digest"),
            said="hand_on",
            text=f"delegate: {to}",
        )
        wish = HandOn(self.app.people.of_file(to), reason)
        return await self.app.requests.decisions.decide(request.id, statement, change=wish)

    @property
    def steering(self) -> Steering:
        """Pause, resume, cancel, withdraw, edit."""
        return self.app.runs.steering

    async def steer(self, run_id: RunId, verb: Verb, person: str = "anna") -> Run:
        """The run after `person` steered it."""
        return await self.steering.steer(run_id, verb, self.app.people.of_file(person), proof=None)

    def address(self, person: str) -> str:
        """The mail address of a person."""
        contact = self.app.people.contact(self.app.people.of_file(person))
        if contact is None or contact.email is None:
            raise AssertionError(f"{person} has no mail address in sayso.toml")
        return contact.email

    def mails(self, person: str) -> tuple[Letter, ...]:
        """Everything in a person's mailbox, oldest first."""
        return letters(self.mail.folder(self.address(person)))

    async def next_mail(self, person: str, about: str = "") -> Letter:
        """The next mail that `person` has not been shown yet, once it is there; with `about` in it, others skipped."""

        def seen() -> Letter | None:
            for number, letter in enumerate(self.mails(person)):
                if number >= self._shown.get(person, 0) and about in f"{letter.subject}\n{letter.text}":
                    self._shown[person] = number + 1
                    return letter
            return None

        try:
            return await until(seen, what=f"a mail to {person} about {about!r}")
        except AssertionError as error:
            found = [letter.subject for letter in self.mails(person)]
            raise AssertionError(f"{error}; in the mailbox: {found}") from None

    def transport(self, login: str | None) -> Transport:
        """SMTP as `login`, or without logging in."""
        if login:
            return Transport(self.mail.relay(login))
        relay = self.mail.relay("")()
        return Transport(lambda: type(relay)(host=relay.host, port=relay.port, tls="none"))

    async def reply(self, person: str, letter: Letter, text: str) -> None:
        """`person` answers a mail, above its quoted text, logged in as themselves."""
        author = self.app.people.contact(self.app.people.of_file(person))
        if author is None or author.email is None:
            raise AssertionError(f"{person} has no mail address in sayso.toml")
        await submit(self.transport(author.email), letter, text, author=author, at=self.about_now())

    async def send(self, person: str, to: str, text: str, *, login: str | None = "") -> str:
        """The id of a new mail from `person`, logged in as `login`: as themselves unless said otherwise, or nobody."""
        message, sender = EmailMessage(policy=email.policy.SMTP), self.address(person)
        message_id = f"<{secrets.token_hex(8)}@{sender.partition('@')[2]}>"
        message["From"], message["To"], message["Message-ID"] = sender, to, message_id
        message.set_content(text)
        who = sender if login == "" else login
        await self.transport(who).send(bytes(message), sender=who or sender, recipients=[to])
        return message_id
