"""The fake speaks as docs.slack.dev describes Slack: what slack-sdk and slack-bolt take from it and what it refuses."""

from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from tests.fakes.bolt import BoltApp, Client, Json, refusal
from tests.fakes.slack.driver import Message, Person, Workspace

BUTTON: Json = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go", "value": "opaque"}
REASON: Json = {
    "type": "input", "block_id": "reason", "label": {"type": "plain_text", "text": "Reason"},
    "element": {"type": "plain_text_input", "action_id": "text"},
}  # fmt: skip
MODAL: Json = {
    "type": "modal", "title": {"type": "plain_text", "text": "Why?"}, "submit": {"type": "plain_text", "text": "Send"},
    "private_metadata": "opaque", "blocks": [REASON],
}  # fmt: skip


async def error_of(call: Awaitable[Any]) -> str:
    return (await refusal(call))["error"]


async def a_card(slack: Workspace, client: Client, ops: str) -> Message:
    blocks: list[Json] = [{"type": "actions", "block_id": "decide", "elements": [BUTTON]}]
    sent = await client.chat_postMessage(channel=ops, text="Deploy v1?", blocks=blocks)
    return next(m for m in await slack.messages("#ops") if m.ts == sent["ts"])


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"members": ["anna"]}, "not_in_channel"),
        ({"members": ["sayso"], "archived": True}, "is_archived"),
        ({"members": ["anna"], "private": True}, "channel_not_found"),
    ],
)
async def test_a_post_goes_only_where_the_bot_is(
    slack: Workspace, client: Client, anna: Person, more: Json, error: str
) -> None:
    channel = (await slack.tell("channel", name="den", **more))["id"]

    assert await error_of(client.chat_postMessage(channel=channel, text="hello")) == error


async def test_a_channel_takes_one_message_a_second(slack: Workspace, client: Client, ops: str) -> None:
    await slack.settings(rate_limit=True)
    await client.chat_postMessage(channel=ops, text="one")
    limited = await refusal(client.chat_postMessage(channel=ops, text="two"))

    assert (limited.status_code, limited["error"], limited.headers["Retry-After"]) == (429, "ratelimited", "1")
    await slack.moves_clock(1)
    await client.chat_postMessage(channel=ops, text="two")


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_an_event_comes_again_with_the_same_id_and_is_given_up_after_four_tries_and_a_press_never_comes_again(
    slack: Workspace, anna: Person, ops: str, way: str
) -> None:
    async with BoltApp(slack) as app:
        await (app.connects() if way == "socket" else app.listens())
        app.refuses = True
        await slack.settings(answer_within_s=0.05, retry_after_s=[0, 0, 0])
        await anna.says("#ops", "hello")
        (lost,) = await slack.settled()
        pressed = await anna.presses("Go", in_=await a_card(slack, app.client, ops))

        assert (lost["state"], len(lost["tries"])) == ("given up", 4)
        assert len({body["event_id"] for body in app.events("message")[:4]}) == 1
        assert not pressed.acked
        assert len(pressed.raw["tries"]) == 1


async def test_a_ticket_opens_one_connection(slack: Workspace, client: Client) -> None:
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]

    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)

    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": "A0APP"}


async def test_a_modal_opens_once_within_three_seconds_and_is_sent_with_what_was_put_in(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    card = await a_card(slack, app.client, ops)
    await bo.presses("Go", in_=card)
    trigger = app.heard[-1]["trigger_id"]
    await app.client.views_open(trigger_id=trigger, view=MODAL)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await app.client.views_open(trigger_id=trigger, view=MODAL)

    assert (await bo.submits())["errors"] == {"reason": "Please complete this required field."}
    await bo.submits({"Reason": "not on a Friday"})
    sent = app.heard[-1]["view"]
    assert sent["private_metadata"] == "opaque"
    assert sent["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": "not on a Friday"}}}
    assert await bo.modals() == []

    await bo.presses("Go", in_=card)
    await slack.moves_clock(3.1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await app.client.views_open(trigger_id=app.heard[-1]["trigger_id"], view=MODAL)


async def test_whom_a_message_notifies(slack: Workspace, client: Client, anna: Person, bo: Person, ops: str) -> None:
    async def whys(*people: Person) -> list[list[str]]:
        return [[each.why for each in await person.notices()] for person in people]

    asked = await anna.says("#ops", "who is there?")
    reply = await client.chat_postMessage(channel=ops, thread_ts=asked.ts, text="nobody")
    await client.chat_update(channel=ops, ts=reply["ts"], text=f"<@{bo.id}>")
    assert await whys(anna, bo) == [["thread"], []], "an edit notifies nobody"

    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"<@{bo.id}>"}}
    await client.chat_postMessage(channel=ops, thread_ts=asked.ts, text="one", blocks=[block])
    await client.chat_postMessage(channel=bo.dm, text="hello")
    assert await whys(anna, bo) == [["thread"] * 2, ["mention", "direct message"]]
