"""The limit on event streams and long polls of one holder, an API key or a person, on this process."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from bot.errors import RateLimited

# Each holds a connection and memory for as long as it likes. One program may follow 500 runs and wait for 500 requests,
# with room for those that it takes up again; a loop that forgets to close must not take the whole process.
AT_MOST = 1_200
RETRY_AFTER_S = 10


class Waits:
    """The streams and polls open on this process, by holder."""

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._at_most, self._open = at_most, Counter[str]()

    @contextmanager
    def one_more(self, holder: str) -> Generator[None]:
        """Counts one of `holder` while the context is open. Raises RateLimited."""
        if self._open[holder] >= self._at_most:
            raise RateLimited(
                f"{self._at_most} event streams and long polls are open here, the most there may be",
                "Close some of them",
                RETRY_AFTER_S,
            )
        self._open[holder] += 1
        try:
            yield
        finally:
            self._open[holder] -= 1
            if not self._open[holder]:
                del self._open[holder]
