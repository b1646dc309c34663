"""The checks and notes of all methods that show something: text, blocks, metadata."""

import json
import secrets
from typing import Any, cast

from tests.fakes.slack.limits import blocks as limits
from tests.fakes.slack.model import Json
from tests.fakes.slack.state import Slack
from tests.fakes.slack.web_api.call import Call, SlackError

# "Provide no more than 40,000 characters": https://docs.slack.dev/reference/methods/chat.postMessage
TEXT_CHARACTERS = 40_000
METADATA_BYTES = 8_000


def shown(call: Call) -> tuple[str, list[Json] | None]:
    """The checked `text` and `blocks` of a call that posts; None where no blocks were given."""
    text, blocks = call.text("text"), call.json("blocks")
    return text, checked(call.slack, call.method, text, blocks, attachments=call.json("attachments"))


def checked(slack: Slack, method: str, text: str, blocks: Any, attachments: Any = None) -> list[Json] | None:
    """The blocks with an id each. Raises SlackError as Slack refuses; what it merely advises against is recorded."""
    if len(text) > TEXT_CHARACTERS:
        slack.violation(method, f"text of {len(text)} characters: {TEXT_CHARACTERS} at most", "text")
        raise SlackError("msg_too_long")
    if blocks is not None:
        _check_blocks(slack, method, blocks)
    if not text and not blocks and not attachments:
        slack.violation(method, "neither text nor blocks", "text")
        raise SlackError("no_text")
    if not text.strip():
        slack.violation(method, "blocks without `text`: phones and screen readers get nothing", "text", refused=False)
    return None if blocks is None else with_ids(cast("list[Json]", blocks))


def _check_blocks(slack: Slack, method: str, blocks: Any) -> None:
    if not isinstance(blocks, list):
        slack.violation(method, "blocks are not a list", "/blocks")
        raise SlackError("invalid_blocks_format")
    if mistakes := limits.message_mistakes(blocks):
        refuse(slack, method, "invalid_blocks", mistakes)
    if limits.blocks_too_long(cast("list[Json]", blocks)):
        slack.violation(method, "all blocks together are longer than a message may be", "/blocks")
        raise SlackError("msg_blocks_too_long")


def refuse(slack: Slack, method: str, error: str, mistakes: list[str]) -> None:
    """Record each mistake, and answer as Slack does."""
    for mistake in mistakes:
        slack.violation(method, mistake, mistake.partition("[json-pointer:")[2].rstrip("]"))
    messages = [f"[ERROR] {mistake}" for mistake in mistakes]
    raise SlackError(error, errors=mistakes, response_metadata={"messages": messages})


def with_ids(blocks: list[Json]) -> list[Json]:
    """Slack gives a `block_id` to each block that has none, and an `action_id` to each element."""
    return [_with_actions({"block_id": secrets.token_urlsafe(4)[:5]} | block) for block in blocks]


def _with_actions(block: Json) -> Json:
    if block["type"] == "actions":
        return block | {"elements": [_with_action(each) for each in block["elements"]]}
    name = {"section": "accessory", "input": "element"}.get(block["type"])
    return block | {name: _with_action(block[name])} if name and name in block else block


def _with_action(element: Json) -> Json:
    return element if element["type"] == "image" else {"action_id": secrets.token_urlsafe(4)[:5]} | element


def metadata(call: Call) -> Json | None:
    """The checked `metadata`: https://docs.slack.dev/messaging/message-metadata."""
    given = call.json("metadata")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise SlackError("invalid_metadata_format")
    held = cast("Json", given)
    if held and not (isinstance(held.get("event_type"), str) and isinstance(held.get("event_payload"), dict)):
        call.slack.violation(call.method, "metadata needs `event_type` and `event_payload`", "metadata")
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(held).encode()) > METADATA_BYTES:
        call.slack.violation(call.method, f"metadata of more than {METADATA_BYTES} bytes", "metadata")
        raise SlackError("metadata_too_large")
    return held
