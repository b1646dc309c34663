"""A key that may only ask: it opens requests, follows and takes back its own, and does nothing else."""

from collections.abc import Mapping
from typing import Any

from fastapi.routing import APIRoute
from httpx2 import AsyncClient

from bot.web.api.application import routes
from tests.bot.web.problems import refused
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.web import Api

QUESTION: dict[str, Any] = {"question": "May staging-3 go?", "to": ["group:release"]}
_ASKS = ("group:release", "policy:production")

OPEN = {"GET /healthz", "HEAD /healthz", "GET /readyz", "GET /metrics"}
MAY = {"POST /v1/requests", "GET /v1/policies"}
TO_ITS_OWN = {
    "GET /v1/requests/{request_id}", "GET /v1/requests/{request_id}/outcome", "POST /v1/requests/{request_id}/withdraw",
    "POST /v1/requests/{request_id}/start", "POST /v1/requests/{request_id}/finish",
}  # fmt: skip
EVERY = [
    f"{method} {route.path}"
    for route in routes()
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]


_BODIES: Mapping[str, dict[str, Any]] = {
    "POST /v1/requests": QUESTION,
    "POST /v1/requests/{request_id}/start": {"attempt": "a"},
    "POST /v1/requests/{request_id}/finish": {"attempt": "a", "ok": True, "summary": "x"},
}


async def asker(api: Api, service: str = "ci") -> AsyncClient:
    """A client whose key may only ask, for Anna, in the hands of Dan."""
    return await api.client(None, "ask", service=service, acts_for=["anna"], asks=_ASKS, holders=["dan"])


async def asked(client: AsyncClient, body: Mapping[str, Any] = QUESTION) -> dict[str, Any]:
    answer = await client.post("/v1/requests", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_each_operation_of_the_api_refuses_such_a_key_unless_it_is_listed_here(world: World, api: Api) -> None:
    ci, trigger = await asker(api), await api.client("anna")
    others, run = await asked(await asker(api, "other")), (await trigger.post("/v1/runs", json={"text": "x"})).json()
    ids = {"request_id": others["id"], "run_id": run["id"], "standing_id": "s0g-aaaaaaaaaaaaa", "name": "production"}
    assert {*EVERY} > OPEN | MAY | TO_ITS_OWN

    for operation in EVERY:
        method, _, path = operation.partition(" ")
        body = _BODIES.get(operation, {}) if method == "POST" else None
        answer = await ci.request(method, path.format(some_id="s0i-aaaaaaaaaaaaa", **ids), json=body)

        if operation in TO_ITS_OWN:
            assert answer.status_code == 404, operation
        elif operation in OPEN | MAY:
            assert answer.is_success, operation
        else:
            assert (answer.status_code, answer.json()["type"][-13:]) == (403, "scope-missing"), operation
    assert (await world.request(others["id"])).state == "open"
    assert (await trigger.get(f"/v1/runs/{run['id']}")).json()["state"] not in {"paused", "cancelled"}


async def test_what_others_asked_is_not_there_for_it(api: Api) -> None:
    """Not even what another key of the same service asked, or what its own people asked themselves."""
    first, second, anna = await asker(api), await asker(api), await api.client("anna", asks=["group:release"])
    theirs = [await asked(first), await asked(anna)]
    unknown = await second.get("/v1/requests/s0q-aaaaaaaaaaaaa")

    for request in theirs:
        for method, path in (("GET", ""), ("POST", "/withdraw")):
            answer = await second.request(method, f"/v1/requests/{request['id']}{path}", json={} if path else None)
            said, told = refused(answer, 404, "not-found"), refused(unknown, 404, "not-found")
            assert said == told.replace("s0q-aaaaaaaaaaaaa", request["id"])
            assert answer.json()["do"] == unknown.json()["do"]
            assert "GET /v1/requests" not in answer.json()["do"], "which it may not"
        assert (await first.get(f"/v1/requests/{theirs[0]['id']}")).json()["state"] == "open"


@opens(f'{TOML}\n[[freeze.windows]]\nname = "night"\ndays = ["sat"]\n')
async def test_it_is_told_which_policies_it_may_use_in_words(api: Api) -> None:
    """Who decides of those who don't ask, how many, until when, and in which times nothing begins."""
    ci = await api.client(
        None, "ask", service="ci", acts_for=["anna"], asks=["group:release", "policy:pair"], holders=["dan"]
    )
    held = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"], holders=["cy"])
    nothing = await api.client("bo", "ask")

    [pair] = (await ci.get("/v1/policies")).json()["policies"]
    [production] = (await held.get("/v1/policies")).json()["policies"]

    assert (pair["name"], pair["quorum"], pair["expires_after_s"]) == ("pair", 2, 14_400)
    assert pair["told"].startswith("Bo Berg and Cy Cole; 2 approvals are needed · open for 4 h")
    assert "“night”" in pair["windows"][0]
    assert production["told"].startswith("Bo Berg; one approval is needed")
    assert production["told"].endswith("to be begun within 15 min of the approval")
    assert (await nothing.get("/v1/policies")).json() == {"policies": []}


@opens(TOML.replace('triggers_per_person = "1000/h"', 'triggers_per_person = "1/m"\nasks_per_key = "2/m"'))
async def test_a_key_asks_so_often_and_its_people_keep_their_own_room(world: World, api: Api) -> None:
    ci, other, anna = await asker(api), await asker(api), await api.client("anna")
    await asked(ci)
    await asked(ci)

    once = {"Idempotency-Key": "k-1"}
    answer = await ci.post("/v1/requests", json=QUESTION, headers=once)

    assert "limits.asks_per_key" in refused(answer, 429, "rate-limited")
    assert 0 < int(answer.headers["retry-after"]) <= 61
    again = await ci.post("/v1/requests", json={**QUESTION, "question": "Another?"}, headers=once)
    refused(again, 429, "rate-limited")
    await asked(other)
    assert (await anna.post("/v1/runs", json={"text": "stamp it"})).status_code == 201
    refused(await anna.post("/v1/runs", json={"text": "stamp it"}), 429, "rate-limited")
    await world.move_time(61)
    later = await ci.post("/v1/requests", json={**QUESTION, "question": "Another?"}, headers=once)
    assert later.status_code == 201, "its key stands for nothing that was not asked"
