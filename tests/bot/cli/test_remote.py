import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest

from tests.servers.program import sayso
from tests.servers.web import Api, serving
from tests.waiting import until
from tests.world import World

Run = Callable[..., Coroutine[None, None, tuple[int, str, str]]]


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    async with serving(world.app) as api:
        yield api


async def speaker(api: Api, person: str, cwd: Path) -> Run:
    """The command line of `person`, on another machine."""
    _, key = await api.key(person)

    async def run(*arguments: str) -> tuple[int, str, str]:
        return await sayso(*arguments, cwd=cwd, env={"SAYSO_URL": api.url, "SAYSO_API_KEY": key})

    return run


@pytest.mark.long
async def test_the_whole_story_from_two_terminals_elsewhere(world: World, api: Api, tmp_path: Path) -> None:
    anna, bo = await speaker(api, "anna", tmp_path), await speaker(api, "bo", tmp_path)

    code, out, err = await anna("trigger", "press it")
    run_id = out.strip()
    assert (code, err) == (0, f"Follow it with: ./sayso watch {run_id}\n")
    record = await world.opened(run_id)
    watching = asyncio.create_task(anna("watch", run_id))
    _, out, _ = await bo("requests", "--for", "bo", "--json")
    [request] = json.loads(out)
    assert (request["id"], request["digest"]) == (record.request.id, record.request.digest)
    assert record.request.digest in (await bo("requests"))[1]
    code, out, _ = await anna("answer", request["id"], "approve", "--digest", request["digest"])
    assert (code, "This is not yours to decide" in out) == (1, True)
    code, out, _ = await bo("answer", request["id"], "approve", "--json")
    assert (code, json.loads(out)["type"]) == (0, "decided")

    code, out, _ = await watching
    assert (code, out.splitlines()[-1].partition("  ")[2]) == (0, "done: ok: press it: done")
    _, out, _ = await anna("show", run_id, "--json")
    assert json.loads(out)["state"] == "done"
    assert "bo approves by cli" in (await anna("show", run_id))[1]
    _, out, _ = await anna("events", run_id)
    assert [json.loads(line)["type"] for line in out.splitlines()] == [one.type for one in await world.events(run_id)]
    _, out, _ = await anna("runs", "--state", "done", "--json")
    assert [one["id"] for one in json.loads(out)] == [run_id]
    assert json.loads((await bo("requests", "--json"))[1]) == []
    assert len(json.loads((await bo("requests", "--state", "all", "--json"))[1])) == 1


@pytest.mark.long
async def test_a_run_is_steered_and_a_request_taken_back_from_elsewhere(world: World, api: Api, tmp_path: Path) -> None:
    anna = await speaker(api, "anna", tmp_path)
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)

    said = [(await anna(verb, run_id))[1].strip() for verb in ("pause", "resume")]
    code, out, _ = await anna("withdraw", record.request.id, "--reason", "not needed")
    assert (await world.ended(run_id)).state == "failed"
    again = await anna("cancel", run_id)

    assert said == [f"{run_id}: pause, it is paused.", f"{run_id}: resume, it is waiting."]
    assert (code, out) == (0, f"{record.request.id} is withdrawn.\n")
    assert (again[0], "has ended" in again[2]) == (1, True)


@pytest.mark.long
async def test_a_run_that_is_cancelled_is_not_said_to_wait(world: World, api: Api, tmp_path: Path) -> None:
    anna = await speaker(api, "anna", tmp_path)
    run_id = await world.trigger("press it")
    await world.opened(run_id)

    _, out, _ = await anna("cancel", run_id)

    assert (await world.ended(run_id)).state == "cancelled"
    said = {f"{run_id}: cancel, it {how}." for how in ("is cancelled", "ends as soon as nothing of it executes")}
    assert out.strip() in said


async def test_a_question_is_answered_in_words_from_elsewhere(world: World, api: Api, tmp_path: Path) -> None:
    anna = await speaker(api, "anna", tmp_path)
    run_id = await world.trigger("ask yes_no really?")
    record = await world.opened(run_id)

    unclear = await anna("answer", record.request.id, "perhaps")
    code, _, _ = await anna("answer", record.request.id, "yes")

    assert (unclear[0], "Answer with yes or no alone" in unclear[1]) == (1, True)
    assert code == 0
    waited = await anna("trigger", "stamp it", "--wait", "--json")
    assert json.loads(waited[1])["state"] == "done"


@pytest.mark.long
async def test_a_denial_from_elsewhere_may_go_on_with_its_reason_and_other_words_decide_nothing(
    world: World, api: Api, tmp_path: Path
) -> None:
    bo = await speaker(api, "bo", tmp_path)
    record = await world.opened(await world.trigger("press bell"))

    unclear = await bo("answer", record.request.id, "deny nothing")
    code, _, _ = await bo("answer", record.request.id, "deny, too loud")

    assert (unclear[0], "To deny: ./sayso answer" in unclear[2]) == (1, True)
    assert code == 0
    decided = (await world.request(record.request.id)).decision
    assert decided is not None
    assert (decided.state, decided.reason) == ("denied", "too loud")


@pytest.mark.long
async def test_who_waits_elsewhere_is_told_that_people_answer_with_their_own_keys(
    world: World, api: Api, tmp_path: Path
) -> None:
    anna = await speaker(api, "anna", tmp_path)
    waiting = asyncio.create_task(anna("trigger", "press it", "--wait"))
    [record] = await until(world.requests, what="a request")
    await world.decide("bo", record, "approve")

    code, _, err = await waiting

    assert code == 0
    assert f"./sayso answer {record.request.id} approve|deny, with their own SAYSO_API_KEY" in err


@pytest.mark.long
async def test_over_http_nobody_says_who_they_are_but_the_key(api: Api, tmp_path: Path) -> None:
    anna = await speaker(api, "anna", tmp_path)

    for command in (("trigger", "stamp it"), ("answer", "s0q-aaaaaaaaaaaaa", "deny"), ("pause", "s0r-aaaaaaaaaaaaa")):
        code, _, err = await anna(*command, "--as", "bo")
        words = " ".join(err.replace("│", " ").split())
        assert code == 2
        assert "the key in SAYSO_API_KEY says who you are" in words


@pytest.mark.long
async def test_what_is_missing_for_http_is_said(api: Api, tmp_path: Path) -> None:
    code, _, err = await sayso("runs", cwd=tmp_path, env={"SAYSO_URL": api.url})
    assert (code, "SAYSO_API_KEY is not" in err) == (1, True)
    wrong = {"SAYSO_URL": api.url, "SAYSO_API_KEY": "sayso_x"}
    code, _, err = await sayso("runs", cwd=tmp_path, env=wrong)
    assert (code, "not known, was revoked" in err) == (1, True)
    code, _, err = await sayso("show", "s0r-aaaaaaaaaaaaa", cwd=tmp_path, env=wrong)
    assert code == 1


@pytest.mark.long
async def test_where_no_sayso_dev_runs_a_command_says_how_to_speak_for_oneself(world: World, tmp_path: Path) -> None:
    env = {"SAYSO_REDIS_URL": world.url, "SAYSO_SECRET_KEY": "x" * 32, "SAYSO_SHARDS": "2", "SAYSO_TEST_CLOCK": "1"}
    data = ("--data", str(world.folder))

    code, _, err = await sayso("trigger", "stamp it", *data, cwd=tmp_path, env=env)
    assert (code, "SAYSO_URL and SAYSO_API_KEY" in err) == (1, True)


@pytest.mark.long
async def test_keys_are_made_listed_and_revoked_from_a_terminal(world: World, api: Api, tmp_path: Path) -> None:
    env = {"SAYSO_REDIS_URL": world.url, "SAYSO_SECRET_KEY": "x" * 32, "SAYSO_SHARDS": "2", "SAYSO_TEST_CLOCK": "1"}

    async def keys(*arguments: str) -> tuple[int, str, str]:
        return await sayso("keys", *arguments, "--data", str(world.folder), cwd=tmp_path, env=env)

    code, out, _ = await keys(
        "create", "--service", "ci", "--scope", "trigger,read", "--acts-for", "anna,bo", "--holder", "cy"
    )
    key = out.strip()
    assert code == 0
    assert (await api.with_key(key).get("/v1/runs")).status_code == 200
    [listed] = json.loads((await keys("list", "--json"))[1])
    assert (listed["service"], listed["scopes"], listed["acts_for"]) == ("ci", ["trigger", "read"], ["anna", "bo"])
    assert listed["used_at"]
    text = (await keys("list"))[1]
    assert text.startswith(f"{listed['prefix']}  service:ci  trigger,read  for anna, bo  held by cy")
    assert key not in text
    assert (await keys("revoke", listed["prefix"]))[0] == 0
    assert (await api.with_key(key).get("/v1/runs")).status_code == 401
    assert "revoked" in (await keys("list"))[1]
    for wrong in (
        ("--person", "nobody", "--scope", "read"),
        ("--scope", "read"),
        ("--person", "bo", "--scope", "root"),
    ):
        code, _, err = await keys("create", *wrong)
        assert (code, err.startswith("sayso: ")) == (1, True)
