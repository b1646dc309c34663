"""The page on which somebody who decides hands a request on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.web.console.stage import buttons, place
from tests.kit.world import World, a_world
from tests.servers.console import a_console, sent
from tests.stories.test_delegation import SOLO, asked, on_solo


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as world:
        yield world


async def test_bo_hands_it_on_and_cy_approves_it(office: World) -> None:
    async with a_console(office) as console:
        record, bo, cy = await asked(office), await console.browser("bo"), await console.browser("cy")
        assert "Hand it on…" in (await bo.get(place(record))).words
        page = await bo.get(f"{place(record)}/hand-on")
        assert ("Cy Cole" in page.words, "Anna Ames" in page.words) == (True, False)

        path, fields = sent(page.form(f"{place(record)}/hand-on"), "Hand on")
        done = await bo.post(path, dict(fields) | {"to": "cy", "reason": "on the train"})
        after = await bo.get(done.headers["location"])

        assert "You handed it on to Cy Cole" in after.words
        assert "Bo Berg to Cy Cole: “on the train”" in after.words
        assert "Somebody else decides in your place. Cy Cole may." in after.words
        assert "Deny" in buttons(after)
        assert "Approve" not in buttons(after)
        assert "Hand it on…" not in after.words
        theirs = await cy.get(place(record))
        await cy.submit(theirs.form(f"{place(record)}/answer"), "Approve")
        assert await office.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_who_can_hand_it_on_to_nobody_has_no_such_page(office: World) -> None:
    office.workshop.policy_of["bell"] = "production"
    async with a_console(office) as console:
        record, bo = await asked(office), await console.browser("bo")

        page = await bo.get(f"{place(record)}/hand-on")

        assert page.path == place(record)
        assert "There is nobody to whom you can hand this on." in page.words
        assert "Hand it on…" not in page.words


async def test_of_two_people_with_one_name_each_is_offered_with_their_id(redis: str, tmp_path: Path) -> None:
    toml = SOLO.replace('"Dan Dorn"', '"Cy Cole"')
    async with a_world(redis, tmp_path / "data", toml, change=on_solo) as office, a_console(office) as console:
        record, bo = await asked(office), await console.browser("bo")

        page, live = await bo.get(f"{place(record)}/hand-on"), await bo.get("/live")
        path, fields = sent(page.form(f"{place(record)}/hand-on"), "Hand on")
        done = await bo.post(path, dict(fields) | {"to": "dan", "reason": ""})
        after = await bo.get(done.headers["location"])

        assert "Cy Cole (cy) Cy Cole (dan) Eve Ebert" in page.words
        assert "Cy Cole (cy) Cy Cole (dan) Eve Ebert" in live.words
        assert "You handed it on to Cy Cole (dan)" in after.words
