"""A card and a modal to try things with."""

from tests.fakes.bolt import BoltApp, Client, Json
from tests.fakes.slack.driver import Message, Person, Workspace


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


async def opened(slack: Workspace, app: BoltApp, bo: Person, ops: str, view: Json) -> Json:
    await bo.presses("Deny", in_=await a_card(slack, app.client, ops))
    answer = await app.client.views_open(trigger_id=app.heard[-1]["trigger_id"], view=view)
    return answer["view"]
