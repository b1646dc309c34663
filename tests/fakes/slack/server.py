"""The server: routes to the parts, and nothing else."""

import asyncio
import json
import socket

from aiohttp import web

from tests.fakes.slack.control import SLACK, Control, cut_when_down
from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.http_mode import HttpMode
from tests.fakes.slack.model import Json
from tests.fakes.slack.socket_mode import SocketMode
from tests.fakes.slack.state import Slack
from tests.fakes.slack.uploads import Downloads
from tests.fakes.slack.viewer import Viewer
from tests.fakes.slack.web_api import WebApi

# Nothing a test sends is larger; a card that is must be refused by the limits, not by the server.
_BODY_BYTES = 16 * 1024 * 1024


def make_app(slack: Slack) -> web.Application:
    """All of it around one state."""
    sockets, http = SocketMode(slack), HttpMode(slack)
    deliveries = Deliveries(slack, sockets, http)
    api = WebApi(slack, deliveries, sockets)

    async def reset() -> Json:
        await deliveries.reset()
        sockets.reset()
        http.forgeries.clear()
        api.reset()
        slack.reset()
        return {}

    app = web.Application(middlewares=[cut_when_down], client_max_size=_BODY_BYTES)
    app[SLACK] = slack
    app.add_routes(
        [
            web.route("*", "/api/{method}", api.serve),
            web.get("/link/", sockets.serve),
            web.get("/files-pri/{file}/{name:.*}", Downloads(slack).serve),
            *Control(slack, deliveries, sockets, http, reset).routes(),
            *Viewer(slack).routes(),
        ]
    )

    async def close(_: web.Application) -> None:
        sockets.cut()
        await deliveries.close()
        await http.close()

    app.on_shutdown.append(close)
    return app


async def serve(port: int) -> None:
    """Listen on loopback until cancelled; the first line of output is the address, as JSON."""
    listener = socket.create_server(("127.0.0.1", port))
    slack = Slack(address=f"http://127.0.0.1:{listener.getsockname()[1]}")
    # A caller that hangs up ends what it asked for: that is how answers that never come end.
    runner = web.AppRunner(make_app(slack), handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    print(json.dumps({"address": slack.address}), flush=True)  # noqa: T201
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
