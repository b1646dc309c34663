"""Do each piece of scheduled work: the edge of every job. What breaks is tried again, then shown."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import structlog

from agents.requests import PersonId, RequestId, RunId
from bot.computing import in_time
from bot.errors import WaitsForFile
from bot.inbound.inbox import Inbox
from bot.outbound.dead_letter import Note
from bot.outbound.outbox import Outbox
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.render.views import summary_in
from bot.requests.after_review import AfterReviews
from bot.requests.decisions import Decisions
from bot.requests.reassignment.departures import Departures
from bot.runs.loop import Loop
from bot.store import NotReplicated, Store, StoreError, WorkItem
from bot.store.ids import WorkKind, shard_of
from channels import ChannelAway, ChannelUnauthorized, ChannelUnavailable
from language import say
from language.recorded import trouble_of

log = structlog.stdlib.get_logger()

# What the id of a piece of work is called in the log.
_NAMES: dict[WorkKind, str] = {
    "run": "run_id",
    "in": "inbound_id",
    "out": "outgoing_id",
    "ask": "request_id",
    "glass": "request_id",
}
# A poisoned item must not be tried for ever.
_TRIES = 3
# With doubling waits a quarter of an hour: a machine that is too busy to read a mail is no fault of the mail.
_UNAVAILABLE_TRIES = 12
# Most of a day, as the outbox waits: what was acknowledged counts, however long the other side is away.
_AWAY_TRIES = 300
_FIRST_WAIT_S = 1.0
_REPLICAS_AGAIN = timedelta(seconds=2)
_FILE_AGAIN = timedelta(seconds=5)
# A newer file comes to all processes within a roll-out; one that was taken back comes to none of them.
_FILE_COMES, _FILE_COMES_S = timedelta(minutes=10), 900.0
# One alert in so long for each shard.
_TOLD_S = 3600.0


class Dispatcher:
    """Takes one piece of scheduled work and does it, by its kind."""

    def __init__(
        self,
        store: Store,
        loop: Loop,
        inbox: Inbox,
        outbox: Outbox,
        decisions: Decisions,
        departures: Departures,
        reviews: AfterReviews,
        people: People,
    ) -> None:
        self._store, self._loop, self._inbox, self._outbox, self._decisions = store, loop, inbox, outbox, decisions
        self._departures, self._reviews, self._people = departures, reviews, people
        self._noted = NotedTables(store)
        self._in_hand = set[WorkItem]()

    async def look(self, item: WorkItem) -> None:
        """Do it; an error that is not the store's is counted and, at the third time, a dead letter.

        What can't be done just now may be tried more often.
        """
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**{_NAMES[item.kind]: item.id})
        if item in self._in_hand:
            return  # the queue was long, and the sweeper brought it once more
        if item.kind in ("in", "out"):
            self._in_hand.add(item)
        awake = asyncio.create_task(self._stay_awake(item))
        try:
            with self._people.speaking_to(""), in_time():
                await self._look(item)
        except NotReplicated as error:
            log.warning("put off, nothing was executed", item=str(item), error=str(error))
            await self._store.come_back(item, await self._store.now(item.id) + _REPLICAS_AGAIN)
            await self._tell_not_replicated(item)
        except WaitsForFile as error:
            log.info("put off", item=str(item), error=str(error))
            if item.kind == "in":
                await self._noted.keep(item.id)
            await self._store.come_back(item, await self._store.now(item.id) + _FILE_AGAIN)
            if not self._people.half_taken:
                await self._tell_of_newer_file(item)
        except StoreError:
            raise
        except ChannelUnauthorized as error:  # it is we who are refused: nothing is wrong with the item
            log.warning("put off: we are refused", item=str(item), error=str(error))
            await self._outbox.locked_out(item.id, error)
            await self._store.push_off(item)
        except ChannelUnavailable as error:
            log.warning("put off", item=str(item), error=str(error))
            is_away = isinstance(error, ChannelAway)
            await self._count(item, str(error), _AWAY_TRIES if is_away else _UNAVAILABLE_TRIES)
        except Exception as error:
            log.exception("failed", item=str(item))
            await self._count(item, f"{type(error).__name__}: {error}"[:2_000], _TRIES)
        finally:
            self._in_hand.discard(item)
            awake.cancel()

    async def _stay_awake(self, item: WorkItem) -> None:
        """Keep the sweeper from bringing the same work again, while a model thinks or a mail server is slow."""
        while True:
            await asyncio.sleep(self._store.grace_s / 2)
            with suppress(StoreError):  # the next one may reach it
                await self._store.push_off(item)

    async def _look(self, item: WorkItem) -> None:
        match item.kind:
            case "run":
                await self._loop.advance(RunId(item.id))
            case "in":
                await self._inbox.handle(item.id)
            case "out":
                if asks_who_left := await self._outbox.send(item.id):
                    await self._departures.look(asks_who_left)
            case "ask":
                await self._decisions.look(RequestId(item.id))
                await self._departures.look(RequestId(item.id))
            case "glass" if self._people.half_taken:
                pass  # whom it asks may only be missing in a file; the schedule brings it back
            case "glass":
                await self._reviews.start(RequestId(item.id))

    async def _requester(self, item: WorkItem) -> tuple[PersonId, ...]:
        """Return the requester who waits for a stuck run, as far as the lists know; its events may be unreadable."""
        run = summary_in(await self._store.lists.summary(item.id)) if item.kind == "run" else None
        return (run.requester,) if run else ()

    async def _tell_not_replicated(self, item: WorkItem) -> None:
        name = f"not replicated s{shard_of(item.id)}"
        await self._outbox.alert_once(name, _TOLD_S, item.id, _not_replicated)

    async def _tell_of_newer_file(self, item: WorkItem) -> None:
        now = self._store.about_now()
        since, _ = await self._store.remember(f"newer file {item}", now.isoformat().encode(), _FILE_COMES_S)
        if now - datetime.fromisoformat(since.decode()) >= _FILE_COMES:
            await self._outbox.alert_once("newer file", _TOLD_S, item.id, _newer_file)

    async def _count(self, item: WorkItem, why: str, at_most: int) -> None:
        note = Note(kind="dead", what=str(item), why=why, at=await self._store.now(item.id), member=str(item))
        if await self._store.put_off(item, _FIRST_WAIT_S) >= at_most:
            if not await self._outbox.is_alert(item):  # whom it does not reach, another one does not either
                words = partial(_given_up, item, why, at_most)
                await self._outbox.alert(item.id, words, also=await self._requester(item))
            await self._store.give_up(item, note.model_dump_json().encode())


def _not_replicated() -> tuple[str, str]:
    return say("notice.alert-not-replicated-title"), say("notice.alert-not-replicated")


def _newer_file() -> tuple[str, str]:
    return say("notice.alert-newer-file-title"), say("notice.alert-newer-file")


def _given_up(item: WorkItem, why: str, tries: int) -> tuple[str, str]:
    title = say("notice.alert-work-given-up-title", count=tries, item=item)
    return title, say("notice.alert-work-given-up", why=trouble_of(why), id=item.id)
