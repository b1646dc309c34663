"""Two people, two languages: each reads cards, mails, notices and pages in their own, and what is recorded stays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.office import TOML
from tests.servers.console import a_console
from tests.world import World, a_world

GERMAN_BO = TOML.replace("[people.bo]\n", '[people.bo]\nlanguage = "de"\n')


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", GERMAN_BO) as world:
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
