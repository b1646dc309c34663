"""When the windows of the settings freeze an environment, and until when. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime

from agents.requests import Freeze, Frozen
from bot.config.deploy import DAYS, FreezeWindowConfig

# A week and a day: whatever days a window names, one of them begins by then. In some zones a date was left out.
_AHEAD = 9
# Windows that follow on each other are one freeze to whoever waits; of more than so many it is looked again.
_JOINED = 100
_LISTED_FOR, _LISTED = timedelta(days=14), 10
_MINUTE = timedelta(minutes=1)


class ComingWindow(Frozen):
    """A window that begins at `since`, and ends at `until`. Without `environments` it freezes everything.

    `until` is None where it is not known: a window of days that has no end within a week or so.
    """

    window: str
    environments: tuple[str, ...] = ()
    since: AwareDatetime
    until: AwareDatetime | None = None
    timezone: str = "UTC"


def window_at(windows: Sequence[FreezeWindowConfig], environment: str | None, now: datetime) -> Freeze | None:
    """The freeze of `environment` by windows; None for none. Its end is that of all windows that follow on each other.

    What has no environment is frozen by windows of everything alone.
    """
    mine = [window for window in windows if _is_for(window, environment)]
    first = next((window for window in mine if _is_on(window, now)), None)
    if first is None:
        return None
    where = environment if first.environments and environment else ""
    return Freeze(environment=where, window=first.name, since=_since(first, now), until=_until(mine, now))


def next_window(windows: Sequence[FreezeWindowConfig], environment: str | None, now: datetime) -> datetime | None:
    """When the next window of `environment` begins, later than `now`; None when none does within a week or so."""
    begins = (begin for window in windows if _is_for(window, environment) for begin in _later(window, now))
    return min(begins, default=None)


def coming_windows(windows: Sequence[FreezeWindowConfig], now: datetime) -> tuple[ComingWindow, ...]:
    """The windows that begin within two weeks, at most ten, in that order; each goes by itself, though they overlap."""
    found = [
        ComingWindow(
            window=window.name,
            environments=window.environments,
            since=begin,
            until=_end(window, begin),
            timezone=window.timezone,
        )
        for window in windows
        for begin in _begins_by(window, now, now + _LISTED_FOR)
    ]
    return tuple(sorted(found, key=lambda one: one.since)[:_LISTED])


def active(windows: Sequence[FreezeWindowConfig], now: datetime) -> tuple[str, ...]:
    """The windows that are on, with their places in the file, each with all that it says."""
    return tuple(f"{place} {window.model_dump_json()}" for place, window in enumerate(windows) if _is_on(window, now))


def _is_for(window: FreezeWindowConfig, environment: str | None) -> bool:
    return not window.environments or environment in window.environments


def _is_on(window: FreezeWindowConfig, now: datetime) -> bool:
    if window.days:
        return DAYS[now.astimezone(ZoneInfo(window.timezone)).weekday()] in window.days
    return _moment(window, window.begins) <= now < _moment(window, window.ends)


def _since(window: FreezeWindowConfig, now: datetime) -> datetime:
    """When the window that is on began; one that names every day began today."""
    if not window.days:
        return _moment(window, window.begins)
    first = now.astimezone(ZoneInfo(window.timezone)).date()
    for _ in range(len(DAYS)):
        before = first - timedelta(days=1)
        if DAYS[before.weekday()] not in window.days:
            break
        first = before
    return _midnight(window, first)


def _until(windows: Sequence[FreezeWindowConfig], now: datetime) -> datetime | None:
    """The first moment at which none of `windows` is on; None where one names every day, or too many follow."""
    moment = now
    for _ in range(_JOINED):
        on = [window for window in windows if _is_on(window, moment)]
        if not on:
            return moment
        ends = [_end(window, moment) for window in on]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return None
        moment = max(known)
    return None


def _end(window: FreezeWindowConfig, now: datetime) -> datetime | None:
    if not window.days:
        return _moment(window, window.ends)
    later = (day for day in _days_from(window, now) if DAYS[day.weekday()] not in window.days)
    return next((_midnight(window, day) for day in later), None)


def _begins(window: FreezeWindowConfig, now: datetime) -> Iterable[datetime]:
    if not window.days:
        return [_moment(window, window.begins)]
    return (_midnight(window, day) for day in _days_from(window, now) if DAYS[day.weekday()] in window.days)


def _begins_by(window: FreezeWindowConfig, now: datetime, until: datetime) -> Iterator[datetime]:
    """Yield when a window begins, after `now` and by `until`; days that follow on each other are one beginning."""
    begin = min(_later(window, now), default=None)
    while begin and begin <= until:
        # A date that a zone left out names a moment at which another one begins.
        if _is_on(window, begin) and not _is_on(window, begin - _MINUTE):
            yield begin
        begin = min(_later(window, begin), default=None)


def _later(window: FreezeWindowConfig, now: datetime) -> Iterator[datetime]:
    return (begin for begin in _begins(window, now) if begin > now)


def _days_from(window: FreezeWindowConfig, now: datetime) -> Iterator[date]:
    """The days after that of `now`, in the window's zone."""
    today = now.astimezone(ZoneInfo(window.timezone)).date()
    return (today + timedelta(days=ahead) for ahead in range(1, _AHEAD))


def _midnight(window: FreezeWindowConfig, day: date) -> datetime:
    """When a day begins: where the clock leaves midnight out, at the moment it does."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(window.timezone)).astimezone(UTC)


def _moment(window: FreezeWindowConfig, wall: datetime | None) -> datetime:
    if wall is None:
        raise TypeError(f"{window.name} has days, and no beginning and end")
    return wall.replace(tzinfo=ZoneInfo(window.timezone)).astimezone(UTC)
