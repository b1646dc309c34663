"""`sayso mail`: the process that receives mail, and the command that looks at one mail to set it up."""

import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.options import Data, Json, serve

if TYPE_CHECKING:
    from channels.email.identity.identify import Identified
    from channels.email.identity.vouching import Word


import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.app import App

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

    from bot.cli.show import plain, plain_json
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
    """What was found, in plain words; and whether the sender is among the `known` addresses, where there are any."""
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


async def write_as_outsider(app: "App", sender: str, to: str, subject: str, text: str, *, as_json: bool) -> None:
    """Send a mail that nobody logged in for, as mail from outside comes. Raises ChannelRefused."""
    from bot.cli.remote import require_dev
    from bot.cli.show import plain
    from bot.process.processes import local_mail
    from channels.email.local.reply_mail import compose_letter
    from channels.email.transport import Transport

    require_dev(app.settings, "sayso mailbox")
    post = compose_letter(sender, to, subject, text, datetime.now(UTC))
    relay = local_mail(app.settings).relay(None)
    await Transport(relay).send(post.raw, sender=sender, recipients=(post.recipient,))
    sent = {"sent_to": post.recipient, "as": sender, "message_id": post.message_id}
    print(json.dumps(sent) if as_json else plain(f"Sent to {post.recipient} as {sender}."))


async def read_as_outsider(app: "App", address: str, *, as_json: bool) -> None:
    """Print what was sent to an address outside."""
    from bot.cli.remote import require_dev
    from bot.cli.show import letter_json, letter_text, plain
    from bot.process.processes import local_mail
    from channels.email.local.letters import letters

    require_dev(app.settings, "sayso mailbox")
    found = await asyncio.to_thread(letters, local_mail(app.settings).folder(address))
    if as_json:
        for one in found:
            print(letter_json(one))
    else:
        print("\n".join(letter_text(one) for one in found) or plain(f"{address} has no mail."))
