"""Seals the facts of shard 0 and lets the records leave, for ever: `python -m tests.kill.auditor REDIS FOLDER`."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from bot.archive.keeper import Archive
from bot.archive.places import FolderPlace
from bot.audit.leaving import AuditLeaving
from bot.store import Store
from bot.store.client import Client
from tests.bot.audit.parts import a_sealer

SEGMENT = 20


async def work(url: str, folder: Path) -> None:
    """Work until somebody kills this process."""
    store = Store(Client(url), 1)
    sealer = a_sealer(store)
    # In its bound of records, not of time: whatever is sealed leaves soon.
    leaving = AuditLeaving(store, Archive(FolderPlace(folder)), timedelta(days=30), SEGMENT, SEGMENT)
    while True:
        await sealer.seal(0)
        await leaving.look(0)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2])))
