import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from agents.events import PersonSaid
from agents.requests import PersonId
from bot.policy.edits import Edited
from bot.policy.record import RequestRecord
from tests.bot.web.problems import refused
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.waiting import patience, until
from tests.kit.world import World
from tests.servers.web import Api, serving


async def asked(world: World, text: str = "press it") -> RequestRecord:
    return await world.opened(await world.trigger(text))


async def answered(client: AsyncClient, record: RequestRecord, body: dict[str, Any], once: str = "") -> Response:
    headers = {"Idempotency-Key": once} if once else {}
    return await client.post(f"/v1/requests/{record.request.id}/answer", json=body, headers=headers)


def approval(record: RequestRecord) -> dict[str, str]:
    return {"vote": "approve", "digest": record.request.digest}


async def test_a_request_shows_all_that_is_needed_to_decide_it(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)

    shown = (await bo.get(f"/v1/requests/{record.request.id}")).json()

    assert (shown["state"], shown["format"], shown["digest"]) == ("open", "approval", record.request.digest)
    assert (shown["requesters"], shown["may_decide"], shown["quorum"]) == (["anna"], ["bo", "cy"], 1)
    assert (shown["call"]["arguments"], shown["call"]["effect"]["argv"]) == ({"what": "it"}, ["press", "it"])


async def test_requests_are_listed_by_state_and_by_who_may_decide(world: World, api: Api) -> None:
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


async def test_an_approval_that_names_what_was_seen_decides(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)

    answer = await answered(bo, record, approval(record))

    assert answer.status_code == 200
    said = answer.json()
    assert (said["judgement"]["type"], said["request"]["state"]) == ("decided", "approved")
    assert said["told"].startswith("Bo Berg approved at")
    assert (await world.ended(record.request.run_id)).state == "done"
    stands = await world.request(record.request.id)
    assert [(vote.person, vote.channel) for vote in stands.votes] == [("bo", "api")]


async def test_one_of_two_approvals_counts_and_a_first_vote_stands(world: World, api: Api) -> None:
    world.workshop.policy_of["it"] = "pair"
    bo, record = await api.client("bo"), await asked(world)

    first, again = await answered(bo, record, approval(record)), await answered(bo, record, approval(record))

    assert (first.status_code, first.json()["judgement"]["type"]) == (200, "counted")
    refused(again, 409, "already-voted")
    denied = await answered(bo, record, {"vote": "deny", "reason": "on second thought"})
    assert denied.json()["request"]["decision"]["reason"] == "on second thought"


async def test_a_denial_takes_an_approval_back_until_the_start_and_is_too_late_after_it(world: World, api: Api) -> None:
    bo, cy = await api.client("bo"), await api.client("cy")
    first = await asked(world)
    await world.steer(first.request.run_id, "pause")
    await answered(bo, first, approval(first))
    held, second = world.workshop.hold("this"), await asked(world, "press this")
    await answered(bo, second, approval(second))

    revoked = await answered(cy, first, {"vote": "deny"})
    await until(lambda: "press this" in world.workshop.started)
    late = await answered(cy, second, {"vote": "deny"})

    assert (revoked.status_code, revoked.json()["judgement"]["type"]) == (200, "revoked")
    refused(late, 409, "too-late")
    held.set()
    await world.ended(second.request.run_id)


async def test_who_comes_second_hears_who_decided(world: World, api: Api) -> None:
    bo, cy, record = await api.client("bo"), await api.client("cy"), await asked(world)
    await answered(bo, record, approval(record))

    answer = await answered(cy, record, approval(record))

    assert "Bo Berg approved at" in refused(answer, 409, "already-decided")
    assert answer.json()["judgement"]["decision"]["by"] == ["bo"]


async def test_an_approval_of_what_has_moved_is_refused_with_the_difference(world: World, api: Api) -> None:
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


async def test_an_approval_names_a_digest_and_a_denial_need_not(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)

    for body in ({"vote": "approve"}, {"vote": "approve", "digest": "x"}, {"vote": "maybe"}, {}, {"text": ""}):
        refused(await answered(bo, record, body), 422, "invalid")

    assert (await answered(bo, record, {"vote": "deny"})).status_code == 200


async def test_a_closed_request_says_what_became_of_it(world: World, api: Api) -> None:
    bo, withdrawn, expired = await api.client("bo"), await asked(world), await asked(world)
    await world.steering.withdraw(withdrawn.request.id, PersonId("anna"), "")
    await world.move_time(5 * 3600)

    assert "withdrawn" in refused(await answered(bo, withdrawn, approval(withdrawn)), 409, "closed")
    assert "expired" in refused(await answered(bo, expired, approval(expired)), 409, "closed")


async def test_a_request_that_another_one_replaced_names_that_one(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)
    await world.steer(record.request.run_id, "pause")
    await answered(bo, record, approval(record))
    world.workshop.meaning["it"] = "moved"
    await world.steer(record.request.run_id, "resume")
    newer = await world.opened(record.request.run_id, after=record.request.id)

    answer = await answered(bo, record, approval(record))

    refused(answer, 409, "closed")
    assert answer.json()["newer"] == newer.request.id
    assert answer.json()["judgement"]["state"] == "superseded"


async def test_who_may_not_decide_is_told_who_may(world: World, api: Api) -> None:
    anna, dan, record = await api.client("anna"), await api.client("dan", "admin"), await asked(world)

    for client in (anna, dan):
        answer = await answered(client, record, approval(record))
        assert "Bo Berg and Cy Cole may" in refused(answer, 403, "not-entitled")


async def test_where_approvals_over_http_do_not_count_denials_do(world: World) -> None:
    async with world.stopped():
        world.toml = TOML.replace("expires_after", 'answer_from = ["cli"]\nexpires_after', 1)
    async with serving(world.app) as api:
        bo, record = await api.client("bo"), await asked(world)

        answer = await answered(bo, record, approval(record))

        assert "Ways that count: in a terminal beside sayso dev, with: sayso answer" in refused(
            answer, 403, "not-this-way"
        )
        assert (await answered(bo, record, {"vote": "deny"})).status_code == 200


async def test_attack_a_program_that_says_it_is_the_command_line_is_a_program(world: World) -> None:
    async with world.stopped():
        world.toml = TOML.replace("expires_after", 'answer_from = ["cli"]\nexpires_after', 1)
    async with serving(world.app) as api:
        bo, record = await api.client("bo"), await asked(world)
        at_terminal = api.with_key(api.keyring.lend("bo"))
        for client in (bo, at_terminal):
            client.headers["User-Agent"] = "sayso-cli"

        refusal = await answered(bo, record, approval(record))

        assert "in a terminal beside sayso dev" in refused(refusal, 403, "not-this-way")
        assert (await world.request(record.request.id)).state == "open"
        assert (await answered(at_terminal, record, approval(record))).status_code == 200
    [vote] = (await world.request(record.request.id)).votes
    assert vote.channel == "cli"


@pytest.mark.parametrize("scopes", [("answer",), ("admin",)])
async def test_a_programs_own_key_never_answers(world: World, api: Api, scopes: tuple[str, ...]) -> None:
    ci = await api.client(None, *scopes, service="ci", acts_for=["bo", "anna"])
    record, question = await asked(world), await asked(world, "ask yes_no really?")

    refused(await answered(ci, record, approval(record)), 403, "not-for-programs")
    refused(await answered(ci, record, {"vote": "deny"}), 403, "not-for-programs")
    refused(await answered(ci, question, {"text": "yes"}), 403, "not-for-programs")

    assert (await world.request(record.request.id)).state == "open"


async def test_words_never_decide_an_approval(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)

    for body in ({"text": "approved"}, {"choices": ["approve"]}, {"form": {"approve": "yes"}}):
        refused(await answered(bo, record, body), 422, "unclear")

    assert (await world.request(record.request.id)).state == "open"


@pytest.mark.parametrize(
    ("question", "body", "said"),
    few_of(
        [
            ("ask free_text why? ", {"text": "because"}, "because"),
            ("ask yes_no really?", {"text": "yes"}, "yes"),
            ("ask choice which? | red, blue", {"choices": ["blue"]}, "blue"),
            ("ask choice which? | red, blue", {"text": "1"}, "red"),
            ("ask choice which? | 2, 1", {"choices": ["1"]}, "1"),
            ("ask choices which? | red, blue, green", {"choices": ["green", "1"]}, "green\nred"),
            ("ask form what? | version, why", {"form": {"version": "v1", "why": "it: is"}}, "version: v1\nwhy: it: is"),
        ],
        0,
        6,
        rows=True,
    ),
)
async def test_a_question_is_answered_in_its_own_format(
    world: World, api: Api, question: str, body: dict[str, Any], said: str
) -> None:
    anna, record = await api.client("anna"), await asked(world, question)

    answer = await answered(anna, record, body)

    assert answer.status_code == 200, answer.text
    assert [result.text for result in (await world.ended(record.request.run_id)).results] == [said]


@pytest.mark.parametrize(
    ("question", "body"),
    few_of(
        [
            ("ask yes_no really?", {"text": "perhaps"}),
            ("ask yes_no really?", {"vote": "deny", "reason": "yes"}),
            ("ask choice which? | red, blue", {"choices": ["red", "blue"]}),
            ("ask choices which? | red, blue", {"choices": ["pink"]}),
            ("ask form what? | version, why", {"form": {"version": "v1"}}),
        ],
        0,
        4,
        rows=True,
    ),
)
async def test_what_does_not_fit_a_question_decides_nothing(
    world: World, api: Api, question: str, body: dict[str, Any]
) -> None:
    anna, record = await api.client("anna"), await asked(world, question)

    refused(await answered(anna, record, body), 422, "unclear")

    assert (await world.request(record.request.id)).state == "open"


async def test_the_same_answer_under_the_same_idempotency_key_is_judged_once(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)

    answers = [await answered(bo, record, approval(record), once="k") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.json()["told"] for answer in answers}) == 1
    assert len((await world.request(record.request.id)).votes) == 1


async def test_a_request_is_taken_back_by_whoever_asked_and_by_nobody_else(world: World, api: Api) -> None:
    anna, bo, record = await api.client("anna"), await api.client("bo"), await asked(world)
    path = f"/v1/requests/{record.request.id}/withdraw"

    refused(await bo.post(path), 403, "not-yours")
    answer = await anna.post(path, json={"reason": "not needed"})

    assert (answer.status_code, answer.json()) == (200, {"id": record.request.id, "state": "withdrawn"})
    stands = await world.request(record.request.id)
    assert stands.decision
    assert (stands.decision.by, stands.decision.reason) == (("anna",), "not needed")
    refused(await anna.post(path), 409, "not-now")


async def test_a_service_takes_back_what_it_asked_for_somebody(world: World, api: Api) -> None:
    ci = await api.client(service="ci", acts_for=["anna"])
    run_id = (await ci.post("/v1/runs", json={"text": "press it"})).json()["id"]
    record = await world.opened(run_id)

    assert (await ci.post(f"/v1/requests/{record.request.id}/withdraw")).status_code == 200


async def test_whoever_may_decide_puts_no_words_of_theirs_into_the_mouth_of_who_asked(world: World, api: Api) -> None:
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


async def test_a_service_says_why_it_takes_back_what_it_asked_for_itself(world: World, api: Api) -> None:
    ci = await api.client(service="ci", acts_for=["anna"], holders=["bo"])
    run_id = (await ci.post("/v1/runs", json={"text": "press it"})).json()["id"]
    record = await world.opened(run_id)

    answer = await ci.post(f"/v1/requests/{record.request.id}/withdraw", json={"reason": "the build broke"})

    assert answer.status_code == 200


async def test_who_waits_for_a_request_hears_at_once_when_it_is_decided(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)
    path = f"/v1/requests/{record.request.id}?wait_s=50"
    waiting = [asyncio.create_task(bo.get(path)) for _ in range(5)]
    await api.until_open(5)
    assert not any(one.done() for one in waiting)

    await world.decide("cy", record, "approve")

    async with patience():
        answers = await asyncio.gather(*waiting)
    assert {answer.json()["state"] for answer in answers} == {"approved"}
    async with patience():
        assert (await bo.get(path)).json()["decision"]["by"] == ["cy"], "nobody waits for what is closed"


async def test_who_waits_also_hears_of_a_vote_and_of_a_new_revision(world: World, api: Api) -> None:
    world.workshop.policy_of |= {"it": "pair", "that": "pair"}
    bo, record = await api.client("bo"), await asked(world)
    path = f"/v1/requests/{record.request.id}?wait_s=50"

    voted = asyncio.create_task(bo.get(path))
    await api.until_open()
    await world.decide("cy", record, "approve")
    assert len((await voted).json()["votes"]) == 1

    revised = asyncio.create_task(bo.get(path))
    await api.until_open()
    await world.edit("anna", await world.request(record.request.id), what="that")
    assert (await revised).json()["revision"] == 2


async def test_a_wait_ends_in_time_with_the_request_as_it_stands(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)

    answer = await bo.get(f"/v1/requests/{record.request.id}?wait_s=0.2")

    assert (answer.status_code, answer.json()["state"]) == (200, "open")
    for wrong in ("50.1", "-1", "nan", "long"):
        refused(await bo.get(f"/v1/requests/{record.request.id}?wait_s={wrong}"), 422, "invalid")


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


async def test_there_is_no_request_of_an_id_that_was_made_up(api: Api) -> None:
    bo = await api.client("bo")

    for some_id in ("s0q-aaaaaaaaaaaaa", "s63q-aaaaaaaaaaaaa", "s0r-aaaaaaaaaaaaa", "nonsense"):
        refused(await bo.get(f"/v1/requests/{some_id}?wait_s=1"), 404, "not-found")
        refused(await bo.post(f"/v1/requests/{some_id}/answer", json={"vote": "deny"}), 404, "not-found")
        refused(await bo.post(f"/v1/requests/{some_id}/withdraw"), 404, "not-found")


async def test_who_waits_with_a_key_that_is_revoked_meanwhile_is_told_nothing(world: World, api: Api) -> None:
    record = await world.opened(await world.trigger("press it"))
    key, text = await api.key("bo")
    wait = asyncio.create_task(api.with_key(text).get(f"/v1/requests/{record.request.id}?wait_s=50"))
    await api.until_open()
    assert not wait.done()

    await api.keyring.revoke(key.prefix)
    await world.decide("cy", record, "approve")

    async with patience():
        refused(await wait, 401, "no-key")


async def test_words_beside_an_approval_are_asked_back_and_kept_once_confirmed(world: World, api: Api) -> None:
    bo, record = await api.client("bo"), await asked(world)
    body = approval(record) | {"reason": "only after lunch"}

    first = await answered(bo, record, body)
    assert (await world.request(record.request.id)).state == "open"
    again = await answered(bo, record, body | {"note_confirmed": True})

    assert "only after lunch" in refused(first, 409, "note-unconfirmed")
    assert "note_confirmed: true" in first.json()["do"]
    assert again.json()["judgement"]["vote"]["reason"] == "only after lunch"
    assert "Note: “only after lunch”" in again.json()["told"]
    await world.ended(record.request.run_id)
    assert "Note by Bo Berg: “only after lunch”" in " ".join((await world.next_mail("anna", "Done")).text.split())


@pytest.mark.parametrize("reason", few_of(["", "ok", "Looks good to me, thanks!", "👍"], 0))
async def test_courtesy_beside_an_approval_is_no_condition(world: World, api: Api, reason: str) -> None:
    bo, record = await api.client("bo"), await asked(world)

    answer = await answered(bo, record, approval(record) | {"reason": reason})

    assert answer.json()["request"]["state"] == "approved"


@pytest.mark.parametrize("reason", ["> only after lunch", "ok\n\nOn 3 May 2026 Bo Berg wrote:\n> only after lunch"])
async def test_what_looks_like_an_older_mail_beside_an_approval_is_a_note_too(
    world: World, api: Api, reason: str
) -> None:
    bo, record = await api.client("bo"), await asked(world)

    refused(await answered(bo, record, approval(record) | {"reason": reason}), 409, "note-unconfirmed")

    assert (await world.request(record.request.id)).state == "open"


async def test_a_requester_takes_it_back_with_a_denial_and_words_stand_on_the_card(world: World, api: Api) -> None:
    anna, bo, record = await api.client("anna"), await api.client("bo"), await asked(world)

    remarked = await answered(anna, record, {"text": "the database is being moved"})
    stale = await answered(bo, record, approval(record))
    withdrawn = await answered(anna, record, {"vote": "deny", "reason": "not today"})

    assert remarked.json()["request"]["remarks"][0]["text"] == "the database is being moved"
    refused(stale, 409, "digest-moved")
    assert "Anna Ames wrote after you were asked" in stale.text
    assert withdrawn.json()["request"]["state"] == "withdrawn"
    assert await world.summary(record.request.run_id) == "failed: withdrawn: not today"


@pytest.mark.parametrize(
    "body", [{"text": "press the horn instead"}, {"choices": ["horn"]}, {"form": {"what": "horn"}}]
)
async def test_attack_a_key_that_may_only_answer_steers_by_no_words_of_a_requester(
    world: World, api: Api, body: dict[str, Any]
) -> None:
    world.workshop.policy_of["bell"] = "pair"
    anna, bo, record = await api.client("anna", "answer"), await api.client("bo"), await asked(world, "press bell")
    assert (await answered(bo, record, approval(record))).status_code == 200

    refusal = await answered(anna, record, body)

    assert "needs the scope steer" in refused(refusal, 403, "scope-missing")
    now = await world.request(record.request.id)
    assert ([vote.person for vote in now.votes], now.request.remarks) == (["bo"], ())
    assert not [event for event in await world.events(record.request.run_id) if isinstance(event, PersonSaid)]
    assert (await answered(anna, record, {"vote": "deny", "reason": "not today"})).status_code == 200
    assert (await world.request(record.request.id)).state == "withdrawn"


async def test_what_is_approved_and_has_not_started_can_be_withdrawn(world: World, api: Api) -> None:
    anna, record = await api.client("anna"), await asked(world)
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")

    answer = await anna.post(f"/v1/requests/{record.request.id}/withdraw", json={"reason": "stop"})

    assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
