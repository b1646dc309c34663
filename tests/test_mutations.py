"""Every check that guards a decision is removed once, in a copy of the tree: a test that is named for it must fail.

`bench/run mutants` prints the table.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.mutants import TOP, Mutant, copied, files_by_check, mutants, run_tests, verdict

PROCESSES = 2


@pytest.mark.long
def test_the_copy_itself_passes(tmp_path: Path) -> None:
    files = {file for files in files_by_check().values() for file in files}
    done = run_tests(copied(tmp_path / "tree"), "guards", sorted(files))

    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]


def test_there_are_checks_to_remove() -> None:
    checks = [mutant.check for mutant in mutants()]

    assert {"judge:entitled", "recheck:voters", "commit.lua:approved", "commit.lua:expiry"} <= set(checks)
    assert len(checks) == len(set(checks))


@pytest.mark.parametrize("mutant", [*mutants()], ids=lambda mutant: mutant.check)
def test_what_is_changed_stands_once_where_it_is_looked_for(mutant: Mutant) -> None:
    assert (TOP / mutant.file).read_text().count(mutant.old) == 1


def test_every_mark_names_a_check_that_is_there() -> None:
    assert set(files_by_check()) == {mutant.check for mutant in mutants()}


@pytest.mark.long
def test_each_check_that_is_removed_is_missed_by_a_test_that_is_named_for_it(
    tmp_path: Path,
) -> None:
    all_of_them = list(mutants())
    folders = [tmp_path / str(number) for number in range(len(all_of_them))]

    with ThreadPoolExecutor(PROCESSES) as pool:
        verdicts = list(pool.map(verdict, all_of_them, folders))

    pairs = zip(all_of_them, verdicts, strict=True)
    assert {mutant.check: one.found for mutant, one in pairs if one.found != "caught"} == {}
