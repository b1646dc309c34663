import asyncio
from pathlib import Path
from time import thread_time

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bot.config.errors import ConfigError
from bot.config.hosts import check_bind, host_name, names
from bot.config.settings import Settings, load
from bot.errors import TookTooLong
from bot.store.client.line import BATCH
from bot.store.embedded import EmbeddedRedis
from bot.web.guards import BODY_BYTES, OWES, Bodies, Bounded, InTime
from tests.bot.web.console.stage import proof
from tests.bot.web.problems import refused
from tests.kit.long_turns import expression
from tests.kit.waiting import until
from tests.kit.world import a_world
from tests.servers.console import Console
from tests.servers.redis import RedisServer
from tests.servers.web import Api, serving


async def test_no_other_names_than_ours_those_of_loopback_and_the_public_one_are_answered_to(api: Api) -> None:
    anna = await api.client("anna")

    for host in (
        "evil.example", "127.0.0.1.evil.example", "a@evil.example", "evil.example:80", "evil@localhost",
        "localhost/evil", "localhost?x", "localhost:abc", "localhost:1:2",
    ):  # fmt: skip
        for path in ("/v1/runs", "/openapi.json", "/metrics", "/nothing"):
            refused(await anna.get(path, headers={"Host": host}), 421, "misdirected")
        assert (await anna.get("/healthz", headers={"Host": host})).status_code == 200, "a prober knows no name"
    for host in (f"127.0.0.1:{api.port}", "localhost", f"LOCALHOST:{api.port}", "[::1]:8000"):
        assert (await anna.get("/v1/runs", headers={"Host": host})).status_code == 200
    known = names(Settings(public_url="https://Sayso.corp.example:8443", bind="10.1.2.3"))
    assert known == {"localhost", "127.0.0.1", "::1", "10.1.2.3", "sayso.corp.example"}
    assert host_name("[oops") == ""


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "10.1.2.3"])  # noqa: S104 - that is what must be refused
def test_an_address_that_others_can_reach_needs_a_secret_and_a_public_name(bind: str) -> None:
    with pytest.raises(ConfigError, match="SAYSO_SECRET_KEY and SAYSO_PUBLIC_URL as well"):
        check_bind(Settings(bind=bind))
    with pytest.raises(ConfigError, match="needs SAYSO_PUBLIC_URL as well"):
        check_bind(Settings.model_validate({"bind": bind, "secret_key": "x" * 32}))

    check_bind(
        Settings.model_validate({"bind": bind, "secret_key": "x" * 32, "public_url": "https://sayso.corp.example"})
    )
    for own in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        check_bind(Settings(bind=own))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SAYSO_BIND", "sayso.corp.example", "an IP address to listen at"),
        ("SAYSO_BIND", "127.0.0.1:8000", "without a port"),
        ("SAYSO_TRUSTED_PROXIES", "*", "addresses and networks of proxies"),
        ("SAYSO_TRUSTED_PROXIES", "10.0.0.7, 0.0.0.0/0", "not all of them"),
        ("SAYSO_TRUSTED_PROXIES", "proxy.corp.example", "addresses and networks of proxies"),
        ("SAYSO_TRUSTED_PROXIES", "10.0.0.7/8", "addresses and networks of proxies"),
        ("SAYSO_PUBLIC_URL", "sayso.corp.example", 'such as "https://sayso.corp.example"'),
        ("SAYSO_PUBLIC_URL", "https://sayso.corp.example/path", "without a path"),
    ],
)
def test_an_address_that_can_not_be_one_stops_the_start(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, {name: value}, tmp_path)


async def test_errors_of_every_kind_are_problems_and_nobody_keeps_an_answer(api: Api) -> None:
    anna = await api.client("anna")

    refused(await anna.get("/v1/nothing"), 404, "not-found")
    refused(await anna.get("/v1/runs/"), 404, "not-found")
    refused(await anna.put("/v1/requests"), 405, "method")
    answer = await anna.delete("/v1/runs")
    refused(answer, 405, "method")
    assert answer.headers["allow"] == "GET, POST"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers

    async def endless() -> object:
        for _ in range(70):
            yield b"x" * 1_000

    answer = await anna.post("/v1/runs", content=endless(), headers={"Content-Type": "application/json"})  # pyright: ignore[reportArgumentType]
    refused(answer, 413, "too-large")
    for method in ("FOOA", "FOOB", "get"):
        await anna.request(method, "/v1/runs")
    figures = (await anna.get("/metrics")).text
    assert ("FOO" in figures, 'operation="other ' in figures) == (False, True), "an unknown method is no figure"


async def test_attack_while_redis_hangs_who_asks_waits_for_each_who_asked_before(short_path: Path) -> None:
    """They are told at the end of the client's patience, and not only once each attempt of the others has failed."""
    with RedisServer(short_path / "redis") as redis:
        async with a_world(redis.start().url, short_path / "data") as world, serving(world.app) as api:
            _, key = await api.key("anna")
            page = await Console(api).browser("anna")
            redis.freeze()

            showing = asyncio.create_task(page.get("/"))
            crowd = [api.with_key(key) for _ in range(2 * BATCH)]
            ready, *answers = await asyncio.gather(
                api.with_key(key).get("/readyz"),
                *(one.get("/v1/runs") for one in crowd),
                api.with_key(key).post("/v1/runs", json={"text": "x"}),
            )
            shown = await showing
            redis.thaw()

            assert "Redis does not answer in time" in refused(ready, 503, "unavailable")
            for answer in answers:
                assert "Redis does not answer within 5" in refused(answer, 503, "unavailable")
                assert int(answer.headers["retry-after"]) > 0
            assert (shown.status, shown.headers["retry-after"]) == (503, "2")


async def test_while_redis_is_away_it_is_said_and_when_to_try_again(short_path: Path) -> None:
    with EmbeddedRedis(short_path, short_path / "run") as redis:
        async with a_world(redis.start(), short_path / "data") as world, serving(world.app) as api:
            anna, console = await api.client("anna"), Console(api)
            page, stranger = await console.browser("anna"), console.stranger()
            fields = await proof(page)
            run_id = await world.trigger("press it")
            await world.opened(run_id)
            world.app.store.client.patience_s = 0.1
            redis.stop()

            answers = await asyncio.gather(
                anna.get("/v1/runs"), anna.post("/v1/runs", json={"text": "x"}), anna.get("/readyz")
            )

            for answer in answers:
                assert "Redis" in refused(answer, 503, "unavailable")
                assert int(answer.headers["retry-after"]) > 0
            for path in ("/", f"/runs/{run_id}", "/quarantine"):
                shown = await page.get(path)
                assert (shown.status, shown.headers["retry-after"]) == (503, "2")
                assert "Not available now The database is unreachable right now; nothing is lost." in shown.words
                assert "default-src 'none'" in shown.headers["content-security-policy"]
            sent = await page.post(f"/runs/{run_id}/cancel", fields)
            login = await stranger.post("/login", {"token": "x"})
            mailed = await stranger.post("/login/mail", {"email": "anna@corp.example"})
            assert {sent.status_code, login.status_code, mailed.status_code} == {503}
            assert (await stranger.get("/login")).status == 200
            assert (await anna.get("/healthz")).status_code == 200
            figures = await anna.get("/metrics")
            assert "sayso_redis_up 0.0" in figures.text
            redis.start()
            world.app.store.client.patience_s = 5

            async def is_back() -> bool:
                return (await anna.get("/readyz")).status_code == 200

            await until(is_back, what="readyz is well again")
            assert [one["id"] for one in (await anna.get("/v1/runs")).json()["runs"]] == [run_id]
            assert (await page.get("/")).status == 200
            assert (await world.run(run_id)).state == "waiting"


@pytest.mark.parametrize("is_ours", [True, False])
async def test_a_body_that_waits_for_us_has_all_the_time_that_takes(*, is_ours: bool) -> None:
    """Its sender has 10 s. How long what they sent waits here for its turn is nothing that they can help."""
    looks, is_read, statuses = list[bool](), asyncio.Event(), list[int]()

    def owes() -> bool:
        looks.append(True)
        if len(looks) == 3:
            is_read.set()
        return not is_ours

    async def receive() -> Message:
        await is_read.wait()
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    bounded = Bounded(Response("it is taken"), lambda _, __: None, Bodies(within_s=0.01))
    await bounded({"type": "http", "method": "POST", "path": "/", "headers": [], OWES: owes}, receive, send)

    assert statuses == [200 if is_ours else 408]


async def test_a_body_that_is_too_large_takes_no_room_of_others() -> None:
    statuses = list[int]()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * (BODY_BYTES + 1), "more_body": False}

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    bounded = Bounded(Response("it is taken"), lambda _, __: None, Bodies(most_bytes=BODY_BYTES))
    await bounded({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)

    assert statuses == [413]


async def test_attack_a_body_that_ended_late_behind_an_unread_answer_fails_the_next_one() -> None:
    """Its sender is told so late for as long as they read nothing, and meanwhile it has no time left to be ended."""
    statuses, waits, is_read = list[int](), asyncio.Event(), asyncio.Event()

    async def unread(_: Message) -> None:
        waits.set()
        await is_read.wait()

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    async def late() -> Message:
        if begun:
            return await nothing_more()
        begun.append(True)
        return {**whole, "more_body": True}

    async def at_once() -> Message:
        return whole

    begun, whole = list[bool](), {"type": "http.request", "body": b"x" * (BODY_BYTES + 1), "more_body": False}
    bounded = Bounded(Response(), lambda _, __: None, Bodies(2 * BODY_BYTES, within_s=0.01), 2 * BODY_BYTES)
    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    stranger = asyncio.create_task(bounded(scope, late, unread))
    await waits.wait()
    await bounded(scope, at_once, send)
    is_read.set()
    await stranger

    assert statuses == [200]


def http(path: str) -> Scope:
    return {"type": "http", "path": path, "method": "GET", "headers": []}


async def nothing_more() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def told(app: InTime, path: str) -> list[Message]:
    """Return what is sent in answer to a request."""
    sent = list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(http(path), nothing_more, send)
    return sent


async def test_a_request_that_takes_too_long_in_one_go_is_told_what_to_do_and_others_are_answered() -> None:
    async def works(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await asyncio.gather(asyncio.sleep(0), asyncio.create_task(slow()))
        await Response("done")(scope, receive, send)

    async def slow() -> None:
        expression()

    app = InTime(works)
    refused_, *others = await asyncio.gather(told(app, "/slow"), *(told(app, "/quick") for _ in range(20)))

    begun, body = refused_
    assert (begun["status"], (b"content-type", b"application/problem+json") in begun["headers"]) == (422, True)
    assert b"urn:sayso:problem:too-slow" in body["body"]
    assert b"Send less of it" in body["body"]
    assert {answer[0]["status"] for answer in others} == {200}


async def test_an_answer_that_has_begun_breaks_off_where_the_rest_of_it_takes_too_long() -> None:
    async def works(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        expression()

    with pytest.raises(TookTooLong):
        await told(InTime(works), "/slow")


async def test_a_stream_of_many_short_turns_is_never_too_long() -> None:
    async def works(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(20):
            until_s = thread_time() + 0.1
            while thread_time() < until_s:
                pass
            await send({"type": "http.response.body", "body": b"more", "more_body": True})
            await asyncio.sleep(0)

    assert len(await told(InTime(works), "/stream")) == 21
