"""Which tests miss which broken rule: `python -m bench.matrix` seats each named fault in a copy of the tree.

    nice -n 19 python -m bench.matrix --hours 6          every fault, with the pure tests
    nice -n 19 python -m bench.matrix policy --stories   then the other tests, for what no pure test misses
    python -m bench.matrix --report                      what is known so far

The copy is in a temporary folder, never the tree itself. What is found is appended to `.faults/matrix.jsonl` after each
fault, with hashes of the fault and of the test files: a second start goes on where the first one stopped, and repeats
only what changed. Helpers of tests are not hashed: after a change of one, start `--anew`.

Pure tests ask for no server. Of them those files run that import the file of the fault, the nearest first, and all of
them to their end: it is known of each test whether it misses the rule. Of the other tests the likeliest files run,
until one of them misses it. Tests that fail without any fault are left out.
"""

import argparse
import ast
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, cast

from bench.faults import TOP, Fault, faults

FOUND = TOP / ".faults" / "matrix.jsonl"
_CODE = ("agents", "bot", "channels", "language", "prompts")
_LEFT_OUT = (".venv", ".git", ".faults", ".sayso", "node_modules", "dist", ".hypothesis", ".pytest_cache")
# These start programs, look at the whole tree, or are this tool's own.
_NO_STORIES = ("bench", "browser", "docs", "kill", "processes", "storm", "fakes", "servers")
_NO_FILES = ("test_launcher.py", "test_mutations.py", "test_setup.py")
# Whoever imports one of these starts a server.
_SERVERS = {("tests", "servers"), ("tests", "processes"), ("tests", "kit", "world.py")}
# What a pure test may ask the conftest files for.
_LIGHT = {"short_path", "open_path", "hallway", "roles"}
# A busy machine is not a failure: this long without another line, and a test hangs.
_SILENT_S = 300.0
# Of pure tests that import a file only from afar, few run it: the nearest run, as many as take so long without a fault.
_PURE_S = 20.0
_MOST_STORIES = 8
# On a busy machine, or by what a property draws, a test may fail once: so few are run again.
_FEW = 3
_LINE = re.compile(r"^(tests/[^:]+::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b")
_BEGUN = re.compile(r"^(tests/[^:]+::\S.*?)\s*$")
_TOOK = re.compile(r"^([\d.]+)s (?:setup|call|teardown) +(tests/[^:]+)::")
_UNREADABLE = re.compile(r"^ERROR (tests/[^:\s]+)(?: - .*)?$", re.MULTILINE)
_ENDED = re.compile(r"=+ .* in [\d.]+s.* =+$|.* in [\d.]+s(?: \(.*\))?$")
_TESTS = re.compile(r"def (test_\w+)")
_WORD = re.compile(r"[a-z]{4,}")
_PARAMETERS = re.compile(r"\[.*\]$")


@dataclass
class Ran:
    """What became of a test file: the hash of its text, its tests that failed, and how long it took."""

    hash: str
    failed: list[str] = field(default_factory=list[str])
    seconds: float = 0.0


Files = dict[str, Ran]
"""By the path of each test file."""


class Known:
    """What is known of each fault, by its hash; that of no fault is how the tests are without one."""

    def __init__(self, file: Path) -> None:
        self._file, self._found = file, defaultdict[str, Files](Files)
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
            told = cast("dict[str, Any]", json.loads(line))
            self._found[told["hash"]] |= {name: Ran(**ran) for name, ran in told["files"].items()}

    def of(self, fault: Fault | None) -> Files:
        """Return what is known of it, as far as the test files are as they were."""
        return {name: ran for name, ran in self._found[hash_of(fault)].items() if ran.hash == _hash_of_file(name)}

    def add(self, fault: Fault | None, files: Files) -> None:
        """Keep what is found."""
        self._found[hash_of(fault)] |= files
        told = {name: vars(ran) for name, ran in files.items()}
        self._file.parent.mkdir(exist_ok=True)
        with self._file.open("a", encoding="utf-8") as lines:
            print(json.dumps({"fault": fault.name if fault else "", "hash": hash_of(fault), "files": told}), file=lines)

    def killers(self, fault: Fault) -> list[str]:
        """Return the tests that miss the rule, each once whatever its parameters; those that fail anyway do not."""
        anyway = {test for ran in self.of(None).values() for test in ran.failed}
        failed = (test for ran in self.of(fault).values() for test in ran.failed if test not in anyway)
        return sorted({_PARAMETERS.sub("", test) for test in failed})


def hash_of(fault: Fault | None) -> str:
    """Return what changes with a fault; nothing else of its file counts."""
    said = f"{fault.file}\0{fault.old}\0{fault.new}" if fault else ""
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@cache
def _hash_of_file(name: str) -> str:
    file = TOP / name
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.exists() else ""


class Tree:
    """The files of the tree that import each other, and which tests are pure."""

    def __init__(self, top: Path = TOP) -> None:
        self._top = top
        files = [file for folder in (*_CODE, "tests") for file in sorted((top / folder).rglob("*.py"))]
        self._files = {_module_of(file.relative_to(top)): file.relative_to(top) for file in files}
        self._imports = {file: self._imported_by(file) for file in self._files.values()}
        self._fixtures = {
            file.parent: _fixtures_of((top / file).read_text(encoding="utf-8"))
            for file in self._files.values()
            if file.name == "conftest.py"
        }
        self.tests = [file for file in self._files.values() if _is_test(file)]
        self.pure = [file for file in self.tests if self._is_pure(file)]

    @cache  # noqa: B019 - there is one tree, as long as the program
    def distances(self, test: Path) -> Mapping[Path, int]:
        """Return every file that comes with a test file, and over how many imports."""
        found, left = {test: 0}, deque([test])
        while left:
            file = left.popleft()
            for imported in self._imports[file]:
                if imported not in found:
                    found[imported] = found[file] + 1
                    left.append(imported)
        return found

    def pure_tests(self, fault: Fault, seconds: Mapping[str, float]) -> list[str]:
        """Return the pure tests that may run a fault, the nearest first, as many as take `_PURE_S` without it."""
        if fault.file.suffix != ".py":
            return []
        near = [(far, test) for test in self.pure if (far := self.distances(test).get(fault.file))]
        order = sorted((not _is_beside(test, fault), far, seconds.get(str(test), 1.0), str(test)) for far, test in near)
        chosen, left = list[str](), _PURE_S
        for _, _, took, test in order:
            if took <= left:
                chosen.append(test)
                left -= took
        return chosen

    def other_tests(self, fault: Fault) -> list[str]:
        """Return the other tests, the likeliest first: the file beside, then those that speak of the same."""
        words = _words(fault.name)
        others = [test for test in self.tests if test not in self.pure]
        rare = Counter(word for test in others for word in self._words_of(test))

        def likeliness(test: Path) -> tuple[bool, float]:
            shared = sum(1 / rare[word] for word in words & self._words_of(test))
            return _is_beside(test, fault), shared + 0.2 * (test.parent == _beside(fault))

        return [str(test) for test in sorted(others, key=likeliness, reverse=True)]

    @cache  # noqa: B019
    def _words_of(self, test: Path) -> frozenset[str]:
        names = _TESTS.findall((self._top / test).read_text(encoding="utf-8"))
        return _words(f"{test.stem} {' '.join(names)}".replace("_", " "))

    def _imported_by(self, file: Path) -> list[Path]:
        names = set[str]()
        for node in ast.walk(ast.parse((self._top / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        return [self._files[name] for name in sorted(names) if name in self._files]

    def _is_pure(self, test: Path) -> bool:
        if any({file.parts[:2], file.parts} & _SERVERS for file in self.distances(test)):
            return False
        there = set[str]().union(*(self._fixtures.get(folder, ()) for folder in test.parents))
        return not there.difference(_LIGHT) & set(_asked_in((self._top / test).read_text(encoding="utf-8")))


def _module_of(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_test(file: Path) -> bool:
    is_ours = file.parts[0] == "tests" and file.name.startswith("test_")
    return is_ours and file.parts[1] not in _NO_STORIES and file.name not in _NO_FILES


def _beside(fault: Fault) -> Path:
    """Return the folder of tests that mirrors that of a fault; of a script that is the one of its package."""
    package = fault.file.parent if fault.file.suffix == ".py" else fault.file.parent.parent
    return Path("tests", package)


def _is_beside(test: Path, fault: Fault) -> bool:
    """Return whether a test file is the one that mirrors the file of a fault."""
    return test == _beside(fault) / f"test_{fault.file.stem}.py"


def _functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    found = ast.walk(ast.parse(text))
    return (node for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _fixtures_of(text: str) -> frozenset[str]:
    return frozenset(
        function.name
        for function in _functions(text)
        if any("fixture" in ast.unparse(each) for each in function.decorator_list)
    )


def _asked_in(text: str) -> Iterator[str]:
    for function in _functions(text):
        is_asked = function.name.startswith("test_") or function.decorator_list
        yield from (argument.arg for argument in function.args.args if is_asked)


def _words(text: str) -> frozenset[str]:
    return frozenset(word[:6] for word in _WORD.findall(text.lower()))


class Copy:
    """A copy of the tree in a folder of its own, in which one fault after another is seated."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tree"
        shutil.copytree(TOP, self.folder, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)

    def run(
        self, fault: Fault | None, tests: Sequence[str], but: Collection[str] = (), *, stops: bool = False
    ) -> Files:
        """Return what becomes of test files with a fault, or without one, `but` for these tests.

        If it `stops` with the first test that fails, the files behind it do not run.
        """
        more = [*(["-x"] if stops else []), *(f"--deselect={one}" for one in but)]
        if fault is None:
            return self._run(tests, more, keeps_compiled=True)
        file = self.folder / fault.file
        text = file.read_text(encoding="utf-8")
        try:
            file.write_text(fault.seated_in(text), encoding="utf-8")
            return self._confirmed(self._run(tests, more))
        finally:
            file.write_text(text, encoding="utf-8")

    def _confirmed(self, ran: Files) -> Files:
        """Return what was found without tests that fail once and not again, where few failed: they miss nothing."""
        failed = [one for each in ran.values() for one in each.failed if "::(" not in one and "(hangs)" not in one]
        if not 0 < len(failed) <= _FEW:
            return ran
        still = self.failing_of(failed)
        for each in ran.values():
            each.failed = [one for one in each.failed if one not in failed or one in still]
        return ran

    def failing_of(self, tests: Sequence[str]) -> frozenset[str]:
        """Return those of some tests that fail, as the tree is now; those that cannot even run fail."""
        text, _ = self._output_of(tests, [], keeps_compiled=False)
        told = [found for found in map(_LINE.match, text.splitlines()) if found]
        failed = {one[1] for one in told if one[2] in {"FAILED", "ERROR"}}
        passed = {one[1] for one in told if one[2] not in {"FAILED", "ERROR"}}
        return frozenset(one for one in tests if one in failed or one not in passed)

    def _run(self, tests: Sequence[str], more: Sequence[str], *, keeps_compiled: bool = False) -> Files:
        """Run the files in one process; in another one those that come behind a test that hangs."""
        found, left = Files(), [*tests]
        while left:
            text, is_silent = self._output_of(left, more, keeps_compiled=keeps_compiled)
            ran, hangs = read_output(text, left)
            stuck = hangs.partition("::")[0]
            if is_silent and stuck in left:
                ran[stuck] = Ran(_hash_of_file(stuck), [f"{hangs} (hangs)"], _SILENT_S)
            found |= ran
            if not is_silent or not ran or "-x" in more:
                break
            left = [name for name in left if name not in ran]
        return found

    def _output_of(self, tests: Sequence[str], more: Sequence[str], *, keeps_compiled: bool) -> tuple[str, bool]:
        """Return what pytest prints, and whether it was ended as nothing came any more."""
        command = [sys.executable, *([] if keeps_compiled else ["-B"]), "-m", "pytest", "-n0", "-v", "--tb=no", "-rE"]
        command += [
            "--color=no",
            "--assert=plain",
            "--durations=0",
            "--durations-min=0",
            "--continue-on-collection-errors",
        ]
        command += ["-p", "no:cacheprovider", "--hypothesis-seed=0", *more, *tests]
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONUNBUFFERED": "1", "COLUMNS": "400"}
        # What a property found with one fault must not be tried with the next one.
        shutil.rmtree(self.folder / ".hypothesis", ignore_errors=True)
        output = self.folder.with_name("output")
        with output.open("wb") as printed:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=printed, stderr=printed, start_new_session=True
            )
            try:
                is_silent = _is_silent(process, output)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        return output.read_text(encoding="utf-8", errors="replace"), is_silent


def _is_silent(process: subprocess.Popen[bytes], output: Path) -> bool:
    """Wait for the end of a process; whether it said nothing for so long that it will say nothing any more."""
    size, since = 0, time.monotonic()
    while True:
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            now = output.stat().st_size
            size, since = now, since if now == size else time.monotonic()
            if time.monotonic() - since > _SILENT_S:
                return True
        else:
            return False


def read_output(text: str, tests: Sequence[str]) -> tuple[Files, str]:
    """Return what became of each file that ran to its end, or to a test that failed; and the test that was begun and
    has no end, empty where there is none.
    """
    failed, took, seen, begun = defaultdict[str, list[str]](list), defaultdict[str, float](float), dict[str, None](), ""
    lines = text.splitlines()
    for line in lines:
        if (told := _LINE.match(line)) is not None:
            begun, name = "", told[1].partition("::")[0]
            seen[name] = None
            if told[2] in {"FAILED", "ERROR"}:
                failed[name].append(told[1])
        elif (told := _BEGUN.match(line)) is not None:
            begun = told[1]
        elif (told := _TOOK.match(line)) is not None:
            took[told[2]] += float(told[1])
    for name in _UNREADABLE.findall(text):
        failed[name].append(f"{name}::(it cannot be read)")
    has_ended = bool(lines) and _ENDED.match(lines[-1]) is not None
    if not seen and not failed and not has_ended:
        failed |= {name: [f"{name}::(nothing starts)"] for name in tests}
    # Files run one after the other: of the last that was seen some may be left where nothing says that all is over.
    whole = set(tests) if has_ended and "stopping after" not in text else {*seen} - {*list(seen)[-1:]}
    there = [name for name in tests if name in whole or failed[name]]
    return {
        name: Ran(_hash_of_file(name), list(dict.fromkeys(failed[name])), round(took[name], 2)) for name in there
    }, begun


def play(known: Known, tree: Tree, those: Sequence[Fault], until: float, *, stories: bool) -> None:
    """Seat one fault after another, until the time is over."""
    with tempfile.TemporaryDirectory(prefix="sayso-faults-") as folder:
        copy = Copy(Path(folder))
        if not stories:
            _without_faults(known, copy, [str(test) for test in tree.pure])
        seconds = {name: ran.seconds for name, ran in known.of(None).items()}
        for number, fault in enumerate(those, 1):
            if time.monotonic() > until:
                print("The time is over; the next start goes on here.", flush=True)
                return
            began, is_new = time.monotonic(), False
            if tests := _to_run(known, tree, fault, seconds, stories=stories):
                known.add(fault, _played(known, copy, fault, tests, stories=stories))
                is_new = True
            if is_new:
                found = len(known.killers(fault))
                took = time.monotonic() - began
                print(f"{number}/{len(those)} {fault.area}: {fault.name}: {found or 'NO'} tests miss it, {took:.0f} s")
                sys.stdout.flush()


def _to_run(known: Known, tree: Tree, fault: Fault, seconds: Mapping[str, float], *, stories: bool) -> list[str]:
    """Return the test files that are still to be run with a fault."""
    have = known.of(fault)
    if not stories:
        return [test for test in tree.pure_tests(fault, seconds) if test not in have]
    likely = [] if known.killers(fault) else tree.other_tests(fault)[:_MOST_STORIES]
    return [test for test in likely if test not in have]


def _played(known: Known, copy: Copy, fault: Fault, tests: Sequence[str], *, stories: bool) -> Files:
    """Return what becomes of test files with a fault. Stories that miss it run without it as well."""
    but = _failing(known, tests)
    if not stories:
        return copy.run(fault, tests, but)
    while True:
        ran = copy.run(fault, tests, but, stops=True)
        failed = [one for each in ran.values() for one in each.failed if "::(" not in one and "(hangs)" not in one]
        anyway = copy.failing_of(failed) if failed else frozenset[str]()
        if not anyway:
            return ran
        known.add(None, {name: replace(each, failed=sorted(anyway)) for name, each in ran.items() if each.failed})
        but = [*but, *anyway]


def _failing(known: Known, tests: Iterable[str]) -> list[str]:
    """Return the tests that fail without any fault."""
    ran = known.of(None)
    return [one for test in tests if test in ran for one in ran[test].failed if "::(" not in one]


def _without_faults(known: Known, copy: Copy, tests: Iterable[str]) -> None:
    """Find out how test files are without a fault: what fails then misses nothing."""
    have = known.of(None)
    if left := [test for test in tests if test not in have]:
        known.add(None, copy.run(None, left))


def report(known: Known, tree: Tree, those: Sequence[Fault]) -> None:
    """Print which faults the tests miss, by area; which tests miss one alone; and which files miss none."""
    killers = {fault: known.killers(fault) for fault in those if known.of(fault)}
    print(f"{len(those)} faults, of which {len(killers)} were seated; {sum(map(bool, killers.values()))} are missed.")
    for area in dict.fromkeys(fault.area for fault in those):
        seated = [fault for fault in killers if fault.area == area]
        dead = sum(bool(killers[fault]) for fault in seated)
        print(f"  {area}: {dead} missed, {len(seated) - dead} not, {_count(those, area) - len(seated)} not yet seated")
    print("\nNo test misses:")
    for fault, found in killers.items():
        if not found:
            print(f"  {fault.area}: {fault.name} ({fault.file}; {len(known.of(fault))} test files)")
    alone = defaultdict[str, list[str]](list)
    for fault, found in killers.items():
        if len(found) == 1:
            alone[found[0]].append(fault.name)
    print("\nAlone of those that ran, these miss:")
    for test, names in sorted(alone.items()):
        print(f"  {test}: {'; '.join(names)}")
    ran = {name for fault in killers for name in known.of(fault)}
    useful = {test.partition("::")[0] for found in killers.values() for test in found}
    print("\nRan, and missed none:")
    for name in sorted(ran - useful):
        print(f"  {name}")
    never = {str(test) for test in tree.pure} - ran
    print(f"\nPure test files that have not run with any fault: {len(never)}")


def _count(those: Collection[Fault], area: str) -> int:
    return sum(fault.area == area for fault in those)


def _end(_: int, __: FrameType | None) -> NoReturn:
    """End as after an exception, so that no tests go on by themselves."""
    sys.exit(143)


def main() -> None:
    """Seat the faults that are asked for, or print what is known."""
    parser = argparse.ArgumentParser(description="Which tests miss which named fault.")
    parser.add_argument("areas", nargs="*", metavar="AREA", help="only faults of these areas")
    parser.add_argument("--only", default="", help="only faults in whose name or file this text stands")
    parser.add_argument("--each", type=int, default=1, metavar="N", help="only every N-th fault")
    parser.add_argument("--stories", action="store_true", help="the other tests, for what no pure test misses")
    parser.add_argument("--hours", type=float, default=6.0, help="begin no further fault after so long")
    parser.add_argument("--report", action="store_true", help="seat nothing, print what is known")
    parser.add_argument("--anew", action="store_true", help="forget what is known")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    if options.anew:
        FOUND.unlink(missing_ok=True)
    wanted = [fault for fault in faults(options.areas) if options.only in f"{fault.name} {fault.file}"]
    those, known, tree = wanted[:: options.each], Known(FOUND), Tree()
    if not options.report:
        play(known, tree, those, time.monotonic() + options.hours * 3_600, stories=options.stories)
    report(known, tree, those)


if __name__ == "__main__":
    main()
