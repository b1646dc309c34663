"""What is live somewhere, who let it be, and how often and how fast that goes, out of requests and runs. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from agents.requests import RunId
from bot.queries.environments import Place
from bot.render.views import RequestView, Summary

DAYS = 14
_SHOWN = 10
_COMMIT = re.compile(r"[0-9a-f]{40}")
# The picture, in its own units: a column a day.
_COLUMN, _HEIGHT = 20, 48


@dataclass(frozen=True, slots=True)
class Bar:
    """A column of a picture, as high as what it stands for beside the highest."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Deploy:
    """An approval that was asked for. `word` says what came of it; `took` is the time until somebody decided."""

    request: RequestView
    word: str
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class History:
    """`now` is the deployment that brought what is live, if it is known. `took` is the median time to a decision.

    `days` are deployments a day, `waits` the newest decisions by how long they took, both oldest first.
    """

    now: Deploy | None
    newest: tuple[Deploy, ...]
    days: tuple[Bar, ...]
    waits: tuple[Bar, ...]
    done: int
    took: timedelta | None


def history_of(
    place: Place, requests: Iterable[RequestView], runs: Mapping[RunId, Summary], now: datetime
) -> History | None:
    """Return the history of `place` by `requests`, newest first, whose `runs` say how they ended; None without any."""
    own = [one for one in requests if one.call and one.call.effect.environment == place.name]
    deploys = [_deploy(one, runs.get(one.run_id)) for one in own if one.format == "approval"]
    if not deploys:
        return None
    done = [one for one in deploys if one.word == "done"]
    took = [one.took for one in deploys if one.took is not None]
    days = _days([one.request.started_at or one.request.opened_at for one in done], now)
    return History(
        now=next((one for one in done if _brought(one.request, place)), None),
        newest=tuple(deploys[:_SHOWN]),
        days=_bars(days),
        waits=_bars([one.total_seconds() for one in took[:DAYS]][::-1]),
        done=sum(days),
        took=timedelta(seconds=median(one.total_seconds() for one in took)) if took else None,
    )


def _deploy(request: RequestView, run: Summary | None) -> Deploy:
    decision = request.decision
    took = decision.at - request.opened_at if decision and decision.by else None
    if request.state != "approved":
        return Deploy(request, request.state, took)
    if request.started_at is None:
        return Deploy(request, "not begun" if run and run.outcome else "approved", took)
    return Deploy(request, (run.word or run.state) if run else "started", took)


def _brought(request: RequestView, place: Place) -> bool:
    """Return whether what is live is the commit that was approved."""
    live, effect = _COMMIT.search(place.text), request.call.effect if request.call else None
    return bool(live and effect and live[0] in {effect.commit, *effect.argv})


def _days(times: Sequence[datetime], now: datetime) -> list[int]:
    days = [0] * DAYS
    for at in times:
        ago = (now.date() - at.astimezone(now.tzinfo).date()).days
        if 0 <= ago < DAYS:
            days[DAYS - 1 - ago] += 1
    return days


def _bars(figures: Sequence[float]) -> tuple[Bar, ...]:
    """What is not nothing is high enough to be seen."""
    most = max(figures, default=0) or 1
    heights = [max(2, round(_HEIGHT * figure / most)) if figure else 0 for figure in figures]
    return tuple(Bar(number * _COLUMN + 2, _HEIGHT - height, height) for number, height in enumerate(heights))
