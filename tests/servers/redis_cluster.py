"""Real Redis servers that replace each other: three masters with a replica each, and a master under Sentinels."""

import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.waiting import wait_until
from tests.servers.lines import free_ports
from tests.servers.redis import RedisServer, redis_program
from tests.servers.resp import Redis, Refused, Reply, texts

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
    """Return whether it is a replica that has all of its master, and would have it after it was killed.

    What it took over as a whole is in its append-only file once that is written anew.
    """
    said, kept = told(server, "INFO", "replication"), told(server, "INFO", "persistence")
    is_written = {kept.get("aof_rewrite_in_progress"), kept.get("aof_rewrite_scheduled")} == {"0"}
    return said.get("role") == "slave" and said.get("master_link_status") == "up" and is_written


def has_all(master: RedisServer, replica: RedisServer) -> bool:
    """Return whether the replica has whatever was written to its master."""
    said = [told(one, "INFO", "replication") for one in (master, replica)]
    return said[0].get("master_repl_offset") == said[1].get("slave_repl_offset")


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
        wait_until(self.is_whole, what="a cluster that is whole")

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
        return next(server for server in self.servers if self._names(server, slot, server))

    def is_known(self, key: str, master: RedisServer) -> bool:
        """Return whether every server says that this one has a key's slot."""
        slot = ask(master, "CLUSTER", "KEYSLOT", key)
        assert isinstance(slot, int)
        return all(self._names(server, slot, master) for server in self.servers)

    def _names(self, server: RedisServer, slot: int, master: RedisServer) -> bool:
        """Return whether a server says that the slot is that of `master`; False where one does not answer."""
        try:
            named = self.id_of(master)
            ranges = [one[:3] for one in _ranges(server)]
        except (OSError, Refused):
            return False
        return any(
            isinstance(first, int) and isinstance(last, int) and first <= slot <= last and named in texts(owner)
            for first, last, owner in ranges
        )

    def replicas_of(self, master: RedisServer) -> list[RedisServer]:
        """The servers that follow it."""
        port = str(master.port)
        return [one for one in self.servers if told(one, "INFO", "replication").get("master_port") == port]

    def another_master(self, than: RedisServer) -> RedisServer:
        """A master that is not `than`."""
        masters = (one for one in self.servers if told(one, "INFO", "replication").get("role") == "master")
        return next(one for one in masters if one is not than)

    def move(
        self, key: str, source: RedisServer, target: RedisServer, half_way: Callable[[], None] = lambda: None
    ) -> None:
        """Hand the slot of a key over as `redis-cli --cluster reshard` does: key by key, while both serve it.

        Do something else `half_way`.

        https://redis.io/docs/latest/commands/cluster-setslot/
        """
        slot = ask(source, "CLUSTER", "KEYSLOT", key)
        assert isinstance(slot, int)
        ask(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(target))
        self._migrate(slot, source, target, keys_left=int(str(ask(source, "CLUSTER", "COUNTKEYSINSLOT", slot))) // 2)
        half_way()
        self._migrate(slot, source, target, keys_left=0)
        for server in (target, source):
            ask(server, "CLUSTER", "SETSLOT", slot, "NODE", self.id_of(target))

    def _migrate(self, slot: int, source: RedisServer, target: RedisServer, keys_left: int) -> None:
        while len(keys := texts(ask(source, "CLUSTER", "GETKEYSINSLOT", slot, keys_left + 1))) > keys_left:
            ask(source, "MIGRATE", "127.0.0.1", target.port, keys[0], 0, 5000)

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
    """A master, and a replica that follows it, or several; then a master that none follows takes no writes."""

    def __init__(self, folder: Path, replicas: int = 1) -> None:
        self._folder, self.replicas, self._stack = folder, replicas, ExitStack()
        self._more = _REPLICATION | ({"min-replicas-to-write": 1} if replicas > 1 else {})

    def __enter__(self) -> Self:
        """Start them; returns when the replicas follow."""
        first = self._stack.enter_context(RedisServer(self._folder / "0", self._more)).start()
        follows = self._more | {"replicaof": f"127.0.0.1 {first.port}"}
        others = [RedisServer(self._folder / str(number + 1), follows) for number in range(self.replicas)]
        self.servers = [first, *(self._stack.enter_context(other).start() for other in others)]
        # Redis counts a replica once it has said how far it is.
        wait_until(
            lambda: ask(first, "WAIT", self.replicas, 100) == self.replicas and all(map(follows_up, others)),
            20, "the replicas",
        )  # fmt: skip
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them."""
        self._stack.close()


class Watched(Pair):
    """The same, and Sentinels that put one in the other's place."""

    name = "sayso"

    def __init__(self, folder: Path, replicas: int = 1, sentinels: int = 1) -> None:
        super().__init__(folder, replicas)
        self._nobody, *self._ports = free_ports(1 + sentinels)
        self._sentinels = list[subprocess.Popen[bytes]]()

    def __enter__(self) -> Self:
        """Start them; returns when the Sentinels know of all servers and of each other."""
        super().__enter__()
        for port in self._ports:
            command = [redis_program(), str(self._config(port)), "--sentinel"]
            self._sentinels.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0))
        known = {"num-slaves": str(self.replicas), "num-other-sentinels": str(len(self._ports) - 1)}
        wait_until(lambda: all(known.items() <= self._state(port).items() for port in self._ports), 30, "Sentinels")
        return self

    def _config(self, port: int) -> Path:
        folder = self._folder / f"sentinel-{port}"
        folder.mkdir()
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder / 'log'}\n"
            f"sentinel monitor {self.name} 127.0.0.1 {self.servers[0].port} {len(self._ports) // 2 + 1}\n"
            f"sentinel down-after-milliseconds {self.name} {_GONE_MS}\n"
            f"sentinel failover-timeout {self.name} 10000\n"
        )
        return config

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them all."""
        for sentinel in self._sentinels:
            sentinel.kill()
            sentinel.wait()
        super().__exit__(kind, error, at)

    @property
    def url(self) -> str:
        """The addresses of the Sentinels, and before them of one that is not there."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in (self._nobody, *self._ports))
        return f"redis+sentinel://{hosts}/{self.name}/0"

    def state(self) -> dict[str, str]:
        """What the first Sentinel says of the master; nothing while it does not answer."""
        return self._state(self._ports[0])

    def _state(self, port: int) -> dict[str, str]:
        try:
            connection = Redis(f"redis://127.0.0.1:{port}")
        except OSError:
            return {}
        try:
            words = texts(connection.ask("SENTINEL", "MASTER", self.name))
        except (Refused, OSError):
            return {}
        finally:
            connection.close()
        return dict(zip(words[::2], words[1::2], strict=True))

    def is_whole(self) -> bool:
        """Return whether all Sentinels name the same healthy master, and all other servers follow it."""
        said = [self._state(port) for port in self._ports]
        if {one.get("flags") for one in said} != {"master"} or len({one["port"] for one in said}) > 1:
            return False
        master = self.master()
        followed = {told(one, "INFO", "replication").get("master_port") for one in self.servers if one is not master}
        up = sum(map(follows_up, self.servers))
        counted = online(told(master, "INFO", "replication"))
        return followed == {str(master.port)} and (up, counted) == (self.replicas, self.replicas)

    def fail_over(self) -> bool:
        """Have the replica take over; False when Sentinel does not find it fit yet."""
        connection = Redis(f"redis://127.0.0.1:{self._ports[0]}")
        try:
            return connection.ask("SENTINEL", "FAILOVER", self.name) == b"OK"
        except Refused:
            return False
        finally:
            connection.close()

    def master(self) -> RedisServer:
        """The server that Sentinel says is the master."""
        return next(one for one in self.servers if str(one.port) == self.state().get("port"))

    def successor(self, lost: RedisServer) -> RedisServer | None:
        """The new master, once Sentinel says which one it is."""
        port = self.state().get("port")
        named = next((one for one in self.servers if str(one.port) == port and one is not lost), None)
        return named if named and told(named, "INFO", "replication").get("role") == "master" else None
