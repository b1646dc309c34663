"""Commands that outlive this process: each runs once under a small runner of its own, which keeps what it gave.

Nothing here ends a command. A worker that is told to stop only stops waiting; its successor on the same machine finds
out, by `adopt`, whether the command never started, still runs, or what it gave.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog

import bot
from agents import CommandResult
from bot.errors import Unavailable
from bot.execution.runner_child import MAY, Kept, Order
from bot.execution.runner_files import (
    Places,
    Taker,
    clean_environment,
    is_runner_alive,
    read_result,
    take_claim,
    taker_of,
)
from language import say

log = structlog.stdlib.get_logger()

_TREE = Path(bot.__file__).parents[1]
# How soon an adopter sees that a command is over.
_LOOK_S = 0.1
# A runner is on its own within a tenth of a second; a machine that needs this long is in trouble.
_START_S = 20.0

# Whether what was to be run is still wanted.
Still = Callable[[], Awaitable[bool]]


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run: `argv` without a shell, in `cwd`; with a `commit` in a clean copy of that commit of it.

    PATH, HOME, LANG and `env` are all of its environment. What the patterns `hidden` find in its output is kept masked.
    """

    argv: Sequence[str]
    cwd: Path
    lock: str
    timeout_s: float
    commit: str = ""
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    hidden: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class NeverStarted:
    """The command was not started, and never will be under this attempt."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The runner died before it could say how the command ended, or none is known here: it may have had its effect."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Starts and adopts commands. A command that outlives its time-out by `kill_after_s` seconds is killed."""

    data_dir: Path
    redis_url: str
    kill_after_s: float = 5.0

    async def run(
        self,
        attempt_id: str,
        command: Command,
        not_after: datetime | None = None,
        still: Still = _always,
        kept: Kept | None = None,
    ) -> CommandResult | NeverStarted | Lost:
        """Run `command` once for this attempt, alone among all holders of its lock, and wait for what it gives.

        Its time-out begins when the lock is had; if that is only at `not_after` or later, or if `still`, asked then,
        says no, nothing is started. Cancelled before that, it leaves a claim that says so; later, it leaves the command
        alone.
        A lock of all machines that this process holds is `kept` until the command has ended. Raises Unavailable.
        """
        order = replace(
            self._order(attempt_id, command), not_after=not_after.timestamp() if not_after else None, kept=kept
        )
        line, held_by_runner = socket.socketpair()
        with line:
            try:
                trouble = await asyncio.to_thread(_start, order, held_by_runner.detach())
                is_told = not trouble and await _told(line, still)
            except asyncio.CancelledError:  # nobody tells it to begin any more
                with suppress(OSError):
                    _is_free(Places(self.data_dir), attempt_id, "nobody")
                raise
            if is_told:
                await _readable(line)
        if trouble:
            raise Unavailable(say("error.no-python", program=sys.executable, why=trouble), say("error.tried-again"))
        return await self.adopt(attempt_id) if is_told else NeverStarted()

    def never_starts(self, attempt_id: str) -> bool:
        """Return whether it is known here that the command of an attempt never starts."""
        try:
            return taker_of(Places(self.data_dir).claim(attempt_id)) == "nobody"
        except OSError:
            return False

    async def adopt(self, attempt_id: str) -> CommandResult | NeverStarted | Lost:
        """Return the result of an attempt whose worker is gone, after waiting for its runner if that is still alive.

        Where nobody has claimed it, that proves nothing: this data directory may be a copy of the one that its runner
        has, or was put back to before it began. It is claimed here, so that a runner that is late does nothing.
        A data directory that takes no files, or gives back none, proves nothing either.
        """
        try:
            return await self._adopt(attempt_id)
        except (OSError, ValueError, TypeError) as error:
            log.warning("what became of a command can't be read", attempt_id=attempt_id, error=str(error))
            return Lost()

    async def _adopt(self, attempt_id: str) -> CommandResult | NeverStarted | Lost:
        """Return what `adopt` does. Raises OSError, and ValueError or TypeError for a result that is none."""
        places = Places(self.data_dir)
        claim, result = places.claim(attempt_id), places.result(attempt_id)
        if result.exists():
            return _gave(result)
        # A full disk takes no claim, but a runner may have one there.
        if not claim.exists() and await asyncio.to_thread(_is_free, places, attempt_id, "adopter"):
            return Lost()
        if taker_of(claim) == "nobody":
            return NeverStarted()
        while is_runner_alive(claim) and not result.exists():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(_LOOK_S)
        return _gave(result)

    def _order(self, attempt_id: str, command: Command) -> Order:
        return Order(
            data_dir=str(self.data_dir.absolute()),
            redis_url=self.redis_url,
            attempt_id=attempt_id,
            argv=list(command.argv),
            cwd=str(command.cwd.absolute()),
            lock=command.lock,
            timeout_s=command.timeout_s,
            commit=command.commit,
            env=dict(command.env),
            hidden=list(command.hidden),
            kill_after_s=self.kill_after_s,
        )


def _start(order: Order, held_by_runner: int) -> str:
    """Start a runner, which holds the given end of its line until its result is written; what went wrong, if any."""
    environment = clean_environment()
    try:
        starting = subprocess.run(
            [sys.executable, "-m", "bot.execution.runner_child"],
            check=False,
            cwd=_TREE,  # where `bot` is found, whatever this process was started from
            env=environment,
            input=json.dumps(asdict(order)).encode(),
            stdout=held_by_runner,
            stderr=subprocess.PIPE,
            start_new_session=True,
            timeout=_START_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    finally:
        os.close(held_by_runner)
    last_line = starting.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return last_line or f"exit code {starting.returncode}" if starting.returncode else ""


async def _told(line: socket.socket, still: Still) -> bool:
    """Return whether the runner, which has the lock, was told to begin. Raises Unavailable if it ended before it asked.

    What ended it, such as a disk that takes no files, would end the next one as well.
    """
    await _readable(line)
    with suppress(OSError):  # it died
        if not line.recv(1):
            raise Unavailable(say("error.runner-ended"), say("error.runner-ended-do"))
        if await still():
            line.sendall(MAY)
            return True
    return False


async def _readable(line: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    is_readable = loop.create_future()
    loop.add_reader(line, lambda: is_readable.done() or is_readable.set_result(None))
    try:
        await is_readable
    finally:
        loop.remove_reader(line)


def _is_free(places: Places, attempt_id: str, taker: Taker) -> bool:
    """Claim the attempt; return whether nobody had claimed it before."""
    places.make()
    mine = take_claim(places.claim(attempt_id), taker)
    if mine is None:
        return False
    os.close(mine)
    return True


def _gave(result: Path) -> CommandResult | Lost:
    given = read_result(result)
    return CommandResult(given.exit_code, given.output, given.is_cut) if given else Lost()
