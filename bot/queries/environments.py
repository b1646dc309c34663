"""What is live in each environment, as the environment itself reports it, and who deploys there or waits to."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from agents.deploy import Environment, live_in
from agents.deploy.facts import health_fact
from agents.deploy.lookup import is_cut
from agents.deploy.repository import git
from agents.deploy.repository.git import Touched
from agents.deploy.repository.mirror import host_of
from agents.requests import Effect, PersonId, RunId
from bot.execution.command_lock import CommandLock, Holder
from bot.queries.look_cache import LookCache, SharedLook
from bot.render.difference import Ends, ends_of
from bot.render.views import Turn, Turns, summary_in
from bot.store import Store
from bot.store.locks import LockQueue

_MOST_FILES, _MOST_LINES = 500, 5_000
# What a difference takes is at most some 600 KB; two gits at once leave a small machine room for the rest.
_KEPT_BYTES, _DIFFS_AT_ONCE = 8_000_000, 2
_FILE_BYTES = 200  # of a path, beside its characters
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

Files = tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An environment, what it says is live there, and the policy that decides about it; None when nobody is asked."""

    name: str
    text: str
    policy: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The paths of the first `files` of all that differ, `count` in all; and lines of `git diff`, perhaps not all."""

    files: tuple[str, ...]
    count: int
    lines: list[str]
    is_cut: bool


class Live:
    """Looks for everybody who asks at about the same time. `clock` gives seconds."""

    def __init__(
        self, environments: Mapping[str, Environment], store: Store, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._environments, self._store, self._clock = environments, store, clock
        self._locks = CommandLock(store).locks
        self._files = LookCache[Files](_size_of_files, most_bytes=_KEPT_BYTES // 4, at_once=_DIFFS_AT_ONCE)
        self._diffs = LookCache[str](len, most_bytes=_KEPT_BYTES, at_once=_DIFFS_AT_ONCE)
        self._places, self._health = SharedLook(self._look, clock), SharedLook(self._look_at_health, clock)

    async def places(self, *, anew: bool = False) -> list[Place]:
        """Every environment as it answered a moment ago; `anew`: not before this call."""
        return await self._places.found(anew=anew)

    def hosts(self) -> list[str]:
        """The servers that are asked for versions and what came of a deploy."""
        servers = [server for one in self._environments.values() for server in (one.checks, one.backend) if server]
        remotes = (one.remote for one in self._environments.values() if one.remote)
        found = {*(host_of(one.url) for one in remotes), *(host_of(server.server) for server in servers)}
        return sorted(filter(None, found))

    async def health(self) -> dict[str, str]:
        """What the health check of each environment that has one said a moment ago."""
        return await self._health.found()

    def ends_of(self, effect: Effect) -> Ends | None:
        """The commits between which a deploy changes what is live, in an environment that there is now."""
        ends = ends_of(effect)
        return ends if ends and ends.environment in self._environments else None

    async def difference(self, ends: Ends, path: str = "") -> Difference:
        """How they differ, in all files or in the one at `path`. Raises LookFailed."""
        repo, old, new = self._environments[ends.environment].repo, ends.old, ends.new
        # What two whole hashes stand for is the same for ever.
        is_fixed = bool(_FULL.fullmatch(old) and _FULL.fullmatch(new))
        files, text = await asyncio.gather(
            self._files.get((repo, old, new), lambda: git.touched(repo, old, new), keeps=is_fixed),
            self._diffs.get((repo, old, new, path), lambda: git.diff(repo, old, new, path), keeps=is_fixed),
        )
        lines = [visible(line) for line in text.removesuffix("\n").split("\n")]
        is_more = is_cut(text) or len(lines) > _MOST_LINES
        return Difference(tuple(one.path for one in files[:_MOST_FILES]), len(files), lines[:_MOST_LINES], is_more)

    async def turns(self) -> dict[str, Turns]:
        """Who deploys to each environment, and who waits. Raises StoreUnavailable."""
        queues = await asyncio.gather(*(self._locks.queue(one.lock) for one in self._environments.values()))
        return {name: await self._turns_of(queue) for name, queue in zip(self._environments, queues, strict=True)}

    async def _turns_of(self, queue: LockQueue) -> Turns:
        found = [*([queue.holder] if queue.holder else []), *queue.waiting]
        run_ids = [Holder.of(one.who).run_id for one in found]
        lines = await self._store.lists.summaries_of(run_ids)
        turns = [_turn(run_id, one.since, line) for run_id, one, line in zip(run_ids, found, lines, strict=True)]
        return Turns(running=turns[0], waiting=tuple(turns[1:])) if queue.holder else Turns(waiting=tuple(turns))

    async def _look_at_health(self) -> dict[str, str]:
        checked = [one for one in self._environments.values() if one.health]
        said = await asyncio.gather(*(health_fact(environment) for environment in checked))
        return {environment.name: fact.text for environment, fact in zip(checked, said, strict=True)}

    async def _look(self) -> list[Place]:
        found = await asyncio.gather(*(live_in(environment) for environment in self._environments.values()))
        pairs = zip(self._environments.values(), found, strict=True)
        return [Place(environment.name, fact.text, environment.policy) for environment, fact in pairs]


def _size_of_files(files: Files) -> int:
    return sum(len(one.path) + _FILE_BYTES for one in files)


def visible(line: str) -> str:
    """`line` of a file with a mark for each character that shows nothing: what is hidden may be what matters."""
    shown = line.removesuffix("\r").replace("\t", "    ")
    return "".join(one if one.isprintable() else f"⟨U+{ord(one):04X}⟩" for one in shown)


def _turn(run_id: RunId, since: datetime, line: bytes | None) -> Turn:
    run = summary_in(line)
    return Turn(run=run_id, requester=run.requester if run else PersonId(""), text=run.wish if run else "", since=since)
