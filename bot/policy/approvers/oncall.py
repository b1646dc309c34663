"""Who is on call at a moment, by a rotation and its overrides. Pure.

A shift is measured on the wall clock of the rotation's zone, so one of whole days hands over at the same local time all
year: where clocks go forward or back in between, it is an hour shorter or longer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from agents.requests import PersonId
from bot.config.directory.oncall import OncallTable


@dataclass(frozen=True, slots=True)
class Duty:
    """`person` is on call from `starts`, until `until`. Both are aware, in UTC."""

    person: PersonId
    starts: datetime
    until: datetime


def on_call(table: OncallTable, at: datetime) -> PersonId | None:
    """Return who is on call `at` this moment; None before the rotation starts."""
    return _override(table, at) or _in_turn(table, at)


def duty(table: OncallTable, at: datetime) -> Duty | None:
    """Return whose duty `at` falls into, and the stretch of it without a change of person or turn."""
    person = on_call(table, at)
    if person is None:
        return None
    starts, until = _turn(table, at)
    changes = [_moment(table, local) for one in table.overrides for local in (one.starts, one.until)]
    if at < _moment(table, table.starts):  # only an override is on call yet
        starts, until = datetime.min.replace(tzinfo=UTC), _moment(table, table.starts)
    starts = max([starts, *(one for one in changes if one <= at)])
    return Duty(person, starts, min([until, *(one for one in changes if one > at)]))


def next_duty(table: OncallTable, at: datetime) -> Duty | None:
    """Return the first duty after `at` of somebody else; None where nobody else is in the table for long."""
    now = duty(table, at)
    starts = _moment(table, table.starts)
    look = now.until if now else min([starts, *(_moment(table, one.starts) for one in table.overrides)], default=starts)
    look = look if look > at else starts
    # Each override divides a turn in three at most.
    for _ in range(len(table.rotation) + 3 * len(table.overrides) + 2):
        found = duty(table, look)
        if found and (now is None or found.person != now.person):
            return found
        look = found.until if found else starts
    return None


def _override(table: OncallTable, at: datetime) -> PersonId | None:
    for one in table.overrides:
        if _moment(table, one.starts) <= at < _moment(table, one.until):
            return _id(one.person)
    return None


def _in_turn(table: OncallTable, at: datetime) -> PersonId | None:
    number = _number(table, at)
    return None if number < 0 else _id(table.rotation[number % len(table.rotation)])


def _turn(table: OncallTable, at: datetime) -> tuple[datetime, datetime]:
    number = _number(table, at)
    return _handover(table, number), _handover(table, number + 1)


def _number(table: OncallTable, at: datetime) -> int:
    """Return how many turns came before the one that `at` falls into."""
    local = at.astimezone(ZoneInfo(table.timezone)).replace(tzinfo=None)
    number = (local - table.starts) // timedelta(seconds=table.shift_s)
    while _handover(table, number) > at:
        number -= 1
    while _handover(table, number + 1) <= at:
        number += 1
    return number


def _handover(table: OncallTable, number: int) -> datetime:
    return _moment(table, table.starts + number * timedelta(seconds=table.shift_s))


def _moment(table: OncallTable, local: datetime) -> datetime:
    """Return when the clocks of the zone show `local`: the first time, and after the jump where they skip it."""
    return local.replace(tzinfo=ZoneInfo(table.timezone), fold=0).astimezone(UTC)


def _id(ref: str) -> PersonId:
    return PersonId(ref.partition(":")[2])
