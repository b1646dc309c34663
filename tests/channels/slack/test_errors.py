"""What an operator reads when Slack says no."""

import pytest

from channels import ChannelRefused, ChannelUnavailable
from channels.slack.errors import told

FOR_GOOD = [
    "not_in_channel",
    "channel_not_found",
    "is_archived",
    "missing_scope",
    "invalid_auth",
    "token_revoked",
    "msg_too_long",
    "user_not_found",
    "cannot_dm_bot",
    "restricted_action",
    "user_not_in_channel",
    "message_not_found",
    "thread_not_found",
    "cant_update_message",
    "edit_window_closed",
    "is_inactive",
    "messages_tab_disabled",
    "invalid_blocks",
    "no_permission",
    "ekm_access_denied",
    "team_access_not_granted",
]


@pytest.mark.parametrize("error", FOR_GOOD)
def test_each_error_is_one_sentence_and_what_to_do(error: str) -> None:
    found = told(error, "#release", needed="chat:write")

    assert isinstance(found, ChannelRefused)
    assert error not in str(found), "people do not read Slack's words"
    assert found.what[-1] != "."
    assert found.do


def test_a_missing_scope_is_named() -> None:
    assert "chat:write" in told("missing_scope", "#release", needed="chat:write").what


def test_what_passes_is_tried_again() -> None:
    assert isinstance(told("ratelimited", "#release"), ChannelUnavailable)


def test_an_error_that_nobody_has_thought_of_is_told_by_its_name() -> None:
    assert "'as_user_not_supported'" in told("as_user_not_supported", "#release").what
