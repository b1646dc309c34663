"""The Web API of the fake, as slack-sdk's client meets it."""

from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest

from tests.fakes.bolt import Client, Json, client_of, refusal
from tests.fakes.slack.driver import Person, Workspace


async def error_of(call: Awaitable[Any]) -> Json:
    return (await refusal(call)).data


async def test_a_token_says_who_it_is_and_what_it_may(slack: Workspace, client: Client) -> None:
    answer = await client.auth_test()

    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T0TEAM", "U0BOT", "B0BOT")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_a_wrong_a_missing_and_a_revoked_token_are_refused(slack: Workspace, client: Client) -> None:
    assert (await error_of(client_of(slack, "xoxb-no").auth_test()))["error"] == "invalid_auth"
    assert (await error_of(client_of(slack, None).auth_test()))["error"] == "not_authed"
    await slack.settings(revoked=True)
    assert (await error_of(client.auth_test()))["error"] == "token_revoked"


async def test_a_missing_scope_is_named(slack: Workspace, client: Client, ops: str) -> None:
    await slack.settings(scopes=["users:read"])

    refused = await error_of(client.chat_postMessage(channel=ops, text="hello"))

    assert (refused["error"], refused["needed"], refused["provided"]) == ("missing_scope", "chat:write", "users:read")


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

    assert (await error_of(client.chat_postMessage(channel=channel, text="hello")))["error"] == error
    assert (await error_of(client.chat_postMessage(channel="C404", text="hello")))["error"] == "channel_not_found"


async def test_a_message_is_posted_edited_and_deleted(slack: Workspace, client: Client, ops: str) -> None:
    blocks: list[Json] = [{"type": "section", "text": {"type": "plain_text", "text": "in blocks"}}]
    sent = await client.chat_postMessage(channel=ops, text="first", blocks=blocks, unfurl_links=False)
    ts = sent["ts"]

    await client.chat_update(channel=ops, ts=ts, text="second", blocks=blocks)
    (in_blocks,) = await slack.messages("#ops")
    await client.chat_update(channel=ops, ts=ts, text="third")
    (in_text,) = await slack.messages("#ops")
    await client.chat_delete(channel=ops, ts=ts)

    assert sent["message"]["blocks"][0]["block_id"]
    assert in_blocks.raw["flags"] == {"unfurl_links": False}
    assert (in_blocks.words, "edited" in in_blocks.raw) == ("in blocks", False)
    # A text without blocks takes the blocks away, and is shown as edited.
    assert (in_text.words, "edited" in in_text.raw, in_text.versions) == ("third", True, 2)
    assert await slack.messages("#ops") == []
    assert (await error_of(client.chat_update(channel=ops, ts=ts, text="x")))["error"] == "message_not_found"


async def test_other_peoples_messages_are_not_the_apps_to_change(
    slack: Workspace, client: Client, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "mine")

    assert (await error_of(client.chat_update(channel=ops, ts=said.ts, text="x")))["error"] == "cant_update_message"
    assert (await error_of(client.chat_delete(channel=ops, ts=said.ts)))["error"] == "cant_delete_message"


async def test_a_lost_post_is_found_by_its_metadata(slack: Workspace, client: Client, ops: str) -> None:
    parent = await client.chat_postMessage(channel=ops, text="parent")
    about: Json = {"event_type": "sayso_delivery", "event_payload": {"id": "d1"}}
    await client.chat_postMessage(channel=ops, text="card", thread_ts=parent["ts"], metadata=about)

    with_it = await client.conversations_replies(channel=ops, ts=parent["ts"], include_all_metadata=True)
    without = await client.conversations_replies(channel=ops, ts=parent["ts"])

    assert [m.get("metadata") for m in with_it["messages"]] == [None, about]
    assert [m.get("metadata") for m in without["messages"]] == [None, None]
    assert with_it["messages"][0]["reply_count"] == 1
    top = await client.conversations_history(channel=ops, include_all_metadata=True)
    assert [m["text"] for m in top["messages"]] == ["parent"]


async def test_history_comes_in_pages_and_in_spans_of_time(slack: Workspace, client: Client, ops: str) -> None:
    all_ts = [(await client.chat_postMessage(channel=ops, text=str(number)))["ts"] for number in range(5)]

    first = await client.conversations_history(channel=ops, limit=2)
    second = await client.conversations_history(channel=ops, limit=2, cursor=first["response_metadata"]["next_cursor"])
    span = await client.conversations_history(channel=ops, oldest=all_ts[1], latest=all_ts[3])
    inclusive = await client.conversations_history(channel=ops, oldest=all_ts[1], latest=all_ts[3], inclusive=True)

    assert [m["text"] for m in [*first["messages"], *second["messages"]]] == ["4", "3", "2", "1"]
    assert (first["has_more"], [m["text"] for m in span["messages"]]) == (True, ["2"])
    assert [m["text"] for m in inclusive["messages"]] == ["3", "2", "1"]


async def test_a_dm_is_opened_and_found_again(slack: Workspace, client: Client, anna: Person) -> None:
    opened = (await client.conversations_open(users=anna.id))["channel"]["id"]

    sent = await client.chat_postMessage(channel=anna.id, text="hello")

    assert opened == sent["channel"] == anna.dm
    assert opened.startswith("D")
    robot = await slack.person("robot", bot=True)
    assert (await error_of(client.chat_postMessage(channel=robot.id, text="hello")))["error"] == "cannot_dm_bot"
    assert (await error_of(client.conversations_open(users="U404")))["error"] == "user_not_found"
    gone = await slack.person("gone", deleted=True)
    assert (await error_of(client.conversations_open(users=gone.id)))["error"] == "user_disabled"


async def test_who_is_deactivated_is_in_no_channel(slack: Workspace, client: Client, anna: Person, ops: str) -> None:
    await slack.person("anna", deleted=True)

    assert anna.id not in (await client.conversations_members(channel=ops))["members"]
    assert (await error_of(client.chat_postEphemeral(channel=ops, user=anna.id, text="you")))["error"] == (
        "user_not_in_channel"
    )


async def test_one_user_alone_is_told_if_they_are_there(
    slack: Workspace, client: Client, anna: Person, ops: str
) -> None:
    outside = await slack.person("dee")

    await client.chat_postEphemeral(channel=ops, user=anna.id, text="only you")
    refused = await error_of(client.chat_postEphemeral(channel=ops, user=outside.id, text="only you"))

    assert (await anna.sees_ephemeral("only you")).channel == ops
    assert refused["error"] == "user_not_in_channel"
    assert await slack.messages("#ops") == []


async def test_users_tell_who_is_a_guest_a_bot_gone_or_a_stranger(slack: Workspace, client: Client) -> None:
    people = {
        name: await slack.person(name, **{name: True}) for name in ("guest", "bot", "deleted", "stranger")
    }  # fmt: skip
    seen = {name: (await client.users_info(user=person.id))["user"] for name, person in people.items()}

    assert seen["guest"]["is_restricted"]
    assert seen["bot"]["is_bot"]
    assert seen["deleted"]["deleted"]
    assert seen["stranger"]["is_stranger"]
    assert "email" not in seen["stranger"]["profile"]
    assert (await error_of(client.users_info(user="U404")))["error"] == "user_not_found"


async def test_people_are_listed_in_pages(slack: Workspace, client: Client, anna: Person, bo: Person) -> None:
    first = await client.users_list(limit=2)
    rest = await client.users_list(limit=2, cursor=first["response_metadata"]["next_cursor"])

    assert [user["name"] for user in [*first["members"], *rest["members"]]] == ["sayso", "anna", "bo"]
    assert rest["response_metadata"]["next_cursor"] == ""
    await slack.settings(scopes=["users:read"])
    assert "email" not in (await client.users_info(user=anna.id))["user"]["profile"]


async def test_channels_tell_who_is_in_them(slack: Workspace, client: Client, anna: Person, ops: str) -> None:
    await slack.channel("den", anna, private=True)
    await slack.channel("lobby", anna)

    listed = await client.conversations_list(types="public_channel,private_channel")
    members = await client.conversations_members(channel=ops)

    assert {each["name"]: each["is_member"] for each in listed["channels"]} == {"ops": True, "lobby": False}
    assert anna.id in members["members"]
    assert (await client.conversations_info(channel=ops))["channel"]["name"] == "ops"


async def test_a_session_has_a_status_where_the_app_is_an_agent(slack: Workspace, client: Client, ops: str) -> None:
    parent = (await client.chat_postMessage(channel=ops, text="parent"))["ts"]
    answer = await client.agents_sessions_setStatus(channel_id=ops, thread_ts=parent, status="processing", title="v1")
    await client.agents_sessions_setStatus(channel_id=ops, thread_ts=parent, status="suspended")

    assert (answer["status"], answer["title"]) == ("processing", "v1")
    (session,) = await slack.see("sessions")
    assert session["statuses"] == ["processing", "suspended"]
    await slack.settings(agent=False)
    refused = await error_of(client.agents_sessions_setStatus(channel_id=ops, thread_ts=parent, status="active"))
    assert refused["error"] == "unknown_method"


async def test_forms_do_as_well_as_json(slack: Workspace, ops: str) -> None:
    form = {"channel": ops, "text": "hello", "blocks": '[{"type": "divider"}]', "unfurl_links": "false"}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {slack.bot_token}"}) as session:
        async with session.post(f"{slack.base_url}chat.postMessage", data=form) as answer:
            sent = await answer.json()
        async with session.post(f"{slack.base_url}chat.postMessage", data=form | {"blocks": "[{"}) as answer:
            refused = await answer.json()

    assert sent["message"]["blocks"][0]["type"] == "divider"
    assert refused["error"] == "invalid_blocks_format"


async def test_a_method_the_fake_lacks_is_noted(slack: Workspace) -> None:
    assert (await error_of(client_of(slack).reactions_list()))["error"] == "unknown_method"
    assert (await slack.violations())[0]["method"] == "reactions.list"
