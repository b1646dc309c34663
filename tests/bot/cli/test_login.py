"""`sayso login` prints a link, and only for somebody whom it can be for."""

import json

import pytest

from tests.bot.cli.shell import attached as sayso
from tests.kit.world import World
from tests.servers.console import Browser, Page, a_console

PUBLIC = "http://sayso.corp.example"


async def opened(browser: Browser, link: str) -> Page:
    page = await browser.get(link.strip().removeprefix(PUBLIC))
    return await browser.submit(page.form("/login"))


@pytest.mark.long
async def test_a_link_for_a_person_opens_their_session_once(world: World) -> None:
    async with world.stopped():
        world.toml = f'public_url = "{PUBLIC}"\n{world.toml}'
    plain = await sayso(world, "login", "--as", "bo")
    told = await sayso(world, "login", "--as", "cy", "--json")

    assert (plain.code, plain.err, plain.out.startswith(f"{PUBLIC}/login?token=")) == (0, "", True)
    said = json.loads(told.out)
    assert (said["person"], said["is_demo"]) == ("cy", False)
    async with a_console(world, host="sayso.corp.example") as console:
        assert "Bo Berg Log out" in (await opened(console.stranger(), plain.out)).words
        assert "Cy Cole Log out" in (await opened(console.stranger(), said["link"])).words
        token = plain.out.strip().partition("=")[2]
        assert (await console.stranger().post("/login", {"token": token})).status_code == 401
