"""The command line over HTTP: beside a `sayso dev` by what that leaves behind, elsewhere with a key of one's own."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import chdir
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.cli.client import Client
from bot.cli.show import Story
from bot.config.data_dir import DataDir, LocalServer
from tests.bot.cli.shell import Ended, attached, beside, elsewhere, sayso
from tests.kit import programs
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.balancer import Balancer
from tests.servers.web import Api, serving
from tests.servers.wire import Wire

Run = Callable[..., Coroutine[None, None, Ended]]
# Nobody listens there.
NOBODY = "http://127.0.0.1:9"


async def speaker(api: Api, person: str, home: Path) -> Run:
    """The command line of `person`, on another machine."""
    _, key = await api.key(person)

    async def run(*words: str) -> Ended:
        return await elsewhere(home, *words, SAYSO_URL=api.url, SAYSO_API_KEY=key)

    return run


def left_behind(folder: Path, url: str = NOBODY, mode: int = 0o600) -> None:
    """Leave in a data directory what a `sayso dev` that died has left there."""
    DataDir(folder).announce(LocalServer(url, url, {"": "sayso_x", "anna": "sayso_y"}, ()))
    (folder / "server.json").chmod(mode)


@pytest.mark.long
async def test_the_whole_story_from_two_terminals_elsewhere(world: World, api: Api, tmp_path: Path) -> None:
    anna, bo = await speaker(api, "anna", tmp_path), await speaker(api, "bo", tmp_path)
    _, key = await api.key("anna")

    started = await anna("trigger", "press it")
    run_id = started.out.strip()
    assert (started.code, started.err) == (0, f"Follow it with: sayso watch {run_id}\n")
    record = await world.opened(run_id)
    env = {"SAYSO_URL": api.url, "SAYSO_API_KEY": key}
    watching = asyncio.create_task(programs.sayso("watch", run_id, cwd=tmp_path, env=env))
    [request] = json.loads((await bo("requests", "--for", "bo", "--json")).out)
    assert (request["id"], request["digest"]) == (record.request.id, record.request.digest)
    assert record.request.digest in (await bo("show", record.request.id)).out
    refused = await anna("answer", request["id"], "approve", "--digest", request["digest"])
    assert (refused.code, "This is not yours to decide" in refused.out) == (1, True)
    counted = await bo("answer", request["id"], "approve", "--json")
    assert (counted.code, json.loads(counted.out)["type"]) == (0, "decided")

    code, out, _ = await watching
    assert (code, out.splitlines()[-1].partition("  ")[2]) == (0, "done: ok: press it: done")
    assert json.loads((await anna("show", run_id, "--json")).out)["state"] == "done"
    assert "Bo Berg approves over HTTP" in (await anna("show", run_id)).out
    told = [json.loads(line)["type"] for line in (await anna("events", run_id)).out.splitlines()]
    assert told == [one.type for one in await world.events(run_id)]
    assert [one["id"] for one in json.loads((await anna("runs", "--state", "done", "--json")).out)] == [run_id]
    assert json.loads((await bo("requests", "--json")).out) == []
    assert len(json.loads((await bo("requests", "--state", "all", "--json")).out)) == 1


async def test_over_http_the_key_says_who_somebody_is_and_what_is_missing_is_said(api: Api, tmp_path: Path) -> None:
    anna = await speaker(api, "anna", tmp_path)
    (tmp_path / "key").write_text((await api.key("anna"))[1] + "\n")

    for command in (("trigger", "stamp it"), ("answer", "s0q-aaaaaaaaaaaaa", "deny"), ("pause", "s0r-aaaaaaaaaaaaa")):
        ended = await anna(*command, "--as", "bo")
        words = " ".join(ended.err.replace("│", " ").split())
        assert (ended.code, "the key in SAYSO_API_KEY says who you are" in words) == (2, True)
    for environ, said in (
        ({"SAYSO_URL": api.url}, "SAYSO_API_KEY is not"),
        ({"SAYSO_URL": api.url, "SAYSO_API_KEY": "sayso_x"}, "not known, was revoked"),
        ({"SAYSO_URL": f"{api.url}/here", "SAYSO_API_KEY": "sayso_x"}, "with no path"),
        ({"SAYSO_URL": api.url, "SAYSO_API_KEY_FILE": str(tmp_path / "none")}, "can't be read"),
    ):
        ended = await elsewhere(tmp_path, "runs", **environ)
        assert (ended.code, said in ended.err, len(ended.err.splitlines())) == (1, True, 1)
    ended = await elsewhere(tmp_path, "runs", SAYSO_URL=api.url, SAYSO_API_KEY_FILE=str(tmp_path / "key"))
    assert (ended.code, ended.out) == (0, "There are no such runs that you may see.\n")


async def test_beside_a_sayso_dev_a_command_needs_no_settings_and_speaks_for_whom_it_names(world: World) -> None:
    nobody = await sayso(world, "trigger", "stamp it")
    unknown = await sayso(world, "trigger", "stamp it", "--as", "eve")
    known = await sayso(world, "trigger", "stamp it", "--as", "anna")

    assert (nobody.code, "--as PERSON" in nobody.err) == (2, True)
    assert unknown.err == "sayso: There is no person 'eve' in the directory. It has: anna, bo, cy, dan\n"
    started = (await world.run(known.out.strip())).started
    assert started
    assert started.requester == "anna"
    assert await world.app.access.keyring.all() == []


async def test_what_a_sayso_dev_leaves_opens_nothing_once_it_has_ended(world: World) -> None:
    async with beside(world) as api:
        server = world.app.data_dir.server()
        assert server
        text = server.keys["bo"]
        assert (await api.with_key(text).get("/v1/runs")).status_code == 200
        assert ((world.folder / "server.json").stat().st_mode & 0o777) == 0o600
    assert world.app.data_dir.server() is None
    async with world.stopped():
        pass
    async with serving(world.app) as api:
        assert (await api.with_key(text).get("/v1/runs")).status_code == 401


async def test_nobody_is_led_to_a_server_of_others_by_a_data_directory(tmp_path: Path) -> None:
    left_behind(tmp_path / "readable", mode=0o644)
    left_behind(tmp_path / "away", url="http://sayso.else.example:8000")
    left_behind(tmp_path / ".sayso")

    readable = await elsewhere(tmp_path, "runs", "--data", str(tmp_path / "readable"))
    away = await elsewhere(tmp_path, "runs", "--data", str(tmp_path / "away"))
    with chdir(tmp_path):
        found = await elsewhere(tmp_path, "runs")

    assert "No `sayso dev` is running" in readable.err
    assert "is not used: no `sayso dev` of yours made it" in away.err
    assert (found.code, "is not used: no `sayso dev` of yours made it" in found.err) == (1, True)


@pytest.mark.long
async def test_keys_are_made_listed_and_revoked_from_a_terminal(world: World, api: Api) -> None:
    made = await attached(
        world, "keys", "create", "--service", "ci", "--scope", "trigger,read", "--acts-for", "anna,bo", "--holder", "cy"
    )
    key = made.out.strip()
    assert made.code == 0
    assert (await api.with_key(key).get("/v1/runs")).status_code == 200
    [listed] = json.loads((await attached(world, "keys", "list", "--json")).out)
    assert (listed["service"], listed["scopes"], listed["acts_for"]) == ("ci", ["trigger", "read"], ["anna", "bo"])
    assert listed["used_at"]
    assert (listed["person"], listed["revoked_at"]) == (None, None)
    text = (await attached(world, "keys", "list")).out
    assert text.startswith(f"{listed['prefix']}  service:ci  trigger,read  for anna, bo  held by cy")
    assert key not in text
    assert (await attached(world, "keys", "revoke", listed["prefix"])).code == 0
    assert (await api.with_key(key).get("/v1/runs")).status_code == 401
    assert "revoked" in (await attached(world, "keys", "list")).out
    wrong = await attached(world, "keys", "create", "--person", "nobody", "--scope", "read")
    assert (wrong.code, wrong.err.startswith("sayso: ")) == (1, True)


BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nConnection: close\r\n\r\nAway"
WAITING = [("trigger", "press it", "--wait"), ("ask", "Which one?", "--to", "person:anna", "--wait")]


@pytest.mark.parametrize("words", few_of(WAITING, 1), ids=["trigger", "ask"])
async def test_who_waits_for_people_goes_on_while_a_proxy_says_that_the_server_is_being_restarted(
    world: World, api: Api, tmp_path: Path, words: tuple[str, ...]
) -> None:
    _, key = await api.key("anna")
    async with Wire(api.port) as proxy:
        proxy.refusal, url = BAD_GATEWAY, f"http://127.0.0.1:{proxy.port}"
        waiting = asyncio.create_task(elsewhere(tmp_path, *words, SAYSO_URL=url, SAYSO_API_KEY=key))
        [record] = await until(world.requests, what="people are asked")
        await api.until_open()

        proxy.is_refusing = True
        await proxy.cut()
        await until(lambda: proxy.refused >= 2 or waiting.done(), what="it asks again")
        proxy.is_refusing = False
        if words[0] == "trigger":
            await world.decide("bo", record, "approve")
        else:
            await world.decide("anna", record, "free_text", "The red one")
        ended = await waiting

    assert (ended.code, "502" in ended.err) == (0, False), ended
    assert ("done: ok: press it: done" if words[0] == "trigger" else "The red one") in ended.out


STREAM_CUT = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: ping\n\n"


async def test_who_waits_goes_on_however_often_a_balancer_cuts_a_stream_and_asks_for_less_than_it_allows(
    world: World, api: Api
) -> None:
    _, key = await api.key("anna")
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)
    async with Wire(api.port) as balancer:
        with Client(f"http://127.0.0.1:{balancer.port}", key, "anna") as client:
            told = Story(await asyncio.to_thread(lambda: client.people), as_json=False)
            balancer.refusal, balancer.is_refusing = STREAM_CUT, True
            await balancer.cut()
            waiting = asyncio.create_task(asyncio.to_thread(client.follow, run_id, told))
            await until(lambda: balancer.refused >= 7 or waiting.done(), what="it asks a seventh time")

            balancer.is_refusing = False
            await world.decide("bo", record, "approve")
            code = await waiting

    assert code == 0

    _, key = await api.key("anna")
    record = await world.opened(await world.trigger("press it"))
    async with Balancer(api.port) as slow:
        with Client(slow.url, key, "anna") as client:
            waiting = asyncio.create_task(asyncio.to_thread(client.answered, record.request.id))
            await until(lambda: slow.held, what="it waits")
            await world.decide("bo", record, "approve")
            shown = await waiting

    assert (shown.state, slow.held) == ("approved", 1)


@pytest.mark.parametrize("verb", few_of(["unfreeze", "resume"], 0, 1))
async def test_attack_a_terminal_whose_answer_was_lost_ends_what_somebody_froze_or_paused_since(
    world: World, api: Api, tmp_path: Path, verb: str
) -> None:
    freezes, bo = world.app.requests.freezes, PersonId("bo")
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    _, key = await api.key("dan", "admin")
    words = ("resume", run_id) if verb == "resume" else ("unfreeze", "--reason", "it is over")

    async def stops() -> None:
        if verb == "resume":
            await world.steer(run_id, "pause")
        else:
            await freezes.freeze("", bo, "another incident", proof=None)

    await stops()
    async with Balancer(api.port, stops) as slow:
        ended = await elsewhere(tmp_path, *words, SAYSO_URL=slow.url, SAYSO_API_KEY=key)

    assert (ended.code, slow.posts) == (1, 1), ended
    assert "It may be done all the same: look how it stands" in ended.err
    assert ((await world.run(run_id)).is_paused, len(await freezes.all())) == (verb == "resume", verb == "unfreeze")
