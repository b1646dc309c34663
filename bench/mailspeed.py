"""Measure how fast mails are read, in one process and through the child process; and what bombs cost."""

import asyncio
import time
from collections.abc import Sequence

from bench.mailsets import NAMES, mails, reader
from bench.table import show
from channels import Ignored, Quarantined, Reading, Reply
from channels.email.reading.sandbox import SandboxedReader
from tests.channels.email.reading.bombs import BOMBS

ROUNDS = 7
LEAST_PER_S = 1000.0
MOST_MS = 100.0
MOST_BOMB_S = 3.0
_PROVEN = b"Authentication-Results: mx.corp.example; dmarc=pass header.from=corp.example\r\n"


def speed(part: str) -> list[str]:
    """Print how many mails a second are read, and the slowest; what was missed."""
    sets = {name: mails(name, part) for name in NAMES}
    sets["all of them"] = [mail for name in NAMES for mail in sets[name]]
    rows, missed = list[tuple[object, ...]](), list[str]()
    for name, raws in sets.items():
        per_s, slowest_ms = _in_process(raws)
        through_child_per_s, _ = asyncio.run(_through_child(raws))
        size_kb = sum(map(len, raws)) / len(raws) / 1000
        rows.append(
            (name, len(raws), f"{size_kb:.1f}", f"{per_s:.0f}", f"{slowest_ms:.1f}", f"{through_child_per_s:.0f}")
        )
        if per_s < LEAST_PER_S:
            missed.append(f"{name}: {per_s:.0f} a second, fewer than {LEAST_PER_S:.0f}")
        if slowest_ms > MOST_MS:
            missed.append(f"{name}: the slowest takes {slowest_ms:.0f} ms, more than {MOST_MS:.0f}")
    head = ("whole mails", "mails", "KB each", "a second, one core", "slowest ms", "a second, through the child")
    show(f"Speed of the whole reader, best of {ROUNDS} rounds", head, rows)
    _, first_ms = asyncio.run(_through_child(sets["answers"][:1]))
    print(f"The first mail waits for the child to start: {first_ms:.0f} ms.\n", flush=True)
    return missed


def _in_process(raws: Sequence[bytes]) -> tuple[float, float]:
    """Mails a second of processor time in the best round, and the slowest mail's best time in ms."""
    read, best, totals = reader().read, [float("inf")] * len(raws), list[float]()
    for _ in range(ROUNDS):
        took = list[float]()
        for raw in raws:
            began = time.process_time()
            read(raw, len(raw))
            took.append(time.process_time() - began)
        best = list(map(min, best, took))
        totals.append(sum(took))
    return len(raws) / min(totals), 1000 * max(best)


async def _through_child(raws: Sequence[bytes]) -> tuple[float, float]:
    """Mails a second on the clock in the best round, and how long the very first one took, in ms."""
    confined, totals = SandboxedReader(reader()), list[float]()
    began = time.perf_counter()
    await confined.read(raws[0], len(raws[0]))
    first_s = time.perf_counter() - began
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for raw in raws:
            await confined.read(raw, len(raw))
        totals.append(time.perf_counter() - began)
    confined.end()
    return len(raws) / min(totals), 1000 * first_s


def bombs() -> list[str]:
    """Print what each bomb costs on the clock and what becomes of it; what was missed."""
    return asyncio.run(_bombs())


async def _bombs() -> list[str]:
    confined, rows, missed = SandboxedReader(reader()), list[tuple[object, ...]](), list[str]()
    honest = mails("answers")[0]
    await confined.read(honest, len(honest))  # the child has started
    for name, make in BOMBS.items():
        raw = _PROVEN + make().replace(b"Bo Berg <bo@", b"Anna Berg <anna@")
        began = time.perf_counter()
        reading = await confined.read(raw, len(raw))
        took_s = time.perf_counter() - began
        rows.append((name, f"{len(raw) / 1000:.0f}", f"{1000 * took_s:.0f}", _told(reading)))
        if took_s > MOST_BOMB_S:
            missed.append(f"bomb {name}: {took_s:.1f} s, more than {MOST_BOMB_S:.0f}")
        if isinstance(await confined.read(honest, len(honest)), Quarantined):
            missed.append(f"bomb {name}: the honest mail after it was held")
    confined.end()
    show("Bombs, through the child", ("bomb", "KB", "ms", "what became of it"), rows)
    return missed


def _told(reading: Reading) -> str:
    match reading:
        case Quarantined():
            return f"held: {reading.reasons[0]}"
        case Ignored():
            return f"ignored: {reading.reason}"
        case Reply():
            return f"read: {reading.said}"
        case _:
            return "read: something new"
