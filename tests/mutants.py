"""Copies of the tree without one of its checks, and what becomes of the tests that are named for it.

The checks are those in `CHECKS` of `bot/policy/judge.py`, each `if` of `why_not` in `bot/policy/recheck.py`, each line
of a script that is marked `-- check: NAME`, and the lines in `PLANTED`. A test is named for one by
`@guards("judge:NAME")`; see `tests/kit/guards.py`.
"""

import ast
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[1]
_TREE = ("bot", "agents", "channels", "language", "prompts", "tests", "pyproject.toml")
_JUDGE, _RECHECK, _SCRIPTS = Path("bot/policy/judge.py"), Path("bot/policy/recheck.py"), Path("bot/store/lua")
# The checks of `why_not`, in their order.
_RECHECKS = ("approved", "stopped", "digest", "execute_within", "glass", "voters")
# What pytest's exit status says of a mutant.
_FOUND = {0: "no test fails without it", 1: "caught", 5: "no test is named for it"}
# A busy machine is not a failure.
_LATEST_S = 240
_NAMED = re.compile(r'\bguards\("([^"]+)"\)')
_FAILED = re.compile(r"^FAILED \S+?(test_\w+\.py::\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One check, the text of a file that makes it, and what stands there instead."""

    check: str
    file: Path
    old: str
    new: str


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: `caught`, by which test and after how long, or why not."""

    found: str
    test: str
    seconds: float


def _planted(name: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(f"planted:{name}", Path(file), old, new)


PLANTED = (
    _planted(
        "sweeper",
        "bot/worker/queue.py",
        "await self._store.sweep(shard)",
        "pass",
    ),
    _planted(
        "recheck_before_start",
        "bot/execution/approval_guard.py",
        "if why := why_not(record, _digest(run, record, call), counting, now):",
        'if why := "":',
    ),
    _planted(
        "recheck_before_turn",
        "bot/execution/approval_guard.py",
        "return why is None",
        "return True",
    ),
    _planted(
        "lease_before_effect",
        "bot/execution/executor.py",
        "return is_wanted and await self._store.holds(run_id, attempt_id)",
        "return is_wanted",
    ),
    _planted(
        "denial_before_effect",
        "bot/execution/executor.py",
        "is_wanted = queued is None or await queued(None)",
        "is_wanted = True",
    ),
    _planted(
        "end_of_a_tool_is_scheduled",
        "bot/store/__init__.py",
        'attempt=Ends(attempt_id, "finished"),\n            wake=[Wake(WorkItem("run", run_id))],',
        'attempt=Ends(attempt_id, "finished"),',
    ),
    _planted(
        "end_of_a_tool_is_told",
        "bot/execution/executor.py",
        "await self._store.finish_tool(run_id, event.attempt_id, event, files)\n                return await "
        'self._queue.notify(WorkItem("run", run_id))',
        "return await self._store.finish_tool(run_id, event.attempt_id, event, files)",
    ),
    _planted(
        "very_moment_of_expiry",
        "bot/store/lua/commit.lua",
        "the_time() >= record.before",
        "the_time() > record.before",
    ),
    _planted(
        "start_is_told_when_too_old",
        "bot/execution/approval_guard.py",
        "return min(filter(None, (good_until(record), begins)), default=None)",
        "return now.replace(year=now.year + 1)",
    ),
    _planted(
        "note_that_a_card_may_be_sent",
        "bot/outbound/outbox.py",
        'await self._store.remember(_tried(entry), b"1", _TRIED_S)',
        "pass",
    ),
    _planted(
        "second_wake_while_a_run_moves",
        "bot/runs/loop.py",
        "if run_id in self._moving:\n            self._moving[run_id] = True\n",
        "if run_id in self._moving:\n",
    ),
    _planted(
        "busy_worker_hands_on",
        "bot/worker/queue.py",
        "await self._store.push(item)\n",
        "pass\n",
    ),
    _planted("note_of_the_log_is_new", "bot/store/scripts.py", "write_if([is_new], ", "write_if([], "),
    _planted(
        "trimmed_from_where_it_was_read",
        "bot/store/scripts.py",
        "[If(keys.audit_archived, [before])],",
        "[],",
    ),
    _planted(
        "forgotten_at_the_head_that_was_read",
        "bot/store/scripts.py",
        "[If(keys.audit_head, [head])]",
        "[]",
    ),
    _planted("closed_by_its_mark", "bot/store/scripts.py", "If(keys.mark, [mark]), ", ""),
    _planted("closed_by_its_number", "bot/store/scripts.py", ", If(keys.shards, [shards])]", "]"),
)
"""Lines whose loss is no check that says no, but work that nobody does, or a moment too late."""


def mutants() -> Iterator[Mutant]:
    """All of them."""
    judge = (TOP / _JUDGE).read_text().splitlines(keepends=True)
    begin = next(number for number, line in enumerate(judge) if line.startswith("CHECKS:"))
    for line in judge[begin + 1 : judge.index(")\n", begin)]:
        name = line.strip().removeprefix("Row(_").partition(",")[0]
        yield Mutant(f"judge:{name}", _JUDGE, line, "")
    for name, condition in zip(_RECHECKS, _conditions(TOP / _RECHECK, "why_not"), strict=True):
        yield Mutant(f"recheck:{name}", _RECHECK, condition, "")
    for script in sorted((TOP / _SCRIPTS).glob("*.lua")):
        for line in script.read_text().splitlines(keepends=True):
            if marked := re.search(r"-- check: (\w+)$", line):
                yield Mutant(f"{script.name}:{marked[1]}", _SCRIPTS / script.name, line, "")
    yield from PLANTED


def _conditions(file: Path, function: str) -> list[str]:
    """The text of each `if` in a function."""
    lines = file.read_text().splitlines(keepends=True)
    [found] = [
        node for node in ast.parse("".join(lines)).body if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    ifs = [node for node in found.body if isinstance(node, ast.If)]
    return ["".join(lines[node.lineno - 1 : node.end_lineno]) for node in ifs]


def files_by_check() -> Mapping[str, list[Path]]:
    """Return the files with the tests that are named for each check."""
    found = dict[str, list[Path]]()
    for file in sorted((TOP / "tests").rglob("test_*.py")):
        for check in dict.fromkeys(_NAMED.findall(file.read_text())):
            found.setdefault(check, []).append(file.relative_to(TOP))
    return found


def run_tests(tree: Path, mark: str, tests: Iterable[Path]) -> subprocess.CompletedProcess[str]:
    """Run the tests with this mark in a copy."""
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-qxrf",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        "-m",
        mark,
        *map(str, tests),
    ]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=_LATEST_S)


def copied(folder: Path) -> Path:
    """A copy of the tree."""
    for name in _TREE:
        source = TOP / name
        if source.is_dir():
            # Compiled files stay good: copies keep their times, and a changed file gets a new one.
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("node_modules"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    return folder


def verdict(mutant: Mutant, folder: Path) -> Verdict:
    """Return what becomes of the tests that are named for a check, without it. `folder` is gone afterwards."""
    tree = copied(folder)
    text = (tree / mutant.file).read_text()
    if text.count(mutant.old) != 1:
        raise LookupError(f"{mutant.check}: its text stands {text.count(mutant.old)} times in {mutant.file}")
    (tree / mutant.file).write_text(text.replace(mutant.old, mutant.new))
    began = time.monotonic()
    done = run_tests(tree, f"guards(check='{mutant.check}')", files_by_check()[mutant.check])
    seconds = time.monotonic() - began
    shutil.rmtree(tree)
    failed = _FAILED.search(done.stdout)
    found = _FOUND.get(done.returncode, f"the tests did not run: {done.stdout[-500:]}{done.stderr[-500:]}")
    return Verdict(found, failed[1] if failed else "", seconds)
