"""Runs that begin at a time: one for each tick, however many workers look, and one for all that were missed.

The sweeper of a shard asks here what is due by the store's clock. The run's
id comes of the tick, so that a second firing is the same run; only then is the tick moved on.
"""

from collections.abc import Mapping
from datetime import datetime

import structlog
from pydantic import JsonValue

from agents.requests import RunId
from bot.config.cron import next_tick, recent_tick, ticks_until
from bot.config.triggers import TriggerConfig
from bot.errors import Invalid, RateLimited
from bot.store import StoreError
from bot.store.ids import derived_id
from bot.store.timers import Tick, Ticks
from bot.triggers.firing import TriggerStarts

log = structlog.stdlib.get_logger()

# A busy machine, or a restart, is no outage.
LATE_S = 300
# Who missed more hears "at least".
_COUNTED = 1_000


class Crons:
    """The triggers with a cron line."""

    def __init__(self, ticks: Ticks, firing: TriggerStarts, triggers: Mapping[str, TriggerConfig]) -> None:
        self.ticks, self._firing = ticks, firing
        self._crons = {name: config for name, config in triggers.items() if config.cron}
        # Workers with two files may have another line each: neither takes the other one's moment for its own.
        self._lines = {name: f"{name} {config.cron} {config.timezone}" for name, config in self._crons.items()}

    async def sweep(self, shard: int) -> None:
        """Fire what is due in a shard. What goes wrong with one is tried again at the next sweep."""
        try:
            for line in await self.ticks.leave_others(shard, {*self._lines.values()}):
                log.info("not configured any more", trigger=line)
        except StoreError as error:
            return log.warning("ticks put off", shard=shard, error=str(error))
        for name, config in self._crons.items():
            if self.ticks.shard_of(self._lines[name]) == shard:
                await self._try(name, config)
        return None

    async def due(self, name: str) -> Tick | None:
        """Return the next tick of a trigger; None before its line was first seen, or is again."""
        tick, now = await self.ticks.read(self._lines[name])
        return None if tick is None or tick.is_forgotten(now) else tick

    async def _try(self, name: str, config: TriggerConfig) -> None:
        try:
            try:
                await self._look(name, config, config.cron or "")
            except StoreError:
                raise
            except Exception as error:
                log.exception("tick failed, tried again", trigger=name)
                await self._leave_behind(name, config)
                await self._firing.broke(name, self._near(name), error)
        except StoreError as error:
            log.warning("tick put off", trigger=name, error=str(error))
        except Exception:
            log.exception("nobody hears of a tick that failed", trigger=name)

    async def _leave_behind(self, name: str, config: TriggerConfig) -> None:
        """Give up on a broken tick once a later one is due, which has a run of its own."""
        line = self._lines[name]
        tick, now = await self.ticks.read(line)
        if tick and (later := next_tick(config.cron or "", config.timezone, tick.at)) <= now:
            await self.ticks.move(line, tick, Tick(later))

    def _near(self, name: str) -> str:
        return f"s{self.ticks.shard_of(name)}r-aaaaaaaaaaaaa"

    async def _look(self, name: str, config: TriggerConfig, cron: str) -> None:
        line = self._lines[name]
        tick, now = await self.ticks.read(line)
        following = Tick(next_tick(cron, config.timezone, now))
        if tick is None or tick.is_forgotten(now):  # what was not configured then was not missed
            await self.ticks.move(line, tick, following)
        elif tick.at <= now and not self._firing.waits_for_file(config):
            await self._fire(name, config, tick.at, now)
            await self.ticks.move(line, tick, following)
        elif tick.left_at:
            await self.ticks.move(line, tick, Tick(tick.at))

    async def _fire(self, name: str, config: TriggerConfig, first: datetime, now: datetime) -> None:
        cron, zone = config.cron or "", config.timezone
        due = first if config.missed == "once" else recent_tick(cron, zone, now, LATE_S)
        if due is None:
            return log.warning("ticks skipped", trigger=name, first=first.isoformat())
        ticks = ticks_until(cron, zone, due, now, _COUNTED)
        context: dict[str, JsonValue] = {
            "trigger": name,
            "due": due.isoformat(),
            "late_s": round((now - due).total_seconds()),
            "ticks": ticks,
        }
        run_id = RunId(derived_id("run", self._near(name), f"tick {name} {round(first.timestamp())}"))
        try:
            await self._firing.fire(name, config, config.text or "", context, run_id)
        except (Invalid, RateLimited):
            return None  # the operators have heard; the next tick is another one
