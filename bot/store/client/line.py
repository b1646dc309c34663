"""The way to one Redis server: what is asked for while an answer is on its way goes out together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from itertools import islice
from typing import Any

from bot.store.client.errors import of_command

Arg = str | bytes | int | float
Command = Sequence[Arg]

# The answers to commands that go over one connection in one round trip; an error is the answer of each that it befell.
Over = Callable[[Sequence[Command]], Awaitable[list[Any]]]

# A larger batch would keep the server from everybody else for milliseconds.
BATCH = 64


class Line:
    """Commands to one server. Under load a round trip is most of the cost of a command, here and in the server, which
    syncs its log once for all that came together.
    """

    def __init__(self, over: Over) -> None:
        self._over = over
        self._waiting: list[tuple[Sequence[Command], asyncio.Future[list[Any]]]] = []
        self._is_asking = False
        self._asking: asyncio.Task[None] | None = None

    async def together(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to `commands`: at once, or with everybody who asked while an answer was on its way."""
        if self._is_asking:
            answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
            self._waiting.append((commands, answer))
            return await answer
        self._is_asking = True
        try:
            return checked(await self.replies(commands))
        finally:
            self._asking = asyncio.create_task(self._ask_for_waiting(), context=Context()) if self._waiting else None
            self._is_asking = self._asking is not None

    async def _ask_for_waiting(self) -> None:
        try:
            while batch := self._taken():
                replies = iter(await self.replies([command for commands, _ in batch for command in commands]))
                for commands, answer in batch:
                    _give(answer, list(islice(replies, len(commands))))
        finally:
            self._is_asking = False

    def _taken(self) -> list[tuple[Sequence[Command], asyncio.Future[list[Any]]]]:
        """Take those whose turn it is, and none of those who have gone: what they asked is not done later."""
        waiting = [each for each in self._waiting if not each[1].done()]
        self._waiting = waiting[BATCH:]
        return waiting[:BATCH]

    async def end(self) -> None:
        """Wait until what was asked for by those who have gone is answered: it would open a connection anew."""
        if self._asking:
            await asyncio.wait([self._asking])

    async def alone(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to `commands`, over a connection that nobody else uses meanwhile."""
        return checked(await self.replies(commands))

    async def replies(self, commands: Sequence[Command]) -> list[Any]:
        """The same, with an error as the answer of each command that it befell."""
        try:
            replies = await self._over(commands)
        except Exception as error:  # noqa: BLE001 - whatever it is, each of those who asked must get it
            replies = [error] * len(commands)
        return [of_command(reply) if isinstance(reply, Exception) else reply for reply in replies]


def _give(answer: asyncio.Future[list[Any]], replies: list[Any]) -> None:
    """Answer who asked, unless they have gone."""
    if answer.done():
        return
    try:
        answer.set_result(checked(replies))
    except Exception as error:  # noqa: BLE001 - see `replies`
        answer.set_exception(error)


def checked(replies: list[Any]) -> list[Any]:
    """`replies` without an error among them; raises the first one."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
