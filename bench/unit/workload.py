"""The unit of work of `ab`, which is that of the race: `../shared/bench/workload.py` says what each of these is.

`peer_sayso.py` and its worker import it by its bare name: from here, or from the folder of the race that starts them.
"""

import json
import os
import sys
import time


def context(run_id: str) -> str:
    """Return what a trigger says."""
    return _filler(run_id, 2048)


def event(run_id: str, i: int) -> str:
    """Return what an earlier event of the run holds."""
    return _filler(f"{run_id}/{i}", 256)


def answer(run_id: str) -> str:
    """Return what the human answers."""
    return _filler(f"answer {run_id}", 128)


def data_dir() -> str:
    """Return the folder that survives a kill."""
    return os.environ["BENCH_DATA"]


def emit(**message: object) -> None:
    """Tell the driver of an event."""
    sys.stdout.write(json.dumps({"t": time.monotonic(), **message}) + "\n")
    sys.stdout.flush()


def tool(run_id: str, reply: str) -> str:
    """Do the effect."""
    emit(id=run_id, ev="tool")
    return f"ran for {len(reply)} bytes"


def _filler(seed: str, size: int) -> str:
    """Text that does not compress to nothing."""
    words, number = list[str](), sum(map(ord, seed)) or 1
    while len(words) * 9 < size:
        number = (number * 1103515245 + 12345) & 0x7FFFFFFF
        words.append(f"{number:08x}")
    return " ".join(words)[:size]
