"""Each check that is removed, the test that misses it, and how long that takes: `bench/run mutants`.

Exit code 1 where a check survives its removal, or takes a minute.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.table import show
from tests import mutants as trees

_AT_ONCE = 2
_WITHIN_S = 60.0


def mutants() -> bool:
    """Print the table; whether each is caught by a test that is named for it, in under a minute."""
    all_of_them = list(trees.mutants())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        folders = [Path(folder) / str(number) for number in range(len(all_of_them))]
        verdicts = list(pool.map(trees.verdict, all_of_them, folders))
    pairs = list(zip(all_of_them, verdicts, strict=True))
    rows = [
        (f"`{mutant.check}`", f"`{one.test}`" if one.found == "caught" else one.found, f"{one.seconds:.0f}")
        for mutant, one in pairs
    ]
    show("What is removed, and the test that fails without it", ("check", "caught by", "seconds"), rows)
    return all(one.found == "caught" and one.seconds < _WITHIN_S for _, one in pairs)


def main() -> None:
    """Print the table; exit code 1 unless each is caught."""
    argparse.ArgumentParser(
        prog="bench/run mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    sys.exit(0 if mutants() else 1)


if __name__ == "__main__":
    main()
