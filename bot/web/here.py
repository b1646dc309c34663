"""The process as HTTP sees it, for every request."""

from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from bot.app import App
from bot.store.watch import Follower
from bot.web.guards import Bodies
from bot.web.looks import Looks
from bot.web.metrics import Metrics
from bot.web.waits import AT_MOST, Drawing, Waits
from bot.wiring.local_mail import LocalMail

PAGES = 100
"""So many pages of one person may follow what happens; a browser follows by those that are seen alone."""

_IMPORTED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Demo:
    """The parts only `sayso dev` has: mailboxes of its own, and a `site` at this address where releases are live."""

    mail: LocalMail
    site: str


@dataclass(frozen=True, slots=True)
class Here:
    """This process, as operations see it. `ping_s` keeps streams open; nobody waits longer than `longest_wait_s`.

    Every `look_s` it is asked whether the reader of a stream may still hear it. No more requests than `answering` are
    answered at once, beside those that wait. `writes` tells whether Redis takes writes. `pages` are the console's pages
    that follow what happens; a few of them at a time are `drawing`, as one change has all drawn anew. So it is
    with `importing`, of one file at a time: each may be large.
    """

    app: App
    follower: Follower
    metrics: Metrics
    waits: Waits
    port: int
    demo: Demo | None
    ping_s: float
    look_s: float
    longest_wait_s: float
    writes: Looks
    answering: int = AT_MOST
    bodies: Bodies = field(default_factory=Bodies)
    pages: Waits = field(default_factory=lambda: Waits(PAGES))
    drawing: Drawing = field(default_factory=Drawing)
    importing: Drawing = field(default_factory=lambda: Drawing(1, _IMPORTED_WITHIN_S))


def here(request: Request) -> Here:
    """Return what the process was started with."""
    return cast("Here", request.app.state.here)
