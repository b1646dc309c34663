"""Redis servers that can be killed and started again."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.store.embedded import find_server
from tests.kit.waiting import wait_until
from tests.servers.lines import free_ports
from tests.servers.resp import Redis, Reply


def redis_program() -> str:
    """The server that tests start: the one that comes with sayso, or the one that SAYSO_REDIS_SERVER names."""
    return str(find_server(os.environ.get("SAYSO_REDIS_SERVER")).path)


class RedisServer:
    """A Redis server on a loopback port that stays the same; what it acknowledged is there after every start.

    `more` are options beside those that sayso wants.
    """

    def __init__(self, folder: Path, more: Mapping[str, object] | None = None) -> None:
        self._folder, self._more = folder, more or {}
        [self.port] = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Ready to be started."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self.kill()

    def start(self) -> Self:
        """Start it; returns when it answers."""
        options = {
            "port": self.port, "bind": "127.0.0.1", "dir": self._folder, "appendonly": "yes", "appendfsync": "always",
            "save": "", "maxmemory-policy": "noeviction", "logfile": self._folder / "log",
        } | dict(self._more)  # fmt: skip
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([redis_program(), *arguments], stdin=subprocess.DEVNULL, process_group=0)
        wait_until(self._answers, what="an answer of Redis")
        return self

    def kill(self) -> None:
        """Kill it with -9."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """From now on it takes connections and commands and answers none, until it is thawed or killed."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was frozen."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def lose_disk(self) -> None:
        """From now on its snapshots fail, and so it takes no writes; it needs `save` among its options."""
        (self._folder / "dump.rdb").unlink(missing_ok=True)
        (self._folder / "dump.rdb").mkdir()
        self._snapshot("err")

    def find_disk(self) -> None:
        """It takes writes again."""
        (self._folder / "dump.rdb").rmdir()
        self._snapshot("ok")

    def _snapshot(self, ends: str) -> None:
        connection = self.connect()

        def has_ended() -> bool:
            told = str(connection.ask("INFO", "persistence"))
            return "rdb_bgsave_in_progress:0" in told and f"rdb_last_bgsave_status:{ends}" in told

        try:
            connection.ask("BGSAVE")
            wait_until(has_ended, what=f"a snapshot that ends {ends}")
        finally:
            connection.close()

    def connect(self) -> Redis:
        """A connection of the test's own."""
        return Redis(self.url)

    def ask(self, *words: str | bytes | int) -> Reply:
        """Return what it answers, on a connection of its own."""
        connection = self.connect()
        try:
            return connection.ask(*words)
        finally:
            connection.close()

    def _answers(self) -> bool:
        try:
            connection = self.connect()
        except OSError:
            return False
        try:
            return connection.ask("PING") == b"PONG"
        except Exception:  # noqa: BLE001 - it loads, or ended again
            return False
        finally:
            connection.close()
