"""Standing approvals in the console: asked for on a form, listed, revoked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.kit.world import World
from tests.servers.console import Console, a_console
from tests.stories.people.standing import an_office, done_once, granted, is_asked


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with an_office(redis, tmp_path) as office:
        yield office


@pytest.fixture
async def console(office: World) -> AsyncIterator[Console]:
    async with a_console(office) as console:
        yield console


async def test_it_is_asked_for_from_a_finished_run(office: World, console: Console) -> None:
    run_id, anna = await done_once(office), await console.browser("anna")
    assert f"/standing?run={run_id}" in (await anna.get(f"/runs/{run_id}")).html
    dan, bo = await console.browser("dan"), await console.browser("bo")
    assert (await dan.get(f"/standing?run={run_id}")).status == 404
    assert "There is no standing approval for what this run did" in (await bo.get(f"/standing?run={run_id}")).words
    form = (await anna.get(f"/standing?run={run_id}")).form("/standing")
    day = f"{await office.now() + timedelta(days=2):%Y-%m-%d}"

    page = await anna.submit(form, "Ask for it", ("what",), uses="2", until=day)
    again = await anna.submit(form, "Ask for it", ("what",), uses="2", until=day)

    assert "They are asked." in page.words
    assert page.path == again.path
    [record] = [one for one in await office.requests() if one.state == "open"]
    assert record.request.title == "“Press bell” (or any other what), 2 more times without asking?"


async def test_those_it_concerns_see_it_and_revoke_it(office: World, console: Console) -> None:
    standing = await granted(office, await done_once(office), leave_open=("what",))
    assert not await is_asked(office)
    dan, cy = await console.browser("dan"), await console.browser("cy")
    assert standing.approval.id not in (await dan.get("/standing")).words
    seen = await cy.get("/standing")
    assert "1 of 3 used" in seen.words
    assert "Press bell (or any other what)" in seen.words
    form = seen.form(f"/standing/{standing.approval.id}/revoke")

    refused = await dan.post(form.action, dict((await dan.get("/")).form("/logout").fields))
    after = await cy.submit(form, "Revoke", reason="enough")

    assert refused.status_code == 404
    assert f"{standing.approval.id} is revoked. People are asked again." in after.words
    assert await is_asked(office)
