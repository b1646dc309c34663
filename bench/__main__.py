"""Prints figures for docs/performance.md; `bench/run` starts it, and the parts to print are its arguments.

`storm` and `mutants` try the promises instead; they need what the tests need.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.append import append
from bench.audit import audit
from bench.clicks import clicks
from bench.curves import FULL, PICTURES, QUICK, TINY, Sizes, curves
from bench.driving import HERE
from bench.latency import latency
from bench.memory import memory
from bench.overload import overload
from bench.race import ALL, race
from bench.reminders import reminders
from bench.table import machine

BESIDE = ("raw", "langgraph-sqlite", "sayso")
_PARTS = "abcdeghijk"
# Each takes minutes or hours, and says whether something is wrong.
_TABLES = ("storm", "mutants", "models")


@dataclass(frozen=True)
class Level:
    """How much of each part is measured: `--quick` less, `--tiny` just enough to see that it works."""

    cycles: int = 512
    lanes: int = 32
    deploys: int = 20
    rounds: int = 5
    peers: Sequence[str] = ALL
    appends: int = 100
    paused: int = 10_000
    curves: Sizes = FULL
    pictures: Path | None = PICTURES
    crowd: tuple[int, int] = (10_000, 400)
    active: int = 500
    presses: int = 400
    records: int = 100_000
    open: int = 100_000


_QUICK = Level(128, 32, 5, 1, BESIDE, 100, 2_000, QUICK, None, (1_000, 50), 500, 100, 10_000, 5_000)
_TINY = Level(2, 2, 1, 1, ("sayso",), 1, 4, TINY, None, (8, 2), 8, 8, 40, 8)


def main() -> None:
    """The wanted parts, one after another, each in a folder of its own."""
    options = _options()
    if tables := [part for part in options.parts if part in _TABLES]:
        went_well = [_table(part, options) for part in tables]
        sys.exit(0 if all(went_well) else 1)
    level = _TINY if options.tiny else _QUICK if options.quick else Level()
    root = Path(os.environ.get("SAYSO_BENCH_WORK") or Path(tempfile.gettempdir()) / "sayso-bench")
    root.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    print(machine(root), flush=True)
    for part in options.parts or _PARTS:
        folder = root / part
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _measure(part, folder, level)
    print(f"{machine(root)}; all of it took {time.monotonic() - began:.0f} s")


def _measure(part: str, folder: Path, level: Level) -> None:
    print(f"\n## {part}", flush=True)
    match part:
        case "a":
            asyncio.run(latency(folder, level.cycles, level.deploys, level.lanes))
        case "b":
            race(folder.parent / "peers", level.rounds, level.peers)
        case "c":
            asyncio.run(append(folder, level.appends))
        case "d":
            asyncio.run(memory(folder, level.paused))
        case "e":
            asyncio.run(curves(folder, level.curves, level.pictures))
        case "g":
            asyncio.run(clicks(folder, level.active, level.presses))
        case "i":
            asyncio.run(overload(folder, *level.crowd))
        case "j":
            asyncio.run(reminders(folder, level.open))
        case "k":
            asyncio.run(audit(folder, level.records))
        case _:
            _agents(folder)


def _table(part: str, options: argparse.Namespace) -> bool:
    """Print a table of what was tried; whether all is well."""
    if part == "mutants":
        from bench.mutants import mutants  # noqa: PLC0415 - the parts that measure need nothing of the tests

        return mutants()
    if part == "models":
        from bench.models import Asked, models  # noqa: PLC0415

        asked = Asked(
            options.server,
            options.model,
            options.step_as,
            options.tool_choice,
            options.template,
            options.times,
            options.transcript,
        )
        return models(options.makers or ("anthropic", "openai"), asked)
    from bench.storm import storm  # noqa: PLC0415

    return storm(options.seconds, options.approvals, options.seed, options.servers, is_long=options.long)


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
        choices=[*_PARTS, *_TABLES, []],
        help="a waiting, b the race with peers, c appending, d memory, e curves, g clicks, h agents, i overload, "
        "j reminders, k the audit log; storm, mutants, models",
    )
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    parser.add_argument("--tiny", action="store_true", help="as little as shows that it works")
    parser.add_argument("--seconds", type=float, default=60, help="how long a storm lasts at least")
    parser.add_argument("--approvals", type=int, default=None, help="how many approvals a storm has at least")
    parser.add_argument("--seed", type=int, default=None, help="what a storm is drawn from; any if not given")
    parser.add_argument("--long", action="store_true", help="a storm that lasts until 25,000 approvals")
    parser.add_argument(
        "--servers",
        choices=("one", "cluster", "sentinel"),
        default="one",
        help="the Redis of a storm: one server (default), a cluster of 3 masters and 3 replicas, or a master, "
        "2 replicas and 3 Sentinels",
    )
    parser.add_argument("--server", default="http://127.0.0.1:8080", help="of models: where theirs answers")
    parser.add_argument("--model", default="local", help="of models: the name of the model there")
    parser.add_argument(
        "--maker", dest="makers", action="append", choices=("anthropic", "openai"), help="of models: as whose it speaks"
    )
    parser.add_argument("--step-as", choices=("json", "tool"), default="json", help="of models: how a step comes")
    parser.add_argument("--tool-choice", choices=("auto", "any"), default="", help="of models: instead of the maker's")
    parser.add_argument("--template", default="its own", help="of models: its chat template, as the table names it")
    parser.add_argument("--times", type=int, default=10, help="of models: wishes for each maker")
    parser.add_argument("--transcript", type=Path, default=None, help="of models: append what happened to this file")
    return parser.parse_args()


main()
