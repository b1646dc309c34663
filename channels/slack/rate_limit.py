"""Calls Slack no oftener than it allows, and in order: nothing is dropped, and who would wait too long is told so.

https://docs.slack.dev/apis/web-api/rate-limits: "no more than one message per second per channel"; `chat.update` is
Tier 3, 50 calls a minute for the whole workspace.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import JsonValue

from channels import ChannelUnavailable
from channels.slack.api import DEAD_TOKEN, Answer, Answered, Calls, Limited, Unauthorized

_TRIES = 5
# Whatever waits for a dead token asks again and again; one call in so long is enough to see that it works.
_DEAD_TOKEN_S = 2.0
# What waited for longer than this may say what is over.
_FRESH_S = 0.1

Posts = Callable[[str, dict[str, JsonValue]], Awaitable[Answered]]
"""`chat.postMessage` with these arguments; the first is what errors call the place."""

Newest = Callable[[], Awaitable[dict[str, JsonValue]]]
"""The arguments as they are by now."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds between two posts in one Slack channel and between two updates, of which `updates_at_once` need not wait.

    So many and one each `update_every_s` are the 50 a minute that Slack allows. Posts get no such burst: Slack
    counts them by the second, and the fourth of a burst would cost a Retry-After. `wait_s` is the longest
    Retry-After that is waited out. `line_s` is the longest wait behind other posts, by their number: what is looked up
    in a turn comes on top.
    """

    post_every_s: float = 1.0
    update_every_s: float = 60 / 45
    updates_at_once: int = 5
    wait_s: float = 5.0
    line_s: float = 30.0


class Paced:
    """Calls Slack through `api`. `clock` gives seconds that only grow, `sleep` waits for some of them."""

    def __init__(
        self,
        api: Calls,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        rates: Rates | None = None,
    ) -> None:
        self._api, self._clock, self._sleep, self._rates = api, clock, sleep, rates or Rates()
        self._lines = dict[tuple[str, str], asyncio.Lock]()
        self._in_line = Counter[tuple[str, str]]()
        self._next_post = dict[str, float]()
        self._next_update = float("-inf")
        self._alone_until = dict[tuple[str, str], float]()
        self._dead: tuple[float, Unauthorized] | None = None

    async def call(self, method: str, place: str = "", **arguments: JsonValue) -> Answer:
        """As `Api.call`. Raises Limited without a call while Slack wants to be left alone for long, and Unauthorized
        where it has just refused our token.
        """
        return (await self.ask(method, place, **arguments)).data

    async def ask(self, method: str, place: str = "", **arguments: JsonValue) -> Answered:
        """As `call`, with what stands beside the answer."""
        channel = str(arguments.get("channel", ""))
        match method:
            case "chat.postMessage":
                async with self.turn_to_post(channel) as post:
                    return await post(place, arguments)
            case "chat.update":
                return await self.update(place, arguments)
            case _:
                return await self._asked((method, ""), place, arguments)

    async def update(self, place: str, arguments: dict[str, JsonValue], newest: Newest | None = None) -> Answered:
        """`chat.update`, with the `newest` arguments where these had to wait. Raises as `call` does."""
        method, since = "chat.update", self._clock()
        async with self._line(method, str(arguments.get("channel", ""))):
            await self._until(self._turn_to_update())
            return await self._asked((method, ""), place, arguments, newest, since)

    @asynccontextmanager
    async def turn_to_post(self, channel: str) -> AsyncGenerator[Posts]:
        """The caller's turn in a Slack channel, for as long as the context is open, and what posts there at once.

        Raises ChannelUnavailable where many are before, and Limited while Slack wants to be left alone for long.
        """
        method = "chat.postMessage"

        async def post(place: str, arguments: dict[str, JsonValue]) -> Answered:
            try:
                return await self._asked((method, channel), place, arguments)
            finally:
                # From the answer on: a call may be under way for longer than the next one.
                self._next_post[channel] = self._clock() + self._rates.post_every_s

        async with self._line(method, channel):
            await self._until(self._next_post.get(channel, 0.0))
            await self._leave_alone((method, channel))
            yield post

    @asynccontextmanager
    async def _line(self, method: str, channel: str) -> AsyncGenerator[None]:
        """One after the other, in the order in which they came."""
        key = (method, channel)
        if self._in_line[key] * self._rates.post_every_s > self._rates.line_s:
            raise _too_many()
        self._in_line[key] += 1
        try:
            async with self._lines.setdefault(key, asyncio.Lock()):
                yield
        finally:
            self._in_line[key] -= 1
            if not self._in_line[key]:
                del self._in_line[key], self._lines[key]

    def _turn_to_update(self) -> float:
        """Return when the next update may go; every one that asks takes a turn."""
        every, now = self._rates.update_every_s, self._clock()
        turn = max(self._next_update, now - every * (self._rates.updates_at_once - 1))
        if turn - now > self._rates.line_s:
            raise _too_many()
        self._next_update = turn + every
        return turn

    async def _asked(
        self,
        key: tuple[str, str],
        place: str,
        arguments: dict[str, JsonValue],
        newest: Newest | None = None,
        since: float = 0.0,
    ) -> Answered:
        """The answer, after as many short Retry-Afters as it takes. Raises Limited after a long one.

        The `arguments` are as they were at `since`.
        """
        for _ in range(_TRIES):
            await self._leave_alone(key)
            self._raise_dead()
            if newest and self._clock() - since > _FRESH_S:
                arguments, since = await newest(), self._clock()
            try:
                return await self._api.ask(key[0], place, **arguments)
            except Unauthorized as error:
                if error.error in DEAD_TOKEN:
                    self._dead = (self._clock() + _DEAD_TOKEN_S, error)
                raise
            except Limited as error:
                self._alone_until[key] = self._clock() + error.retry_after_s
        raise Limited(self._left_s(key))

    def _raise_dead(self) -> None:
        if self._dead and self._clock() < self._dead[0]:
            known = self._dead[1]
            raise Unauthorized(known.error, known.what, known.do)

    async def _leave_alone(self, key: tuple[str, str]) -> None:
        if (left_s := self._left_s(key)) > self._rates.wait_s:
            raise Limited(left_s)
        await self._until(self._alone_until.get(key, 0.0))

    def _left_s(self, key: tuple[str, str]) -> float:
        return max(0.0, self._alone_until.get(key, 0.0) - self._clock())

    async def _until(self, at: float) -> None:
        while (left_s := at - self._clock()) > 0:
            await self._sleep(left_s)


def _too_many() -> ChannelUnavailable:
    return ChannelUnavailable("Slack takes messages one by one, and many are before this one", "It is tried again")
