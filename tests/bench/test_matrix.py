"""The matrix of faults and tests: what it reads of pytest, what it keeps, and which tests it takes for a fault."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.faults import Fault, faults
from bench.matrix import Files, Known, Ran, Tree, hash_of, read_output

ONE, OTHER = "tests/bench/test_faults.py", "tests/bench/test_told.py"


def found(text: str, tests: Sequence[str] = (ONE, OTHER)) -> dict[str, list[str]]:
    return {name: ran.failed for name, ran in read_output(text, tests)[0].items()}


def fault() -> Fault:
    return next(faults(["policy"]))


def of(failed: Sequence[str]) -> Files:
    known = read_output(f"{ONE}::test_it PASSED\n=== 1 passed in 0.1s ===", [ONE])[0][ONE]
    return {ONE: Ran(known.hash, [*failed])}


def test_what_failed_is_read_by_file() -> None:
    text = f"{ONE}::test_it[a b] FAILED [ 50%]\n{OTHER}::test_that PASSED\n=== 1 failed, 1 passed in 0.1s ==="

    assert found(text) == {ONE: [f"{ONE}::test_it[a b]"], OTHER: []}


def test_of_a_run_that_stops_nothing_is_said_of_the_files_behind() -> None:
    text = f"{ONE}::test_it FAILED\n!!! stopping after 1 failures !!!\n=== 1 failed in 0.1s ==="

    assert found(text) == {ONE: [f"{ONE}::test_it"]}


def test_a_test_that_hangs_is_named_and_its_file_is_not_done() -> None:
    text = f"{ONE}::test_it PASSED\n{OTHER}::test_that "

    assert read_output(text, [ONE, OTHER])[1] == f"{OTHER}::test_that"
    assert found(text) == {}


def test_a_file_that_cannot_be_read_misses_the_fault() -> None:
    assert found(f"{OTHER}::test_that PASSED\nERROR {ONE} - NameError\n=== 1 passed, 1 error in 0.1s ===") == {
        ONE: [f"{ONE}::(it cannot be read)"], OTHER: [],
    }  # fmt: skip


def test_a_second_start_knows_what_the_first_one_found(tmp_path: Path) -> None:
    Known(tmp_path / "found.jsonl").add(fault(), of([f"{ONE}::test_it[1]", f"{ONE}::test_it[2]"]))

    known = Known(tmp_path / "found.jsonl")

    assert known.killers(fault()) == [f"{ONE}::test_it"]
    assert known.of(replace(fault(), new="pass")) == {}


def test_a_test_that_fails_without_a_fault_misses_none(tmp_path: Path) -> None:
    known = Known(tmp_path / "found.jsonl")
    known.add(None, of([f"{ONE}::test_it"]))

    known.add(fault(), of([f"{ONE}::test_it"]))

    assert known.killers(fault()) == []


def test_what_is_known_of_a_test_file_ends_with_a_change_of_it(tmp_path: Path) -> None:
    known = Known(tmp_path / "found.jsonl")

    known.add(fault(), {ONE: Ran("another", [f"{ONE}::test_it"])})

    assert known.of(fault()) == {}


def test_another_name_of_a_fault_changes_nothing() -> None:
    assert hash_of(replace(fault(), name="another")) == hash_of(fault()) != hash_of(None)


def test_the_file_beside_comes_first_and_stories_are_no_pure_tests() -> None:
    tree = Tree()
    judge = next(one for one in faults(["policy"]) if one.file == Path("bot/policy/judge.py"))
    script = next(one for one in faults(["store"]) if one.file == Path("bot/store/lua/commit.lua"))

    assert tree.pure_tests(judge, {})[0] == "tests/bot/policy/test_judge.py"
    assert not [test for test in tree.pure_tests(judge, {}) if test.startswith("tests/stories/attacks")]
    assert tree.pure_tests(script, {}) == []
    assert tree.other_tests(script)[0] == "tests/bot/store/test_commit.py"
