"""Payloads, sorted before they are acknowledged."""

import json
from typing import Any

import pytest

from channels.slack.inbound import Nothing, Opens, Stored, Visited, action_of, says_only_its_text, sort, thread_of
from tests.channels.slack.receiving import NOON


def event(**fields: Any) -> dict[str, Any]:
    """An event's envelope around a message."""
    message = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1.2", "text": "hi"}
    return {
        "type": "event_callback",
        "token": "verification",
        "team_id": "T1",
        "api_app_id": "A1",
        "authorizations": [{"user_id": "U0BOT", "is_bot": True}],
        "event": message | fields,
    }


def press(action: str, **more: Any) -> dict[str, Any]:
    """A press on a button of a card."""
    return {
        "type": "block_actions",
        "response_url": "https://hooks.example/secret",
        "trigger_id": "1.2.3",
        "channel": {"id": "C1"},
        "container": {"message_ts": "5.6", "thread_ts": "1.2"},
        "message": {"ts": "5.6", "thread_ts": "1.2", "blocks": [{"type": "divider"}]},
        "actions": [{"action_id": action, "value": "token"}],
        **more,
    }


@pytest.mark.parametrize(
    ("fields", "within"),
    [
        ({"channel": "D1", "channel_type": "im"}, ""),
        ({"text": "<@U0BOT> hi"}, ""),
        ({"type": "app_mention"}, ""),
        ({"thread_ts": "1.1"}, "C1/1.1"),
        ({"thread_ts": "1.1", "subtype": "file_share"}, "C1/1.1"),
        ({"thread_ts": "1.1", "subtype": "thread_broadcast"}, "C1/1.1"),
        ({"thread_ts": "1.1", "text": "<@U0BOT|sayso> hi"}, ""),
        ({"thread_ts": "1.1", "text": "<@U0BOT> hi", "parent_user_id": "U0BOT"}, ""),
    ],
)
def test_words_for_us_are_stored(fields: dict[str, Any], within: str) -> None:
    found = sort(event(**fields), NOON)

    assert isinstance(found, Stored)
    may_answer = "thread_ts" in fields
    assert (found.inbound.within, found.inbound.is_answer, found.inbound.can_wait) == (within, may_answer, False)
    assert found.inbound.begins == ("" if within else thread_of("event", event(**fields)))
    assert found.inbound.key == f"message:A1:T1:{fields.get('channel', 'C1')}:1.2"
    assert b"verification" not in found.inbound.raw


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": "<@U0BOT> hi", "bot_id": "B1"},
        {"text": "<@U0BOT> hi", "user": "U0BOT"},
        {"text": "<@U0BOT> hi", "user": "USLACKBOT"},
        {"type": "app_mention", "edited": {"user": "U1"}},
        {"type": "reaction_added"},
        *({"text": "<@U0BOT> hi", "subtype": name} for name in ("message_changed", "channel_join", "bot_message")),
    ],
)
def test_all_else_that_is_said_is_nothing(fields: dict[str, Any]) -> None:
    assert sort(event(**fields), NOON) == Nothing({})


def deletion(before: dict[str, Any], *, has_replies: bool = False) -> dict[str, Any]:
    """What Slack tells of a message that was deleted: https://docs.slack.dev/reference/events/message/message_deleted"""
    said = {"type": "message", "user": "U1", "ts": "1.2", "text": "<@U0BOT> deploy", "edited": {"user": "U1"}}
    if not has_replies:
        return event(subtype="message_deleted", hidden=True, deleted_ts="1.2", ts="9", previous_message=said | before)
    left = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "hidden": True, "ts": "1.2"}
    said |= {"thread_ts": "1.2"}
    return event(subtype="message_changed", hidden=True, ts="9", message=left, previous_message=said | before)


@pytest.mark.parametrize("has_replies", [False, True])
def test_a_message_that_was_deleted_is_stored_once_without_its_words(has_replies: bool) -> None:
    found = sort(deletion({}, has_replies=has_replies), NOON)

    assert isinstance(found, Stored)
    assert (found.inbound.key, found.inbound.within, found.inbound.begins) == ("deleted:A1:T1:C1:1.2", "C1/1.2", "")
    assert b"deploy" not in found.inbound.raw


@pytest.mark.parametrize("editor", ["U1", "U2"])
def test_an_edit_counts_only_where_the_writer_of_the_message_made_it(editor: str) -> None:
    said = {
        "type": "message",
        "user": "U1",
        "ts": "1.2",
        "text": "<@U0BOT> stop",
        "edited": {"user": editor, "ts": "3"},
    }
    before = said | {"text": "<@U0BOT> deploy"}

    found = sort(event(subtype="message_changed", hidden=True, ts="9", message=said, previous_message=before), NOON)

    assert isinstance(found, Stored if editor == "U1" else Nothing)


@pytest.mark.parametrize("has_replies", [False, True])
def test_what_no_person_wrote_may_be_deleted(has_replies: bool) -> None:
    for before in ({"user": "U0BOT"}, {"bot_id": "B1"}, {"user": "USLACKBOT", "subtype": "tombstone"}):
        assert sort(deletion({**before}, has_replies=has_replies), NOON) == Nothing({})


def test_answers_are_stored_without_what_could_speak_for_us() -> None:
    for action in ("act:approve", "act:deny", "act:approve:again", "yes", "no", "choose.3", "choose", "send"):
        found = sort(press(action), NOON)
        assert isinstance(found, Stored)
        assert (found.inbound.key, found.inbound.is_answer) == ("action:1.2.3", True)
        assert b"hooks.example" not in found.inbound.raw
        assert b"divider" not in found.inbound.raw


def test_a_press_in_an_app_home_is_stored_with_what_was_chosen_and_without_the_home() -> None:
    state = {"values": {"b1": {"pick": {"selected_options": [{"value": "token 1"}]}}}}
    found = sort(press("send", view={"id": "V1", "blocks": [{"type": "header"}], "state": state}), NOON)

    assert isinstance(found, Stored)
    assert json.loads(found.inbound.raw)["body"]["view"] == {"id": "V1", "state": state}


def test_a_press_that_only_opens_a_window_is_not_stored_and_what_makes_no_sense_is_nothing() -> None:
    for action in ("details", "open:deny:reason", "fill", "write", "ask"):
        found = sort(press(action), NOON)
        assert isinstance(found, Opens)
        assert found.window == action
    nonsense: list[dict[str, Any]] = [{}, {"type": 7}, {"type": "event_callback", "event": []}, {"type": "view_closed"}]
    for body in (*map(press, ("pick", "approved", "", "console")), *nonsense):
        assert sort(body, NOON) == Nothing({}), body


def test_what_is_chosen_in_the_menu_behind_three_dots_is_as_if_its_button_was_pressed() -> None:
    def chosen(value: str) -> dict[str, Any]:
        label = {"type": "plain_text", "text": "Ask…"}
        option = {"text": label, "value": value}
        return press("menu.0", actions=[{"type": "overflow", "action_id": "menu.0", "selected_option": option}])

    opens, does = sort(chosen("open:deny:reason s0d-x"), NOON), sort(chosen("act:approve:again s0d-x"), NOON)

    assert isinstance(opens, Opens)
    assert opens.window == "open:deny:reason"
    name, action = action_of(opens.body)
    assert (name, action["value"], action["text"]) == (
        "open:deny:reason",
        "s0d-x",
        {"type": "plain_text", "text": "Ask…"},
    )
    assert isinstance(does, Stored)
    assert (does.inbound.token, does.inbound.is_answer) == ("s0d-x", True)


def test_a_visit_of_the_app_home_is_no_message() -> None:
    assert sort(event(type="app_home_opened", tab="home"), NOON) == Visited("U1")
    assert sort(event(type="app_home_opened", tab="messages"), NOON) == Nothing({})


def test_a_wish_about_a_message_begins_in_its_thread_and_no_other_window_begins_anything() -> None:
    def sent(window: str) -> dict[str, Any]:
        view = {"callback_id": window, "private_metadata": '{"place": "C1/1.2", "token": "t"}', "id": "V1", "hash": "h"}
        return {"type": "view_submission", "view": view, "user": {"id": "U1"}}

    found = {name: sort(sent(name), NOON) for name in ("ask_about", "ask", "act:deny:reason", "fill", "write")}

    begun = {name: one.inbound.begins for name, one in found.items() if isinstance(one, Stored)}
    assert begun == {"ask_about": "C1/1.2", "ask": "", "act:deny:reason": "", "fill": "", "write": ""}


def test_threads_have_names() -> None:
    command = {"channel_id": "C1", "trigger_id": "1.2.3"}
    assert thread_of("event", event(thread_ts="1.1")) == "C1/1.1"
    assert thread_of("action", press("act:approve")) == "C1/1.2"
    assert thread_of("command", command) == thread_of("command", dict(command))
    assert thread_of("command", command).startswith("C1/~")
    assert thread_of("command", command) != thread_of("command", command | {"trigger_id": "4.5.6"})


@pytest.mark.parametrize(
    ("changes", "is_typed"),
    [
        ({}, True),
        ({"blocks": [{"type": "rich_text"}]}, True),
        ({"blocks": [{"type": "section"}]}, False),
        ({"bot_id": "B1"}, False),
        ({"app_id": "A1"}, False),
        ({"subtype": "me_message"}, False),
        ({"attachments": [{"text": "something else"}]}, False),
        ({"files": [{"id": "F1"}]}, False),
    ],
)
def test_a_message_that_may_show_something_else_is_more_than_its_text(changes: dict[str, Any], is_typed: bool) -> None:
    assert says_only_its_text({"user": "U1", "text": "deploy v1 to production"} | changes) == is_typed
