"""The words that an operator reads when Slack says no."""

from channels import ChannelError, ChannelRefused, ChannelUnauthorized, ChannelUnavailable
from channels.slack.api import channel_error

FOR_GOOD = (
    *("not_in_channel", "channel_not_found", "is_archived", "msg_too_long", "user_not_found", "cannot_dm_bot"),
    *("restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_locked", "is_inactive"),
    *("user_not_in_channel", "message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"),
    *("messages_tab_disabled", "invalid_blocks", "ekm_access_denied"),
)
ABOUT_US = (
    *("missing_scope", "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
    *("not_allowed_token_type", "no_permission", "team_access_not_granted", "enterprise_is_restricted"),
    *("accesslimited", "two_factor_setup_required", "org_login_required"),
)


def test_each_error_is_one_sentence_and_what_to_do_and_what_is_about_us_is_no_verdict_on_what_was_sent() -> None:
    for error in FOR_GOOD:
        found = channel_error(error, "#release", needed="chat:write")
        assert isinstance(found, ChannelRefused), error
        is_a_sentence(found, error)
    for error in ABOUT_US:
        found = channel_error(error, "#release", needed="chat:write")
        assert isinstance(found, ChannelUnauthorized), error
        assert found.channel == "slack"
        is_a_sentence(found, error)


def test_a_bad_app_token_never_advises_the_bot_token() -> None:
    for error in (*ABOUT_US, "socket_mode_not_enabled"):
        found = channel_error(error, "", app_token=True)
        assert isinstance(found, ChannelUnauthorized)
        assert "SLACK_BOT_TOKEN" not in str(found)
        is_a_sentence(found, error)


def is_a_sentence(found: ChannelError, error: str) -> None:
    assert error not in str(found), "people do not read Slack's words"
    assert found.what[-1] != "."
    assert found.do


def test_a_missing_scope_and_an_error_that_nobody_has_thought_of_are_named_and_what_passes_is_tried_again() -> None:
    assert "chat:write" in channel_error("missing_scope", "#release", needed="chat:write").what
    assert "'as_user_not_supported'" in channel_error("as_user_not_supported", "#release").what
    assert "'{a}'" in channel_error("{a}", "#release").what
    assert isinstance(channel_error("ratelimited", "#release"), ChannelUnavailable)
