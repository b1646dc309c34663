"""The limits on event streams and long polls on this process, of one holder and of all, and on all else of one holder.

A holder is a person, with all their keys and sessions, or the key of a service.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from weakref import WeakValueDictionary

from bot.archive.keeper import reads_for
from bot.errors import RateLimited, Unavailable

# Each holds a connection and memory for as long as it likes. One program may follow 500 runs and wait for 500 requests,
# with room for those that it takes up again; a loop that forgets to close must not take the whole process.
AT_MOST = 1_200
# Two such programs, and everybody else: the last quarter is for those who hold few.
IN_ALL = 3_200
_FEW = 10
RETRY_AFTER_S = 10
# A story may have megabytes, and takes several times as much while it is read and shown.
_WHOLE_AT_ONCE = 4
_DRAWN_AT_ONCE, _DRAWN_WITHIN_S = 4, 0.5


class Full(Unavailable):
    """This process has room for no more; another one may have."""


class Waits:
    """The streams and polls open on this process, by holder, and what is answered to each beside these."""

    def __init__(self, at_most: int = AT_MOST, in_all: int = IN_ALL, at_work: int = AT_MOST // 2) -> None:
        self._at_most, self._in_all, self._open = at_most, in_all, Counter[str]()
        self._at_work, self._working = max(1, at_work), Counter[str]()
        self._whole = WeakValueDictionary[tuple[str, str], asyncio.Semaphore]()
        self.count = 0
        """How many are open in all."""

    @contextmanager
    def working(self, holder: str, *, by_hand: bool = False) -> Generator[None]:
        """Counts a request of `holder` while it is answered; one that is in `one_more` does not count. Raises Full.

        What somebody does `by_hand` has room beside all that their programs do: it is where they stop these.
        """
        room = self._at_work + by_hand * _FEW
        if self._working[holder] - self._open[holder] >= room:
            what = "requests of one person or key are being answered here, the most there may be"
            raise Full(f"{room} {what}", "Wait for some of them, or ask another web process")
        self._working[holder] += 1
        token = reads_for.set(f"{holder} by hand" if by_hand else holder)
        try:
            yield
        finally:
            reads_for.reset(token)
            self._working[holder] -= 1
            if not self._working[holder]:
                del self._working[holder]

    @asynccontextmanager
    async def whole(self, holder: str, shard: str) -> AsyncGenerator[None]:
        """Wait until `holder` may read one more whole story of a shard, so that a shard that is away stops no other."""
        key = (holder, shard)
        places = self._whole.setdefault(key, asyncio.Semaphore(_WHOLE_AT_ONCE))
        async with places:
            yield

    @contextmanager
    def one_more(self, holder: str) -> Generator[None]:
        """Counts one of `holder` while the context is open. Raises RateLimited, and Full."""
        self._check(holder)
        self._open[holder] += 1
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
            self._open[holder] -= 1
            if not self._open[holder]:
                del self._open[holder]

    def _check(self, holder: str) -> None:
        what = "event streams and long polls are open here, the most there may be"
        if self._open[holder] >= self._at_most:
            raise RateLimited(f"{self._at_most} {what}", "Close some of them", RETRY_AFTER_S)
        has_few = self._open[holder] < min(_FEW, self._at_most)
        room = self._in_all if has_few else self._in_all - self._in_all // 4
        if self.count >= room:
            raise Full(f"{self.count} {what} of all who ask", "Close some of them, or ask another web process")


class Drawing:
    """A few at a time draw pages that follow, behind which all else would wait. One that takes longer than `within_s`
    waits itself, for a store or the archive that is away, and gives up its place.
    """

    def __init__(self, at_once: int = _DRAWN_AT_ONCE, within_s: float = _DRAWN_WITHIN_S) -> None:
        self._places, self._within_s = asyncio.Semaphore(at_once), within_s

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[None]:
        """Wait for a place."""
        await self._places.acquire()
        is_held = True

        def give_up() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                self._places.release()

        timer = asyncio.get_running_loop().call_later(self._within_s, give_up)
        try:
            yield
        finally:
            timer.cancel()
            give_up()
