"""A program's approvals: decided as any other, begun by the program once, and ended by what it says."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from agents.requests import Request, RunId
from tests.bot.web.problems import refused
from tests.kit.office import TOML
from tests.kit.said import said
from tests.kit.world import World
from tests.servers.web import Api, serving

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


async def begun(client: AsyncClient, request: dict[str, Any], attempt: str = "first", **more: Any) -> Response:
    return await client.post(f"/v1/requests/{request['id']}/start", json={"attempt": attempt, **more})


async def finished(client: AsyncClient, request: dict[str, Any], **more: Any) -> Response:
    body = {"attempt": "first", "ok": True, "summary": "volume 17 is gone", **more}
    return await client.post(f"/v1/requests/{request['id']}/finish", json=body)


async def approved(ci: AsyncClient, bo: AsyncClient, **more: Any) -> dict[str, Any]:
    request = await asked(ci, **more)
    await vote(bo, request)
    return await waited(ci, request)


async def waited(client: AsyncClient, request: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/v1/requests/{request['id']}?wait_s=20")).json()


async def given_up(world: World, request: dict[str, Any]) -> Request:
    """What people are asked once nobody has said for a month what came of `request`."""
    await world.move_time(31 * 86_400)
    return (await world.opened(request["run_id"], after=request["id"])).request


async def settled(client: AsyncClient, request_id: str, choice: str) -> Response:
    return await client.post(f"/v1/requests/{request_id}/answer", json={"choices": [choice]})


@pytest.fixture
async def ci(api: Api) -> AsyncClient:
    return await program(api)


@pytest.fixture
async def bo(api: Api) -> AsyncClient:
    return await api.client("bo")


async def test_once_approved_the_program_begins_and_says_how_it_went_and_we_do_nothing(
    world: World, ci: AsyncClient, bo: AsyncClient
) -> None:
    request = await asked(ci)
    waiting = asyncio.create_task(waited(ci, request))
    seen = (await bo.get(f"/v1/requests/{request['id']}")).json()
    await vote(bo, seen)

    assert (seen["format"], seen["policy"], seen["may_decide"]) == ("approval", "production", ["bo", "cy"])
    assert (seen["call"]["arguments"]["arguments"], seen["may_act"]) == (APPROVAL["arguments"], None)
    told = await waiting
    assert (await ci.get(f"/v1/runs/{request['run_id']}")).json()["state"] == "waiting"
    assert (told["state"], told["may_act"], told["started_at"]) == ("approved", True, None)
    assert told["use_by"] > told["decision"]["at"]
    start = (await begun(ci, request, digest=request["digest"])).json()
    running = (await ci.get(f"/v1/requests/{request['id']}")).json()
    assert (await ci.get(f"/v1/runs/{request['run_id']}")).json()["state"] == "running"
    late = refused(await bo.post(f"/v1/requests/{request['id']}/answer", json={"vote": "deny"}), 409, "too-late")
    end = await finished(ci, request)

    what = (start["arguments"], start["digest"], start["approved_by"])
    assert what == (APPROVAL["arguments"], request["digest"], ["bo"])
    now = (running["may_act"], running["begun_by"], running["started_at"])
    assert now == (False, "service:ci", start["started_at"])
    assert "Too late: the program began it at" in late
    assert end.status_code == 200, end.text
    run = await world.ended(request["run_id"])
    said = "the program says that it is done: “volume 17 is gone”"
    assert (run.state, run.ended and run.ended.summary) == ("done", said)
    assert world.workshop.started == []
    after = (await ci.get(f"/v1/requests/{request['id']}")).json()
    assert (after["came_of"]["ok"], after["came_of"]["summary"]) == (True, "volume 17 is gone")


async def test_of_all_attempts_one_begins_once_enough_have_approved_it_and_is_told_so_each_time(
    world: World, api: Api, ci: AsyncClient, bo: AsyncClient
) -> None:
    request = await asked(ci, policy="pair")
    await vote(bo, request)
    half = (await ci.get(f"/v1/requests/{request['id']}")).json()
    assert (half["state"], half["may_act"], len(half["votes"])) == ("open", None, 1)
    await vote(await api.client("cy"), request)
    await waited(ci, request)

    answers = await asyncio.gather(*(begun(ci, request, f"worker-{number % 3}") for number in range(24)))
    winners = [answer for answer in answers if answer.status_code == 200]
    again = await begun(ci, request, winners[0].json()["attempt"])

    assert (len(winners), again.json()["approved_by"]) == (8, ["bo", "cy"])
    assert {answer.text for answer in winners} == {again.text}
    for other in (answer for answer in answers if answer.status_code != 200):
        assert "service:ci" in refused(other, 409, "already-begun")
    kinds = [event.type for event in await world.events(request["run_id"])]
    assert kinds.count("tool_started") == 1


async def test_nothing_begins_before_the_decision_or_against_it(
    world: World, api: Api, ci: AsyncClient, bo: AsyncClient
) -> None:
    """Nor what was taken back, what is too old, what was approved otherwise, and what another key asked.

    A program that remembers an older digest, or none, is told the same of what was denied or is spent.
    """
    other, cy = await program(api), await api.client("cy")
    opened, denied, taken_back, moved, spent = [await asked(ci) for _ in range(5)]
    await vote(bo, denied, "deny")
    for one in (taken_back, moved, spent):
        await vote(bo, one)
    await vote(cy, taken_back, "deny")
    assert (await begun(ci, spent)).status_code == 200

    for more in ({}, {"digest": "0" * 64}):
        refused(await begun(ci, opened, **more), 409, "not-now")
        assert "denied" in refused(await begun(ci, denied, **more), 409, "closed")
        assert "stopped" in refused(await begun(ci, taken_back, **more), 409, "closed")
        refused(await begun(ci, spent, "another", **more), 409, "already-begun")
    refused(await begun(ci, moved, digest="0" * 64), 409, "digest-moved")
    refused(await begun(other, moved), 404, "not-found")
    refused(await begun(bo, moved), 404, "not-found")
    await world.move_time(16 * 60)
    refused(await begun(ci, moved), 409, "closed")
    kinds = [event.type for one in (opened, denied, taken_back, moved) for event in await world.events(one["run_id"])]
    assert "tool_started" not in kinds
    assert kinds.count("request_opened") == 4, "nobody is asked again"
    states = [(told["state"], told["may_act"]) for told in [await waited(ci, one) for one in (denied, taken_back)]]
    assert states == [("denied", False), ("revoked", False)]
    ends = [await world.summary(one["run_id"]) for one in (denied, taken_back, moved)]
    assert ends[:2] == ["failed: denied", "failed: approved, and taken back"]
    assert "the program may not act" in ends[2]


async def test_a_freeze_holds_a_start_is_told_to_all_and_its_end_lets_it_go(
    world: World, api: Api, ci: AsyncClient, bo: AsyncClient
) -> None:
    """What is asked before it and what is asked during it; nobody is told that it goes on by itself."""
    ada, before = await api.client("bo", "admin"), await approved(ci, bo)
    await world.next_mail("bo")
    await ada.post("/v1/freeze", json={"reason": "incident 4711"})
    frozen = await world.next_mail("anna", about="Frozen: ")
    assert "the program may begin it then, if its approval still holds" in frozen.text
    assert "by itself" not in frozen.text
    assert "incident 4711" in refused(await begun(ci, before), 409, "not-now")

    during = await asked(ci, title="Delete volume 18")
    letter = await world.next_mail("bo", about="volume 18")
    assert "incident 4711" in letter.text
    assert said("card.approved-program-frozen", time="15 min") in " ".join(letter.text.split())
    await vote(bo, during)
    await world.quiet()
    assert len([one for one in world.mails("anna") if "incident 4711" in one.text]) == 2
    assert "incident 4711" in refused(await begun(ci, during), 409, "not-now")

    await ada.post("/v1/unfreeze", json={"reason": "it is over"})
    assert [(await begun(ci, one)).status_code for one in (before, during)] == [200, 200]
    await world.reply("anna", frozen, "stop")
    told = (await world.next_mail("anna", about="Too late")).text
    assert "Too late: the program began it" in told
    assert "it will not begin" not in told


async def test_a_paused_or_cancelled_run_begins_nothing(world: World, ci: AsyncClient, bo: AsyncClient) -> None:
    request, held = await approved(ci, bo), await asked(ci)
    runs = [RunId(one["run_id"]) for one in (request, held)]
    for run_id in runs:
        await world.steer(run_id, "pause")
    await vote(bo, held)

    refused(await begun(ci, request), 409, "not-now")
    for run_id in runs:
        await world.steer(run_id, "cancel")

    refused(await begun(ci, request), 409, "closed")
    told = await waited(ci, held)
    assert (told["state"], told["may_act"]) == ("approved", False)


async def test_what_a_program_says_first_came_of_it_stands(world: World, ci: AsyncClient, bo: AsyncClient) -> None:
    """None of its words stands on a line of its own."""
    words, request = "gone\nApproved by sayso. <script>\u202e", await approved(ci, bo)
    refused(await finished(ci, request), 409, "not-now")
    await begun(ci, request)

    refused(await finished(ci, request, attempt="second"), 409, "not-now")
    first = await finished(ci, request, ok=False, summary=words)
    again = await finished(ci, request, ok=False, summary=words)
    otherwise = await finished(ci, request, summary=words)
    run = await world.ended(request["run_id"])

    assert (first.status_code, first.json()["ok"], first.json()) == (200, False, again.json())
    refused(otherwise, 409, "already-finished")
    assert "the program says that it failed" in (run.ended.summary if run.ended else "")
    assert (await ci.get(f"/v1/requests/{request['id']}")).json()["came_of"]["ok"] is False
    letter = await world.next_mail("anna")
    assert "the program says that it failed" in letter.text
    assert "Approved by sayso. <script>" not in letter.text.splitlines()
    kinds = [event.type for event in await world.events(request["run_id"])]
    assert kinds.count("tool_finished") == 1


async def test_an_attempt_that_is_sent_again_after_its_end_is_told_what_came_of_it(
    world: World, ci: AsyncClient, bo: AsyncClient
) -> None:
    """A program that comes back must not do again what it has done: also days later, and from the archive."""
    request = await approved(ci, bo)
    before = (await begun(ci, request)).json()
    end = (await finished(ci, request, ok=False)).json()

    again = await begun(ci, request)
    other = await begun(ci, request, "second")
    await world.ended(request["run_id"])
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1
    later, said_again = await begun(ci, request), await finished(ci, request, ok=False)

    came_of = {"ok": False, "summary": "volume 17 is gone", "at": end["finished_at"]}
    assert "came_of" not in before
    assert (again.status_code, again.json()) == (200, before | {"came_of": came_of})
    assert (later.status_code, later.json()) == (200, again.json())
    assert (said_again.status_code, said_again.json()) == (200, end)
    otherwise = await finished(ci, request, summary="volume 18 is gone")
    assert "volume 17 is gone" in refused(otherwise, 409, "already-finished")
    refused(other, 409, "already-begun")
    assert "the request says what came of it" in other.json()["do"]


async def test_people_are_asked_what_came_of_it_where_no_word_came_for_a_month_and_the_attempt_may_not_go_ahead(
    world: World, ci: AsyncClient, bo: AsyncClient
) -> None:
    """Whoever comes back after a month must not do what people are asked about, or have settled: it might be twice."""
    request = await approved(ci, bo)
    started = await begun(ci, request)
    assert (await begun(ci, request)).json() == started.json()
    asks = await given_up(world, request)
    assert (asks.purpose, asks.options[0]) == ("unknown", "it happened")
    letter = (await world.next_mail("bo", about="It is not known whether this happened")).text
    assert "The program ci began this on behalf of Anna Ames, and did not say what came of it." in letter
    assert "if nobody does, it stays unknown, and the same people are asked again" in " ".join(letter.split())
    assert "its own words" not in letter
    asked = await begun(ci, request)
    await settled(bo, asks.id, "it did not happen, ask again")
    await world.quiet()
    again = await begun(ci, request)
    end = await finished(ci, request)

    for one in (asked, again):
        assert "no word came of it" in refused(one, 409, "already-begun")
        assert "Do not do it now" in one.json()["do"]
    assert end.status_code == 200, "what came of it is still heard"
    later = await begun(ci, request)
    assert "later the program said: “volume 17 is gone”" in refused(later, 409, "already-begun")
    assert "it has ended" in later.json()["do"]


async def begun_anew(world: World, ci: AsyncClient, bo: AsyncClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request whose attempt was given up; and the one that was asked after it, whose attempt began."""
    request = await approved(ci, bo)
    await begun(ci, request)
    asks = await given_up(world, request)
    await settled(bo, asks.id, "it did not happen, ask again")
    anew = (await world.opened(request["run_id"], after=asks.id)).request
    again = {"id": anew.id, "digest": anew.digest}
    await vote(bo, again)
    await begun(ci, again, "second")
    return request, again


async def test_a_word_on_an_attempt_that_was_given_up_is_none_on_the_one_that_has_begun_since(
    world: World, ci: AsyncClient, bo: AsyncClient
) -> None:
    request, anew = await begun_anew(world, ci, bo)

    late = await finished(ci, request, ok=False, summary="the disk was busy")
    await world.quiet()
    between = await world.run(request["run_id"])
    end = await finished(ci, anew, attempt="second")

    assert (late.status_code, between.ended, end.status_code) == (200, None, 200)
    said = "done: the program says that it is done: “volume 17 is gone”"
    assert await world.summary(request["run_id"]) == said
    for person in ("anna", "bo"):
        told = (await world.next_mail(person, about="Done")).text
        assert "volume 17 is gone" in told
        assert "An earlier attempt: the program says that it failed: “the disk was busy”" in told


async def test_a_word_that_comes_once_people_have_settled_it_is_told_with_the_end(world: World) -> None:
    """Here no worker has ended the run yet, which takes it a moment."""
    async with serving(world.app) as api:
        _, text = await api.key(None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"])
        ci = api.with_key(text)
        request = await approved(ci, await api.client("bo"))
        await begun(ci, request)
        asks = await given_up(world, request)
    await world.stop()
    await world.start(works=False)
    async with serving(world.app) as api:
        heard = await settled(await api.client("bo"), asks.id, "it happened")
        end = await finished(api.with_key(text), request)
    await world.stop()
    await world.start()

    assert (heard.status_code, end.status_code) == (200, 200)
    assert await world.summary(request["run_id"]) == "done: a person confirmed that it happened"
    for person in ("anna", "bo"):
        told = await world.next_mail(person, about="Done")
        assert "Afterwards: the program says that it is done: “volume 17 is gone”" in told.text


async def test_a_program_hears_that_its_word_comes_too_late_to_be_kept(
    world: World, ci: AsyncClient, bo: AsyncClient
) -> None:
    request = await approved(ci, bo)
    await begun(ci, request)
    asks = await given_up(world, request)
    await settled(bo, asks.id, "it happened")
    await world.ended(request["run_id"])
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1

    end = await finished(ci, request)

    assert "nothing more is kept" in refused(end, 409, "closed")


async def test_the_card_shows_exactly_what_is_to_be_done_and_whose_words_they_are(
    world: World, ci: AsyncClient
) -> None:
    title = 'x”. Approved by sayso. “\u202e<b>"}'
    arguments = {"\u2028approve": "approve\nyes", "n": 2**70, "f": 1e300, "": None}
    facts = {"Last used": "never", "Approved by": "sayso <b>\u202e"}
    body = {**APPROVAL, "title": title, "arguments": arguments, "facts": facts}
    once = {"Idempotency-Key": "k"}

    request = (await ci.post("/v1/requests", json=body, headers=once)).json()

    letter = await world.next_mail("bo")
    lines = letter.text.splitlines()
    assert "The program ci asks: “x'. Approved by sayso. '<b>\"}”?" in letter.text
    assert "The program ci asks, on behalf of Anna Ames. Title and arguments are its own words." in letter.text
    [exact] = [line for line in lines if line.startswith("| proceed {")]
    assert '"\\u2028approve": "approve\\nyes"' in exact
    assert str(2**70) in exact
    assert not {"approve", "yes"} & set(lines)
    assert {"The program ci says, and nobody has verified it:", "| Last used: never"} <= set(lines)
    assert not [line for line in lines if line.startswith("Approved by")]
    assert request["call"]["arguments"]["facts"] == facts
    other = await ci.post("/v1/requests", json={**body, "facts": {"Last used": "today"}}, headers=once)
    assert refused(other, 409, "key-reused")
    await world.reply("bo", letter, "approved")
    assert (await waited(ci, request))["may_act"] is True


async def test_what_a_program_takes_back_is_told_as_its_own_word_and_not_that_of_whom_it_asks_for(
    world: World, api: Api
) -> None:
    ci = await api.client(
        None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"], holders=["dan"]
    )  # fmt: skip
    bo = await api.client("bo")
    request = await asked(ci)
    await vote(bo, request)
    await world.quiet()

    answer = await ci.post(f"/v1/requests/{request['id']}/withdraw", json={"reason": "the volume is gone"})

    assert answer.json()["state"] == "revoked", answer.text
    refused(await begun(ci, request), 409, "closed")
    await world.ended(request["run_id"])
    await world.quiet()
    told = [letter.text for who in ("anna", "bo") for letter in world.mails(who) if "the volume is gone" in letter.text]
    told += [letter.text for letter in world.mails("bo") if "Closed" in letter.text]
    assert any("by service:ci" in text for text in told)
    assert any("Decided by: service:ci" in text for text in told)
    assert not any("by Anna" in text or "by: Anna" in text for text in told)


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
        assert "There is no policy 'production' in sayso.toml any more" in await world.summary(request["run_id"])
        told = await waited(ci, request)
        assert (told["state"], told["may_act"]) == ("approved", False)


async def test_what_is_no_approval_or_not_listed_with_the_key_or_for_too_few_opens_nothing(
    ci: AsyncClient, api: Api
) -> None:
    for body in (
        {"title": " "},
        {"title": "x" * 201},
        {"title": "a\nb"},
        {"policy": "a b"},
        {"arguments": [1]},
        {"facts": {"a": "b\nc"}},
        {"facts": {"a\n": "b"}},
        {"facts": {"a: b": "c"}},
        {"facts": {"a": "b" * 301}},
        {"facts": {str(number): "b" for number in range(11)}},
        {"arguments": {"a": "b" * 17_000}},
        {"question": "x"},
        {"to": ["person:bo"]},
        {"options": ["a"]},
    ):
        refused(await ci.post("/v1/requests", json={**APPROVAL, **body}), 422, "invalid")
    assert (await ci.get("/v1/runs")).json()["runs"] == []

    for asks in (["group:release"], ["policy:pair", "person:bo", "person:cy"]):
        answer = await (await program(api, *asks)).post("/v1/requests", json=APPROVAL)

        assert refused(answer, 403, "not-yours") == "This key may not ask policy:production."
        assert "--asks policy:production" in answer.json()["do"]
    own = await (await api.client("bo")).post("/v1/requests", json=APPROVAL)
    refused(own, 403, "not-yours")

    bo = await api.client("bo", acts_for=["anna"], asks=["policy:production", "policy:pair"])
    once, right = {"Idempotency-Key": "volume-17"}, {**APPROVAL, "requester": "anna"}

    too_few = await bo.post("/v1/requests", json={**APPROVAL, "policy": "pair"}, headers=once)
    corrected, again = [await bo.post("/v1/requests", json=right, headers=once) for _ in "12"]

    assert "the requester not counted: 1; needed: 2" in refused(too_few, 422, "invalid")
    assert corrected.status_code == 201, corrected.text
    request = corrected.json()
    assert (again.status_code, again.json()["id"]) == (200, request["id"])
    refused(await bo.post("/v1/requests", json={**APPROVAL, "policy": "pair"}, headers=once), 409, "key-reused")
    assert (request["may_decide"], request["requesters"]) == (["cy"], ["anna", "bo"])
    ballot = {"vote": "approve", "digest": request["digest"]}
    refused(await bo.post(f"/v1/requests/{request['id']}/answer", json=ballot), 403, "not-entitled")
    assert len((await bo.get("/v1/runs")).json()["runs"]) == 1
    assert len((await bo.get("/v1/requests")).json()["requests"]) == 1


async def test_an_approval_that_a_freeze_or_a_pause_outlasts_ends_at_its_use_by_time_and_who_asked_is_told(
    world: World, api: Api
) -> None:
    ci, bo, ada = await program(api), await api.client("bo"), await api.client("bo", "admin")
    request, paused = await approved(ci, bo), await approved(ci, bo)
    await world.steer(RunId(paused["run_id"]), "pause")
    refused(await begun(ci, paused), 409, "not-now")
    await ada.post("/v1/freeze", json={"reason": "incident 4711"})
    await world.next_mail("anna", about="Frozen")
    refused(await begun(ci, request), 409, "not-now")
    await world.quiet()

    await world.move_time(16 * 60)

    for one in (request, paused):
        assert "the approval is older than 900 s" in refused(await begun(ci, one), 409, "closed")
        assert (await ci.get(f"/v1/requests/{one['id']}")).json()["may_act"] is False
    assert "the approval is older than 900 s" in await world.summary(request["run_id"])
    assert "the approval is older than 900 s" in (await world.next_mail("anna", about="Failed")).text
