"""The manifest of the Slack app: what is pasted where an app is made, so that nobody sets anything up by hand. Pure.

https://docs.slack.dev/reference/app-manifest says what each key means.
"""

from pydantic import JsonValue

from channels.slack.inbound import ASK_ABOUT

Manifest = dict[str, JsonValue]

COMMAND = "/sayso"

SCOPES = (
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "users:read",
    "users:read.email",
)
"""All that the bot token may do. docs/slack.md has the reason for each."""

AGENT_SCOPE = "assistant:write"
"""The scope that Slack adds to an app that is an agent: https://docs.slack.dev/ai/agent-sessions."""

GROUPS_SCOPE = "usergroups:read"
"""The scope for `[groups.NAME] slack = …`: https://docs.slack.dev/reference/methods/usergroups.users.list."""

APP_SCOPE = "connections:write"
"""The scope of the app token: open Socket Mode. A manifest can't hold it; it is chosen where that token is made."""

EVENTS = ("app_home_opened", "message.channels", "message.groups", "message.im")
"""A mention is a message, too: `app_mention` would bring it twice and need one more scope."""

EVENTS_PATH, INTERACTIONS_PATH = "/slack/events", "/slack/interactions"
"""The paths at which `sayso web` takes what Slack posts. A slash command comes as an interaction does."""

NAME_CHARS = 35
"""Longest name of an app."""

_WHAT = "Asks people before anything is done"
_LONG = (
    "sayso lets software agents ask people. Mention it in a channel, write to it, or use the shortcut on a message, "
    "and it works on what you want in one thread. Where something needs to be agreed, those who may decide get a card "
    "that says exactly what is about to be done, with the buttons to approve or to deny it. Nothing happens before "
    "that, and everybody sees who decided what."
)


def manifest(name: str = "sayso", url: str = "", *, is_agent: bool = False, reads_groups: bool = False) -> Manifest:
    """The manifest of an app called `name`: for Socket Mode, or for HTTP where `url` is the origin of `sayso web`.

    As an agent (a paid plan of Slack's) it shows in Slack itself that it works on something. With `reads_groups` it may
    read who is in user groups.
    """
    more = [scope for scope, wanted in ((AGENT_SCOPE, is_agent), (GROUPS_SCOPE, reads_groups)) if wanted]
    scopes = sorted((*SCOPES, *more))
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": name,
            "description": _WHAT,
            "long_description": _LONG,
            "background_color": "#1f3a5f",
        },
        "features": _features(name, url, is_agent=is_agent),
        "oauth_config": {"scopes": {"bot": [*scopes]}},
        "settings": {
            "event_subscriptions": {**_at(url, EVENTS_PATH), "bot_events": [*EVENTS]},
            "interactivity": {"is_enabled": True, **_at(url, INTERACTIONS_PATH)},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }


def _features(name: str, url: str, *, is_agent: bool) -> Manifest:
    command: Manifest = {
        "command": COMMAND,
        "description": "Ask for something; what needs to be agreed is asked",
        "usage_hint": "deploy v1.2.0 to production",
        "should_escape": False,
    }
    if url:
        command["url"] = f"{url}{INTERACTIONS_PATH}"
    shortcut: Manifest = {
        "name": "Ask sayso about this",
        "type": "message",
        "callback_id": ASK_ABOUT,
        "description": "Starts with what the message says",
    }
    agent: Manifest = {"agent_view": {"agent_description": _WHAT}} if is_agent else {}
    return {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
        **agent,
        "bot_user": {"display_name": name, "always_online": True},
        "shortcuts": [shortcut],
        "slash_commands": [command],
    }


def _at(url: str, path: str) -> dict[str, JsonValue]:
    """Return where Slack posts to in HTTP mode; in Socket Mode it posts nowhere."""
    return {"request_url": f"{url}{path}"} if url else {}
