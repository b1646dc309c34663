"""Measure the audit log: what a record takes, how fast facts are sealed, and how long a check of all of it takes."""

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path

from agents.events import Event
from agents.requests import RunId
from bench.table import show
from bot.archive.keeper import Archive
from bot.archive.places import FolderPlace
from bot.audit.chain import Head
from bot.audit.leaving import AuditLeaving
from bot.audit.reading import AuditReader
from bot.audit.sealer import Sealer
from bot.store import Commit, Store
from bot.store.client import Client
from bot.store.embedded import EmbeddedRedis
from bot.store.ids import new_id
from bot.testing import events as build

_SHARDS, _AT_ONCE = 8, 32
# Of an approval: asked, a vote, decided, started, finished.
_RECORDS_A_RUN = 5
_KEY = b"a key for measuring, of 32 bytes"


class _People:
    """The people of the runs."""

    tables = None

    def all(self) -> tuple[str, ...]:
        return build.ANNA, build.BO

    def name_of(self, person: str) -> str:
        return f"{person.title()} of the bench"


async def audit(folder: Path, records: int) -> None:
    """Print what `records` of approvals take and cost."""
    with EmbeddedRedis(folder) as redis:
        client = Client(redis.start())
        store = Store(client, _SHARDS)
        await _filled(store, records // _RECORDS_A_RUN)
        sealer = Sealer(store, _People(), lambda: _KEY, _nowhere)
        began = time.monotonic()
        for shard in range(_SHARDS):
            while await sealer.seal(shard):
                pass
        sealing_s = time.monotonic() - began
        archive = Archive(FolderPlace(folder / "archive"))
        here, size = await _checked(store, archive), await _size(client)
        leaving = AuditLeaving(store, archive, timedelta(days=30), at_most=0)
        began = time.monotonic()
        left = sum([await leaving.look(shard) for shard in range(_SHARDS)])
        leaving_s = time.monotonic() - began
        there, rest = await _checked(store, archive), await _size(client)
        await client.close()
    stored = sum(file.stat().st_size for file in (folder / "archive").rglob("*.gz"))
    show(
        f"The audit log, over eight shards; approvals with a card for one person; {records / sealing_s:,.0f} sealed "
        f"and {left / leaving_s:,.0f} archived a second by one process",
        ("records are", "records", "bytes a record in Redis", "in the archive", "verify s", "of that, computing"),
        [
            ("in Redis", f"{records:,}", f"{size / records:,.0f}", "0", *here),
            (f"archived but for {records - left:,}", f"{records:,}", f"{rest / records:,.0f}",
             f"{stored / max(left, 1):,.0f}", *there),
        ],
    )  # fmt: skip


async def _checked(store: Store, archive: Archive) -> tuple[str, str]:
    """Check all of the log; return how long that took, and how much of it was computing."""
    began, busy = time.monotonic(), time.process_time()
    checked = await AuditReader(store, archive).verify([_KEY])
    took_s, busy_s = time.monotonic() - began, time.process_time() - busy
    assert not checked.findings, checked.findings[:3]
    return f"{took_s:.1f}", f"{busy_s:.1f}"


async def _filled(store: Store, runs: int) -> None:
    numbers = iter(range(runs))

    async def some() -> None:
        for number in numbers:
            await _decided(store, RunId(new_id("run", number % _SHARDS)))

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))


async def _decided(store: Store, run_id: RunId) -> None:
    """A run with an approval, whose card is that of a deploy in size."""
    card = {
        "title": "Deploy v1.2.0 to production?",
        "exact": "x" * 600,
        "facts": [{"label": "l", "text": "t" * 40}] * 6,
    }
    entry = {"kind": "place", "person": build.BO, "place": "", "card": card}
    outgoing = [(new_id("outgoing", int(run_id[1])), json.dumps(entry, separators=(",", ":")).encode())]
    events: list[Event] = [build.started(run_id=run_id), build.chosen(gate="production"), build.opened()]
    await store.commit(Commit(run_id=run_id, events=events, expect=0, outgoing=outgoing))
    decided: list[Event] = [build.vote(), build.decided("approved")]
    await store.commit(Commit(run_id=run_id, events=decided, expect=3))
    await store.commit(Commit(run_id=run_id, events=[build.tool_started(), build.finished()], expect=5))


async def _size(client: Client) -> int:
    sizes = [await client.do("MEMORY", "USAGE", key, "SAMPLES", 0) async for key in client.scan("{s*}:audit:*")]
    return sum(size or 0 for size in sizes)


async def _nowhere(_: Head) -> None:
    pass
