"""Getting into a mailbox: TLS, passwords, access tokens, and what is said when that fails."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from channels import ChannelRefused, ChannelUnavailable
from channels.email.servers.endpoint import Endpoint
from channels.email.servers.imap_mailbox import ImapMailbox
from channels.email.servers.oauth import AccessTokens
from tests.channels.email.boxes import Box, Shelf, body, take
from tests.channels.email.mails import mail
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot, missing
from tests.servers.token_endpoint import TokenEndpoint
from tests.servers.wire import Wire


@asynccontextmanager
async def in_background(dovecot: Dovecot) -> AsyncGenerator[None]:
    """A Dovecot that asks a server of this event loop."""
    await asyncio.to_thread(dovecot.start)
    try:
        yield
    finally:
        await asyncio.to_thread(dovecot.stop)


@pytest.fixture
async def wire(dovecot: Dovecot) -> AsyncIterator[Wire]:
    async with Wire(dovecot.imaps) as wire:
        yield wire


async def test_starttls_and_a_plain_line_on_this_machine_work_as_well(dovecot: Dovecot) -> None:
    box = Box(dovecot)
    box.deliver("hello")
    for tls in ("starttls", "none"):
        endpoint = replace(box.dovecot.endpoint(box.user, port=box.dovecot.imap), tls=tls)

        assert [body(item) for item in await take(ImapMailbox(endpoint, Shelf()), 1)] == ["hello"]


OAUTH2 = """
auth_mechanisms = plain xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {file}
}}
"""


async def test_an_access_token_logs_in_and_is_renewed_once_when_the_server_no_longer_takes_it(
    open_path: Path, authority: Authority
) -> None:
    if why := missing():
        pytest.skip(why)
    async with TokenEndpoint() as endpoint:
        file = open_path / "oauth2.conf"
        introspection = f"introspection_mode = get\nintrospection_url = {endpoint.url}/introspect?access_token="
        await asyncio.to_thread(file.write_text, f"{introspection}\nusername_attribute = email\n")
        dovecot = Dovecot(open_path / "dovecot", authority, extra=OAUTH2.format(file=file))
        access = AccessTokens(endpoint.grant)
        own = replace(dovecot.endpoint(endpoint.account), password=None, access=access)
        async with in_background(dovecot):
            for body in ("first", "second"):
                await asyncio.to_thread(dovecot.deliver, endpoint.account, mail(body), sender="bo@corp.example")
                assert await take(ImapMailbox(own, Shelf()), 1)
                endpoint.valid = "revoked by somebody"

    assert len(endpoint.asked) == 2


async def test_a_refused_log_in_says_what_to_check_and_not_the_password(dovecot: Dovecot) -> None:
    endpoint = dovecot.endpoint("agent@sayso.example", password="wrong-pw")

    with pytest.raises(ChannelRefused, match="SAYSO_IMAP_USER and SAYSO_IMAP_PASSWORD") as told:
        await take(ImapMailbox(endpoint, Shelf()), 1)

    assert "wrong-pw" not in f"{told.value}{endpoint}"


async def test_a_server_without_tls_gets_no_password(open_path: Path, authority: Authority) -> None:
    if why := missing():
        pytest.skip(why)
    with Dovecot(open_path / "dovecot", authority, extra="ssl = no") as plain:
        endpoint = replace(plain.endpoint("agent@sayso.example", port=plain.imap), tls="starttls")

        with pytest.raises(ChannelUnavailable, match="STARTTLS"):
            await take(ImapMailbox(endpoint, Shelf()), 1)

        assert "Login" not in plain.log()


async def test_a_certificate_that_nobody_signed_and_a_server_that_is_not_there_are_for_later(
    dovecot: Dovecot, wire: Wire
) -> None:
    endpoint = dovecot.endpoint("agent@sayso.example", port=wire.port)
    with pytest.raises(ChannelUnavailable, match="certificate of the IMAP server"):
        await take(ImapMailbox(replace(endpoint, trust=None), Shelf()), 1)
    wire.is_refusing = True
    with pytest.raises(ChannelUnavailable, match="It is tried again"):
        await take(ImapMailbox(endpoint, Shelf()), 1)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = Endpoint("127.0.0.1", taken.getsockname()[1], "agent", "a-password", "implicit")
        with pytest.raises(ChannelUnavailable, match=r"nothing listens there.*SAYSO_IMAP_PORT"):
            await take(ImapMailbox(nobody, Shelf()), 1)
