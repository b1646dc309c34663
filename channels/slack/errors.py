"""What Slack's errors mean for whoever runs sayso: what happened, and what to do. Pure.

Names are those of the Web API's documentation, one list for each method.
"""

from channels import ChannelError, ChannelRefused, ChannelUnauthorized, ChannelUnavailable

NAME = "slack"

# Error -> (what, do). `{place}` is a Slack channel, a person's Slack id or a thread, as the call named it.
_FOR_GOOD = {
    "not_in_channel": ("sayso is not a member of {place}", "Write `/invite @sayso` there"),
    "channel_not_found": (
        "Slack knows no {place}, or sayso may not see it",
        "Correct its name in sayso.toml; into a private one sayso must be invited",
    ),
    "is_archived": ("{place} is archived", "Name another place in sayso.toml, or take it out of the archive"),
    "restricted_action": (
        "a workspace setting keeps sayso from writing in {place}",
        "Have an administrator let it post there, or name another place in sayso.toml",
    ),
    "restricted_action_thread_locked": (
        "the thread in {place} is locked",
        "Have an administrator unlock it, or ask outside of it",
    ),
    "msg_too_long": ("Slack takes no message so long", "Read it on its page in the console"),
    "msg_blocks_too_long": ("Slack takes no card so long", "Read it on its page in the console"),
    "user_not_found": ("Slack knows nobody with the id {place}", "Correct `slack` of that person in sayso.toml"),
    "user_disabled": ("{place} is deactivated in Slack", "Correct `slack` of that person in sayso.toml"),
    "cannot_dm_bot": ("{place} is a bot and reads no messages", "Correct `slack` of that person in sayso.toml"),
    "message_not_found": ("the message in {place} is gone", "Nothing: somebody deleted it"),
    "thread_not_found": ("the thread in {place} is gone", "Nothing: somebody deleted it"),
    "cant_update_message": ("the message in {place} is not sayso's own", "Nothing: it stays as it is"),
    "edit_window_closed": (
        "a workspace setting keeps sayso from changing its message in {place}",
        "Have an administrator let messages be edited at any time",
    ),
    "is_inactive": ("{place} is archived", "Name another place in sayso.toml, or take it out of the archive"),
    "user_not_in_channel": ("they are not a member of {place}", "They are told in a direct message"),
    "messages_tab_disabled": (
        "the app takes no direct messages",
        "Turn on the Messages tab under App Home, as `sayso slack manifest` has it",
    ),
    "invalid_blocks": ("Slack does not take this card's layout", "Read it on its page in the console, and report it"),
    "ekm_access_denied": ("{place} is locked by its administrators", "Name another place in sayso.toml"),
}
# It is us whom Slack refuses, whatever the call is about.
_ABOUT_US = {
    "invalid_auth": ("Slack does not take our token", "Set SLACK_BOT_TOKEN to the token of the installed app"),
    "not_authed": ("no token was sent to Slack", "Set SLACK_BOT_TOKEN to the token of the installed app"),
    "account_inactive": (
        "our token belongs to an app that was removed",
        "Install the app again and set SLACK_BOT_TOKEN",
    ),
    "token_revoked": ("our token was taken back", "Install the app again and set SLACK_BOT_TOKEN"),
    "token_expired": ("our token has expired", "Install the app again and set SLACK_BOT_TOKEN"),
    "not_allowed_token_type": (
        "this is the wrong kind of token",
        "SLACK_BOT_TOKEN begins with xoxb-, SLACK_APP_TOKEN with xapp-",
    ),
    "no_permission": (
        "our token may not do this in {place}",
        "Install the app again, as `sayso slack manifest` has it",
    ),
    "team_access_not_granted": ("the app may not act in this workspace", "Have an administrator approve the app"),
    "enterprise_is_restricted": ("the app may not act in this organization", "Have an administrator approve the app"),
    "accesslimited": ("Slack takes no calls from this network", "Have an administrator allow this machine's address"),
    "two_factor_setup_required": (
        "the workspace asks for two-factor authentication",
        "Have whoever installed the app set it up",
    ),
    "org_login_required": (
        "the workspace is moving to an organization",
        "Nothing, if that ends by itself. Otherwise install the app again",
    ),
}
DEAD_TOKEN = frozenset(("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"))
"""With these no call of the same token is answered otherwise."""

_APP_TOKENS = "(Basic Information, App-Level Tokens)"
# What the same words mean where the app token is used, which opens Socket Mode and nothing else.
_ABOUT_APP_TOKEN = {
    "missing_scope": (
        "the app token lacks the scope connections:write",
        f"Make an app token with the scope connections:write {_APP_TOKENS} and set SLACK_APP_TOKEN",
    ),
    "socket_mode_not_enabled": (
        "Socket Mode is not enabled",
        "Turn Socket Mode on in the settings of the app, under Socket Mode",
    ),
    "token_revoked": ("our app token was taken back", f"Set SLACK_APP_TOKEN to an app token of this app {_APP_TOKENS}"),
    "not_allowed_token_type": ("SLACK_APP_TOKEN is the wrong kind of token", "An app token begins with xapp-"),
}
_BAD_APP_TOKEN = ("Slack does not take our app token", f"Set SLACK_APP_TOKEN to an app token of this app {_APP_TOKENS}")
_FOR_NOW = frozenset(
    (
        "ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error",
        "service_unavailable", "request_timeout", "team_added_to_org",
    )
)  # fmt: skip


def told(error: str, place: str, *, needed: str = "", app_token: bool = False) -> ChannelError:
    """`error` in the two words that callers act on. `needed` is the scope that Slack says is missing.

    `app_token`: it was the app token that was used, and not the bot token.
    """
    if app_token and (error in _ABOUT_US or error in _ABOUT_APP_TOKEN):
        return ChannelUnauthorized(NAME, *_ABOUT_APP_TOKEN.get(error, _BAD_APP_TOKEN))
    if error == "missing_scope":
        what = f"the app lacks the scope {needed or 'that this needs'}"
        do = "Add it under OAuth & Permissions, as `sayso slack manifest` has it, and install again"
        return ChannelUnauthorized(NAME, what, do)
    if error in _ABOUT_US:
        what, do = _ABOUT_US[error]
        return ChannelUnauthorized(NAME, what.format(place=place), do)
    if error in _FOR_NOW:
        return ChannelUnavailable(f"Slack can't do it now ({error})", "It is tried again")
    known = error if error in _FOR_GOOD or not error.startswith("restricted_action_") else "restricted_action"
    what, do = _FOR_GOOD.get(known, (f"Slack refused it with {error!r}", "See that word in Slack's documentation"))
    return ChannelRefused(what.format(place=place), do)
