"""A link that logs somebody in is made when it is sent, for the channel that takes it, and nothing keeps it before."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.config.tables import CHANNELS
from bot.outbound.login_link import send_link
from bot.store.client import Client
from bot.store.outbox_entry import Tell
from tests.fakes.corkboard import Corkboard
from tests.kit.office import TOML
from tests.kit.world import World, a_world

PUBLIC = "https://sayso.corp.example"


@pytest.fixture
def slack() -> Corkboard:
    """Stands for Slack: a second channel, with its name."""
    return Corkboard()


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack: Corkboard) -> AsyncIterator[World]:
    """A running sayso that reaches people by mail and in Slack."""
    async with a_world(redis, tmp_path / "data", TOML, beside=[slack]) as world:
        yield world


async def sends(world: World, person: str, back: str = "/") -> None:
    """`person` is to get a link in Slack, else by mail."""
    app = world.app
    await send_link(app.journal, app.people, PUBLIC, app.people.named(person), back, CHANNELS)


async def opens(world: World, link: str) -> tuple[str, str] | None:
    """Who gets in by `link`, and how it came."""
    [token] = parse_qs(urlsplit(link).query)["token"]
    login = await world.app.access.sessions.peek(token)
    return login and (login.person, login.by)


async def links(world: World) -> int:
    """How many links there are that open something."""
    client = Client(world.url)
    found = [name async for name in client.scan("*") if ":login:" in name]
    await client.close()
    return len(found)


async def test_a_link_in_slack_says_that_it_came_there_and_where_it_leads(office: World, slack: Corkboard) -> None:
    await sends(office, "bo", "/requests?q=a b")
    await office.quiet()

    [card] = slack.at("bo")
    assert card.link.startswith(f"{PUBLIC}/login?token=")
    assert parse_qs(urlsplit(card.link).query)["next"] == ["/requests?q=a b"]
    assert await opens(office, card.link) == ("bo", "slack")
    assert office.mails("bo") == ()


async def test_a_link_that_slack_refuses_comes_by_mail_and_says_so(office: World, slack: Corkboard) -> None:
    slack.banned.add("bo")

    await sends(office, "bo")

    letter = await office.next_mail("bo", about="Open the console")
    link = next(word for word in letter.text.split() if word.startswith(PUBLIC))
    assert await opens(office, link) == ("bo", "email")


async def test_a_link_that_waits_to_be_sent_does_not_exist_yet(office: World, slack: Corkboard) -> None:
    await office.stop()
    await office.start(works=False)

    await sends(office, "bo", "/requests")

    [entry] = await office.unsent()
    assert isinstance(entry, Tell)
    assert (entry.login, entry.card.link) == (f"{PUBLIC}/login?next=%2Frequests", "")
    assert "token" not in entry.model_dump_json()
    assert await links(office) == 0
    await office.app.messages.outbox.send(entry.id)
    [card] = slack.at("bo")
    assert await opens(office, card.link) == ("bo", "slack")
    assert await links(office) == 1


async def test_where_others_would_see_it_no_link_is_shown(office: World, slack: Corkboard) -> None:
    slack.room.add("bo")

    await sends(office, "bo")

    letter = await office.next_mail("bo", about="Open the console")
    assert f"{PUBLIC}/login?token=" in letter.text
    assert slack.at("room") == []
