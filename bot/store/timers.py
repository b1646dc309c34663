"""The clock that scripts go by, and what is counted by it: the due times of triggers, and the days of budgets."""

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog

from agents.budgets import Limits, Spent
from bot.store import client as clock
from bot.store import scripts
from bot.store.client import Client, Command
from bot.store.keys import Keys

log = structlog.stdlib.get_logger()


def boot_s() -> float:
    """Seconds by a clock that goes on while the machine is suspended, where it has one (Linux)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Clock:
    """The time of the scripts as it was read last, moved on by this machine's clock for `good_for_s`.

    That is enough to schedule by, and to look by. What is final is judged by the scripts, by the server's own time.
    """

    def __init__(self, good_for_s: float) -> None:
        self._good_for_s, self._read = good_for_s, dict[int, tuple[datetime, float]]()
        self._last, self._is_ahead = (datetime.now(UTC), boot_s()), False

    def asked(self, keys: Keys) -> Sequence[Command]:
        """The reads that `noted` takes the answers of: none while the last reading of this shard is good."""
        return () if self._is_good(self._read.get(keys.shard)) else clock.asked(keys)

    def noted(self, keys: Keys, told: Sequence[Any]) -> datetime:
        """The time of a shard, by the answers to what was `asked`."""
        if told:
            read_at, ahead = clock.adjusted(told[0], told[1])
            self._last = self._read[keys.shard] = (read_at, boot_s())
            self._warn(ahead)
            return read_at
        read_at, at_s = self._read[keys.shard]
        return read_at + timedelta(seconds=boot_s() - at_s)

    def heard(self, keys: Keys, moment: datetime) -> None:
        """Keep the time of a shard as one of its scripts has just told it."""
        self._last = self._read[keys.shard] = (moment, boot_s())

    def _is_good(self, found: tuple[datetime, float] | None) -> bool:
        return found is not None and boot_s() - found[1] < self._good_for_s

    def about(self, keys: Keys | None = None) -> datetime:
        """About the time of a shard, or of any where this one was never read, however long ago that was.

        For facts, not for judging. Where a clock was set back, or a replica with another one took over, the time of one
        shard may be an hour ahead of that of another.
        """
        read_at, at_s = self._read.get(keys.shard, self._last) if keys else self._last
        return read_at + timedelta(seconds=boot_s() - at_s)

    def _warn(self, ahead: timedelta) -> None:
        if (ahead >= clock.FAR_AHEAD) != self._is_ahead:
            self._is_ahead = not self._is_ahead
            if self._is_ahead:
                log.error("Redis's clock was set back: see sayso doctor", ahead_s=round(ahead.total_seconds()))


# Workers with two files run side by side while they are restarted one after the other.
_ROLLING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Tick:
    """The first moment of a cron line that was not dealt with. `left_at`: a worker's file did not have it then."""

    at: datetime
    left_at: datetime | None = None

    def is_forgotten(self, now: datetime) -> bool:
        """Return whether no file has had it for longer than workers take to be restarted."""
        return self.left_at is not None and now >= self.left_at + _ROLLING


class Ticks:
    """The ticks, by cron line, each under one name. All methods raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._shards = client, shards

    def shard_of(self, name: str) -> int:
        """Return the shard where a tick is kept, and so whose sweeper looks at it."""
        return self._client.ingress(f"trigger {name}", self._shards)

    async def read(self, name: str) -> tuple[Tick | None, datetime]:
        """Return the next tick, None before its line was first seen; and the time by the store's clock."""
        keys = Keys(self.shard_of(name))
        held, *told = await self._client.read(["HGET", keys.ticks, name], *clock.asked(keys))
        return _tick(held), clock.adjusted(*told)[0]

    async def leave_others(self, shard: int, names: Collection[str]) -> list[str]:
        """Leave the ticks of a shard that have none of these `names` to workers with another file.

        What no file has had for a while is forgotten; return that.
        """
        keys = Keys(shard)
        held, *told = await self._client.read(["HGETALL", keys.ticks], *clock.asked(keys))
        ticks, now = {name.decode(): _tick(body) for name, body in held.items()}, clock.adjusted(*told)[0]
        others = {name: tick for name, tick in ticks.items() if tick and name not in names}
        for name, tick in others.items():
            if tick.left_at is None:
                await self._client.run(scripts.set_if(keys.ticks, name, _held(Tick(tick.at, now)), _held(tick)))
        gone = [name for name, tick in others.items() if tick.is_forgotten(now)]
        taken = [await self._client.run(scripts.set_if(keys.ticks, name, "", _held(others[name]))) for name in gone]
        return [name for name, one in zip(gone, taken, strict=True) if one.is_set]

    async def move(self, name: str, before: Tick | None, after: Tick) -> bool:
        """Have `after` be due next; False when somebody else has moved on from `before`."""
        keys = Keys(self.shard_of(name))
        return (await self._client.run(scripts.set_if(keys.ticks, name, _held(after), _held(before)))).is_set


def _tick(held: bytes | None) -> Tick | None:
    if not held:
        return None
    at, _, left_at = held.decode().partition(" ")
    return Tick(clock.moment(at), clock.moment(left_at) if left_at else None)


def _held(tick: Tick | None) -> str:
    return " ".join(str(round(one.timestamp() * 1000)) for one in (tick.at, tick.left_at) if one) if tick else ""


# Longer than a day lasts anywhere; nobody asks about an earlier one.
_KEEP_S = 3 * 24 * 3600
_DOLLAR = 1_000_000  # Redis counts whole numbers: millionths of a dollar
_FIELDS = ("steps", "tokens", "microdollars", "unpriced")


class Days:
    """The use of budgets, by agent and day. All methods raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._shards = client, shards

    async def note(self, agent: str, day: date, run_id: str, seq: int, spent: Spent) -> None:
        """`spent` is all that a run, of so many events, has used that day. What was told of it before is replaced."""
        used = (spent.steps, spent.tokens, round(spent.cost_usd * _DOLLAR), spent.unpriced)
        told: dict[str, int] = dict(zip(_FIELDS, used, strict=True))
        await self._client.run(scripts.use_of_day(self._key(agent, day, "used"), run_id, seq, _KEEP_S * 1000, told))

    async def look(self, agent: str, day: date) -> tuple[Spent, Limits]:
        """Return an agent's use on a day, and how far people have extended the day's budget."""
        used, more = await self._client.read(
            ["HMGET", self._key(agent, day, "used"), *_FIELDS], ["HVALS", self._key(agent, day, "more")]
        )
        steps, tokens, microdollars, unpriced = (int(one or 0) for one in used)
        return Spent(steps, tokens, microdollars / _DOLLAR, unpriced), _furthest(more)

    async def extend(self, agent: str, day: date, question: str, limits: Limits) -> bool:
        """People answered a question: so much may be used from now on. False when that answer had its effect before."""
        key, body = self._key(agent, day, "more"), json.dumps([limits.steps, limits.tokens, limits.cost_usd])
        is_new, _ = await self._client.read(["HSETNX", key, question, body], ["EXPIRE", key, _KEEP_S])
        return bool(is_new)

    def _key(self, agent: str, day: date, what: str) -> str:
        return Keys(self._client.ingress(f"day {agent}", self._shards)).day(agent, day.isoformat(), what)


def _furthest(bodies: Sequence[bytes]) -> Limits:
    found = Limits()
    for body in bodies:
        steps, tokens, cost_usd = json.loads(body)
        found = found.or_more(Limits(steps, tokens, cost_usd))
    return found
