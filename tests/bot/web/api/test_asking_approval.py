"""A program's approvals: decided as any other, begun by the program once, and ended by what it says."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from agents.events import PersonSaid
from agents.requests import PersonId, RunId
from bot.store import Commit
from bot.store.commit import MAX_EVENTS_AT_ALL
from tests.bot.web.problems import refused
from tests.kit.office import TOML
from tests.kit.waiting import PATIENCE_S
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


async def test_once_approved_the_program_begins_and_says_how_it_went_and_we_do_nothing(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")

    request = await asked(ci)
    waiting = asyncio.create_task(waited(ci, request))
    seen = (await bo.get(f"/v1/requests/{request['id']}")).json()
    await vote(bo, seen)

    assert (seen["format"], seen["policy"], seen["may_decide"]) == ("approval", "production", ["bo", "cy"])
    assert (seen["call"]["arguments"]["arguments"], seen["may_act"]) == (APPROVAL["arguments"], None)
    told = await waiting
    assert (told["state"], told["may_act"], told["started_at"]) == ("approved", True, None)
    assert told["use_by"] > told["decision"]["at"]
    start = (await begun(ci, request, digest=request["digest"])).json()
    running = (await ci.get(f"/v1/requests/{request['id']}")).json()
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


async def test_what_nobody_reports_is_over_with_its_start_and_is_told_as_allowed_and_no_more(
    world: World, api: Api
) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo, reports=False)
    start, again = (await begun(ci, request)).json(), (await begun(ci, request)).json()
    refused(await begun(ci, request, "worker-8"), 409, "already-begun")
    run = await world.ended(request["run_id"])
    late = refused(await bo.post(f"/v1/requests/{request['id']}/answer", json={"vote": "deny"}), 409, "too-late")
    after = (await ci.get(f"/v1/requests/{request['id']}")).json()

    assert again == start
    assert "came_of" not in start
    assert "the program began it at" in late
    assert (run.ended and run.ended.summary, run.made[0].state) == (
        "It was allowed. Nobody reports what came of it.",
        "ok",
    )
    assert (after["started_at"], after["may_act"], "came_of" in after) == (start["started_at"], False, False)


async def test_of_all_attempts_one_begins_and_is_told_so_each_time(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)

    answers = await asyncio.gather(*(begun(ci, request, f"worker-{number % 3}") for number in range(24)))
    winners = [answer for answer in answers if answer.status_code == 200]
    again = await begun(ci, request, winners[0].json()["attempt"])

    assert len(winners) == 8
    assert {answer.text for answer in winners} == {again.text}
    for other in (answer for answer in answers if answer.status_code != 200):
        assert "service:ci" in refused(other, 409, "already-begun")
    kinds = [event.type for event in await world.events(request["run_id"])]
    assert kinds.count("tool_started") == 1


async def test_nothing_begins_before_the_decision_or_against_it(world: World, api: Api) -> None:
    """Nor what was taken back, what is too old, what was approved otherwise, and what another key asked."""
    ci, other, bo, cy = await program(api), await program(api), await api.client("bo"), await api.client("cy")
    opened, denied, taken_back, moved = [await asked(ci) for _ in range(4)]
    await vote(bo, denied, "deny")
    await vote(bo, taken_back)
    await vote(cy, taken_back, "deny")
    await vote(bo, moved)

    refused(await begun(ci, opened), 409, "not-now")
    assert "denied" in refused(await begun(ci, denied), 409, "closed")
    assert "revoked" in refused(await begun(ci, taken_back), 409, "closed")
    refused(await begun(ci, moved, digest="0" * 64), 409, "digest-moved")
    refused(await begun(other, moved), 404, "not-found")
    refused(await begun(bo, moved), 404, "not-found")
    await world.move_time(16 * 60)
    refused(await begun(ci, moved), 409, "closed")
    kinds = [event.type for one in (opened, denied, taken_back, moved) for event in await world.events(one["run_id"])]
    assert "tool_started" not in kinds


@pytest.mark.parametrize("digest", [None, "0" * 64], ids=["no digest", "an older one"])
async def test_attack_a_program_that_remembers_an_older_digest_is_told_to_begin_what_was_denied_or_is_spent(
    world: World, api: Api, digest: str | None
) -> None:
    ci, bo = await program(api), await api.client("bo")
    denied, waits, spent = await asked(ci), await asked(ci), await approved(ci, bo)
    await vote(bo, denied, "deny")
    await begun(ci, spent)
    more = {"digest": digest} if digest else {}

    refused(await begun(ci, denied, **more), 409, "closed")
    refused(await begun(ci, waits, **more), 409, "not-now")
    refused(await begun(ci, spent, "another", **more), 409, "already-begun")


async def test_a_freeze_holds_a_start_and_its_end_lets_it_go(api: Api) -> None:
    ci, bo, ada = await program(api), await api.client("bo"), await api.client("bo", "admin")
    request = await approved(ci, bo)
    await ada.post("/v1/freeze", json={"reason": "incident 4711"})

    held = await begun(ci, request)
    await ada.post("/v1/unfreeze", json={"reason": "it is over"})
    let_go = await begun(ci, request)

    assert "incident 4711" in refused(held, 409, "not-now")
    assert let_go.status_code == 200, let_go.text


async def test_whoever_asked_is_told_that_the_program_may_begin_it_after_a_freeze_and_not_that_it_goes_on(
    world: World, api: Api
) -> None:
    ci, bo, ada = await program(api), await api.client("bo"), await api.client("bo", "admin")
    await approved(ci, bo)

    await ada.post("/v1/freeze", json={"reason": "incident 4711"})

    told = (await world.next_mail("anna", about="Frozen: ")).text
    assert "the program may begin it then, if its approval still holds" in told
    assert "by itself" not in told


async def test_what_is_asked_during_a_freeze_says_so_on_its_card_and_to_whoever_asked(world: World, api: Api) -> None:
    ci, bo, ada = await program(api), await api.client("bo"), await api.client("bo", "admin")
    await ada.post("/v1/freeze", json={"reason": "incident 4711"})

    request = await asked(ci)

    letter = await world.next_mail("bo")
    assert "incident 4711" in letter.text
    assert "the program may begin it, once, when the freeze has ended" in letter.text
    await world.next_mail("anna", about="Frozen: ")
    await vote(bo, request)
    await world.quiet()
    assert len([one for one in world.mails("anna") if "incident 4711" in one.text]) == 1
    assert "incident 4711" in refused(await begun(ci, request), 409, "not-now")
    await ada.post("/v1/unfreeze", json={"reason": "it is over"})
    assert (await begun(ci, request)).status_code == 200


async def test_a_run_is_called_running_only_once_its_program_has_begun(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)

    async def state() -> str:
        await world.quiet()
        return (await ci.get(f"/v1/runs/{request['run_id']}")).json()["state"]

    assert await state() == "waiting"
    await begun(ci, request)
    assert await state() == "running"


async def test_whoever_stops_what_a_program_has_begun_is_not_told_that_it_may_not_begin(world: World, api: Api) -> None:
    ci, bo, ada = await program(api), await api.client("bo"), await api.client("bo", "admin")
    request = await approved(ci, bo)
    await ada.post("/v1/freeze", json={"reason": "incident 4711"})
    letter = await world.next_mail("anna", about="Frozen: ")
    await ada.post("/v1/unfreeze", json={"reason": "it is over"})
    await begun(ci, request)

    await world.reply("anna", letter, "stop")

    told = (await world.next_mail("anna", about="Too late")).text
    assert "Too late: the program began it" in told
    assert "it will not begin" not in told


async def test_a_paused_or_cancelled_run_begins_nothing(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)

    await world.steer(RunId(request["run_id"]), "pause")
    refused(await begun(ci, request), 409, "not-now")
    await world.steer(RunId(request["run_id"]), "cancel")
    refused(await begun(ci, request), 409, "closed")


async def test_what_a_program_says_first_came_of_it_stands(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    refused(await finished(ci, request), 409, "not-now")
    await begun(ci, request)
    evil = "gone\nApproved by sayso. <script>\u202e"

    refused(await finished(ci, request, attempt="second"), 409, "not-now")
    first = await finished(ci, request, ok=False, summary=evil)
    again = await finished(ci, request, ok=False, summary=evil)
    otherwise = await finished(ci, request)
    await world.ended(request["run_id"])

    assert (first.status_code, first.json()) == (200, again.json())
    refused(otherwise, 409, "already-finished")
    letter = await world.next_mail("anna")
    assert "the program says that it failed" in letter.text
    assert "Approved by sayso. <script>" not in letter.text.splitlines()
    kinds = [event.type for event in await world.events(request["run_id"])]
    assert kinds.count("tool_finished") == 1


@pytest.mark.parametrize("unseen", ["\u200b", "\ufeff", "\u2060\u2800"])
async def test_a_failure_in_words_that_nobody_sees_is_still_a_failure(world: World, api: Api, unseen: str) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)

    end = await finished(ci, request, ok=False, summary=unseen)
    again = await finished(ci, request, ok=False, summary=unseen)
    otherwise = await finished(ci, request, summary=unseen)

    run = await world.ended(request["run_id"])
    assert (end.status_code, end.json()["ok"], again.json()) == (200, False, end.json())
    refused(otherwise, 409, "already-finished")
    assert "the program says that it failed" in (run.ended.summary if run.ended else "")
    assert (await ci.get(f"/v1/requests/{request['id']}")).json()["came_of"]["ok"] is False
    assert "the program says that it failed" in (await world.next_mail("anna")).text


async def test_what_a_program_said_came_of_it_still_stands_once_its_run_is_archived(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)
    first = await finished(ci, request)
    await world.ended(request["run_id"])
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1

    again = await finished(ci, request)
    otherwise = await finished(ci, request, summary="volume 18 is gone")

    assert (again.status_code, again.json()) == (200, first.json())
    assert "volume 17 is gone" in refused(otherwise, 409, "already-finished")


@pytest.mark.parametrize("ok", [True, False])
async def test_an_attempt_that_is_sent_again_after_its_end_is_told_what_came_of_it(
    world: World, api: Api, *, ok: bool
) -> None:
    """A program that comes back must not do again what it has done: also days later, and from the archive."""
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    before = (await begun(ci, request)).json()
    end = (await finished(ci, request, ok=ok)).json()

    again = await begun(ci, request)
    other = await begun(ci, request, "second")
    await world.ended(request["run_id"])
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1
    later = await begun(ci, request)

    came_of = {"ok": ok, "summary": "volume 17 is gone", "at": end["finished_at"]}
    assert "came_of" not in before
    assert (again.status_code, again.json()) == (200, before | {"came_of": came_of})
    assert (later.status_code, later.json()) == (200, again.json())
    refused(other, 409, "already-begun")
    assert "the request says what came of it" in other.json()["do"]


async def test_a_start_is_known_again_after_a_restart_of_everything(world: World) -> None:
    async with serving(world.app) as api:
        _, text = await api.key(None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"])
        ci, bo = api.with_key(text), await api.client("bo")
        request = await approved(ci, bo)
        before = (await begun(ci, request)).json()
    async with world.stopped():
        pass
    async with serving(world.app) as later:
        ci = later.with_key(text)

        again, other = await begun(ci, request), await begun(ci, request, "second")
        end = await finished(ci, request)

        assert again.json() == before
        refused(other, 409, "already-begun")
        assert end.status_code == 200
        assert (await world.ended(request["run_id"])).state == "done"


async def test_a_start_that_was_taken_back_as_it_never_counted_may_be_made_again(world: World, api: Api) -> None:
    """Where too few replicas have it, the program is told 503, and sends the same attempt again."""
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)
    attempt = (await world.request(request["id"])).attempt
    assert attempt

    await world.app.runs.executor.take_back(RunId(request["run_id"]), attempt)

    back = (await ci.get(f"/v1/requests/{request['id']}")).json()
    assert (back["may_act"], back["started_at"], back["begun_by"]) == (True, None, "")
    assert (await begun(ci, request)).status_code == 200


async def test_people_are_asked_what_came_of_it_where_no_word_came_for_a_month(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)

    await world.move_time(31 * 86_400)

    asks = (await world.opened(request["run_id"], after=request["id"])).request
    assert (asks.purpose, asks.options[0]) == ("unknown", "it happened")
    letter = (await world.next_mail("bo", about="It is not known whether this happened")).text
    assert "The program ci began this on behalf of Anna Ames, and did not say what came of it." in letter
    assert "If nobody answers: it stays unknown, and the same people are asked again" in letter
    assert "its own words" not in letter


@pytest.mark.parametrize("said", ["", "it happened", "it did not happen, ask again", "stop the run"])
async def test_an_attempt_that_was_given_up_is_not_told_to_go_ahead_again(world: World, api: Api, said: str) -> None:
    """Whoever comes back after a month must not do what people are asked about, or have settled: it might be twice."""
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    started = await begun(ci, request)
    assert (await begun(ci, request)).json() == started.json()
    await world.move_time(31 * 86_400)
    asks = (await world.opened(request["run_id"], after=request["id"])).request
    if said:
        await bo.post(f"/v1/requests/{asks.id}/answer", json={"choices": [said]})
        await world.quiet()

    again = await begun(ci, request)
    end = await finished(ci, request)

    assert "no word came of it" in refused(again, 409, "already-begun")
    assert "Do not do it now" in again.json()["do"]
    assert end.status_code == 200, "what came of it is still heard"
    later = await begun(ci, request)
    assert "later the program said: “volume 17 is gone”" in refused(later, 409, "already-begun")
    assert "it has ended" in later.json()["do"]


@pytest.mark.long
async def test_where_no_worker_ends_a_run_a_start_is_refused_in_a_moment(world: World) -> None:
    async with serving(world.app) as api:
        _, text = await api.key(None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"])
        ci, bo = api.with_key(text), await api.client("bo")
        request = await approved(ci, bo)
    await world.stop()
    await world.start(works=False)
    run_id = RunId(request["run_id"])
    said = PersonSaid(at=await world.now(), said_id="i1", person=PersonId("anna"), channel="email", text="!")
    await world.app.journal.write(Commit(run_id=run_id, events=[said] * 9_900, limit=MAX_EVENTS_AT_ALL))
    async with serving(world.app) as api, asyncio.timeout(PATIENCE_S):
        answer = await begun(api.with_key(text), request)

    assert "by a worker" in refused(answer, 409, "not-now")


async def begun_anew(world: World, api: Api) -> tuple[AsyncClient, dict[str, Any], dict[str, Any]]:
    """A program; the request whose attempt was given up; and the one that was asked after it, whose attempt began."""
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)
    await world.move_time(31 * 86_400)
    asks = (await world.opened(request["run_id"], after=request["id"])).request
    await bo.post(f"/v1/requests/{asks.id}/answer", json={"choices": ["it did not happen, ask again"]})
    anew = (await world.opened(request["run_id"], after=asks.id)).request
    again = {"id": anew.id, "digest": anew.digest}
    await vote(bo, again)
    await begun(ci, again, "second")
    return ci, request, again


async def test_a_word_on_an_attempt_that_was_given_up_is_none_on_the_one_that_has_begun_since(
    world: World, api: Api
) -> None:
    ci, request, anew = await begun_anew(world, api)

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


async def test_a_word_on_an_attempt_that_was_given_up_is_told_also_where_a_later_one_has_ended_the_run(
    world: World, api: Api
) -> None:
    ci, request, anew = await begun_anew(world, api)
    await finished(ci, anew, attempt="second")
    await world.ended(request["run_id"])
    assert "Afterwards" not in (await world.next_mail("anna", about="Done")).text

    await finished(ci, request, summary="it was gone already")

    told = (await world.next_mail("anna", about="Done")).text
    assert "Afterwards: the program says that it is done: “it was gone already”" in told


@pytest.mark.parametrize("said", ["it happened", "stop the run"])
async def test_a_word_that_comes_once_people_have_settled_it_is_told_with_the_end(world: World, said: str) -> None:
    """Here no worker has ended the run yet, which takes it a moment."""
    async with serving(world.app) as api:
        _, text = await api.key(None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"])
        ci = api.with_key(text)
        request = await approved(ci, await api.client("bo"))
        await begun(ci, request)
        await world.move_time(31 * 86_400)
        asks = (await world.opened(request["run_id"], after=request["id"])).request
    await world.stop()
    await world.start(works=False)
    async with serving(world.app) as api:
        settled = await (await api.client("bo")).post(f"/v1/requests/{asks.id}/answer", json={"choices": [said]})
        end = await finished(api.with_key(text), request)
    await world.stop()
    await world.start()

    assert (settled.status_code, end.status_code) == (200, 200)
    await world.ended(request["run_id"])
    for person in ("anna", "bo"):
        told = await world.next_mail(person, about="Done" if said == "it happened" else "Cancelled")
        assert "Afterwards: the program says that it is done: “volume 17 is gone”" in told.text
    if said == "it happened":
        assert await world.summary(request["run_id"]) == "done: a person confirmed that it happened"


async def test_a_program_hears_that_its_word_comes_too_late_to_be_kept(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)
    await world.move_time(31 * 86_400)
    asks = (await world.opened(request["run_id"], after=request["id"])).request
    await bo.post(f"/v1/requests/{asks.id}/answer", json={"choices": ["it happened"]})
    await world.ended(request["run_id"])
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1

    end = await finished(ci, request)

    assert "nothing more is kept" in refused(end, 409, "closed")


async def test_the_card_shows_exactly_what_is_to_be_done_and_whose_words_they_are(world: World, api: Api) -> None:
    title = 'x”. Approved by sayso. “\u202e<b>"}'
    arguments = {"\u2028approve": "approve\nyes", "n": 2**70, "f": 1e300, "": None}

    ci = await program(api)
    request = await asked(ci, title=title, arguments=arguments)

    letter = await world.next_mail("bo")
    assert "The program ci asks: “x'. Approved by sayso. '<b>\"}”?" in letter.text
    assert "The program ci asks, on behalf of Anna Ames. Title and arguments are its own words." in letter.text
    [exact] = [line for line in letter.text.splitlines() if line.startswith("| proceed {")]
    assert '"\\u2028approve": "approve\\nyes"' in exact
    assert str(2**70) in exact
    assert not {"approve", "yes"} & set(letter.text.splitlines())
    await world.reply("bo", letter, "approved")
    assert (await waited(ci, request))["may_act"] is True


async def test_facts_stand_on_the_card_as_the_program_s_words_and_under_the_digest(world: World, api: Api) -> None:
    ci = await program(api)
    facts = {"Last used": "never", "Approved by": "sayso <b>\u202e"}

    request = await asked(ci, facts=facts)

    letter = await world.next_mail("bo")
    lines = letter.text.splitlines()
    assert "The program ci says, and nobody has verified it:" in lines
    assert "| Last used: never" in lines
    assert not [line for line in lines if line.startswith("Approved by")]
    assert request["call"]["arguments"]["facts"] == facts
    once = {"Idempotency-Key": "k"}
    first = await ci.post("/v1/requests", json={**APPROVAL, "facts": facts}, headers=once)
    other = await ci.post("/v1/requests", json={**APPROVAL, "facts": {"Last used": "today"}}, headers=once)
    assert first.status_code == 201
    assert refused(other, 409, "key-reused")


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


async def test_a_key_stands_for_nothing_that_could_not_be_asked(api: Api) -> None:
    """Who is told to correct it does so under the same key; from then on the key stands for what was asked."""
    bo = await api.client("bo", asks=["policy:production", "policy:pair"])
    once = {"Idempotency-Key": "volume-17"}
    refused(await bo.post("/v1/requests", json={**APPROVAL, "policy": "pair"}, headers=once), 422, "invalid")

    corrected = await bo.post("/v1/requests", json=APPROVAL, headers=once)
    again = await bo.post("/v1/requests", json=APPROVAL, headers=once)

    assert corrected.status_code == 201, corrected.text
    assert (again.status_code, again.json()["id"]) == (200, corrected.json()["id"])
    refused(await bo.post("/v1/requests", json={**APPROVAL, "policy": "pair"}, headers=once), 409, "key-reused")
    assert len((await bo.get("/v1/requests")).json()["requests"]) == 1


async def test_a_quorum_is_counted_before_the_program_may_act(api: Api) -> None:
    ci, bo, cy = await program(api), await api.client("bo"), await api.client("cy")
    request = await asked(ci, policy="pair")

    await vote(bo, request)
    half = (await ci.get(f"/v1/requests/{request['id']}")).json()
    await vote(cy, request)

    assert (half["state"], half["may_act"], len(half["votes"])) == ("open", None, 1)
    assert (await waited(ci, request))["may_act"] is True
    assert (await begun(ci, request)).json()["approved_by"] == ["bo", "cy"]


async def test_a_denial_ends_it(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await asked(ci)

    await vote(bo, request, "deny")

    told = await waited(ci, request)
    assert (told["state"], told["may_act"]) == ("denied", False)
    assert await world.summary(request["run_id"]) == "failed: denied"


async def test_an_approval_that_is_taken_back_in_time_lets_nothing_happen(world: World, api: Api) -> None:
    ci, bo, cy = await program(api), await api.client("bo"), await api.client("cy")
    request = await approved(ci, bo)
    assert request["may_act"] is True

    await vote(cy, request, "deny")

    told = await waited(ci, request)
    assert (told["state"], told["may_act"]) == ("revoked", False)
    assert await world.summary(request["run_id"]) == "failed: approved, and taken back"


@pytest.mark.parametrize("is_approved", [False, True])
async def test_what_a_program_takes_back_is_told_as_its_own_word_and_not_that_of_whom_it_asks_for(
    world: World, api: Api, *, is_approved: bool
) -> None:
    ci = await api.client(
        None, "ask", service="ci", acts_for=["anna"], asks=["policy:production"], holders=["dan"]
    )  # fmt: skip
    bo = await api.client("bo")
    request = await asked(ci)
    if is_approved:
        await vote(bo, request)
    await world.quiet()

    answer = await ci.post(f"/v1/requests/{request['id']}/withdraw", json={"reason": "the volume is gone"})

    assert answer.json()["state"] == ("revoked" if is_approved else "withdrawn"), answer.text
    refused(await begun(ci, request), 409, "closed")
    await world.ended(request["run_id"])
    await world.quiet()
    told = [letter.text for who in ("anna", "bo") for letter in world.mails(who) if "the volume is gone" in letter.text]
    told += [letter.text for letter in world.mails("bo") if "Closed" in letter.text]
    assert any("by service:ci" in text for text in told)
    assert any("Decided by: service:ci" in text for text in told)
    assert not any("by Anna" in text or "by: Anna" in text for text in told)


async def test_an_approval_that_is_not_used_in_time_ends_and_nobody_is_asked_again(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)

    await world.move_time(16 * 60)

    assert "the program may not act" in await world.summary(request["run_id"])
    assert (await ci.get(f"/v1/requests/{request['id']}")).json()["may_act"] is False
    refused(await begun(ci, request), 409, "closed")
    kinds = [event.type for event in await world.events(request["run_id"])]
    assert kinds.count("request_opened") == 1


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
