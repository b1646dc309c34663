"""What says who is who and who may do what changes while a process runs: by SIGHUP, or as its files change."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog
from pydantic import JsonValue

from agents.requests import PersonId
from bot.app import App
from bot.audit.log import AuditLog
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.config.tables import AgentConfig
from bot.people.directory import People
from bot.people.noted import NotedTables, difference, hashes_of
from bot.people.tables import Tables, group_files, tables_of
from bot.store import StoreError
from bot.store.ids import new_id
from bot.store.watch import ended
from language import say

log = structlog.stdlib.get_logger()

RELOADED = frozenset({"people", "policies", "groups", "oncall", "roles", "alerts", "freeze"})
"""The tables that hold from the moment they are read anew, as does who may start an agent.

Any other change waits for a restart.
"""

_LOOK_S = 1.0
# A file that is wrong may become right by another one: a group's file that was not there, `sayso trust`.
_AGAIN_S = 5.0
_PROBLEMS_CHARS = 1_500
# Requests that could not be looked at after somebody left are looked at again: after one look, two, four, up to this.
_MOST_SKIPPED = 600

Mark = tuple[tuple[str, int, int, int] | str, ...]


class Reload:
    """Keeps the tables of one process as its files have them. `again` reads the settings anew. Raises ConfigError.

    A process that `works` also looks at the open requests of whoever has left.
    """

    def __init__(self, app: App, again: Callable[[], Settings], *, works: bool) -> None:
        self._app, self._again, self._works = app, again, works
        self._noted, self._audit = NotedTables(app.store), AuditLog(app.store)
        self._settings, self._asked = app.settings, asyncio.Event()
        # What changed while the process began is read at the first look.
        self._mark, self._seen = Mark(), self._stamp()
        self._wrong, self._waits_for_restart = "", frozenset[str]()
        self._here = _who_is_here(app.people)
        self._somebody_left, self._skips, self._to_skip = False, 0, 0

    async def keep(self) -> None:
        """Look for ever, and at once on SIGHUP."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._asked.set)
        # Beside the files, which wait for no Slack.
        groups = asyncio.create_task(self._keep_groups(), name="groups of roles")
        try:
            await self._app.ready.wait()
            await self._tried(self.begin)
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), _AGAIN_S if self._wrong else _LOOK_S)
                is_asked = self._asked.is_set()
                self._asked.clear()
                await self._tried(partial(self.look, at_once=is_asked))
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            await ended([groups])

    async def _keep_groups(self) -> None:
        """Look for ever who is in the groups that give roles; Slack is asked as often as `GroupReader` lets us."""
        while True:
            await self._app.access.rights.look_up()
            await asyncio.sleep(_LOOK_S)

    async def _tried(self, do: Callable[[], Awaitable[None]]) -> None:
        try:
            await do()
        except StoreError as error:
            self._mark = Mark()
            log.warning("the tables were not read anew", error=str(error))

    async def begin(self) -> None:
        """Note what changed while nothing ran. Raises StoreUnavailable."""
        await self._note(self._app.people.as_written)

    async def look(self, *, at_once: bool = False) -> None:
        """Read the files anew where they have changed and stand still, or `at_once`. Raises StoreUnavailable.

        That somebody has left or may be somebody else by now stays in mind until every open request was looked at.
        """
        await self._app.register.look()
        await self._look_at_files(at_once=at_once)
        here = _who_is_here(self._app.people)
        if self._works and here != self._here:
            self._somebody_left, self._skips, self._to_skip = True, 0, 0
        self._here = here
        if self._somebody_left:
            await self._look_at_departures(at_once=at_once)

    async def _look_at_files(self, *, at_once: bool) -> None:
        mark = self._stamp()
        is_still, self._seen = mark == self._seen, mark
        if not at_once and not self._wrong and (mark == self._mark or not is_still):
            return
        try:
            settings, tables = await asyncio.to_thread(self._read)
        except ConfigError as error:
            await self._refuse(str(error))
        else:
            self._mark = mark
            await self._hold(settings, tables)

    def _read(self) -> tuple[Settings, Tables]:
        settings = self._again()
        tables = tables_of(settings)
        if problems := [f"{name}: {file.problem}" for name, file in tables.files.items() if file.problem]:
            raise ConfigError([f"groups.{problem}" for problem in problems])
        return settings, tables

    async def _hold(self, settings: Settings, tables: Tables) -> None:
        """Let the tables hold, all at once, after it was noted that they do."""
        people = self._app.people
        self._wrong = ""
        if tables != people.as_written:
            await self._note(tables)
            await self._app.register.hold(tables)
            log.warning("people, policies and groups were read anew", file=str(settings.config))
        self._settings = settings
        self._say_what_waits(settings)

    async def _look_at_departures(self, *, at_once: bool) -> None:
        if self._to_skip and not at_once:
            self._to_skip -= 1
            return
        self._skips = self._to_skip = min(self._skips * 2, _MOST_SKIPPED) or 1
        self._somebody_left = not await self._app.requests.departures.look_at_all()

    async def _note(self, tables: Tables) -> None:
        people, before, after = self._app.people, await self._noted.last(), hashes_of(tables)
        found = difference(before or {}, after)
        if before is not None and found:
            gone = [people.of_file(name.partition(".")[2]) for name in found.removed if name.startswith("people.")]
            detail: dict[str, JsonValue] = {
                "file": str(self._settings.config),
                "added": list(found.added),
                "removed": list(found.removed),
                "changed": list(found.changed),
                "hashes": {name: after[name] for name in (*found.added, *found.changed)},
            }
            await self._audit.note("tables_changed", channel="file", people=gone, detail=detail)
        if found:
            await self._noted.note(after)

    def _say_what_waits(self, settings: Settings) -> None:
        """Say once in the log which other changes wait for a restart."""
        ours = self._app.settings
        fields = type(settings).model_fields.keys() - RELOADED - {"public_url"}
        waits = frozenset(name for name in fields if _waiting(settings, name) != _waiting(ours, name))
        if waits - self._waits_for_restart:
            log.warning("restart needed: other settings have changed as well", settings=sorted(waits))
        self._waits_for_restart = waits

    async def _refuse(self, problems: str) -> None:
        """What held before still holds; people are told once."""
        problems = problems[:_PROBLEMS_CHARS]
        if problems != self._wrong:
            log.error("the settings can't be read anew, so nothing has changed", problems=problems)
        self._wrong = problems
        if await self._noted.note_wrong(problems):
            await self._app.messages.outbox.alert(new_id("outgoing", 0), lambda: _words(problems))

    def _stamp(self) -> Mark:
        files = [self._settings.config, *group_files(self._settings).values()]
        return tuple(_stat(file) for file in files if file)


def _who_is_here(people: People) -> tuple[frozenset[PersonId], Mapping[PersonId, tuple[PersonId, ...]]]:
    """Return by what it is known that somebody has left, or may be somebody who has."""
    return frozenset(people.all()), people.likeness


def _waiting(settings: Settings, name: str) -> object:
    """Return what of a setting a process keeps until it is started again."""
    if name != "agents":
        return getattr(settings, name)
    kept = {agent: one.model_copy(update={"triggered_by": None}) for agent, one in settings.agents.items()}
    return {agent: one for agent, one in kept.items() if one != AgentConfig()}


def _words(problems: str) -> tuple[str, str]:
    return say("notice.settings-wrong-title"), say("notice.settings-wrong", problems=problems)


def _stat(file: Path) -> tuple[str, int, int, int] | str:
    try:
        found = file.stat()
    except OSError:
        return f"{file}"
    return (f"{file}", found.st_mtime_ns, found.st_size, found.st_ino)
