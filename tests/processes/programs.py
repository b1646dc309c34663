"""The program `sayso` in processes of its own, and Redis servers that can be killed and started again."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.store.embedded import find_server
from tests.kit.waiting import PATIENCE_S, wait_until
from tests.servers.lines import TOP, free_ports
from tests.servers.resp import Redis

KEY = "0123456789abcdef0123456789abcdef"


class Program:
    """`sayso WORDS…` while the context is open, in a process group of its own; what it prints goes to `log`.

    Only what stands in `environ` is in its environment, with PATH, HOME and LANG.
    """

    def __init__(self, words: Sequence[str], environ: dict[str, str], log: Path, module: str = "bot.cli") -> None:
        start = "from bot.cli import main; main()"
        self.words = list(words)
        self._command = [sys.executable, "-c", start, *words] if module == "bot.cli" else [sys.executable, "-m", module]
        self._environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | environ
        self.log = log

    def __enter__(self) -> Self:
        """Start it."""
        self.log.touch()
        self._begins_at = self.log.stat().st_size
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=TOP, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                process_group=0,
            )  # fmt: skip
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it, and whatever it started that is still in its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        """Return what it has printed so far in this life."""
        with self.log.open() as log:
            log.seek(self._begins_at)
            return log.read()

    def wait_for(self, text: str, within_s: float = PATIENCE_S) -> None:
        """Returns when it has printed `text`."""
        try:
            wait_until(lambda: text in self.said() or self.process.poll() is not None, within_s, f"printing {text!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it printed:\n{self.said()}") from None
        assert text in self.said(), f"it ended ({self.process.returncode}) without {text!r}:\n{self.said()}"

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self, within_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended."""
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within_s} s; it printed:\n{self.said()}") from None


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
