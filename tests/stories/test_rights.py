"""Who sees what, for whom a service speaks, and who has left; `test_rights_table.py` has what each role may do."""

from collections.abc import AsyncIterator

import pytest

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from tests.fakes.hallway import Hallway
from tests.kit.office import ROLES, TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.console import Console, a_console
from tests.servers.web import Api

THREAD = "C01OPS/1712345678.000100"
# Anna asks, Bo and Cy decide, Ole is an operator, Ada an admin, Vic a viewer; Eve has nothing to do with it.
SEES, SEES_NOT = ("anna", "bo", "ole", "ada"), ("vic", "eve")

pytestmark = opens(TOML + ROLES, beside=("hallway",))
"""A sayso with roles, which hears people in threads and by mail."""


@pytest.fixture
async def console(world: World) -> AsyncIterator[Console]:
    async with a_console(world) as console:
        yield console


async def asked(world: World) -> RequestRecord:
    """The request of a run of Anna's, which Bo and Cy may decide."""
    return await world.opened(await world.trigger("press it"))


async def test_lists_hold_what_concerns_their_reader_and_what_may_not_be_seen_is_answered_like_what_is_not_there(
    world: World, console: Console
) -> None:
    record, api = await asked(world), console.api
    run, request = record.request.run_id, record.request.id

    for person in SEES + SEES_NOT:
        client, browser = await api.client(person), await console.browser(person)
        listed = [one["id"] for one in (await client.get("/v1/runs")).json()["runs"]]
        asks = [one["id"] for one in (await client.get("/v1/requests")).json()["requests"]]
        assert (listed, asks) == (([run], [request]) if person in SEES else ([], [])), person
        for path, link in (("/runs", f"/runs/{run}"), ("/requests?all", f"/requests/{request}")):
            assert (link in (await browser.get(path)).links) == (person in SEES), (person, path)
    eve = await api.client("eve")
    for there, kind in ((run, "runs"), (request, "requests")):
        other = f"{there[:-13]}aaaaaaaaaaaaa"
        shown, missing = [await eve.get(f"/v1/{kind}/{one}") for one in (there, other)]
        assert shown.text.replace(there, other) == missing.text
    told = await (await api.client("bo", "admin")).post(f"/v1/runs/{run}/cancel")
    assert (told.status_code, told.json()["do"]) == (403, "Ask Anna Ames, or an operator")
    assert told.json()["detail"] == "Only those who asked for this run, and operators, may cancel it."


@opens(f'{TOML}\n[agents.clerk]\ntriggered_by = ["group:release"]\n')
async def test_an_agent_is_started_only_by_whom_it_names(api: Api) -> None:
    anna, bo = await api.client("anna"), await api.client("bo", "trigger")
    refused = await anna.post("/v1/runs", json={"text": "stamp it"})

    assert refused.status_code == 403
    assert refused.json()["do"] == "Ask one of those who may: Bo Berg and Cy Cole"
    made = await bo.post("/v1/runs", json={"text": "stamp it"})
    assert made.status_code == 201
    of_anna = await api.client("bo", "steer", "trigger", acts_for=["anna"])
    copied = await of_anna.post(f"/v1/runs/{made.json()['id']}/retry", json={"requester": "anna"})
    assert (copied.status_code, copied.json()["do"]) == (403, "Ask one of those who may: Bo Berg and Cy Cole")


async def test_a_service_sees_and_steers_for_those_it_acts_for_and_never_approves(world: World, api: Api) -> None:
    record = await asked(world)
    run, request = record.request.run_id, record.request
    for_anna = await api.client(service="ci", acts_for=["anna"])
    for_bo = await api.client(service="cd", acts_for=["bo"])
    nobody = await api.client(service="cx")

    statuses = [(await client.get(f"/v1/runs/{run}")).status_code for client in (for_anna, for_bo, nobody)]
    answer = await for_bo.post(f"/v1/requests/{request.id}/answer", json={"vote": "approve", "digest": request.digest})

    assert statuses == [200, 200, 404]
    assert answer.json()["type"] == "urn:sayso:problem:not-for-programs"
    assert (await for_bo.post(f"/v1/runs/{run}/cancel")).status_code == 403
    assert (await for_anna.post(f"/v1/runs/{run}/cancel")).status_code == 200
    assert (await world.request(request.id)).state in {"open", "withdrawn"}


async def test_who_leaves_the_directory_has_neither_key_nor_session_nor_voice(
    world: World, hallway: Hallway, api: Api
) -> None:
    _, key = await api.key("eve")
    sessions = world.app.access.sessions
    session = await sessions.spend(await sessions.link(PersonId("eve"), by="operator"))
    assert session
    assert await sessions.find(session)
    async with world.stopped():
        world.toml = world.toml.replace("people.eve", "people.mae").replace("eve@corp", "mae@corp")
    access, inbox = world.app.access, world.app.messages.inbox

    await inbox.handle(await inbox.accept(hallway.begins("eve", "stamp it", THREAD)))

    assert (await access.keyring.find(key), await access.sessions.find(session)) == (None, None)
    assert access.rights.role_of("eve") is None
    assert await world.app.store.lists.runs() == []
