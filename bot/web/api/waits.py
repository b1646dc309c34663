"""How many event streams and long polls one API key may hold open on this process."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, cast

from fastapi import Depends, Request

from bot.apikeys import ApiKey
from bot.web.problems import trouble

# Each holds a connection and memory for as long as it likes. One program may follow 500 runs and wait for 500 requests,
# with room for those that it takes up again; a loop that forgets to close must not take the whole process.
AT_MOST = 1_200
_RETRY_AFTER_S = 10


class Waits:
    """The open streams and long polls of this process, by key."""

    def __init__(self, at_most: int) -> None:
        self._at_most, self._open = at_most, Counter[str]()

    @contextmanager
    def one_more(self, key: ApiKey) -> Generator[None]:
        """Counts one of `key` while the context is open. Raises Trouble when it is one too many."""
        if self._open[key.prefix] >= self._at_most:
            raise trouble(
                HTTPStatus.TOO_MANY_REQUESTS,
                "rate-limited",
                f"The key sayso_{key.prefix} holds {self._at_most} event streams and long polls here, the most it may.",
                f"Close some of them, then send the same again after {_RETRY_AFTER_S} s",
                {"Retry-After": str(_RETRY_AFTER_S)},
            )
        self._open[key.prefix] += 1
        try:
            yield
        finally:
            self._open[key.prefix] -= 1
            if not self._open[key.prefix]:
                del self._open[key.prefix]


def _waits(request: Request) -> Waits:
    return cast("Waits", request.app.state.waits)


WaitsNow = Annotated[Waits, Depends(_waits)]
