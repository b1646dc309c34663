"""The fake refuses what Slack refuses, in the same words, and notes it."""

import pytest

from tests.fakes.bolt import Client, Json, refusal
from tests.fakes.slack.driver import Workspace
from tests.fakes.slack.limits.blocks import blocks_too_long, message_mistakes, view_mistakes


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(**more: object) -> Json:
    return {"type": "button", "text": plain("Go"), "action_id": "go", "value": "1", **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def select(options: int = 2, **more: object) -> Json:
    made = [{"text": plain(f"o{n}"), "value": f"v{n}"} for n in range(options)]
    return {"type": "static_select", "action_id": "pick", "options": made, **more}


def asked(element: Json, **more: object) -> Json:
    return {"type": "input", "label": plain("Reason"), "element": element, **more}


def section(text: str = "t", **more: object) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


ANOTHER: Json = {"text": plain("x"), "value": "x"}
TEXT_INPUT: Json = {"type": "plain_text_input", "action_id": "text"}
BAD: list[tuple[str, list[Json]]] = [
    ("no more than 50 items allowed [json-pointer:/blocks]", [{"type": "divider"}] * 51),
    ("must be less than 3001 characters [json-pointer:/blocks/0/text/text]", [section("t" * 3001)]),
    ("must be more than 0 characters [json-pointer:/blocks/0/text/text]", [section("")]),
    ("must define either `text` or `fields` [json-pointer:/blocks/0]", [{"type": "section"}]),
    ("no more than 10 items allowed [json-pointer:/blocks/0/fields]", [section(fields=[mrkdwn("f")] * 11)]),
    ("must be less than 2001 characters", [section(fields=[mrkdwn("f" * 2001)])]),
    ("must be less than 151 characters", [{"type": "header", "text": plain("h" * 151)}]),
    ("unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]", [{"type": "header", "text": mrkdwn("h")}]),
    ("must be less than 76 characters", [actions(button(text=plain("x" * 76)))]),
    ("must be less than 2001 characters", [actions(button(value="v" * 2001))]),
    ("must be less than 256 characters", [actions(button(action_id="i" * 256))]),
    ("must be one of primary, danger", [actions(button(style="default"))]),
    ("no more than 25 items allowed", [actions(*(button(action_id=f"a{n}") for n in range(26)))]),
    ("an `action_id` comes twice", [actions(button(), button())]),
    ("unknown property: disabled", [actions(button(disabled=True))]),
    ("no more than 100 items allowed", [actions(select(101))]),
    ("the initial option is not one of the options", [actions(select(initial_option=ANOTHER))]),
    ("unsupported type: multi_static_select", [actions(select() | {"type": "multi_static_select"})]),
    ("no more than 10 items allowed", [{"type": "context", "elements": [mrkdwn("c")] * 11}]),
    ("no fewer than 1 items allowed", [{"type": "context", "elements": []}]),
    ("unsupported type: button", [{"type": "context", "elements": [button()]}]),
    ("must be less than 256 characters", [{"type": "divider", "block_id": "b" * 256}]),
    ("block_id 'b' comes twice", [{"type": "divider", "block_id": "b"}, {"type": "divider", "block_id": "b"}]),
    ("missing required field: label", [{"type": "input", "element": TEXT_INPUT}]),
    ("must be between 1 and 3000", [asked(TEXT_INPUT | {"max_length": 3001})]),
    ("unsupported type: nonsense [json-pointer:/blocks/0/type]", [{"type": "nonsense"}]),
]  # fmt: skip


def test_blocks_beyond_a_limit_are_not() -> None:
    for rule, blocks in BAD:
        assert any(rule in mistake for mistake in message_mistakes(blocks)), (rule, message_mistakes(blocks))


def modal(**more: object) -> Json:
    blocks = [asked(TEXT_INPUT)]
    return {"type": "modal", "title": plain("t" * 24), "submit": plain("Send"), "blocks": blocks} | more


def test_views_beyond_a_limit_are_not_fine() -> None:
    assert view_mistakes(modal(), "modal") == []
    beyond: list[tuple[str, Json]] = [
        ("must be less than 25 characters [json-pointer:/view/title/text]", modal(title=plain("t" * 25))),
        ("must be less than 25 characters [json-pointer:/view/submit/text]", modal(submit=plain("t" * 25))),
        ("must be less than 3001 characters", modal(private_metadata="p" * 3001)),
        ("must be less than 256 characters", modal(callback_id="c" * 256)),
        ("no more than 100 items allowed", modal(blocks=[{"type": "divider"}] * 101)),
        ("`submit` is required", {name: value for name, value in modal().items() if name != "submit"}),
        ("missing required field: title", {"type": "modal", "blocks": []}),
        ("must be a view of type modal", {"type": "home", "blocks": []}),
        ("unsupported type: markdown", modal(blocks=[{"type": "markdown", "text": "m"}])),
    ]
    for rule, view in beyond:
        assert any(rule in mistake for mistake in view_mistakes(view, "modal")), (rule, view_mistakes(view, "modal"))


def test_all_blocks_together_have_a_length() -> None:
    assert not blocks_too_long([section("t" * 2870)] * 4)
    assert blocks_too_long([section("t" * 2880)] * 4)
    assert blocks_too_long([{"type": "markdown", "text": "m" * 6001}] * 2)


async def test_a_refused_message_is_answered_as_slack_does_and_noted(
    slack: Workspace, client: Client, ops: str
) -> None:
    refused = await refusal(
        client.chat_postMessage(channel=ops, text="hello", blocks=[{"type": "section", "text": mrkdwn("t" * 3001)}])
    )

    words = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert refused["error"] == "invalid_blocks"
    assert refused["errors"] == [words]
    assert refused["response_metadata"]["messages"] == [f"[ERROR] {words}"]
    (noted,) = await slack.violations()
    assert (noted["method"], noted["rule"], noted["where"]) == ("chat.postMessage", words, "/blocks/0/text/text")


@pytest.mark.parametrize(
    ("error", "args"),
    [
        ("msg_too_long", {"text": "t" * 40_001}),
        ("no_text", {"text": ""}),
        ("msg_blocks_too_long", {"text": "t", "blocks": [section("t" * 3000)] * 5}),
        ("invalid_metadata_format", {"text": "t", "metadata": {"event_type": "x"}}),
        ("metadata_too_large", {"text": "t", "metadata": {"event_type": "x", "event_payload": {"a": "b" * 8000}}}),
    ],
)
async def test_a_message_that_is_too_much_or_nothing_is_refused(
    slack: Workspace, client: Client, ops: str, error: str, args: Json
) -> None:
    refused = await refusal(client.api_call("chat.postMessage", json={"channel": ops, **args}))

    assert refused["error"] == error
    assert await slack.violations()
    assert await slack.messages("#ops") == []


async def test_blocks_without_a_text_and_old_ids_on_new_blocks_are_advised_against(
    slack: Workspace, client: Client, ops: str
) -> None:
    first_blocks, changed = ([actions(button(value=value)) | {"block_id": "same"}] for value in "12")
    sent = await client.api_call("chat.postMessage", json={"channel": ops, "blocks": first_blocks})
    await client.chat_update(channel=ops, ts=sent["ts"], text="t", blocks=changed)

    first, second = await slack.violations()
    assert "phones and screen readers" in first["rule"]
    assert "block_id 'same' again" in second["rule"]
    assert not first["refused"]
