"""Prints figures for docs/performance.md; `bench/run` starts it, and the parts to print are its arguments."""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.append import append
from bench.clicks import clicks
from bench.curves import PICTURES, QUICK, Sizes, curves
from bench.driving import HERE
from bench.latency import latency
from bench.memory import memory
from bench.race import ALL, race
from bench.table import machine

BESIDE = ("raw", "langgraph-sqlite", "sayso")
_PARTS = "abcdegh"


def main() -> None:
    """The wanted parts, one after another, each in a folder of its own."""
    options = _options()
    root = Path(os.environ.get("SAYSO_BENCH_WORK") or Path(tempfile.gettempdir()) / "sayso-bench")
    root.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    print(machine(root), flush=True)
    for part in options.parts or _PARTS:
        folder = root / part
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _measure(part, folder, is_quick=options.quick)
    print(f"{machine(root)}; all of it took {time.monotonic() - began:.0f} s")


def _measure(part: str, folder: Path, *, is_quick: bool) -> None:
    print(f"\n## {part}", flush=True)
    match part:
        case "a":
            asyncio.run(latency(folder, 128 if is_quick else 512, 5 if is_quick else 20))
        case "b":
            race(folder.parent / "peers", 1 if is_quick else 5, BESIDE if is_quick else ALL, is_quick=True)
        case "e":
            asyncio.run(curves(folder, QUICK if is_quick else Sizes(), None if is_quick else PICTURES))
        case "c":
            asyncio.run(append(folder))
        case "g":
            asyncio.run(clicks(folder, 500, 100 if is_quick else 400))
        case "h":
            _agents(folder)
        case _:
            asyncio.run(memory(folder, 2_000 if is_quick else 10_000))


def _agents(folder: Path) -> None:
    """Tokens of what a model sees, and how our agents do on our cases: without settings, those of measuring too."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    environment = {**ours, "PYTHONPATH": str(HERE.parent)}
    for command in (["-m", "bench.context"], ["-c", "from bot.cli import main; main()", "evals"]):
        subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True)
        print(flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        choices=[*_PARTS, []],
        help="a waiting, b the race with peers, c appending, d memory, e curves, g clicks, h agents",
    )
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    return parser.parse_args()


main()
