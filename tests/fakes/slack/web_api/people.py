"""users.*, usergroups.users.list, bots.info, auth.test, apps.connections.open, and agents.sessions."""

from tests.fakes.slack.model import Json
from tests.fakes.slack.web_api.call import Call, SlackError
from tests.fakes.slack.web_api.conversations import paged

# https://docs.slack.dev/reference/methods/agents.sessions.setStatus
_STATUSES = ("active", "processing", "suspended", "closed")
_TITLE_CHARACTERS = 200


async def auth_test(call: Call) -> Json:
    """auth.test, also the way to learn a token's scopes: they are in the header `x-oauth-scopes`."""
    s = call.slack.settings
    if call.is_app_token:
        return {"app_name": s.bot_name, "app_id": s.app_of_app_token or s.app}
    return {
        "url": f"https://{s.domain}.example/", "team": s.domain, "user": s.bot_name, "team_id": s.team,
        "user_id": s.bot, "bot_id": s.bot_id, "is_enterprise_install": False,
    }  # fmt: skip


async def connections_open(call: Call) -> Json:
    """apps.connections.open: a WebSocket URL that is good once."""
    if not call.is_app_token:
        raise SlackError("not_allowed_token_type")
    call.need("connections:write")
    if not call.slack.settings.socket_mode:
        raise SlackError("socket_mode_not_enabled")
    return {"url": call.socket.ticket()}


async def bots_info(call: Call) -> Json:
    """bots.info: of our own bot."""
    call.need("users:read")
    s = call.slack.settings
    if call.text("bot") != s.bot_id:
        raise SlackError("bot_not_found")
    return {"bot": {"id": s.bot_id, "deleted": False, "name": s.bot_name, "app_id": s.app, "user_id": s.bot}}


async def info(call: Call) -> Json:
    """users.info."""
    call.need("users:read")
    user = call.slack.users.get(call.text("user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user.to_json(with_email=_emails(call) and not user.is_stranger)}


async def list_(call: Call) -> Json:
    """users.list."""
    call.need("users:read")
    page, cursor = paged(call, list(call.slack.users.values()), 200, 1000)
    with_email = _emails(call)
    seen = [user.to_json(with_email=with_email and not user.is_stranger) for user in page]
    return {"members": seen, "cache_ts": int(call.slack.clock.now()), "response_metadata": {"next_cursor": cursor}}


async def user_group(call: Call) -> Json:
    """usergroups.users.list: the ids of all active members, in no pages.

    https://docs.slack.dev/reference/methods/usergroups.users.list
    """
    call.need("usergroups:read")
    members = call.slack.user_groups.get(call.text("usergroup"))
    if members is None:
        raise SlackError("no_such_subteam")
    users = call.slack.users
    return {"users": [one for one in members if one in users and not users[one].deleted]}


async def set_status(call: Call) -> Json:
    """agents.sessions.setStatus: unknown where the app is no agent."""
    if not call.slack.settings.agent:
        raise SlackError("unknown_method", req_method=call.method)
    call.need("chat:write")
    status, title = call.text("status"), call.text("title")
    if status not in _STATUSES or len(title) > _TITLE_CHARACTERS:
        call.slack.violation(call.method, f"status {status!r} or a title of {len(title)} characters")
        raise SlackError("invalid_arguments")
    channel = call.conversation("channel_id")
    key = (channel.id, call.text("thread_ts"))
    session = call.slack.sessions.setdefault(key, {"title": title})
    session["status"] = status
    session.setdefault("statuses", []).append(status)
    return {"status": status, "agent_status": status, "title": session["title"]}


def _emails(call: Call) -> bool:
    return "users:read.email" in call.granted()
