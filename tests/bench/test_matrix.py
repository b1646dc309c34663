"""The matrix of faults and tests: where faults are marked and seated, what tests come to, and what is kept of it."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench import seats
from bench.drawn import faults_of
from bench.faults import Fault, faults
from bench.matrix import Found, Known, Reached, hash_of, hash_of_fault
from bench.seats import Blocks, change, changed, living, packed, unpacked
from bench.trial import Told
from tests.kit.programs import TOP

RULES = '''"""Rules."""

from collections.abc import Callable

MOST = 3


def may(count: int) -> bool:
    """Return whether so many are few enough."""
    if count < 0:
        return False
    elif count == MOST:
        return True
    return count < MOST


def later(count: int) -> Callable[[], bool]:
    def ask() -> bool:
        return may(count)

    return ask
'''
HERE = "tests/bench/test_faults.py"
TEXT = (TOP / HERE).read_text()
BOUND = Fault(
    "policy", "Any number is few enough", Path("bot/rules.py"), "    return count < MOST\n", "    return True\n"
)
NEVER = Fault("policy", "None is few enough", Path("bot/rules.py"), "elif count == MOST:\n        return True", "")
HIGHER = Fault("policy", "Nine are few enough", Path("bot/rules.py"), "MOST = 3", "MOST = 9")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "__init__.py").touch()
    (tmp_path / "bot" / "rules.py").write_text(RULES)
    return tmp_path


def load(tree: Path) -> ModuleType:
    spec = spec_from_file_location("rules", tree / "bot" / "rules.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def codes(tree: Path, old: str, new: str) -> tuple[Any, Any]:
    name = str(tree / "bot" / "rules.py")
    return compile(RULES, name, "exec"), compile(RULES.replace(old, new), name, "exec")


def test_a_fault_sits_in_a_block_and_one_outside_of_functions_in_each_that_names_it(tree: Path) -> None:
    blocks = Blocks(tree)
    may, negative, equal, whole, ask, later = range(6)

    assert blocks.of(BOUND) == {may}
    assert blocks.of(NEVER) == {whole}
    assert blocks.of(HIGHER) == {may}
    assert (negative, equal, ask, later) == (1, 2, 4, 5)


def test_what_runs_says_which_blocks_it_came_to(tree: Path) -> None:
    Blocks(tree).mark()
    rules = load(tree)
    seats.seen.clear()

    rules.may(2)

    assert seats.seen == {0, 2}
    assert unpacked(packed(seats.seen)) == 0b101


def test_every_condition_comparison_and_step_can_be_drawn_and_seated() -> None:
    drawn = list(faults_of(RULES, Path("bot/rules.py")))

    assert [one.new.strip() for one in drawn if "count < 0" in one.old] == ["if (not (count < 0)):", "if (count <= 0):"]
    assert len(drawn) == len({one.seated_in(RULES) for one in drawn}) == 6


def test_functions_that_live_have_the_fault_without_being_loaded_again(tree: Path) -> None:
    rules = load(tree)
    ask = rules.later(5)
    assert ask() is False

    change(living(tree), changed(*codes(tree, "return count < MOST", "return True")) or [])

    assert ask() is True


def test_what_stands_outside_of_functions_cannot_change_while_it_lives(tree: Path) -> None:
    assert changed(*codes(tree, "MOST = 3", "MOST = 9")) is None
    assert changed(*codes(tree, "def may(count: int)", "def may(count: int = 1)")) is None
    pairs = changed(*codes(tree, "return may(count)", "return not may(count)")) or []
    assert [old.co_name for old, _ in pairs] == ["ask", "later"]


def test_tests_run_in_forks_and_tell_what_they_come_to_how_long_it_takes_and_whether_they_are_pure(tree: Path) -> None:
    Blocks(tree).mark()
    (tree / "test_it.py").write_text(
        "import socket\nfrom bot.rules import may\n"
        "def test_few(): assert may(2)\n"
        "def test_none(): assert may(-1)\n"
        "def test_far():\n    with socket.socketpair()[0] as one: assert one.connect_ex(b'') and may(2)\n"
    )
    told = "from pathlib import Path; from bench import trial; trial.collect(['test_it.py'], trial.Reach(Path(), 1))"
    ini = "[tool.pytest.ini_options]\nmarkers = ['long']\npythonpath = ['.']\n"
    (tree / "pyproject.toml").write_text(ini)

    ended = subprocess.run([sys.executable, "-c", told], cwd=tree, env={"PYTHONPATH": f"{tree}:{TOP}"}, check=False)

    found = [json.loads(line) for line in (tree / "0.jsonl").read_text().splitlines()]
    assert ended.returncode == 0
    assert [(one["test"], one["failed"], unpacked(one["blocks"])) for one in found] == [
        ("test_it.py::test_few", False, 0b101),
        ("test_it.py::test_none", True, 0b011),
        ("test_it.py::test_far", False, 0b101),
    ]
    assert [one["pure"] for one in found] == [True, True, False]


def test_tests_that_speak_of_a_fault_or_stand_beside_it_come_first_then_those_that_come_to_little_else(
    tree: Path,
) -> None:
    def told(test: str, more: int = 0, *, pure: bool = True, failed: bool = False) -> Told:
        return Told(test, 0.1, failed, pure, packed(range(1 + more)))

    reached = Reached([
        told("tests/a.py::test_wide", 9_000), told("tests/a.py::test_near"), told("tests/a.py::fails", failed=True),
        told("tests/bot/test_rules.py::test_it", 9_000), told("tests/b.py::test_useful", 9_000),
        told("tests/stories/a.py::test_story", pure=False), Told("tests/a.py::else", 0.1, False, True, packed([1])),
        told("tests/c.py::test_how_many_are_enough", 9_000),
    ], tree)  # fmt: skip

    assert [one.test for one in reached.of(BOUND, pure=True, known={"tests/b.py::test_useful"})] == [
        "tests/c.py::test_how_many_are_enough", "tests/a.py::test_near", "tests/bot/test_rules.py::test_it",
        "tests/b.py::test_useful", "tests/a.py::test_wide",
    ]  # fmt: skip
    assert [one.test for one in reached.of(BOUND, pure=False)] == ["tests/stories/a.py::test_story"]


def test_where_no_test_is_known_to_come_those_beside_that_use_programs_are_tried(tree: Path) -> None:
    beside, elsewhere = "tests/bot/test_child.py::test_it", "tests/bot/web/test_child.py::test_it"

    reached = Reached([Told(one, 0.1, False, pure, packed([])) for one, pure in (
        (beside, False), (elsewhere, False), ("tests/bot/test_child.py::test_pure", True),
    )], tree)  # fmt: skip

    assert [one.test for one in reached.of(BOUND, pure=False)] == [beside]
    assert reached.of(BOUND, pure=True) == []


def test_a_second_start_goes_on_where_the_first_stopped_and_repeats_what_changed(tmp_path: Path) -> None:
    dead, lives, stale = list(faults(["policy"]))[:3]
    found = Found(tmp_path)
    found.add(dead, Known(dead.name, "then", pure={f"{HERE}::test_it": hash_of(TEXT)}))
    found.add(lives, Known(lives.name, "then"))
    found.add(stale, Known(stale.name, "then", others={f"{HERE}::test_it": "another text"}))

    again = Found(tmp_path)

    assert [again.is_done(one, "then") for one in (dead, lives, stale)] == [True, True, True]
    assert [again.is_done(one, "now") for one in (dead, lives, stale)] == [True, False, False]
    assert not again.is_done(replace(dead, new="pass"), "then")
    assert hash_of_fault(replace(dead, name="another")) == hash_of_fault(dead)
