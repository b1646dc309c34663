"""User groups of Slack: read when a request opens, remembered for a short while, and not believed for long."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from channels import ChannelError, ChannelUnavailable
from language import say

log = structlog.stdlib.get_logger()

FRESH_S = 30.0
"""Seconds that what Slack said, or that it said nothing, is taken for the truth: requests come in bursts."""

LAST_GOOD_S = 3600.0
"""Seconds that the last answer counts while Slack can't be reached; after that nobody is known to be in the group."""

MembersOf = Callable[[str], Awaitable[tuple[str, ...]]]
"""The Slack ids of whom Slack has in a user group. Raises ChannelError."""


@dataclass(frozen=True, slots=True)
class GroupRead:
    """The Slack ids of the members; or the `problem`, where they are not known."""

    members: tuple[str, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class _Known:
    members: tuple[str, ...] = ()
    read_s: float | None = None
    asked_s: float | None = None
    problem: str = ""


class GroupReader:
    """Reads user groups by `members_of`. `clock` gives seconds that only grow."""

    def __init__(self, members_of: MembersOf, clock: Callable[[], float]) -> None:
        self._members_of, self._clock = members_of, clock
        self._known = dict[str, _Known]()
        self._turns = dict[str, asyncio.Lock]()

    async def read(self, group: str, *, anew: bool = False) -> bool:
        """Ask Slack who is in `group`, unless it was asked just now; return whether it has said so. Never raises.

        With `anew` only what is asked from now on counts; where Slack has just failed it is not asked either. What it
        said is `known`.
        """
        since = self._clock()
        async with self._turns.setdefault(group, asyncio.Lock()):
            known = self._known.setdefault(group, _Known())
            now = self._clock()
            is_good = known.asked_s is not None and known.asked_s == known.read_s
            is_known = known.asked_s is not None and now - known.asked_s < FRESH_S
            if is_known and not (anew and is_good and (known.asked_s or 0.0) < since):
                return is_good
            try:
                members = await self._members_of(group)
                self._known[group] = _Known(members, now, now)
            except ChannelUnavailable as error:
                log.warning("a user group of Slack was not read", group=group, error=str(error))
                known.asked_s, known.problem = now, str(error)
            except ChannelError as error:
                # Slack has answered, and says that there is no such group, or that it is not ours to see.
                log.warning("a user group of Slack was refused", group=group, error=str(error))
                self._known[group] = _Known(known.members, asked_s=now, problem=str(error))
            return self._known[group].read_s == now

    def known(self, group: str) -> GroupRead:
        """Return who is in `group` by what was read; the last good answer for a while, then nobody, and why."""
        known = self._known.get(group)
        if known is None or known.asked_s is None:
            return GroupRead(problem=say("group.not-read"))
        if known.read_s is not None and self._clock() - known.read_s < LAST_GOOD_S:
            return GroupRead(known.members)
        return GroupRead(problem=known.problem or say("group.not-read"))

    def last(self, group: str) -> tuple[str, ...]:
        """Return who was in `group` by the last good answer, however old it is: for what is told, and for no right."""
        return self._known[group].members if group in self._known else ()
