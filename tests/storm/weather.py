"""What befalls an installation in a storm: processes die and stand still, lines are cut, Redis loses its footing."""

import asyncio
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fakes.slack.driver import Workspace
from tests.kit.waiting import passes, until
from tests.storm.checker import CUT, OTHERS, STOOD_STILL, WORKERS, Group, died_at
from tests.storm.facts import Facts
from tests.storm.house import LEASE_S, House, Process
from tests.storm.plan import Disturbance, OfRedis, Plan
from tests.storm.servers import HAPPENED

# A trap that nobody steps into is no death.
_TRAP_S = 4.0
_STILL_S = LEASE_S + 1.0
_CLOCK_MS = {"on": 360_000, "back": -120_000}
_PAUSE_S = (0.5, 2.0)
_KILL_S = (1.2, 2.4)
_GROUPS: dict[Group, tuple[str, ...]] = {"worker": WORKERS, "other": OTHERS}


@dataclass(frozen=True)
class _Armed:
    """A trap at a named point, since when."""

    point: str
    at: float


class Weather:
    """Two things go on beside each other: processes die, and everything else happens, one thing after another.

    `steps` is how often the clock was set forward, by more than a request of the policy `briefly` stays open.
    """

    def __init__(self, house: House, slack: Workspace, facts: Facts, plan: Plan, calm: float) -> None:
        self._house, self._slack, self._facts, self._plan, self._calm = house, slack, facts, plan, calm
        self.steps = 0
        self._traps: dict[str, _Armed] = {}

    async def reviving(self) -> None:
        """Whoever is dead is there again soon."""
        while True:
            self.revive()
            await passes(0.1)

    def revive(self) -> None:
        """Start whoever is dead, and note whether it died at a named point."""
        dead = self._house.dead()
        for process in dead:
            if armed := self._traps.pop(process.name, None):
                has_sprung = bool(process.proxy.ask(do="seen")["sprung"])
                self._facts.done[died_at(armed.point)] += has_sprung
                self._facts.done[f"killed: {process.name}"] += has_sprung
        self._house.revive(dead)

    async def killing(self) -> None:
        """Processes die for ever."""
        chance = self._plan.chance("when they die")
        for name, point, when in self._plan.kills():
            await passes(self._calm * chance.uniform(*_KILL_S))
            self._clear_old_traps()
            process = self._house.processes[name]
            if name in self._traps or process.is_still or not process.is_alive():
                continue
            if point and when:
                self._traps[name] = _Armed(point, time.monotonic())
                process.proxy.ask(do="arm", name=point, nth=1, when=when, pid=process.life and process.life.process.pid)
            else:
                process.signal(signal.SIGKILL)
                self._facts.done[f"killed: {name}"] += 1

    def _clear_old_traps(self) -> None:
        """Whoever has not come to its point for long does not die there; others die meanwhile."""
        old = [name for name, armed in self._traps.items() if armed.at + _TRAP_S < time.monotonic()]
        for name in old:
            del self._traps[name]
            self._house.processes[name].proxy.ask(do="clear")

    async def blowing(self) -> None:
        """Everything else happens for ever."""
        chance = self._plan.chance("weather")
        for kind in self._plan.disturbances():
            await passes(self._calm * chance.uniform(*_PAUSE_S))
            await self._disturb(kind, chance)

    async def _disturb(self, kind: Disturbance, chance: random.Random) -> None:
        match kind:
            case "redis" | "disk" | "master" | "slot" | "stale":
                await self._befall_redis(kind, chance)
            case "still worker":
                await self._stand_still("worker", chance)
            case "still other":
                await self._stand_still("other", chance)
            case "cut worker":
                await self._cut("worker", chance)
            case "cut other":
                await self._cut("other", chance)
            case "clock":
                await self._step(_CLOCK_MS["on"] if chance.random() < 0.8 or not self.steps else _CLOCK_MS["back"])
            case "memory":
                await self._out_of_memory()
            case "order":
                await self._slack.tell("hold")
                await passes(1)
                released = await self._slack.tell("release", reverse=True)
                self._facts.done["events in reverse order"] += released["released"] > 1
            case "slack":
                await self._slack.tell("network", down=True)
                await passes(1.5)
                await self._slack.tell("network", down=False)
                self._facts.done["Slack away"] += 1

    async def _befall_redis(self, kind: OfRedis, chance: random.Random) -> None:
        is_done = await asyncio.to_thread(self._house.servers.befall, kind, chance)
        self._facts.done[HAPPENED[kind]] += is_done

    async def _stand_still(self, group: Group, chance: random.Random) -> None:
        names = chance.sample(_GROUPS[group], len(_GROUPS[group]))
        process = await until(lambda: self._awake(names), what="somebody who is about to die nowhere")
        life, process.is_still = process.life, True
        process.signal(signal.SIGSTOP)
        await passes(_STILL_S)
        if process.life is life and process.is_alive():
            process.signal(signal.SIGCONT)
            self._facts.done[STOOD_STILL[group]] += 1
        self._house.still_at()
        process.is_still = False

    def _awake(self, names: Sequence[str]) -> Process | None:
        found = (self._house.processes[name] for name in names if name not in self._traps)
        return next((process for process in found if process.is_alive()), None)

    async def _cut(self, group: Group, chance: random.Random) -> None:
        proxy = self._house.processes[chance.choice(_GROUPS[group])].proxy
        proxy.ask(do="cut")
        await passes(LEASE_S)
        proxy.ask(do="mend")
        self._facts.done[CUT[group]] += 1

    async def _step(self, by_ms: int) -> None:
        if await asyncio.to_thread(self._house.servers.step_clock, by_ms):
            self.steps += by_ms > 0
            self._facts.done["clock stepped"] += 1

    async def step_on(self) -> None:
        """Set the clock forward once more."""
        await self._step(_CLOCK_MS["on"])

    async def _out_of_memory(self) -> None:
        if self._house.servers.limit_memory(1):
            await passes(1.5)
            self._facts.done["Redis out of memory"] += 1
        self._house.servers.limit_memory(0)

    async def clear_up(self) -> None:
        """Everything is healthy again."""
        for process in self._house.processes.values():
            process.proxy.ask(do="clear")
            process.proxy.ask(do="mend")
            process.signal(signal.SIGCONT)
            process.is_still = False
        self._traps.clear()
        await asyncio.to_thread(self._house.servers.heal)
        self._house.servers.limit_memory(0)
        await self._slack.tell("release")
        await self._slack.tell("faults_over")
