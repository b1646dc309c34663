"""The turns of requests: a few begin in each pass of the event loop, whoever asks, and however many wait.

What begins in one pass is worked on before the loop looks at connections again: were it all that has come, a crowd's
pages would stand before `/healthz`. There are three lines, of each of which a few begin in each pass, so that none
stands behind another; in a line everybody is begun with in turn. Whoever has begun and waits, for Redis or for news,
is in nobody's way, and holds no place.
"""

import asyncio
import hashlib
import re
from collections import Counter, deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Literal

from starlette.datastructures import Headers
from starlette.types import Scope

from bot.config.hosts import network_of

ALIVE = "/healthz"

Kind = Literal["alive", "known", "strangers"]
# How many begin in one pass, and how the room for those that wait is shared.
SHARES: dict[Kind, int] = {"alive": 1, "known": 2, "strangers": 1}
_ALIVE_AT_MOST = 300
_REMEMBERED = 10_000
# A page's files and the like ask nobody who they are.
_UNPROVEN_AT_MOST = 100

Turn = asyncio.Future[bool]


class Line:
    """Those who wait: a lane for each who asks, and the next turn is the next lane's.

    In one pass as many begin as cost `share` together; by itself each costs 1.
    """

    def __init__(self, share: int) -> None:
        self._share, self._lanes, self.count = share, dict[str, deque[tuple[Turn, int]]](), 0

    @property
    def fullness(self) -> float:
        """How many wait here, for its share."""
        return self.count / self._share

    def add(self, whose: str, turn: Turn, cost: int = 1) -> None:
        """Let one wait, behind whatever else waits in that lane."""
        self._lanes.setdefault(whose, deque()).append((turn, cost))
        self.count += 1

    def begin(self) -> None:
        """Begin with as many as may begin in one pass."""
        left = self._share
        while left > 0 and self._lanes:
            whose = next(iter(self._lanes))
            lane = self._lanes.pop(whose)
            turn, cost = lane.popleft()
            left -= cost * self._tell(turn, may_begin=True)
            if lane:
                self._lanes[whose] = lane

    def shorten(self, *, may_begin: bool) -> None:
        """Tell the oldest of whoever has most of them here that it may begin, or must go.

        Were it the newest, who sends again as soon as they are answered would stay, and who comes would go.
        """
        whose = max(self._lanes, key=lambda one: len(self._lanes[one]))
        self._tell(self._lanes[whose].popleft()[0], may_begin=may_begin)
        if not self._lanes[whose]:
            del self._lanes[whose]

    def _tell(self, turn: Turn, *, may_begin: bool) -> bool:
        """Tell one that it may begin, or not; False where nobody waits for that any more."""
        self.count -= 1
        if turn.done():
            return False
        turn.set_result(may_begin)
        return True


class Passes:
    """Has each of some lines begin with its share in each pass of the event loop, while anybody waits in one."""

    def __init__(self, *lines: Line) -> None:
        self._lines, self._is_called = lines, False

    def call(self) -> None:
        """Somebody waits."""
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._is_called = False
        for line in self._lines:
            line.begin()
        if any(line.count for line in self._lines):
            self.call()


class Turns:
    """Who is next, of all requests to this process; `known_as` names who sent one that was answered, or nobody."""

    def __init__(self, known_as: Callable[[Scope], str], most: int) -> None:
        self._known_as, self._most, self._known = known_as, most, dict[str, str]()
        self._unproven = Counter[str]()
        self._lines = {kind: Line(share) for kind, share in SHARES.items()}
        self._passes = Passes(*self._lines.values())

    async def come(self, scope: Scope, begun: int) -> bool:
        """Wait for the turn of a request; False if it must go, as there is too little room beside what has begun.

        Whoever asks whether the process lives has room of their own, and is answered all the same: to refuse costs as
        much. But with that their connection must go, or a crowd that asks again at once would fill every pass.
        """
        client = scope.get("client")
        address = network_of(client[0] if client else "")
        turn = asyncio.get_running_loop().create_future()
        if scope["path"] == ALIVE:
            alive = self._lines["alive"]
            alive.add(address, turn)
            if alive.count > _ALIVE_AT_MOST:
                alive.shorten(may_begin=False)
        else:
            lines = known, strangers = self._lines["known"], self._lines["strangers"]
            if name := self._known.get(_credential(scope)):
                known.add(name, turn)
            else:
                strangers.add(address, turn)
            if begun + known.count + strangers.count > self._most:
                max(lines, key=lambda line: line.fullness).shorten(may_begin=False)
        self._passes.call()
        return await turn

    def note(self, scope: Scope, status: int) -> None:
        """Remember what a request came with, once that has proven who sent it, until it is refused.

        So it is where many answers prove nothing: who may no longer come asks for what is everybody's.

        It opens nothing, and is looked at again with each request.
        """
        credential = _credential(scope)
        if not credential:
            return
        if name := self._known_as(scope):
            self._known[credential] = name
            del self._unproven[credential]
        elif credential in self._known:
            self._unproven[credential] += 1
        if status == HTTPStatus.UNAUTHORIZED or self._unproven[credential] > _UNPROVEN_AT_MOST:
            self._forget(credential)
        elif len(self._known) > _REMEMBERED:
            self._forget(next(iter(self._known)))

    def _forget(self, credential: str) -> None:
        self._known.pop(credential, None)
        del self._unproven[credential]


# The session's. Others beside it may be new with each answer, as those by which a load balancer knows a browser again.
_SESSION = re.compile(r"(?:__Host-)?sayso-[0-9]{1,5}=[^;]*")


def _credential(scope: Scope) -> str:
    """What a request came with that may prove who sent it, unreadable; empty without any."""
    headers = Headers(scope=scope)
    found = headers.get("authorization") or ";".join(_SESSION.findall(headers.get("cookie", "")))
    return hashlib.sha256(found.encode()).hexdigest() if found else ""
