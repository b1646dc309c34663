"""Slack's posts: the same as over Socket Mode, and only what Slack has signed."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncGenerator

import pytest
import uvicorn
from httpx2 import AsyncClient
from starlette.types import ASGIApp

from channels import ChannelRefused, Reply
from channels.slack import SlackChannel
from channels.slack.api import Api
from tests.channels.email.mails import People
from tests.channels.slack.receiving import TOKEN, NoWayOut, Office, approval, asked_each_time, contact, home, office_of
from tests.channels.slack.test_receiving import posted
from tests.fakes.slack.driver import Person, Workspace
from tests.kit.waiting import until


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncGenerator[str]:
    """The address of `app` on a free loopback port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    task = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await until(lambda: server.started, what="the server listens")
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


@pytest.fixture
async def office(slack: Workspace, anna: Person, bo: Person) -> AsyncGenerator[Office]:
    """A channel to which Slack posts."""
    office = office_of(slack, contact(anna), contact(bo))
    async with serving(office.channel.http(office.store.accept, office.desk)) as address:
        paths = {"events_url": f"{address}/slack/events", "interactions_url": f"{address}/slack/interactions"}
        await slack.settings(socket_mode=False, **paths)
        yield office
    assert await slack.violations() == []


async def test_messages_presses_windows_and_commands_come_in(
    slack: Workspace, office: Office, anna: Person, bo: Person, ops: str
) -> None:
    office.desk.cards[TOKEN] = approval()
    await anna.says("#ops", "@sayso deploy v1")
    await slack.settled()
    assert (await anna.commands("/sayso", "deploy v2", in_="#ops")).acked
    await anna.sees_ephemeral("On it.")
    card = await posted(slack, ops, approval())
    assert (await bo.presses("Approve", in_=card)).acked
    await bo.presses("Deny with reason…", in_=card)
    await bo.sees_modal("Deploy 4f2a to production?")
    assert not (await bo.submits({"Why? The agent is told.": "Not on a Friday"}))["open"]

    kinds = [inbound.key.partition(":")[0] for inbound in await office.stored(4)]
    reading = await office.read()
    assert kinds == ["message", "command", "action", "view"]
    assert isinstance(reading, Reply)
    assert reading.reason == "Not on a Friday"


async def test_what_slack_has_not_signed_is_not_taken_and_commands_may_come_to_the_url_of_events(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    url = (await slack.settings())["events_url"]
    assert (await slack.tell("verify_url", url=url))["verified"]
    await slack.settings(commands_url=url)
    for way in ("wrong", "old", "missing", "other_body"):
        await slack.tell("forge", ways=[way])
        assert not (await anna.commands("/sayso", "deploy v1", in_="#ops")).acked
    assert office.store.came == []

    assert (await anna.commands("/sayso", "deploy v2", in_="#ops")).acked
    await office.stored()


async def test_whatever_a_stranger_posts_is_refused_in_silence(
    slack: Workspace, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    url, now, form = (await slack.settings())["events_url"], str(int(time.time())), "application/x-www-form-urlencoded"
    at, mark = "x-slack-request-timestamp", "x-slack-signature"
    bodies = (b"[" * 500_000, b'{"a":' + b"9" * 5_000 + b"}", b"\xff\xfe", b"[1, 2]")
    posts: list[tuple[bytes, dict[str, str]]] = [(body, {}) for body in bodies]
    posts += [(b"ssl_check=1&payload={", {"content-type": form}), (b"\xff", {at: now, mark: "v0=a"})]
    posts += [(b"{}", {at: moment, mark: sign}) for moment, sign in (("nan", "v0=a"), ("", "v0=a"), (now, "v0=\u00e9"))]

    async with AsyncClient(timeout=60) as client:
        for body, headers in posts:
            sent = {"content-type": "application/json"} | headers
            raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
            assert (await client.post(url, content=body, headers=raw)).status_code == 401

    assert caplog.records == []
    assert office.store.came == []


async def test_an_event_that_could_not_be_stored_comes_again_with_a_retry_header(
    slack: Workspace, office: Office, anna: Person
) -> None:
    await slack.settings(retry_after_s=[0.05] * 100)
    office.store.fails = True
    await anna.says("@sayso", "deploy v1")
    await until(lambda: len(office.store.came) > 2, what="it comes again")

    office.store.fails = False
    await office.stored()
    assert (await slack.settled())[0]["state"] == "acked"


async def test_slacks_own_oauth_stays_off_whatever_the_environment_holds(
    slack: Workspace, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "secret")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-somebody-else")
    office = office_of(slack, contact(anna))

    async with serving(office.channel.http(office.store.accept, office.desk)) as address:
        await slack.settings(socket_mode=False, events_url=f"{address}/slack/events")
        await anna.says("@sayso", "deploy v1")
        await office.stored()
        async with AsyncClient(base_url=address, timeout=60) as client:
            found = [(await client.get(f"/slack/{path}")).status_code for path in ("install", "oauth_redirect")]

    assert found == [404, 404]
    assert await slack.violations() == []


async def test_without_a_signing_secret_nothing_is_served(slack: Workspace, anna: Person) -> None:
    api = Api(slack.bot_token, slack.base_url)
    channel = SlackChannel(
        api=api,
        app_token="",
        signing_secret="",
        directory=People(contact(anna)),
        members=asked_each_time(api),
        sends=NoWayOut(),
        home=home,
    )
    office = office_of(slack)

    with pytest.raises(ChannelRefused, match="SLACK_SIGNING_SECRET"):
        channel.http(office.store.accept, office.desk)
