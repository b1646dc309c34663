"""A file that was emptied or cut is only half taken: it must end nothing for good.

Who is missing in it is not here from that second on, and nothing else of it holds: no request is closed or asked of
others, none is opened, and nothing gated starts, until another file comes or an operator confirms exactly this one.
Operators hear of it at once, and again each hour. What each process goes by is `People.half_taken`; what all of them
know is in `NotedTables`.
"""

from pathlib import Path

import structlog

from agents.requests import PersonId
from bot.app import App
from bot.people.noted import NotedTables, command_of, difference, digest_of, hashes_of
from bot.people.tables import Tables
from bot.store.ids import new_id
from language import say
from language.lists import both

_AGAIN_S = 3600.0
_NAMED = 8
# A file that comes and goes.
_ALERTS = 10

log = structlog.stdlib.get_logger()


class HalfTaken:
    """Says of a file whether it is only half taken, and has it held so. All raise StoreError."""

    def __init__(self, app: App) -> None:
        self._app, self._noted = app, NotedTables(app.store)

    async def begin(self) -> None:
        """Hold the tables that a process starts with as the one does that reads them anew."""
        config, tables = self._app.settings.config, self._app.people.as_written
        digest = digest_of(content_of(config), tables)
        if await self.is_so(tables, digest):
            await self.hold(tables, digest)

    async def is_so(self, tables: Tables, digest: str, *, is_cut: bool = False) -> bool:
        """Return whether tables are only half taken; `is_cut` says that the end of their file may be missing.

        It stays so, whatever becomes of the requests that it is for.
        """
        if await self._noted.is_confirmed(digest):
            return False
        if digest in await self._noted.half():
            return True
        if not await self._has_left(tables):
            return False
        if not tables.people:
            return True
        here = self._app.people.here_by(tables)
        return await self._app.requests.departures.would_lose(here, tables.policies, is_cut=is_cut)

    async def _has_left(self, tables: Tables) -> bool:
        """Return whether somebody may have left since tables held as a whole, here or in any process."""
        people = self._app.people
        if not people.here_by(tables).issuperset((*people.all(), *people.missing)):
            return True
        found = difference(await self._noted.last() or {}, hashes_of(tables))
        return any(name.startswith("people.") for name in (*found.removed, *found.changed))

    async def hold(self, tables: Tables, digest: str) -> None:
        """Take no more of the tables than who is missing; tell the operators where they have not heard it."""
        people, near = self._app.people, new_id("outgoing", 0)
        is_new = people.half_taken != digest
        people.take_half(tables, digest, self._app.store.about_now())
        now = await self._app.store.now(near)
        since = await self._noted.note_half(digest, now)
        if is_new:
            log.error("the file is only half taken", digest=digest, missing=people.missing, fix=command_of(digest))
        hours = int((now - since).total_seconds() // _AGAIN_S)
        is_untold = await self._noted.is_new(f"{digest} {since.timestamp()} {hours}")
        if is_untold and await self._app.store.admit("half taken", near, _ALERTS, _AGAIN_S):
            await self._app.messages.outbox.alert(near, lambda: self._words(digest, people.missing))

    def _words(self, digest: str, missing: tuple[PersonId, ...]) -> tuple[str, str]:
        file = self._app.settings.config or ""
        names = both([self._app.people.known_as(one) for one in missing[:_NAMED]]) or say("words.nobody")
        names += " …" if len(missing) > _NAMED else ""
        text = say("notice.half-taken", file=file, names=names, command=command_of(digest))
        return say("notice.half-taken-title", file=Path(file).name), text


def content_of(file: Path | None) -> bytes:
    """Return what stands in a file; nothing where it can't be read."""
    try:
        return file.read_bytes() if file else b""
    except OSError:
        return b""
