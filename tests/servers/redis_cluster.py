"""Real Redis servers that replace each other: three masters with a replica each, and a master under Sentinel."""

import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes.programs import RedisServer
from tests.servers.lines import free_ports
from tests.servers.resp import Redis, Refused, Reply, texts
from tests.waiting import wait_until

SLOTS = 16_384
_MASTERS = 3
# Short enough for a test, and longer than a busy machine leaves a server without its turn.
_GONE_MS = 2_000
_REPLICATION = {"repl-diskless-sync-delay": 0, "repl-timeout": 10, "repl-ping-replica-period": 1}


def ask(server: RedisServer, *words: str | bytes | int) -> Reply:
    """One command over a connection of its own."""
    connection = server.connect()
    try:
        return connection.ask(*words)
    finally:
        connection.close()


def told(server: RedisServer, *words: str) -> dict[str, str]:
    """The `name:value` lines of an answer, such as that of INFO; none of a server that does not answer."""
    try:
        answer = ask(server, *words)
    except (OSError, Refused):
        return {}
    assert isinstance(answer, bytes)
    return dict(line.split(":", 1) for line in answer.decode().splitlines() if ":" in line)


def follows_up(server: RedisServer) -> bool:
    """Return whether it is a replica that has all of its master."""
    said = told(server, "INFO", "replication")
    return said.get("role") == "slave" and said.get("master_link_status") == "up"


def online(replication: dict[str, str]) -> int:
    """How many replicas a master has that it counts, by what it says of them: others have not said a word yet."""
    return sum(name.startswith("slave") and "state=online" in said for name, said in replication.items())


class RedisCluster:
    """Servers that share the slots. With `replicas` each master has one."""

    def __init__(self, folder: Path, masters: int = _MASTERS, *, replicas: bool = True) -> None:
        self._folder, self._count, self._stack = folder, masters, ExitStack()
        self.servers: list[RedisServer] = []
        self._has_replicas = replicas

    def __enter__(self) -> Self:
        """Start all, and have them agree."""
        for number in range(self._count * (2 if self._has_replicas else 1)):
            [bus] = free_ports(1)
            more = _REPLICATION | {
                "cluster-enabled": "yes", "cluster-node-timeout": _GONE_MS, "cluster-port": bus,
                "cluster-replica-validity-factor": 0, "cluster-allow-replica-migration": "no",
                "cluster-require-full-coverage": "no",
            }  # fmt: skip
            server = self._stack.enter_context(RedisServer(self._folder / str(number), more))
            self.servers.append(server.start())
            ask(server, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for number, server in enumerate(self.servers[: self._count]):
            first, last = (SLOTS * at // self._count for at in (number, number + 1))
            ask(server, "CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        self._meet()
        return self

    def _meet(self) -> None:
        for server in self.servers[1:]:
            bus = told_setting(server, "cluster-port")
            ask(self.servers[0], "CLUSTER", "MEET", "127.0.0.1", server.port, bus)
        known = str(len(self.servers))
        wait_until(
            lambda: all(told(one, "CLUSTER", "INFO").get("cluster_known_nodes") == known for one in self.servers),
            30, "all nodes knowing each other",
        )  # fmt: skip
        for number, server in enumerate(self.servers[self._count :]):
            ask(server, "CLUSTER", "REPLICATE", self.id_of(self.servers[number]))
        wait_until(self.is_whole, 30, "a cluster that is whole")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End all."""
        self._stack.close()

    @property
    def url(self) -> str:
        """The address that names two of them."""
        return f"redis+cluster://{','.join(f'127.0.0.1:{server.port}' for server in self.servers[:2])}"

    def is_whole(self) -> bool:
        """Return whether every node serves, every replica follows, and all know it."""
        states = [told(server, "CLUSTER", "INFO").get("cluster_state") for server in self.servers]
        roles = [told(server, "INFO", "replication") for server in self.servers]
        following = sum(map(online, roles))
        shown = {len(one) for server in self.servers for one in _ranges(server)}
        replicas = len(self.servers) - self._count
        is_shown = shown == {4 if replicas else 3}
        return {*states} == {"ok"} and following == replicas and is_shown

    def id_of(self, server: RedisServer) -> str:
        """The name that nodes have for it."""
        found = ask(server, "CLUSTER", "MYID")
        assert isinstance(found, bytes)
        return found.decode()

    def master_of(self, key: str) -> RedisServer:
        """The server that has a key's slot, as a server that answers says."""
        slot = ask(next(one for one in self.servers if told(one, "CLUSTER", "INFO")), "CLUSTER", "KEYSLOT", key)
        assert isinstance(slot, int)
        return next(server for server in self.servers if self._serves(server, slot))

    def _serves(self, server: RedisServer, slot: int) -> bool:
        try:
            mine = self.id_of(server)
            ranges = [one[:3] for one in _ranges(server)]
        except (OSError, Refused):
            return False
        return any(
            isinstance(first, int) and isinstance(last, int) and first <= slot <= last and mine in texts(owner)
            for first, last, owner in ranges
        )

    def replicas_of(self, master: RedisServer) -> list[RedisServer]:
        """The servers that follow it."""
        port = str(master.port)
        return [one for one in self.servers if told(one, "INFO", "replication").get("master_port") == port]

    def flush(self) -> None:
        """Forget all that is stored."""
        for server in self.servers:
            if told(server, "INFO", "replication").get("role") == "master":
                ask(server, "FLUSHALL")


def _ranges(server: RedisServer) -> list[list[Reply]]:
    """First and last slot of each range, its master and its replicas, as a server knows them."""
    shown = ask(server, "CLUSTER", "SLOTS")
    assert isinstance(shown, list)
    return [one for one in shown if isinstance(one, list)]


def told_setting(server: RedisServer, name: str) -> int:
    """A number among the settings of a server."""
    found = ask(server, "CONFIG", "GET", name)
    return int(texts(found)[1])


class Pair:
    """A master, and a replica that follows it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack = folder, ExitStack()

    def __enter__(self) -> Self:
        """Start them; returns when the replica follows."""
        first = self._stack.enter_context(RedisServer(self._folder / "0", _REPLICATION)).start()
        follows = _REPLICATION | {"replicaof": f"127.0.0.1 {first.port}"}
        second = self._stack.enter_context(RedisServer(self._folder / "1", follows)).start()
        self.servers = [first, second]
        # Redis counts a replica once it has said how far it is.
        wait_until(lambda: ask(first, "WAIT", 1, 100) == 1 and follows_up(second), 20, "a replica")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them."""
        self._stack.close()


class Watched(Pair):
    """The same, and a Sentinel that puts one in the other's place."""

    name = "sayso"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        [self.sentinel_port] = free_ports(1)
        self._sentinel: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start them; returns when Sentinel knows of both."""
        super().__enter__()
        config = self._folder / "sentinel.conf"
        config.write_text(
            f"port {self.sentinel_port}\nbind 127.0.0.1\ndir {self._folder}\nlogfile {self._folder / 'sentinel.log'}\n"
            f"sentinel monitor {self.name} 127.0.0.1 {self.servers[0].port} 1\n"
            f"sentinel down-after-milliseconds {self.name} {_GONE_MS}\n"
            f"sentinel failover-timeout {self.name} 10000\n"
        )
        self._sentinel = subprocess.Popen(
            ["redis-server", str(config), "--sentinel"], stdin=subprocess.DEVNULL, process_group=0
        )
        wait_until(lambda: self.state().get("num-slaves") == "1", 30, "a Sentinel that knows the replica")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them all."""
        if self._sentinel:
            self._sentinel.kill()
            self._sentinel.wait()
        super().__exit__(kind, error, at)

    @property
    def url(self) -> str:
        """The address of the Sentinel, and of one that is not there."""
        [nobody] = free_ports(1)
        return f"redis+sentinel://127.0.0.1:{nobody},127.0.0.1:{self.sentinel_port}/{self.name}/0"

    def state(self) -> dict[str, str]:
        """What Sentinel says of the master; nothing while it does not answer."""
        try:
            connection = Redis(f"redis://127.0.0.1:{self.sentinel_port}")
        except OSError:
            return {}
        try:
            words = texts(connection.ask("SENTINEL", "MASTER", self.name))
        except (Refused, OSError):
            return {}
        finally:
            connection.close()
        return dict(zip(words[::2], words[1::2], strict=True))

    def fail_over(self) -> bool:
        """Have the replica take over; False when Sentinel does not find it fit yet."""
        connection = Redis(f"redis://127.0.0.1:{self.sentinel_port}")
        try:
            return connection.ask("SENTINEL", "FAILOVER", self.name) == b"OK"
        except Refused:
            return False
        finally:
            connection.close()

    def master(self) -> RedisServer:
        """The server that Sentinel says is the master."""
        return next(one for one in self.servers if str(one.port) == self.state().get("port"))
