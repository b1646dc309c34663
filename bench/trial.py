"""Plugins of pytest that play tests in processes which are forked once all of them are collected.

Collecting thousands of tests takes as long as a hundred of them; a fork of the process that has done it takes nothing.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import pytest

from bench import seats

# These are begun by no test of its own but once for all: where they are loaded, a program or a server is at hand.
_WORLDLY = {"socket.connect", "subprocess.Popen", "os.fork"}
# A busy machine is not a failure: this long, or so many times as long as without a fault, and a test hangs.
_SILENT_S, _TIMES = 20.0, 30.0


@dataclass
class Told:
    """What became of one test: how long it took, whether it failed, and the blocks that it came to, packed."""

    test: str
    took: float
    failed: bool
    pure: bool
    blocks: str


class _Played:
    """Plays tests one by one in this process."""

    def __init__(self, session: pytest.Session) -> None:
        self.session, self.failed, self.is_worldly = session, False, False
        session.config.pluginmanager.register(self)
        sys.addaudithook(self._heard)

    def _heard(self, event: str, _: tuple[object, ...]) -> None:
        self.is_worldly = self.is_worldly or event in _WORLDLY

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        self.failed = self.failed or report.failed

    def play(self, item: pytest.Item, then: pytest.Item | None) -> Told:
        """Play one test; what the next one shares with it stays set up."""
        self.failed, self.is_worldly = False, False
        seats.seen.clear()
        began = time.monotonic()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=then)
        took = round(time.monotonic() - began, 3)
        return Told(item.nodeid, took, self.failed, not self.is_worldly, seats.packed(seats.seen))

    def end(self) -> None:
        """Close what is still set up."""
        cast("Any", self.session)._setupstate.teardown_exact(None)  # noqa: SLF001 - what pytest does behind its last test


class Numbers:
    """The numbers below `count`, each given once, to whichever process asks next."""

    def __init__(self, count: int) -> None:
        self._out, into = os.pipe()
        os.write(into, b"".join(number.to_bytes(4, "big") for number in range(count)))
        os.close(into)

    def next(self) -> int | None:
        """Return the next one; None once all are given."""
        read = os.read(self._out, 4)
        return int.from_bytes(read, "big") if read else None


class Reach:
    """Plays all tests, in several processes, and writes what each reaches to a file of each process in `folder`."""

    def __init__(self, folder: Path, processes: int) -> None:
        self._folder, self._processes = folder, processes

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Play them instead of pytest."""
        files = dict[Path, list[pytest.Item]]()
        for item in session.items:
            files.setdefault(item.path, []).append(item)
        numbers, those = Numbers(len(files)), list(files.values())
        begun = [self._fork(session, those, numbers, n) for n in range(self._processes)]
        for pid in begun:
            os.waitpid(pid, 0)
        return True

    def _fork(self, session: pytest.Session, files: Sequence[Sequence[pytest.Item]], numbers: Numbers, n: int) -> int:
        if pid := os.fork():
            return pid
        with _Ending(), (self._folder / f"{n}.jsonl").open("w", encoding="utf-8") as lines:
            played, number = _Played(session), numbers.next()
            while number is not None:
                now, number = files[number], numbers.next()
                then = [*now[1:], files[number][0] if number is not None else None]
                for item, following in zip(now, then, strict=True):
                    print(json.dumps(vars(played.play(item, following))), file=lines, flush=True)
        return 0


@dataclass(frozen=True)
class Order:
    """Tests to be played with a fault, with what each takes without it; it stops after so many `failures`.

    The `texts` are those of the file without the fault, and with it.
    """

    file: str
    texts: Sequence[str]
    tests: Sequence[tuple[str, float]]
    failures: int


class Anew:
    """Plays the tests of one order in this process, which has just loaded the file that has the fault."""

    def __init__(self, order: Order, told: IO[str]) -> None:
        self._order, self._told = order, told
        print("begins", "(loading)", file=told, flush=True)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Play them instead of pytest; what can't be collected has failed."""
        print("passed", "(loading)", file=self._told, flush=True)
        items = {item.nodeid: item for item in session.items}
        if lost := [test for test, _ in self._order.tests if test not in items]:
            print("failed", lost[0], file=self._told, flush=True)
        else:
            tell(session, items, self._order, self._told)
        return True


class Seated:
    """Reads orders, one a line; plays each in a fork of this process, and answers with the tests that fail."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders, self._answers = orders, answers

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Play them instead of pytest."""
        items = {item.nodeid: item for item in session.items}
        functions = seats.living(Path.cwd())
        print(json.dumps([]), file=self._answers, flush=True)  # all is loaded: from now on a fault may be seated
        for line in self._orders:
            order = Order(**json.loads(line))
            print(json.dumps(in_a_fork(session, items, order, functions)), file=self._answers, flush=True)
        return True


def in_a_fork(
    session: pytest.Session,
    items: Mapping[str, pytest.Item],
    order: Order,
    functions: Mapping[tuple[str, str, int], Sequence[Any]],
) -> list[str]:
    """Return the tests of an order that fail, as they are played in a fork, whose living functions have the fault."""
    out, into = os.pipe()
    if not (pid := os.fork()):
        os.close(out)
        with _Ending(), os.fdopen(into, "w", encoding="utf-8") as told:
            seats.change(functions, seats.changed(*(compile(each, order.file, "exec") for each in order.texts)) or [])
            tell(session, items, order, told)
    os.close(into)
    return heard(pid, out, dict(order.tests))


def tell(session: pytest.Session, items: Mapping[str, pytest.Item], order: Order, told: IO[str]) -> None:
    """Play the tests of an order in this process, and say of each that it begins, and whether it failed."""
    played, there = _Played(session), [items[test] for test, _ in order.tests if test in items]
    failures = 0
    for number, item in enumerate(there):
        print("begins", item.nodeid, file=told, flush=True)
        failed = played.play(item, there[number + 1] if number + 1 < len(there) else None).failed
        print("failed" if failed else "passed", item.nodeid, file=told, flush=True)
        failures += failed
        if failures >= order.failures:
            played.end()
            return


def heard(pid: int, out: int, usual: Mapping[str, float]) -> list[str]:
    """Return the tests that a process says have failed; the one at which it falls silent, or ends, is among them."""
    failed, begun, left = list[str](), "", b""
    while True:
        within = max(_SILENT_S, _TIMES * usual.get(begun, 0.0))
        readable, _, _ = select.select([out], [], [], within)
        read = os.read(out, 65_536) if readable else b""
        if not read:
            break
        *lines, left = (left + read).split(b"\n")
        for line in lines:
            word, _, test = line.decode().partition(" ")
            begun = test if word == "begins" else ""
            if word == "failed":
                failed.append(test)
    os.close(out)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return [*failed, f"{begun} (hangs)"] if begun else failed


class _Ending:
    """Ends a forked process with the block, whatever happens in it: nothing of the process it came from goes on."""

    def __enter__(self) -> None:
        os.setsid()

    def __exit__(self, *_: object) -> NoReturn:
        os._exit(0)


def collect(tests: Iterable[str], plugin: object, marked: str = "not long") -> int:
    """Collect tests in this process, in the working directory, and let a plugin play those that are `marked` so."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.dont_write_bytecode = True
    options = ["-n0", "-q", "--tb=no", "--color=no", "--assert=plain", "--continue-on-collection-errors", "-s"]
    options += ["-p", "no:cacheprovider", "--hypothesis-seed=0", "-m", marked]
    return int(pytest.main([*options, *tests], plugins=[plugin]))
