"""`sayso login` prints a link, and only for somebody whom it can be for."""

import json
from pathlib import Path

import pytest

from bot.config.data_dir import LocalServer
from bot.store.embedded import EmbeddedRedis
from tests.bot.cli.shell import attached as sayso
from tests.bot.web.console.stage import answer
from tests.kit.office import QUICK
from tests.kit.programs import sayso as program
from tests.kit.world import World, a_world
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


@pytest.mark.long
async def test_a_link_that_a_terminal_printed_approves_where_an_approval_by_mail_does_not_count(world: World) -> None:
    async with world.stopped():
        strict = world.toml.replace("approve_by_email = true", "approve_by_email = false")
        world.toml = f'public_url = "{PUBLIC}"\n{strict}'
    record = await world.opened(await world.trigger("press it"))
    printed = await sayso(world, "login", "--as", "bo")

    async with a_console(world, host="sayso.corp.example") as console:
        bo = console.stranger()
        await opened(bo, printed.out)
        await answer(bo, record, "Approve")

    assert (await world.request(record.request.id)).state == "approved"


@pytest.mark.long
async def test_beside_the_demo_it_opens_everybodys_session(short_path: Path) -> None:
    env = {f"SAYSO_{name}": value for name, value in QUICK.items()}
    with EmbeddedRedis(short_path) as redis:
        async with a_world(redis.start(), short_path) as world, a_console(world, is_demo=True) as console:
            world.app.data_dir.announce(LocalServer(console.api.url, console.api.url, {}, ()))

            code, link, err = await program("login", "--data", str(short_path), cwd=short_path, env=env)
            _, as_bo, _ = await program("login", "--as", "bo", "--data", str(short_path), cwd=short_path, env=env)

            assert (code, err) == (0, "")
            everybody = await opened(console.stranger(), link.removeprefix(console.api.url))
            bo = await opened(console.stranger(), as_bo.removeprefix(console.api.url))
            assert any(form.action == "/as" for form in everybody.forms)
            assert all(form.action != "/as" for form in bo.forms)
            assert "Bo Berg Log out" in bo.words
