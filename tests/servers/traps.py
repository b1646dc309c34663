"""Traps at named points: when the Nth call of something arrives, something happens to whoever called."""

import asyncio
import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.lines import Message

When = Literal["before", "during", "after"]


@dataclass
class Trap:
    """The fault that happens `when` the `nth` call of `name` from now on arrives.

    `kill`: `pid` dies. `drop`: its line is cut. `hold`: it goes on when it is released, at the latest after `at_most_s`
    seconds. `stop`: so it does, and `pid` with it.
    """

    name: str
    nth: int
    when: When
    act: Literal["kill", "drop", "hold", "stop"] = "kill"
    pid: int = 0
    at_most_s: float | None = None
    is_stepped_into: bool = False
    has_sprung: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Traps:
    """Counts what arrives, by name, and says which trap it has stepped into."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._counts: Counter[tuple[str, When | None]] = Counter()
        self._traps: list[Trap] = []

    def control(self, message: Message) -> Message:
        """Do what a test says: `clear`, `arm` a trap, `release` what is held, or tell what was `seen`."""
        match message.pop("do"):
            case "clear":
                self.seen, self._traps = [], []
                self._counts.clear()
            case "arm":
                self._counts.clear()
                self._traps.append(Trap(**message))
            case "release":
                for trap in self._traps:
                    trap.released.set()
            case "seen":
                pass
            case other:
                raise ValueError(f"no trap can {other}")
        return {"seen": self.seen, "sprung": sum(trap.has_sprung for trap in self._traps)}

    def arrived(self, name: str, when: When | None = None) -> Trap | None:
        """Count one call of `name`; the trap that it has stepped into.

        With `when` only traps of that time count, and are counted apart: not every call that is made gets that far.
        """
        self.seen.append(name)
        self._counts[name, when] += 1
        for trap in self._traps:
            is_meant = trap.name == name and when in {None, trap.when} and not trap.is_stepped_into
            if is_meant and trap.nth == self._counts[name, when]:
                trap.is_stepped_into = True
                return trap
        return None

    def take_back(self, name: str, trap: Trap | None) -> None:
        """Forget the latest call of `name`, which was not done; the `trap` that it stepped into is set again."""
        if self._counts[name, None]:
            del self.seen[-1 - self.seen[::-1].index(name)]
            self._counts[name, None] -= 1
        if trap and not trap.has_sprung:
            trap.is_stepped_into = False

    async def at(self, trap: Trap | None, when: When) -> bool:
        """Return whether the call is to end here, because its caller is dead now or must never hear the answer."""
        if trap is None or trap.when != when:
            return False
        trap.has_sprung = True
        match trap.act:
            case "drop":
                return True
            case "kill":
                _signal(trap.pid, signal.SIGKILL)
                return True
            case "hold":
                with suppress(TimeoutError):
                    await asyncio.wait_for(trap.released.wait(), trap.at_most_s)
            case "stop":
                _signal(trap.pid, signal.SIGSTOP)
                await trap.released.wait()
                _signal(trap.pid, signal.SIGCONT)
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
