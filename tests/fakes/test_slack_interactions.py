"""People's use of cards, the App Home, commands and shortcuts, as slack-bolt and slack-sdk meet it."""

import httpx2
import pytest

from tests.fakes.bolt import BoltApp, Client
from tests.fakes.cards import a_card, button, modal
from tests.fakes.slack.driver import HOME, Person, Workspace


async def test_a_press_tells_who_pressed_what_where(slack: Workspace, app: BoltApp, bo: Person, ops: str) -> None:
    card = await a_card(slack, app.client, ops)

    pressed = await bo.presses("Approve", in_=card)

    (payload,) = app.heard[-1:]
    assert pressed.acked
    assert payload["user"] == {"id": bo.id, "username": "bo", "name": "bo", "team_id": "T0TEAM"}
    assert payload["container"] == {
        "type": "message", "message_ts": card.ts, "channel_id": ops, "is_ephemeral": False,
    }  # fmt: skip
    assert payload["channel"] == {"id": ops, "name": "ops"}
    assert payload["message"]["blocks"] == card.blocks
    assert payload["actions"][0]["action_id"] == "approve"
    assert payload["actions"][0]["block_id"] == "decide"
    assert payload["actions"][0]["value"] == "opaque"
    assert payload["state"] == {"values": {}}


async def test_somebody_of_another_workspace_is_told_by_the_team_of_the_user(
    slack: Workspace, app: BoltApp, ops: str
) -> None:
    eve = await slack.person("eve", team="T0OTHER")
    await slack.channel("ops", eve, shared=True)
    card = await a_card(slack, app.client, ops)

    await eve.presses("Deny", in_=card)
    pressed = app.heard[-1]
    await app.client.views_open(trigger_id=pressed["trigger_id"], view=modal())
    await eve.submits({"Reason": "because"})
    sent = app.heard[-1]

    assert (pressed["user"]["team_id"], pressed["team"]["id"]) == ("T0OTHER", "T0TEAM")
    assert (sent["user"]["team_id"], sent["team"]["id"], sent["view"]["team_id"]) == ("T0OTHER",) * 3
    assert sent["view"]["app_installed_team_id"] == "T0TEAM"


async def test_nobody_presses_what_they_cannot_see(slack: Workspace, client: Client, ops: str) -> None:
    outside = await slack.person("dee")
    card = await a_card(slack, client, ops)

    with pytest.raises(AssertionError, match="dee is not in that channel"):
        await outside.presses("Approve", in_=card)
    with pytest.raises(AssertionError, match=r"there is no 'Explode' to press.*'Approve', 'Deny'"):
        await (await slack.person("anna")).presses("Explode", in_=card)


async def test_a_stale_screen_presses_a_button_that_is_gone(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    card = await a_card(slack, app.client, ops)
    await app.client.chat_update(channel=ops, ts=card.ts, text="Approved by Anna")

    pressed = await bo.presses("Approve", in_=card, version=0)

    assert pressed.acked
    assert app.heard[-1]["actions"][0]["action_id"] == "approve"


async def test_an_interaction_comes_twice_where_a_test_wants_it(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    card = await a_card(slack, app.client, ops)

    pressed = await bo.presses("Approve", in_=card, version=0)
    again = await slack.brings_again(pressed)

    assert (pressed.acked, again.acked, len(again.raw["tries"])) == (True, True, 2)
    assert [body["trigger_id"] for body in app.heard] == [pressed.raw["payload"]["trigger_id"]] * 2


async def test_choices_come_with_the_state_of_the_message(slack: Workspace, app: BoltApp, bo: Person, ops: str) -> None:
    options = [{"text": {"type": "plain_text", "text": word}, "value": word.lower()} for word in ("Blue", "Green")]
    select = {
        "type": "static_select", "action_id": "colour", "options": options,
        "placeholder": {"type": "plain_text", "text": "Which?"},
    }  # fmt: skip
    card = await a_card(slack, app.client, ops, select, button("Done"))

    await bo.presses("Which?", in_=card, value="Green")
    await bo.presses("Done", in_=card)

    chosen, done = [body for body in app.heard if body["type"] == "block_actions"]
    assert chosen["actions"][0]["selected_option"] == options[1]
    assert done["state"]["values"]["decide"]["colour"] == {"type": "static_select", "selected_option": options[1]}


async def test_the_app_home_is_published_opened_and_pressed(slack: Workspace, app: BoltApp, bo: Person) -> None:
    await bo.opens_home()
    await slack.settled()
    assert "view" not in app.events("app_home_opened")[0]["event"]
    home = {"type": "home", "blocks": [{"type": "actions", "elements": [button("Approve")]}]}

    await app.client.views_publish(user_id=bo.id, view=home)
    await bo.sees_home("Approve")
    await bo.presses("Approve", in_=HOME)

    pressed = app.heard[-1]
    assert pressed["container"]["type"] == pressed["view"]["type"].replace("home", "view")
    assert pressed["view"]["type"] == "home"
    assert "message" not in pressed
    assert "response_url" not in pressed


async def test_a_command_is_answered_to_the_one_who_typed_it(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    app.answers = {"text": "on it"}

    handled = await bo.commands("/sayso", "deploy v1", in_="#ops")

    heard = app.heard[-1]
    assert handled.acked
    assert (heard["command"], heard["text"], heard["user_id"], heard["channel_id"]) == (
        "/sayso",
        "deploy v1",
        bo.id,
        ops,
    )
    assert (await bo.sees_ephemeral("on it")).channel == ops


async def test_a_shortcut_brings_the_message_it_was_used_on(
    slack: Workspace, app: BoltApp, anna: Person, bo: Person, ops: str
) -> None:
    said = await anna.says("#ops", "the site is slow")

    await bo.uses_shortcut("ask_sayso", on=said)

    heard = app.heard[-1]
    assert (heard["type"], heard["callback_id"]) == ("message_action", "ask_sayso")
    assert heard["message"]["text"] == "the site is slow"
    assert heard["message_ts"] == said.ts
    assert heard["user"]["id"] == bo.id


async def test_what_one_user_alone_sees_can_be_pressed(slack: Workspace, app: BoltApp, bo: Person, ops: str) -> None:
    blocks = [{"type": "actions", "elements": [button("Show")]}]
    await app.client.chat_postEphemeral(channel=ops, user=bo.id, text="only you", blocks=blocks)
    alone = await bo.sees_ephemeral("only you")

    await bo.presses("Show", in_=alone)

    pressed = app.heard[-1]
    assert pressed["container"]["is_ephemeral"]
    assert "message" not in pressed


async def test_files_are_named_in_the_event_and_read_with_the_token(
    slack: Workspace, app: BoltApp, anna: Person
) -> None:
    await anna.says("@sayso", "see the log", files=[{"name": "deploy.log", "text": "it broke"}])
    await slack.settled()

    event = app.events("message")[0]["event"]
    (file,) = event["files"]
    assert event["subtype"] == "file_share"
    assert (file["name"], file["size"], file["mimetype"]) == ("deploy.log", 8, "application/octet-stream")
    async with httpx2.AsyncClient(timeout=60) as http:
        read = await http.get(file["url_private"], headers={"Authorization": f"Bearer {slack.bot_token}"})
        without = await http.get(file["url_private"])
    assert read.text == "it broke"
    assert "Sign in" in without.text
