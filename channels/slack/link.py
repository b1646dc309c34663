"""The line to Slack in Socket Mode: kept open, looked at every second, made anew when it is dead or has to go."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from channels import ChannelError, ChannelRefused, ChannelUnauthorized
from channels.slack.api import Limited

DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Waits between tries; the last one repeats. With it we are back within 10 s of a network that is back."""

REFUSED_S = 30.0
"""Wait while Slack refuses us, until somebody has mended the token."""

LOOK_S = 1.0
LIVED_S = 10.0
"""A line that lasted so long was a good one: when it ends the next try is soon."""

LEAVES_WITHIN_S = 5.0
"""So long may what is under way on an old line take to be acknowledged; Slack waits 3 s."""

Report = Callable[[bool, str], Awaitable[None]]
"""Called at every look: whether we are connected, and if not why."""

_log = logging.getLogger(__name__)


class Line(Protocol):
    """One connection, which is never made anew."""

    leaving: asyncio.Event
    """Slack has said that it will end it: https://docs.slack.dev/apis/events-api/using-socket-mode#disconnect."""

    async def is_connected(self) -> bool:
        """Whether it brings anything, as far as can be told."""
        ...

    async def end(self, within_s: float) -> None:
        """Leave when what is under way was answered, at the latest after so long."""
        ...


class Link:
    """Keeps one line open by `open_line`, which raises ChannelError when there is none to be had."""

    def __init__(
        self,
        open_line: Callable[[], Awaitable[Line]],
        report: Report,
        *,
        delays_s: Sequence[float] = DELAYS_S,
        refused_s: float = REFUSED_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._open, self._report = open_line, report
        self._delays_s, self._refused_s, self._look_s = delays_s, refused_s, look_s
        self._ending = set[asyncio.Task[None]]()

    async def keep(self) -> None:
        """Have a line for ever; on cancellation what is under way is answered first."""
        line: Line | None = None
        failures = 0
        try:
            while True:
                await asyncio.sleep(self._delays_s[min(failures, len(self._delays_s) - 1)])
                new, wait_s = await self._next_line()
                # One that only has to go still brings things, for as long as there is no other.
                if line is not None and (new is not None or not await line.is_connected()):
                    self._end(line)
                    line = None
                line = new or line
                went_well = new is not None and await self._watch(new)
                failures = 0 if went_well else failures + 1
                await asyncio.sleep(wait_s)
        finally:
            if line is not None:
                self._end(line)
            await asyncio.gather(*self._ending)

    async def _next_line(self) -> tuple[Line | None, float]:
        """A new line, or none and how long to leave Slack alone."""
        try:
            line = await self._open()
        except ChannelError as error:
            await self._report(False, str(error))
            _log.warning("no line to Slack: %s", error)
            if isinstance(error, Limited):
                return None, error.retry_after_s
            return None, self._refused_s if isinstance(error, ChannelRefused | ChannelUnauthorized) else 0.0
        _log.info("connected to Slack")
        return line, 0.0

    async def _watch(self, line: Line) -> bool:
        """Look at `line` until it is dead or has to go; whether it was a good one."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while await line.is_connected():
            await self._report(True, "")
            try:
                await asyncio.wait_for(line.leaving.wait(), self._look_s)
            except TimeoutError:
                continue
            _log.info("Slack ends our line; a new one is opened first")
            return loop.time() - began_s > LIVED_S
        await self._report(False, "the line to Slack is dead; a new one is opened")
        _log.warning("the line to Slack is dead; a new one is opened")
        return loop.time() - began_s > LIVED_S

    def _end(self, line: Line) -> None:
        """Leave `line` in its own time, beside the new one."""
        task = asyncio.ensure_future(line.end(LEAVES_WITHIN_S))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
