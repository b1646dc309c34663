"""A file that was emptied or cut is only half taken: it must end nothing for good, and take no guard away.

Who is missing in it is not here from that second on, and nothing else of it holds: no request is closed or asked of
others, none is opened, and nothing gated starts, until another file comes or an operator confirms exactly this one.
Operators hear of it at once, and again each hour. What each process goes by is `People.half_taken`; what all of them
know is in `NotedTables`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from agents.requests import PersonId
from bot.app import App
from bot.config.files import read_file
from bot.people.cut import breaks_off, groups_lost, guards_lost, lacks_end, lines_of, members_of
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
        self._app, self._noted, self._said = app, NotedTables(app.store), ""

    async def begin(self) -> None:
        """Hold the tables that a process starts with as the one does that reads them anew."""
        content, tables = self._app.settings.content, self._app.people.as_written
        digest = digest_of(content, tables)
        await self._noted.settle(self._app.people)
        if await self.is_so(tables, digest, content, content):
            await self.hold(tables, digest)

    async def is_so(self, tables: Tables, digest: str, content: bytes, before: bytes) -> bool:
        """Return whether the tables of a file with this `content` are only half taken; `before`, it said that.

        It stays so, whatever becomes of the requests that it is for.
        """
        if await self._noted.is_confirmed(digest):
            return False
        if digest in await self._noted.half():
            return True
        is_cut = await self._is_cut(content, before)
        if await self._groups_lost(tables) or (is_cut and await self._lost(tables)):
            return True
        if not await self._has_left(tables):
            return False
        if not tables.people:
            return True
        here = self._app.people.here_by(tables)
        return await self._app.requests.departures.would_lose(here, tables.policies, is_cut=is_cut)

    async def _is_cut(self, content: bytes, before: bytes) -> bool:
        """Return whether the end of a file may be missing, after what this process read, or any took as a whole."""
        if before.startswith(content) and content != before:
            return True
        lines, known = lines_of(content), (lines_of(before), (await self._noted.whole()).lines)
        return any(lacks_end(was, lines) or breaks_off(was, lines) for was in known)

    async def _groups_lost(self, tables: Tables) -> set[str]:
        """Return the groups whose file lost its end, after what holds here, or held in any process."""
        here, last = members_of(self._app.people.as_written), (await self._noted.whole()).members
        return {*groups_lost(here, tables), *groups_lost(last, tables)}

    async def _lost(self, tables: Tables) -> list[str]:
        """Return what guards and is gone or changed since tables held as a whole, here or in any process."""
        after = hashes_of(tables)
        here = guards_lost(hashes_of(self._app.people.as_written), after)
        last = guards_lost(await self._noted.last() or {}, after)
        return sorted({*here, *last, *await self._groups_lost(tables)})

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
        people.take_half(tables, digest, self._app.store.about_now())
        await self._know_who_is_alerted()
        lost = await self._lost(tables)
        known, last = hashes_of(people.as_written), await self._noted.last() or {}
        people.unknown_guards = frozenset(name for name in lost if known.get(name) != last.get(name))
        missing = self._missing(last, tables)
        if self._said != digest:  # before anything is written, which a full store refuses
            self._said, told = digest, {"digest": digest, "missing": missing, "lost": lost}
            log.error("the file is only half taken", **told, fix=command_of(digest))
        now = await self._app.store.now(near)
        since = await self._noted.note_half(digest, now)
        hours = int((now - since).total_seconds() // _AGAIN_S)

        async def tell(_: Sequence[str]) -> None:
            if await self._app.store.admit("half taken", near, _ALERTS, _AGAIN_S):
                await self._app.messages.outbox.alert(near, lambda: self._words(digest, missing, lost, tables))

        await self._noted.tell_once([f"half taken {digest} {since.timestamp()} {hours}"], tell)

    async def _know_who_is_alerted(self) -> None:
        """Have those hear the alerts who did as a file held as a whole in any process: this one may never have read
        who they are, nor where they are reached. Where nobody is known of them, operators and admins do.
        """
        people, roles, whole = self._app.people, self._app.people.tables.roles, await self._noted.whole()
        for refs in (people.refs(whole.alerts), (*roles.operator, *roles.admin)):
            await people.look_up(refs)
            if people.alert_as_well(refs, self._app.store.about_now(), whole.reached):
                return

    def _missing(self, last: Mapping[str, str], tables: Tables) -> tuple[PersonId, ...]:
        """Return who was here when tables held as a whole, here or in any process, and is not in these."""
        people, gone = self._app.people, difference(last, hashes_of(tables)).removed
        found = (people.of_file(name.partition(".")[2]) for name in gone if name.startswith("people."))
        return tuple(dict.fromkeys((*people.missing, *(one for one in found if not people.is_here(one)))))

    def _words(
        self, digest: str, missing: tuple[PersonId, ...], lost: Sequence[str], tables: Tables
    ) -> tuple[str, str]:
        file, gone = self._app.settings.config or "", [*map(self._app.people.known_as, missing), *lost]
        names = both(gone[:_NAMED]) or say("words.nobody")
        names += " …" if len(gone) > _NAMED else ""
        text = say("notice.half-taken", file=file, names=names, command=command_of(digest))
        people = self._app.people
        if moved := [people.known_as(one) for one in missing if _has_no_uid(tables, people.id_in_file(one))]:
            text = f"{text} {say('notice.half-taken-moved', names=both(moved[:_NAMED]))}"
        return say("notice.half-taken-title", file=Path(file).name), text


def _has_no_uid(tables: Tables, name: str) -> bool:
    found = tables.people.get(name)
    return found is not None and not found.uid


def content_of(file: Path | None) -> bytes:
    """Return what stands in a file; nothing where it can't be read."""
    try:
        return read_file(file) if file else b""
    except OSError:
        return b""
