"""A long run with everything dying: `python -m tests.kill.torture [--seconds S] [--runs N] [--seed X]`.

Two workers and a receiver over one Redis. Every two seconds one of them is killed with -9, at chance or at a named
point; Redis is killed and started again every 5 to 40 s; a fifth of what people say arrives twice. At the end the
counts are printed; exit 1 when anything was lost, done twice, or done without a decision, and when the run was too
tame to say so.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from agents.events import RunEnded
from tests.kill.lane import Nursery, environment, is_quiet
from tests.kill.parts import TOOLS
from tests.kill.people import People, Story
from tests.processes.programs import RedisServer
from tests.servers.lines import Server
from tests.servers.traps import When

IN_FLIGHT = 40
KILL_EVERY_S = 2.0
REDIS_S = (5.0, 40.0)
DRAIN_S = 120.0
DOUBLED = 0.2
# A trap that nobody steps into is no death.
TRAP_S = 6.0
AT_CHANCE = 0.2
POINTS = (
    "accept", "admit", "commit run_started", "commit context_fetched+step_chosen", "commit request_opened",
    "commit card_delivered", "commit vote_cast+request_decided", "commit request_decided", "take", "start_tool",
    "look_at_lease", "finish_tool", "orphan", "commit step_chosen+run_ended", "commit sent", "sweep",
)  # fmt: skip
WHENS: tuple[When, ...] = ("before", "after")


@dataclass
class Victim:
    """A worker with a line of its own to Redis; `parts` is what it does."""

    name: str
    parts: str
    proxy: Server
    nursery: Nursery
    pid: int = 0
    point: str = ""
    trapped_at: float = 0

    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


@dataclass
class Counts:
    """The count of what happened. `hit` are the named points at which somebody died."""

    kills: Counter[str] = field(default_factory=Counter[str])
    hit: Counter[str] = field(default_factory=Counter[str])
    restarts: int = 0


class Torture:
    """One run of it."""

    def __init__(self, stack: ExitStack, folder: Path, chance: random.Random) -> None:
        self._chance, self.counts = chance, Counts()
        self.redis = stack.enter_context(RedisServer(folder / "redis")).start()
        self._recorder = stack.enter_context(Server("tests.servers.recorder"))
        self._desk = stack.enter_context(Server("tests.servers.desk"))
        self.people = People(self._desk, self._recorder, DOUBLED, chance)
        base = environment(folder, self.redis.url, self._desk, self._recorder)
        self._victims: list[Victim] = []
        for name, parts in (("worker 1", "works"), ("worker 2", "works"), ("receiver", "receives")):
            proxy = stack.enter_context(Server("tests.servers.redis_proxy", self.redis.url))
            url = f"redis://127.0.0.1:{proxy.said['redis_port']}/0"
            nursery = Nursery(base | {"SAYSO_REDIS_URL": url, "PARTS": parts})
            self._victims.append(Victim(name, parts, proxy, stack.enter_context(nursery)))

    def run(self, seconds: float, runs: int) -> None:
        """Torture until the time is over and the runs are done; then let everything come to its end."""
        began = time.monotonic()
        kill_at, redis_at, left = began + KILL_EVERY_S, began + self._chance.uniform(*REDIS_S), runs
        while time.monotonic() < began + seconds and (left > 0 or not runs):
            while self._in_flight() < IN_FLIGHT and (left > 0 or not runs):
                self.people.want(self._chance.choice(TOOLS))
                left -= 1
            self._revive()
            self.people.look()
            if time.monotonic() > kill_at:
                self._kill(self._chance.choice(self._victims))
                kill_at = time.monotonic() + KILL_EVERY_S
            if time.monotonic() > redis_at:
                self._restart_redis()
                redis_at = time.monotonic() + self._chance.uniform(*REDIS_S)
        self._drain()

    def report(self) -> bool:
        """Print the counts; whether all is well, and the run was hard enough to say so."""
        stories, counts = list(self.people.stories.values()), self.counts
        problems = {story.name: found for story in stories if (found := story.problems())}
        lost = [story for story in stories if not any(isinstance(event, RunEnded) for event in story.events)]
        twice = [story for story in stories if _is_twice(story)]
        undecided = [story for story in stories if not story.is_decided_before_it_is_done()]
        asked = sum(len(story.calls_before_unknown) for story in stories)
        missed = [f"{when} {name}" for name in POINTS for when in WHENS if not counts.hit[f"{when} {name}"]]
        _print(
            f"runs {len(stories)}, kills {counts.kills.total()} ({_listed(counts.kills)}), "
            f"of them at named points {counts.hit.total()} (different ones: {len(counts.hit)})",
            f"points not hit: {', '.join(missed) or 'none'}",
            f"Redis restarts {counts.restarts}, duplicates {self.people.duplicates}, UNKNOWN asked {asked}",
            f"lost {len(lost)}, executed twice {len(twice)}, executed without decision {len(undecided)}",
            *(f"{name}: {'; '.join(found)}" for name, found in problems.items()),
        )
        is_hard = bool(
            stories and counts.restarts and self.people.duplicates and len(counts.kills) == len(self._victims)
        )
        if not is_hard:
            _print("too tame to count: every kind of process, Redis and duplicates must have had their turn")
        return is_hard and not problems and not lost and not twice and not undecided

    def _in_flight(self) -> int:
        return sum(not story.outcome for story in self.people.stories.values())

    def _kill(self, victim: Victim) -> None:
        """Now, or where it steps next into a trap at a named point: of the points where the fewest have died, any."""
        if victim.point and time.monotonic() < victim.trapped_at + TRAP_S:
            return
        if victim.point or self._chance.random() < AT_CHANCE:
            with suppress(ProcessLookupError):
                os.kill(victim.pid, signal.SIGKILL)
            return
        points = [(when, name) for name in (POINTS if victim.parts == "works" else POINTS[:1]) for when in WHENS]
        self._chance.shuffle(points)
        when, name = min(points, key=lambda point: self.counts.hit[" ".join(point)])
        victim.point, victim.trapped_at = f"{when} {name}", time.monotonic()
        victim.proxy.ask(do="arm", name=name, nth=1, when=when, pid=victim.pid)

    def _revive(self) -> None:
        for victim in self._victims:
            if victim.pid and victim.is_alive():
                continue
            if victim.pid:
                self.counts.kills[victim.name] += 1
                if victim.proxy.ask(do="seen")["sprung"]:
                    self.counts.hit[victim.point] += 1
            victim.proxy.ask(do="clear")
            victim.pid, victim.point = victim.nursery.worker(), ""

    def _restart_redis(self) -> None:
        self.redis.kill()
        self.redis.start()
        self.counts.restarts += 1

    def _drain(self) -> None:
        """No more deaths: whatever is under way must come to its end."""
        for victim in self._victims:
            victim.proxy.ask(do="clear")
        give_up_at = time.monotonic() + DRAIN_S
        connection = self.redis.connect()
        while (self._in_flight() or not is_quiet(connection)) and time.monotonic() < give_up_at:
            self._revive()
            self.people.look()
        self.people.look_back(connection)
        connection.close()


def _is_twice(story: Story) -> bool:
    may_be_called = 1 + len(story.calls_before_unknown)
    return story.effects > 1 or (story.tool != "honours" and len(story.calls) > may_be_called)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _print(*lines: str) -> None:
    print("\n".join(lines), flush=True)  # noqa: T201


@contextmanager
def _folder() -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Torture as the command line says."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=180, help="at most so long, the end not counted")
    options.add_argument("--runs", type=int, default=0, help="so many runs; 0: as many as the time allows")
    options.add_argument("--seed", type=int, default=None, help="the same seed makes the same choices")
    given = options.parse_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed  # noqa: S311
    _print(f"seed {seed}")
    began = time.monotonic()
    with ExitStack() as stack:
        torture = Torture(stack, stack.enter_context(_folder()), random.Random(seed))  # noqa: S311
        torture.run(given.seconds, given.runs)
        _print(f"{time.monotonic() - began:.0f} s")
        is_well = torture.report()
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
