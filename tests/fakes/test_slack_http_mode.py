"""HTTP mode of the fake: what is tried again, and what is not."""

from collections.abc import AsyncGenerator

import pytest

from tests.fakes.bolt import BoltApp
from tests.fakes.slack.driver import Person, Workspace


@pytest.fixture
async def web(slack: Workspace) -> AsyncGenerator[BoltApp]:
    """An app that listens for Slack's posts."""
    async with BoltApp(slack) as made:
        await made.listens()
        yield made


async def test_an_event_comes_again_and_says_why(slack: Workspace, web: BoltApp, bo: Person, ops: str) -> None:
    web.refuses = True
    await slack.settings(retry_after_s=[0.05, 60, 300])
    await bo.says("#ops", "hello")
    await web.hears(lambda _: len(web.heard) == 2, "it twice")
    web.refuses = False
    await slack.moves_clock(61)
    await slack.settled()

    assert web.retries == [[], ["1", "http_error"], ["2", "http_error"]]
    assert len({body["event_id"] for body in web.heard}) == 1


async def test_nobody_at_home_is_a_failed_connection(slack: Workspace, bo: Person, ops: str) -> None:
    nowhere = "http://127.0.0.1:9/slack/events"
    await slack.settings(socket_mode=False, events_url=nowhere, interactions_url=nowhere)

    handled = await bo.commands("/sayso", "hello", in_="#ops")

    assert not handled.acked
    assert handled.raw["tries"][0]["reason"] == "connection_failed"


async def test_an_interaction_is_tried_once(slack: Workspace, web: BoltApp, bo: Person, ops: str) -> None:
    web.refuses = True

    handled = await bo.commands("/sayso", "hello", in_="#ops")
    await slack.moves_clock(1000)

    assert not handled.acked
    assert len(web.heard) == 1
