"""Tables for people, and what every figure needs beside it: the machine."""

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bot.store.embedded import find_server


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table that is also Markdown."""
    print(f"\n**{title}**\n")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that `part` of all are not above."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * part))]


def machine(folder: Path) -> str:
    """One line: what was measured on, how fast its disk is at `folder`, and how busy it was."""
    server = find_server()
    redis = f"{server.kind} {'.'.join(map(str, server.version))}"
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {redis}, "
        f"append + fsync of 4 KiB {_fsync_ms(folder):.2f} ms, load {os.getloadavg()[0]:.1f}, commit {commit.strip()}"
    )


def _fsync_ms(folder: Path, times: int = 200) -> float:
    probe = folder / "fsync-probe"
    with probe.open("wb", buffering=0) as file:
        began = time.monotonic()
        for _ in range(times):
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
        took = time.monotonic() - began
    probe.unlink()
    return took / times * 1e3
