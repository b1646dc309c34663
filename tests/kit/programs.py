"""Programs that tests start: `sayso WORDS…`, and whatever of ours runs beside it.

A `Program` is forked from one process that has imported everything (`nursery.py`), and so begins in milliseconds; a
`Fresh` one is a Python of its own, as people start it.
`COMMAND` is for those whom the program is named to.
"""

import asyncio
import atexit
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.kit.nursery import LENGTH
from tests.kit.waiting import PATIENCE_S, wait_until

TOP = Path(__file__).parents[2]
KEY = "0123456789abcdef0123456789abcdef"
READY = '"event":"ready"'
_SAYSO = "bot.cli:main"
COMMAND = (sys.executable, "-c", "from bot.cli import main; main()")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Where the nursery is that the processes of a session share.
SHARED = "TESTS_NURSERY"
_SETTINGS = ("SAYSO_", "ANTHROPIC_", "OPENAI_", "AZURE_OPENAI_", "SLACK_")
# What a command notes of its user; not in the home of whoever runs the tests.
_STATE = tempfile.TemporaryDirectory(prefix="sayso-state-")


def environment(**more: str) -> dict[str, str]:
    """Ours without any setting of sayso, and `more`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return {**ours, "PYTHONPATH": str(TOP), "XDG_STATE_HOME": _STATE.name, **more}


def bare(**more: str) -> dict[str, str]:
    """PATH, HOME and LANG, and `more`."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | more


@contextmanager
def nursery(*path: str) -> Generator[socket.socket]:
    """The line to a process that all programs are forked from. It ends with the line, and so do they.

    At a `path` several processes of tests connect to it.
    """
    line, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.nursery", str(theirs.fileno()), *path],
            cwd=TOP, env=os.environ | {"PYTHONPATH": str(TOP)}, stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()], process_group=0,
        )  # fmt: skip
    with line:
        yield line
    process.wait(PATIENCE_S)


def _connected(path: str) -> socket.socket | None:
    line = socket.socket(socket.AF_UNIX)
    with suppress(FileNotFoundError, ConnectionRefusedError):
        line.connect(path)
        return line
    return line.close()


class _Line:
    """Orders programs, for one test after the other."""

    def __init__(self, line: socket.socket) -> None:
        self._line, self._turn = line, threading.Lock()

    def start(self, order: Mapping[str, Any], files: Sequence[int]) -> int:
        """The process id of a program with these files."""
        said = json.dumps(order).encode()
        with self._turn:
            socket.send_fds(self._line, [LENGTH.pack(len(said))], files)
            self._line.sendall(said)
            told = self._line.recv(32)
        assert told, "the nursery of programs has died"
        return int(told)


@cache
def _line() -> _Line:
    open_ = ExitStack()
    atexit.register(open_.close)
    shared = os.environ.get(SHARED)
    line = wait_until(lambda: _connected(shared), what="the nursery of programs") if shared else nursery()
    return _Line(open_.enter_context(line))


class Started:
    """A program that runs, with the interface of `subprocess.Popen`."""

    def __init__(
        self, main: str, words: Sequence[str], environ: Mapping[str, str], folder: Path, files: Sequence[int]
    ) -> None:
        self.returncode: int | None = None
        order = {"main": main, "words": [*words], "environ": {**environ}, "folder": str(folder)}
        self._end, theirs = os.pipe()
        try:
            self.pid = _line().start(order, [*files, theirs])
        finally:
            os.close(theirs)

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a program", timeout or 0)
            self.returncode = int(os.read(self._end, 32) or -signal.SIGKILL)
            os.close(self._end)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it with -9."""
        self.send_signal(signal.SIGKILL)


class Program:
    """`sayso WORDS…` while the context is open, in a process group of its own; what it prints goes to `log`.

    Only what stands in `environ` is in its environment, with PATH, HOME and LANG. `main` is what runs: a module, or a
    function of one.
    """

    def __init__(
        self, words: Sequence[str], environ: Mapping[str, str], log: Path, main: str = _SAYSO, folder: Path = TOP
    ) -> None:
        self.words, self.log, self._main, self._cwd = [*words], log, main, folder
        self._environ = bare(**environ)

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def start(self) -> Self:
        """Start it; nobody ends it but who calls `kill`, or the end of all tests."""
        self.log.touch()
        self._begins_at = self.log.stat().st_size
        with self.log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            files = nothing.fileno(), log.fileno(), log.fileno()
            self.process = self._begun(files)
        return self

    def _begun(self, files: Sequence[int]) -> "Started | subprocess.Popen[bytes]":
        return Started(self._main, self.words, self._environ, self._cwd, files)

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

    def wait_for(self, text: str = READY, within_s: float = PATIENCE_S) -> Self:
        """Returns when it has printed `text`, which is that it is ready unless something else is wanted."""
        try:
            wait_until(lambda: text in self.said() or self.process.poll() is not None, within_s, f"printing {text!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it printed:\n{self.said()}") from None
        assert text in self.said(), f"it ended ({self.process.returncode}) without {text!r}:\n{self.said()}"
        return self

    def address(self) -> str:
        """Where it serves HTTP, once it does."""
        self.wait_for('"port":')
        line = next(line for line in self.said().splitlines() if '"port":' in line)
        return f"http://127.0.0.1:{json.loads(line)['port']}"

    def printed(self, name: str) -> str:
        """What the welcome of `sayso dev` says under `name`, once it is there."""
        self.wait_for("Ctrl-C ends it")
        found = re.search(rf"^  {name} +(\S+)", _COLOUR.sub("", self.said()), re.MULTILINE)
        assert found, self.said()
        return found[1]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it with -9, and have nothing of it left."""
        self.process.kill()
        self.ended()

    def leaves(self) -> None:
        """End it in order, in its own time: a busy machine is not a failure."""
        self.signal(signal.SIGTERM)
        assert self.ended() == 0, self.said()

    def ended(self, within_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended."""
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within_s} s; it printed:\n{self.said()}") from None

    async def dies(self) -> int:
        """The same, while whatever runs here goes on."""
        return await asyncio.to_thread(self.ended)


class Fresh(Program):
    """The same in a Python of its own."""

    def _begun(self, files: Sequence[int]) -> subprocess.Popen[bytes]:
        given, out, errors = files
        command = [*COMMAND, *self.words]
        return subprocess.Popen(
            command, cwd=self._cwd, env=self._environ, stdin=given, stdout=out, stderr=errors, process_group=0
        )


class Ended(NamedTuple):
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str


def typed(
    *words: str,
    cwd: Path = TOP,
    env: Mapping[str, str],
    stdin: bytes = b"",
    main: str = "bot.cli:main",
    within_s: float = PATIENCE_S,
) -> Ended:
    """`sayso WORDS…` in exactly this environment, once it has ended."""
    with ExitStack() as stack:
        given, out, err = files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        given.write(stdin)
        given.seek(0)
        started = Started(main, words, env, cwd, [file.fileno() for file in files])
        try:
            code = started.wait(within_s)
        finally:
            started.kill()
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read().decode(), err.read().decode())


async def sayso(*words: str, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
    """The same beside what runs here, with `env` in our environment."""
    return await asyncio.to_thread(partial(typed, *words, cwd=cwd, env=environment(**(env or {}))))


class Beside:
    """A server beside a test, in a process of its own, while the context is open. `line` is the first it prints."""

    def __init__(self, module: str, *words: str) -> None:
        self._module, self._words = module, words

    def __enter__(self) -> Self:
        """Start it, and wait until it has said where it listens."""
        ours, theirs = os.pipe()
        with Path(os.devnull).open("rb") as nothing, os.fdopen(ours, "rb") as told:
            self._process = Started(self._module, self._words, environment(), TOP, [nothing.fileno(), theirs, 2])
            os.close(theirs)
            self.line = told.readline().decode()
        assert self.line, f"{self._module} did not start: its error is above"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
