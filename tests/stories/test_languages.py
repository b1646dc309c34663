"""Two people, two languages: each reads cards, mails, notices and pages in their own, and what is recorded stays."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.config.example import example_toml
from bot.dev.demo import add_ways
from bot.wiring.local_mail import ADDRESS
from tests.bot.web.console.stage import proof
from tests.kit.office import TOML
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.stories.test_rollback import breaks_the_page
from tests.test_tour import commit_of, live

GERMAN_ANNA = {"[people.anna]\n": '[people.anna]\nlanguage = "de"\n'}
GERMAN_BO = TOML.replace("[people.bo]\n", '[people.bo]\nlanguage = "de"\n')


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", GERMAN_BO) as world:
        yield world


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


async def test_each_is_asked_and_told_in_their_own_language(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))

    german, english = await office.next_mail("bo"), await office.next_mail("cy")
    await office.reply("bo", german, "genehmigt")
    await office.ended(record.request.run_id)

    assert "Anna Ames fragt an." in german.text
    assert "Anna Ames asks." in english.text
    assert "Fertig: press bell" in (await office.next_mail("bo", about="Fertig")).text
    assert "Done: press bell" in (await office.next_mail("anna", about="Done")).text


async def test_a_notice_is_in_the_language_of_whoever_reads_it_not_of_whoever_caused_it(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))

    await office.decide("bo", record, "deny", "zu laut")

    told = await office.next_mail("cy", about="Closed: Press bell")
    assert "Bo Berg denied on" in told.text
    assert await office.summary(record.request.run_id) == "failed: denied: zu laut"


async def test_why_nothing_came_of_a_message_is_told_in_the_language_of_whoever_wrote_it(office: World) -> None:
    async with office.stopped():
        office.toml = office.toml.replace("1000/h", "1/h")

    for person in ("bo", "bo", "anna", "anna"):
        await office.send(person, ADDRESS, "stamp letter")

    german = await office.next_mail("bo", about="Es wurde kein Lauf gestartet")
    english = await office.next_mail("anna", about="No run was started")
    assert "Bo Berg hat in 3600 s 1 Lauf gestartet; das ist die Grenze" in " ".join(german.text.split())
    assert "Anna Ames has started 1 run in 3600 s, which is the limit" in " ".join(english.text.split())


async def test_what_a_person_may_not_take_back_is_said_in_their_language(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))

    async with a_console(office) as console:
        bo = await console.browser("bo")
        answer = await bo.post(f"/requests/{record.request.id}/withdraw", await proof(bo))
        told = await bo.get(answer.headers["location"])

    assert "Das darf nur, wer darum gebeten hat" in told.words


async def test_the_story_of_a_run_is_in_the_language_of_whoever_looks(office: World) -> None:
    run_id = await office.trigger("press bell")
    await office.opened(run_id)
    await office.next_mail("cy")
    await office.quiet()
    async with a_console(office) as console:
        german = (await (await console.browser("bo")).get(f"/runs/{run_id}")).words
        english = (await (await console.browser("cy")).get(f"/runs/{run_id}")).words

    assert "Karte gesendet an Cy Cole" in german
    assert "Card sent to Cy Cole" in english


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


async def test_whom_a_message_is_for_is_asked_in_german_with_what_each_agent_would_do(german_shop: World) -> None:
    await german_shop.send("anna", ADDRESS, "Guten Morgen, wer kann mir helfen?")

    card = await german_shop.next_mail("anna", about="Was soll mit Ihrer Nachricht geschehen?")
    await german_shop.reply("anna", card, "5")

    words = " ".join(card.text.split())
    assert "1. deploy: bringt Versionen live in production, staging; fragt Sie vorher" in words
    assert "5. nichts davon" in words
    end = await german_shop.next_mail("anna", about="Beantwortet")
    assert "Es wurde nichts gestartet: Die Nachricht ist für keinen der Agenten" in " ".join(end.text.split())


async def test_approvers_read_a_title_in_the_language_of_all_and_the_requester_the_end_in_hers(
    german_shop: World,
) -> None:
    run_id = await german_shop.trigger("deploy v1.2.0 to production")

    card = await german_shop.next_mail("bo", about="Deploy v1.2.0 to production, replacing v1.0.0?")
    await german_shop.reply("bo", card, "deny, not on Friday")

    expected = "Das Deployment von v1.2.0 nach production wurde abgelehnt: not on Friday"
    assert await german_shop.summary(run_id) == f"failed: {expected}"
    assert expected in " ".join((await german_shop.next_mail("anna", about="Angehalten")).text.split())


@pytest.mark.long
async def test_what_tools_refuse_and_how_their_commands_failed_is_told_in_german(german_shop: World) -> None:
    breaks_the_page(german_shop)

    unknown = await german_shop.trigger("deploy v9.9.9 to production")
    nowhere = await german_shop.trigger("ask person:bo: bereit? | until 2020-01-01")
    broken = await german_shop.trigger("deploy v1.3.0 to staging")

    assert "Es gibt keine Version 'v9.9.9'. Versionen, die neueste zuerst: v1.3.0" in await german_shop.summary(unknown)
    await german_shop.next_mail("anna", about="Bis wann kann geantwortet werden?")
    assert not (await german_shop.run(nowhere)).results
    await german_shop.next_mail("anna", about="Soll staging auf v1.0.0 zurückgesetzt werden?")
    record = await german_shop.opened(broken)
    await german_shop.decide("anna", record, "free_text", "ja")
    assert await german_shop.summary(broken) == (
        "failed: v1.3.0 wurde nach staging deployt, und die Zustandsprüfung dort schlug fehl: '../health.sh' schlug "
        "mit Exit-Code 1 fehl: the page of staging is broken. Zurückgesetzt: v1.0.0 (56a8c29) ist in staging live wie "
        "zuvor, überprüft und in gutem Zustand"
    )


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
