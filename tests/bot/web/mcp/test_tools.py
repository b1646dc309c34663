"""The tools, as the official client of both eras calls them."""

import asyncio
import re
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from mcp.shared.exceptions import MCPError

from tests.bot.web.mcp.peer import ASKS, ERAS, Era, asker, called, peer, refusal
from tests.kit.office import TOML
from tests.kit.tables import becomes, without
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
    *("ask_human", "request_approval", "start_approved", "finish_approved"),
    *("await_answer", "cancel_request", "list_policies"),
}


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


@pytest.mark.parametrize("era", ERAS)
async def test_an_agent_asks_waits_and_has_the_answer_in_one_call(world: World, api: Api, era: Era) -> None:
    async with peer(api, await asker(api), era) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        asking = asyncio.create_task(called(client, "ask_human", **QUESTION, format="yes_no"))
        request = await opened(api)
        await given(api, request["id"], text="yes")
        told = await asking

    assert tools == TOOLS, "and nothing that answers, approves or steers"
    assert (told["decision"], told["answer"], told["by"], told["id"]) == ("answered", True, ["bo"], request["id"])


@pytest.mark.parametrize("era", ERAS)
async def test_who_waits_too_long_hears_pending_and_goes_on_with_the_id(world: World, era: Era) -> None:
    async with serving(world.app, longest_wait_s=0.2) as api, peer(api, await asker(api), era) as client:
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


async def test_an_agent_hears_that_people_have_so_many_of_its_questions_that_they_get_one_message(
    redis: str, tmp_path: Path
) -> None:
    few = TOML.replace("[limits]\n", "[limits]\ncards_per_person = 1\n")
    async with (
        a_world(redis, tmp_path / "data", f'public_url = "https://sayso.corp.example"\n{few}') as office,
        serving(office.app, longest_wait_s=0.2) as api,
        peer(api, await asker(api)) as client,
    ):
        told = [await called(client, "ask_human", **QUESTION, key=key) for key in ("q-1", "q-2")]

    assert "gathered" not in told[0]
    assert "one message" in told[1]["gathered"]


async def test_an_agent_that_takes_back_a_first_attempt_hears_that_the_second_is_what_it_took_back(
    world: World, api: Api
) -> None:
    async with peer(api, await asker(api)) as client:
        asking = asyncio.create_task(called(client, "request_approval", **APPROVAL, key="k-1"))
        first = await opened(api)
        await given(api, first["id"], vote="approve", digest=first["digest"])
        await asking
        await called(client, "start_approved", id=first["id"], attempt="first")
        await world.move_time(31 * 86_400)
        asks = await world.opened(first["run_id"], after=first["id"])
        await given(api, asks.request.id, choices=["it did not happen, ask again"])
        again = await world.opened(first["run_id"], after=asks.request.id)

        told = await called(client, "cancel_request", id=first["id"])

    assert (told["id"], told["decision"]) == (again.request.id, "withdrawn")


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


async def test_a_question_that_is_closed_as_nobody_is_left_to_answer_is_not_said_to_be_late(
    redis: str, tmp_path: Path
) -> None:
    async with (
        a_world(redis, tmp_path / "data", TOML) as office,
        serving(office.app) as api,
        peer(api, await asker(api, "person:bo"), headers={"Prefer": "wait=0"}) as client,
    ):
        asked = await called(client, "ask_human", question="Which one?", to=["person:bo"])
        await becomes(office, without(TOML, "bo"))
        told = await called(client, "await_answer", id=asked["id"])
        letter = await office.next_mail("anna", about="closed without an answer")

    assert told["decision"] == "expired"
    assert "left the directory" in told["reason"]
    assert "in time" not in told["next"]
    assert "`reason` says why" in told["next"]
    assert "closed without an answer: people who decide left the directory" in letter.text


async def test_attack_who_approved_what_was_then_not_used_in_time_is_said_to_have_ended_it(
    world: World, api: Api
) -> None:
    async with peer(api, await asker(api)) as client:
        asking = asyncio.create_task(called(client, "request_approval", **APPROVAL))
        request = await opened(api)
        await given(api, request["id"], vote="approve", digest=request["digest"])
        approved = await asking
        await world.move_time(16 * 60)
        late = await called(client, "await_answer", id=request["id"])

    assert (approved["decision"], approved["by"]) == ("approved", ["bo"])
    assert late["decision"] == "superseded"
    assert not {"by", "at", "reason"} & set(late)


async def test_who_took_an_approval_back_is_told_and_not_who_gave_it(world: World, api: Api) -> None:
    async with peer(api, await asker(api)) as client:
        told = list[dict[str, Any]]()
        for by in ("cy", "agent"):
            asking = asyncio.create_task(called(client, "request_approval", **APPROVAL, key=by))
            request = await opened(api)
            await given(api, request["id"], vote="approve", digest=request["digest"])
            approved = await asking
            if by == "cy":
                await given(api, request["id"], by, vote="deny", reason="the disk is in use")
                told.append(await called(client, "await_answer", id=request["id"]))
            else:
                told.append(await called(client, "cancel_request", id=request["id"]))

    assert (approved["decision"], approved["by"]) == ("approved", ["bo"])
    assert [one["decision"] for one in told] == ["revoked"] * 2
    assert [one["by"] for one in told] == [["cy"], ["service:cleaner"]]
    assert all(one["at"] > approved["at"] for one in told[1:])
    assert told[0]["reason"] == "the disk is in use"


@pytest.mark.parametrize("era", ERAS)
async def test_an_agent_is_not_told_to_ask_again_for_what_somebody_stopped_once_it_was_approved(
    world: World, api: Api, era: Era
) -> None:
    anna = await api.client("anna")
    async with peer(api, await asker(api), era) as client:
        asking = asyncio.create_task(called(client, "request_approval", **APPROVAL, key="k"))
        request = await opened(api)
        await given(api, request["id"], vote="approve", digest=request["digest"])
        await asking
        stopped = await anna.post(f"/v1/runs/{request['run_id']}/cancel", json={})
        told = [
            await called(client, "await_answer", id=request["id"]),
            await called(client, "request_approval", **APPROVAL, key="k"),
        ]
        start = await refusal(client, "start_approved", id=request["id"], attempt="a")
        await world.ended(request["run_id"])
        told.append(await called(client, "await_answer", id=request["id"]))

    assert stopped.status_code == 200, stopped.text
    assert [(one["decision"], one["by"]) for one in told] == [("revoked", ["anna"])] * 3
    assert not any("ask" in one["next"] or "reason" in one for one in told)
    assert start["error"] == "closed"


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


async def test_an_agent_hears_what_whoever_asked_wrote_beside_what_people_approved(world: World, api: Api) -> None:
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


async def test_a_key_lists_the_policies_that_it_may_use(world: World, api: Api) -> None:
    async with peer(api, await asker(api)) as client:
        listed = await called(client, "list_policies")

    assert [policy["name"] for policy in listed["policies"]] == ["production"]


async def test_each_format_of_a_question_has_a_typed_answer(world: World, api: Api) -> None:
    schema = {
        "type": "object",
        "properties": {
            "days": {"type": "integer", "minimum": 1},
            "why": {"type": "string"},
            "now": {"type": "boolean"},
        },
        "required": ["days"],
    }
    asked: list[tuple[dict[str, Any], dict[str, Any], Any]] = [
        ({"format": "choice", "options": ["red one", "blue one"]}, {"choices": ["blue one"]}, "blue one"),
        ({"format": "choices", "options": ["red", "blue"]}, {"choices": ["blue", "red"]}, ["blue", "red"]),
        ({"form": schema}, {"form": {"days": 3, "now": True}}, {"days": 3, "now": True}),
    ]
    async with peer(api, await asker(api)) as client:
        for more, said, expected in asked:
            asking = asyncio.create_task(called(client, "ask_human", **QUESTION, **more))
            await given(api, (await opened(api))["id"], **said)
            assert (await asking)["answer"] == expected


async def test_an_agent_that_asks_in_other_words_after_a_crash_hears_what_its_key_stands_for(
    world: World, api: Api
) -> None:
    """It goes on with that, whose words it may have lost, and people are not asked twice."""
    async with serving(world.app, longest_wait_s=0.1) as quick, peer(quick, await asker(quick)) as client:
        first = await called(client, "request_approval", **{**APPROVAL, "arguments": {"why": "x" * 300}}, key="k")
        reused = await refusal(client, "request_approval", **{**APPROVAL, "arguments": {"why": "y" * 300}}, key="k")
        found = await called(client, "await_answer", id=first["id"])

    assert f"stands for {first['id']}, which was asked for otherwise" in reused["detail"]
    assert f"go on with {first['id']}" in reused["detail"]
    assert (found["id"], found["decision"]) == (first["id"], "pending")


async def test_what_a_schema_says_of_the_whole_form_is_shown_to_people(world: World, api: Api) -> None:
    said = {"title": "A refund", "description": "All amounts are in cents.\nNone is above 100 euros."}
    async with serving(world.app, longest_wait_s=0.1) as quick, peer(quick, await asker(quick)) as client:
        await called(client, "ask_human", question="How much?", to=["group:release"], form=WITH_A | said)
        card = (await world.next_mail("bo")).text.splitlines()

    assert [line for line in card if line.startswith("| ")] == [
        "| How much?", "| ", "| A refund", "| All amounts are in cents.", "| None is above 100 euros.",
    ]  # fmt: skip


async def test_what_a_person_leaves_out_is_the_default_with_the_type_of_its_field(world: World, api: Api) -> None:
    fields: dict[str, Any] = {
        "now": {"type": "boolean", "default": "no"},
        "days": {"type": "integer", "default": "5"},
        "team": {"enum": ["shop", "search"], "default": "SHOP"},
        "why": {"type": "string"},
    }
    async with peer(api, await asker(api)) as client:
        form = {"type": "object", "properties": fields, "required": ["why"]}
        asking = asyncio.create_task(called(client, "ask_human", **QUESTION, form=form))
        await given(api, (await opened(api))["id"], form={"why": "as we said"})

        assert (await asking)["answer"] == {"now": False, "days": 5, "team": "shop", "why": "as we said"}


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_refused_is_an_error_of_the_tool_in_the_words_of_the_api(
    world: World, api: Api, era: Era
) -> None:
    async with serving(world.app, longest_wait_s=0.1) as quick, peer(quick, await asker(quick), era) as client:
        await called(client, "ask_human", **QUESTION, key="k")
        reused = await refusal(client, "ask_human", **{**QUESTION, "question": "And staging-4?"}, key="k")
        beyond = await refusal(client, "ask_human", question="Hm?", to=["person:dan"])
        lacks = await refusal(client, "ask_human", question="Hm?")
        nested = await refusal(
            client, "ask_human", **QUESTION, form={"type": "object", "properties": {"a": {"type": "array"}}}
        )
        large = await refusal(client, "request_approval", **{**APPROVAL, "arguments": {"all": "x" * 17_000}})
        none = await refusal(client, "await_answer", id="s0q-aaaaaaaaaaaaa")

    assert (reused["error"], reused["difference"][0]["field"]) == ("key-reused", "question")
    assert beyond["error"] == "not-yours"
    assert "group:release" in beyond["detail"]
    assert lacks["detail"].startswith("to: Field required")
    assert "no form can ask for" in nested["detail"]
    assert "for what is larger. Correct that" in large["detail"]
    assert none["error"] == "not-found"


async def test_a_key_sees_whom_it_may_ask_in_what_the_tools_say(world: World, api: Api) -> None:
    async with peer(api, await asker(api)) as client:
        listed = (await client.list_tools()).tools
    said = {tool.name: tool.description or "" for tool in listed}

    assert "any one of them: group:release." in said["ask_human"]
    assert "who decides: production;" in said["request_approval"]
    (takes,) = (tool.input_schema for tool in listed if tool.name == "request_approval")
    assert takes["properties"]["policy"]["enum"] == ["production"]


async def test_a_key_that_may_ask_who_is_on_call_asks_by_the_name_that_its_tool_says(
    redis: str, tmp_path: Path
) -> None:
    """Whoever is on call as it is asked is asked, though nobody knows their name."""
    on_call = '[oncall.night]\nrotation = ["person:bo"]\nshift = "7d"\nstarts = "2020-01-01T09:00"\n'
    async with (
        a_world(redis, tmp_path / "data", f"{TOML}\n{on_call}") as office,
        serving(office.app, longest_wait_s=0.1) as api,
        peer(api, await asker(api, "oncall:night")) as client,
    ):
        [said] = [tool.description or "" for tool in (await client.list_tools()).tools if tool.name == "ask_human"]
        told = await called(client, "ask_human", question="Is it up?", to=["oncall:night"])
        card = await office.next_mail("bo")

    assert "any one of them: oncall:night." in said
    assert told["asked"] == ["bo"]
    assert "Is it up?" in card.text


async def test_attack_an_agent_that_is_told_nothing_of_a_freeze_asks_people_over_and_over_for_what_can_not_begin(
    world: World, api: Api
) -> None:
    dan = await api.client("dan", "admin")
    await dan.post("/v1/freeze", json={"reason": "incident 4711"})
    async with peer(api, await asker(api), headers={"Prefer": "wait=0"}) as client:
        asked = await called(client, "request_approval", **APPROVAL, key="k")
        await given(api, asked["id"], vote="approve", digest=asked["digest"])
        approved = await called(client, "await_answer", id=asked["id"])
        await world.move_time(16 * 60)
        late = await called(client, "request_approval", **APPROVAL, key="k")
        lasts = await called(client, "list_policies")
        await dan.post("/v1/unfreeze", json={"reason": "it is over"})
        over = await called(client, "list_policies")

    assert [one["decision"] for one in (asked, approved, late)] == ["pending", "approved", "superseded"]
    assert all("incident 4711" in one["frozen"] for one in (asked, approved, late))
    assert "may not begin now: `frozen` says why" in approved["next"]
    assert "list_policies says whether that lasts" in late["next"]
    assert ["incident 4711" in listed["policies"][0]["frozen"] for listed in (lasts, over)] == [True, False]


async def test_attack_an_agent_is_told_to_give_itself_what_its_key_and_its_policies_do_not(
    redis: str, tmp_path: Path
) -> None:
    """It may sit beside `sayso.toml`, and beside a command line that makes keys."""
    own = '[policies.own]\napprovers = ["person:anna"]\nexpires_after = "4h"\n'
    once = TOML.replace("[limits]\n", '[limits]\nasks_per_key = "1/h"\n')
    async with (
        a_world(redis, tmp_path / "data", f"{once}\n{own}") as office,
        serving(office.app) as api,
        peer(api, await asker(api, *ASKS, "policy:own"), headers={"Prefer": "wait=0"}) as client,
    ):
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


async def test_what_was_asked_under_the_key_of_a_message_is_found_by_that_key(world: World, api: Api) -> None:
    """`sayso mcp` tells it to an agent that gave none, where the answer did not come."""
    key, wait = await asker(api), {"Prefer": "wait=0"}
    async with (
        peer(api, key, headers=wait | {"Idempotency-Key": "4711"}) as bridge,
        peer(api, key, headers=wait) as later,
    ):
        lost = await called(bridge, "ask_human", **QUESTION)
        found = await called(later, "ask_human", **QUESTION, key="4711")

    assert found["id"] == lost["id"]


async def test_attack_an_agent_whose_policy_is_gone_is_told_to_have_others_decide(world: World, api: Api) -> None:
    production = TOML[TOML.index("[policies.production]") : TOML.index("[policies.pair]")]
    async with peer(api, await asker(api, *ASKS, "policy:pair"), headers={"Prefer": "wait=0"}) as client:
        asked = await called(client, "request_approval", **APPROVAL)
        await given(api, asked["id"], vote="approve", digest=asked["digest"])
        await becomes(world, TOML.replace(production, ""))
        start = await refusal(client, "start_approved", id=asked["id"], attempt="a")

    assert "There is no policy 'production' in sayso.toml any more" in start["detail"]
    assert "another" not in start["detail"]


async def test_attack_an_agent_whose_policy_is_gone_is_told_to_write_it_into_the_settings(
    world: World, api: Api
) -> None:
    production = TOML[TOML.index("[policies.production]") : TOML.index("[policies.pair]")]
    async with peer(api, await asker(api)) as client:
        await becomes(world, TOML.replace(production, ""))
        told = await refusal(client, "request_approval", **APPROVAL)

    assert "There is no policy 'production' in sayso.toml" in told["detail"]
    assert "Only people change settings, and no program does" in told["detail"]
    assert "Correct that" not in told["detail"]


async def test_attack_an_agent_that_asks_while_a_file_is_half_taken_is_told_to_ask_again_every_two_seconds(
    redis: str, tmp_path: Path
) -> None:
    async with (
        a_world(redis, tmp_path / "data", TOML) as office,
        serving(office.app) as api,
        peer(api, await asker(api), headers={"Prefer": "wait=0"}) as client,
    ):
        await called(client, "request_approval", **APPROVAL, key="before")
        async with rewritten(office, NO_DECIDERS):
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


@pytest.mark.parametrize("scopes", [("ask", "read", "steer"), ("trigger", "read", "steer"), ("admin",)])
async def test_no_agent_sees_or_takes_back_what_others_ask_whatever_else_its_key_may(
    world: World, api: Api, scopes: tuple[str, ...]
) -> None:
    """A held approval of somebody's run is no approval of a program, which would be told as one that does not hold."""
    deploy = await world.opened(await world.trigger("press it"))
    _, key = await api.key(None, *scopes, service="cleaner", acts_for=["anna"], asks=ASKS)
    async with peer(api, key, headers={"Prefer": "wait=0"}) as client:
        mine = await called(client, "ask_human", **QUESTION)
        told = [await refusal(client, tool, id=deploy.request.id) for tool in ("await_answer", "cancel_request")]
        taken_back = await called(client, "cancel_request", id=mine["id"])

    assert [one["error"] for one in told] == ["not-found"] * 2
    assert taken_back["decision"] == "withdrawn"
    assert (await world.request(deploy.request.id)).state == "open"


@pytest.mark.parametrize("era", ERAS)
async def test_an_agent_whose_key_was_revoked_is_told_so_while_it_waits_and_after(
    world: World, api: Api, era: Era
) -> None:
    key, text = await api.key(None, "ask", service="cleaner", acts_for=["anna"], asks=ASKS)
    async with peer(api, text, era) as client:
        asking = asyncio.create_task(refusal(client, "ask_human", **QUESTION))
        request = await opened(api)
        await api.until_open()
        await api.keyring.revoke(key.prefix)
        await given(api, request["id"], text="go on")
        waited = await asking
        with pytest.raises(MCPError, match="was revoked") as later:
            await client.call_tool("await_answer", {"id": request["id"]})

    assert waited["error"] == "no-key"
    assert "go on" not in str(waited)
    assert "sayso keys create" in str(later.value)


async def test_nobody_without_a_key_and_no_page_of_another_site_may_speak(world: World, api: Api) -> None:
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


async def told_before_pending(api: Api, era: Era, *, with_token: bool) -> list[float]:
    """The progress that was told while somebody waited in vain."""
    told = list[float]()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert message == "People still have it; it is not decided yet"
        told.append(progress)

    async with peer(api, await asker(api), era) as client:
        await client.call_tool("ask_human", QUESTION, progress_callback=note if with_token else None)
    return told


@pytest.mark.parametrize("era", ERAS)
async def test_progress_is_told_to_whoever_gave_a_token_and_rises(world: World, era: Era) -> None:
    async with serving(world.app, longest_wait_s=1.0, ping_s=0.2) as api:
        told = await told_before_pending(api, era, with_token=True)
        silence = await told_before_pending(api, era, with_token=False)

    assert len(told) >= 2
    assert told == sorted(set(told))
    assert silence == []


WITH_A: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({**WITH_A, "additionalProperties": {}}, id="more properties, of a schema"),
        pytest.param({**WITH_A, "additionalProperties": []}, id="more properties, of none"),
        pytest.param({**WITH_A, "required": [["a"]]}, id="a list is required"),
        pytest.param({**WITH_A, "required": [WITH_A]}, id="an object is required"),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 10, "exclusiveMinimum": 5}}},
            id="two limits, of which the tighter one would be left out",
        ),
    ],
)
async def test_a_schema_that_no_form_can_check_is_refused_in_words(
    world: World, api: Api, form: dict[str, Any]
) -> None:
    async with peer(api, await asker(api)) as client:
        said = await refusal(client, "ask_human", **QUESTION, form=form)

    assert said["error"] == "invalid"
    assert "A form asks for an object" in said["detail"]


async def test_attack_an_agent_of_whose_policy_everybody_is_away_is_told_to_have_others_decide(
    world: World, api: Api
) -> None:
    then = (world.about_now() + timedelta(days=9)).isoformat()
    for person in ("bo", "cy"):
        assert (await (await api.client(person)).post("/v1/absences", json={"until": then})).status_code == 200
    async with peer(api, await asker(api, *ASKS, "policy:pair"), headers={"Prefer": "wait=0"}) as client:
        told = await called(client, "request_approval", **APPROVAL)

    assert "everybody who is asked is away" in told["next"]
    assert "others" not in told["next"]
    assert "tell whoever you work for: only people choose who decides instead" in told["next"]


async def test_an_agent_hears_that_everybody_whom_it_asks_is_away_and_may_ask_others(world: World, api: Api) -> None:
    bo = await api.client("bo")
    then = (world.about_now() + timedelta(days=9)).isoformat()
    assert (await bo.post("/v1/absences", json={"until": then})).status_code == 200
    async with peer(api, await asker(api, "person:bo", *ASKS), headers={"Prefer": "wait=0"}) as client:
        alone = await called(client, "ask_human", question="Which one?", to=["person:bo"])
        both = await called(client, "ask_human", question="Which of all?", to=["group:release"])
        policy = await called(client, "request_approval", **APPROVAL)

    assert (alone["decision"], alone["asked"]) == ("pending", ["bo"])
    assert "everybody who is asked is away" in alone["next"]
    assert "Do not ask again" not in alone["next"]
    for told in (alone, both, policy):
        [away] = told["away"]
        assert (away["person"], away["until"][:10]) == ("bo", then[:10])
    assert "Do not ask again" in both["next"], "as there is somebody who can answer"
