"""One call of a Web API method: who calls, with what, and what they may."""

import json
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.model import Conversation, Json, Kind, as_json
from tests.fakes.slack.socket_mode import SocketMode
from tests.fakes.slack.state import Slack

# Arguments that are JSON inside a form, and the error when they are not.
_JSON_INSIDE = {
    "blocks": "invalid_blocks_format",
    "attachments": "invalid_attachments",
    "metadata": "invalid_metadata_format",
    "view": "invalid_arguments",
}


class SlackError(Exception):
    """`ok: false` with this `error` and what goes beside it."""

    def __init__(self, error: str, **beside: Any) -> None:
        super().__init__(error)
        self.error, self.beside = error, beside


@dataclass
class Call:
    """`method` with its arguments, as they came and as they mean."""

    slack: Slack
    deliveries: Deliveries
    socket: SocketMode
    method: str
    args: Json
    token: str = ""

    @property
    def is_app_token(self) -> bool:
        return self.token.startswith("xapp-")

    def text(self, name: str, default: str = "") -> str:
        value = self.args.get(name)
        return default if value is None else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Slack takes true, "true", "1" and 1."""
        value = self.args.get(name)
        return default if value is None else str(value).lower() in ("true", "1")

    def number(self, name: str, default: int, most: int) -> int:
        try:
            return max(1, min(int(self.args.get(name) or default), most))
        except ValueError:
            raise SlackError("invalid_limit") from None

    def json(self, name: str) -> Any:
        """An argument that may be JSON in a string; None when it is not given."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else None
        except ValueError:
            raise SlackError(_JSON_INSIDE.get(name, "invalid_arguments")) from None

    def need(self, *scopes: str) -> None:
        """One of these must be granted, else `missing_scope`."""
        granted = self.granted()
        if not set(scopes) & set(granted):
            raise SlackError("missing_scope", needed=scopes[0], provided=",".join(granted))

    def granted(self) -> list[str]:
        return self.slack.settings.app_scopes if self.is_app_token else self.slack.settings.scopes

    def need_for_kind(self, what: str, kind: Kind) -> None:
        """The scope `channels:history`, `groups:history` or `im:history`, and so on, by the kind of conversation."""
        self.need(f"{ {'channel': 'channels', 'group': 'groups', 'im': 'im'}[kind] }:{what}")

    def conversation(self, name: str = "channel") -> Conversation:
        """By id. A private one that the bot is not in does not exist for it."""
        found = self.slack.conversations.get(self.text(name))
        if found is None or (found.kind != "channel" and self.slack.settings.bot not in found.members):
            raise SlackError("channel_not_found")
        return found


async def arguments(request: web.Request) -> tuple[Json, str]:
    """The arguments of a request in any of the ways Slack takes them, and its token."""
    args: Json = dict(request.query)
    kind = request.content_type
    if request.method == "POST" and kind == "application/json":
        args |= await _json_body(request)
    elif request.method == "POST":
        args |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    header = request.headers.get("Authorization", "")
    token = header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else str(args.get("token", ""))
    args.pop("token", None)
    return args, token


async def _json_body(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return as_json(cast("object", body))
