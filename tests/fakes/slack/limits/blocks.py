"""Blocks of messages and views, whole messages, whole views: https://docs.slack.dev/reference/block-kit/blocks."""

import json
from collections.abc import Iterator
from typing import Any

from tests.fakes.slack.limits import elements as e
from tests.fakes.slack.limits.shapes import (
    Check,
    Field,
    anything,
    boolean,
    both,
    items,
    record,
    repeated,
    string,
    typed,
    wrong,
)  # fmt: skip
from tests.fakes.slack.model import Json, as_json, as_list

MOST_IN_A_MESSAGE, MOST_IN_A_VIEW = 50, 100
# reference/block-kit/blocks/markdown-block: for all of them together, which the length below covers.
MARKDOWN_CHARACTERS = 12_000
# `msg_blocks_too_long` comes at no documented length. Slack's people speak of "12,000 text characters with a buffer for
# block containers", users measured 125 for a divider (bolt-js, issues 2509 and 2867). What stays below this is safe.
BLOCK_CHARACTERS, ONE_BLOCK_COUNTS = 12_000, 125
VIEW_BYTES = 250_000

_ANY = {"type": Field(anything, required=True), "block_id": Field(string(255, shortest=1))}


def _section_says_something(value: Any, at: str) -> Iterator[str]:
    if not {"text", "fields"} & set(as_json(value)):
        yield wrong("must define either `text` or `fields`", at)


def _actions_differ(value: Any, at: str) -> Iterator[str]:
    held = [as_json(each) for each in as_list(as_json(value).get("elements"))]
    if repeated(each["action_id"] for each in held if "action_id" in each):
        yield wrong("an `action_id` comes twice in one block", f"{at}/elements")


_SECTION = both(
    record(
        {
            **_ANY,
            "text": Field(e.text(3000)),
            "fields": Field(items(e.text(2000), 10)),
            "accessory": Field(typed(e.ACCESSORIES)),
            "expand": Field(boolean),
        }
    ),
    _section_says_something,
)
_CONTEXT_ELEMENT = typed({"image": e.IMAGE, "plain_text": e.text(3000), "mrkdwn": e.text(3000)})
_EVERYWHERE: dict[str, Check] = {
    "section": _SECTION,
    "header": record({**_ANY, "text": Field(e.plain(150), required=True)}),
    "divider": record(_ANY),
    "context": record({**_ANY, "elements": Field(items(_CONTEXT_ELEMENT, 10), required=True)}),
    "actions": both(record({**_ANY, "elements": Field(items(typed(e.ACTIONS), 25), required=True)}), _actions_differ),
    "input": record(
        {
            **_ANY,
            "label": Field(e.plain(2000), required=True),
            "element": Field(typed(e.INPUTS), required=True),
            "hint": Field(e.plain(2000)),
            "optional": Field(boolean),
            "dispatch_action": Field(boolean),
        }
    ),
    "image": record(
        {
            **_ANY,
            "image_url": Field(string(3000)),
            "slack_file": Field(anything),
            "alt_text": Field(string(2000, shortest=1), required=True),
            "title": Field(e.plain(2000)),
        }
    ),
    "rich_text": record({**_ANY, "elements": Field(items(anything, 500, least=0), required=True)}),
}
_MARKDOWN = record({**_ANY, "text": Field(string(MARKDOWN_CHARACTERS, shortest=1), required=True)})
IN_MESSAGES = items(typed({**_EVERYWHERE, "markdown": _MARKDOWN}), MOST_IN_A_MESSAGE, least=0)
IN_VIEWS = items(typed(_EVERYWHERE), MOST_IN_A_VIEW, least=0)


def message_mistakes(blocks: Any) -> list[str]:
    """Return what is wrong with the `blocks` of a message, in Slack's words; none when nothing is."""
    return [*IN_MESSAGES(blocks, "/blocks"), *_ids_differ(blocks, "/blocks")]


def blocks_too_long(blocks: list[Json]) -> bool:
    """More text than a message may hold in all its blocks together."""
    counted = sum(len(text) for text in texts(blocks)) + ONE_BLOCK_COUNTS * len(blocks)
    return counted > BLOCK_CHARACTERS


def texts(value: Any) -> Iterator[str]:
    """Every text that is shown, wherever it stands."""
    for inner in as_list(value):
        yield from texts(inner)
    for name, inner in as_json(value).items():
        yield from [inner] if name == "text" and isinstance(inner, str) else texts(inner)


_PLAIN_24 = e.plain(24)
_MODAL = record(
    {
        "type": Field(anything, required=True),
        "title": Field(_PLAIN_24, required=True),
        "blocks": Field(IN_VIEWS, required=True),
        "close": Field(_PLAIN_24),
        "submit": Field(_PLAIN_24),
        "private_metadata": Field(string(3000)),
        "callback_id": Field(string(255)),
        "external_id": Field(string(255)),
        "clear_on_close": Field(boolean),
        "notify_on_close": Field(boolean),
        "submit_disabled": Field(boolean),
    }
)
_HOME = record(
    {
        "type": Field(anything, required=True),
        "blocks": Field(IN_VIEWS, required=True),
        "private_metadata": Field(string(3000)),
        "callback_id": Field(string(255)),
        "external_id": Field(string(255)),
    }
)
_VIEW = typed({"modal": _MODAL, "home": _HOME})


def view_mistakes(view: Any, kind: str) -> list[str]:
    """Return what is wrong with a modal or a home view; https://docs.slack.dev/reference/views."""
    found, held = list(_VIEW(view, "/view")), as_json(view)
    if not held:
        return found
    blocks = as_list(held.get("blocks"))
    if held.get("type") != kind:
        found.append(wrong(f"must be a view of type {kind}", "/view/type"))
    if kind == "modal" and "submit" not in held and any(as_json(block).get("type") == "input" for block in blocks):
        found.append(wrong("`submit` is required when the view has an `input` block", "/view"))
    focused = json.dumps(blocks).count('"focus_on_load": true')
    if focused > 1:
        found.append(wrong("only one element may have `focus_on_load`", "/view/blocks"))
    return found + list(_ids_differ(blocks, "/view/blocks"))


def view_too_large(view: Json) -> bool:
    return len(json.dumps(view).encode()) > VIEW_BYTES


def _ids_differ(blocks: Any, at: str) -> Iterator[str]:
    ids = [as_json(block).get("block_id") for block in as_list(blocks)]
    for twice in repeated(each for each in ids if each is not None):
        yield wrong(f"block_id {twice!r} comes twice", at)
