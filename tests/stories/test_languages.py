"""Two people, two languages: each reads cards, mails, notices and pages in their own, and what is recorded stays."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.config.example import example_toml
from bot.dev.demo import add_ways
from bot.wiring.local_mail import ADDRESS
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.test_tour import commit_of, live

GERMAN_ANNA = {"[people.anna]\n": '[people.anna]\nlanguage = "de"\n'}
GERMAN_BO = TOML.replace("[people.bo]\n", '[people.bo]\nlanguage = "de"\n')


pytestmark = opens(GERMAN_BO)


@pytest.fixture
async def german_shop(redis: str, tmp_path: Path, demo: Path) -> AsyncIterator[World]:
    """A shop to deploy without any model, whose Anna reads German and all others English."""
    shutil.copytree(demo, tmp_path / "data" / "demo", symlinks=True)
    add_ways(tmp_path / "data" / "demo")
    [(line, german)] = GERMAN_ANNA.items()
    toml = example_toml(tmp_path / "data" / "demo" / "shop").replace(line, german)
    announce = '[announce]\nto = ["group:release"]\n'
    async with a_world(redis, tmp_path / "data", f"{toml}\n{announce}", deploys=True) as world:
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


async def test_why_nothing_came_of_a_message_is_told_in_the_language_of_whoever_wrote_it(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.replace("1000/h", "1/h")

    for person in ("bo", "bo", "anna", "anna"):
        await world.send(person, ADDRESS, "stamp letter")

    german = await world.next_mail("bo", about="Es wurde kein Lauf gestartet")
    english = await world.next_mail("anna", about="No run was started")
    assert "Bo Berg hat in 3600 s 1 Lauf gestartet; das ist die Grenze" in " ".join(german.text.split())
    assert "Anna Ames has started 1 run in 3600 s, which is the limit" in " ".join(english.text.split())


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


async def test_approvers_read_a_title_in_the_language_of_all_and_the_requester_the_end_in_hers(
    german_shop: World,
) -> None:
    run_id = await german_shop.trigger("deploy v1.2.0 to production")

    card = await german_shop.next_mail("bo", about="Deploy v1.2.0 to production, replacing v1.0.0?")
    await german_shop.reply("bo", card, "deny, not on Friday")

    expected = "Das Deployment von v1.2.0 nach production wurde abgelehnt: not on Friday"
    assert await german_shop.summary(run_id) == f"failed: {expected}"
    assert expected in " ".join((await german_shop.next_mail("anna", about="Angehalten")).text.split())


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
    assert "Anna Ames fragte per Kommandozeile" in story.words
    assert "Nachgesehen: Versionen für production, Live in production" in story.words


async def test_what_a_german_announces_many_read_in_the_language_of_all(german_shop: World) -> None:
    run_id = await german_shop.trigger("announce: Mittag ist um zwölf")

    told = await german_shop.next_mail("cy", about="Announced: “Mittag ist um zwölf”")

    assert "The announce agent says this for Anna Ames." in " ".join(told.text.split())
    assert await german_shop.summary(run_id) == "done: Bekannt gegeben an group:release"
