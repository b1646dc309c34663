import asyncio
import hashlib
import re

from httpx2 import AsyncClient

from agents.events import RunStarted
from bot.store.keys import Keys
from tests.bot.web.problems import refused
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api, serving


async def started(world: World, run_id: str) -> RunStarted:
    first = (await world.events(run_id))[0]
    assert isinstance(first, RunStarted)
    return first


async def test_a_run_is_started_and_steered_by_a_person_and_by_a_service_for_those_it_may(
    world: World, api: Api
) -> None:
    anna = await api.client("anna")

    answer = await anna.post("/v1/runs", json={"text": "stamp it", "context": {"ticket": ["OPS-7", 1]}})

    assert answer.status_code == 201
    run = answer.json()
    assert answer.headers["location"] == f"/v1/runs/{run['id']}"
    assert (run["requester"], run["agent"], run["state"]) == ("anna", "clerk", "running")
    first = await started(world, run["id"])
    assert (first.channel, first.context, first.submitter) == ("api", {"ticket": ["OPS-7", 1]}, None)
    assert (await world.ended(run["id"])).state == "done"
    shown = (await anna.get(f"/v1/runs/{run['id']}")).json()
    assert (shown["state"], shown["results"]) == ("done", [{"kind": "ok", "text": "stamp it: done"}])

    alone = await api.client(service="ci", acts_for=["anna"])
    both = await api.client(service="ci", acts_for=["anna", "bo"])
    none = await api.client(service="ci")

    first = await alone.post("/v1/runs", json={"text": "stamp it"})

    event = await started(world, first.json()["id"])
    assert (event.requester, event.service, event.submitter) == ("anna", "ci", None)
    assert "for whom" in refused(await both.post("/v1/runs", json={"text": "stamp it"}), 403, "not-yours")
    refused(await none.post("/v1/runs", json={"text": "stamp it"}), 403, "not-yours")
    answer = await alone.post("/v1/runs", json={"text": "stamp it", "requester": "bo"})
    assert refused(answer, 403, "not-yours") == "This key may not ask for bo."

    anna, ci = await api.client("anna"), await api.client(service="ci", acts_for=["anna"])
    run_id, other = await world.trigger("press it"), await world.trigger("press that")
    await world.opened(run_id)
    await world.opened(other)
    await ci.post(f"/v1/runs/{other}/cancel")

    for verb, state in (("pause", "paused"), ("resume", "waiting"), ("cancel", "waiting")):
        answer = await anna.post(f"/v1/runs/{run_id}/{verb}")
        assert (answer.status_code, answer.json()) == (200, {"id": run_id, "state": state, "told": ""})

    assert (await world.ended(run_id)).cancelled_by == "anna"
    assert (await world.ended(other)).cancelled_by == "service:ci"
    assert re.search("has ended", refused(await anna.post(f"/v1/runs/{run_id}/pause"), 409, "not-now"))


async def test_a_run_lists_the_files_it_began_with_and_not_what_is_in_them(world: World, api: Api) -> None:
    await world.post("anna", "sayso@sayso.example", "stamp it", ("a.csv", "text/csv", b"1,2"))

    async def found() -> str | None:
        return next(iter(await world.app.store.lists.runs()), None)

    run_id = await until(found, what="a mail starts a run")
    shown = (await (await api.client("anna")).get(f"/v1/runs/{run_id}")).json()

    sha256 = hashlib.sha256(b"1,2").hexdigest()
    listed = {"name": "a.csv", "type": "text/csv", "size_bytes": 3, "sha256": sha256, "note": "", "is_inline": False}
    assert shown["files"] == [listed]


async def test_the_same_idempotency_key_leads_to_the_same_run_and_another_body_under_it_is_refused(
    world: World, api: Api
) -> None:
    anna = await api.client("anna")
    body, once = {"text": "stamp it"}, {"Idempotency-Key": "k-1"}

    answers = await asyncio.gather(*(anna.post("/v1/runs", json=body, headers=once) for _ in range(8)))
    again = await anna.post("/v1/runs", json={**body, "requester": "anna"}, headers=once)

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json()["id"] == answers[0].json()["id"]
    assert len((await anna.get("/v1/runs")).json()["runs"]) == 1
    other = await (await api.client("anna")).post("/v1/runs", json=body, headers=once)
    assert other.json()["id"] != again.json()["id"], "a key is the business of one API key"
    await world.move_time(23 * 3_600)
    assert (await anna.post("/v1/runs", json=body, headers=once)).json()["id"] == again.json()["id"], "for a day"

    anna, once = await api.client("anna"), {"Idempotency-Key": "k"}
    run = await anna.post("/v1/runs", json={"text": "stamp it", "context": {"force": 0}}, headers=once)

    for text, context in (("stamp that", {"a": 1}), ("stamp it", {"force": False})):
        answer = await anna.post("/v1/runs", json={"text": text, "context": context}, headers=once)
        assert run.json()["id"] in refused(answer, 409, "key-reused")
        fields = [{"field": "context", "before": {"force": 0}, "now": context}]
        fields += [{"field": "text", "before": "stamp it", "now": text}] * (text != "stamp it")
        assert answer.json()["difference"] == fields


async def test_a_run_is_started_once_also_where_the_store_has_more_shards_when_it_is_sent_again(world: World) -> None:
    keys = [{"Idempotency-Key": f"k-{number}"} for number in range(8)]

    async def sent(api: Api) -> list[str]:
        anna = api.with_key(key)
        return [(await anna.post("/v1/runs", json={"text": "stamp it"}, headers=one)).json()["id"] for one in keys]

    async with serving(world.app) as api:
        _, key = await api.key("anna")
        first = await sent(api)
    async with world.stopped():
        world.environ = {"SAYSO_SHARDS": "8"}
    async with serving(world.app) as api:
        again = await sent(api)

    assert again == first


@opens(TOML.replace("1000/h", "2/m"))
async def test_the_limit_of_a_person_is_told_with_the_time_to_wait(world: World, api: Api) -> None:
    anna, once = await api.client("anna"), {"Idempotency-Key": "k"}
    for _ in range(2):
        assert (await anna.post("/v1/runs", json={"text": "stamp it"})).status_code == 201

    answer = await anna.post("/v1/runs", json={"text": "stamp it"}, headers=once)

    refused(answer, 429, "rate-limited")
    assert 50 <= int(answer.headers["retry-after"]) <= 61
    await world.move_time(61)
    again = await anna.post("/v1/runs", json={"text": "stamp it"}, headers=once)
    assert again.status_code == 201, "the key stood for no run yet"


async def test_what_is_wrong_with_a_body_is_said_without_repeating_it(api: Api) -> None:
    anna = await api.client("anna")
    secret = "hush-hush"

    for body in (
        {"text": " "},
        {},
        {"text": 7},
        {"text": "x", "token": secret},
        {"text": "x" * 8_001},
        {"text": "x", "agent": secret},
        {"text": "x", "context": {"a": "b" * 17_000}},
        {"text": "x", "context": {"a": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}},
        {"text": "x", "requester": "a b"},
    ):
        answer = await anna.post("/v1/runs", json=body)
        refused(answer, 422, "invalid")
        assert body.get("agent") or secret not in answer.text
    raw = {"content-type": "application/json"}
    for content, status, name in (
        (b"{", 422, "invalid"),
        (b'{"text":"x","context":{"a":NaN}}', 422, "invalid"),
        (b'{"text":"\\ud800"}', 422, "invalid"),
        (b'{"text":"x","context":{"a":"\\ud800"}}', 422, "invalid"),
        (b"[" * 60_000, 400, "malformed"),
        (b'{"text":"' + b"x" * 66_000 + b'"}', 413, "too-large"),
    ):
        refused(await anna.post("/v1/runs", content=content, headers=raw), status, name)
    refused(await anna.post("/v1/runs", data={"text": "x"}), 415, "media-type")
    assert (await anna.get("/v1/runs")).json()["runs"] == []


async def pages(client: AsyncClient, path: str, name: str) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = ""
    while cursor is not None:
        page = (await client.get(f"{path}&cursor={cursor}" if cursor else path)).json()
        found.append([one["id"] for one in page[name]])
        cursor = page["next"]
    return found


async def test_pages_are_newest_first_and_are_not_moved_by_what_is_started_meanwhile(world: World, api: Api) -> None:
    anna = await api.client("anna")
    ids = [await world.trigger(f"stamp {number}") for number in range(7)]

    first = (await anna.get("/v1/runs?limit=3")).json()
    await world.trigger("stamp later")
    second = (await anna.get(f"/v1/runs?limit=3&cursor={first['next']}")).json()
    third = (await anna.get(f"/v1/runs?limit=3&cursor={second['next']}")).json()

    shown = [one for page in (first, second, third) for one in page["runs"]]
    assert sorted(one["id"] for one in shown) == sorted(ids)
    began = [one["started_at"][: len("2026-11-21T21:39:53.123")] for one in shown]
    assert began == sorted(began, reverse=True)
    assert third["next"] is None
    assert [len(page) for page in await pages(anna, "/v1/runs?limit=4", "runs")] == [4, 4]


async def test_filters_find_what_is_rare_among_much(world: World, api: Api) -> None:
    anna = await api.client("anna")
    waiting = await world.trigger("press it")
    await world.opened(waiting)
    for number in range(8):
        await world.trigger(f"stamp {number}")
    await world.quiet()

    assert await pages(anna, "/v1/runs?state=waiting&limit=3", "runs") == [[waiting]]
    assert sum(len(page) for page in await pages(anna, "/v1/runs?agent=clerk&limit=6", "runs")) == 9
    assert await pages(anna, "/v1/runs?agent=nobody", "runs") == [[]]


async def test_what_the_query_does_not_know_is_refused_and_there_is_no_run_of_an_id_that_was_made_up(
    api: Api,
) -> None:
    anna = await api.client("anna")

    for query in ("stat=done", "state=gone", "limit=0", "limit=201", "cursor=x", "after=1"):
        refused(await anna.get(f"/v1/runs?{query}"), 422, "invalid")
    assert "query.x" in refused(await anna.get("/v1/runs?x=1"), 422, "invalid")
    for path in ("s0r-aaaaaaaaaaaaa", "s63r-aaaaaaaaaaaaa", "s0q-aaaaaaaaaaaaa", "nonsense", "%2e%2e"):
        refused(await anna.get(f"/v1/runs/{path}"), 404, "not-found")
        refused(await anna.get(f"/v1/runs/{path}/events"), 404, "not-found")
    refused(await anna.post("/v1/runs/s0r-aaaaaaaaaaaaa/pause"), 404, "not-found")


async def test_while_too_much_work_waits_a_program_is_told_when_to_come_again(world: World) -> None:
    async with world.stopped():
        world.toml = TOML.replace('"1000/h"', '"1000/h"\nbacklog = 3')
        nobody_works, later = world.composed(world.settings()), world.composed(world.settings())
        async with serving(nobody_works) as api:
            nobody_works.ready.set()
            anna = await api.client("anna")
            asked, keys = {"text": "stamp it"}, [{"Idempotency-Key": key} for key in "abc"]
            assert [(await anna.post("/v1/runs", json=asked, headers=one)).status_code for one in keys] == [201] * 3
        async with serving(later) as api:
            later.ready.set()
            again = api.with_key(anna.headers["authorization"].partition(" ")[2])
            run = await again.post("/v1/runs", json={"text": "stamp it"})
            question = await again.post("/v1/requests", json={"question": "Which?", "to": ["person:anna"]})
            known = await again.post("/v1/runs", json=asked, headers=keys[0])
        turns = [await later.store.client.do("HGET", Keys(shard).turns, "anna") for shard in range(later.store.shards)]
        for app in (nobody_works, later):
            await app.store.client.close()

    assert "limits.backlog" in refused(run, 429, "rate-limited")
    assert int(run.headers["Retry-After"]) >= 1
    assert (question.status_code, known.status_code) == (429, 200)
    assert sum(int(each or 0) for each in turns) == 3, "what waits has its turn among her own"
