"""Approvers see all that they approve: how much there is, where all of it stands, and which list is not whole."""

import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest

from channels.email.local.letters import Letter
from tests.agents.deploy.repos import Repo
from tests.bot.cli.shell import sayso
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console, a_console

COMMITS = 60
UNREAD = "The list of changes could not be read whole: the repository is a shallow clone"


@pytest.fixture
async def console(shop: World) -> AsyncIterator[Console]:
    async with a_console(shop) as console:
        yield console


def repo_of(world: World) -> Repo:
    return Repo(world.folder / "demo" / "shop")


def many(world: World) -> list[str]:
    """Make many commits, in a release of their own, and return their lines."""
    repo = repo_of(world)
    repo.git("checkout", "--quiet", "-B", "main", "v1.0.0")
    repo.commits(COMMITS, "Small change")
    repo.git("tag", "v2.0.0", "refs/heads/main")
    return [f"Small change {number} (Anna)" for number in range(COMMITS, 0, -1)]


def raw_mail(world: World, person: str, letter: Letter) -> EmailMessage:
    """The mail as it lies in the mailbox."""
    folder = world.mail.folder(world.address(person))
    [path] = [path for path in folder.rglob("*") if path.is_file() and letter.message_id.encode() in path.read_bytes()]
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


@pytest.mark.long
async def test_sixty_commits_are_counted_and_attached_to_the_mail(shop: World) -> None:
    subjects = many(shop)
    await shop.trigger("deploy v2.0.0 to production")

    card = await shop.next_mail("bo", about="Deploy v2.0.0 to production, replacing v1.0.0?")

    assert "60 commits, newest first:" in card.text
    assert "Complete list (60): attached as changes.txt" in card.text
    files = {part.get_filename(): part.get_content() for part in raw_mail(shop, "bo", card).iter_attachments()}
    assert [line.partition(" ")[2] for line in files["changes.txt"].splitlines()] == subjects
    await shop.reply("bo", card, "approved")
    await shop.next_mail("anna", about="Done")


@pytest.mark.long
async def test_all_of_them_stand_on_the_console_page_in_the_api_and_in_the_terminal(
    shop: World, console: Console
) -> None:
    subjects = many(shop)
    record = await shop.opened(await shop.trigger("deploy v2.0.0 to production"))

    page = await (await console.browser("bo")).get(f"/requests/{record.request.id}")
    shown = (await (await console.api.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
    full = await sayso(shop, "requests", "--full")

    [changes] = [fact for fact in shown["facts"] if fact["label"] == "Changes"]
    assert changes["lines"] == 60
    assert [line.partition(" ")[2] for line in changes["whole"].splitlines()] == subjects
    assert "60 commits, newest first:" in page.words
    assert [subject for subject in subjects if subject not in page.words] == []
    assert [subject for subject in subjects if subject not in full.out] == []


async def test_what_is_stored_of_a_long_list_is_stored_once_and_beside_the_events(shop: World) -> None:
    subjects = many(shop)
    record = await shop.opened(await shop.trigger("deploy v2.0.0 to production"))
    oldest = subjects[-1]

    client, found = shop.app.store.client, list[str]()
    for key in await client.do("KEYS", "*"):
        if await client.do("TYPE", key) == b"string" and oldest.encode() in (await client.do("GET", key) or b""):
            found.append(key.decode())

    assert [key.rpartition(":")[0].rpartition(":")[2] for key in found] == [record.request.run_id]
    assert oldest not in record.model_dump_json()
    assert oldest not in "".join(event.model_dump_json() for event in await shop.events(record.request.run_id))


@pytest.mark.long
async def test_a_list_that_is_not_whole_is_said_first_on_every_surface(shop: World, console: Console) -> None:
    many(shop)
    repo = repo_of(shop)
    (repo.path / ".git" / "shallow").write_text(repo.git("rev-parse", "v1.0.0") + "\n")
    record = await shop.opened(await shop.trigger("deploy v2.0.0 to production"))

    card = await shop.next_mail("bo")
    page = await (await console.browser("bo")).get(f"/requests/{record.request.id}")
    shown = (await (await console.api.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
    listed = await sayso(shop, "show", record.request.id)

    assert UNREAD in card.text.partition("Exactly this:")[0].partition("From:")[0]
    assert UNREAD in page.words
    assert any(UNREAD in risk for risk in shown["risks"])
    assert UNREAD in listed.out


async def test_a_list_that_is_kept_no_longer_is_said_to_be_gone(shop: World, console: Console) -> None:
    many(shop)
    record = await shop.opened(await shop.trigger("deploy v2.0.0 to production"))
    await until(lambda: shop.mails("bo"), what="the card is there")
    call = record.request.call
    assert call
    for fact in call.effect.facts:
        if fact.full:
            for key in await shop.app.store.client.do("KEYS", f"*{fact.full.sha256}"):
                await shop.app.store.client.do("DEL", key)

    page = await (await console.browser("bo")).get(f"/requests/{record.request.id}")

    assert "The complete list (60) is no longer kept." in page.words
