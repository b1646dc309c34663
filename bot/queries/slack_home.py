"""Keeps people's App Homes up to date: whoever is concerned by a change sees it, if they look at their Home at all."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from agents.events import (
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestReassigned,
    RequestRevised,
    RequestRevoked,
    RunForked,
    RunStarted,
    VoteCast,
)
from agents.requests import people_of
from bot.errors import NotFound
from bot.people.directory import People
from bot.policy.freezes import active
from bot.store import Store, StoreError
from bot.store.indexes import HOME_KEEP_S, Homes
from bot.store.watch import EVERYTHING, Changes, Changing
from channels import ChannelRefused, ChannelUnavailable, Contact, RequestLookup
from channels.slack.api import Limited
from channels.slack.modals import View, view
from language import speaking

log = structlog.stdlib.get_logger()

Publish = Callable[[str, View], Awaitable[None]]
"""Show a view as the App Home of a Slack user. Raises as `channels.slack.api.Api` does."""

# Longer than a call to Slack may take; whoever died while publishing keeps others away for no longer.
_HOLD_S, _PUBLISH_WITHIN_S = 25.0, 20.0
# After hints were lost, those who looked lately are shown what there is now; others see it when they look.
_LATELY = timedelta(days=1)
_RUNS_KNOWN, _EVENTS_AT_ONCE = 1_000, 500
_LISTEN_S = 30.0


@dataclass(frozen=True, slots=True)
class RefreshRate:
    """The intervals of Home updates, in seconds.

    A Home changes once in `every_s` at most; after lost hints there is one Home in `repair_every_s`; whom Slack refuses
    is left alone for `refused_s`; while Slack or Redis is away, waits double from `away_s` to `away_at_most_s`. What is
    frozen is looked at every `frozen_s`: a window begins and ends without any event.
    """

    every_s: float = 2.0
    repair_every_s: float = 1.0
    refused_s: float = 600.0
    away_s: float = 1.0
    away_at_most_s: float = 60.0
    frozen_s: float = 5.0


class HomeWatch:
    """One per process. Of several processes one publishes what there is to publish, and none an older state last."""

    def __init__(self, store: Store, people: People, publish: Publish, pace: RefreshRate = RefreshRate()) -> None:
        self._store, self._people, self._publish, self._pace = store, people, publish, pace
        self._homes = Homes(store.client)
        self._due, self._earliest = dict[str, float](), dict[str, float]()
        self._not_before, self._failures = 0.0, 0
        self._news = asyncio.Event()
        self._known = dict[str, tuple[int, frozenset[str]]]()

    async def opened(self, person: str) -> None:
        """Note that somebody opened their Home, published then: it is kept up to date from now on. Never raises."""
        try:
            await self._homes.note_opened(person, self._store.about_now())
        except StoreError as error:
            log.warning("can't note that a Home was opened; the next opening does", person=person, error=str(error))
        # Something may have changed between the look at what was published and its arrival.
        self._want(person, self._pace.every_s)

    async def watch(self, desk: RequestLookup) -> None:
        """Publish what changes, as `desk` finds it, for ever; ends only when cancelled."""
        changing = Changing(self._store.client, self._store.shards)
        try:
            async with changing.watch() as changes, asyncio.TaskGroup() as group:
                group.create_task(self._receive(changes))
                group.create_task(self._follow_freezes())
                group.create_task(self._show(desk))
        finally:
            await changing.close()

    async def _receive(self, changes: Changes) -> None:
        """Find whom each change concerns. What was before us may have been shown to nobody."""
        found, failures = EVERYTHING, 0
        while True:
            try:
                await self._received(found)
                found, failures = await changes.next(_LISTEN_S), 0
            except StoreError as error:
                failures += 1
                log.warning("can't look whom a change concerns, tries again", error=str(error))
                await asyncio.sleep(self._away_s(failures))
                found = EVERYTHING

    async def _received(self, run_ids: frozenset[str]) -> None:
        if not run_ids:
            return None
        if run_ids == EVERYTHING:
            return await self._want_all()
        looking = await self._homes.opened_since(self._store.about_now() - timedelta(seconds=HOME_KEEP_S))
        for run_id in run_ids if looking else ():
            for person in looking & await self._concerned(run_id):
                self._want(person)
        return None

    async def _follow_freezes(self) -> None:
        """Have all Homes drawn again when a freeze begins or ends, though nobody's request waits for it."""
        known: tuple[object, ...] | None = None
        while True:
            try:
                held = await self._store.freezes.read()
                found = (held.number, *active(self._people.tables.windows, held.now))
                if known is not None and found != known:
                    await self._want_all()
                known = found
            except (StoreError, ValueError) as error:  # such as a freeze of a newer release
                log.warning("can't look what is frozen, tries again", error=str(error))
            await asyncio.sleep(self._pace.frozen_s)

    async def _want_all(self) -> None:
        """Have the Homes looked at of all who opened theirs lately, one after the other."""
        lately = await self._homes.opened_since(self._store.about_now() - _LATELY)
        for number, person in enumerate(sorted(lately)):
            self._want(person, number * self._pace.repair_every_s)

    async def _concerned(self, run_id: str) -> frozenset[str]:
        """Return the people a run concerns, as its events say; only new events are read."""
        seq, known = self._known.pop(run_id, (0, frozenset[str]()))
        try:
            while events := await self._store.events_after(run_id, seq, _EVENTS_AT_ONCE):
                seq, known = seq + len(events), known | concerned(events)
        except (ValueError, NotFound):  # such as an event of a newer release
            log.exception("can't read whom a run concerns", run_id=run_id)
        self._known[run_id] = (seq, known)
        if len(self._known) > _RUNS_KNOWN:
            del self._known[next(iter(self._known))]
        return known

    def _want(self, person: str, after_s: float = 0.0) -> None:
        """Have a Home looked at `after_s`."""
        due = _clock() + after_s
        self._due[person] = min(due, self._due.get(person, due))
        self._news.set()

    async def _show(self, desk: RequestLookup) -> None:
        """Publish, one after the other, what is due."""
        while True:
            self._news.clear()
            person = min(self._due, key=self._when, default=None)
            wait_s = None if person is None else self._when(person) - _clock()
            if person is None or wait_s is None or wait_s > 0:
                await self._news_within(wait_s)
                continue
            del self._due[person]  # what changes from here on is another state, and wanted again
            await self._look_at(person, desk)

    async def _news_within(self, wait_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._news.wait()

    def _when(self, person: str) -> float:
        return max(self._due[person], self._earliest.get(person, 0.0), self._not_before)

    async def _look_at(self, person: str, desk: RequestLookup) -> None:
        """Publish one Home if it has changed. Whatever goes wrong is tried again, or left until it changes again."""
        contact = self._people.contact(person)
        if contact is None or contact.slack is None:
            return None
        try:
            if not await self._homes.hold(person, _HOLD_S):
                return self._want(person, self._pace.every_s)  # another one is at it, maybe with an older state
            try:
                await self._publish_to(contact, contact.slack, desk)
            finally:
                await self._homes.hold(person, self._pace.every_s)
            self._failures = 0
        except Limited as error:
            log.warning("Slack wants fewer Homes", retry_after_s=error.retry_after_s)
            self._put_off(person, error.retry_after_s)
        except (ChannelUnavailable, StoreError, TimeoutError) as error:
            self._failures += 1
            log.warning("a Home is not up to date, tries again", person=person, error=str(error))
            self._put_off(person, self._away_s(self._failures))
        except ChannelRefused as error:
            log.warning("a Home can't be published", person=person, error=str(error))
            self._earliest[person] = _clock() + self._pace.refused_s
        except Exception:
            log.exception("a Home can't be made", person=person)
            self._earliest[person] = _clock() + self._pace.refused_s

    async def _publish_to(self, contact: Contact, user: str, desk: RequestLookup) -> None:
        with speaking(contact.language):
            found = view(await desk.overview(contact.id))
        mark = hashlib.sha256(json.dumps(found).encode()).hexdigest()
        if await self._homes.shown(contact.id) == mark:
            return
        await self._homes.note_changing(contact.id)
        self._earliest[contact.id] = _clock() + self._pace.every_s
        async with asyncio.timeout(_PUBLISH_WITHIN_S):
            await self._publish(user, found)
        await self._homes.note_shown(contact.id, mark)

    def _put_off(self, person: str, wait_s: float) -> None:
        self._not_before = _clock() + wait_s
        self._want(person)

    def _away_s(self, failures: int) -> float:
        return min(self._pace.away_s * 2 ** min(failures - 1, 10), self._pace.away_at_most_s)


def concerned(events: Iterable[Event]) -> frozenset[str]:
    """Return the people whose lists these events of a run can change: who asked, who may decide, who did."""
    found = set[str]()
    for event in events:
        match event:
            case RunStarted():
                found |= {event.requester}
            case PersonSaid():
                found |= {event.person}
            case RunForked():
                found |= {event.by}
            case RequestOpened() | RequestRevised():
                found |= {*people_of(event.request.policy.rule), *event.request.requesters}
                found |= {holder.person for holder in event.holders}
            case RequestReassigned():
                found |= {*people_of(event.policy.rule), *filter(None, [event.person])}
            case VoteCast() | RequestRevoked():
                found |= {event.vote.person}
            case RequestDecided():
                found |= {*event.decision.by}
            case _:
                pass
    return frozenset(found)


def _clock() -> float:
    return asyncio.get_running_loop().time()
