"""The fake speaks as docs.slack.dev describes Slack: what slack-sdk and slack-bolt take from it and what it refuses."""

from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from tests.fakes.bolt import BoltApp, Client, Json, client_of, refusal
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


async def test_a_token_says_who_it_is_and_is_refused_where_it_is_wrong_or_lacks_a_scope(
    slack: Workspace, client: Client, ops: str
) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T0TEAM", "U0BOT", "B0BOT")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")
    assert await error_of(client_of(slack, "xoxb-no").auth_test()) == "invalid_auth"
    assert await error_of(client_of(slack, None).auth_test()) == "not_authed"
    assert await error_of(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"

    await slack.settings(scopes=["users:read"])
    refused = await refusal(client.chat_postMessage(channel=ops, text="hello"))
    assert (refused["error"], refused["needed"], refused["provided"]) == ("missing_scope", "chat:write", "users:read")


async def test_a_message_is_posted_edited_and_deleted_by_whoever_wrote_it(
    slack: Workspace, client: Client, anna: Person, ops: str
) -> None:
    blocks: list[Json] = [{"type": "section", "text": {"type": "plain_text", "text": "in blocks"}}]
    sent = await client.chat_postMessage(channel=ops, text="first", blocks=blocks)
    ts = sent["ts"]
    await client.chat_update(channel=ops, ts=ts, text="second", blocks=blocks)
    (in_blocks,) = await slack.messages("#ops")
    await client.chat_update(channel=ops, ts=ts, text="third")
    (in_text,) = await slack.messages("#ops")
    await client.chat_delete(channel=ops, ts=ts)

    assert sent["message"]["blocks"][0]["block_id"]
    assert (in_blocks.words, "edited" in in_blocks.raw) == ("in blocks", False)
    # A text without blocks takes the blocks away, and is shown as edited.
    assert (in_text.words, "edited" in in_text.raw) == ("third", True)
    assert await error_of(client.chat_update(channel=ops, ts=ts, text="x")) == "message_not_found"
    said = await anna.says("#ops", "mine")
    assert await error_of(client.chat_update(channel=ops, ts=said.ts, text="x")) == "cant_update_message"


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


async def test_a_lost_post_is_found_by_its_metadata(slack: Workspace, client: Client, ops: str) -> None:
    parent = await client.chat_postMessage(channel=ops, text="parent")
    about: Json = {"event_type": "sayso_delivery", "event_payload": {"id": "d1"}}
    await client.chat_postMessage(channel=ops, text="card", thread_ts=parent["ts"], metadata=about)

    with_it = await client.conversations_replies(channel=ops, ts=parent["ts"], include_all_metadata=True)
    without = await client.conversations_replies(channel=ops, ts=parent["ts"])

    assert [m.get("metadata") for m in with_it["messages"]] == [None, about]
    assert [m.get("metadata") for m in without["messages"]] == [None, None]


async def test_history_and_people_come_in_pages(slack: Workspace, client: Client, anna: Person, ops: str) -> None:
    for number in range(3):
        await client.chat_postMessage(channel=ops, text=str(number))

    first = await client.conversations_history(channel=ops, limit=2)
    second = await client.conversations_history(channel=ops, limit=2, cursor=first["response_metadata"]["next_cursor"])
    some = await client.users_list(limit=2)
    rest = await client.users_list(limit=2, cursor=some["response_metadata"]["next_cursor"])

    assert [m["text"] for m in [*first["messages"], *second["messages"]]] == ["2", "1", "0"]
    assert [user["name"] for user in [*some["members"], *rest["members"]]] == ["sayso", "anna", "bo"]
    assert rest["response_metadata"]["next_cursor"] == ""


async def test_a_mention_comes_as_two_events_with_ids_of_their_own(
    slack: Workspace, app: BoltApp, anna: Person, bo: Person, ops: str
) -> None:
    said = await anna.says("#ops", "@sayso deploy v1 & <tell> @bo in #ops, see https://corp.example/a?b=1")
    await slack.settled()

    (message,), (mention,) = app.events("message"), app.events("app_mention")
    assert message["event"]["ts"] == mention["event"]["ts"] == said.ts
    assert message["event_id"] != mention["event_id"]
    assert mention["event"]["text"] == (
        f"<@U0BOT> deploy v1 &amp; &lt;tell&gt; <@{bo.id}> in <#{ops}|ops>, see <https://corp.example/a?b=1>"
    )
    assert app.retries == [["0", ""]] * 2, "over Socket Mode the first delivery names its number"


async def test_edits_deletions_joins_and_own_messages_are_events_of_other_kinds(
    slack: Workspace, app: BoltApp, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "first")
    await anna.edits(said, "second")
    await anna.deletes(said)
    await (await slack.person("cy")).joins("#ops")
    await app.client.chat_postMessage(channel=ops, text="mine")
    await slack.settled()

    events = [body["payload"]["event"] for body in await slack.deliveries()]
    assert [event.get("subtype") for event in events] == [
        None, "message_changed", "message_deleted", "channel_join", None,
    ]  # fmt: skip
    assert (events[1]["message"]["text"], events[1]["previous_message"]["text"]) == ("second", "first")
    assert events[4]["bot_id"] == "B0BOT"


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


async def test_what_was_under_way_on_a_cut_connection_comes_again_on_the_next(
    slack: Workspace, app: BoltApp, anna: Person
) -> None:
    await slack.settings(retry_after_s=[0.1] * 50)
    app.refuses = True
    await anna.says("@sayso", "hello")
    first = await app.hears(lambda _: True, "the first try")
    app.refuses = False

    await slack.tell("sockets", do="cut")

    again = await app.hears(lambda _: len(app.heard) > 1, "it again")
    assert again["event_id"] == first["event_id"]


async def test_a_press_tells_who_pressed_what_where(slack: Workspace, app: BoltApp, bo: Person, ops: str) -> None:
    card = await a_card(slack, app.client, ops)

    pressed = await bo.presses("Go", in_=card)

    payload = app.heard[-1]
    assert pressed.acked
    assert payload["user"] == {"id": bo.id, "username": "bo", "name": "bo", "team_id": "T0TEAM"}
    assert payload["container"] == {
        "type": "message", "message_ts": card.ts, "channel_id": ops, "is_ephemeral": False,
    }  # fmt: skip
    assert payload["message"]["blocks"] == card.blocks
    [action] = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("go", "decide", "opaque")


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
