"""The parts of a process while it runs: what receives, what looks at schedules, and what waits for Redis first."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from bot.app import App
from bot.process.half_taken import HalfTaken
from bot.store import StoreError, StoreUnavailable, WentBack
from bot.store.client.durability import NotWhole, check, check_clock
from bot.store.watch import ended
from bot.store.went_back import begin, look
from channels import Channel

log = structlog.stdlib.get_logger()

_START_AGAIN_S = 1.0
_LONGEST_WAIT_S = 600.0
_LEAVE_WITHIN_S = 2.5
# Often enough for a day in which others heed it.


@asynccontextmanager
async def running(app: App, *, works: bool, receives: Collection[str]) -> AsyncGenerator[None]:
    """The parts of a process while the context is open: `works` looks at schedules; `receives` names the channels
    that are received from.

    Waits for Redis first, and where it neither works nor receives, for a store that is whole. Leaving it lets what runs
    end or detaches it, within 4 s.
    """
    await _ready(app, holds=not works and not receives)
    app.ready.set()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(app.store.client.close)
        for model in app.models.values():
            stack.push_async_callback(model.close)
        stack.push_async_callback(app.telemetry.close)
        receivers = [
            asyncio.create_task(_receive(app, channel), name=f"receive {channel.name}")
            for channel in app.messages.channels.values()
            if channel.name in receives
        ]
        if works:
            stack.push_async_callback(app.runs.executor.leave, _LEAVE_WITHIN_S)
            work, tools = app.work, app.runs.executor
            serving = work.queue.serving(work.dispatcher.look, lambda shard: _due(app, shard), lambda: tools.count)
            await stack.enter_async_context(serving)
            receivers.append(asyncio.create_task(_look_at_departures(app), name="departures"))
            # Beside the sweeps, for a slow archive must hold up nobody's work.
            receivers.append(asyncio.create_task(app.work.retention.keep_looking(), name="retention"))
            receivers.append(asyncio.create_task(app.drift.keep_looking(), name="drift"))
            receivers.append(asyncio.create_task(app.work.audit.keep_looking(), name="audit"))
            sealing = app.work.sealer.keep_sealing(app.settings.sweep_s)
            receivers.append(asyncio.create_task(sealing, name="seal"))
        try:
            yield
        finally:
            await ended(receivers)


async def _due(app: App, shard: int) -> None:
    """Do what is due in a shard beside the schedule: timers, freezes, absences, ended standing approvals."""
    await app.work.crons.sweep(shard)
    await app.requests.freezes.look(shard)
    if shard == 0:
        await app.requests.absences.look()
        await app.requests.standing.look()


async def keep_to_store(app: App, *, holds: bool) -> None:
    """Look for ever whether the store is still the one that it was; raise what is wrong once it is not.

    A process that `holds` then says so to whoever asks, and does nothing until the store is whole.
    """
    await app.ready.wait()
    is_away = False
    while True:
        await app.store.memory.doubted(app.settings.sweep_s)
        try:
            await look(app.store)
            app.ready.set()
            is_away = False
        except (WentBack, NotWhole) as error:
            if not holds:
                raise
            _hold(app, error)
        except StoreUnavailable as error:
            if not is_away:
                log.warning("not looked whether the store is what it was", error=str(error))
            is_away = True


def _hold(app: App, error: StoreError) -> None:
    """Do nothing from now on, and say so to whoever asks."""
    if app.ready.is_set() or not app.store.memory.trouble:
        log.error("holds", error=str(error))
    app.store.memory.trouble = str(error)
    app.ready.clear()


async def _look_at_departures(app: App) -> None:
    """Ask others where those who may decide have left while nothing ran."""
    wait_s = _START_AGAIN_S
    while not await _looked_at_departures(app):
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


async def _looked_at_departures(app: App) -> bool:
    try:
        return await app.requests.departures.look_at_all()
    except StoreError:
        log.exception("open requests were not looked at for people who have left; it is tried again")
        return False


async def _receive(app: App, channel: Channel) -> None:
    """Receive for ever, also from a channel that breaks off against its word: nobody else would notice."""
    while True:
        try:
            await channel.receive(app.messages.inbox.accept, app.requests.lookup)
        except Exception:
            log.exception("receiving broke off, begins again", channel=channel.name)
        await asyncio.sleep(_START_AGAIN_S)


async def _ready(app: App, *, holds: bool) -> None:
    """Redis answers, keeps what it acknowledges, and is the store that we think it is. Waits while it is away.

    Who `holds` waits as well while it is not whole.
    """
    while True:
        try:
            durability = await check(app.store.client, app.settings.accept_durability)
            await begin(app.store, app.data_dir.folder)  # before anything else is read or written
            await check_clock(app.store.client, app.store.shards, is_test=app.settings.test_clock)
            # A shard that this process brings knows of no freeze, and workers may be a while.
            await app.store.freezes.spread(await app.store.freezes.catch_up())
            await app.register.hold()  # before anybody is taken for whoever had their id
            await HalfTaken(app).begin()  # before anything is ended because somebody is not there
            app.store.memory.trouble = ""
            return log.info("ready", durability=durability, rehearsal=not app.models)
        except (WentBack, NotWhole) as error:
            if not holds:
                raise
            _hold(app, error)
            await asyncio.sleep(_START_AGAIN_S)
        except StoreUnavailable as error:
            log.warning("waiting for Redis", error=str(error))
            await asyncio.sleep(_START_AGAIN_S)
