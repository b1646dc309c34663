"""The tools, as the official client of both eras calls them."""

import asyncio
import re
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from tests.bot.web.mcp.peer import ASKS, ERAS, Era, asker, called, peer, refusal
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.processes.test_asking import OPENING
from tests.servers.lines import Server
from tests.servers.web import NO_TLS, Api, serving
from tests.stories.people.test_half_taken import NO_DECIDERS, rewritten

QUESTION: dict[str, Any] = {"question": "May staging-3 go?", "to": ["group:release"]}
APPROVAL: dict[str, Any] = {"title": "Delete staging-7", "policy": "production", "arguments": {"name": "staging-7"}}
FACTS = {"Last used": "in March"}
TOOLS = {
    "ask_human", "request_approval", "start_approved", "finish_approved", "await_answer", "cancel_request",
    "list_policies",
}  # fmt: skip


async def given(api: Api, request_id: str, person: str = "bo", **body: Any) -> Response:
    answer = await (await api.client(person)).post(f"/v1/requests/{request_id}/answer", json=body)
    assert answer.status_code == 200, answer.text
    return answer


async def opened(api: Api) -> dict[str, Any]:
    """The one request that is open."""
    found = list[dict[str, Any]]()
    looks = await api.client("bo")

    async def is_open() -> bool:
        nonlocal found
        found = (await looks.get("/v1/requests?state=open")).json()["requests"]
        return bool(found)

    await until(is_open, what="a request is open")
    [request] = found
    return request


async def approved(api: Api, client: Client, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is asked about, and what the agent hears of it once Bo has approved it."""
    asking = asyncio.create_task(called(client, "request_approval", **APPROVAL, **more))
    request = await opened(api)
    await given(api, request["id"], vote="approve", digest=request["digest"])
    return request, await asking


@pytest.mark.parametrize("era", ERAS)
async def test_an_agent_asks_waits_and_has_the_answer_in_one_call(api: Api, era: Era) -> None:
    async with peer(api, await asker(api), era) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        asking = asyncio.create_task(called(client, "ask_human", **QUESTION, format="yes_no"))
        request = await opened(api)
        await given(api, request["id"], text="yes")
        told = await asking

    assert tools == TOOLS, "and nothing that answers, approves or steers"
    assert (told["decision"], told["answer"], told["by"], told["id"]) == ("answered", True, ["bo"], request["id"])


async def test_who_waits_too_long_hears_pending_and_goes_on_with_the_id(world: World) -> None:
    async with serving(world.app, longest_wait_s=0.2) as api, peer(api, await asker(api)) as client:
        told = await called(client, "ask_human", **QUESTION, key="q-1")
        again = await called(client, "ask_human", **QUESTION, key="q-1")
        waits = await called(client, "await_answer", id=told["id"])
        await given(api, told["id"], text="yes, it may")
        answered = await called(client, "await_answer", id=told["id"])
        same = await called(client, "ask_human", **QUESTION, key="q-1")

    assert (told["decision"], told["asked"]) == ("pending", ["bo", "cy"])
    assert "await_answer" in told["next"]
    assert again["id"] == waits["id"] == told["id"]
    assert (answered["decision"], answered["answer"]) == ("answered", "yes, it may")
    assert same == answered


@opens(toml='public_url = "https://sayso.corp.example"\n' + TOML.replace("[limits]", "[limits]\ncards_per_person = 1"))
async def test_an_agent_hears_that_people_have_so_many_of_its_questions_that_they_get_one_message(
    world: World,
) -> None:
    async with serving(world.app, longest_wait_s=0.2) as api, peer(api, await asker(api)) as client:
        told = [await called(client, "ask_human", **QUESTION, key=key) for key in ("q-1", "q-2")]

    assert "gathered" not in told[0]
    assert "one message" in told[1]["gathered"]


async def test_each_way_to_end_is_told_apart(world: World, api: Api) -> None:
    async with peer(api, await asker(api)) as client:
        ends = dict[str, dict[str, Any]]()
        for name in ("denied", "withdrawn", "expired"):
            asking = asyncio.create_task(called(client, "request_approval", **APPROVAL, key=name))
            request = await opened(api)
            match name:
                case "denied":
                    await given(api, request["id"], vote="deny", reason="not on a Friday")
                case "withdrawn":
                    await called(client, "cancel_request", id=request["id"])
                case _:
                    await world.move_time(4 * 3600 + 60)
            ends[name] = await asking

    assert {name: told["decision"] for name, told in ends.items()} == {name: name for name in ends}
    assert len({told["next"] for told in ends.values()}) == 3
    assert (ends["denied"]["by"], ends["denied"]["reason"]) == (["bo"], "not on a Friday")
    assert "no denial" in ends["expired"]["next"]


async def test_who_took_an_approval_back_is_told_and_not_who_gave_it_nor_to_ask_again(world: World, api: Api) -> None:
    told = dict[str, list[dict[str, Any]]]()
    async with peer(api, await asker(api)) as client:
        for by in ("cy", "service:cleaner"):
            request, yes = await approved(api, client, key=by)
            assert (yes["decision"], yes["by"]) == ("approved", ["bo"])
            match by:
                case "cy":
                    await given(api, request["id"], by, vote="deny", reason="the disk is in use")
                case _:
                    await called(client, "cancel_request", id=request["id"])
            told[by] = [
                await called(client, "await_answer", id=request["id"]),
                await called(client, "request_approval", **APPROVAL, key=by),
            ]
            start = await refusal(client, "start_approved", id=request["id"], attempt="a")
            await world.ended(request["run_id"])
            told[by].append(await called(client, "await_answer", id=request["id"]))
            assert start["error"] == "closed"
            assert by != "service:cleaner" or all(one["at"] > yes["at"] for one in told[by])

    for by, said in told.items():
        assert [(one["decision"], one["by"]) for one in said] == [("revoked", [by])] * 3
        assert not any("ask" in one["next"] for one in said)
    assert told["cy"][0]["reason"] == "the disk is in use"


async def test_what_is_approved_begins_once_with_what_people_saw(world: World, api: Api) -> None:
    async with peer(api, await asker(api)) as client:
        asking = asyncio.create_task(called(client, "request_approval", **APPROVAL, facts=FACTS))
        request = await opened(api)
        early = await refusal(client, "start_approved", id=request["id"], attempt="a")
        await given(api, request["id"], vote="approve", digest=request["digest"])
        told = await asking
        began = [
            await called(client, "start_approved", id=request["id"], attempt="a", digest=told["digest"]) for _ in "12"
        ]
        second = await refusal(client, "start_approved", id=request["id"], attempt="b")
        meanwhile = await called(client, "await_answer", id=request["id"])
        await called(client, "finish_approved", id=request["id"], attempt="a", ok=True, summary="gone")
        after = await called(client, "await_answer", id=request["id"])
        repeated = await called(client, "start_approved", id=request["id"], attempt="a")

    assert "| Last used: in March" in (await world.next_mail("bo")).text.splitlines()
    assert (early["error"], second["error"]) == ("not-now", "already-begun")
    assert (told["decision"], told["by"], told["digest"]) == ("approved", ["bo"], request["digest"])
    assert "start_approved" in told["next"]
    assert "use_by" in told
    assert began[0] == began[1]
    assert (began[0]["arguments"], began[0]["approved_by"]) == (APPROVAL["arguments"], ["bo"])
    assert all("Do it now" in one["next"] and "came_of" not in one for one in began)
    assert "do not begin it again" in meanwhile["next"]
    assert "nothing more to do" in after["next"]
    assert (repeated["started_at"], repeated["next"]) == (began[0]["started_at"], after["next"]), "it is not done twice"
    assert "came_of" not in {*began[0], *meanwhile}
    assert (after["came_of"]["ok"], after["came_of"]["summary"], repeated["came_of"]) == (
        True,
        "gone",
        after["came_of"],
    )


async def test_an_agent_has_the_files_that_came_with_an_answer(world: World, api: Api) -> None:
    key = await asker(api)
    files = [("log.txt", "text/plain", b"line 7: disk full"), ("shot.png", "image/png", b"\x89PNG" * 20_000)]
    async with peer(api, key) as client:
        asking = asyncio.create_task(called(client, "ask_human", question="Which line of the log?", to=["person:bo"]))
        await world.post("bo", (await world.next_mail("bo")).reply_to or "", "the last one, see the file", *files)
        told = await asking
    shown = (await api.with_key(key).get(f"/v1/requests/{told['id']}")).json()

    assert told["answer"] == "the last one, see the file"
    assert [(one["name"], one["size_bytes"], one["text"]) for one in told["files"]] == [
        ("log.txt", 17, "line 7: disk full"), ("shot.png", 80_000, ""),
    ]  # fmt: skip
    assert shown["files"] == told["files"]


async def test_an_agent_hears_what_whoever_asked_wrote_beside_what_people_approved(api: Api) -> None:
    async with peer(api, await asker(api), headers={"Prefer": "wait=0"}) as client:
        asked = await called(client, "request_approval", **APPROVAL)
        await given(api, asked["id"], "anna", text="only the one in Berlin")
        beside = await called(client, "await_answer", id=asked["id"])
        await given(api, asked["id"], vote="approve", digest=beside["digest"])

        told = await called(client, "await_answer", id=asked["id"])
        begun = await called(client, "start_approved", id=asked["id"], attempt="run-1")

    assert "remarks" not in asked
    for one in (beside, told, begun):
        [remark] = one["remarks"]
        assert (remark["person"], remark["text"]) == ("anna", "only the one in Berlin")


async def test_each_format_of_a_question_has_a_typed_answer(api: Api) -> None:
    schema = {
        "type": "object",
        "properties": {
            "days": {"type": "integer", "minimum": 1},
            "why": {"type": "string"},
            "now": {"type": "boolean", "default": "no"},
            "team": {"enum": ["shop", "search"], "default": "SHOP"},
        },
        "required": ["days"],
    }
    asked: list[tuple[dict[str, Any], dict[str, Any], Any]] = [
        ({"format": "choices", "options": ["red", "blue"]}, {"choices": ["blue", "red"]}, ["blue", "red"]),
        ({"form": schema}, {"form": {"days": 3, "now": True}}, {"days": 3, "now": True, "team": "shop"}),
    ]
    async with peer(api, await asker(api)) as client:
        for more, said, expected in asked:
            asking = asyncio.create_task(called(client, "ask_human", **QUESTION, **more))
            await given(api, (await opened(api))["id"], **said)
            assert (await asking)["answer"] == expected


async def test_what_is_refused_is_an_error_of_the_tool_in_the_words_of_the_api(world: World) -> None:
    async with serving(world.app, longest_wait_s=0.1) as quick, peer(quick, await asker(quick), "legacy") as client:
        first = await called(client, "ask_human", **QUESTION, key="k")
        reused = await refusal(client, "ask_human", **{**QUESTION, "question": "And staging-4?"}, key="k")
        beyond = await refusal(client, "ask_human", question="Hm?", to=["person:dan"])
        lacks = await refusal(client, "ask_human", question="Hm?")
        nested = await refusal(
            client, "ask_human", **QUESTION, form={"type": "object", "properties": {"a": {"type": "array"}}}
        )
        large = await refusal(client, "request_approval", **{**APPROVAL, "arguments": {"all": "x" * 17_000}})
        none = await refusal(client, "await_answer", id="s0q-aaaaaaaaaaaaa")

    assert (reused["error"], reused["difference"][0]["field"]) == ("key-reused", "question")
    assert f"stands for {first['id']}, which was asked for otherwise" in reused["detail"]
    assert f"go on with {first['id']}" in reused["detail"]
    assert beyond["error"] == "not-yours"
    assert "group:release" in beyond["detail"]
    assert lacks["detail"].startswith("to: Field required")
    assert "no form can ask for" in nested["detail"]
    assert "for what is larger. Correct that" in large["detail"]
    assert none["error"] == "not-found"


async def test_a_key_sees_whom_it_may_ask_and_finds_what_was_asked_under_the_key_of_a_message(api: Api) -> None:
    async with peer(api, await asker(api)) as client:
        listed = (await client.list_tools()).tools
        policies = (await called(client, "list_policies"))["policies"]
    said = {tool.name: tool.description or "" for tool in listed}

    assert "any one of them: group:release." in said["ask_human"]
    assert "who decides: production;" in said["request_approval"]
    (takes,) = (tool.input_schema for tool in listed if tool.name == "request_approval")
    assert takes["properties"]["policy"]["enum"] == [one["name"] for one in policies] == ["production"]

    key, wait = await asker(api), {"Prefer": "wait=0"}
    async with (
        peer(api, key, headers=wait | {"Idempotency-Key": "4711"}) as bridge,
        peer(api, key, headers=wait) as later,
    ):
        lost = await called(bridge, "ask_human", **QUESTION)
        found = await called(later, "ask_human", **QUESTION, key="4711")

    assert found["id"] == lost["id"]


async def test_attack_an_agent_that_is_told_nothing_of_a_freeze_asks_people_over_and_over_for_what_can_not_begin(
    world: World, api: Api
) -> None:
    dan = await api.client("dan", "admin")
    await dan.post("/v1/freeze", json={"reason": "incident 4711"})
    async with peer(api, await asker(api), headers={"Prefer": "wait=0"}) as client:
        asked = await called(client, "request_approval", **APPROVAL, key="k")
        await given(api, asked["id"], vote="approve", digest=asked["digest"])
        yes = await called(client, "await_answer", id=asked["id"])
        await world.move_time(16 * 60)
        late = await called(client, "request_approval", **APPROVAL, key="k")
        lasts = await called(client, "list_policies")
        await dan.post("/v1/unfreeze", json={"reason": "it is over"})
        over = await called(client, "list_policies")

    assert [one["decision"] for one in (asked, yes, late)] == ["pending", "approved", "superseded"]
    assert all("incident 4711" in one["frozen"] for one in (asked, yes, late))
    assert not {"by", "at", "reason"} & set(late), "who approved it did not end it"
    assert "may not begin now: `frozen` says why" in yes["next"]
    assert "list_policies says whether that lasts" in late["next"]
    assert ["incident 4711" in listed["policies"][0]["frozen"] for listed in (lasts, over)] == [True, False]


@opens(
    toml=TOML.replace("[limits]\n", '[limits]\nasks_per_key = "1/h"\n')
    + '[policies.own]\napprovers = ["person:anna"]\nexpires_after = "4h"\n'
)
async def test_attack_an_agent_is_told_to_give_itself_what_its_key_and_its_policies_do_not(api: Api) -> None:
    """It may sit beside `sayso.toml`, and beside a command line that makes keys."""
    async with peer(api, await asker(api, *ASKS, "policy:own"), headers={"Prefer": "wait=0"}) as client:
        alone = await refusal(client, "request_approval", **APPROVAL | {"policy": "own"})
        beyond = await refusal(client, "request_approval", **APPROVAL | {"policy": "pair"})
        other = await refusal(client, "ask_human", **QUESTION, requester="bo")
        await called(client, "ask_human", **QUESTION)
        often = await refusal(client, "ask_human", **QUESTION)

    assert [one["error"] for one in (alone, beyond, other, often)] == [
        "invalid", "not-yours", "not-yours", "rate-limited",
    ]  # fmt: skip
    assert "Only people change settings, and no program does" in alone["detail"]
    for told in (beyond, other, often):
        assert "Only people change keys and settings: do not do it" in told["detail"]


async def test_attack_an_agent_whose_policy_is_gone_is_told_to_have_others_decide_or_to_write_it_into_the_settings(
    world: World, api: Api
) -> None:
    production = TOML[TOML.index("[policies.production]") : TOML.index("[policies.pair]")]
    async with peer(api, await asker(api, *ASKS, "policy:pair"), headers={"Prefer": "wait=0"}) as client:
        asked = await called(client, "request_approval", **APPROVAL)
        await given(api, asked["id"], vote="approve", digest=asked["digest"])
        await becomes(world, TOML.replace(production, ""))
        start = await refusal(client, "start_approved", id=asked["id"], attempt="a")
        again = await refusal(client, "request_approval", **APPROVAL)

    assert "There is no policy 'production' in sayso.toml any more" in start["detail"]
    assert "another" not in start["detail"]
    assert "There is no policy 'production' in sayso.toml" in again["detail"]
    assert "Only people change settings, and no program does" in again["detail"]
    assert "Correct that" not in again["detail"]


async def test_attack_an_agent_that_asks_while_a_file_is_half_taken_is_told_to_ask_again_every_two_seconds(
    world: World, api: Api
) -> None:
    async with peer(api, await asker(api), headers={"Prefer": "wait=0"}) as client:
        await called(client, "request_approval", **APPROVAL, key="before")
        async with rewritten(world, NO_DECIDERS):
            told = await refusal(client, "request_approval", **APPROVAL, key="k")

    assert told["error"] == "unavailable"
    assert "is only half taken" in told["detail"]
    assert "Try again once it is as it should be, or an operator has confirmed it" in told["detail"]
    assert "after 2 s" not in told["detail"]


async def test_attack_an_agent_that_gave_no_key_is_told_to_send_again_what_people_were_asked_already(
    redis: str, tmp_path: Path
) -> None:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        url = f"redis://127.0.0.1:{proxy.said['redis_port']}/0"
        async with (
            a_world(url, tmp_path / "data", TOML) as office,
            serving(office.app) as api,
            peer(api, await asker(api), headers={"Prefer": "wait=0"}) as client,
        ):
            await called(client, "ask_human", question="Is it up?", to=["group:release"])
            proxy.ask(do="arm", name=OPENING, nth=1, when="after", act="hold")
            asking = asyncio.create_task(refusal(client, "ask_human", **QUESTION))
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="a question that is written")
            proxy.ask(do="cut")
            lost = await asking
            proxy.ask(do="clear")
            proxy.ask(do="mend")
            told = re.search(r"With the `key` ([0-9a-f]{32})", lost["detail"])
            assert told, lost
            await until(lambda: is_ready(api), what="Redis is there again")
            found = await called(client, "ask_human", **QUESTION, key=told[1])
            asked = (await (await api.client("bo")).get("/v1/requests?state=open")).json()["requests"]

    assert lost["error"] == "unavailable"
    assert (len(asked), asked[0]["id"]) == (2, found["id"])


async def is_ready(api: Api) -> bool:
    async with AsyncClient(verify=NO_TLS, trust_env=False) as http:
        return (await http.get(f"{api.url}/readyz")).status_code == HTTPStatus.OK


def refused(answer: Response, status: int, name: str) -> None:
    """Check that it is refused in words of the protocol, whose clients read no other."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    told = answer.json()
    assert (told["jsonrpc"], told["id"], told["error"]["data"]["type"]) == ("2.0", None, f"urn:sayso:problem:{name}")
    assert told["error"]["message"].startswith(told["error"]["data"]["detail"])


async def test_no_agent_sees_or_takes_back_what_others_ask_whatever_else_its_key_may(world: World, api: Api) -> None:
    """A held approval of somebody's run is no approval of a program, which would be told as one that does not hold."""
    deploy = await world.opened(await world.trigger("press it"))
    _, key = await api.key(None, "admin", service="cleaner", acts_for=["anna"], asks=ASKS)
    async with peer(api, key, headers={"Prefer": "wait=0"}) as client:
        mine = await called(client, "ask_human", **QUESTION)
        told = [await refusal(client, tool, id=deploy.request.id) for tool in ("await_answer", "cancel_request")]
        taken_back = await called(client, "cancel_request", id=mine["id"])

    assert [one["error"] for one in told] == ["not-found"] * 2
    assert taken_back["decision"] == "withdrawn"
    assert (await world.request(deploy.request.id)).state == "open"


async def test_an_agent_whose_key_was_revoked_is_told_so_while_it_waits_and_after(api: Api) -> None:
    key, text = await api.key(None, "ask", service="cleaner", acts_for=["anna"], asks=ASKS)
    async with peer(api, text) as client:
        asking = asyncio.create_task(refusal(client, "ask_human", **QUESTION))
        request = await opened(api)
        await api.until_open()
        await api.keyring.revoke(key.prefix, None, proof=None)
        await given(api, request["id"], text="go on")
        waited = await asking
        with pytest.raises(MCPError, match="was revoked") as later:
            await client.call_tool("await_answer", {"id": request["id"]})

    assert waited["error"] == "no-key"
    assert "go on" not in str(waited)
    assert "sayso keys create" in str(later.value)


async def test_nobody_without_a_key_and_no_page_of_another_site_may_speak(api: Api) -> None:
    key = await asker(api)
    anybody, known = api.with_key(None), api.with_key(key)
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json, text/event-stream"}

    refused(await anybody.post("/mcp", json=ping, headers=accept), 401, "no-key")
    refused(await known.post("/mcp", json=ping, headers=accept | {"Origin": "https://evil.example"}), 403, "not-yours")
    refused(await known.post("/mcp", json=ping, headers=accept | {"Origin": "null"}), 403, "not-yours")
    refused(await known.post("/mcp", json=ping, headers=accept | {"Host": "evil.example"}), 421, "misdirected")
    refused(await known.post("/mcp", json={**ping, "more": "x" * 70_000}, headers=accept), 413, "too-large")
    refused(await known.get("/mcp", headers=accept), 405, "method")
    mine = await known.post("/mcp", json=ping, headers=accept | {"Origin": api.url})
    slashed = await known.post("/mcp/", json=ping, headers=accept)

    assert slashed.status_code == 200, slashed.text
    assert mine.status_code == 200, mine.text
    assert (await anybody.post("/mcp", json=ping)).headers["www-authenticate"].startswith("Bearer ")


async def test_progress_is_told_to_whoever_gave_a_token_and_rises(world: World) -> None:
    told = list[float]()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert message == "People still have it; it is not decided yet"
        told.append(progress)

    async with (
        serving(world.app, longest_wait_s=1.0, ping_s=0.2) as api,
        peer(api, await asker(api)) as client,
    ):
        await client.call_tool("ask_human", QUESTION, progress_callback=note)
        rises, told = told, []
        await client.call_tool("ask_human", QUESTION | {"question": "And staging-4?"})

    assert len(rises) >= 2
    assert rises == sorted(set(rises))
    assert told == []


async def test_attack_an_agent_of_whose_policy_everybody_is_away_is_told_to_have_others_decide(
    world: World, api: Api
) -> None:
    """A question it may put to others; while one of several is away it is told so, and not to ask again."""
    then = (world.about_now() + timedelta(days=9)).isoformat()
    asks = ("person:bo", "policy:pair", *ASKS)
    async with peer(api, await asker(api, *asks), headers={"Prefer": "wait=0"}) as client:
        assert (await (await api.client("bo")).post("/v1/absences", json={"until": then})).status_code == 200
        alone = await called(client, "ask_human", question="Which one?", to=["person:bo"])
        both = await called(client, "ask_human", question="Which of all?", to=["group:release"])
        assert (await (await api.client("cy")).post("/v1/absences", json={"until": then})).status_code == 200
        told = await called(client, "request_approval", **APPROVAL)

    assert "everybody who is asked is away" in alone["next"]
    assert "Do not ask again" not in alone["next"]
    for one in (alone, both):
        [away] = one["away"]
        assert (away["person"], away["until"][:10]) == ("bo", then[:10])
    assert "Do not ask again" in both["next"], "as there is somebody who can answer"
    assert "everybody who is asked is away" in told["next"]
    assert "others" not in told["next"]
    assert "tell whoever you work for: only people choose who decides instead" in told["next"]
