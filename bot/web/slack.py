"""Slack's posts in HTTP mode.

They are signed: neither our keys nor our cookies are asked for.
"""

from typing import Protocol, runtime_checkable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.app import App
from bot.web.guards import Bodies, Bounded
from bot.web.problems import unavailable
from channels import Accept, RequestLookup

PREFIX = "/slack/"

SLACK_BODY_BYTES = 1_048_576
"""A press comes with the message it was made in, a window with all that was filled in: 250 kB and more."""


@runtime_checkable
class TakesPosts(Protocol):
    """A channel that people's doings are posted to."""

    def http(self, accept: Accept, desk: RequestLookup) -> ASGIApp:
        """Checks the signature, and answers once what was posted is durable."""
        ...


def slack_of(app: App, bodies: Bodies) -> ASGIApp | None:
    """Return the application that answers below PREFIX; None where Slack posts nothing to us.

    While nobody works on the store nothing is taken into it: who pressed hears that, and Slack sends a message again.
    """
    channel = app.messages.channels.get("slack")
    if not app.settings.has_slack_http or not isinstance(channel, TakesPosts):
        return None
    taken = Bounded(channel.http(app.messages.inbox.accept, app.requests.lookup), _any, bodies, SLACK_BODY_BYTES)

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        why = app.unready
        await (unavailable(why).response() if why else taken)(scope, receive, send)

    return answering


def _any(_headers: Headers, _body: bytes) -> None:
    """The signature says whose it is."""
