"""Who may do what, on every surface: the table of roles as programs, browsers, threads and mails meet it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import PersonSaid
from agents.requests import PersonId
from bot.audit.reading import Query
from bot.policy.record import RequestRecord
from tests.bot.web.console.stage import proof
from tests.fakes.hallway import Hallway
from tests.kit.office import ROLES, TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import Console, a_console
from tests.servers.web import Api, serving

THREAD = "C01OPS/1712345678.000100"
# Anna asks, Bo and Cy decide, Ole is an operator, Ada an admin, Vic a viewer; Eve has nothing to do with it.
SEES = {"anna": 200, "bo": 200, "ole": 200, "ada": 200, "vic": 404, "eve": 404}
STEERS = {"anna": 200, "bo": 403, "ole": 200, "ada": 200, "vic": 404, "eve": 404}
"""The answers to looking at Anna's run, and to steering it."""


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    """A running sayso with roles, which hears people in threads and by mail."""
    async with a_world(redis, tmp_path / "data", TOML + ROLES, beside=[hallway]) as world:
        yield world


@pytest.fixture
async def api(office: World) -> AsyncIterator[Api]:
    async with serving(office.app) as api:
        yield api


@pytest.fixture
async def console(office: World) -> AsyncIterator[Console]:
    async with a_console(office) as console:
        yield console


async def asked(office: World) -> RequestRecord:
    """The request of a run of Anna's, which Bo and Cy may decide."""
    return await office.opened(await office.trigger("press it"))


async def test_over_http_each_sees_what_concerns_them(office: World, api: Api) -> None:
    record = await asked(office)
    run, request = record.request.run_id, record.request.id

    for person, status in SEES.items():
        client = await api.client(person)
        for path in (f"runs/{run}", f"runs/{run}/events", f"runs/{run}/export", f"requests/{request}"):
            assert (await client.get(f"/v1/{path}")).status_code == status, (person, path)
        listed = [one["id"] for one in (await client.get("/v1/runs")).json()["runs"]]
        asks = [one["id"] for one in (await client.get("/v1/requests")).json()["requests"]]
        assert (listed, asks) == (([run], [request]) if status == 200 else ([], [])), person


async def test_what_may_not_be_seen_is_answered_like_what_is_not_there(office: World, api: Api) -> None:
    record, eve = await asked(office), await api.client("eve")
    run, request = record.request.run_id, record.request.id

    for there, kind in ((run, "runs"), (request, "requests")):
        other = f"{there[:-13]}aaaaaaaaaaaaa"
        shown, missing = [await eve.get(f"/v1/{kind}/{one}") for one in (there, other)]
        assert shown.text.replace(there, other) == missing.text


async def test_over_http_a_run_is_steered_by_who_asked_and_by_operators(office: World, api: Api) -> None:
    run = (await asked(office)).request.run_id

    for person, status in STEERS.items():
        client = await api.client(person)
        for verb in ("pause", "resume"):
            answer = await client.post(f"/v1/runs/{run}/{verb}")
            assert answer.status_code == status, (person, verb)
        copied = await client.post(f"/v1/runs/{run}/retry")
        assert copied.status_code == (201 if status == 200 else status), person
    bo = await api.client("bo")
    told = (await bo.post(f"/v1/runs/{run}/cancel")).json()
    assert told["detail"] == "Only those who asked for this run, and operators, may cancel it."
    assert told["do"] == "Ask Anna Ames, or an operator"


async def test_over_http_a_viewer_starts_nothing_and_operators_look_after_dead_letters(api: Api) -> None:
    for person in SEES:
        answer = await (await api.client(person)).post("/v1/runs", json={"text": "stamp it"})
        assert answer.status_code == (403 if person == "vic" else 201), person
        # Dan hears the alerts as well; a key may not more than its person, whoever made it.
        dead = await (await api.client(person, "admin")).get("/v1/dead")
        assert dead.status_code == (200 if person in {"ole", "ada"} else 403), person


async def test_in_the_console_each_sees_and_steers_the_same(office: World, console: Console) -> None:
    record = await asked(office)
    run, request = record.request.run_id, record.request.id

    for person, status in SEES.items():
        browser = await console.browser(person)
        for path in (f"/runs/{run}", f"/requests/{request}"):
            assert (await browser.get(path)).status == status, (person, path)
        for path, link in (("/runs", f"/runs/{run}"), ("/requests?all", f"/requests/{request}")):
            assert (link in (await browser.get(path)).links) == (status == 200), (person, path)
        steered = (await browser.post(f"/runs/{run}/pause", await proof(browser))).status_code
        assert steered == (303 if STEERS[person] == 200 else STEERS[person]), person
        assert (await browser.get("/quarantine")).status == (200 if person in {"ole", "ada"} else 403), person


async def test_words_in_a_thread_steer_for_who_asked_and_for_operators(office: World, hallway: Hallway) -> None:
    gate = office.workshop.hold("letter")
    inbox = office.app.messages.inbox
    run = office.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", "stamp letter", THREAD)))
    await until(lambda: office.workshop.started, what="it stamps")

    for person in SEES:
        inbound_id = await inbox.accept(hallway.follows(person, "stop", THREAD, is_addressed=True))
        await inbox.handle(inbound_id)

    said = [event.person for event in await office.events(run) if isinstance(event, PersonSaid)]
    assert said == ["anna", "ole", "ada"]
    for person in ("bo", "eve", "vic"):
        await until(lambda person=person: hallway.to(person, "Not passed on to the run"), what="it is told")
    gate.set()


async def test_a_viewer_who_asks_by_mail_is_told_why_nothing_was_started(office: World) -> None:
    await office.send("vic", "sayso@sayso.example", "stamp it")

    letter = await office.next_mail("vic")

    assert "your role is viewer" in letter.text
    assert await office.app.store.lists.runs() == []


async def test_an_agent_is_started_only_by_whom_it_names(redis: str, tmp_path: Path) -> None:
    toml = f'{TOML}\n[agents.clerk]\ntriggered_by = ["group:release"]\n'
    async with a_world(redis, tmp_path / "data", toml) as world, serving(world.app) as api:
        anna, bo = await api.client("anna"), await api.client("bo", "trigger")
        refused = await anna.post("/v1/runs", json={"text": "stamp it"})

        assert refused.status_code == 403
        assert refused.json()["do"] == "Ask one of those who may: Bo Berg and Cy Cole"
        assert (await bo.post("/v1/runs", json={"text": "stamp it"})).status_code == 201


async def test_a_key_is_refused_beyond_its_scope_and_beyond_its_person(office: World, api: Api) -> None:
    run = (await asked(office)).request.run_id
    reads, all_of_bo = await api.client("anna", "read"), await api.client("bo", "admin")

    assert (await reads.post(f"/v1/runs/{run}/cancel")).json()["type"] == "urn:sayso:problem:scope-missing"
    assert (await all_of_bo.post(f"/v1/runs/{run}/cancel")).status_code == 403


async def test_a_service_sees_and_steers_for_those_it_acts_for_and_never_approves(office: World, api: Api) -> None:
    record = await asked(office)
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
    assert (await office.request(request.id)).state in {"open", "withdrawn"}


async def test_who_leaves_the_directory_has_neither_key_nor_session_nor_voice(
    office: World, hallway: Hallway, api: Api
) -> None:
    _, key = await api.key("eve")
    sessions = office.app.access.sessions
    session = await sessions.spend(await sessions.link(PersonId("eve"), by="operator"))
    assert session
    assert await sessions.find(session)
    async with office.stopped():
        office.toml = office.toml.replace("people.eve", "people.mae").replace("eve@corp", "mae@corp")
    access, inbox = office.app.access, office.app.messages.inbox

    await inbox.handle(await inbox.accept(hallway.begins("eve", "stamp it", THREAD)))

    assert (await access.keyring.find(key), await access.sessions.find(session)) == (None, None)
    assert access.rights.role_of("eve") is None
    assert await office.app.store.lists.runs() == []


async def test_each_refusal_is_in_the_audit_log(office: World, api: Api) -> None:
    run, bo, eve = (await asked(office)).request.run_id, await api.client("bo"), await api.client("eve")

    await bo.post(f"/v1/runs/{run}/cancel")
    await eve.get(f"/v1/runs/{run}")

    assert await until(lambda: refusals(office), what="they are sealed") == [
        ("bo", "api", run, "forbidden", "Only those who asked for this run, and operators, may cancel it"),
        ("eve", "api", run, "hidden", f"There is no run {run}"),
    ]


async def refusals(office: World) -> list[tuple[str, ...]] | None:
    """Who was refused what, once both are in the log."""
    found, _ = await office.app.audit.search(Query(kind="refused"))
    names = ("who", "channel", "run_id", "outcome", "words")
    told = sorted(tuple(str(one.get(name)) for name in names) for one in found)
    return told if len(told) == 2 else None
