"""The means a tool may use: one command, child runs, a word to people, a mail, the time, and what was reported."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from agents import ChildRun, CommandResult, Mailed, Variables
from agents.requests import AttemptId, RunId, StepId
from agents.run import Run
from bot.errors import Unavailable
from bot.execution.command_lock import CommandLock, Holder, Queued
from bot.execution.runner import Command, Lost, NeverStarted, Runner, Still
from bot.execution.runner_child import Kept
from bot.outbound.announcements import Announcements
from bot.outbound.raw_mail import RawMail
from bot.store import StoreError


class NotStarted(Exception):
    """The command of an earlier owner never began and never will."""


class NobodyKnows(Exception):
    """The command of an earlier owner may or may not have had its effect."""


Find = Callable[[AttemptId], Awaitable[CommandResult | NeverStarted | Lost]]


class ChildRuns(Protocol):
    """The runs that a step starts, and its mails, as `bot.runs.children.Children` has them."""

    mailing: RawMail

    async def start(
        self,
        run: Run,
        step_id: StepId,
        agent: str,
        text: str,
        key: str,
        context: Mapping[str, JsonValue],
        *,
        with_files: bool = False,
    ) -> RunId:
        """The child of `run` that this step begins under `key`. Raises ToolRefused."""
        ...

    async def look(self, run: Run, child_id: RunId) -> ChildRun:
        """Return the state of a child of `run`. Raises ToolRefused."""
        ...

    async def stop(self, run: Run, child_id: RunId) -> None:
        """Stop a child of `run`. Raises ToolRefused."""
        ...


@dataclass(frozen=True, slots=True)
class Guarded:
    """The terms of an approval for a command: it begins before `not_after`, and only if `still` says so then."""

    not_after: datetime
    still: Still


@dataclass(frozen=True, slots=True)
class HeldAttempt:
    """An attempt that may run its command. With `adopt` that is an earlier owner's, which may still run.

    `mask` takes secrets out of all that the command printed, before anybody cuts it. `queued` records behind whom it
    waits for its turn, and says whether it is still wanted.
    """

    runner: Runner
    id: AttemptId
    turns: CommandLock
    mask: Callable[[str], str]
    queued: Queued
    adopt: Find | None = None
    cover: Guarded | None = None


@dataclass(frozen=True, slots=True)
class StepContext:
    """An `agents.ToolContext` for a step of `run`. Without an `attempt` it can only look.

    `done` has a word for each means that may have had an effect: what is refused after that did not happen before it.
    """

    run: Run
    step_id: StepId
    now: datetime
    children: ChildRuns
    attempt: HeldAttempt | None = None
    report: str = ""
    announcing: Announcements | None = None
    done: list[str] = field(default_factory=list[str])

    @property
    def key(self) -> str:
        """See `agents.ToolContext`."""
        return self.step_id

    async def start_run(
        self,
        agent: str,
        text: str,
        *,
        key: str = "",
        context: Mapping[str, JsonValue] | None = None,
        with_files: bool = False,
    ) -> RunId:
        """See `agents.ToolContext`."""
        what = context or {}
        begun = await self.children.start(self.run, self.step_id, agent, text, key, what, with_files=with_files)
        self.done.append("start_run")
        return begun

    async def child(self, run_id: RunId) -> ChildRun:
        """See `agents.ToolContext`."""
        return await self.children.look(self.run, run_id)

    async def stop_child(self, run_id: RunId) -> None:
        """See `agents.ToolContext`."""
        await self.children.stop(self.run, run_id)

    async def notify(self, to: str, title: str | Callable[[], str], text: str) -> None:
        """See `agents.ToolContext`."""
        if self.announcing is None:
            raise TypeError("who only looks for a result tells nobody")
        await self.announcing.notify(self.run, self.step_id, to, title, text)
        self.done.append("notify")

    async def tell(self, to: str, title: str, text: str) -> None:
        """Call `notify`, for one release: own agents know it by this name."""
        warnings.warn("ToolContext.tell is called notify now", DeprecationWarning, stacklevel=2)
        await self.notify(to, title, text)

    async def mail(self, raw: bytes, to: str) -> None:
        """See `agents.ToolContext`."""
        if self.attempt is None:
            raise TypeError("who only looks for a result sends no mail")
        self.done.append("mail")
        await self.children.mailing.post(self.run, self.step_id, raw, to)

    async def mailed(self) -> Mailed | None:
        """See `agents.ToolContext`."""
        return await self.children.mailing.state(self.step_id)

    async def command(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        lock: str,
        timeout_s: float,
        commit: str = "",
        variables: Callable[[], Awaitable[Variables]] | None = None,
    ) -> CommandResult:
        """See `agents.ToolContext`."""
        held = self.attempt
        if held is None:
            raise TypeError("who only looks for a result runs no command")
        self.done.append("command")
        if held.adopt:
            found = await held.adopt(held.id)
        else:
            found = await self._in_turn(held, Command(tuple(argv), cwd, lock, timeout_s, commit), variables)
        match found:
            case NeverStarted():
                raise NotStarted
            case Lost():
                raise NobodyKnows
            case CommandResult():
                return replace(found, output=held.mask(found.output))

    async def _in_turn(
        self, held: HeldAttempt, what: Command, variables: Callable[[], Awaitable[Variables]] | None
    ) -> CommandResult | NeverStarted | Lost:
        """Run it once no other machine runs anything under its lock."""
        cover, turns = held.cover, held.turns
        me, not_after = Holder(self.run.id, held.id), cover.not_after if cover else None
        try:
            mine = await turns.take(what.lock, me, not_after, held.queued)
        except asyncio.CancelledError:  # this process ends, and whoever goes on is told that nothing has begun
            raise NotStarted from None
        if mine is None:
            return NeverStarted()

        async def still() -> bool:
            try:
                is_wanted = cover is None or await cover.still()
                return is_wanted and await held.queued(None) and await turns.locks.keep(mine)
            except StoreError:  # nobody says that it is wanted
                return False

        try:
            given = await variables() if variables else Variables({})
        except asyncio.CancelledError:
            await turns.give_up(mine)
            raise NotStarted from None
        except Exception:
            await turns.give_up(mine)
            raise
        what = replace(what, env=given.values, hidden=given.hidden)
        async with turns.kept(mine):
            kept = Kept(turns.locks.shards, turns.locks.lease_s, mine.name, mine.holder, mine.fence)
            try:
                found = await held.runner.run(held.id, what, turns.here(not_after, held.id), still, kept)
            except Unavailable:  # nothing was started, nor will it be
                await turns.give_up(mine)
                raise
            except asyncio.CancelledError:
                if not held.runner.never_starts(held.id):  # it goes on without this process, and so does its lock
                    raise
                await turns.give_up(mine)
                raise NotStarted from None
        if not isinstance(found, Lost):  # then it may still run: its lease ends, and the attempt is judged
            await turns.give_up(mine)
        return found
