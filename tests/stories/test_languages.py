"""Two people, two languages: each reads cards, mails, notices and pages in their own, and what is recorded stays."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.wiring.local_mail import ADDRESS
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.shop import a_shop
from tests.kit.world import World
from tests.servers.console import a_console
from tests.test_tour import commit_of, live

GERMAN_ANNA = ("[people.anna]\n", '[people.anna]\nlanguage = "de"\n')
GERMAN_BO = TOML.replace("[people.bo]\n", '[people.bo]\nlanguage = "de"\n')


pytestmark = opens(GERMAN_BO)


@pytest.fixture
async def german_shop(redis: str, tmp_path: Path, demo: Path) -> AsyncIterator[World]:
    """A shop to deploy without any model, whose Anna reads German and all others English."""
    async with a_shop(redis, tmp_path / "data", demo, lambda toml: toml.replace(*GERMAN_ANNA)) as world:
        yield world


async def test_each_is_asked_and_told_and_reads_the_story_in_their_own_language(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))

    german, english = await world.next_mail("bo"), await world.next_mail("cy")
    await world.reply("bo", german, "genehmigt")
    await world.ended(record.request.run_id)

    assert "Anna Ames fragt an." in german.text
    assert "Anna Ames asks." in english.text
    assert "Fertig: press bell" in (await world.next_mail("bo", about="Fertig")).text
    assert "Done: press bell" in (await world.next_mail("anna", about="Done")).text
    denied = await world.opened(await world.trigger("press bell"))
    await world.decide("bo", denied, "deny", "zu laut")
    assert "Closed: Press bell" in (await world.next_mail("cy", about="Bo Berg denied on")).text
    async with a_console(world) as console:
        pages = [
            (await (await console.browser(who)).get(f"/runs/{record.request.run_id}")).words for who in ("bo", "cy")
        ]
    assert "Karte gesendet an Cy Cole" in pages[0]
    assert "Card sent to Cy Cole" in pages[1]


@pytest.mark.long
async def test_plain_rules_ask_a_german_in_german_take_the_number_and_tell_the_end(german_shop: World) -> None:
    await german_shop.send("anna", ADDRESS, "deploy to staging")

    card = await german_shop.next_mail("anna", about="Welche Version soll nach staging deployt werden?")
    await german_shop.reply("anna", card, "2")

    assert "1. v1.2.0\n2. v1.1.0\n3. v1.0.0\n4. nichts davon" in card.text
    end = await german_shop.next_mail("anna", about="Fertig")
    assert "v1.1.0 (" in end.text
    assert ") ist in staging live, überprüft und in gutem Zustand" in " ".join(end.text.split())
    assert " ".join(end.text.split()).count("staging live") == 2, "the title and the sentence"
    assert live(german_shop, "staging") == commit_of(german_shop, "v1.1.0")


async def test_an_approver_who_reads_german_finds_nothing_english_of_ours_on_a_card_and_what_came_of_it(
    german_shop: World,
) -> None:
    async with german_shop.stopped():
        german_shop.toml = german_shop.toml.replace("[people.bo]\n", '[people.bo]\nlanguage = "de"\n')
    record = await german_shop.opened(await german_shop.trigger("deploy v1.2.0 to production"))
    card = await german_shop.next_mail("bo")
    async with a_console(german_shop) as console:
        bo = await console.browser("bo")
        asked = await bo.get(f"/requests/{record.request.id}")
        await german_shop.decide("bo", record, "approve")
        await german_shop.ended(record.request.run_id)
        after = await bo.get(f"/requests/{record.request.id}")
        story = await bo.get(f"/runs/{record.request.run_id}")

    for text in (" ".join(card.text.split()), asked.words):
        assert 'führt aus: ["./deploy.sh", "production"' in text
        assert "in: einer sauberen Kopie des Commits" in text
        assert re.search(r"live in production ist [0-9a-f]{40}", text)
        assert all(english not in text for english in ("runs: [", "a clean copy of", "in production is "))
    for page in (after, story):
        assert re.search(r"[0-9a-f]{40} nach production deployt vorher live: [0-9a-f]{40}", page.words)
    assert "Anna Ames fragte im Terminal" in story.words
    assert "Nachgesehen: Versionen für production, Live in production" in story.words
