"""All that HTTP serves: what every request passes first, then the API for programs or the console for people."""

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.web.api.application import application as api_of
from bot.web.console.application import application as console_of
from bot.web.guards import Measured, Named
from bot.web.here import Here
from bot.web.hosts import names

_API = ("/v1/", "/openapi.json/", "/healthz/", "/readyz/", "/metrics/")


def application(here: Here) -> ASGIApp:
    """The ASGI application over what the process was started with."""
    api, console = api_of(here), console_of(here)

    async def one_of_both(scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and f"{scope['path']}/".startswith(_API)
        await (api if is_api else console)(scope, receive, send)

    return Measured(Named(one_of_both, names(here.app.settings)), here.metrics)
