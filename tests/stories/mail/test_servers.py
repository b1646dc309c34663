"""The whole story by mail, over a real Postfix and a real Dovecot, and with each of them going away in between."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.events import DeliveryFailed
from bot.config.example import example_toml
from bot.config.settings import load
from bot.dev.demo import add_ways
from bot.people.directory import People
from bot.store.client import Client
from bot.store.locks import MailboxStore
from bot.wiring.mail import RealMail
from channels import Channel
from channels.email.local.letters import Letter
from channels.email.transport import Relay, Transport
from tests.fakes.corkboard import Corkboard
from tests.kit.long import few_of
from tests.kit.office import QUICK
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.mailhost import Correspondent, MailHost
from tests.servers.postfix import REFUSED
from tests.servers.verdict import SERVER
from tests.servers.wire import Wire


@dataclass
class Office:
    """A running sayso whose mail is at the provider, through `wire`, and people with mailboxes there."""

    host: MailHost
    world: World
    wire: Wire
    address: str

    def __post_init__(self) -> None:
        """Everybody has read what there was."""
        self.anna, self.bo = Correspondent(self.host, "anna"), Correspondent(self.host, "bo")

    def live(self) -> str:
        """The tag that visitors of the demo site get."""
        current = self.world.folder / "demo" / "site" / "production" / "current"
        return current.resolve().name

    async def runs(self) -> int:
        """Return how many runs there are."""
        return len(await self.world.app.store.lists.runs())


@pytest.fixture
def board() -> Corkboard:
    """The office has one; nobody is asked there unless mail fails."""
    return Corkboard()


@pytest.fixture
def nobody(mailhost: MailHost) -> str:
    """Return an address whose mailbox is gone: the provider takes mail for it, and then can't deliver it."""
    address = f"bo-{secrets.token_hex(4)}@corp.example"
    mailhost.verdict.gone.add(address)
    return address


@pytest.fixture(params=["plus"])
async def office(
    request: pytest.FixtureRequest, mailhost: MailHost, redis: str, tmp_path: Path, demo: Path, board: Corkboard
) -> AsyncIterator[Office]:
    """An office with the example settings, the deploy agent, the demo to deploy.

    A test may want another way for replies, an address of bo that has no mailbox (`nobody`) or that is refused at once
    (`refused`), and a board beside the mail (`board`).
    """
    folder, wanted = tmp_path / "data", str(request.param).split()
    way = wanted[0]
    address = f"bot-{secrets.token_hex(4)}@sayso.example"
    shutil.copytree(demo, folder / "demo", symlinks=True)
    add_ways(folder / "demo")
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(Wire(mailhost.dovecot.imaps))
        client = Client(redis)
        stack.push_async_callback(client.close)

        def by_servers(_local: Channel) -> Channel:
            environ = {f"SAYSO_{name}": value for name, value in QUICK.items()}
            proof = {"SAYSO_MAIL_IDENTITY": "dmarc", "SAYSO_MAIL_AUTHSERV_ID": SERVER}
            settings = load(folder, environ | proof | mailhost.environ(address, way, wire.port))
            people = People(settings.people, settings.policies)
            mail = RealMail(settings, people, trust=mailhost.authority.believing())
            return mail.channel(mail.mailbox(MailboxStore(client, settings.mailbox_name)), delays_s=(0.1, 0.2))

        def over_servers(world: World) -> None:
            world.through = by_servers
            if "board" in wanted:
                world.beside, world.reach = (board,), ("email", "slack")

        toml = example_toml(folder / "demo" / "shop")
        if "nobody" in wanted:
            toml = toml.replace("bo@corp.example", request.getfixturevalue("nobody"))
        if "refused" in wanted:
            toml = toml.replace("bo@corp.example", REFUSED)
        world = await stack.enter_async_context(a_world(redis, folder, toml, deploys=True, change=over_servers))
        yield Office(mailhost, world, wire, address)


@pytest.mark.parametrize("office", few_of(["plus", "reference"], 0), indirect=True)
@pytest.mark.long
async def test_a_wish_by_mail_is_asked_about_answered_done_and_told_by_mail(office: Office) -> None:
    before = office.live()
    await office.anna.write(office.address, "deploy v1.2.0 to production", "please")

    card = await office.bo.next_mail("Deploy v1.2.0 to production")
    assert office.live() == before, "nothing happens before somebody has answered"
    await office.bo.reply(card, "approved, thanks")

    done = await office.anna.next_mail("Done: ")
    assert "is live in production, verified" in done.text
    assert office.live() != before
    [record] = await office.world.requests()
    assert (record.state, record.decision and record.decision.by) == ("approved", ("bo",))
    assert await office.runs() == 1


@pytest.mark.long
@pytest.mark.parametrize("office", few_of(["plus", "reference"], 0), indirect=True)
async def test_the_mail_about_a_comment_can_be_answered_as_the_card_can(office: Office) -> None:
    await office.anna.write(office.address, "deploy v1.2.0 to production", "please")
    card = await office.bo.next_mail("Deploy v1.2.0 to production")
    await office.bo.reply(card, "looks good, but what does it change?")

    told = await office.bo.next_mail("not counted as a decision")
    await office.bo.reply(told, "approved")

    assert "is live in production" in (await office.anna.next_mail("Done: ")).text
    [record] = await office.world.requests()
    assert [vote.person for vote in record.votes] == ["bo"]
    assert await office.runs() == 1


@pytest.mark.long
async def test_a_stranger_whose_address_is_certain_is_answered_once_and_no_machine_is(office: Office) -> None:
    eve = Correspondent(office.host, "eve")

    for subject in ("deploy v1.2.0 to production", "Out of office", "deploy v2.0.0 to production"):
        await eve.write(office.address, subject, "please")
    told = await eve.next_mail("Your mail could not be taken")
    await until(lambda: _is_held(office, 2), what="both mails are held")
    await office.world.quiet()

    assert [letter.subject for letter in office.host.mails(eve.email)].count(told.subject) == 1
    [raw] = [raw for raw in _raw(office, eve.email) if b"could not be taken" in raw]
    assert b"\nReturn-Path: <>" in b"\n" + raw
    assert b"Auto-Submitted: auto-replied" in raw
    assert b"Anna" not in raw
    assert await office.runs() == 0


async def _is_held(office: Office, count: int) -> bool:
    return len(await office.world.dead()) == count


def _raw(office: Office, address: str) -> list[bytes]:
    folder = office.host.dovecot.maildir(address)
    return [path.read_bytes() for path in (*folder.glob("new/*"), *folder.glob("cur/*"))]


async def the_line_is_cut(office: Office) -> None:
    """In the middle of an IDLE, with nobody to tell."""
    await office.wire.cut()


async def dovecot_restarts(office: Office) -> None:
    """The mailbox is away for a second or two; Postfix keeps what it could not deliver."""
    await asyncio.to_thread(office.host.dovecot.stop)
    await asyncio.to_thread(office.host.dovecot.start)


async def the_uids_begin_anew(office: Office) -> None:
    """Every mail in the mailbox has another name."""
    await asyncio.to_thread(office.host.dovecot.forget_uids, office.address)


@pytest.mark.long
@pytest.mark.parametrize("trouble", [the_line_is_cut, dovecot_restarts, the_uids_begin_anew])
async def test_the_story_goes_on_after(office: Office, trouble: Callable[[Office], Awaitable[None]]) -> None:
    await office.anna.write(office.address, "deploy v1.2.0 to production", "please")
    card = await office.bo.next_mail("Deploy v1.2.0 to production")
    lines = office.wire.count

    await trouble(office)
    await office.bo.reply(card, "approved")

    assert "is live in production" in (await office.anna.next_mail("Done: ")).text
    assert office.wire.count > lines, "it is another connection"
    assert await office.runs() == 1
    assert [record.state for record in await office.world.requests()] == ["approved"]


@pytest.mark.long
async def test_mail_that_was_answered_while_the_mailbox_was_away_is_read_when_it_is_back(office: Office) -> None:
    await office.anna.write(office.address, "deploy v1.2.0 to production", "please")
    card = await office.bo.next_mail("Deploy v1.2.0 to production")
    office.wire.is_refusing = True
    await office.wire.cut()

    await office.bo.reply(card, "approved")
    await until(lambda: len(office.host.mails(office.address)) == 2, what="the reply lies in the mailbox")
    office.wire.is_refusing = False

    assert "is live in production" in (await office.anna.next_mail("Done: ")).text


async def test_a_forged_approval_is_held_and_the_true_one_counts(office: Office) -> None:
    await office.anna.write(office.address, "deploy v1.2.0 to production", "please")
    card = await office.bo.next_mail("Deploy v1.2.0 to production")
    outside = Relay("localhost", office.host.postfix.mx, tls="none")
    forged = (
        f"From: Bo Berg <bo@corp.example>\r\nTo: {card.reply_to}\r\nMessage-ID: <forged@evil.example>\r\n"
        f"Authentication-Results: {SERVER}; dmarc=pass header.from=corp.example\r\n\r\napproved\r\n"
    )

    await Transport(lambda: outside).send(
        forged.encode(), sender="mallory@evil.example", recipients=[card.reply_to or ""]
    )

    held = await office.anna.next_mail("An answer was quarantined")
    assert "bo@corp.example was not accepted" in held.text
    assert [record.state for record in await office.world.requests()] == ["open"]
    await office.bo.reply(card, "approved")
    assert "is live in production" in (await office.anna.next_mail("Done: ")).text


@pytest.mark.long
async def test_nothing_in_the_mailbox_is_marked_as_seen(office: Office) -> None:
    await office.anna.write(office.address, "deploy v1.2.0 to production", "please")
    await office.bo.next_mail("Deploy v1.2.0 to production")

    assert office.host.dovecot.flags(office.address) == [""]


def words(letter: Letter) -> str:
    """Its text, whatever its lines."""
    return " ".join(letter.text.split())


@pytest.mark.long
@pytest.mark.parametrize("office", ["plus nobody board", "reference nobody board"], indirect=True)
async def test_a_card_for_a_mailbox_that_is_gone_comes_back_and_is_answered_another_way(
    office: Office, board: Corkboard
) -> None:
    await office.anna.write(office.address, "deploy v1.2.0 to production", "please")

    told = await office.anna.next_mail("Not reached: ")
    await until(lambda: board.card("bo"), what="the card is on the board")
    board.write("bo", "approve")

    assert "Bo Berg could not be reached by email. The same goes to Bo Berg by Slack now." in words(told)
    assert "| 550 5.1.1" in told.text
    assert "is live in production" in (await office.anna.next_mail("Done: ")).text
    [record] = await office.world.requests()
    assert record.decision is not None
    assert (record.decision.by, record.decision.channel) == (("bo",), "slack")


@pytest.mark.long
@pytest.mark.parametrize("office", ["plus nobody", "plus refused"], indirect=True)
async def test_a_card_that_reaches_nobody_any_other_way_is_told_and_the_others_decide(office: Office) -> None:
    cy = Correspondent(office.host, "cy")
    await office.anna.write(office.address, "deploy v1.2.0 to production", "please")

    told = await office.anna.next_mail("Not reached: ")
    assert "Bo Berg could not be reached by email. Cy Cole is also asked." in words(told)
    assert "5.1.1" in told.text
    await until(office.world.dead, what="it is a dead letter")
    assert "5.1.1" in (await office.world.dead())[0]

    await cy.reply(await cy.next_mail("Deploy v1.2.0 to production"), "approve")
    assert "is live in production" in (await office.anna.next_mail("Done: ")).text
    [record] = await office.world.requests()
    events = await office.world.events(record.request.run_id)
    assert [(event.person, event.channel) for event in events if isinstance(event, DeliveryFailed)] == [("bo", "email")]
