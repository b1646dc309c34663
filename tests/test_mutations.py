"""Every check that guards a decision is removed once, in a copy of the tree: a test that is named for it must fail.

The checks are those in `CHECKS` of `bot/policy/judge.py`, each `if` of `why_not` in `bot/policy/record.py`, and each
line of a script that is marked `-- check: NAME`. A test is named for one by `@guards("judge:NAME")`; see
`tests/guards.py`.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
TREE = ("bot", "agents", "channels", "language", "prompts", "tests", "pyproject.toml")
PROCESSES = 2
JUDGE, RECHECK, SCRIPTS = Path("bot/policy/judge.py"), Path("bot/policy/record.py"), Path("bot/store/lua")
# The checks of `why_not`, in their order.
RECHECKS = ("approved", "digest", "execute_within", "voters")
# What pytest's exit status says of a mutant.
FOUND = {0: "no test fails without it", 1: "caught", 5: "no test is named for it"}


@dataclass(frozen=True)
class Mutant:
    """One check, the lines of a file that make it, and the tests among which its own is."""

    check: str
    file: Path
    lines: range
    tests: str


def mutants() -> Iterator[Mutant]:
    judge = (TOP / JUDGE).read_text().splitlines()
    begin = next(number for number, line in enumerate(judge) if line.startswith("CHECKS:"))
    for number in range(begin + 1, judge.index(")", begin)):
        name = judge[number].strip(" _,")
        yield Mutant(f"judge:{name}", JUDGE, range(number, number + 1), "tests/bot/policy/test_judge.py")
    for name, condition in zip(RECHECKS, conditions(TOP / RECHECK, "why_not"), strict=True):
        yield Mutant(f"recheck:{name}", RECHECK, condition, "tests/bot/policy/test_recheck.py")
    for script in sorted((TOP / SCRIPTS).glob("*.lua")):
        for number, line in enumerate(script.read_text().splitlines()):
            if marked := re.search(r"-- check: (\w+)$", line):
                check = f"{script.name}:{marked[1]}"
                yield Mutant(check, SCRIPTS / script.name, range(number, number + 1), "tests/bot/store")


def conditions(file: Path, function: str) -> list[range]:
    """The lines of each `if` in a function."""
    tree = ast.parse(file.read_text())
    [found] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    ifs = [node for node in found.body if isinstance(node, ast.If)]
    return [range(node.lineno - 1, node.end_lineno or node.lineno) for node in ifs]


def run_tests(tree: Path, mark: str, *tests: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-m", "pytest", "-qx", "--tb=line", "-p", "no:cacheprovider", "-m", mark, *tests]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=60)


def copied(folder: Path) -> Path:
    for name in TREE:
        source = TOP / name
        if source.is_dir():
            # Compiled files stay good: copies keep their times, and a changed file gets a new one.
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("node_modules"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    return folder


def verdict(mutant: Mutant, folder: Path) -> str:
    """Return what becomes of the tests that are named for a check, without it."""
    tree = copied(folder)
    lines = (tree / mutant.file).read_text().splitlines()
    left = [line for number, line in enumerate(lines) if number not in mutant.lines]
    (tree / mutant.file).write_text("\n".join(left) + "\n")
    done = run_tests(tree, f"guards(check='{mutant.check}')", mutant.tests)
    shutil.rmtree(tree)
    return FOUND.get(done.returncode, f"the tests did not run: {done.stdout[-500:]}{done.stderr[-500:]}")


@pytest.mark.long
def test_the_copy_itself_passes(tmp_path: Path) -> None:
    done = run_tests(copied(tmp_path / "tree"), "guards", "tests/bot")

    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]


def test_there_are_checks_to_remove() -> None:
    checks = [mutant.check for mutant in mutants()]

    assert {"judge:entitled", "recheck:voters", "start_tool.lua:approved", "commit.lua:expiry"} <= set(checks)
    assert len(checks) == len(set(checks))


def test_every_mark_names_a_check_that_is_there() -> None:
    tests = [file.read_text() for file in (TOP / "tests").rglob("test_*.py") if file != Path(__file__)]
    named = {check for text in tests for check in re.findall(r'^@guards\("(.+)"\)$', text, re.MULTILINE)}

    assert named == {mutant.check for mutant in mutants()}


@pytest.mark.long
def test_each_check_that_is_removed_is_missed_by_a_test_that_is_named_for_it(
    tmp_path: Path,
) -> None:
    all_of_them = list(mutants())
    folders = [tmp_path / str(number) for number in range(len(all_of_them))]

    with ThreadPoolExecutor(PROCESSES) as pool:
        verdicts = list(pool.map(verdict, all_of_them, folders))

    pairs = zip(all_of_them, verdicts, strict=True)
    assert {mutant.check: found for mutant, found in pairs if found != "caught"} == {}
