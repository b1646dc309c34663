"""The parts of a process while it runs: what receives, what looks at schedules, and what waits for Redis first."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from agents.requests import RequestId
from bot.app import App
from bot.process.half_taken import HalfTaken
from bot.store import OtherRelease, StoreError, StoreUnavailable
from bot.store.client.durability import check, check_clock, check_shards
from bot.store.format import check_format
from bot.store.watch import ended
from channels import Channel

log = structlog.stdlib.get_logger()

_START_AGAIN_S = 1.0
_LONGEST_WAIT_S = 600.0
_LEAVE_WITHIN_S = 2.5
# A store that somebody emptied, or put in another one's place, is noticed so soon.
_LOOK_AT_FORMAT_S = 15.0
# Often enough for a day in which others heed it.
_SAY_RELEASE_S = 3_600.0


@asynccontextmanager
async def running(app: App, *, works: bool, receives: Collection[str]) -> AsyncGenerator[None]:
    """The parts of a process while the context is open: `works` looks at schedules; `receives` names the channels
    that are received from.

    Waits for Redis first. Leaving it lets what runs end or detaches it, within 4 s.
    """
    await _ready(app)
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
            receivers.append(asyncio.create_task(_renew_cards(app), name="renew mail cards"))
            receivers.append(asyncio.create_task(_look_at_departures(app), name="departures"))
            # Beside the sweeps, for a slow archive must hold up nobody's work.
            receivers.append(asyncio.create_task(app.work.retention.keep_looking(), name="retention"))
            receivers.append(asyncio.create_task(_say_release(app), name="say release"))
            receivers.append(asyncio.create_task(app.drift.keep_looking(), name="drift"))
            receivers.append(asyncio.create_task(app.work.audit.keep_looking(), name="audit"))
            sealing = app.work.sealer.keep_sealing(app.settings.sweep_s)
            receivers.append(asyncio.create_task(sealing, name="seal"))
        try:
            yield
        finally:
            await ended(receivers)


async def _due(app: App, shard: int) -> None:
    """Do what is due in a shard beside the schedule: timers, freezes, absences."""
    await app.work.crons.sweep(shard)
    await app.requests.freezes.look(shard)
    if shard == 0:
        await app.requests.absences.look()


async def _say_release(app: App) -> None:
    """Say for ever which release is at work here."""
    while True:
        await asyncio.sleep(_SAY_RELEASE_S)
        try:
            await app.store.note_release()
        except StoreError as error:
            log.warning("not said which release is at work", error=str(error))


async def keep_to_format(app: App, every_s: float = _LOOK_AT_FORMAT_S) -> None:
    """Look for ever whether the store still has our format; raise OtherFormat once it has not."""
    await app.ready.wait()
    while True:
        await asyncio.sleep(every_s)
        try:
            await check_format(app.store.client)
        except StoreUnavailable as error:
            log.warning("not looked at the format of the store", error=str(error))


async def _renew_cards(app: App) -> None:
    """Send again what an earlier release asked by mail, as answers to its mails no longer approve."""
    try:
        open_ones = await app.store.lists.requests(only_open=True)
        renewed = sum([await _renewed(app, RequestId(each)) for each in open_ones])
    except Exception:
        log.exception("cards of an earlier release were not sent again; the next start tries it once more")
    else:
        if renewed:
            log.warning("cards that an earlier release sent by mail were sent again", count=renewed)


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


async def _renewed(app: App, request_id: RequestId) -> int:
    try:
        return await app.requests.decisions.revisions.renew_mail_cards(request_id)
    except OtherRelease:  # whose cards are as they should be
        return 0


async def _receive(app: App, channel: Channel) -> None:
    """Receive for ever, also from a channel that breaks off against its word: nobody else would notice."""
    while True:
        try:
            await channel.receive(app.messages.inbox.accept, app.requests.lookup)
        except Exception:
            log.exception("receiving broke off, begins again", channel=channel.name)
        await asyncio.sleep(_START_AGAIN_S)


async def _ready(app: App) -> None:
    """Redis answers, keeps what it acknowledges, and has the shards we think it has. Waits while it is away."""
    while True:
        try:
            durability = await check(app.store.client, app.settings.accept_durability)
            await check_format(app.store.client)  # before anything else is read or written
            await check_shards(app.store.client, app.store.shards)
            await check_clock(app.store.client, app.store.shards, is_test=app.settings.test_clock)
            await app.store.note_release()  # before anything is written that another can't read
            await app.register.hold()  # before anybody is taken for whoever had their id
            await HalfTaken(app).begin()  # before anything is ended because somebody is not there
            if await app.store.lists.are_whole():
                await app.store.lists.note_whole()
            else:
                log.warning("lists lack what an earlier release wrote", fix="sayso rebuild, once none of it runs")
            return log.info("ready", durability=durability, rehearsal=not app.models)
        except StoreUnavailable as error:
            log.warning("waiting for Redis", error=str(error))
            await asyncio.sleep(_START_AGAIN_S)
