"""All that HTTP serves: what every request passes first, then the API, what Slack posts, or the console for people."""

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.web.api.application import application as api_of
from bot.web.console.application import application as console_of
from bot.web.guards import Measured, Named
from bot.web.here import Here
from bot.web.hosts import names
from bot.web.slack import PREFIX, slack_of

_API = ("/v1/", "/openapi.json/", "/healthz/", "/readyz/", "/metrics/")


def application(here: Here) -> ASGIApp:
    """The ASGI application over what the process was started with."""
    api, console, slack = api_of(here), console_of(here), slack_of(here.app)

    async def one_of_them(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if slack and path.startswith(PREFIX):
            return await slack(scope, receive, send)
        return await (api if f"{path}/".startswith(_API) else console)(scope, receive, send)

    return Measured(Named(one_of_them, names(here.app.settings)), here.metrics)
