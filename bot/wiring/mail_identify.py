"""Looking for a real mail in the mailbox, to see who vouches for its sender. Needs the IMAP settings and no Redis."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.config.settings import Settings, load
from bot.errors import Invalid
from bot.wiring.mail import inbox_of
from channels.email.format.headers import HEADER_BYTES
from channels.email.identity.identify import subject_to_ask_for
from channels.email.servers.endpoint import Endpoint
from channels.email.servers.imap import Fetched, Session, Unfetched, in_thread
from channels.email.servers.imap_mailbox import session_to

WAIT_S = 600.0
"""The time a person may take to write a mail."""

LOOK_EVERY_S = 2.0


def settings_for(data: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings as far as reading the mailbox needs them. Raises ConfigError and Invalid.

    What sends mail, and what proves senders, may still be missing or half set: this is how one gets there.
    """
    later = ("SAYSO_SMTP_", "SAYSO_MAIL_IDENTITY", "SAYSO_MAIL_AUTHSERV_ID")
    kept = {name: value for name, value in environ.items() if not name.upper().startswith(later)}
    if host := environ.get("SAYSO_IMAP_HOST"):
        kept["SAYSO_SMTP_HOST"] = host  # never used; the settings want both
    settings = load(data, kept)
    if not settings.has_servers:
        raise Invalid(
            "There is no mailbox to look into",
            "Set SAYSO_MAIL_ADDRESS, SAYSO_IMAP_HOST, SAYSO_IMAP_USER and SAYSO_IMAP_PASSWORD, or name a saved mail "
            "with --file",
        )
    return settings


async def next_mail(
    settings: Settings,
    ask: Callable[[str], None],
    wait_s: float = WAIT_S,
    look_every_s: float = LOOK_EVERY_S,
    inbox: Endpoint | None = None,
) -> bytes:
    """The headers of the mail that a person sends when they are `ask`ed for one with this subject.

    Raises ChannelError, and Invalid when none comes.
    """
    nonce = secrets.token_hex(4)
    async with session_to(inbox or inbox_of(settings)) as session:
        ask(subject_to_ask_for(nonce))
        try:
            async with asyncio.timeout(wait_s):
                found = await arrived(session, nonce, lambda head: nonce.encode() in head, look_every_s)
        except TimeoutError:
            raise Invalid(
                f"No mail with {subject_to_ask_for(nonce)} in its subject came within {wait_s / 60:.0f} min",
                "Look for it in the junk folder, and ask whether it was sent; a saved mail can be named with --file",
            ) from None
    return found.raw


def read_mail(path: Path) -> bytes:
    """A saved mail. Raises Invalid."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} can't be read ({error.strerror})", "Name a saved mail, or - for stdin") from error


async def arrived(session: Session, word: str, is_it: Callable[[bytes], bool], look_every_s: float) -> Fetched:
    """The headers of the first mail with `word` in its subject whose header block `is_it`, once it is there.

    Raises ChannelUnavailable when the line is lost.
    """
    while True:
        await in_thread(session.look)
        for uid in await in_thread(lambda: session.about(word)):
            found = await _head(session, uid)
            if found and is_it(found.raw.partition(b"\r\n\r\n")[0] + b"\r\n"):
                return found
        await asyncio.sleep(look_every_s)


async def _head(session: Session, uid: int) -> Fetched | None:
    try:
        return await in_thread(lambda: session.fetch(uid, HEADER_BYTES))
    except Unfetched:
        return None
