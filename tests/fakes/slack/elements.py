"""Elements as people use them: find one, the `action` that using it makes, the `state` it then has.

Shapes: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload and view_submission of Slack's SDKs.
"""

from collections.abc import Iterator
from typing import Any, cast

from tests.fakes.slack.model import Json, as_list

# Where the state of an element stands, and which initial value it starts from.
_STATE = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
}
_MANY = (
    "multi_static_select",
    "checkboxes",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
)


class NotThere(Exception):
    """The person looks for something that is not on their screen; the message lists what is."""


def walk(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Each block that holds an element people can use, with the element."""
    for block in blocks:
        held: list[Json] = []
        if block["type"] == "actions":
            held = block["elements"]
        elif block["type"] == "section" and "accessory" in block:
            held = [block["accessory"]]
        elif block["type"] == "input":
            held = [block["element"]]
        yield from ((block, element) for element in held if element["type"] != "image")


def names(block: Json, element: Json) -> list[str]:
    """Return what a person or a test may call it: label, placeholder, action id, block id."""
    words = [element.get("text"), block.get("label"), element.get("placeholder")]
    labels = [cast("Json", word)["text"] for word in words if isinstance(word, dict)]
    hidden = as_list(element["options"]) if element["type"] == "overflow" else []
    labels += [str(option["text"]["text"]) for option in hidden]
    return [*labels, element["action_id"], block["block_id"]]


def find(blocks: list[Json], what: str) -> tuple[str, Json]:
    """The block id and the element that is called `what`; raises NotThere."""
    for block, element in walk(blocks):
        if what in names(block, element):
            return block["block_id"], element
    there = [names(block, element)[0] for block, element in walk(blocks)]
    raise NotThere(f"there is no {what!r} to press or fill in; there is {', '.join(map(repr, there)) or 'nothing'}")


def action(block_id: str, element: Json, value: Any, ts: str) -> Json:
    """One of the `actions` of `block_actions`."""
    made: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block_id, "action_ts": ts}
    if element["type"] == "button":
        made |= {name: element[name] for name in ("text", "value", "style", "url", "confirm") if name in element}
        return made
    if element["type"] == "overflow":
        return made | {"selected_option": _option(element, value)}
    if "placeholder" in element:
        made["placeholder"] = element["placeholder"]
    chosen = state(element, value) or {}
    return made | {name: inner for name, inner in chosen.items() if name != "type"}


def state(element: Json, value: Any) -> Json | None:
    """The state of `element` with `value` in it; None for buttons and overflow menus, which have none."""
    kind = element["type"]
    if kind not in _STATE:
        return None
    name, _ = _STATE[kind]
    if value is None or value == "":
        return {"type": kind, name: [] if kind in _MANY else None}
    if kind in ("multi_static_select", "checkboxes"):
        return {"type": kind, name: [_option(element, each) for each in _several(value)]}
    if kind in ("static_select", "radio_buttons"):
        return {"type": kind, name: _option(element, value)}
    return {"type": kind, name: _several(value) if kind in _MANY else value}


def all_values(blocks: list[Json], chosen: Json) -> Json:
    """`state.values`: every element that has a state, with what was put in or what it started from."""
    values: Json = {}
    for block, element in walk(blocks):
        kind, block_id, action_id = element["type"], block["block_id"], element["action_id"]
        if kind not in _STATE:
            continue
        name, initial = _STATE[kind]
        start: Json = {"type": kind, name: element.get(initial, [] if kind in _MANY else None)}
        values.setdefault(block_id, {})[action_id] = chosen.get(block_id, {}).get(action_id, start)
    return values


def is_empty(element_state: Json) -> bool:
    return not any(value for name, value in element_state.items() if name != "type")


def _several(value: Any) -> list[Any]:
    return as_list(value) if isinstance(value, list) else [value]


def _option(element: Json, value: Any) -> Json:
    """The option with this label or value."""
    options: list[Json] = [*as_list(element.get("options"))]
    for group in as_list(element.get("option_groups")):
        options += group["options"]
    for option in options:
        if value in (option["text"]["text"], option["value"]):
            return option
    raise NotThere(f"there is no option {value!r}; there is {', '.join(option['text']['text'] for option in options)}")
