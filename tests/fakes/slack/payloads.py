"""The payloads Slack sends to an app, with the fields it sends.

https://docs.slack.dev/apis/events-api, https://docs.slack.dev/reference/interaction-payloads
"""

from tests.fakes.slack.model import Conversation, Ephemeral, Json, Message, User, View
from tests.fakes.slack.state import Slack

TOKEN = "verification-token"  # deprecated at Slack, and still sent


def event_callback(slack: Slack, event: Json) -> Json:
    """The outer event around `event`."""
    s = slack.settings
    channel = slack.conversations.get(str(event.get("channel", "")))
    return {
        "token": TOKEN,
        "team_id": s.team,
        "context_team_id": s.team,
        "context_enterprise_id": None,
        "api_app_id": s.app,
        "event": event,
        "type": "event_callback",
        "event_id": slack.new_id("Ev"),
        "event_time": int(slack.clock.now()),
        "authorizations": [
            {
                "enterprise_id": None, "team_id": s.team, "user_id": s.bot, "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.shared),
        "event_context": f"4-{slack.new_id('')}",
    }  # fmt: skip


def message_event(slack: Slack, message: Message, channel: Conversation) -> Json:
    """`message`, as the event of its channel's kind."""
    event = message.to_json() | {"channel": channel.id, "event_ts": message.ts, "channel_type": channel.kind}
    user = slack.users.get(message.user)
    if channel.shared and user:
        event |= {"user_team": user.team_id, "source_team": user.team_id, "user_profile": {"team": user.team_id}}
    return event


def changed_event(slack: Slack, message: Message, channel: Conversation, before: Json, ts: str) -> Json:
    """An edit, by a person or by the app."""
    del slack
    return {
        "type": "message", "subtype": "message_changed", "message": channel.seen(message), "previous_message": before,
        "channel": channel.id, "hidden": True, "ts": ts, "event_ts": ts, "channel_type": channel.kind,
    }  # fmt: skip


def deleted_event(message: Message, channel: Conversation, ts: str) -> Json:
    return {
        "type": "message", "subtype": "message_deleted", "previous_message": message.to_json(), "channel": channel.id,
        "hidden": True, "deleted_ts": message.ts, "ts": ts, "event_ts": ts, "channel_type": channel.kind,
    }  # fmt: skip


def channel_name(channel: Conversation) -> str:
    """Return what interactions call the conversation: private ones are not named."""
    return {"channel": channel.name, "group": "privategroup", "im": "directmessage"}[channel.kind]


def _who(slack: Slack, user: User, team: str) -> Json:
    """`team` is the app's in what comes from messages (java-slack-sdk, issue 1041), the user's in what views send."""
    domain = slack.settings.domain if team == slack.settings.team else f"domain-{team.lower()}"
    return {
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": slack.settings.app,
        "token": TOKEN,
        "team": {"id": team, "domain": domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def block_actions(slack: Slack, user: User, action: Json, seen: Message | Ephemeral | View, values: Json) -> Json:
    """Return the payload of using an element of a message, of what a user alone sees, or of a view."""
    team = user.team_id if isinstance(seen, View) else slack.settings.team
    payload: Json = {"type": "block_actions"} | _who(slack, user, team)
    if isinstance(seen, View):
        return payload | {
            "container": {"type": "view", "view_id": seen.id},
            "trigger_id": slack.new_trigger(user.id, seen.id if seen.given["type"] == "modal" else None),
            "view": seen.to_json(),
            "actions": [action],
        }
    channel = slack.conversations[seen.channel]
    alone = isinstance(seen, Ephemeral)
    container: Json = {
        "type": "message", "message_ts": seen.ts, "channel_id": channel.id, "is_ephemeral": alone,
    }  # fmt: skip
    if seen.thread_ts:
        container["thread_ts"] = seen.thread_ts
    payload |= {
        "container": container,
        "trigger_id": slack.new_trigger(user.id),
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "state": {"values": values},
        "response_url": slack.new_response_url(),
        "actions": [action],
    }
    # Of what one user alone sees no copy is sent.
    return payload if isinstance(seen, Ephemeral) else payload | {"message": channel.seen(seen)}


def view_submission(slack: Slack, user: User, view: View) -> Json:
    return {
        "type": "view_submission", **_who(slack, user, user.team_id), "trigger_id": slack.new_trigger(user.id, view.id),
        "view": view.to_json(), "response_urls": [],
    }  # fmt: skip


def message_action(slack: Slack, user: User, message: Message, callback_id: str) -> Json:
    """A message shortcut."""
    channel = slack.conversations[message.channel]
    return {
        "type": "message_action", **_who(slack, user, slack.settings.team),
        "action_ts": slack.new_ts(), "callback_id": callback_id,
        "trigger_id": slack.new_trigger(user.id), "channel": {"id": channel.id, "name": channel_name(channel)},
        "message_ts": message.ts, "message": channel.seen(message),
        "response_url": slack.new_response_url(),
    }  # fmt: skip


def slash_command(slack: Slack, user: User, channel: Conversation, command: str, text: str) -> Json:
    """A flat form; https://docs.slack.dev/interactivity/implementing-slash-commands."""
    return {
        "token": TOKEN, "team_id": user.team_id, "team_domain": slack.settings.domain, "channel_id": channel.id,
        "channel_name": channel_name(channel), "user_id": user.id, "user_name": user.name, "command": command,
        "text": text, "api_app_id": slack.settings.app, "is_enterprise_install": "false",
        "response_url": slack.new_response_url(), "trigger_id": slack.new_trigger(user.id),
    }  # fmt: skip
