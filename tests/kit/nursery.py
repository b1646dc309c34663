"""A process that has imported everything, and becomes a program in milliseconds: the other end of `programs.py`.

An order is a line of JSON, and four open files: the program's input, output and errors, and where its end is told.
It dies by kill -9 like any other program. They all die with whoever holds the other end of the line.
With a path, several processes of tests share it: each that connects orders from a fork of it.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

LENGTH = struct.Struct("!I")
FILES = 4
# What programs load late, and are to have in milliseconds, too.
READY_FOR = (
    "bot.cli", "bot.web.serve", "bot.process.processes", "bot.dev.everything", "bot.doctor.overall",
    "tests.kill.parts", "tests.kit.waiting", "tests.servers.lines", "tests.servers.traps",
    "tests.fakes.process", "tests.fakes.slack.server",
)  # fmt: skip

Order = dict[str, Any]


def _heard(line: socket.socket) -> tuple[Order, list[int]] | None:
    """The next order with its files; None when nobody gives any more."""
    head, files, _, _ = socket.recv_fds(line, LENGTH.size, FILES)
    if not head:
        return None
    [length] = LENGTH.unpack(head)
    return json.loads(line.recv(length, socket.MSG_WAITALL)), files


def _bury(alive: dict[int, int]) -> None:
    """Tell how each program ended that has."""
    for pid in [*alive]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            file = alive.pop(pid)
            with suppress(BrokenPipeError):
                os.write(file, b"%d" % os.waitstatus_to_exitcode(status))
            os.close(file)


def _heard_of(_: int, __: object) -> None:
    """A program has ended: the bell says so."""


def rear(line: socket.socket) -> Order | None:
    """Fork a program for each order: what the program is to be, in it; None where the line has ended."""
    ours, bell = socket.socketpair()
    bell.setblocking(False)
    signal.set_wakeup_fd(bell.fileno())
    signal.signal(signal.SIGCHLD, _heard_of)
    alive: dict[int, int] = {}
    while True:
        due, _, _ = select.select([line, ours], [], [])
        if ours in due:
            ours.recv(4096)
        _bury(alive)
        if line not in due:
            continue
        heard = _heard(line)
        if heard is None:
            break
        order, files = heard
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for one in (line, ours, bell):
                one.close()
            for target, file in enumerate(files[:3]):
                os.dup2(file, target)
            for file in (*files, *alive.values()):
                os.close(file)
            return order
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)
        alive[pid] = files[3]
        for file in files[:3]:
            os.close(file)
        line.sendall(b"%d\n" % pid)
    for pid in alive:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return None


def become(order: Order) -> None:
    """Be the module of the order, or call a function of it, as a program that was started just now."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    module, _, function = order["main"].partition(":")
    sys.argv = ["sayso", *order["words"]]
    if function:
        getattr(import_module(module), function)()
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end(code: int) -> NoReturn:
    """End as a program does, but for taking everything to pieces that it has imported."""
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def serve(path: str, keeper: socket.socket) -> socket.socket | None:
    """Fork for whoever connects: their line, in it; None once nobody holds the other end of `keeper`."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            due, _, _ = select.select([listener, keeper], [], [])
            if keeper in due:
                return None
            line, _ = listener.accept()
            if os.fork() == 0:
                keeper.close()
                return line
            line.close()


if __name__ == "__main__":
    for name in READY_FOR:
        import_module(name)
    assert threading.active_count() == 1, "a process with threads can't be forked"
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    gc.collect()
    gc.freeze()
    given = socket.socket(fileno=int(sys.argv[1]))
    orders = serve(sys.argv[2], given) if sys.argv[2:] else given
    wanted = rear(orders) if orders else None
    if wanted is not None:
        try:
            become(wanted)
            _end(0)
        except SystemExit as error:
            if error.code is None or isinstance(error.code, int):
                _end(error.code or 0)
            raise
