"""The Web API: `POST /api/<method>`. https://docs.slack.dev/apis/web-api"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.faults import Fault
from tests.fakes.slack.model import Json
from tests.fakes.slack.socket_mode import SocketMode
from tests.fakes.slack.state import Slack
from tests.fakes.slack.web_api import chat, conversations, people, views
from tests.fakes.slack.web_api.call import Call, SlackError, arguments
from tests.fakes.slack.web_api.rates import Rates

METHODS: dict[str, Callable[[Call], Awaitable[Json]]] = {
    "agents.sessions.setStatus": people.set_status,
    "apps.connections.open": people.connections_open,
    "auth.test": people.auth_test,
    "bots.info": people.bots_info,
    "chat.delete": chat.delete,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.list": conversations.list_,
    "conversations.members": conversations.members,
    "conversations.open": conversations.open_,
    "conversations.replies": conversations.replies,
    "usergroups.users.list": people.user_group,
    "users.info": people.info,
    "users.list": people.list_,
    "views.open": views.open_,
    "views.publish": views.publish,
    "views.push": views.push,
    "views.update": views.update,
}
_FIRST = "bmV4dDow"  # the cursor of the first page


class WebApi:
    """Answers calls, and keeps each in `slack.calls` with what became of it."""

    def __init__(self, slack: Slack, deliveries: Deliveries, socket: SocketMode) -> None:
        self._slack, self._deliveries, self._socket = slack, deliveries, socket
        self._rates = Rates(slack)

    def reset(self) -> None:
        """Forget who has called how often."""
        self._rates = Rates(self._slack)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        args: Json = {}
        call: Call | None = None
        try:
            args, token = await arguments(request)
            call = Call(self._slack, self._deliveries, self._socket, method, args, token)
        except SlackError as error:
            return self._answer(self._log(method, args), 200, {"ok": False, "error": error.error})
        logged = self._log(method, args)
        fault = self._slack.faults.take(method, _channel(call))
        if fault and (refused := await self._before(fault, request, logged)):
            return refused
        status, body, headers = await self._result(call)
        if fault and fault.kind == "no_end":
            body |= {"response_metadata": {"next_cursor": _FIRST}}
        if fault and (lost := await self._after(fault, request, logged)):
            return lost
        return self._answer(logged, status, body, headers | _scope_headers(call))

    async def _result(self, call: Call) -> tuple[int, Json, dict[str, str]]:
        try:
            self._let_in(call)
            if wait_s := self._rates.wait_s(call.method, _channel(call)):
                return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(wait_s)}
            return 200, {"ok": True} | await METHODS.get(call.method, _unknown)(call), {}
        except SlackError as error:
            return 200, {"ok": False, "error": error.error} | error.beside, {}

    def _let_in(self, call: Call) -> None:
        s = self._slack.settings
        if not call.token:
            raise SlackError("not_authed")
        if call.token not in (s.bot_token, s.app_token):
            raise SlackError("invalid_auth")
        if s.revoked:
            raise SlackError("token_revoked")
        if call.is_app_token and call.method not in ("apps.connections.open", "auth.test"):
            raise SlackError("not_allowed_token_type")

    async def _before(self, fault: Fault, request: web.Request, logged: Json) -> web.StreamResponse | None:
        """The answer of a fault that keeps the call from being done, or None."""
        match fault.kind:
            case "http_500":
                return self._answer(logged, 500, {"ok": False, "error": "internal_error"})
            case "not_json":
                logged |= {"status": 502, "error": "not_json"}
                return web.Response(status=502, text="<html><body>Bad Gateway</body></html>", content_type="text/html")
            case "ratelimited":
                retry = {"Retry-After": str(int(fault.seconds))}
                return self._answer(logged, 429, {"ok": False, "error": "ratelimited"}, retry)
            case "error":
                beside = {"needed": fault.needed, "provided": "none"} if fault.needed else {}
                return self._answer(logged, 200, {"ok": False, "error": fault.error} | beside)
            case "hang":
                return await self._never(logged)
            case "cut":
                return _cut(request, logged)
            case "slow":
                await self._slack.clock.passes(fault.seconds)
            case _:
                pass
        return None

    async def _after(self, fault: Fault, request: web.Request, logged: Json) -> web.StreamResponse | None:
        """The answer of a fault that loses what was done, or None."""
        match fault.kind:
            case "http_500_after":
                return self._answer(logged, 500, {"ok": False, "error": "internal_error"})
            case "hang_after":
                return await self._never(logged)
            case "cut_after":
                return _cut(request, logged)
            case "half_after":
                logged |= {"status": 200, "error": "half an answer"}
                return web.Response(text='{"ok": tr', content_type="application/json")
            case "no_object_after":
                logged |= {"status": 200, "error": "no object"}
                return web.Response(text='["ok"]', content_type="application/json")
            case _:
                return None

    async def _never(self, logged: Json) -> web.StreamResponse:
        """No answer, until the caller has gone: then the server cancels this."""
        logged |= {"status": 0, "error": "no answer"}
        self._slack.changes.note()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    def _log(self, method: str, args: Json) -> Json:
        logged: Json = {"method": method, "args": args, "at": self._slack.clock.now(), "status": None, "error": None}
        self._slack.calls.append(logged)
        self._slack.changes.note()  # whoever waits for a call need not wait for its answer
        return logged

    def _answer(self, logged: Json, status: int, body: Json, headers: dict[str, str] | None = None) -> web.Response:
        logged |= {"status": status, "error": body.get("error")}
        self._slack.changes.note()
        return web.json_response(body, status=status, headers=headers)


async def _unknown(call: Call) -> Json:
    # Recorded too: a method that the fake lacks must not look like one that Slack lacks.
    call.slack.violation(call.method, "a method that this fake does not have")
    raise SlackError("unknown_method", req_method=call.method)


def _cut(request: web.Request, logged: Json) -> web.Response:
    logged |= {"status": 0, "error": "connection cut"}
    if request.transport:
        request.transport.abort()
    return web.Response()


def _channel(call: Call) -> str | None:
    named: Any = call.args.get("channel") or call.args.get("channel_id")
    return str(named) if named else None


def _scope_headers(call: Call) -> dict[str, str]:
    return {"x-oauth-scopes": ",".join(call.granted()), "x-accepted-oauth-scopes": ""}
