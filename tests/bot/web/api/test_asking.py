import asyncio
import json
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from bot.store.client import Client
from tests.bot.backup.putting_back import backed_up, restored
from tests.bot.web.problems import refused
from tests.kit.office import TOML
from tests.kit.tables import becomes, without
from tests.kit.world import World
from tests.servers.web import Api, serving

JSON = {"Content-Type": "application/json"}
QUESTION: dict[str, Any] = {"question": "May staging-3 go?", "to": ["group:release"]}


async def program(api: Api, *asks: str) -> AsyncClient:
    return await api.client(
        None, "trigger", "read", service="ci", acts_for=["anna"], asks=asks or ("group:release", "person:anna")
    )


def under(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}


async def asked(client: AsyncClient, once: str = "", **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/requests", json={**QUESTION, **more}, headers=under(once))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def given(api: Api, person: str, request: dict[str, Any], **body: Any) -> Response:
    return await (await api.client(person)).post(f"/v1/requests/{request['id']}/answer", json=body)


async def left(world: World, api: Api, client: AsyncClient, **more: Any) -> dict[str, Any]:
    """What was asked, answered, and has left Redis."""
    request = await asked(client, **more)
    await given(api, "bo", request, text="yes")
    await world.ended(request["run_id"])
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1
    return request


@pytest.fixture
async def ci(api: Api) -> AsyncClient:
    return await program(api)


async def test_a_program_asks_waits_and_has_the_answer(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")

    opened = await ci.post("/v1/requests", json={**QUESTION, "format": "yes_no", "context": {"ticket": "OPS-7"}})
    request = opened.json()
    waiting = asyncio.create_task(ci.get(f"/v1/requests/{request['id']}?wait_s=20"))
    answer = await bo.post(f"/v1/requests/{request['id']}/answer", json={"text": "yes"})

    assert (opened.status_code, opened.headers["location"]) == (201, f"/v1/requests/{request['id']}")
    assert (request["state"], request["may_decide"], request["program"]) == ("open", ["bo", "cy"], "service:ci")
    assert answer.json()["judgement"]["type"] == "decided"
    told = (await waiting).json()
    assert (told["state"], told["decision"]["given"]["text"], told["decision"]["by"]) == ("answered", "yes", ["bo"])
    assert await world.summary(request["run_id"]) == "done: bo answered: “yes”"
    run = (await ci.get(f"/v1/runs/{request['run_id']}")).json()
    assert (run["agent"], run["requester"], run["is_rehearsal"]) == ("relay", "anna", False)


async def test_what_a_script_asks_names_its_owner_as_people_know_them(world: World, api: Api) -> None:
    service = await asked(await program(api))
    own = await asked(await api.client("anna", "trigger", "read", asks=("group:release",)))

    titles = [(await world.request(one["id"])).request.title for one in (service, own)]

    assert titles == [
        f"The program ci asks: {QUESTION['question']}",
        f"Anna Ames asks (sent by their script): {QUESTION['question']}",
    ]


async def test_a_request_is_open_at_once_while_no_worker_runs(world: World) -> None:
    await world.stop()
    await world.start(works=False)
    async with serving(world.app) as api:
        ci = await program(api)

        request = await asked(ci)

        assert (await ci.get(f"/v1/requests/{request['id']}")).json()["state"] == "open"
        assert [one["id"] for one in (await ci.get("/v1/requests?person=bo&state=open")).json()["requests"]] == [
            request["id"]
        ]
        assert (await ci.get("/v1/runs?state=waiting")).json()["runs"][0]["open"] == request["id"]
        assert world.mails("bo") == ()
        assert (await given(api, "bo", request, text="yes, it may")).status_code == 200
    await world.stop()
    await world.start()

    assert await world.summary(request["run_id"]) == "done: bo answered: “yes, it may”"
    assert (await world.next_mail("anna")).subject.startswith("Answered")


async def test_a_key_asks_only_those_who_are_listed_with_it(api: Api) -> None:
    listed = await program(api, "group:release", "policy:production")
    usual = await api.client(service="ci", acts_for=["anna", "dan"])
    own = await api.client("cy")

    for client, to in (
        (listed, ["person:anna"]),
        (listed, ["group:release", "person:dan"]),
        (listed, ["person:nobody"]),
        (listed, ["group:nothing"]),
        (listed, ["group:production"]),
        (usual, ["group:release"]),
        (own, ["person:bo"]),
    ):
        requester = "anna" if client is usual else None
        answer = await client.post("/v1/requests", json={**QUESTION, "to": to, "requester": requester})
        assert to[-1] in refused(answer, 403, "not-yours")
        assert f"--asks {to[-1]}" in answer.json()["do"]
    assert (await asked(listed, to=["person:bo"]))["may_decide"] == ["bo"]
    assert (await asked(listed, to=["group:release", "person:bo"]))["may_decide"] == ["bo", "cy"]
    assert (await asked(usual, to=["person:dan"], requester="anna"))["may_decide"] == ["dan"]
    assert (await asked(own, to=["person:cy"]))["may_decide"] == ["cy"]
    refused(await listed.post("/v1/requests", json={**QUESTION, "requester": "bo"}), 403, "not-yours")


async def test_the_same_body_under_one_key_is_one_request_however_often_it_is_sent(ci: AsyncClient) -> None:
    """Of several bodies that come at once under it, one is asked."""
    once = {"Idempotency-Key": "k-1"}
    bodies = [{**QUESTION, "question": f"May {number % 3} go?"} for number in range(12)]

    answers = await asyncio.gather(*(ci.post("/v1/requests", json=body, headers=once) for body in bodies))
    [request] = (await ci.get("/v1/requests")).json()["requests"]
    [same, *_] = [body for body in bodies if body["question"] in request["quoted"]]
    again = await ci.post("/v1/requests", json={**same, "requester": "anna"}, headers=once)
    other = await ci.post("/v1/requests", json={**same, "to": ["person:bo"]}, headers=once)
    run = await ci.post("/v1/runs", json={"text": "stamp it"}, headers=once)
    two = await ci.post("/v1/requests", json=QUESTION, headers=[("Idempotency-Key", "one"), ("Idempotency-Key", "two")])

    for body, answer in zip(bodies, answers, strict=True):
        if body == same:
            assert (answer.status_code in {200, 201}, answer.json()["id"]) == (True, request["id"])
        else:
            refused(answer, 409, "key-reused")
            [found] = answer.json()["difference"]
            assert (found["field"], found["now"]) == ("question", body["question"])
    assert (again.status_code, again.json()["id"]) == (200, request["id"])
    assert again.headers["idempotency-replayed"] == "true"
    for refusal in (other, run, two):
        refused(refusal, 409, "key-reused")
    assert other.json()["difference"] == [{"field": "to", "before": ["group:release"], "now": ["person:bo"]}]
    assert len((await ci.get("/v1/requests")).json()["requests"]) == 1
    assert len((await ci.get("/v1/runs")).json()["runs"]) == 1
    assert (await asked(ci))["id"] != request["id"]


async def test_a_caller_s_key_stands_for_its_request_as_long_as_that_is_kept(world: World, api: Api) -> None:
    """Also once what is remembered for a day is gone, once it was decided, and once it has left Redis."""
    ci, once = await program(api), {"Idempotency-Key": "k-1"}
    body = {**QUESTION, "context": {"ticket": "OPS-7"}}
    first = (await ci.post("/v1/requests", json=body, headers=once)).json()

    async def sent(**more: Any) -> Response:
        client = Client(world.url)
        for name in [name async for name in client.scan("{s?}:seen:*")]:
            await client.do("DEL", name)
        await client.close()
        return await ci.post("/v1/requests", json={**body, **more}, headers=once)

    is_open = await sent()
    await given(api, "bo", first, text="yes")
    await world.ended(first["run_id"])
    is_decided = await sent(requester="anna")
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1
    is_archived = await sent()
    others = [await sent(to=["person:anna"]), await sent(context={}), await sent(question="Another?")]

    told = [(answer.status_code, answer.json()["id"]) for answer in (is_open, is_decided, is_archived)]
    assert told == [(200, first["id"])] * 3
    assert is_archived.json()["decision"]["given"]["text"] == "yes"
    for other in others:
        refused(other, 409, "key-reused")
    assert [answer.json()["difference"] for answer in others] == [
        [{"field": "to", "before": ["group:release"], "now": ["person:anna"]}],
        [{"field": "context", "before": {"ticket": "OPS-7"}, "now": {}}],
        [{"field": "question", "before": QUESTION["question"], "now": "Another?"}],
    ]
    assert (await ci.get("/v1/requests")).json()["requests"] == []


async def test_whoever_asks_under_a_new_key_waits_for_no_archive(world: World, api: Api, ci: AsyncClient) -> None:
    """Only a key that may stand for what has left Redis can't be told from a new one while the archive is away."""
    first = await left(world, api, ci, once="left")
    open_one = await asked(ci, once="open")
    archive, elsewhere = world.folder / "archive", world.folder / "elsewhere"

    archive.rename(elsewhere)
    emptied = await ci.post("/v1/requests", json=QUESTION, headers=under("left"))
    archive.symlink_to(archive)
    broken = await ci.post("/v1/requests", json=QUESTION, headers=under("left"))
    fresh = [await asked(ci, once=f"new-{number}") for number in range(6)]
    again = [await ci.post("/v1/requests", json=QUESTION, headers=under(key)) for key in ("open", "new-0")]
    archive.unlink()
    elsewhere.rename(archive)
    is_back = await ci.post("/v1/requests", json=QUESTION, headers=under("left"))

    for answer in (emptied, broken):
        assert "archive" in refused(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert len({one["id"] for one in fresh}) == 6
    assert [one.json()["id"] for one in again] == [open_one["id"], fresh[0]["id"]]
    assert (is_back.status_code, is_back.json()["id"]) == (200, first["id"])


async def test_a_caller_s_key_gives_its_request_also_where_its_people_have_left(
    world: World, api: Api, ci: AsyncClient
) -> None:
    """Nobody is asked anew by that; something else may still not be asked."""
    of_cy = await asked(ci, to=["person:cy"], once="of-cy")
    still_open = await asked(ci, once="open")
    await given(api, "cy", of_cy, text="yes")

    async def sent(once: str, **more: Any) -> Response:
        return await ci.post("/v1/requests", json={**QUESTION, **more}, headers=under(once))

    await becomes(world, without(TOML, "cy"))
    answered = await sent("of-cy", to=["person:cy"])
    fresh = await sent("other", to=["person:cy"])
    await becomes(world, without(without(TOML, "cy"), "anna"))
    later = [await sent("of-cy", to=["person:cy"]), await sent("open"), await sent("open", requester="anna")]
    others = [await sent("open", question="Another?"), await sent("open", requester="bo")]

    told = [(answer.status_code, answer.json()["id"]) for answer in (answered, *later)]
    assert told == [(200, of_cy["id"])] * 2 + [(200, still_open["id"])] * 2
    assert answered.json()["decision"]["given"]["text"] == "yes"
    refused(fresh, 403, "not-yours")
    for other in others:
        refused(other, 409, "key-reused")
    refused(await sent("new"), 403, "not-yours")


async def test_a_caller_s_key_gives_what_people_are_asked_anew_after_a_restore(world: World) -> None:
    async with serving(world.app) as api:
        _, text = await api.key(None, "trigger", "read", service="ci", acts_for=["anna"], asks=["group:release"])
        first = await asked(api.with_key(text), once="k")
    await restored(world, await backed_up(world), keeps_keys=True)
    async with serving(world.app) as api:
        ci, anna = api.with_key(text), await api.client("anna")
        held = (await ci.post("/v1/requests", json=QUESTION, headers=under("k"))).json()
        assert (await anna.post(f"/v1/runs/{first['run_id']}/resume", json={})).status_code == 200
        anew = await world.opened(first["run_id"], after=first["id"])
        found = (await ci.post("/v1/requests", json=QUESTION, headers=under("k"))).json()
        await given(api, "bo", found, text="yes")
        answer = (await ci.post("/v1/requests", json=QUESTION, headers=under("k"))).json()

    assert (held["id"], held["state"]) == (first["id"], "superseded")
    assert found["id"] == anew.request.id != first["id"]
    assert (answer["id"], answer["decision"]["given"]["text"]) == (found["id"], "yes")


_MANY = [str(number) for number in range(101, 127)]


def form(of: object, **more: Any) -> dict[str, Any]:
    return {"form": {"type": "object", "properties": {"a": of}, **more}}


_REFUSED: list[dict[str, Any]] = [
    {"question": "\ud800"},
    {"to": ["policy:production"]},
    {"to": [f"person:p{number}" for number in range(26)]},
    {"format": "approval"},
    {"options": ["a"]},
    {"format": "form", "fields": ["a"], "options": ["a"]},
    {"format": "choice", "options": ["yes", "\uff59\uff45\uff53"]},
    {"format": "choice", "options": ["a", "b\nc"]},
    {"format": "choice", "options": _MANY},
    {"format": "form", "fields": ["a", "\u0430"]},
    {"format": "form", "fields": [{"name": "a", "pattern": "("}]},
    {"expires_after_s": 59},
    {"expires_after_s": 30 * 24 * 3600 + 1},
    {"context": {"a": "b" * 17_000}},
    {"title": "x"},
    form({"$ref": "#/$defs/B"}, **{"$defs": {"B": {"$ref": "#/$defs/B"}}}),
    form({"type": "string"}) | {"format": "yes_no"},
]


async def test_what_can_t_be_asked_is_refused_and_starts_nothing(api: Api, ci: AsyncClient) -> None:
    for body in _REFUSED:
        content = json.dumps({**QUESTION, **body})
        refused(await ci.post("/v1/requests", content=content, headers=JSON), 422, "invalid")

    nested = await ci.post("/v1/requests", json=QUESTION | form({"type": "array"}))
    assert "no form can ask for" in refused(nested, 422, "invalid")
    wanted = {"kind": "question", "question": "x", "to": ["person:dan"], "expires_after_s": 60}
    run = {"text": "x", "agent": "relay", "context": {"wanted": wanted}}
    told = refused(await (await api.client("anna")).post("/v1/runs", json=run), 422, "invalid")
    assert "no agent 'relay'" in told, "nor is it started with as a run"
    assert (await ci.get("/v1/runs")).json()["runs"] == []


async def test_a_form_is_asked_for_by_the_schema_that_pydantic_writes(world: World, api: Api, ci: AsyncClient) -> None:
    form: dict[str, Any] = {
        "title": "Refund",
        "description": "All amounts are in cents.\nNone is above 100 euros.",
        "type": "object",
        "properties": {
            "cents": {"type": "integer", "exclusiveMinimum": 0},
            "size": {"$ref": "#/$defs/Size"},
            "why": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Why"},
        },
        "required": ["cents", "size", "why"],
        "$defs": {"Size": {"enum": ["small", "large"], "title": "Size", "type": "string"}},
    }

    request = await asked(ci, form=form)
    card = (await world.next_mail("bo")).text
    before = (await ci.get(f"/v1/requests/{request['id']}/outcome")).json()
    wrong = await given(api, "bo", request, form={"cents": 0, "size": "large"})
    await given(api, "bo", request, form={"cents": 900, "size": "large"})
    outcome = (await ci.get(f"/v1/requests/{request['id']}/outcome?wait_s=20")).json()

    assert request["fields"] == [
        {"name": "cents", "kind": "integer", "minimum": "1"},
        {"name": "size", "kind": "choice", "options": ["small", "large"]},
        {"name": "why", "label": "Why", "required": False},
    ]
    assert [line for line in card.splitlines() if line.startswith("| ")] == [
        "| Refund", "| All amounts are in cents.", "| None is above 100 euros.",
    ]  # fmt: skip
    assert "The question and what is to be filled in are in its own words." in card
    assert (before["decision"], before["asked"]) == ("pending", ["bo", "cy"])
    refused(wrong, 422, "unclear")
    assert wrong.json()["errors"] == [{"where": "form.cents", "what": "“0” is less than 1."}]
    assert (outcome["decision"], outcome["answer"], outcome["by"]) == (
        "answered", {"cents": 900, "size": "large"}, ["bo"],
    )  # fmt: skip
