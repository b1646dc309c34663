import asyncio
from collections.abc import Awaitable
from typing import Any

from httpx2 import AsyncClient, Response

from agents.events import PersonSaid
from agents.requests import PersonId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.policy.edits import Edited
from bot.policy.judgements import NotEntitled
from tests.bot.web.problems import refused
from tests.kit.office import STEPS, TOML
from tests.kit.opens import opens
from tests.kit.waiting import patience
from tests.kit.world import World
from tests.servers.web import Api, serving


async def asked(world: World, text: str = "press it") -> RequestRecord:
    return await world.opened(await world.trigger(text))


async def answered(client: AsyncClient, record: RequestRecord, body: dict[str, Any], once: str = "") -> Response:
    headers = {"Idempotency-Key": once} if once else {}
    return await client.post(f"/v1/requests/{record.request.id}/answer", json=body, headers=headers)


def approval(record: RequestRecord) -> dict[str, str]:
    return {"vote": "approve", "digest": record.request.digest}


async def test_an_approval_that_names_what_was_seen_decides_once_and_who_comes_second_hears_who_decided(
    world: World, api: Api
) -> None:
    bo, cy, record = await api.client("bo"), await api.client("cy"), await asked(world)
    shown = (await bo.get(f"/v1/requests/{record.request.id}")).json()
    assert (shown["state"], shown["format"], shown["digest"]) == ("open", "approval", record.request.digest)
    assert (shown["requesters"], shown["may_decide"], shown["quorum"]) == (["anna"], ["bo", "cy"], 1)
    assert shown["words"] == "press it"
    assert (shown["call"]["arguments"], shown["call"]["effect"]["argv"]) == ({"what": "it"}, ["press", "it"])

    for body in ({"vote": "approve"}, {"vote": "approve", "digest": "x"}, {"vote": "maybe"}, {}, {"text": ""}):
        refused(await answered(bo, record, body), 422, "invalid")
    answers = [await answered(bo, record, approval(record), once="k") for _ in range(3)]
    second = await answered(cy, record, approval(record))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    [told] = {answer.json()["told"] for answer in answers}
    assert told.startswith("Bo Berg approved at")
    said = answers[0].json()
    assert (said["judgement"]["type"], said["request"]["state"]) == ("decided", "approved")
    assert "Bo Berg approved at" in refused(second, 409, "already-decided")
    assert second.json()["judgement"]["decision"]["by"] == ["bo"]
    assert (await world.ended(record.request.run_id)).state == "done"
    stands = await world.request(record.request.id)
    assert [(vote.person, vote.channel) for vote in stands.votes] == [("bo", "api")]


async def test_requests_are_listed_by_state_and_person_and_waited_for_and_none_has_an_id_that_was_made_up(
    world: World, api: Api
) -> None:
    bo = await api.client("bo", "admin")
    first, question = await asked(world), await asked(world, "ask yes_no really?")
    await world.decide("bo", first, "deny")

    async def found(query: str) -> list[str]:
        return [one["id"] for one in (await bo.get(f"/v1/requests?{query}")).json()["requests"]]

    assert await found("") == [question.request.id, first.request.id]
    assert await found("state=denied") == [first.request.id]
    assert await found("state=open&person=anna") == [question.request.id]
    assert await found("state=open&person=bo") == []
    assert await found("person=bo") == [first.request.id]
    page = (await bo.get("/v1/requests?limit=1")).json()
    assert await found(f"limit=1&cursor={page['next']}") == [first.request.id]
    refused(await bo.get("/v1/requests?person=nobody"), 404, "not-found")

    bo, record = await api.client("bo"), await asked(world)

    answer = await bo.get(f"/v1/requests/{record.request.id}?wait_s=0.2")

    assert (answer.status_code, answer.json()["state"]) == (200, "open")
    for wrong in ("50.1", "-1", "nan", "long"):
        refused(await bo.get(f"/v1/requests/{record.request.id}?wait_s={wrong}"), 422, "invalid")

    bo = await api.client("bo")

    for some_id in ("s0q-aaaaaaaaaaaaa", "s63q-aaaaaaaaaaaaa", "s0r-aaaaaaaaaaaaa", "nonsense"):
        refused(await bo.get(f"/v1/requests/{some_id}?wait_s=1"), 404, "not-found")
        refused(await bo.post(f"/v1/requests/{some_id}/answer", json={"vote": "deny"}), 404, "not-found")
        refused(await bo.post(f"/v1/requests/{some_id}/withdraw"), 404, "not-found")


async def test_an_approval_of_what_has_moved_or_is_closed_is_refused_with_what_stands_now(
    world: World, api: Api
) -> None:
    bo, record = await api.client("bo"), await asked(world)
    world.workshop.policy_of["that"] = "production"
    revised = await world.edit("anna", record, what="that")
    assert isinstance(revised, Edited)

    answer = await answered(bo, record, approval(record))

    refused(answer, 409, "digest-moved")
    problem = answer.json()
    assert (problem["digest"], problem["revision"]) == (revised.digest, 2)
    assert problem["changes"][0] == "Revision 1 was seen, 2 stands."
    assert "Changed: what from it to that." in problem["changes"]
    assert problem["judgement"]["type"] == "superseded"
    assert (await world.request(record.request.id)).state == "open"
    never = await answered(bo, record, {"vote": "approve", "digest": "0" * 64})
    refused(never, 409, "digest-moved")
    assert never.json()["changes"] == ["This request never had that digest."]
    assert (await answered(bo, record, {"vote": "approve", "digest": revised.digest})).status_code == 200

    bo, record = await api.client("bo"), await asked(world)
    withdrawn, expired = await asked(world), await asked(world)
    await world.steering.withdraw(withdrawn.request.id, PersonId("anna"), "", as_by("cli"))
    await world.steer(record.request.run_id, "pause")
    await answered(bo, record, approval(record))
    world.workshop.meaning["it"] = "moved"
    await world.steer(record.request.run_id, "resume")
    newer = await world.opened(record.request.run_id, after=record.request.id)

    answer = await answered(bo, record, approval(record))
    await world.move_time(5 * 3600)

    refused(answer, 409, "closed")
    assert (answer.json()["newer"], answer.json()["judgement"]["state"]) == (newer.request.id, "superseded")
    for one, state in ((withdrawn, "withdrawn"), (expired, "expired")):
        assert state in refused(await answered(bo, one, approval(one)), 409, "closed")


async def test_what_decides_nothing_says_why(world: World, api: Api) -> None:
    """Who may not decide is told who may; a program's own key never answers; words never decide an approval."""
    anna, bo, dan = await api.client("anna"), await api.client("bo"), await api.client("dan", "admin")
    programs = [await api.client(None, scope, service="ci", acts_for=["bo", "anna"]) for scope in ("answer", "admin")]
    record, question = await asked(world), await asked(world, "ask yes_no really?")

    for client in (anna, dan):
        answer = await answered(client, record, approval(record))
        assert "Bo Berg and Cy Cole may" in refused(answer, 403, "not-entitled")
    for ci in programs:
        refused(await answered(ci, record, approval(record)), 403, "not-for-programs")
        refused(await answered(ci, record, {"vote": "deny"}), 403, "not-for-programs")
        refused(await answered(ci, question, {"text": "yes"}), 403, "not-for-programs")
    for body in ({"text": "approved"}, {"choices": ["approve"]}, {"form": {"approve": "yes"}}):
        refused(await answered(bo, record, body), 422, "unclear")
    assert {(await world.request(one.request.id)).state for one in (record, question)} == {"open"}


@opens(TOML.replace("expires_after", 'answer_from = ["cli"]\nexpires_after', 1))
async def test_attack_a_program_that_says_it_is_the_command_line_is_a_program(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)
    at_terminal = api.with_key(api.keyring.lend("bo"))
    for client in (bo, at_terminal):
        client.headers["User-Agent"] = "sayso-cli"

    refusal, other = await answered(bo, record, approval(record)), await asked(world)

    told = refused(refusal, 403, "not-this-way")
    assert "Ways that count: in a terminal beside sayso dev, with: sayso answer" in told
    assert (await answered(bo, other, {"vote": "deny"})).status_code == 200, "a denial counts anywhere"
    assert (await world.request(record.request.id)).state == "open"
    assert (await answered(at_terminal, record, approval(record))).status_code == 200
    [vote] = (await world.request(record.request.id)).votes
    assert vote.channel == "cli"


async def test_a_question_is_answered_in_its_own_format_and_what_does_not_fit_decides_nothing(
    world: World, api: Api
) -> None:
    anna = await api.client("anna")
    rows: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
        ("ask free_text why? ", {"ask": "yes?"}, {"text": "because"}, "because"),
        ("ask choice which? | 2, 1", {"choices": ["3"]}, {"choices": ["1"]}, "1"),
        ("ask choices which? | red, blue, green", {"choices": ["pink"]}, {"choices": ["green", "1"]}, "green\nred"),
        (
            "ask form what? | version, why", {"form": {"version": "v1"}},
            {"form": {"version": "v1", "why": "it: is"}}, "version: v1\nwhy: it: is",
        ),
    )  # fmt: skip
    for question, wrong, body, said in rows:
        record = await asked(world, question)
        refused(await answered(anna, record, wrong), 422, "unclear")
        assert (await world.request(record.request.id)).state == "open"
        answer = await answered(anna, record, body)
        assert answer.status_code == 200, answer.text
        assert [result.text for result in (await world.ended(record.request.run_id)).results] == [said]


async def test_a_request_is_taken_back_by_whoever_asked_and_in_nobody_else_s_words(world: World, api: Api) -> None:
    anna, bo, record, begins = (
        await api.client("anna"), await api.client("bo"), await asked(world), await asked(world),
    )  # fmt: skip
    path = f"/v1/requests/{record.request.id}/withdraw"
    await world.steer(begins.request.run_id, "pause")
    await world.decide("bo", begins, "approve")

    refused(await bo.post(path), 403, "not-yours")
    answer = await anna.post(path, json={"reason": "not needed"})
    approved = await anna.post(f"/v1/requests/{begins.request.id}/withdraw", json={"reason": "stop"})

    assert (answer.status_code, answer.json()) == (200, {"id": record.request.id, "state": "withdrawn", "told": ""})
    assert (approved.status_code, approved.json()["state"]) == (200, "revoked")
    stands = await world.request(record.request.id)
    assert stands.decision
    assert (stands.decision.by, stands.decision.reason) == (("anna",), "not needed")
    refused(await anna.post(path), 409, "not-now")

    record, path = await asked(world), "/v1/requests/{}/withdraw"
    keys = [
        await api.client("bo", acts_for=["anna"]),
        await api.client(service="ci", acts_for=["anna"], holders=["bo"]),
    ]

    for key in keys:
        answer = await key.post(path.format(record.request.id), json={"reason": "press that one instead"})
        refused(answer, 403, "not-yours")
        assert "Leave the reason out" in answer.json()["do"]
    assert (await world.request(record.request.id)).state == "open"
    assert (await keys[1].post(path.format(record.request.id))).status_code == 200
    own = await world.opened((await keys[1].post("/v1/runs", json={"text": "press it"})).json()["id"])
    why = await keys[1].post(path.format(own.request.id), json={"reason": "the build broke"})
    assert why.status_code == 200, "a service says why it takes back what it asked for itself"


async def test_who_waits_for_a_request_hears_at_once_of_each_change_and_nothing_once_their_key_is_revoked(
    world: World, api: Api
) -> None:
    world.workshop.policy_of |= {"it": "pair", "that": "pair"}
    bo, record = await api.client("bo"), await asked(world)
    path = f"/v1/requests/{record.request.id}?wait_s=50"

    async def told(change: Awaitable[object]) -> list[dict[str, Any]]:
        waiting = [asyncio.create_task(bo.get(path)) for _ in range(3)]
        await api.until_open(3)
        assert not any(one.done() for one in waiting)
        await change
        async with patience():
            return [answer.json() for answer in await asyncio.gather(*waiting)]

    voted = await told(world.decide("cy", record, "approve"))
    revised = await told(world.edit("anna", await world.request(record.request.id), what="that"))
    decided = await told(world.decide("cy", await world.request(record.request.id), "deny"))

    assert [len(one["votes"]) for one in voted] == [1] * 3
    assert [one["revision"] for one in revised] == [2] * 3
    assert {one["state"] for one in decided} == {"denied"}
    async with patience():
        assert (await bo.get(path)).json()["decision"]["by"] == ["cy"], "nobody waits for what is closed"

    record = await world.opened(await world.trigger("press it"))
    key, text = await api.key("bo")
    wait = asyncio.create_task(api.with_key(text).get(f"/v1/requests/{record.request.id}?wait_s=50"))
    await api.until_open()
    assert not wait.done()

    await api.keyring.revoke(key.prefix, None, proof=None)
    await world.decide("cy", record, "approve")

    async with patience():
        refused(await wait, 401, "no-key")


async def test_who_waits_for_what_nobody_has_closed_yet_though_its_time_is_over_is_held_until_somebody_does(
    world: World,
) -> None:
    """Else a program that waits on and on asks as fast as it can, while no worker runs."""
    record = await asked(world)
    await world.stop()
    await world.start(works=False)
    await world.move_time(4 * 3600 + 60)

    async with serving(world.app) as alone:
        path = f"/v1/requests/{record.request.id}?wait_s=50"
        waiting = asyncio.create_task((await alone.client("bo")).get(path))
        await asyncio.wait([waiting, asyncio.create_task(alone.until_open())], return_when=asyncio.FIRST_COMPLETED)
        assert not waiting.done(), "it is open as before"
        await world.app.requests.decisions.look(record.request.id)
        async with patience():
            assert (await waiting).json()["state"] == "expired"


async def test_words_beside_an_approval_are_asked_back_and_kept_once_confirmed(world: World, api: Api) -> None:
    """Also what looks like an older mail; a courtesy is no condition."""
    bo, record, polite = await api.client("bo"), await asked(world), await asked(world)
    body = approval(record) | {"reason": "only after lunch"}

    first = await answered(bo, record, body)
    for reason in ("> only after lunch", "ok\n\nOn 3 May 2026 Bo Berg wrote:\n> only after lunch"):
        refused(await answered(bo, record, approval(record) | {"reason": reason}), 409, "note-unconfirmed")
    assert (await world.request(record.request.id)).state == "open"
    again = await answered(bo, record, body | {"note_confirmed": True})
    courtesy = await answered(bo, polite, approval(polite) | {"reason": "Looks good to me, thanks!"})

    assert "only after lunch" in refused(first, 409, "note-unconfirmed")
    assert "note_confirmed: true" in first.json()["do"]
    assert again.json()["judgement"]["vote"]["reason"] == "only after lunch"
    assert "Note: “only after lunch”." in again.json()["told"]
    assert courtesy.json()["request"]["state"] == "approved"
    await world.ended(record.request.run_id)
    assert "Note by Bo Berg: “only after lunch”" in " ".join((await world.next_mail("anna", "Done")).text.split())


async def test_attack_a_key_that_may_only_answer_steers_by_no_words_of_a_requester(world: World, api: Api) -> None:
    world.workshop.policy_of["bell"] = "pair"
    anna, bo, record = await api.client("anna", "answer"), await api.client("bo"), await asked(world, "press bell")
    assert (await answered(bo, record, approval(record))).status_code == 200

    for body in ({"text": "press the horn instead"}, {"choices": ["horn"]}, {"form": {"what": "horn"}}):
        refusal = await answered(anna, record, body)
        assert "needs the scope steer" in refused(refusal, 403, "scope-missing")
    now = await world.request(record.request.id)
    assert ([vote.person for vote in now.votes], now.request.remarks) == (["bo"], ())
    assert not [event for event in await world.events(record.request.run_id) if isinstance(event, PersonSaid)]
    assert (await answered(anna, record, {"vote": "deny", "reason": "not today"})).status_code == 200
    assert (await world.request(record.request.id)).state == "withdrawn"


def _editable(world: World) -> None:
    world.workshop.editable = ("what",)


EDITABLE = opens(change=_editable)


def _path(record: RequestRecord, verb: str) -> str:
    return f"/v1/requests/{record.request.id}/{verb}"


async def test_attack_words_that_are_sent_again_once_it_is_over_read_that_everybody_is_asked(
    world: World, api: Api
) -> None:
    record = await asked(world)
    anna, bo = await api.client("anna"), await api.client("bo")
    said = [(anna, {"text": "the big one"}), (bo, {"ask": "Why now?"})]
    for client, body in said:
        assert (await answered(client, record, body, "once")).status_code == 200

    await world.decide("cy", await world.request(record.request.id), "deny")

    for client, body in said:
        assert "Cy Cole denied" in (await answered(client, record, body, "once")).json()["told"]


@EDITABLE
async def test_an_edit_is_told_as_it_stands_then_or_refused_with_why_and_a_requester_needs_a_key_that_steers(
    world: World, api: Api
) -> None:
    bo, record = await api.client("bo"), await world.opened(await world.trigger("press bell"))
    body = {"args": {"what": "gong"}, "digest": record.request.digest}

    made = await bo.post(_path(record, "edit"), json=body)

    said = made.json()
    assert (made.status_code, said["judgement"]["type"]) == (200, "edited")
    assert said["request"]["call"]["arguments"] == {"what": "gong"}
    assert (said["request"]["edits"], said["request"]["may_decide"]) == ({"what": ["bo"]}, ["cy"])
    assert said["request"]["may_not_decide"] == {"bo": "changed what and may only deny it"}
    assert said["judgement"]["digest"] == said["request"]["digest"] != record.request.digest
    own = await bo.post(_path(record, "answer"), json={"vote": "approve", "digest": said["request"]["digest"]})
    assert "others approve it" in refused(own, 403, "not-entitled")

    bo, dan = await api.client("bo"), await api.client("dan")
    record = await world.opened(await world.trigger("press bell"))
    digest, path = record.request.digest, _path(record, "edit")

    refused(await dan.post(path, json={"args": {"what": "gong"}, "digest": digest}), 404, "not-found")
    ci = await api.client(service="ci", acts_for=["anna"])
    refused(await ci.post(path, json={"args": {"what": "gong"}, "digest": digest}), 403, "not-for-programs")
    names = await bo.post(path, json={"args": {"where": "here"}, "digest": digest})
    assert "They may change: what" in refused(names, 422, "not-editable")
    refused(await bo.post(path, json={"args": {"what": [7]}, "digest": digest}), 422, "not-editable")
    never = await bo.post(path, json={"args": {"what": "gong"}, "digest": "0" * 64})
    refused(never, 409, "digest-moved")
    assert never.json()["judgement"]["seen_revision"] == 0, "no card of this request"
    refused(await bo.post(path, json={"args": {"what": "bell"}, "digest": digest}), 409, "not-now")
    assert (await world.request(record.request.id)).request == record.request
    await world.decide("cy", record, "deny")
    refused(await bo.post(path, json={"args": {"what": "gong"}, "digest": digest}), 409, "already-decided")

    anna, answers = await api.client("anna"), await api.client("anna", "read", "answer")
    record = await world.opened(await world.trigger("press bell"))
    body = {"args": {"what": "horn"}, "digest": record.request.digest}

    refused(await answers.post(_path(record, "edit"), json=body), 403, "scope-missing")
    made = await anna.post(_path(record, "edit"), json=body)

    said = made.json()["request"]
    assert (made.status_code, said["call"]["arguments"], said.get("edits", {})) == (200, {"what": "horn"}, {})


@opens(STEPS)
async def test_whoever_decides_a_later_step_may_look_before_their_turn_and_decides_nothing_then(
    world: World, api: Api
) -> None:
    world.workshop.policy_of["bell"] = "spending"
    record = await world.opened(await world.trigger("press bell"))
    path = f"/v1/requests/{record.request.id}"

    assert (await (await api.client("eve")).get(path)).json()["state"] == "open"
    assert isinstance(await world.decide("eve", record, "approve"), NotEntitled)
    refused(await (await api.client("cy")).get(path), 404, "not-found")
