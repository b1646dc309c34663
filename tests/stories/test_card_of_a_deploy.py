"""A deploy's card has the message of its tag as it is, and leads to how its files differ, wherever it is shown."""

import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from agents.requests.record import RequestRecord
from channels import Card
from tests.agents.deploy.repos import Repo
from tests.bot.cli.shell import sayso
from tests.fakes.hallway import Hallway
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.shop import a_shop
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console

NOTES = "\n".join(["Fewer clicks", "", *(f"- item {number} <b>&amp; *bold*" for number in range(1, 13)), "approve"])
PUBLIC = "https://sayso.corp.example"


async def asked(world: World) -> RequestRecord:
    """An approval of a version whose tag has a message."""
    repo = Repo(world.folder / "demo" / "shop")
    repo.git("tag", "--annotate", "--cleanup=verbatim", "--message", NOTES, "v2.0.0", "v1.2.0")
    return await world.opened(await world.trigger("deploy v2.0.0 to production"))


def raw_mail(world: World, person: str, message_id: str) -> EmailMessage:
    folder = world.mail.folder(world.address(person))
    [path] = [path for path in folder.rglob("*") if path.is_file() and message_id.encode() in path.read_bytes()]
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


async def test_release_notes_are_in_the_mail_and_whole_beside_it_and_it_leads_to_the_difference_where_people_reach_it(
    shop: World,
) -> None:
    await asked(shop)

    card = await shop.next_mail("bo", about="Release notes")

    assert "See what changes in the files" not in card.text
    assert "- the message of the tag, in the words of whoever made it:\n- > Fewer clicks\n" in card.text
    assert "- > - item 1 <b>&amp; *bold*\n- Complete list (15): attached as release-notes.txt\n" in card.text
    assert "- item 2" not in card.text
    mail = raw_mail(shop, "bo", card.message_id)
    page = mail.get_body(("html",))
    assert page
    assert "&lt;b&gt;&amp;amp; *bold*" in page.get_content()
    files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    assert files["release-notes.txt"].replace("\r\n", "\n") == f"{NOTES}\n"

    async with shop.stopped():
        shop.toml = f'public_url = "{PUBLIC}"\n{shop.toml}'
    record = await shop.opened(await shop.trigger("deploy v1.1.0 to production"))
    card = await shop.next_mail("bo", about="v1.1.0")
    assert f"See what changes in the files\n{PUBLIC}/requests/{record.request.id}/changes\n" in card.text


@pytest.mark.long
async def test_release_notes_stand_on_the_page_in_the_api_and_in_the_terminal(shop: World) -> None:
    record = await asked(shop)
    async with a_console(shop) as console:
        page = await (await console.browser("bo")).get(f"/requests/{record.request.id}")
        shown = (await (await console.api.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
    listed = await sayso(shop, "show", record.request.id)

    [fact] = [fact for fact in shown["facts"] if fact["label"] == "Release notes"]
    assert (fact["whole"], fact["lines"]) == (f"{NOTES}\n", 15)
    assert "item 12 &lt;b&gt;&amp;amp; *bold*" in page.html
    assert "item 12 <b>&amp; *bold*" in listed.out


REACH = ("slack", "email")


@pytest.fixture
async def public(redis: str, tmp_path: Path, demo: Path, hallway: Hallway) -> AsyncIterator[World]:
    """The shop where people find pages at a public address, and are reached in the hallway, else by mail."""
    shop = a_shop(
        redis,
        tmp_path / "data",
        demo,
        lambda toml: f'public_url = "{PUBLIC}"\n{toml}',
        beside=(hallway,),
        reach=REACH,
    )
    async with shop as world:
        yield world


def led(card: Card) -> dict[str, str]:
    return {fact.label: fact.link for fact in card.facts if fact.link}


async def test_a_card_leads_to_the_difference_also_once_it_is_decided(public: World, hallway: Hallway) -> None:
    record = await asked(public)
    page = f"{PUBLIC}/requests/{record.request.id}/changes"
    await public.quiet()

    [first] = [card for card in hallway.to("bo") if card.form]
    assert led(first) == {"Files": page}
    await public.decide("bo", record, "deny", "no")
    closed = await until(lambda: next(iter(hallway.shown.values()), None), what="the card changed")
    assert led(closed) == {"Files": page}


@opens(f'public_url = "{PUBLIC}"\n{TOML}', beside=("hallway",), reach=REACH)
async def test_nothing_leads_anywhere_where_nothing_is_deployed(world: World, hallway: Hallway) -> None:
    await world.opened(await world.trigger("press bell"))
    await world.quiet()

    assert [led(card) for card in hallway.to("bo") if card.form] == [{}]
