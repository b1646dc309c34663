"""The Redis of a storm and what befalls it: one server on a small disk, a cluster, or a master under Sentinels."""

import random
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.waiting import wait_until
from tests.servers.redis import RedisServer
from tests.servers.redis_cluster import RedisCluster, Watched, ask, follows_up
from tests.servers.resp import Refused
from tests.storm.facts import Setup
from tests.storm.plan import OfRedis

HAPPENED: dict[OfRedis, str] = {
    "redis": "Redis killed and started again",
    "disk": "disk of Redis full",
    "master": "master killed, its replica promoted",
    "slot": "slot moved to another master",
    "stale": "stale master came back",
}
"""How a report names what befell Redis."""

_DISK, _LAST_BYTES = "8g", 65_536
_DISK_FULL_S = _HALF_MOVED_S = 1.5
# A busy machine is not a failure.
_HEALED_S = 120.0
_COPIED_MS = 2_000


class Servers(ABC):
    """Started while the context is open. `shards` and `replicas` are the settings of the processes at `url`.

    One thing after another befalls them, also where whoever began it has gone. `lacking` is what can't befall them on
    this machine, and why.
    """

    setup: Setup = "one"
    shards, replicas = 2, 0

    def __init__(self) -> None:
        self.lacking: list[str] = []
        self._busy, self._stack = threading.Lock(), ExitStack()
        self._offsets_ms = Counter[int]()

    def __enter__(self) -> Self:
        """Start them; returns when they work together."""
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them."""
        self._stack.close()

    def befall(self, what: OfRedis, chance: random.Random) -> bool:
        """Let it happen, and return once they are healthy again: whether it did happen."""
        with self._busy:
            return self._fates()[what](chance)

    def heal(self) -> None:
        """Return when all is healthy, whatever was going on."""
        with self._busy:
            for server in self._servers():
                server.thaw()
                if not _told(server, "PING"):
                    server.kill()
                    server.start()
            wait_until(self._is_whole, _HEALED_S, "servers that are whole")

    def step_clock(self, by_ms: int) -> bool:
        """Set the clock of every shard; whether all know it now, and no server that takes over can forget it."""
        with self._busy:
            self._offsets_ms.update(dict.fromkeys(range(self.shards), by_ms))
            told = [self._write(shard, "SET", clock_of(shard), at_ms) for shard, at_ms in self._offsets_ms.items()]
        return all(told)

    def limit_memory(self, limit_bytes: int) -> bool:
        """Let them have so much, or with 0 what they want; whether all were there to hear it."""
        told = [_told(server, "CONFIG", "SET", "maxmemory", limit_bytes) for server in self._servers()]
        return all(told)

    def _write(self, shard: int, *words: str | int) -> bool:
        """Write to a shard, past every process; whether all its servers have it."""
        try:
            connection = self._master_of(shard).connect()
        except (OSError, StopIteration):
            return False
        try:
            connection.ask(*words)
            return connection.ask("WAIT", self.replicas, _COPIED_MS) == self.replicas
        except (OSError, Refused):
            return False
        finally:
            connection.close()

    @property
    @abstractmethod
    def url(self) -> str:
        """Their address."""

    @abstractmethod
    def _open(self, stack: ExitStack) -> None: ...

    @abstractmethod
    def _servers(self) -> Sequence[RedisServer]: ...

    @abstractmethod
    def _master_of(self, shard: int) -> RedisServer: ...

    @abstractmethod
    def _is_whole(self) -> bool: ...

    @abstractmethod
    def _fates(self) -> dict[OfRedis, Callable[[random.Random], bool]]: ...


class OneServer(Servers):
    """One, on a disk of its own where we may make one."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._disk, self._redis = folder, RedisServer(folder)

    def _open(self, stack: ExitStack) -> None:
        self._disk.mkdir()
        if why := _mount("new", self._disk, _DISK):
            self.lacking.append(f"{HAPPENED['disk']}: {why}")
        else:
            stack.callback(subprocess.run, ["umount", "--lazy", str(self._disk)], check=False)
        stack.enter_context(self._redis).start()

    @property
    def url(self) -> str:
        """Its address."""
        return self._redis.url

    def _servers(self) -> Sequence[RedisServer]:
        return [self._redis]

    def _master_of(self, shard: int) -> RedisServer:
        return self._redis

    def _is_whole(self) -> bool:
        return _told(self._redis, "PING")

    def _fates(self) -> dict[OfRedis, Callable[[random.Random], bool]]:
        return {"redis": self._restart, "disk": self._fill_disk}

    def _restart(self, _: random.Random) -> bool:
        self._redis.kill()
        self._redis.start()
        return True

    def _fill_disk(self, _: random.Random) -> bool:
        """Leave no room on the disk for a while; then make room, and start Redis again if it has given up."""
        if self.lacking:
            return False
        used = sum(file.stat().st_blocks * 512 for file in self._disk.rglob("*") if file.is_file())
        _mount("remount", self._disk, f"{used + _LAST_BYTES}")
        _last(_DISK_FULL_S)
        _mount("remount", self._disk, _DISK)
        if not _told(self._redis, "PING"):
            self._redis.kill()
            self._redis.start()
        return True


class Clustered(Servers):
    """Three masters, and a replica of each."""

    setup, shards, replicas = "cluster", 6, 1

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._cluster = RedisCluster(folder)

    def _open(self, stack: ExitStack) -> None:
        stack.enter_context(self._cluster)

    @property
    def url(self) -> str:
        """The address that names two of them."""
        return self._cluster.url

    def _servers(self) -> Sequence[RedisServer]:
        return self._cluster.servers

    def _master_of(self, shard: int) -> RedisServer:
        return self._cluster.master_of(clock_of(shard))

    def _is_whole(self) -> bool:
        return self._cluster.is_whole()

    def _fates(self) -> dict[OfRedis, Callable[[random.Random], bool]]:
        return {"master": self._lose_master, "slot": self._move_slot}

    def _lose_master(self, chance: random.Random) -> bool:
        shard = chance.randrange(self.shards)
        lost = self._master_of(shard)
        lost.kill()
        wait_until(lambda: self._is_served(shard), _HEALED_S, "a replica that takes over")
        lost.start()
        wait_until(self._is_whole, _HEALED_S, "a cluster that is whole")
        return follows_up(lost)

    def _is_served(self, shard: int) -> bool:
        try:
            return bool(self._master_of(shard))
        except StopIteration:
            return False

    def _move_slot(self, chance: random.Random) -> bool:
        """Move a shard while its runs go on.

        A clock that was set is a key that an installation does not have, and that keeps half-moved shards from being
        written to by not being there: so the shard's clock is right again from now on.
        """
        shard = chance.randrange(self.shards)
        source = self._master_of(shard)
        target = self._cluster.another_master(source)
        if not self._write(shard, "DEL", clock_of(shard)):
            return False
        self._offsets_ms[shard] = 0
        self._cluster.move(clock_of(shard), source, target, half_way=lambda: _last(_HALF_MOVED_S))
        wait_until(lambda: self._cluster.is_known(clock_of(shard), target), _HEALED_S, "a slot that has moved")
        return self._master_of(shard) is target


class Guarded(Servers):
    """A master and two replicas, and three Sentinels."""

    setup, replicas = "sentinel", 2

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._watched = Watched(folder, self.replicas, sentinels=3)

    def _open(self, stack: ExitStack) -> None:
        stack.enter_context(self._watched)

    @property
    def url(self) -> str:
        """The addresses of the Sentinels."""
        return self._watched.url

    def _servers(self) -> Sequence[RedisServer]:
        return self._watched.servers

    def _master_of(self, shard: int) -> RedisServer:
        return self._watched.master()

    def _is_whole(self) -> bool:
        return self._watched.is_whole()

    def _fates(self) -> dict[OfRedis, Callable[[random.Random], bool]]:
        return {"master": self._lose_master, "stale": self._freeze_master}

    def _lose_master(self, _: random.Random) -> bool:
        lost = self._watched.master()
        lost.kill()
        self._is_replaced(lost)
        lost.start()
        return self._is_demoted(lost)

    def _freeze_master(self, _: random.Random) -> bool:
        """It does not hear that another has its place, and goes on as if it were the master, until it is told."""
        stale = self._watched.master()
        stale.freeze()
        try:
            self._is_replaced(stale)
        finally:
            stale.thaw()
        return self._is_demoted(stale)

    def _is_replaced(self, lost: RedisServer) -> None:
        wait_until(lambda: self._watched.successor(lost), _HEALED_S, "a replica that takes over")

    def _is_demoted(self, lost: RedisServer) -> bool:
        wait_until(self._is_whole, _HEALED_S, "replicas that follow the new master")
        return follows_up(lost)


SERVERS: dict[Setup, Callable[[Path], Servers]] = {"one": OneServer, "cluster": Clustered, "sentinel": Guarded}


def clock_of(shard: int) -> str:
    """The key by which tests set the clock of a shard."""
    return f"{{s{shard}}}:clock_offset"


def _told(server: RedisServer, *words: str | int) -> bool:
    """Tell a server something; whether it was there to hear it."""
    try:
        ask(server, *words)
    except (OSError, Refused):
        return False
    return True


def _last(seconds: float) -> None:
    """What has begun lasts so long."""
    began = time.monotonic()
    wait_until(lambda: time.monotonic() > began + seconds, seconds + 10)


def _mount(how: str, disk: Path, size: str) -> str:
    """Mount a disk of this size in memory, or change its size; why that can't be done here."""
    options = f"{'remount,' if how == 'remount' else ''}size={size},mode=700"
    command = ["mount", "-t", "tmpfs", "-o", options, "sayso-storm", str(disk)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()
