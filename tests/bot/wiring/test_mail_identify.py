"""Looking for the mail that a person was asked to send."""

import asyncio
import secrets
from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.errors import Invalid
from bot.wiring.mail_identify import next_mail, settings_for
from channels import ChannelRefused
from channels.email.identity.identify import identify
from tests.kit.waiting import PATIENCE_S, until
from tests.servers.mailhost import Correspondent, MailHost
from tests.servers.verdict import SERVER


def imap_alone(host: MailHost, folder: Path, **more: str) -> Settings:
    """Return the settings of somebody who begins with the mailbox."""
    everything = host.environ(f"bot-{secrets.token_hex(4)}@sayso.example")
    kept = {name: value for name, value in everything.items() if "SMTP" not in name}
    return settings_for(folder, kept | more)


async def test_the_mail_a_person_was_asked_for_is_found_among_others(mailhost: MailHost, tmp_path: Path) -> None:
    settings = imap_alone(mailhost, tmp_path)
    address, inbox = settings.mail_address or "", mailhost.dovecot.endpoint(settings.imap_user or "")
    anna, asked = Correspondent(mailhost, "anna"), asyncio.Queue[str]()
    await anna.write(address, "another mail", "hello")
    await until(lambda: mailhost.dovecot.flags(address) == [""], what="another mail has arrived")

    looking = asyncio.create_task(next_mail(settings, asked.put_nowait, look_every_s=0.05, inbox=inbox))
    await anna.write(address, await asked.get(), "hello")
    raw = await asyncio.wait_for(looking, PATIENCE_S)

    found = identify(raw, address)
    assert (found.author, found.way, found.authserv_id) == ("anna@corp.example", "dmarc", SERVER)
    assert mailhost.dovecot.flags(address) == ["", ""], "nothing is marked as seen"


async def test_a_mail_that_does_not_come_is_waited_for_so_long(mailhost: MailHost, tmp_path: Path) -> None:
    settings = imap_alone(mailhost, tmp_path)
    inbox = mailhost.dovecot.endpoint(settings.imap_user or "")

    with pytest.raises(Invalid, match="junk folder"):
        await next_mail(settings, lambda _subject: None, wait_s=0.3, look_every_s=0.05, inbox=inbox)


async def test_a_refused_log_in_is_said_before_anybody_is_asked(mailhost: MailHost, tmp_path: Path) -> None:
    settings, asked = imap_alone(mailhost, tmp_path), list[str]()
    inbox = mailhost.dovecot.endpoint(settings.imap_user or "", password="wrong-pw")

    with pytest.raises(ChannelRefused, match="SAYSO_IMAP_PASSWORD"):
        await next_mail(settings, asked.append, inbox=inbox)
    assert asked == []


def test_half_of_what_comes_later_is_no_reason_to_refuse(mailhost: MailHost, tmp_path: Path) -> None:
    settings = imap_alone(
        mailhost, tmp_path, SAYSO_MAIL_IDENTITY="dmarc", SAYSO_SMTP_PASSWORD="secret", SAYSO_SMTP_USER="x"
    )

    assert settings.mail_identity is None
