"""Each part of the measurement runs at a tiny size and prints its table: what nobody runs would rot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.driving import HERE, PEERS
from tests.long import few_of

HEADS = {
    "a": "trigger -> mail p50 / p99 ms",
    "b": "share of raw",
    "c": "load and fold",
    "d": "bytes a run",
    "e": "bytes a paused run",
    "g": "not acknowledged within 3 s",
    "h": "no budget",
    "i": "p50 / p99 / max s",
    "j": "kind of key",
    "k": "verify s",
}

COMPARED = "bde"
"""What needs the comparison, which is not in this repository."""


@pytest.mark.parametrize("part", few_of(list(HEADS), 9))
def test_a_part_prints_its_table(part: str, tmp_path: Path) -> None:
    if part in COMPARED and not (PEERS / "run.py").exists():
        pytest.skip(f"there is no comparison at {PEERS}; SAYSO_BENCH_PEERS says where it is")
    environment = {**os.environ, "SAYSO_BENCH_WORK": str(tmp_path / "work")}
    command = [sys.executable, "-m", "bench", "--tiny", part]

    ended = subprocess.run(command, cwd=HERE.parent, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr[-2_000:]
    [head] = [line for line in ended.stdout.splitlines() if line.startswith("|") and HEADS[part] in line][:1]
    assert ended.stdout[ended.stdout.index(head) :].count("\n|") >= 2
