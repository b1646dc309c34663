"""Run the comparison of `../shared/bench` several times in turn, and print the medians.

    bench/run race                                       five rounds of all peers, about half an hour
    bench/run race --rounds 1 --peers raw sayso          fewer

Every peer has its turn in each round, so that all of them have the same good and bad minutes. SAYSO_BENCH_PEERS says
where the comparison is, SAYSO_BENCH_WORK where to write: on the disk to measure.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.table import machine, show

HERE = Path(__file__).resolve().parent
# The unit of work and the peers stand outside this repository.
PEERS = Path(os.environ.get("SAYSO_BENCH_PEERS", HERE.parents[1] / "shared" / "bench"))
ALL = ("raw", "langgraph-sqlite", "dbos-sqlite", "dbos-postgres", "restate", "sayso")
TWO_WORKERS = "sayso, 2 workers"
_FIGURES = {
    "rate1": "cycles/s, 1 in flight", "rate32": "32 in flight", "p50_1": "answer to tool, 1 in flight: p50 ms",
    "p99_1": "p99 ms", "p50_32": "32 in flight: p50 ms", "p99_32": "p99 ms", "hist10": "answer to end, 10 events: ms",
    "hist100": "100 events", "hist1000": "1,000 events",
}  # fmt: skip
_SAID = ("survive", "twice", "self_resume")


def race(work: Path, rounds: int, names: Sequence[str]) -> None:
    """Print the medians of `rounds` rounds of these peers, and of sayso with two workers; else why there are none."""
    if not (PEERS / "run.py").exists():
        print(f"not measured: there is no comparison at {PEERS}; SAYSO_BENCH_PEERS says where it is")
        return
    found: dict[str, list[dict[str, Any]]] = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        turns = [*names[number % len(names) :], *names[: number % len(names)]]
        for row in _round(work, turns, 1):
            found.setdefault(row["peer"], []).append(row)
        if "sayso" in names:
            for row in _round(work, ["sayso"], 2):
                found.setdefault(TWO_WORKERS, []).append(row)
    _show(found, rounds)


def _round(work: Path, names: Sequence[str], workers: int) -> list[dict[str, Any]]:
    # The path to the interpreter as it stands: behind the link there is no environment.
    adapter = f"sayso={HERE / 'peer_sayso.py'}:{sys.executable}"
    argv = [sys.executable, str(PEERS / "run.py"), "--quick", "--only", ",".join(names), "--adapter", adapter]
    argv += ["--work", str(work)]
    environment = {**os.environ, "SAYSO_BENCH_WORKERS": str(workers)}
    subprocess.run(argv, env=environment, check=True)
    return json.loads((work / "last.json").read_text())


def _show(found: Mapping[str, Sequence[Mapping[str, Any]]], rounds: int) -> None:
    rows, raw = list[list[object]](), found.get("raw", ())
    for name, times in found.items():
        if all("unavailable" in row for row in times):
            rows.append([name, times[0]["unavailable"], *[""] * (len(_FIGURES) + 1 + len(_SAID))])
            continue
        figures = [_median(times, key) for key in _FIGURES]
        shares = [f"{_of(times, key) / _of(raw, key):.0%}" if _of(raw, key) else "" for key in ("rate1", "rate32")]
        said = [_worst(times, key) for key in _SAID]
        rows.append([name, *figures, " / ".join(shares), *said])
    head = ("peer", *_FIGURES.values(), "share of raw, 1 / 32", "survives kill -9", "2nd answer", "resumes by itself")
    show(f"Medians of {rounds} rounds, least and most in brackets", head, rows)


def _of(times: Sequence[Mapping[str, Any]], key: str) -> float:
    values = [row[key] for row in times if isinstance(row.get(key), int | float)]
    return median(values) if values else 0.0


def _median(times: Sequence[Mapping[str, Any]], key: str) -> str:
    values = [row[key] for row in times if isinstance(row.get(key), int | float)]
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})" if values else "-"


def _worst(times: Sequence[Mapping[str, Any]], key: str) -> str:
    """What was said in every round; else everything that was said."""
    return ", ".join(sorted({str(row.get(key, "-")) for row in times}))


def main() -> None:
    """Race as the command line says, and print the table."""
    parser = argparse.ArgumentParser(
        prog="bench/run race", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="+", choices=ALL, default=ALL)
    wanted = parser.parse_args()
    root = Path(os.environ.get("SAYSO_BENCH_WORK") or Path(tempfile.gettempdir()) / "sayso-bench")
    root.mkdir(parents=True, exist_ok=True)
    print(machine(root), flush=True)
    race(root / "peers", wanted.rounds, wanted.peers)


if __name__ == "__main__":
    main()
