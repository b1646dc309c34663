"""The page of API keys: one's own, and for admins those of others as well, which they revoke."""

from typing import Any

import pytest

from bot.audit.reading import Query
from tests.bot.cli.shell import attached
from tests.bot.web.console.stage import proof
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console, Page


@pytest.fixture
def roles() -> str:
    return 'admin = ["person:cy"]'


async def test_an_admin_sees_the_keys_of_others_and_revokes_them(world: World, console: Console) -> None:
    of_bo, text = await console.api.key("bo", "read")
    of_ci, _ = await console.api.key(service="ci", acts_for=["anna"], holders=["anna"])
    cy = await console.browser("cy")

    page = await cy.get("/keys")
    told = await cy.submit(page.form(f"/keys/{of_bo.prefix}/revoke"))

    assert f"sayso_{of_bo.prefix} Bo Berg" in page.words
    assert f"sayso_{of_ci.prefix} service:ci" in page.words
    assert "The key opens nothing any more." in told.words
    assert of_bo.prefix not in told.words
    assert (await console.api.with_key(text).get("/v1/runs")).status_code == 401
    record = await revoked(world)
    assert (record["who"], record["people"], record["channel"]) == ("cy", ["bo"], "console")
    assert str(record["evidence"]).startswith("console session, opened by a link from an operator's terminal (")


async def test_whoever_revokes_a_key_hears_what_it_leaves_open(world: World, console: Console) -> None:
    key, text = await console.api.key(None, "ask", service="ci", acts_for=["anna"], asks=["group:release"])
    _, of_other = await console.api.key(None, "ask", service="ci", acts_for=["anna"], asks=["group:release"])
    asked = [await opened(console, one) for one in (text, text, of_other)]
    bo, cy = await console.api.client("bo"), await console.browser("cy")
    await bo.post(f"/v1/requests/{asked[0]}/answer", json={"text": "yes"})
    await world.quiet()

    told = await cy.submit((await cy.get("/keys")).form(f"/keys/{key.prefix}/revoke"))
    again = await attached(world, "keys", "revoke", key.prefix)

    for words in (told.words, again.out):
        assert f"no program hears their answers: {asked[1]}. " in words


async def opened(console: Console, key: str) -> str:
    """The id of what is asked with this key."""
    body = {"question": "May it go?", "to": ["group:release"]}
    return (await console.api.with_key(key).post("/v1/requests", json=body)).json()["id"]


async def revoked(world: World) -> dict[str, Any]:
    """The record of the one key that was revoked, once it is sealed."""

    async def found() -> list[dict[str, Any]]:
        return [*(await world.app.audit.search(Query(kind="key_revoked")))[0]]

    records: list[dict[str, Any]] = await until(found, what="it is sealed")
    [record] = records
    return record


async def test_a_fresh_key_says_what_it_does_and_nobody_else_sees_it(console: Console) -> None:
    bo = await console.browser("bo")
    page = await bo.get("/keys")
    fields = [*page.form("/keys").fields]

    none = Page(await bo.post("/keys", [*fields, ("name", "for the nightly job")]))
    assert "answer: approve, deny and answer" in page.words
    assert "Nothing is ticked. Tick what the key may do." in none.words
    assert "admin" not in none.words
    assert 'value="for the nightly job"' in none.html
    smuggled = Page(await bo.post("/keys", [*fields, ("scope", "admin")]))
    assert "Nothing is ticked. Tick what the key may do." in smuggled.words
    assert (await console.app.access.keyring.all()) == []

    asks, looks, answers = [
        Page(await bo.post("/keys", [*fields, ("scope", one)])).words for one in ("ask", "read", "answer")
    ]
    assert "Authorization: Bearer sayso_" in asks
    assert '"to": ["person:bo"]' in asks
    assert "claude mcp add --transport http sayso" in asks
    assert '"mcpServers"' in asks
    assert "Bearer" not in looks
    assert ("answers as you" in looks, "answers as you" in answers) == (False, True)
    assert "does as you what you ticked" in looks

    of_bo, text = await console.api.key("bo", "read")
    anna = await console.browser("anna")
    fields = await proof(anna)

    there, missing = [await anna.post(f"/keys/{one}/revoke", fields) for one in (of_bo.prefix, "aaaaaaaa")]

    assert of_bo.prefix not in (await anna.get("/keys")).words
    assert (there.status_code, there.text) == (403, missing.text)
    assert (await console.api.with_key(text).get("/v1/runs")).status_code == 200
    gone = await (cy := await console.browser("cy")).post("/keys/aaaaaaaa/revoke", await proof(cy))
    assert gone.status_code == 404
