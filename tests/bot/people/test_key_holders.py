"""The holders of a service's key are the requesters of what it asks for, whatever name they send along."""

import pytest
from httpx2 import AsyncClient

from agents.requests.record import RequestRecord
from tests.bot.cli.shell import attached, sayso
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import Api

SAID = "It came with the API key of the service ci, which Bo Berg holds."


async def asked(world: World, ci: AsyncClient) -> RequestRecord:
    answer = await ci.post("/v1/runs", json={"text": "press it", "requester": "anna"})
    assert answer.status_code == 201, answer.text
    return await world.opened(answer.json()["id"])


async def test_who_holds_the_key_that_asked_does_not_approve(world: World, api: Api) -> None:
    ci = await api.client(None, "trigger", "steer", service="ci", acts_for=["anna"], holders=["bo"])
    record = await asked(world, ci)

    judgement = await world.decide("bo", record, "approve")

    assert (judgement.type, (await world.request(record.request.id)).state) == ("not_entitled", "open")
    assert record.request.requesters == ("anna", "bo")
    assert (await world.decide("cy", record, "approve")).type == "decided"


async def test_a_fork_and_a_retry_with_that_key_are_asked_for_by_its_holders_too(world: World, api: Api) -> None:
    ci = await api.client(None, "trigger", "steer", service="ci", acts_for=["anna"], holders=["bo"])
    run_id = await world.trigger("press it")
    await world.opened(run_id)

    for verb, body in (("fork", {"at": 1}), ("retry", {})):
        answer = await ci.post(f"/v1/runs/{run_id}/{verb}", json={**body, "requester": "anna"})
        record = await world.opened(answer.json()["id"])

        assert set(record.request.requesters) == {"anna", "bo"}
        assert (record.request.service, record.request.key_holders) == ("ci", ("bo",))


async def test_every_surface_names_the_service_and_who_holds_its_key(world: World, api: Api) -> None:
    ci = await api.client(None, "trigger", "read", service="ci", acts_for=["anna"], holders=["bo"])
    record = await asked(world, ci)

    mail = await world.next_mail("cy")
    listed = await sayso(world, "requests", "--full")
    view = (await ci.get(f"/v1/requests/{record.request.id}")).json()
    async with a_console(world) as console:
        page = (await (await console.browser("cy")).get(f"/requests/{record.request.id}")).words

    assert SAID in " ".join(mail.text.split())
    assert SAID in listed.out
    assert (view["service"], view["key_holders"]) == ("ci", ["bo"])
    assert SAID in page


@pytest.mark.long
async def test_a_service_gets_no_key_without_somebody_who_holds_it(world: World) -> None:
    made = await attached(world, "keys", "create", "--service", "ci", "--scope", "trigger")
    unknown = await attached(world, "keys", "create", "--service", "ci", "--scope", "trigger", "--holder", "eve")
    strange = await attached(world, "keys", "create", "--person", "bo", "--scope", "trigger", "--holder", "cy")

    assert 0 not in {made.code, unknown.code, strange.code}
    assert "--holder PERSON" in made.err
    assert await world.app.access.keyring.all() == []
