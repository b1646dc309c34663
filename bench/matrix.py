"""Which tests miss which broken rule: `python -m bench.matrix` seats each named fault in a copy of the tree.

    nice -n 19 python -m bench.matrix --hours 6      every fault
    nice -n 19 python -m bench.matrix policy store   those of these areas
    python -m bench.matrix --thorough                with `long` tests, and ten times as many
    python -m bench.matrix --report                  what is known so far

First all tests are played once, in a copy of the tree in which all blocks of statements are marked: so it is known
which test comes to which fault, and how long it takes. Then each fault is seated, and the tests that come to it are
played: the pure ones, which neither connect to a server nor start a program; the others, those first that missed others
before, until one of them misses the rule, and only where no pure test does. A fault within functions is seated in a
fork of the process that has collected all tests, so it costs no more than those that it plays.

What is found is kept in `.faults/`. A second start goes on where the first one stopped, and repeats what changed: the
fault, the file of the test that missed it, or, where no test did, any test. After a change of the code or of what tests
share, start `--anew`. Tests that fail without any fault are left out, and folders whose tests start whole programs.
"""

import argparse
import ast
import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, cast

from bench import trial
from bench.drawn import drawn
from bench.faults import TOP, Fault, faults
from bench.seats import CODE, Blocks, changed, mask_of, packed, unpacked
from bench.trial import Anew, Numbers, Order, Reach, Seated, Told

FOUND = TOP / ".faults"
_LEFT_OUT = (".venv", ".git", ".faults", ".sayso", "node_modules", "dist", ".hypothesis", ".pytest_cache")
# These start programs, look at the whole tree, or are this tool's own.
_NO_TESTS = ("bench", "browser", "docs", "kill", "processes", "storm", "fakes", "servers")
_NO_FILES = ("test_launcher.py", "test_mutations.py", "test_setup.py")
_SCRIPTS = Path("bot/store/lua")
# Of the pure tests that come to a fault, as many as take so long; they stop after so many failures.
_PURE_S, _PURE_FAILURES = 6.0, 2
_WORD = re.compile(r"[a-z]{4,}")


@dataclass(frozen=True)
class Effort:
    """Which tests are played, by the marks that they have; and of those that are not pure, as many as take so long."""

    marked: str = "not long"
    others_s: float = 30.0


THOROUGH = Effort("", 300.0)


def hash_of(*parts: str) -> str:
    """Return a short hash of some texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@cache
def _hash_of_file(name: str) -> str:
    file = TOP / name
    return hash_of(file.read_text(encoding="utf-8")) if file.exists() else ""


def hash_of_fault(fault: Fault) -> str:
    """Return what changes with a fault; nothing else of its file counts, nor its name."""
    return hash_of(str(fault.file), fault.old, fault.new)


@dataclass
class Known:
    """What is known of a fault: the pure tests and the others that miss it, each with the hash of its file."""

    fault: str
    tests: str
    """The hash of all tests by which it was sought."""
    pure: Mapping[str, str] = field(default_factory=dict[str, str])
    others: Mapping[str, str] = field(default_factory=dict[str, str])
    played: int = 0

    def killers(self) -> list[str]:
        """Return the tests that miss it and are as they were."""
        return sorted(test for test, kept in {**self.pure, **self.others}.items() if kept == _hash_of_file(_file(test)))


def _file(test: str) -> str:
    return test.partition("::")[0]


class Found:
    """What is known of faults and tests, in the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._matrix, self._reach = folder / "matrix.jsonl", folder / "reach.jsonl"
        self._known = {line.pop("hash"): Known(**line) for line in _lines(self._matrix)}

    def of(self, fault: Fault) -> Known | None:
        """Return what is known of a fault."""
        return self._known.get(hash_of_fault(fault))

    def is_done(self, fault: Fault, tests: str) -> bool:
        """Return whether a test misses it, or none of all of today's `tests` does."""
        known = self.of(fault)
        return known is not None and (known.tests == tests or bool(known.killers()))

    def add(self, fault: Fault, known: Known) -> None:
        """Keep what is found."""
        self._known[hash_of_fault(fault)] = known
        self._matrix.parent.mkdir(exist_ok=True)
        with self._matrix.open("a", encoding="utf-8") as lines:
            print(json.dumps({"hash": hash_of_fault(fault), **vars(known)}), file=lines)

    def reach(self, code: str) -> dict[str, Told]:
        """Return what is known of the tests that are as they were, over the same code."""
        return {
            line["test"]: Told(**{name: value for name, value in line.items() if name not in {"hash", "code"}})
            for line in _lines(self._reach)
            if line["hash"] == _hash_of_file(_file(line["test"])) and line["code"] == code
        }

    def reached(self, code: str, told: Iterable[Mapping[str, Any]]) -> None:
        """Keep what tests came to."""
        self._reach.parent.mkdir(exist_ok=True)
        with self._reach.open("a", encoding="utf-8") as lines:
            for one in told:
                print(json.dumps({"hash": _hash_of_file(_file(one["test"])), "code": code, **one}), file=lines)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):  # the last one, where its writer was ended
                yield json.loads(line)


def test_files() -> list[str]:
    """Return the files of tests that are played."""
    files = (file.relative_to(TOP) for file in sorted((TOP / "tests").rglob("test_*.py")))
    return [str(file) for file in files if file.parts[1] not in _NO_TESTS and file.name not in _NO_FILES]


def _copy(folder: Path) -> Path:
    return Path(shutil.copytree(TOP, folder / "tree", ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True))


def _load_packages() -> None:
    """Load what others wrote, once for all copies."""
    names = set[str]()
    for file in (each for folder in (*CODE, "tests") for each in (TOP / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    for name in sorted(names):
        if name.partition(".")[0] not in {*CODE, "tests", "bench", "docs", "clients"}:
            with suppress(Exception):
                importlib.import_module(name)


def _go_to(tree: Path) -> None:
    """Make a copy the tree of this process."""
    os.chdir(tree)
    for name in [name for name in sys.modules if name.partition(".")[0] in {*CODE, "tests"} or name == "bench.faults"]:
        del sys.modules[name]
    sys.path[:] = [str(tree), *(path for path in sys.path if Path(path or ".").resolve() != TOP)]
    os.environ["PYTHONPATH"] = str(tree)


def _play_all(found: Found, code: str, files: Sequence[str], processes: int, marked: str) -> None:
    """Play the tests of some files where all blocks are marked, and keep what they come to."""
    with tempfile.TemporaryDirectory(prefix="sayso-faults-") as folder:
        tree = _copy(Path(folder))
        Blocks(tree).mark()
        if not (pid := os.fork()):
            _go_to(tree)
            trial.collect(files, Reach(Path(folder), processes), marked)
            os._exit(0)
        os.waitpid(pid, 0)
        told = [line for file in sorted(Path(folder).glob("*.jsonl")) for line in _lines(file)]
    played = {_file(one["test"]) for one in told}
    none = vars(Told("", 0.0, True, True, packed([])))
    # Of a file without a test that is played, that is known, too.
    found.reached(code, [*told, *(none | {"test": f"{file}::"} for file in files if file not in played)])


def _hash_of_code(effort: Effort) -> str:
    files = (file for folder in CODE for file in sorted((TOP / folder).rglob("*.*")) if file.suffix in {".py", ".lua"})
    return hash_of(effort.marked, *(file.read_text(encoding="utf-8") for file in files))


class Seats:
    """A copy of the tree in a folder of its own, and a process that has collected all its tests."""

    def __init__(self, folder: Path, files: Sequence[str], marked: str) -> None:
        self._tree, self._marked = _copy(folder), marked
        here, theirs = os.pipe(), os.pipe()
        if not os.fork():
            os.close(here[1])
            _go_to(self._tree)
            with os.fdopen(here[0], encoding="utf-8") as orders, os.fdopen(theirs[1], "w", encoding="utf-8") as answers:
                trial.collect(files, Seated(orders, answers), marked)
            os._exit(0)
        os.close(here[0])
        os.close(theirs[1])
        self._orders, self._answers = os.fdopen(here[1], "w", encoding="utf-8"), os.fdopen(theirs[0], encoding="utf-8")
        self._answers.readline()

    def failing(self, fault: Fault, tests: Sequence[Told], failures: int) -> list[str]:
        """Return the tests that fail with a fault, those that hang among them."""
        if not tests:
            return []
        file = self._tree / fault.file
        text, was = file.read_text(encoding="utf-8"), file.stat()
        order = Order(str(file), [text, fault.seated_in(text)], [(one.test, one.took) for one in tests], failures)
        try:
            # Whatever is loaded only now, or by another program, has the fault as well.
            file.write_text(order.texts[1], encoding="utf-8")
            return self._in_functions(order) if _is_in_functions(fault, order) else self._anew(order)
        finally:
            file.write_text(text, encoding="utf-8")
            os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))

    def _in_functions(self, order: Order) -> list[str]:
        print(json.dumps(vars(order)), file=self._orders, flush=True)
        return json.loads(self._answers.readline())

    def _anew(self, order: Order) -> list[str]:
        out, into = os.pipe()
        if not (pid := os.fork()):
            os.close(out)
            os.setsid()
            _go_to(self._tree)
            with os.fdopen(into, "w", encoding="utf-8") as told:
                trial.collect(dict.fromkeys(_file(test) for test, _ in order.tests), Anew(order, told), self._marked)
            os._exit(0)
        os.close(into)
        return trial.heard(pid, out, dict(order.tests))


def _is_in_functions(fault: Fault, order: Order) -> bool:
    if fault.file.suffix != ".py":
        return False
    old, new = (compile(text, order.file, "exec") for text in order.texts)
    return changed(old, new) is not None


class Reached:
    """The tests that come to each fault."""

    def __init__(self, told: Iterable[Told], top: Path = TOP, others_s: float = Effort().others_s) -> None:
        self._blocks, self._others_s = Blocks(top), others_s
        self._of = [(one, unpacked(one.blocks), _words(one.test)) for one in told if not one.failed]
        self._rare = Counter(word for _, _, words in self._of for word in words)

    def of(self, fault: Fault, *, pure: bool, known: Collection[str] = ()) -> list[Told]:
        """Return those that come to it, the likeliest first, as many as there is time for.

        Likely are those beside it, those that speak of the same, that are `known` to miss other faults, that come to
        little else, and that take no time.
        """
        seat, words = mask_of(self._blocks.of(fault)), _words(fault.name)
        there = [each for each in self._of if each[0].pure == pure and each[1] & seat]
        package = Path("tests", fault.file.parent if fault.file.suffix == ".py" else fault.file.parent.parent)
        beside = str(package / f"test_{fault.file.stem}.py")
        if not there and not pure:  # it runs in a program of its own, which tells nobody where it comes to
            there = [each for each in self._of if not each[0].pure and Path(_file(each[0].test)).parent == package]

        def cost(each: tuple[Told, int, frozenset[str]]) -> float:
            one, blocks, speaks = each
            likely = 1 + 50 * sum(1 / self._rare[word] for word in words & speaks)
            likely *= (5 if _file(one.test) == beside else 1) * (2 if one.test in known else 1)
            return (one.took + 0.02) * (1_000 + blocks.bit_count()) / likely

        chosen, left = list[Told](), _PURE_S if pure else self._others_s
        for one, _, _ in sorted(there, key=cost):
            if one.took < left:
                chosen.append(one)
                left -= one.took
        return chosen


def _words(name: str) -> frozenset[str]:
    return frozenset(word[:6] for word in _WORD.findall(name.lower().replace("_", " ")))


def _seek(seats: Seats, reached: Reached, fault: Fault, tests: str, useful: Collection[str]) -> Known:
    """Seat a fault, and return what is found of it."""
    pure, others = reached.of(fault, pure=True), list[Told]()
    by_pure, by_others = seats.failing(fault, pure, _PURE_FAILURES), list[str]()
    if not by_pure:
        others = reached.of(fault, pure=False, known=useful)
        left = others
        while by := seats.failing(fault, left, 1):
            # On a busy machine a test may fail once; with the fault it fails again.
            again = [one for one in left if one.test == by[0]]
            if not again or seats.failing(fault, again, 1):
                by_others = by
                break
            left = left[left.index(again[0]) + 1 :]
    hashes = [{one: _hash_of_file(_file(one)) for one in by} for by in (by_pure, by_others)]
    return Known(fault.name, tests, *hashes, played=len(pure) + len(others))


def _work(
    found: Found, those: Sequence[Fault], numbers: Numbers, until: float, files: list[str], effort: Effort
) -> None:
    """Seat one fault after another, until the time is over."""
    tests, told = hash_of(_all_tests(files), str(effort)), found.reach(_hash_of_code(effort)).values()
    reached = Reached(told, others_s=effort.others_s)
    useful = {test for fault in faults() if (known := found.of(fault)) for test in known.others}
    with tempfile.TemporaryDirectory(prefix="sayso-faults-") as folder:
        seats = Seats(Path(folder), files, effort.marked)
        while (n := numbers.next()) is not None:
            if time.monotonic() > until:
                print("The time is over; the next start goes on here.", flush=True)
                return
            fault, began = those[n], time.monotonic()
            if found.is_done(fault, tests):
                continue
            known = _seek(seats, reached, fault, tests, useful)
            found.add(fault, known)
            useful |= {*known.others}
            by, took = len(known.pure) + len(known.others), time.monotonic() - began
            said = f"{by or 'NO'} of {known.played} tests miss it, {took:.1f} s"
            print(f"{n + 1}/{len(those)} {fault.area}: {fault.name}: {said}", flush=True)


def _all_tests(files: Iterable[str]) -> str:
    return hash_of(*(f"{file} {_hash_of_file(file)}" for file in files))


def play(found: Found, those: Sequence[Fault], until: float, processes: int, effort: Effort) -> None:
    """Find out what tests come to, where that is not known; then seat the faults in several processes."""
    _load_packages()
    files, code = test_files(), _hash_of_code(effort)
    known = {_file(test) for test in found.reach(code)}
    if left := [file for file in files if file not in known]:
        print(f"Plays the tests of {len(left)} files without a fault.", flush=True)
        _play_all(found, code, left, processes, effort.marked)
    numbers = Numbers(len(those))
    begun = list[int]()
    for _ in range(processes):
        if not (pid := os.fork()):
            _work(found, those, numbers, until, files, effort)
            os._exit(0)
        begun.append(pid)
    for pid in begun:
        os.waitpid(pid, 0)


def report(found: Found, those: Sequence[Fault]) -> None:
    """Print which faults the tests miss, by area; which tests miss one alone; and which files miss none."""
    killers = {fault: known.killers() for fault in those if (known := found.of(fault))}
    pure = sum(bool(known and known.pure) for known in map(found.of, those))
    print(f"{len(those)} faults, of which {len(killers)} were seated; {sum(map(bool, killers.values()))} are missed,")
    print(f"{pure} of them by a pure test.")
    for area in dict.fromkeys(fault.area for fault in those):
        seated = [fault for fault in killers if fault.area == area]
        dead = sum(bool(killers[fault]) for fault in seated)
        print(f"  {area}: {dead} missed, {len(seated) - dead} not, {_count(those, area) - len(seated)} not yet seated")
    print("\nNo test misses:")
    for fault, by in killers.items():
        if not by and (known := found.of(fault)):
            print(f"  {fault.area}: {fault.name} ({fault.file}; {known.played} tests come there)")
    alone = defaultdict[str, list[str]](list)
    for fault, by in killers.items():
        if len(by) == 1:
            alone[by[0]].append(fault.name)
    print("\nThe first, or the only, to miss these:")
    for test, names in sorted(alone.items()):
        print(f"  {test}: {'; '.join(names)}")
    useful = {_file(test) for by in killers.values() for test in by}
    print("\nMissed none, as far as they were played:")
    for name in sorted(set(test_files()) - useful):
        print(f"  {name}")


def _count(those: Collection[Fault], area: str) -> int:
    return Counter(fault.area for fault in those)[area]


def _end(_: int, __: FrameType | None) -> NoReturn:
    """End as after an exception, so that no tests go on by themselves."""
    sys.exit(143)


def main() -> None:
    """Seat the faults that are asked for, or print what is known."""
    parser = argparse.ArgumentParser(description="Which tests miss which named fault.")
    parser.add_argument("areas", nargs="*", metavar="AREA", help="only faults of these areas")
    parser.add_argument("--only", default="", help="only faults in whose name or file this text stands")
    parser.add_argument("--drawn", type=int, default=0, metavar="N", help="N changes by lot instead of named faults")
    parser.add_argument("--thorough", action="store_true", help="play `long` tests too, and more of all others")
    parser.add_argument("--each", type=int, default=1, metavar="N", help="only every N-th fault")
    parser.add_argument("--hours", type=float, default=6.0, help="begin no further fault after so long")
    parser.add_argument("--processes", type=int, default=2, help="at once")
    parser.add_argument("--report", action="store_true", help="seat nothing, print what is known")
    parser.add_argument("--anew", action="store_true", help="forget what is known")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    if options.anew:
        shutil.rmtree(FOUND, ignore_errors=True)
    all_of_them = drawn(options.drawn, 17, CODE) if options.drawn else faults(options.areas)
    wanted = [fault for fault in all_of_them if options.only in f"{fault.name} {fault.file}"]
    those, found = wanted[:: options.each], Found(FOUND)
    if not options.report:
        effort = THOROUGH if options.thorough else Effort()
        play(found, those, time.monotonic() + options.hours * 3_600, options.processes, effort)
        found = Found(FOUND)
    report(found, cast("Sequence[Fault]", those))


if __name__ == "__main__":
    main()
