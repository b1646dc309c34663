"""The turns of requests: a few begin in each pass of the event loop, whoever asks, and however many wait.

What begins in one pass is worked on before the loop looks at connections again: were it all that has come, a crowd's
pages would stand before `/healthz`. Each kind of request has its share of each pass, so that none stands behind
another; within a kind everybody is begun with in turn. A place is held by nobody: whoever has begun and waits, for
Redis or for news, is in nobody's way.

libuv accepts one connection in each pass (its pull request 3696), so that passes have to be short. Since as many first
requests of connections begin, these do not pile up, and whoever comes waits for none that sends one after another.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from starlette.datastructures import Headers
from starlette.types import Scope

from bot.config.hosts import network_of
from bot.web.waits import AT_MOST

ALIVE = "/healthz"

Kind = Literal["alive", "alive again", "proven", "claimed", "claimed again", "nobody", "nobody again"]
_CREDENTIALS = ("authorization", "cookie", "x-sayso-signature", "x-hub-signature-256", "x-slack-signature")
_REMEMBERED = 10_000


@dataclass(slots=True)
class Answered:
    """How many requests of a connection were answered; it is in the state of each of them by this name."""

    count: int = 0


ANSWERED = "sayso.answered"


@dataclass(frozen=True, slots=True)
class Share:
    """How many requests of a kind begin in one pass, and how many may wait for that."""

    at_once: int
    waiting: int


# As many of one program may wait as it may have event streams: it opens them all at once when it takes them up again.
# To refuse a stranger costs as much as to answer, so that no fewer of those wait who ask again as soon as they may.
_FEW = 300
SHARES: dict[Kind, Share] = {
    "alive": Share(1, 2 * AT_MOST),
    "alive again": Share(1, _FEW),
    "proven": Share(2, AT_MOST),
    "claimed": Share(1, AT_MOST),
    "claimed again": Share(1, AT_MOST),
    "nobody": Share(1, _FEW),
    "nobody again": Share(1, AT_MOST),
}
# In this order they go for others.
_GO: tuple[Kind, ...] = ("nobody again", "claimed again", "nobody", "claimed", "proven")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A request until its turn; `credential` is what it came with, whether that is anything or not."""

    credential: str
    turn: asyncio.Future[bool]


class _Line:
    """The requests of one kind that wait: a lane for each who asks, and the next turn is the next lane's."""

    def __init__(self, share: Share) -> None:
        self.share, self._lanes, self.count = share, dict[str, deque[_Waiting]](), 0

    def add(self, whose: str, one: _Waiting) -> None:
        self._lanes.setdefault(whose, deque()).append(one)
        self.count += 1

    def begin(self) -> None:
        """Begin with as many as may begin in one pass."""
        left = self.share.at_once
        while left and self._lanes:
            whose = next(iter(self._lanes))
            lane = self._lanes.pop(whose)
            left -= self._taken(lane, may_begin=True)
            if lane:
                self._lanes[whose] = lane

    def shorten(self) -> bool:
        """Refuse the oldest of whoever has most of them here; False where nobody waits."""
        if not self._lanes:
            return False
        whose = max(self._lanes, key=lambda one: len(self._lanes[one]))
        lane = self._lanes[whose]
        self._taken(lane, may_begin=False)
        if not lane:
            del self._lanes[whose]
        return True

    def of(self, credential: str) -> list[_Waiting]:
        """Take out those that came with `credential`."""
        found = [one for lane in self._lanes.values() for one in lane if one.credential == credential]
        if found:
            gone = set(found)
            lanes = {whose: deque(one for one in lane if one not in gone) for whose, lane in self._lanes.items()}
            self._lanes = {whose: lane for whose, lane in lanes.items() if lane}
            self.count -= len(found)
        return found

    def _taken(self, lane: deque[_Waiting], *, may_begin: bool) -> bool:
        """Tell the first of `lane` whether it may begin; False where it has gone."""
        one = lane.popleft()
        self.count -= 1
        if one.turn.done():
            return False
        one.turn.set_result(may_begin)
        return True


class Turns:
    """Who is next, of all requests to this process."""

    def __init__(self, is_proven: Callable[[Scope], bool], shares: dict[Kind, Share] = SHARES) -> None:
        self._is_proven, self._proven = is_proven, dict[str, None]()
        self._lines: dict[Kind, _Line] = {kind: _Line(share) for kind, share in shares.items()}
        self._is_called = False

    async def come(self, scope: Scope) -> bool:
        """Wait for the turn of a request; False if it must go for others."""
        kind, credential = self._kind(scope)
        turn = asyncio.get_running_loop().create_future()
        client = scope.get("client")
        whose = credential if kind == "proven" else network_of(client[0] if client else "")
        line = self._lines[kind]
        line.add(whose, _Waiting(credential, turn))
        if line.count > line.share.waiting:
            line.shorten()
        self._call()
        return await turn

    def make_room(self) -> bool:
        """Let one go for others, of those who have proven nothing before those who have; False where nobody waits."""
        return any(self._lines[kind].shorten() for kind in _GO)

    def note(self, scope: Scope, status: int) -> None:
        """Remember what a request came with, once that has proven who sent it, until it is refused.

        It opens nothing, and is looked at again with each request.
        """
        credential = _credential(scope)
        if status == HTTPStatus.UNAUTHORIZED:
            self._proven.pop(credential, None)
        elif credential and credential not in self._proven and self._is_proven(scope):
            self._proven[credential] = None
            if len(self._proven) > _REMEMBERED:
                del self._proven[next(iter(self._proven))]
            for kind in ("claimed", "claimed again"):
                for one in self._lines[kind].of(credential):
                    self._lines["proven"].add(credential, one)

    def _kind(self, scope: Scope) -> tuple[Kind, str]:
        answered: Answered | None = scope.get("state", {}).get(ANSWERED)
        is_first = answered is None or not answered.count
        if scope["path"] == ALIVE:
            return ("alive" if is_first else "alive again"), ""
        credential = _credential(scope)
        if credential in self._proven:
            return "proven", credential
        if credential:
            return ("claimed" if is_first else "claimed again"), credential
        return ("nobody" if is_first else "nobody again"), ""

    def _call(self) -> None:
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._is_called = False
        for line in self._lines.values():
            line.begin()
        if any(line.count for line in self._lines.values()):
            self._call()


def _credential(scope: Scope) -> str:
    """What a request came with that may prove who sent it, unreadable; empty without any."""
    headers = Headers(scope=scope)
    found = [f"{name} {headers[name]}" for name in _CREDENTIALS if name in headers]
    return hashlib.sha256("\n".join(found).encode()).hexdigest() if found else ""
