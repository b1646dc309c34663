"""The archive: finished runs under their ids in a place, the ids of their requests, and a list of each month."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar
from weakref import WeakValueDictionary

from agents.requests import RequestId
from agents.requests.record import RequestRecord
from bot.archive.format import ArchivedRun, holds, unpack
from bot.archive.places import ArchiveUnavailable, FolderPlace, Place
from bot.command_line import command
from bot.config.asking import Asking
from bot.config.settings import Settings
from bot.errors import Invalid
from bot.store.ids import is_a

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_CURSOR = re.compile(r"([0-9]{13})\.(s[0-9]{1,2}r-[a-z2-7]{13})")
_AT_ONCE, _MARK_CHARS = 20, 16
_THREADS, _OF_ONE, _ANSWERS_WITHIN_S = 8, 4, 30.0
_RUN = ".jsonl.gz"
_DEFAULT_FOLDER = "archive"
_MARK, _MARKED = "sayso-archive", b"Where this file is missing, sayso reads and writes no archive.\n"

P = ParamSpec("P")
T = TypeVar("T")

reads_for: ContextVar[str] = ContextVar("reads_for", default="")
"""For whom something is read: one who asks for much leaves threads to others. Empty for our own work."""

TellOther = Callable[[str], Awaitable[None]]
"""Hears the name of a file, before another one takes the name that it had."""


HasLeft = Callable[[], Awaitable[bool]]
"""Whether anything has left the store for the archive."""


class Archive:
    """Reads and writes a place; without one no run is ever in it. All methods raise ArchiveUnavailable.

    A folder that is not mounted, or another bucket, is not the archive: where something `has_left` for it, it has a
    mark. A network share that hangs is unavailable after `within_s`. It keeps threads of the archive's own, none in
    which others look up the names of hosts, and no process from leaving.
    """

    def __init__(
        self, place: Place | None, has_left: HasLeft | None = None, within_s: float = _ANSWERS_WITHIN_S
    ) -> None:
        self.place, self._has_left, self.within_s = place, has_left, within_s
        self._threads, self._turns = Asking(_THREADS), WeakValueDictionary[str, asyncio.Semaphore]()

    async def run(self, run_id: str) -> ArchivedRun | None:
        """The run of this id; None where it is not here. Raises Invalid for a file that can't be read."""
        body = await self._get(_name("runs", run_id, _RUN)) if is_a(run_id, "run") else None
        run = None if body is None else await asyncio.to_thread(unpack, body)
        if run and run.run_id != run_id:
            raise Invalid(f"The archive holds {run.run_id} in the file of {run_id}", "Look for an older copy of it")
        return run

    async def record(self, request_id: str) -> RequestRecord | None:
        """The record of a request of such a run."""
        found = await self._get(_name("requests", request_id)) if is_a(request_id, "request") else None
        run = await self.run(found.decode(errors="replace")) if found else None
        return run.records.get(RequestId(request_id)) if run else None

    async def write(
        self, run_id: str, body: bytes, request_ids: list[str], ended_at: datetime, line: bytes, tell: TellOther
    ) -> None:
        """Keep a run's file, and read it back: when it returns, the place has given back the same bytes.

        Raises ArchiveUnavailable where it gave back others. Writing it again changes nothing. Another story of the run
        that was there, as where it happened once more in a store that was put back, is kept beside it; `tell` hears
        under which name.
        """
        name = _name("runs", run_id, _RUN)
        there = await self._get(name)
        if there is not None and not await asyncio.to_thread(holds, body, there):
            other = _name("runs", run_id, f".{hashlib.sha256(there).hexdigest()[:_MARK_CHARS]}{_RUN}")
            await self._keep(other, there)
            await tell(other)
        await self._keep(name, body)
        for request_id in request_ids:
            await self._put(_name("requests", request_id), run_id.encode())
        await self._put(f"{_month_of(ended_at)}/{_stamp(ended_at)}-{run_id}.json", line)

    async def ended_in(self, month: str, cursor: str | None, limit: int) -> tuple[list[bytes], str | None]:
        """The lines of at most `limit` runs that ended in a month such as `2026-10` (UTC), newest first.

        With them the cursor of what follows. Raises Invalid.
        """
        if not _MONTH.fullmatch(month):
            raise Invalid(f"{month[:20]!r} is no month", "Write it like 2026-10")
        if self.place is None:
            return [], None
        place = _CURSOR.fullmatch(cursor or "")
        before = f"{place[1]}-{place[2]}.json" if place else ""
        there = reversed(await self._names(f"ended/{month}"))
        names = [name for name in there if not before or name < before]
        found, page = list[bytes](), names[:limit]
        for start in range(0, len(page), _AT_ONCE):
            some = page[start : start + _AT_ONCE]
            found += filter(None, await asyncio.gather(*(self._get(f"ended/{month}/{name}") for name in some)))
        return found, page[-1].removesuffix(".json").replace("-", ".", 1) if len(names) > limit else None

    async def gives_back(self) -> bool:
        """Return whether the place gives back what is written to it, which is removed again."""
        await self._is_marked(self._there)  # else something is written to what is not the archive
        return await self._asked(_gives_back, self._there)

    async def segments(self, shard: int) -> Sequence[str]:
        """The names of the segments of a shard's audit log."""
        return await self._names(_segments(shard))

    async def segment(self, shard: int, name: str) -> bytes | None:
        """A segment of the audit log; None where it is not here."""
        return await self._found(self._there, f"{_segments(shard)}/{name}")

    async def keep_segment(self, shard: int, name: str, body: bytes) -> None:
        """Keep a segment of the audit log, and read it back. Writing it again changes nothing."""
        await self._keep(f"{_segments(shard)}/{name}", body)

    @property
    def _there(self) -> Place:
        """The place. Raises ArchiveUnavailable where there is none."""
        if self.place is None:
            raise ArchiveUnavailable("There is no archive", "Set [retention] to, in sayso.toml")
        return self.place

    async def _keep(self, name: str, body: bytes) -> None:
        """Put something there, and read it back: when it returns, the place has given back the same bytes."""
        place = self._there
        await self._put(name, body)
        if await self._asked(place.get, name) != body:
            raise ArchiveUnavailable(
                f"{place.where} does not give back what was written to it", f"Nothing was deleted; {command('doctor')}"
            )

    async def _put(self, name: str, body: bytes) -> None:
        if self.place is None:
            return
        if self._has_left and not await self._is_marked(self.place):
            await self._asked(self.place.put, _MARK, _MARKED)
        await self._asked(self.place.put, name, body)

    async def _get(self, name: str) -> bytes | None:
        whose = reads_for.get()
        async with self._turns.setdefault(whose, asyncio.Semaphore(_OF_ONE)) if whose else nullcontext():
            return await self._found(self.place, name) if self.place else None

    async def _found(self, place: Place, name: str) -> bytes | None:
        found = await self._asked(place.get, name)
        if found is None:
            await self._is_marked(place)
        return found

    async def _names(self, folder: str) -> Sequence[str]:
        found = await self._asked(self._there.names, folder)
        if not found:
            await self._is_marked(self._there)
        return found

    async def _asked(self, of_place: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """Return what a blocking method of the place returns. Raises ArchiveUnavailable once it takes too long."""
        call = partial(of_place, *args, **more)
        try:
            async with asyncio.timeout(self.within_s):
                return await self._threads.ask(call)
        except TimeoutError as error:
            what = f"The archive in {self._there.where} does not answer within {self.within_s:g} s"
            raise ArchiveUnavailable(what, f"Nothing was deleted; {command('doctor')}") from error

    async def _is_marked(self, place: Place) -> bool:
        """Return whether the place has its mark. Raises ArchiveUnavailable where it must have one."""
        if await self._asked(place.get, _MARK) is not None:
            return True
        if self._has_left and await self._has_left():
            raise ArchiveUnavailable(
                f"{place.where} is not mounted, or not the archive that runs and records left for: it has no {_MARK}",
                f"See [retention] to; where it is the right one, make a file {_MARK} in it",
            )
        return False


def _gives_back(place: Place) -> bool:
    name, body = f"doctor/{secrets.token_hex(8)}", secrets.token_bytes(64)
    place.put(name, body)
    found = place.get(name)
    place.remove(name)
    return found == body


def _name(kind: str, some_id: str, ending: str = "") -> str:
    """Two letters of the id's random part keep every directory small."""
    head, _, tail = some_id.partition("-")
    return f"{kind}/{head[:-1]}/{tail[:2]}/{some_id}{ending}"


def _segments(shard: int) -> str:
    return f"audit/s{shard}"


def _stamp(moment: datetime) -> str:
    """Milliseconds with so many digits that names sort by time."""
    return f"{round(moment.timestamp() * 1000):013d}"


def _month_of(moment: datetime) -> str:
    return f"ended/{moment.astimezone(UTC):%Y-%m}"


def place_of(settings: Settings) -> Place | None:
    """The place that the settings name; without one, none, but beside the embedded Redis the data directory has it."""
    to = settings.retention.to
    if to is None:
        return FolderPlace(settings.data_dir / _DEFAULT_FOLDER) if settings.redis_url is None else None
    if not to.startswith("s3://"):
        return FolderPlace(Path(to))
    from bot.archive.bucket import BucketPlace  # noqa: PLC0415 - most installations have none

    return BucketPlace(to, settings.retention, settings.aws_access_key_id, settings.aws_secret_access_key)
