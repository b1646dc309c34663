"""A program's approvals: decided as any other, and what the program may do is known once the run has ended."""

import asyncio
from typing import Any

from httpx2 import AsyncClient

from agents.requests import RunId
from tests.bot.web.problems import refused
from tests.office import TOML
from tests.servers.web import Api, serving
from tests.world import World

APPROVAL: dict[str, Any] = {
    "title": "Delete volume 17",
    "policy": "production",
    "arguments": {"volume": 17, "snapshot": ["first", None]},
}
_PRODUCTION = TOML[TOML.index("[policies.production]") : TOML.index("[policies.pair]")]


async def program(api: Api, *asks: str) -> AsyncClient:
    listed = asks or ("policy:production", "policy:pair")
    return await api.client(None, "trigger", "read", service="ci", acts_for=["anna"], asks=listed)


async def asked(client: AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/requests", json={**APPROVAL, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def vote(client: AsyncClient, request: dict[str, Any], vote: str = "approve") -> dict[str, Any]:
    body = {"vote": vote, "digest": request["digest"]}
    answer = await client.post(f"/v1/requests/{request['id']}/answer", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["request"]


async def waited(client: AsyncClient, request: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/v1/requests/{request['id']}?wait_s=20")).json()


async def test_once_approved_and_checked_again_the_program_may_act_and_we_do_nothing(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")

    request = await asked(ci)
    waiting = asyncio.create_task(waited(ci, request))
    seen = (await bo.get(f"/v1/requests/{request['id']}")).json()
    await vote(bo, seen)

    assert (seen["format"], seen["policy"], seen["may_decide"]) == ("approval", "production", ["bo", "cy"])
    assert (seen["call"]["arguments"]["arguments"], seen["may_act"]) == (APPROVAL["arguments"], None)
    told = await waiting
    assert (told["state"], told["may_act"]) == ("approved", True)
    assert told["started_at"]
    run = await world.ended(request["run_id"])
    assert (run.state, run.ended and run.ended.summary) == ("done", "approved: the program may do it now")
    assert world.workshop.started == []
    refused(await bo.post(f"/v1/requests/{request['id']}/answer", json={"vote": "deny"}), 409, "too-late")


async def test_the_card_shows_exactly_what_is_to_be_done_and_whose_words_they_are(world: World, api: Api) -> None:
    title = 'x”. Approved by sayso. “\u202e<b>"}'
    arguments = {"\u2028approve": "approve\nyes", "n": 2**70, "f": 1e300, "": None}

    request = await asked(await program(api), title=title, arguments=arguments)

    letter = await world.next_mail("bo")
    assert "The program ci asks: “x'. Approved by sayso. '<b>\"}”?" in letter.text
    assert "The program ci asks, on behalf of Anna Ames. Title and arguments are its own words." in letter.text
    [exact] = [line for line in letter.text.splitlines() if line.startswith("| proceed {")]
    assert '"\\u2028approve": "approve\\nyes"' in exact
    assert str(2**70) in exact
    assert not {"approve", "yes"} & set(letter.text.splitlines())
    await world.reply("bo", letter, "approved")
    assert (await world.ended(request["run_id"])).state == "done"


async def test_an_approval_needs_its_policy_to_be_listed_with_the_key(api: Api) -> None:
    for asks in (["group:release"], ["policy:pair", "person:bo", "person:cy"]):
        answer = await (await program(api, *asks)).post("/v1/requests", json=APPROVAL)

        assert refused(answer, 403, "not-yours") == "This key may not ask policy:production."
        assert "--asks policy:production" in answer.json()["do"]
    own = await (await api.client("bo")).post("/v1/requests", json=APPROVAL)
    refused(own, 403, "not-yours")


async def test_who_asks_can_t_approve_and_too_few_others_open_nothing(world: World, api: Api) -> None:
    bo = await api.client("bo", acts_for=["anna"], asks=["policy:production", "policy:pair"])

    request = await asked(bo, requester="anna")
    answer = await bo.post("/v1/requests", json={**APPROVAL, "policy": "pair"})

    assert (request["may_decide"], request["requesters"]) == (["cy"], ["anna", "bo"])
    ballot = {"vote": "approve", "digest": request["digest"]}
    refused(await bo.post(f"/v1/requests/{request['id']}/answer", json=ballot), 403, "not-entitled")
    assert "the requester not counted: 1; needed: 2" in refused(answer, 422, "invalid")
    assert len((await bo.get("/v1/runs")).json()["runs"]) == 1
    assert len((await bo.get("/v1/requests")).json()["requests"]) == 1


async def test_a_quorum_is_counted_before_the_program_may_act(api: Api) -> None:
    ci, bo, cy = await program(api), await api.client("bo"), await api.client("cy")
    request = await asked(ci, policy="pair")

    await vote(bo, request)
    half = (await ci.get(f"/v1/requests/{request['id']}")).json()
    await vote(cy, request)

    assert (half["state"], half["may_act"], len(half["votes"])) == ("open", None, 1)
    assert (await waited(ci, request))["may_act"] is True


async def test_a_denial_ends_it(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await asked(ci)

    await vote(bo, request, "deny")

    told = await waited(ci, request)
    assert (told["state"], told["may_act"]) == ("denied", False)
    assert await world.summary(request["run_id"]) == "failed: denied"


async def test_an_approval_that_is_taken_back_in_time_lets_nothing_happen(world: World, api: Api) -> None:
    ci, bo, cy = await program(api), await api.client("bo"), await api.client("cy")
    request = await asked(ci)
    await world.steer(RunId(request["run_id"]), "pause")
    await vote(bo, request)
    waiting = asyncio.create_task(waited(ci, request))
    assert (await ci.get(f"/v1/requests/{request['id']}")).json()["may_act"] is None

    await vote(cy, request, "deny")

    told = await waiting
    assert (told["state"], told["may_act"]) == ("revoked", False)
    await world.steer(RunId(request["run_id"]), "resume")
    assert await world.summary(request["run_id"]) == "failed: approved, and taken back"


async def test_an_approval_that_has_become_too_old_is_asked_again(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await asked(ci)
    await world.steer(RunId(request["run_id"]), "pause")
    await vote(bo, request)
    await world.move_time(16 * 60)

    await world.steer(RunId(request["run_id"]), "resume")

    again = (await world.opened(request["run_id"], after=request["id"])).request
    told = await waited(ci, request)
    assert (told["state"], told["may_act"]) == ("superseded", False)
    assert (again.program, again.title, again.call and again.call.arguments) == (
        "service:ci",
        request["title"],
        request["call"]["arguments"],
    )
    second = (await bo.get(f"/v1/requests/{again.id}")).json()
    await vote(bo, second)
    assert (await waited(ci, second))["may_act"] is True


async def test_an_approval_that_was_cancelled_before_its_last_check_is_none(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await asked(ci)
    await world.steer(RunId(request["run_id"]), "pause")
    await vote(bo, request)

    await world.steer(RunId(request["run_id"]), "cancel")

    told = await waited(ci, request)
    assert (told["state"], told["may_act"]) == ("approved", False)


async def test_a_policy_that_is_removed_is_not_asked_under_and_its_approval_is_void(world: World, api: Api) -> None:
    key, text = await api.key(service="ci", acts_for=["anna"], asks=["policy:production"])
    once = {"Idempotency-Key": "k"}
    request = (await api.with_key(text).post("/v1/requests", json=APPROVAL, headers=once)).json()
    async with world.stopped():
        world.toml = world.toml.replace(_PRODUCTION, "")
    async with serving(world.app) as later:
        ci, bo = later.with_key(text), await later.client("bo")

        replayed = await ci.post("/v1/requests", json=APPROVAL, headers=once)
        another = await ci.post("/v1/requests", json=APPROVAL)
        await vote(bo, request)

        assert key.asks == ("policy:production",)
        assert (replayed.status_code, replayed.json()["id"]) == (200, request["id"])
        assert "no policy 'production'" in refused(another, 422, "invalid")
        told = await waited(ci, request)
        assert (told["state"], told["may_act"]) == ("approved", False)
        assert "There is no policy 'production' in sayso.toml any more" in await world.summary(request["run_id"])


async def test_what_is_no_approval_is_refused(api: Api) -> None:
    ci = await program(api)
    for body in (
        {"title": " "},
        {"title": "x" * 201},
        {"title": "a\nb"},
        {"policy": "a b"},
        {"arguments": [1]},
        {"arguments": {"a": "b" * 17_000}},
        {"question": "x"},
        {"to": ["person:bo"]},
        {"options": ["a"]},
    ):
        refused(await ci.post("/v1/requests", json={**APPROVAL, **body}), 422, "invalid")
    assert (await ci.get("/v1/runs")).json()["runs"] == []
