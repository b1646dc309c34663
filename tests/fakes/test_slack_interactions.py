"""What people do with cards, modals, the App Home, commands and shortcuts, as slack-bolt and slack-sdk meet it."""

import httpx2
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.bolt import BoltApp, Client, Json
from tests.fakes.slack.driver import HOME, Message, Person, Workspace


async def a_card(slack: Workspace, client: Client, ops: str, *elements: Json) -> Message:
    blocks: list[Json] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Deploy* `v1`?"}},
        {"type": "actions", "block_id": "decide", "elements": list(elements) or [button("Approve"), button("Deny")]},
    ]
    sent = await client.chat_postMessage(channel=ops, text="Deploy v1?", blocks=blocks)
    return next(m for m in await slack.messages("#ops") if m.ts == sent["ts"])


def button(label: str) -> Json:
    return {
        "type": "button", "text": {"type": "plain_text", "text": label}, "action_id": label.lower(), "value": "opaque",
    }  # fmt: skip


def modal(*blocks: Json, **more: object) -> Json:
    return {
        "type": "modal", "callback_id": "why", "title": {"type": "plain_text", "text": "Why?"},
        "submit": {"type": "plain_text", "text": "Send"}, "private_metadata": "opaque",
        "blocks": list(blocks) or [reason()], **more,
    }  # fmt: skip


def reason() -> Json:
    return {
        "type": "input", "block_id": "reason", "label": {"type": "plain_text", "text": "Reason"},
        "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
    }  # fmt: skip


async def test_a_press_tells_who_pressed_what_where(slack: Workspace, app: BoltApp, bo: Person, ops: str) -> None:
    card = await a_card(slack, app.client, ops)

    pressed = await bo.presses("Approve", in_=card)

    (payload,) = app.heard[-1:]
    assert pressed.acked
    assert pressed.acked_after_s < 3
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


async def test_somebody_of_another_workspace_presses_with_their_own_team(
    slack: Workspace, app: BoltApp, ops: str
) -> None:
    eve = await slack.person("eve", team="T0OTHER")
    await slack.channel("ops", eve, shared=True)
    card = await a_card(slack, app.client, ops)

    await eve.presses("Approve", in_=card)

    assert app.heard[-1]["user"]["team_id"] == app.heard[-1]["team"]["id"] == "T0OTHER"


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


async def test_a_modal_opens_within_three_seconds_and_once(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    card = await a_card(slack, app.client, ops)
    await bo.presses("Deny", in_=card)
    trigger = app.heard[-1]["trigger_id"]

    await app.client.views_open(trigger_id=trigger, view=modal())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await app.client.views_open(trigger_id=trigger, view=modal())

    await bo.presses("Deny", in_=card)
    await slack.moves_clock(3.1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await app.client.views_open(trigger_id=app.heard[-1]["trigger_id"], view=modal())
    assert (await bo.sees_modal("Why?")).title == "Why?"


async def opened(slack: Workspace, app: BoltApp, bo: Person, ops: str, view: Json) -> Json:
    await bo.presses("Deny", in_=await a_card(slack, app.client, ops))
    answer = await app.client.views_open(trigger_id=app.heard[-1]["trigger_id"], view=view)
    return answer["view"]


async def test_a_modal_is_sent_with_what_was_put_in(slack: Workspace, app: BoltApp, bo: Person, ops: str) -> None:
    view = await opened(slack, app, bo, ops, modal())

    assert (await bo.submits())["errors"] == {"reason": "Please complete this required field."}
    sent = await bo.submits({"Reason": "not on a Friday"})

    submission = app.heard[-1]
    assert submission["type"] == "view_submission"
    assert submission["view"]["id"] == view["id"]
    assert submission["view"]["private_metadata"] == "opaque"
    assert submission["view"]["state"]["values"] == {
        "reason": {"text": {"type": "plain_text_input", "value": "not on a Friday"}}
    }
    assert (sent["sent"], sent["open"]) == (True, False)
    assert await bo.modals() == []


async def test_an_answer_to_a_modal_shows_errors_or_another_view(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    await opened(slack, app, bo, ops, modal())

    app.answers = {"response_action": "errors", "errors": {"reason": "Longer, please."}}
    await bo.submits({"Reason": "no"})
    assert (await bo.sees_modal()).errors == {"reason": "Longer, please."}

    done = {"type": "section", "text": {"type": "plain_text", "text": "Thank you"}}
    app.answers = {"response_action": "update", "view": modal(done)}
    await bo.submits()
    assert (await bo.sees_modal("Thank you")).errors == {}

    app.answers = {"response_action": "clear"}
    await bo.submits()
    assert await bo.modals() == []
    assert await slack.violations() == []


async def test_a_modal_whose_answer_does_not_come_stays_with_an_error(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    await opened(slack, app, bo, ops, modal())
    app.refuses = True
    await slack.settings(answer_within_s=0.05)

    await bo.submits({"Reason": "not today"})

    assert "trouble" in (await bo.sees_modal()).errors[""]


async def test_a_modal_is_updated_unless_somebody_was_faster(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    view = await opened(slack, app, bo, ops, modal(external_id="mine"))
    words = {"type": "section", "text": {"type": "plain_text", "text": "Filled in"}}

    await app.client.views_update(view_id=view["id"], hash=view["hash"], view=modal(words))
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await app.client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    with pytest.raises(SlackApiError, match="not_found"):
        await app.client.views_update(view_id="V404", view=modal())

    await bo.sees_modal("Filled in")


async def test_closing_a_modal_is_told_to_who_asked(slack: Workspace, app: BoltApp, bo: Person, ops: str) -> None:
    await opened(slack, app, bo, ops, modal(notify_on_close=True))

    await bo.closes()

    assert app.heard[-1]["type"] == "view_closed"
    assert app.heard[-1]["is_cleared"] is False


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


async def test_a_response_url_takes_five_posts_within_half_an_hour(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    card = await a_card(slack, app.client, ops)
    await bo.presses("Approve", in_=card)
    webhook = AsyncWebhookClient(app.heard[-1]["response_url"], retry_handlers=[])

    assert (await webhook.send(text="Only you may see this")).status_code == 200
    assert (await webhook.send(text="Approved", replace_original=True)).status_code == 200
    assert (await slack.now(card)).text == "Approved"
    await bo.sees_ephemeral("Only you may see this")

    for _ in range(3):
        await webhook.send(text="again")
    assert (await webhook.send(text="once too often")).body == "used_url"
    await bo.presses("Approve", in_=card, version=0)
    await slack.moves_clock(31 * 60)
    late = await AsyncWebhookClient(app.heard[-1]["response_url"]).send(text="late")
    assert (late.status_code, late.body) == (404, "expired_url")


async def test_files_are_named_in_the_event_and_read_with_the_token(
    slack: Workspace, app: BoltApp, anna: Person
) -> None:
    await anna.says("@sayso", "see the log", files=[{"name": "deploy.log", "text": "it broke"}])
    await slack.settled()

    event = app.events("message")[0]["event"]
    (file,) = event["files"]
    assert event["subtype"] == "file_share"
    assert (file["name"], file["size"], file["mimetype"]) == ("deploy.log", 8, "application/octet-stream")
    assert (await app.client.files_info(file=file["id"]))["file"]["url_private"] == file["url_private"]
    async with httpx2.AsyncClient() as http:
        read = await http.get(file["url_private"], headers={"Authorization": f"Bearer {slack.bot_token}"})
        without = await http.get(file["url_private"])
    assert read.text == "it broke"
    assert "Sign in" in without.text
