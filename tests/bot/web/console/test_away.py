"""The form on the page Live by which people say that they are away."""

from datetime import timedelta

import pytest

from tests.kit.world import World
from tests.servers.console import Console, sent


@pytest.fixture
def roles() -> str:
    return 'operator = ["person:dan"]'


async def test_bo_says_that_he_is_away_and_is_back(world: World, console: Console) -> None:
    bo, cy = await console.browser("bo"), await console.browser("cy")
    day = (await world.now() + timedelta(days=3)).date().isoformat()
    page = await bo.get("/live")

    path, fields = sent(page.form("/live/away"), "I am away")
    never = await bo.post(path, dict(fields) | {"until": "2020-01-01"})
    assert "That is not a time to be away" in (await bo.get(never.headers["location"])).words
    assert await world.app.requests.absences.all() == []
    done = await bo.post(path, dict(fields) | {"until": day, "to": "cy"})
    after = await bo.get(done.headers["location"])

    assert "Bo Berg is away from" in after.words
    assert "Cy Cole stands in." in after.words
    assert " UTC on " not in after.words, "moments are on the clock of whoever reads them"
    [absence] = await world.app.requests.absences.all()
    assert (absence.person, absence.to, absence.by) == ("bo", "cy", "bo")
    assert "Back already" not in (await cy.get("/live")).words
    await bo.submit(after.form("/live/back"), "Back already")
    assert await world.app.requests.absences.all() == []


async def test_nobody_says_it_of_others_without_a_role_for_that(world: World, console: Console) -> None:
    cy = await console.browser("cy")
    day = (await world.now() + timedelta(days=3)).date().isoformat()
    path, fields = sent((await cy.get("/live")).form("/live/away"), "I am away")

    refused = await cy.post(path, dict(fields) | {"until": day, "person": "bo"})

    assert refused.status_code == 403
    assert await world.app.requests.absences.all() == []
