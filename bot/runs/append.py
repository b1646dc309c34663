"""A run as it was read, and what is appended to it: fenced by what was read, so that nothing is done on old news."""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from agents.events import Event
from agents.requests import RunId
from agents.run import Run, fold
from bot.outbound.notifier import Notifier
from bot.render.outcome import is_unchanged
from bot.render.views import line_of
from bot.runs.moves import Stop, Wait, next_move
from bot.store import Commit
from bot.store.commit import MAX_EVENTS, MAX_EVENTS_AT_ALL, Rest
from bot.store.journal import Journal
from bot.store.lists import UNCHANGED

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run's story as far as it is known: its fold, its events, and when it was read.

    It `is_at_rest` where its turn ended with what was appended last, until something comes in. It `is_heard` where
    what people wrote before, and was taken by this process, has been read: a stop may be among it.
    """

    run: Run
    events: tuple[Event, ...]
    now: datetime
    is_at_rest: bool = False
    is_heard: bool = False
    _then: list["RunSnapshot"] = field(default_factory=list["RunSnapshot"], init=False, compare=False, repr=False)

    def then(self, events: Sequence[Event]) -> "RunSnapshot":
        """The same, gone on by `events`. What was asked for last is not folded again where these begin with it."""
        base = self
        for last in self._then:
            known = last.events[len(self.events) :]
            if len(known) <= len(events) and all(one is other for one, other in zip(known, events, strict=False)):
                base, events = last, events[len(known) :]
        if base is self or events:
            base = RunSnapshot(fold(events, base.run), (*base.events, *events), self.now)
            self._then[:] = [base]
        return base


_UNREAD = RunSnapshot(Run(), (), datetime.min.replace(tzinfo=UTC))
# Some 20 MB, whatever the runs are like.
_EVENTS_KNOWN = 10_000
# As long as it takes to begin what a change here has caused.
_MOMENT_S = 0.1


class _Known:
    """The runs that this process moved last, as they were then, each with the change that wrote its last event.

    A cache and nothing else: what a run is now is read from the store, which says whether it goes on from here.
    """

    def __init__(self) -> None:
        self._runs, self._events = OrderedDict[RunId, tuple[RunSnapshot, str]](), 0
        self._just = dict[RunId, float]()

    def get(self, run_id: RunId) -> tuple[RunSnapshot, str]:
        """A run as it was; one without events if it is not known."""
        return self._runs.get(run_id, (_UNREAD, ""))

    def wrote(self, commit: Commit, seq: int) -> None:
        """Keep a run that is known with what was just written to it, if that is all that has come since."""
        known, _ = self.get(RunId(commit.run_id))
        if known.events and commit.events and seq == known.run.seq + len(commit.events):
            self.put(known.then(commit.events), commit.commit)
            self._just[known.run.id] = time.monotonic()

    def just_written(self, run_id: RunId) -> bool:
        """Return whether that was so a moment ago, for the first who asks."""
        return time.monotonic() - self._just.pop(run_id, -math.inf) < _MOMENT_S

    def put(self, told: RunSnapshot, commit: str) -> None:
        """Keep it, in place of those that nobody has looked at for longest."""
        self._forget(told.run.id)
        if told.events and told.run.ended is None:
            self._runs[told.run.id] = (told, commit)
            self._events += len(told.events)
        while self._events > _EVENTS_KNOWN:
            self._forget(next(iter(self._runs)))

    def _forget(self, run_id: RunId) -> None:
        told, _ = self._runs.pop(run_id, (_UNREAD, ""))
        self._just.pop(run_id, None)
        self._events -= len(told.events)


def resting(told: RunSnapshot) -> Rest | None:
    """Return the end of the run's turn; None while there is something to do, such as to tell its parent of its end, or
    whoever asked what becomes of it in a pause.
    """
    under_way = any(one.state == "running" for one in told.run.made)
    match next_move(told.run, told.now):
        case Wait(until) if not told.run.is_paused:
            return Rest(until, under_way)
        case Stop() if told.run.started and told.run.started.parent is None:
            return Rest(None, under_way)
        case _:
            return None


def _log_end(run: Run) -> None:
    """One line for each run: how it ended, after how long, and at what price."""
    if run.started and run.ended:
        spent, took = run.budget.spent, run.ended.at - run.started.at
        log.info(
            "run ended",
            run_id=run.id,
            agent=run.started.agent,
            outcome=run.ended.outcome,
            change=run.ended.change,
            steps=run.steps,
            tokens=spent.tokens,
            cost_usd=spent.cost_usd,
            took_s=round(took.total_seconds(), 3),
        )


class EventLog:
    """Reads runs and appends to them. What was appended is known without reading it back."""

    def __init__(self, journal: Journal, notifier: Notifier) -> None:
        self.journal, self.notifier, self._store = journal, notifier, journal.store
        self._known = _Known()
        journal.hears.append(self._known.wrote)

    async def read(self, run_id: RunId) -> RunSnapshot:
        """The run as it is now. Of one that was read or written here before, only what is new is read.

        Nothing is read right after this process wrote to it: what comes of it is fenced by what was written.
        """
        known, commit = self._known.get(run_id)
        if self._known.just_written(run_id) and (now := self._store.recent_now(run_id)):
            return replace(known, now=now)
        loaded = await self._store.load(run_id, known.run.seq, commit)
        if not loaded.after:
            known = _UNREAD
        run = fold(loaded.events, known.run) if loaded.events else known.run
        told = RunSnapshot(run, (*known.events, *loaded.events), loaded.now)
        self._known.put(told, loaded.commit)
        return told

    async def append(
        self,
        told: RunSnapshot,
        events: Sequence[Event],
        files: Sequence[tuple[str, bytes]] = (),
        opens: Commit | None = None,
    ) -> RunSnapshot | None:
        """The run with `events`, and `files`, hashes and contents, kept beside it; then what `opens` a request for it.

        None when something else came first and nothing was written: read again.
        """
        run = told.then(events).run
        commit = Commit(
            run_id=run.id,
            events=events,
            expect=told.run.seq,
            outgoing=self.notifier.outcome(run, told.now) if run.ended else [],
            counts={UNCHANGED: 1} if is_unchanged(run) else {},
            summary=line_of(run) if run.ended else None,
            limit=MAX_EVENTS_AT_ALL if run.ended else MAX_EVENTS,
            files=files,
        )
        if opens:
            files = [*files, *opens.files]
            commit = replace(opens, events=[*events, *opens.events], expect=told.run.seq, files=files)
        return await self.write(told, commit)

    async def write(self, told: RunSnapshot, commit: Commit) -> RunSnapshot | None:
        """The same of a commit that is fenced by what `told` is; the turn ends with it where nothing more is to do."""
        then = told.then(commit.events)
        rest, news = resting(then), None
        if rest:
            news = self.notifier.news(then.run, then.now)
            outgoing = [*commit.outgoing, *(news.outgoing if news else ())]
            commit = replace(commit, rest=rest, summary=line_of(then.run), outgoing=outgoing)
        written = await self.journal.write(commit)
        if written.state != "committed":
            return None
        if then.run.ended and not told.run.ended:
            _log_end(then.run)
        if news:
            self.notifier.shown(news)
        if written.seq != then.run.seq:  # more came before we heard that it was written
            return await self.read(told.run.id)
        if commit.events:
            self._known.put(then, commit.commit)
        return replace(then, is_at_rest=rest is not None)

    async def add(self, told: RunSnapshot, event: Event) -> RunSnapshot:
        """The run as it is now, with `event` once, wherever that found its place, also in a run that has ended."""
        while True:
            # Without a fence it would be written again where only the answer was lost.
            commit = Commit(run_id=told.run.id, events=[event], expect=told.run.seq, limit=MAX_EVENTS_AT_ALL)
            written = await self.journal.write(commit)
            told = await self.read(told.run.id)
            if written.state != "conflict":
                return told
