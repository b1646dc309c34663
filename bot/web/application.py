"""All that HTTP serves: what every request passes first, then the API, tools for agents, what is posted signed, or the
console.
"""

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.config.hosts import names
from bot.people.api_keys import ApiKey
from bot.web.api.application import application as api_of
from bot.web.api.health import Alive
from bot.web.api.keyed import KEY
from bot.web.console.application import application as console_of
from bot.web.console.visits import VISIT, Visit
from bot.web.guards import Admitted, InTime, Measured, Named
from bot.web.here import Here
from bot.web.hooks.endpoint import PREFIX as HOOKS
from bot.web.hooks.endpoint import hooks_of
from bot.web.mcp.endpoint import PATH as MCP
from bot.web.mcp.endpoint import mcp_of
from bot.web.mcp.refusals import Worded
from bot.web.slack import PREFIX, slack_of
from bot.web.triggers import PREFIX as TRIGGERS
from bot.web.triggers import triggers_of
from bot.web.turns import ALIVE, Turns

_API = ("/v1/", "/openapi.json/", "/healthz/", "/readyz/", "/metrics/")
# The same for everybody, and made once: to find its place in the API costs several times as much as the rest of it.
_ALIVE = Route(ALIVE, Response(Alive().model_dump_json(), media_type="application/json"))


def application(here: Here) -> ASGIApp:
    """The ASGI application over what the process was started with."""
    api, console, slack = api_of(here), console_of(here), slack_of(here.app, here.bodies)
    triggers, named_so = triggers_of(here.app, here.bodies), names(here.app.settings)
    mcp, hooks = mcp_of(here, api, named_so), hooks_of(here, api)

    async def one_of_them(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path == ALIVE and scope["method"] == "GET":
            scope["route"] = _ALIVE
            return await _ALIVE.app(scope, receive, send)
        if slack and path.startswith(PREFIX):
            return await slack(scope, receive, send)
        if path.startswith(TRIGGERS):
            return await triggers(scope, receive, send)
        if path.startswith(HOOKS):
            return await hooks(scope, receive, send)
        if path.rstrip("/") == MCP:
            return await mcp(scope, receive, send)
        return await (api if f"{path}/".startswith(_API) else console)(scope, receive, send)

    named = Named(one_of_them, named_so)
    admitted = Admitted(named, here.waits, Turns(known_as, here.answering))
    return Measured(Worded(InTime(admitted), MCP), here.metrics)


def known_as(scope: Scope) -> str:
    """Return in whose turn a request that was answered came: that of the key's holder, or of somebody's pages."""
    key: ApiKey | None = scope.get(KEY)
    visit: Visit | None = scope.get(VISIT)
    if key is not None:
        return key.counted_as
    return f"pages of {visit.session.person}" if visit is not None and visit.session is not None else ""
