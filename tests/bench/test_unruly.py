"""The bench of unruly models plays one run of each kind, and finds nothing wrong."""

import subprocess
import sys

import pytest

from tests.servers.lines import TOP


@pytest.mark.long
def test_a_run_with_a_model_of_each_kind_ends_and_nobody_is_told_what_is_not_so() -> None:
    command = [sys.executable, "-m", "bench.unruly", "misbehaving", "--runs", "5", "--lanes", "1"]

    ended = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr[-2_000:]}"
    rows = [line for line in ended.stdout.splitlines() if line.startswith(("| lying", "| silent", "| rambling"))]
    assert len(rows) == 3
