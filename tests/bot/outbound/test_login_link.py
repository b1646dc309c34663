"""A link that logs somebody in is made when it is sent, for the channel that takes it, and nothing keeps it before."""

from urllib.parse import parse_qs, urlsplit

import pytest

from bot.config.tables import CHANNELS
from bot.outbound.login_link import send_link
from bot.store.client import Client
from bot.store.outbox_entry import Tell
from tests.fakes.corkboard import Corkboard
from tests.kit.opens import opens
from tests.kit.world import World

PUBLIC = "https://sayso.corp.example"


@pytest.fixture
def slack() -> Corkboard:
    """Stands for Slack: a second channel, with its name."""
    return Corkboard()


pytestmark = opens(beside=["slack"])


async def sends(world: World, person: str, back: str = "/") -> None:
    """`person` is to get a link in Slack, else by mail."""
    app = world.app
    await send_link(app.journal, app.people, PUBLIC, app.people.named(person), back, CHANNELS)


async def opened_by(world: World, link: str) -> tuple[str, str] | None:
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


async def test_a_link_that_waits_to_be_sent_does_not_exist_yet_and_says_then_that_it_came_in_slack_and_where_it_leads(
    world: World, slack: Corkboard
) -> None:
    await world.stop()
    await world.start(works=False)
    await sends(world, "bo", "/requests?q=a b")

    [entry] = await world.unsent()
    assert isinstance(entry, Tell)
    assert (entry.login, entry.card.link) == (f"{PUBLIC}/login?next=%2Frequests%3Fq%3Da+b", "")
    assert "token" not in entry.model_dump_json()
    assert await links(world) == 0
    await world.app.messages.outbox.send(entry.id)

    [card] = slack.at("bo")
    assert card.link.startswith(f"{PUBLIC}/login?token=")
    assert parse_qs(urlsplit(card.link).query)["next"] == ["/requests?q=a b"]
    assert await opened_by(world, card.link) == ("bo", "slack")
    assert (await links(world), world.mails("bo")) == (1, ())


async def test_a_link_that_slack_refuses_or_that_others_would_see_there_comes_by_mail_and_says_so(
    world: World, slack: Corkboard
) -> None:
    slack.banned.add("bo")
    await sends(world, "bo")
    letter = await world.next_mail("bo", about="Open the console")
    link = next(word for word in letter.text.split() if word.startswith(PUBLIC))
    assert await opened_by(world, link) == ("bo", "email")

    slack.room.add("cy")
    await sends(world, "cy")

    assert f"{PUBLIC}/login?token=" in (await world.next_mail("cy", about="Open the console")).text
    assert slack.at("room") == []
