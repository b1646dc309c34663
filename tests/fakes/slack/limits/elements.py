"""Block elements and what they are made of.

https://docs.slack.dev/reference/block-kit/block-elements, https://docs.slack.dev/reference/block-kit/composition-objects
"""

import re
from collections.abc import Iterator
from typing import Any, cast

from tests.fakes.slack.limits.shapes import (
    Check,
    Field,
    anything,
    boolean,
    both,
    integer,
    items,
    one_of,
    record,
    repeated,
    string,
    typed,
    wrong,
)  # fmt: skip
from tests.fakes.slack.model import Json, as_json, as_list

_PLAIN = {"type": Field(anything, required=True), "emoji": Field(boolean)}
_MRKDWN = {"type": Field(anything, required=True), "verbatim": Field(boolean)}


def plain(longest: int) -> Check:
    """A `plain_text` object, and no other."""
    return typed({"plain_text": record({**_PLAIN, "text": Field(string(longest, shortest=1), required=True)})})


def text(longest: int) -> Check:
    """A text object of either kind."""
    words = Field(string(longest, shortest=1), required=True)
    return typed({"plain_text": record({**_PLAIN, "text": words}), "mrkdwn": record({**_MRKDWN, "text": words})})


def matching(pattern: str, what: str) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            yield wrong(f"must be {what}", at)

    return check


CONFIRM = record(
    {
        "title": Field(plain(100), required=True),
        "text": Field(text(300), required=True),
        "confirm": Field(plain(30), required=True),
        "deny": Field(plain(30), required=True),
        "style": Field(one_of("primary", "danger")),
    }
)


def option(label: Check) -> Check:
    return record(
        {
            "text": Field(label, required=True),
            "value": Field(string(150, shortest=1), required=True),
            "description": Field(text(75)),
            "url": Field(string(3000)),
        }
    )


OPTION, RICH_OPTION = option(plain(75)), option(text(75))
GROUP = record(
    {"label": Field(plain(75), required=True), "options": Field(items(OPTION, 100), required=True)},
)

_COMMON = {"type": Field(anything, required=True), "action_id": Field(string(255, shortest=1))}
_ASKED = {**_COMMON, "confirm": Field(CONFIRM), "focus_on_load": Field(boolean)}
_HINTED = {**_ASKED, "placeholder": Field(plain(150))}
_DISPATCH = Field(
    record({"trigger_actions_on": Field(items(one_of("on_enter_pressed", "on_character_entered"), 2), required=True)})
)
_ID = Field(string(255))
_IDS = Field(items(string(255), 100))
_MOST = Field(integer(1, 100))
_DATE = Field(matching(r"\d{4}-\d{2}-\d{2}", "a date as YYYY-MM-DD"))
_TIME = Field(matching(r"\d{2}:\d{2}", "a time as HH:mm"))


def _options_somewhere(value: Any, at: str) -> Iterator[str]:
    held = cast("Json", value)
    if ("options" in held) == ("option_groups" in held):
        yield wrong("must define either `options` or `option_groups`", at)


def _initial_among_options(value: Any, at: str) -> Iterator[str]:
    held = cast("Json", value)
    offered = [*as_list(held.get("options"))]
    for group in as_list(held.get("option_groups")):
        offered += as_list(as_json(group).get("options"))
    chosen: list[Any] = [held["initial_option"]] if "initial_option" in held else as_list(held.get("initial_options"))
    if any(each not in offered for each in chosen):
        yield wrong("the initial option is not one of the options", at)


def _distinct_values(value: Any, at: str) -> Iterator[str]:
    held = cast("Json", value)
    if repeated(as_json(each).get("value") for each in as_list(held.get("options"))):
        yield wrong("the values of options must differ", f"{at}/options")


def _select(**more: Field) -> Check:
    lists = {"options": Field(items(OPTION, 100)), "option_groups": Field(items(GROUP, 100))}
    shape = record({**_HINTED, **lists, **more})
    return both(shape, _options_somewhere, _initial_among_options, _distinct_values)


def _listed(**more: Field) -> Check:
    shape = record({**_ASKED, "options": Field(items(RICH_OPTION, 10), required=True), **more})
    return both(shape, _initial_among_options, _distinct_values)


IMAGE = record(
    {
        "type": Field(anything, required=True),
        "image_url": Field(string(3000)),
        "slack_file": Field(anything),
        "alt_text": Field(string(2000, shortest=1), required=True),
    }
)
BUTTON = record(
    {
        **_COMMON,
        "text": Field(plain(75), required=True),
        "url": Field(string(3000)),
        "value": Field(string(2000)),
        "style": Field(one_of("primary", "danger")),
        "confirm": Field(CONFIRM),
        "accessibility_label": Field(string(75)),
    }
)

ACTIONS: dict[str, Check] = {
    "button": BUTTON,
    "static_select": _select(initial_option=Field(OPTION)),
    "overflow": record({**_COMMON, "confirm": Field(CONFIRM), "options": Field(items(OPTION, 5), required=True)}),
    "checkboxes": _listed(initial_options=Field(items(RICH_OPTION, 10))),
    "radio_buttons": _listed(initial_option=Field(RICH_OPTION)),
    "datepicker": record({**_HINTED, "initial_date": _DATE}),
    "timepicker": record({**_HINTED, "initial_time": _TIME, "timezone": Field(string(100))}),
    "datetimepicker": record({**_ASKED, "initial_date_time": Field(integer(1_000_000_000, 9_999_999_999))}),
    "users_select": record({**_HINTED, "initial_user": _ID}),
    "conversations_select": record({**_HINTED, "initial_conversation": _ID, "filter": Field(anything)}),
    "channels_select": record({**_HINTED, "initial_channel": _ID}),
}
# Only beside a section or in an input.
MULTIPLE: dict[str, Check] = {
    "multi_static_select": _select(initial_options=Field(items(OPTION, 100)), max_selected_items=_MOST),
    "multi_users_select": record({**_HINTED, "initial_users": _IDS, "max_selected_items": _MOST}),
    "multi_conversations_select": record({**_HINTED, "initial_conversations": _IDS, "max_selected_items": _MOST}),
    "multi_channels_select": record({**_HINTED, "initial_channels": _IDS, "max_selected_items": _MOST}),
}
_WRITTEN = {**_HINTED, "dispatch_action_config": _DISPATCH}
TYPED: dict[str, Check] = {
    "plain_text_input": record(
        {
            **_WRITTEN,
            "initial_value": Field(string(3000)),
            "multiline": Field(boolean),
            "min_length": Field(integer(0, 3000)),
            "max_length": Field(integer(1, 3000)),
        }
    ),
    "number_input": record(
        {
            **_WRITTEN,
            "is_decimal_allowed": Field(boolean, required=True),
            "initial_value": Field(string(100)),
            "min_value": Field(string(100)),
            "max_value": Field(string(100)),
        }
    ),
    "email_text_input": record({**_WRITTEN, "initial_value": Field(string(3000))}),
    "url_text_input": record({**_WRITTEN, "initial_value": Field(string(3000))}),
}
ACCESSORIES: dict[str, Check] = {**ACTIONS, **MULTIPLE, "image": IMAGE}
INPUTS: dict[str, Check] = {
    **{name: check for name, check in ACTIONS.items() if name not in ("button", "overflow")}, **MULTIPLE, **TYPED,
}  # fmt: skip
