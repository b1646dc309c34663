"""What says who is who and who may do what changes while a process runs: by SIGHUP, or as its files change."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import JsonValue

from agents.requests import PersonId
from bot.app import App
from bot.audit.log import AuditLog
from bot.config.deploy import FreezeWindowConfig
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.config.tables import AgentConfig
from bot.people.cut import lines_of, members_of
from bot.people.directory import People
from bot.people.noted import NotedTables, Whole, difference, digest_of, hashes_of
from bot.people.tables import Tables, group_files, meaning_nobody, tables_of
from bot.policy.risks import texts_in
from bot.process.half_taken import HalfTaken, content_of
from bot.store import StoreError
from bot.store.ids import new_id
from bot.store.watch import ended
from language import say
from language.lists import both, either

log = structlog.stdlib.get_logger()

T = TypeVar("T")

RELOADED = frozenset({"people", "policies", "groups", "oncall", "roles", "alerts", "freeze"})
"""The tables that hold from the moment they are read anew, as does who may start an agent.

Any other change waits for a restart.
"""

_LOOK_S = 1.0
# A file that is wrong may become right by another one: a group's file that was not there, `sayso trust`.
_AGAIN_S = 5.0
# So long may pass between two writes of one file.
_GOES_ON_S = 20.0
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
_BEHIND = (
    "{file}: is another file than the one that this process started on, which was only half taken: other settings have "
    "changed as well ({names}). Start it again"
)
# Requests that could not be looked at after somebody left are looked at again: after one look, two, four, up to this.
_MOST_SKIPPED = 600

Mark = tuple[tuple[str, int, int, int] | str, ...]


class Reload:
    """Keeps the tables of one process as its files have them. `again` reads the settings anew. Raises ConfigError.

    A process that `works` also looks at the open requests of whoever has left. One that started on a file that is half
    taken ends once another one says more than the tables.
    """

    def __init__(self, app: App, again: Callable[[], Settings], *, works: bool) -> None:
        self._app, self._again, self._works = app, again, works
        self._noted, self._audit, self._half = NotedTables(app.store), AuditLog(app.store), HalfTaken(app)
        self._settings, self._asked = app.settings, asyncio.Event()
        # What changed while the process began is read at the first look.
        self._mark, self._seen = Mark(), self._stamp()
        self._wrong, self._waits_for_restart = "", frozenset[str]()
        self._known = self._who_is_here()
        self._somebody_left, self._skips, self._to_skip = False, 0, 0
        # Whether the file of the start is to be noted, people are to be told what followed from one, and who heard the
        # alerts before it.
        self._is_unnoted, self._is_untold, self._heard = False, False, tuple[PersonId, ...]()
        # What stood in the file when it held as a whole, with its digest; and until when what begins it may go on.
        self._content: bytes = app.settings.content
        self._digest: str = ""
        self._goes_on_until = 0.0
        self._began_half = False
        # The windows of before that freeze what the file calls otherwise by now.
        self._stood = tuple[FreezeWindowConfig, ...]()

    async def keep(self) -> None:
        """Look for ever, and at once on SIGHUP."""
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
            while True:
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
        self._began_half = bool(self._app.people.half_taken)
        self._is_unnoted = self._is_untold = not self._began_half
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
        return await self._hold(*read, at_once=at_once)

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
        people, content, said = self._app.people, settings.content, tables
        digest = digest_of(content, tables)
        if self._wrong:
            await self._noted.forget_wrong()
            self._wrong = ""
        begins = self._content.startswith(content) and content != self._content
        try:
            is_half = await self._half.is_so(tables, digest, content, self._content)
        except StoreError:  # it is not known, so whoever is missing is not here meanwhile
            people.take_half(tables, digest, self._app.store.about_now())
            raise
        if is_half:
            return await self._half.hold(tables, digest)
        if begins and not at_once and self._may_go_on(digest):
            return people.take_half(tables, digest, self._app.store.about_now())
        tables = self._with_own_policies(settings, self._with_own_windows(settings, tables))
        tables = self._with_own_asks(settings, self._with_own_starters(settings, tables))
        self._say_what_waits(settings)
        if self._began_half and self._waits_for_restart:  # it may lack agents, limits, timers: nothing of it holds here
            raise ConfigError([_BEHIND.format(file=settings.config, names=", ".join(sorted(self._waits_for_restart)))])
        is_news = digest != self._digest or people.half_taken != ""
        self._is_untold = self._is_untold or is_news
        if tables != people.as_written or people.half_taken:
            self._somebody_left = self._somebody_left or self._works
            await self._noted.settle(people)
            await self._note(said)
            self._heard = self._heard or people.alerted(self._app.store.about_now())
            await self._app.register.hold(tables)
            log.warning("people, policies and groups were read anew", file=str(settings.config))
        if is_news:
            await self._noted.forget_wrong()  # what was wrong before this process began, too
            whole = Whole(lines=lines_of(content), members=members_of(tables), alerts=[*tables.alerts])
            await self._noted.note_whole(digest, whole)
        self._content, self._digest = content, digest
        # Where the file was taken away, the place is looked at to which it may come back.
        self._settings = settings if settings.config else settings.model_copy(update={"config": self._settings.config})
        self._began_half = False
        return None

    def _with_own_windows(self, settings: Settings, tables: Tables) -> Tables:
        """Return the tables with the windows that freeze what this process calls otherwise until it is restarted: those
        of before, and those of now for what it does not know, which may be that.
        """
        ours, theirs = self._app.settings.deploy.environments, settings.deploy.environments
        gone, new, before = ours.keys() - theirs.keys(), theirs.keys() - ours.keys(), self._app.people.as_written
        stands = dict.fromkeys((*(one for one in before.windows if one not in before.kept), *self._stood))
        self._stood = tuple(
            one.model_copy(update={"environments": left})
            for one in stands
            if (left := tuple(name for name in one.environments if name in gone)) and one not in tables.windows
        )
        named = [one for one in tables.windows if gone and not new.isdisjoint(one.environments)]
        kept = (*self._stood, *(one.model_copy(update={"environments": tuple(sorted(gone))}) for one in named))
        return replace(tables, windows=(*tables.windows, *kept), kept=kept)

    def _with_own_policies(self, settings: Settings, tables: Tables) -> Tables:
        """Return the tables with the policies, as they stood, of what others gate once this process is restarted.

        By their names the file may mean others by now, which it never had gate that. Of a place that is gone, a policy
        that is gone as well gates nothing: there nothing is done.
        """
        theirs, stands = _gates(settings), self._app.people.as_written.policies
        kept = {
            policy: stands[policy]
            for (place, policy), named in _gates(self._app.settings).items()
            if policy in stands and named != theirs.get((place, policy))
            if policy in tables.policies or any(one == place for one, _ in theirs)
        }
        refs = [ref for policy in kept.values() for ref in policy.refs]
        policies = {**tables.policies, **self._by_nobody_new(kept, refs, tables)}
        return replace(tables, policies=policies, kept_policies=frozenset(kept))

    def _with_own_starters(self, settings: Settings, tables: Tables) -> Tables:
        """Return the tables with who may start an agent of one's own that is gone once this process is restarted.

        By its name the file may mean another one by now. One of ours is the same agent, whatever the file says of it.
        """
        theirs, stands = settings.agents, self._app.people.as_written.triggered_by
        kept = {
            name: stands[name]
            for name, ours in self._app.settings.agents.items()
            if ours.code and name in stands and (name not in theirs or theirs[name].code != ours.code)
        }
        refs = [ref for names in kept.values() for ref in names]
        return replace(tables, triggered_by={**tables.triggered_by, **self._by_nobody_new(kept, refs, tables)})

    def _with_own_asks(self, settings: Settings, tables: Tables) -> Tables:
        """Return the tables with the names by which agents ask nobody until this process is restarted: those by which
        the file lets them ask no more, where they mean others by now.
        """
        theirs, before = settings.agents, self._app.people.as_written.unasked
        ours = {(name, ref): one.code for name, one in self._app.settings.agents.items() for ref in one.asks}
        stay = {(name, ref): one.code for name, one in theirs.items() for ref in one.asks}
        gone = {one for one, code in ours.items() if stay.get(one, "") != code}
        others = self._app.people.widened({ref for _, ref in gone}, tables, self._app.store.about_now())
        return replace(tables, unasked=frozenset(one for one in gone if one in before or one[1] in others))

    def _by_nobody_new(self, kept: T, refs: Sequence[str], tables: Tables) -> T:
        """Return what is kept, in which those of its names mean nobody that mean somebody else by now as well.

        Neither the file of then nor that of now has them do that.
        """
        return meaning_nobody(kept, self._app.people.widened(refs, tables, self._app.store.about_now()))

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
        told = (await self._tell_who_is_new(), await self._tell_that_nobody_hears(), await self._tell_what_is_frozen())
        if all(told):
            self._is_untold, self._heard = False, ()

    async def _tell_who_is_new(self) -> bool:
        """Tell the operators once of each whose address has changed without a uid: whom they were has left."""
        people, near = self._app.people, new_id("outgoing", 0)
        found = people.counting_as_new()
        names = {f"new {people.of_file(name)}": name for name in found}

        async def tell(untold: Sequence[str]) -> None:
            new = {names[one]: found[names[one]] for one in untold}
            await self._app.messages.outbox.alert(near, lambda: _words_of_new(new, people))

        return await self._noted.tell_once(names, tell, _TOLD_OF_PERSON_S)

    async def _tell_that_nobody_hears(self) -> bool:
        """Tell those who heard the alerts before, and the operators, that nobody does: a rotation may begin later."""
        people, near, now = self._app.people, new_id("outgoing", 0), self._app.store.about_now()
        alerts, roles, heard = people.tables.alerts, people.tables.roles, self._heard
        await people.look_up((*alerts, *roles.operator, *roles.admin))
        if not heard or people.alerted(now):
            return True

        async def tell(_: Sequence[str]) -> None:
            others = filter(people.is_here, (*heard, *people.members((*roles.operator, *roles.admin), now)))
            words = partial(_words_of_nobody, Path(self._settings.config or "").name, alerts)
            await self._app.messages.outbox.alert(near, words, also=[*others])

        return await self._noted.tell_once([f"nobody alerted {self._digest}"], tell)

    def _say_what_waits(self, settings: Settings) -> None:
        """Say once in the log which other changes wait for a restart."""
        ours = self._app.settings
        fields = type(settings).model_fields.keys() - RELOADED - {"public_url"}
        waits = frozenset(name for name in fields if _waiting(settings, name) != _waiting(ours, name))
        if waits - self._waits_for_restart:
            log.warning("restart needed: other settings have changed as well", settings=sorted(waits))
        self._waits_for_restart = waits

    async def _tell_what_is_frozen(self) -> bool:
        """Tell the operators once of a freeze by people that holds nothing any more after the restart."""
        settings = self._settings
        gone = self._app.settings.deploy.environments.keys() - settings.deploy.environments.keys()
        freezes = await self._app.requests.freezes.all() if gone else ()
        left = [one for one in freezes if one.environment in gone and not one.window]
        names = {f"freeze {one.environment} {one.since} {settings.config}": one.environment for one in left}

        async def tell(untold: Sequence[str]) -> None:
            for one in untold:
                words = partial(_words_of_freeze, Path(settings.config or "").name, names[one])
                await self._app.messages.outbox.alert(new_id("outgoing", 0), words)

        return await self._noted.tell_once(names, tell)

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


def _gates(settings: Settings) -> dict[tuple[str, str], Sequence[str]]:
    """Return the policies of the places that wait for a restart, with all that gate there, in order: of the
    environments, the desk, and whatever the tables of agents of one's own name.
    """
    gated = {f"deploy {name}": [one.policy] for name, one in settings.deploy.environments.items()}
    gated["desk"] = [settings.desk.policy]
    gated |= {f"agent {name} {one.code}": [*texts_in(one.settings)] for name, one in settings.agents.items()}
    known = {place: [one for one in named if one in settings.policies] for place, named in gated.items()}
    return {(place, policy): named for place, named in known.items() for policy in named}


def _waiting(settings: Settings, name: str) -> object:
    """Return what of a setting a process keeps until it is started again."""
    if name != "agents":
        return getattr(settings, name)
    kept = {agent: one.model_copy(update={"triggered_by": None}) for agent, one in settings.agents.items()}
    return {agent: one for agent, one in kept.items() if one != AgentConfig()}


def _words(problems: str) -> tuple[str, str]:
    return say("notice.settings-wrong-title"), say("notice.settings-wrong", problems=problems)


def _words_of_nobody(file: str, alerts: Sequence[str]) -> tuple[str, str]:
    names = both(alerts) or say("words.nobody")
    return say("notice.nobody-alerted-title"), say("notice.nobody-alerted", file=file, names=names)


def _words_of_freeze(file: str, name: str) -> tuple[str, str]:
    return say("notice.freeze-left-title", name=name), say("notice.freeze-left", file=file, name=name)


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
