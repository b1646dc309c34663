"""Whose coding agent asks under the policy `coding-agent` of `sayso dev` says yes herself, and the agent can't."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from bot.config.example import example_toml
from tests.bot.cli.shell import elsewhere, sayso
from tests.bot.web.hooks.test_endpoint import ALLOWED, CLAUDE, asks, opened
from tests.kit.world import World, a_world
from tests.servers.console import Console, a_console
from tests.servers.web import Api


@pytest.fixture
async def home(redis: str, tmp_path: Path) -> AsyncGenerator[tuple[World, Console, Api]]:
    """A sayso as `sayso dev` sets it up for a newcomer."""
    async with (
        a_world(redis, tmp_path / "data", example_toml(tmp_path / "shop")) as world,
        a_console(world) as console,
    ):
        yield world, console, console.api


async def agent(api: Api) -> AsyncClient:
    """Anna's own agent, with the key that `sayso connect` tells her to make."""
    return await api.client(
        None, "ask", service="claude-code", acts_for=["anna"], holders=["anna"],
        asks=["policy:coding-agent", "person:anna"],
    )  # fmt: skip


async def asked(api: Api) -> tuple[asyncio.Task[Response], dict[str, Any]]:
    """The agent as it waits, and what it asks; of the two that its key may ask, the policy is meant."""
    asking = asyncio.create_task(asks(await agent(api), CLAUDE))
    return asking, await opened(api, sees="anna")


async def test_nobody_says_yes_with_a_key_or_in_a_terminal_where_the_agent_is(home: tuple[World, Console, Api]) -> None:
    """Nor beside `sayso dev`; an approval there is told at once that it does not count, with and without a digest."""
    world, _, api = home
    asking, request = await asked(api)
    vote = {"vote": "approve", "digest": request["digest"]}
    where = f"/v1/requests/{request['id']}/answer"
    by_its_key = await (await agent(api)).post(where, json=vote)
    by_hers = await (await api.client("anna")).post(where, json=vote)
    _, hers = await api.key("anna")
    words = ("answer", request["id"], "approve")
    for typed in (words, (*words, "--digest", request["digest"])):
        by_key = await elsewhere(world.folder, *typed, SAYSO_URL=api.url, SAYSO_API_KEY=hers)
        beside = await sayso(world, *typed, "--as", "anna")
        for told in (by_key, beside):
            assert told.code == 1
            assert "on its page in the console; by email" in told.out + told.err
            assert "type the same again" not in told.err
    after = (await (await api.client("anna")).get(f"/v1/requests/{request['id']}")).json()
    asking.cancel()

    assert by_its_key.status_code == 403
    assert (by_hers.status_code, by_hers.json()["type"]) == (403, "urn:sayso:problem:not-this-way")
    assert after["state"] == "open"


async def test_she_says_yes_by_mail_and_nothing_offers_her_a_change_of_what_her_agent_does_by_itself(
    home: tuple[World, Console, Api],
) -> None:
    world, console, api = home
    asking, request = await asked(api)
    card = await world.next_mail("anna")
    shown = await (await console.browser("anna")).get(f"/requests/{request['id']}")

    assert "rm -rf build" in card.text
    assert "To change it" not in card.text
    assert f"edit-{request['id']}" not in shown.html
    await world.reply("anna", card, "title: Run the tests")
    again = await world.next_mail("anna")
    assert "Nothing of this may be changed" in again.text
    await world.reply("anna", again, "approved")
    assert (await asking).json() == ALLOWED
