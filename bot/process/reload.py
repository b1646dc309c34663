"""The files change while a process runs: it reads them anew by itself, and at once on SIGHUP.

A file is taken whole or not at all. Who is who and who may do what holds at once. Where anything else has changed too,
the process starts again, and until then does nothing that needs people.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import JsonValue

from agents.requests import PersonId
from bot.app import App
from bot.audit.log import AuditLog
from bot.config.errors import ConfigError
from bot.config.handed import Handed
from bot.config.settings import Settings
from bot.people.cut import lines_of, members_of
from bot.people.directory import People
from bot.people.noted import NotedTables, Whole, difference, digest_of, hashes_of
from bot.people.tables import Tables, group_files, tables_of
from bot.process.half_taken import HalfTaken, content_of
from bot.store import StoreError
from bot.store.ids import new_id
from bot.store.watch import ended
from language import say
from language.lists import both, either

log = structlog.stdlib.get_logger()

T = TypeVar("T")

_LOOK_S = 1.0
# A file that is wrong may become right by another one: a group's file that was not there, `sayso trust`.
_AGAIN_S = 5.0
# So long may pass between two writes of one file.
_GOES_ON_S = 20.0
# A trial takes a second of a processor.
_TRY_S = 30.0
_NAMED = 8
# An id is given to one human for ever.
_TOLD_OF_PERSON_S = 3660 * 24 * 3600.0
_PROBLEMS_CHARS = 1_500
# A file that is wrong, then right, then wrong again.
_ALERTS, _ALERTS_PER_S = 10, 3_600.0
_ANOTHER = (
    "{file}: is found in place of {before}, which is not there any more or comes after it now; nothing of it holds. "
    "Put that one back as it was, or start this process again"
)
# Requests that could not be looked at after somebody left are looked at again: after one look, two, four, up to this.
_MOST_SKIPPED = 600

Mark = tuple[tuple[str, int, int, int] | str, ...]
Check = Callable[[Handed], Awaitable[None]]


class Reload:
    """Keeps one process as its files have it. `again` reads the settings anew, and `check` raises ConfigError where
    it could not start with the file that it is handed. A process that `works` also looks at the open requests of
    whoever has left.
    """

    def __init__(
        self,
        app: App,
        again: Callable[[], Settings],
        *,
        works: bool,
        check: Check | None = None,
    ) -> None:
        self._app, self._again, self._works, self._check = app, again, works, check
        self.starts_again = False
        """Whether a file holds now by which this process starts again. It does nothing that needs people meanwhile."""
        self.file: Handed | None = None
        """The file as it was when it was tried last."""
        self._noted, self._audit, self._half = NotedTables(app.store), AuditLog(app.store), HalfTaken(app)
        self._settings, self._asked = app.settings, asyncio.Event()
        # What changed while the process began is read at the first look.
        self._mark, self._seen = Mark(), self._stamp()
        self._wrong = ""
        self._known = self._who_is_here()
        self._somebody_left, self._skips, self._to_skip = False, 0, 0
        # Whether the file of the start is to be noted, and people are to be told what followed from one.
        self._is_unnoted, self._is_untold = False, False
        # What stood in the file when it held as a whole, with its digest; and until when what begins it may go on.
        self._content: bytes = app.settings.content
        self._digest: str = ""
        self._goes_on_until = 0.0
        # The file by which the process could not start again, why, and when that is tried once more.
        self._unfit, self._why, self._try_at = "", "", 0.0

    async def keep(self) -> None:
        """Look until the process starts again, and at once on SIGHUP."""
        loop = asyncio.get_running_loop()

        def on_signal(_number: int, _frame: object) -> None:
            loop.call_soon_threadsafe(self._asked.set)

        # Not by the loop, which would have the signal end the process once it listens no longer.
        before = signal.signal(signal.SIGHUP, on_signal)
        # Beside the files, which wait for no Slack.
        groups = asyncio.create_task(self._keep_groups(), name="groups of roles")
        try:
            await self._app.ready.wait()
            await self._tried(self.begin)
            while not self.starts_again:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_AGAIN_S if self._wrong else _LOOK_S):
                        await self._asked.wait()
                is_asked = self._asked.is_set()
                self._asked.clear()
                await self._tried(partial(self.look, at_once=is_asked))
        finally:
            signal.signal(signal.SIGHUP, before)
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
        """Note what changed while nothing ran. Raises StoreUnavailable; then the next look does it."""
        self._is_unnoted = self._is_untold = not self._app.people.half_taken
        await self._note_and_tell()

    async def _note_and_tell(self) -> None:
        """Note what nobody has noted of a file that holds as a whole, and tell what nobody was told."""
        if self._app.people.half_taken:
            return
        if self._is_unnoted:
            await self._note(self._app.people.as_written)
            self._is_unnoted = False
        if self._is_untold:
            await self._tell_what_followed()

    async def look(self, *, at_once: bool = False) -> None:
        """Read the files anew where they have changed and stand still, or `at_once`. Raises StoreUnavailable.

        That somebody has left, has another address or may be somebody else stays in mind until every open request was
        looked at.
        """
        await self._app.register.look()
        if self._digest in await self._noted.half():  # another process found what this one did not see
            self._mark = Mark()
        await self._look_at_files(at_once=at_once)
        await self._note_and_tell()
        if self._app.people.settles_until:
            await self._noted.settle(self._app.people)
        known = self._who_is_here()
        if self._works and known != self._known:
            self._somebody_left, self._skips, self._to_skip = True, 0, 0
        self._known = known
        if self._somebody_left and not self._app.people.half_taken:
            await self._look_at_departures(at_once=at_once)

    def _who_is_here(self) -> object:
        """Return everybody who is here, who of them may be somebody that has left, and their addresses and logins."""
        people, tables = self._app.people, self._app.people.tables
        known_by = (tables.by_email, tables.by_slack, tables.by_github)
        return frozenset(people.all()), dict(people.doubles), known_by

    async def _look_at_files(self, *, at_once: bool) -> None:
        mark = self._stamp()
        is_still, self._seen = mark == self._seen, mark
        is_changed = mark != self._mark or bool(self._app.people.half_taken)
        if not (at_once or self._wrong or (is_changed and is_still)):
            return None
        try:
            read = await asyncio.to_thread(self._read)
        except (ConfigError, OSError, ValueError) as error:  # whatever else: the next look reads it all the same
            return await self._refuse(str(error))
        if read is None:  # it is read once more with the next look, whatever its time and size say
            self._mark = Mark()
            return None
        self._mark = mark
        try:
            return await self._hold(*read, at_once=at_once)
        except ConfigError as error:
            return await self._refuse(str(error))

    def _read(self) -> tuple[Settings, Tables] | None:
        """Return the settings and the tables; None where a file changed while it was read."""
        stamp, settings, before = self._stamp(), self._again(), self._settings.config
        if before and settings.config and settings.config.absolute() != before.absolute():
            raise ConfigError([_ANOTHER.format(file=settings.config, before=before)])
        tables = tables_of(settings)
        if content_of(settings.config) != settings.content or self._stamp() != stamp:
            return None
        if problems := [f"{name}: {file.problem}" for name, file in tables.files.items() if file.problem]:
            raise ConfigError([f"groups.{problem}" for problem in problems])
        return settings, tables

    async def _hold(self, settings: Settings, tables: Tables, *, at_once: bool) -> None:
        """Let the tables hold, all at once, after it was noted that they do; or what is missing in them, where they
        are only half taken.
        """
        people, content = self._app.people, settings.content
        digest = digest_of(content, tables)
        begins = self._content.startswith(content) and content != self._content
        try:
            is_half = await self._half.is_so(tables, digest, content, self._content)
        except StoreError:  # it is not known, so whoever is missing is not here meanwhile
            people.take_half(tables, digest, self._app.store.about_now())
            raise
        if is_half:
            await self._forget_wrong()
            return await self._half.hold(tables, digest)
        if begins and not at_once and self._may_go_on(digest):
            await self._forget_wrong()
            return people.take_half(tables, digest, self._app.store.about_now())
        if tables.beside != people.as_written.beside:
            return await self._start_again(settings, tables, digest, at_once=at_once)
        await self._forget_wrong()
        is_news, heard = digest != self._digest or people.half_taken != "", people.alerted(self._app.store.about_now())
        self._is_untold = self._is_untold or is_news
        if tables != people.as_written or people.half_taken:
            self._somebody_left = self._somebody_left or self._works
            await self._noted.settle(people)
            await self._note(tables)
            await self._app.register.hold(tables)
            log.warning("people, policies and groups were read anew", file=str(settings.config))
        if is_news:
            await self._noted.forget_wrong()  # what was wrong before this process began, too
            whole = Whole(lines=lines_of(content), members=members_of(tables), alerts=[*tables.alerts])
            before = await self._noted.whole()
            whole.heard = [*(people.alerted(self._app.store.about_now()) or heard or before.heard)]
            known = {one.id: one for one in (*before.reached, *people.contacts())}
            whole.reached = [known[one] for one in whole.heard if one in known]
            await self._noted.note_whole(digest, whole)
        self._content, self._digest = content, digest
        # Where the file was taken away, the place is looked at to which it may come back.
        self._settings = settings if settings.config else settings.model_copy(update={"config": self._settings.config})
        return None

    async def _start_again(self, settings: Settings, tables: Tables, digest: str, *, at_once: bool) -> None:
        """Have the process start again by this file, as it was tried. Raises ConfigError where it could not, and
        StoreUnavailable.
        """
        if at_once or digest != self._unfit or time.monotonic() >= self._try_at:
            self._why = await self._what_is_unfit(settings)
            self._unfit, self._try_at = digest, time.monotonic() + _TRY_S
        if self._why:
            raise ConfigError([self._why])
        self._app.people.take_half(tables, digest, self._app.store.about_now())
        found = difference(self._app.people.as_written.beside, tables.beside)
        names = (*found.added, *found.removed, *found.changed)
        log.warning("other settings have changed as well: this process starts again", settings=names[:_NAMED])
        self.starts_again = True

    async def _what_is_unfit(self, settings: Settings) -> str:
        """Return why this process could not start with this file; empty where it could, and is to read just that.

        An environment in which a deploy runs keeps its name: another one would begin there at once.
        Raises StoreUnavailable.
        """
        running = [name for name, turns in (await self._app.live.turns()).items() if turns.running]
        if lost := [name for name in running if name not in settings.deploy.environments]:
            return say("error.deploy-runs-there", names=both(lost))
        try:
            self.file = Handed(settings.config, settings.content)
            if self._check:
                await self._check(self.file)
        except (ConfigError, OSError) as error:
            return str(error)
        return ""

    async def _forget_wrong(self) -> None:
        if self._wrong:
            await self._noted.forget_wrong()
            self._wrong = ""

    def _may_go_on(self, digest: str) -> bool:
        """Return whether whoever writes a file may not be done with it: it is the beginning of what stood there."""
        now = time.monotonic()
        if self._app.people.half_taken != digest:
            self._goes_on_until = now + _GOES_ON_S
        return now < self._goes_on_until

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
            await self._audit.note("tables_changed", channel="file", people=gone, detail=detail, proof=None)
        if found:
            await self._noted.note(after)

    async def _tell_what_followed(self) -> None:
        """Tell the operators what followed from the file that holds; what they were not told is told with a later look.

        Redis may go away, or this process may die, in between.
        """
        if all((await self._tell_who_is_new(), await self._tell_that_nobody_hears())):
            self._is_untold = False

    async def _tell_who_is_new(self) -> bool:
        """Tell the operators once of each whose address has changed without a uid: whom they were has left."""
        people, near = self._app.people, new_id("outgoing", 0)
        untold = [one for one in await self._noted.untold() if people.is_here(one)]
        found = people.counting_as_new(untold)
        names = {f"new {people.of_file(name)}": name for name in found}

        async def tell(unheard: Sequence[str]) -> None:
            new = {names[one]: found[names[one]] for one in unheard}
            await self._app.messages.outbox.alert(near, lambda: _words_of_new(new, people))

        if is_told := await self._noted.tell_once(names, tell, _TOLD_OF_PERSON_S):
            await self._noted.have_told(untold)
        return is_told

    async def _tell_that_nobody_hears(self) -> bool:
        """Tell those who heard the alerts before, and the operators, that nobody does: a rotation may begin later."""
        people, near, now = self._app.people, new_id("outgoing", 0), self._app.store.about_now()
        alerts, roles, heard = people.tables.alerts, people.tables.roles, (await self._noted.whole()).heard
        await people.look_up((*alerts, *roles.operator, *roles.admin))
        if not heard or people.alerted(now):
            return True

        async def tell(_: Sequence[str]) -> None:
            others = filter(people.is_here, (*heard, *people.members((*roles.operator, *roles.admin), now)))
            words = partial(_words_of_nobody, Path(self._settings.config or "").name, alerts)
            await self._app.messages.outbox.alert(near, words, also=[*others])

        return await self._noted.tell_once([f"nobody alerted {digest_of(self._content, people.as_written)}"], tell)

    async def _refuse(self, problems: str) -> None:
        """What held before still holds; people are told once."""
        problems = problems[:_PROBLEMS_CHARS]
        if problems != self._wrong:
            log.error("the settings can't be read anew, so nothing has changed", problems=problems)
        self._wrong = problems
        near = new_id("outgoing", 0)

        async def tell(_: Sequence[str]) -> None:
            if await self._app.store.admit("settings wrong", near, _ALERTS, _ALERTS_PER_S):
                await self._app.messages.outbox.alert(near, lambda: _words(problems))

        await self._noted.tell_once([await self._noted.note_wrong(problems)], tell)

    def _stamp(self) -> Mark:
        files = [self._settings.config, *group_files(self._settings).values()]
        return tuple(_stat(file) for file in files if file)


def _words(problems: str) -> tuple[str, str]:
    return say("notice.settings-wrong-title"), say("notice.settings-wrong", problems=problems)


def _words_of_nobody(file: str, alerts: Sequence[str]) -> tuple[str, str]:
    names = both(alerts) or say("words.nobody")
    return say("notice.nobody-alerted-title"), say("notice.nobody-alerted", file=file, names=names)


def _words_of_new(new: Mapping[str, Sequence[PersonId]], people: People) -> tuple[str, str]:
    """Return what is told of those whom the file calls so; `new` has by that the ids of whom it called so before."""
    shown = [*new.items()][:_NAMED]
    names = both([people.known_as(people.of_file(name)) for name, _ in shown]) + (" …" if len(new) > _NAMED else "")
    commands = ", ".join(
        f"sayso people same {old[0]} {name}"
        if len(old) == 1
        else say("notice.new-people-which", name=name, ids=either([*old]))
        for name, old in shown
    )
    return say("notice.new-people-title", names=names), say("notice.new-people", names=names, commands=commands)


def _stat(file: Path) -> tuple[str, int, int, int] | str:
    try:
        found = file.stat()
    except OSError:
        return f"{file}"
    return (f"{file}", found.st_ctime_ns, found.st_size, found.st_ino)  # the time of a change can be set to any other
