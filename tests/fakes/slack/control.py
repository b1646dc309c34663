"""The control interface, `/control/…`: what a test sets up, makes people do, breaks, and looks at. JSON both ways.

`POST /control/<verb>` does something, `GET /control/<noun>` shows something; what cannot be is a 409 that says why.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.fakes.slack.deeds import Deeds
from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.elements import NotThere
from tests.fakes.slack.faults import Fault
from tests.fakes.slack.http_mode import HttpMode
from tests.fakes.slack.model import Json
from tests.fakes.slack.people import Impossible, People
from tests.fakes.slack.setup import Setup
from tests.fakes.slack.sights import Sights
from tests.fakes.slack.socket_mode import SocketMode
from tests.fakes.slack.state import Slack

Verb = Callable[[Json], Awaitable[Json] | Json]
_LONGEST_WAIT_S = 60


class Control:
    """One method per verb; those about the workspace and about people are in `setup` and `deeds`."""

    def __init__(
        self,
        slack: Slack,
        deliveries: Deliveries,
        socket: SocketMode,
        http: HttpMode,
        reset: Callable[[], Awaitable[Json]],
    ) -> None:
        self._slack, self._deliveries, self._socket, self._http = slack, deliveries, socket, http
        people = People(slack, deliveries)
        self._sights = Sights(slack, deliveries, socket)
        self._verbs: dict[str, Verb] = {
            **Setup(slack).verbs(),
            **Deeds(slack, deliveries, people).verbs(),
            "again": self.again,
            "clock": self.clock,
            "fault": self.fault,
            "faults_over": self.faults_over,
            "forge": self.forge,
            "hold": self.hold,
            "network": self.network,
            "release": self.release,
            "reset": lambda _: reset(),
            "sockets": self.sockets,
            "twice": self.twice,
            "verify_url": self.verify_url,
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/{verb}", self.do),
            web.get("/control/wait", self.wait),
            web.get("/control/{noun}", self.look),
        ]

    async def do(self, request: web.Request) -> web.Response:
        verb = self._verbs.get(request.match_info["verb"])
        if verb is None:
            return _wrong(f"no verb {request.match_info['verb']}; there are {', '.join(sorted(self._verbs))}", 404)
        try:
            done = verb(await request.json() if request.can_read_body else {})
            return web.json_response(done if isinstance(done, dict) else await done)
        except (Impossible, NotThere, KeyError, TypeError, ValueError) as error:
            return _wrong(f"{type(error).__name__}: {error}", 409)

    async def look(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(self._sights.see(request.match_info["noun"], request.query))
        except (Impossible, KeyError) as error:
            return _wrong(f"{type(error).__name__}: {error}", 409)

    async def wait(self, request: web.Request) -> web.Response:
        """`?after=<version>&within_s=10`: answers when there is a newer version, or when the time is over."""
        within_s = min(float(request.query.get("within_s", "10")), _LONGEST_WAIT_S)
        version = await self._slack.changes.after(int(request.query.get("after", "-1")), within_s)
        return web.json_response({"version": version})

    def clock(self, body: Json) -> Json:
        """`{seconds}`: move the fake's time forward."""
        self._slack.clock.move(float(body["seconds"]))
        return {"now": self._slack.clock.now()}

    def fault(self, body: Json) -> Json:
        """The fields of `faults.Fault`."""
        self._slack.faults.waiting.append(Fault(**body))
        return {}

    def faults_over(self, _: Json) -> Json:
        self._slack.faults.waiting.clear()
        self._slack.faults.network_down = False
        return {}

    def network(self, body: Json) -> Json:
        """`{down}`: nothing gets through, sockets are cut; control still works."""
        self._slack.faults.network_down = bool(body["down"])
        if body["down"]:
            self._socket.cut()
        return {}

    async def sockets(self, body: Json) -> Json:
        """`{do: cut|freeze|disconnect, reason?, number?}`: the number of connections it was done to."""
        number = body.get("number")
        match body["do"]:
            case "cut":
                return {"done_to": self._socket.cut(number)}
            case "freeze":
                return {"done_to": self._socket.freeze()}
            case "disconnect":
                return {"done_to": await self._socket.say_disconnect(body.get("reason", "refresh_requested"), number)}
            case other:
                raise ValueError(f"sockets can be: cut, freeze, disconnect; not {other}")

    def hold(self, _: Json) -> Json:
        """Keep events from now on back."""
        self._deliveries.holding = True
        return {}

    def release(self, body: Json) -> Json:
        """`{reverse?}`: send what was held."""
        return {"released": self._deliveries.release(reverse=bool(body.get("reverse")))}

    def twice(self, body: Json) -> Json:
        """`{times}`: the next so many events come twice, the second beside the first."""
        self._deliveries.twice = int(body.get("times", 1))
        return {}

    async def again(self, body: Json) -> Json:
        """`{event_id}`: an event once more. `{trigger_id}`: an interaction once more, and how it was taken."""
        name = "event_id" if "event_id" in body else "trigger_id"
        for parcel in self._deliveries.parcels:
            if parcel.payload.get(name) == body[name]:
                if name == "trigger_id":
                    return (await self._deliveries.once_more(parcel)).to_json()
                self._deliveries.again(parcel)
                return {}
        raise Impossible(f"there was nothing with the {name} {body[name]}")

    def forge(self, body: Json) -> Json:
        """`{ways: [wrong|old|missing|other_body]}`: how the signatures of the next posts are wrong."""
        self._http.forgeries += body["ways"]
        return {}

    async def verify_url(self, body: Json) -> Json:
        """`{url}`: ask it Slack's question."""
        return await self._http.verify_url(body["url"])


def _wrong(words: str, status: int) -> web.Response:
    return web.json_response({"error": words}, status=status)


@web.middleware
async def cut_when_down(request: web.Request, handler: Any) -> web.StreamResponse:
    """With the network down, what is not control gets no answer."""
    slack = request.app[SLACK]
    if slack.faults.network_down and not request.path.startswith("/control/"):
        if request.transport:
            request.transport.abort()
        await asyncio.sleep(0)
        return web.Response()
    return await handler(request)


SLACK: web.AppKey[Slack] = web.AppKey("slack", Slack)
