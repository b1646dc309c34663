"""`sayso mail` receives mail, or looks at one mail to set it up; `sayso mailbox` is for people beside `sayso dev`."""

import json
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.operate import require_dev
from bot.cli.options import Data, Json, serve, settings_of, text_of
from bot.cli.plain import plain, plain_json
from bot.errors import NotFound

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from channels import Contact
    from channels.email.identity.identify import Identified
    from channels.email.identity.vouching import Word
    from channels.email.local.letters import Letter

HELP = """Receive mail: any number of these may run, one reads the mailbox, another takes over when it dies.

To set mail up, look at a real one first: `sayso mail identify`."""

mail = typer.Typer(help=HELP, invoke_without_command=True)

_UNTRIED = {
    "dmarc": "there is no Authentication-Results with a server's name",
    "submission": "there is no Authentication-Results with a server's name",
    "m365": "it was not Microsoft 365 that received this mail",
}
_PLACES = {
    "above": "above our provider's own Received",
    "beside": "just below our provider's own Received",
    "below": "below all that our provider wrote",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    mail.callback()(receive)
    mail.command()(identify)
    app.add_typer(mail, name="mail")
    app.command("parse-reply")(parse_reply)
    app.command()(mailbox)


def receive(context: typer.Context, data: Data = None) -> None:
    """Receive mail, unless another command is named."""
    if context.invoked_subcommand is None:
        serve(data, works=False, receives=("email",))


def identify(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--file", help="Look at this saved mail instead; - for stdin.", metavar="MAIL")
    ] = None,
    gateway: Annotated[
        str, typer.Option(help="The mail gateway that all your mail comes through, if there is one.", metavar="HOST")
    ] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Look at one real mail, say who vouches for its sender, and propose SAYSO_MAIL_IDENTITY.

    Needs SAYSO_MAIL_ADDRESS and the SAYSO_IMAP_ settings, or a saved mail; nothing is changed in the mailbox.
    Exit 1 when nothing fits.
    """
    from dataclasses import asdict

    from channels.email.identity.identify import identify as look

    raw, own, known = _mail(file, data or (context.parent and context.parent.params.get("data")))
    found = look(raw, own, gateway)
    print(plain_json(json.dumps(asdict(found))) if as_json else plain("\n".join(told(found, known))))
    raise typer.Exit(0 if found.way != "none" else 1)


def _mail(file: Path | None, data: Path | None) -> tuple[bytes, str, set[str]]:
    """The mail to look at, the bot's own address as far as it is known, and those of people."""
    import asyncio
    import os

    from bot.wiring.mail_identify import next_mail, read_mail, settings_for

    if file is not None:
        raw = sys.stdin.buffer.read() if str(file) == "-" else read_mail(file)
        return raw, os.environ.get("SAYSO_MAIL_ADDRESS", ""), set()
    settings = settings_for(data, os.environ)
    own = settings.mail_address or ""

    def ask(subject: str) -> None:
        print(
            f"Send a mail from your own account to {own} with the subject {subject}; "
            "waiting (up to 10 min, Ctrl-C ends)…",
            file=sys.stderr,
            flush=True,
        )

    known = {person.email.lower() for person in settings.people.values() if person.email}
    return asyncio.run(next_mail(settings, ask)), own, known


def told(found: "Identified", known: Collection[str] = ()) -> list[str]:
    """Describe in plain words what was found, and, if there are `known` addresses, whether the sender is among them."""
    lines = [f"It says it is from   {found.claims or 'nobody'}"]
    lines += [f"Its subject is       {found.subject}"] if found.subject else []
    lines += [f"Received last by     {found.received_by}"] if found.received_by else []
    lines += [f"Came to us from      {found.received_from}"] if found.received_from else []
    lines += ["", "The way it took, last server first:", *(f"  {step}" for step in found.path)] if found.path else []
    lines += ["", "Who says something of its sender, topmost first:"]
    for word in found.words:
        lines += _word(word)
    lines += [] if found.words else ["  nobody"]
    lines += ["", "What each way would say of this mail:"]
    for trial in found.trials:
        sign = "✓" if trial.proves and trial.may_be_pinned else "✗"
        beware = "" if trial.may_be_pinned else " (but anybody may have written that)"
        lines.append(f"  {sign} {trial.way} {trial.authserv_id}: {trial.says}{beware}")
    tried = {trial.way for trial in found.trials}
    lines += [f"  ✗ {way}: {why}" for way, why in _UNTRIED.items() if way not in tried]
    lines += ["", *_proposed(found)]
    if known and found.author and found.author not in known:
        lines += [
            "",
            f"Nobody in [people] has the address {found.author}: until somebody has, its mail is quarantined.",
        ]
    return lines


def _word(word: "Word") -> list[str]:
    whose = f"the word of {word.server}" if word.server else "nobody's name on it"
    says = "; ".join(word.says) or "nothing of use"
    pinned = f"can't be pinned: {word.why_not}" if word.why_not else "can be pinned"
    return [f"  {word.header}, {whose}, {_PLACES[word.place]}", f"    says {says}", f"    {pinned}"]


def _proposed(found: "Identified") -> list[str]:
    if found.way == "none":
        return [
            f"Nothing fits: {found.why}.",
            f"What to do: {found.do}.",
            "Until then mail can't decide anything here:",
            "",
            "  SAYSO_MAIL_IDENTITY=none",
        ]
    return [
        f"This fits: {found.why}",
        "",
        f"  SAYSO_MAIL_IDENTITY={found.way}",
        f"  SAYSO_MAIL_AUTHSERV_ID={found.authserv_id}",
        "",
        "Before you set it:",
        *(f"  - {caution}" for caution in found.cautions),
    ]


def parse_reply() -> None:
    """Read JSON lines and write JSON lines: what each text or mail says, and whether it counts.

    In: id, kind (text, html or eml), body or (a whole mail) raw_b64, and context. Out: id, new_text (without quotes
    and signature), class (what was said), counted, reason. It decides nothing. Try:

    echo '{"id": "1", "kind": "text", "body": "approved, thanks"}' | sayso parse-reply
    """
    from channels.email.reading.jsonlines import answer_line

    for line in sys.stdin.buffer:
        if line.strip():
            sys.stdout.write(answer_line(line) + "\n")
            sys.stdout.flush()


def mailbox(
    person: Annotated[
        str | None, typer.Argument(help="A person of the directory, by the name in sayso.toml.", show_default=False)
    ] = None,
    reply_to: Annotated[str | None, typer.Option(help="Answer the mail with this id.", metavar="ID")] = None,
    text: Annotated[str | None, typer.Option(help="What the answer, or the mail, says.", callback=text_of)] = None,
    outsider: Annotated[
        str | None, typer.Option("--from", help="In place of a person: somebody outside.", metavar="ADDRESS")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Where that one writes: the desk.", metavar="ADDRESS")] = None,
    subject: Annotated[str, typer.Option(help="What that one's mail is about.", callback=text_of)] = "A question",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Read a demo person's mail beside `sayso dev`, or answer one mail as that person, through SMTP.

    With --from read what somebody outside was sent, or with --to and --text write as they would: nothing proves it.
    Works beside the data directory itself.
    """
    import asyncio

    if (person is None) == (outsider is None):
        raise typer.BadParameter("name a person, or with --from somebody outside")
    if outsider is not None and (reply_to is not None or (to is None) != (text is None)):
        raise typer.BadParameter("somebody outside writes with --to ADDRESS and --text T, and reads with neither")
    if person is not None and (to is not None or (reply_to is None) != (text is None)):
        raise typer.BadParameter("--reply-to ID and --text T belong together")
    settings = settings_of(data)
    require_dev(settings, "sayso mailbox")
    if outsider is not None and to is not None and text is not None:
        asyncio.run(_write_as_outsider(settings, outsider, to, subject, text, as_json=as_json))
    elif outsider is not None:
        _list(settings, outsider, outsider, as_json=as_json)
    elif person is not None:
        _of_person(settings, person, reply_to, text, as_json=as_json)


def _of_person(settings: "Settings", person: str, reply_to: str | None, text: str | None, *, as_json: bool) -> None:
    import asyncio

    from bot.people.directory import People

    people = People.of(settings)
    contact = people.contact(people.named(person))
    if contact is None or contact.email is None:
        raise NotFound(f"{person} has no mail address", "Add `email` under [people] in sayso.toml")
    if reply_to is None or text is None:
        _list(settings, contact.email, contact.name, as_json=as_json)
    else:
        asyncio.run(_reply(settings, contact, reply_to, text, as_json=as_json))


def _list(settings: "Settings", address: str, name: str, *, as_json: bool) -> None:
    """Print what was sent to an address."""
    from bot.wiring.local_mail import local_mail
    from channels.email.local.letters import letters

    found = letters(local_mail(settings).folder(address))
    if as_json:
        for one in found:
            print(_letter_json(one))
    else:
        print("\n".join(_letter_text(one) for one in found) or plain(f"{name} has no mail."))


async def _reply(settings: "Settings", author: "Contact", reply_to: str, text: str, *, as_json: bool) -> None:
    """Answer a mail as whoever got it. Raises ChannelError."""
    from bot.wiring.local_mail import local_mail
    from channels.email.local.letters import letter
    from channels.email.local.reply_mail import submit
    from channels.email.transport import Transport

    mail = local_mail(settings)
    original = letter(mail.folder(author.email or ""), reply_to)
    if original is None:
        raise NotFound(f"{author.name} has no mail {reply_to!r}", f"`sayso mailbox {author.id}` lists them")
    post = await submit(Transport(mail.relay(author.email)), original, text, author=author, at=datetime.now(UTC))
    _print_sent(post.recipient, author.name, post.message_id, as_json=as_json)


async def _write_as_outsider(
    settings: "Settings", sender: str, to: str, subject: str, text: str, *, as_json: bool
) -> None:
    """Send a mail that nobody logged in for, as mail from outside comes. Raises ChannelRefused."""
    from bot.wiring.local_mail import local_mail
    from channels.email.local.reply_mail import compose_letter
    from channels.email.transport import Transport

    post = compose_letter(sender, to, subject, text, datetime.now(UTC))
    relay = local_mail(settings).relay(None)
    await Transport(relay).send(post.raw, sender=sender, recipients=(post.recipient,))
    _print_sent(post.recipient, sender, post.message_id, as_json=as_json)


def _print_sent(to: str, sender: str, message_id: str, *, as_json: bool) -> None:
    sent = {"sent_to": to, "as": sender, "message_id": message_id}
    print(json.dumps(sent) if as_json else plain(f"Sent to {to} as {sender}."))


_TIME = "%d %b %H:%M UTC"


def _letter_text(letter: "Letter") -> str:
    """A mail as a person reads it, with the id that answers it."""
    is_asking = "+" in (letter.reply_to or "").partition("@")[0]  # a reply token: the mail wants an answer
    answer = f"\n(answer it with --reply-to {letter.id})" if is_asking else ""
    head = f"── {letter.id}  {letter.at.strftime(_TIME)}  from {letter.sender}\nSubject: {letter.subject}"
    return plain(f"{head}\n\n{letter.text.rstrip()}\n{answer}\n")


def _letter_json(letter: "Letter") -> str:
    """A mail as one JSON line."""
    return json.dumps(
        {
            "id": letter.id,
            "at": letter.at.isoformat(),
            "from": letter.sender,
            "subject": letter.subject,
            "text": letter.text,
            "reply_to": letter.reply_to,
        }
    )
