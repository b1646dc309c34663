"""Checks of mail servers of one's own: log-ins, IDLE, and whether an answer finds its way back."""

import asyncio
import email.utils
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.config.mail import MailSettings
from bot.doctor.finding import Finding, not_tried
from bot.wiring.mail import RealMail
from bot.wiring.mail_identify import arrived
from channels import ChannelError
from channels.email import tokens
from channels.email.format.headers import Unreadable, read_headers
from channels.email.format.shown import clean
from channels.email.identity.hops import hops
from channels.email.identity.proof import PROOFS, Proven, not_microsofts
from channels.email.identity.verdict import RESULTS, read_verdict
from channels.email.servers.imap import Fetched, Session, in_thread
from channels.email.servers.imap_mailbox import session_to
from channels.email.transport import Transport

BACK_WITHIN_S = 30.0
"""The doctor's wait for its own mail; a provider delivers to itself within seconds."""

LOOK_EVERY_S = 0.5

# An SMTP server that says so says it again (RFC 5321, 4.2.1).
_FOR_GOOD = 500

SKEW_S = 60.0
"""The most this machine's clock may be off: deadlines are told to people in minutes."""

_SUBJECT = "sayso doctor"
_WAY_BACK = "whether an answer finds its way back"
_IDENTIFY = "sayso mail identify looks at a mail from a person and says what SAYSO_MAIL_AUTHSERV_ID should be"

_HYBRID = (
    "m365 is for mailboxes in Exchange Online, and where a gateway or an Exchange of your own stands in front of it "
    "enhanced filtering must be on for its connector; for a mailbox anywhere else let its own server check DMARC, and "
    "set SAYSO_MAIL_IDENTITY=dmarc with its name"
)

_FIXES = {
    "plus": "turn plus-addresses on at the provider, or set SAYSO_MAIL_REPLY=reference",
    "reference": "see why the provider does not deliver a mail of SAYSO_MAIL_ADDRESS to itself; look into its junk",
}


@dataclass(frozen=True)
class _Returned:
    """The doctor's own mail, back in the mailbox; found not long before `by`."""

    mail: Fetched
    sent_at: datetime
    by: datetime


async def examine_mail(
    settings: MailSettings,
    mail: RealMail,
    within_s: float = BACK_WITHIN_S,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[Finding]:
    """Everything about the servers, in the order in which it should be fixed."""
    transport = Transport(lambda: mail.relay)
    smtp, imap = f"SMTP {settings.smtp_host}", f"IMAP {settings.imap_host}"
    try:
        await transport.check()
    except ChannelError as error:
        yield Finding(sign="✗", what=error.what, fix=error.do)
        transport = None
    else:
        yield Finding(sign="✓", what=f"{smtp} takes {'our log-in' if settings.smtp_user else 'mail without a log-in'}")
    try:
        async with session_to(mail.inbox) as session, aclosing(_inside(session, imap)) as findings:
            async for finding in findings:
                yield finding
            back = _back(settings, mail, transport, session, within_s, now)
            async for finding in back:
                yield finding
    except ChannelError as error:
        yield Finding(sign="✗", what=error.what, fix=error.do)
        yield not_tried(_WAY_BACK, "the mailbox can't be read")
    yield _identity(settings)


async def examine_recipients(mail: RealMail, addresses: Mapping[str, str]) -> AsyncIterator[Finding]:
    """Check that the mail server takes mail for those who must hear something, by person; none is sent."""
    what = f"whether mail reaches {', '.join(addresses)}"
    try:
        transport = Transport(lambda: mail.relay)
        refused = await transport.refusals(sender=mail.address, recipients=[*addresses.values()])
    except ChannelError as error:
        yield not_tried(what, error.what, error.do)
        return
    for person, address in addresses.items():
        code, words = refused.get(address, (0, ""))
        if code >= _FOR_GOOD:
            fix = f"correct email of [people.{person}]"
            yield Finding(sign="✗", what=f"the mail server takes no mail to {address}: {code} {words}", fix=fix)
        elif code:
            yield not_tried(f"whether mail reaches {person}", f"the mail server says to come again: {code} {words}")
    if taken := [person for person, address in addresses.items() if address not in refused]:
        yield Finding(
            sign="✓", what=f"the mail server takes mail to {', '.join(taken)}, as far as it knows; none was sent"
        )


async def _inside(session: Session, server: str) -> AsyncGenerator[Finding]:
    yield Finding(sign="✓", what=f"{server} takes our log-in")
    if await in_thread(lambda: session.has_idle):
        yield Finding(sign="✓", what=f"{server} tells of new mail by itself (IDLE)")
        return
    fix = "turn IDLE on there if answers should be seen at once; without it they are looked for every 10 s"
    yield Finding(sign="!", what=f"{server} knows no IDLE", fix=fix)


async def _back(
    settings: MailSettings,
    mail: RealMail,
    transport: Transport | None,
    session: Session,
    within_s: float,
    now: Callable[[], datetime],
) -> AsyncIterator[Finding]:
    """A mail to oneself, where an answer would go."""
    if transport is None:
        yield not_tried(_WAY_BACK, "no mail can be sent")
        return
    nonce = secrets.token_hex(8)
    subject = f"Subject: {_SUBJECT} {nonce}\r\n".encode()
    to = tokens.reply_address(settings.mail_reply, mail.address, f"doctor-{nonce}")
    returned = None
    sent_at = now()
    try:
        await transport.send(_letter(mail.address, to, nonce, sent_at), sender=mail.address, recipients=[to])
    except ChannelError as error:
        yield Finding(sign="✗", what=f"a mail to {to} was not taken: {error.what}", fix=_FIXES[settings.mail_reply])
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            # The mail itself, and no report of what became of it.
            found = await arrived(session, nonce, lambda head: subject in head, LOOK_EVERY_S)
            returned = _Returned(found, sent_at, now())
    if returned is None:
        what = f"a mail to {to} did not come back within {within_s:.0f} s"
        yield Finding(sign="✗", what=what, fix=_FIXES[settings.mail_reply])
        return
    yield Finding(sign="✓", what=f"a mail to {to} came back")
    yield _kept(returned, f"<doctor.{nonce}@{mail.address.rpartition('@')[2]}>")
    yield _clock(returned)
    if settings.mail_identity in PROOFS:
        yield _stamped(returned, settings, mail.address)


def _letter(own: str, to: str, nonce: str, at: datetime) -> bytes:
    lines = (
        f"From: sayso <{own}>",
        f"To: {to}",
        f"Subject: {_SUBJECT} {nonce}",
        f"Date: {email.utils.format_datetime(at)}",
        f"Message-ID: <doctor.{nonce}@{own.rpartition('@')[2]}>",
        "Auto-Submitted: auto-generated",
        "",
        "This is how sayso looks whether an answer would reach it. Nothing is to be done.",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


def _kept(returned: _Returned, message_id: str) -> Finding:
    """Check that answers can name our mails: mail programs write the Message-ID that arrived into In-Reply-To."""
    try:
        is_kept = message_id in read_headers(returned.mail.raw).all("message-id")[0]
    except (Unreadable, IndexError):
        is_kept = False
    if is_kept:
        return Finding(sign="✓", what="our Message-IDs are kept, so an answer can name the card it is about")
    what = "the mail server writes its own Message-IDs: an approval must quote the card, or come from its button"
    return Finding(
        sign="!", what=what, fix="send through a server that keeps them, or tell approvers to use the button"
    )


def _clock(returned: _Returned) -> Finding:
    at = returned.mail.at or returned.sent_at
    early, late = (returned.sent_at - at).total_seconds(), (at - returned.by).total_seconds()
    off_s = max(early, late, 0.0)
    if off_s <= SKEW_S:
        return Finding(sign="✓", what="this machine's clock and the mail server's agree")
    which = "ahead of" if early > late else "behind"
    what = f"this machine's clock is {off_s:.0f} s {which} the mail server's"
    return Finding(sign="!", what=what, fix="sudo timedatectl set-ntp true")


def _stamped(returned: _Returned, settings: MailSettings, own: str) -> Finding:
    """Check that the provider writes the header we trust; it need not on its own mail."""
    way, server = settings.mail_identity or "none", (settings.mail_authserv_id or "").lower()
    try:
        headers, proof = read_headers(returned.mail.raw), PROOFS[way](server)(returned.mail.raw, own)
    except Unreadable as error:
        return Finding(sign="!", what=f"our own mail came back so that it can't be read: {error}", fix=_IDENTIFY)
    if way == "m365" and not isinstance(proof, Proven):
        sign = "✗" if not_microsofts(hops(headers), server) else "!"
        return Finding(sign=sign, what=f"our own mail would not be believed: {clean(proof.reason)}", fix=_HYBRID)
    verdicts = [read_verdict(value) for value in headers.all(RESULTS.lower())]
    named = sorted({verdict.server for verdict in verdicts if verdict and verdict.server})
    if isinstance(proof, Proven) or server in named:
        return Finding(sign="✓", what=f"mail carries the verdict of {server}")
    others = f"; it carries that of {clean(', '.join(named))}" if named else ""
    return Finding(sign="!", what=f"our own mail carries no Authentication-Results of {server}{others}", fix=_IDENTIFY)


def _identity(settings: MailSettings) -> Finding:
    way = settings.mail_identity or "none"
    if way in PROOFS:
        return Finding(
            sign="✓", what=f"SAYSO_MAIL_IDENTITY is set: {way} of {settings.mail_authserv_id} proves who wrote a mail"
        )
    fix = "sayso mail identify looks at a mail of yours and proposes SAYSO_MAIL_IDENTITY"
    return Finding(sign="!", what="no mail counts as anybody's word: every one is quarantined", fix=fix)
