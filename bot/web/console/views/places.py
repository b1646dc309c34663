"""What is live somewhere, who let it be, and how often and how fast that goes, out of requests and runs. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from agents.requests import Decision, PersonId, RunId
from agents.standing import ALLOW_AGAIN
from bot.queries.environments import Place
from bot.render.views import EffectView, RequestView, Summary, commit_of

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
    """A deployment that was asked for: by the request that allowed it, or by its run where nobody had to approve.

    `word` says what came of it. `commit` is what it was to put live, and `took` the time until people decided it.
    """

    href: str
    title: str
    by: tuple[PersonId, ...]
    at: datetime
    began: datetime | None
    word: str
    commit: str
    decision: Decision | None = None
    took: timedelta | None = None


@dataclass(frozen=True, slots=True)
class History:
    """`now` is the deployment that brought what is live, if it is known; `newest` are those that its reader may see.

    All figures are of everybody's: `took` is the median time to a decision, `days` are deployments a day, `waits` the
    newest decisions by how long they took, both oldest first.
    """

    now: Deploy | None
    newest: tuple[Deploy, ...]
    days: tuple[Bar, ...]
    waits: tuple[Bar, ...]
    done: int
    took: timedelta | None


def deploys_of(place: Place, requests: Iterable[RequestView], runs: Mapping[RunId, Summary]) -> list[Deploy]:
    """Return the deployments to `place`, newest first, by requests and `runs`, which say what came of them."""
    calls = [one for one in requests if one.call and one.call.tool != ALLOW_AGAIN]  # which puts nothing live
    own = [one for one in calls if one.call and one.call.effect.environment == place.name]
    deploys = [_approved(one, runs.get(one.run_id)) for one in own if one.format == "approval"]
    for run in runs.values():
        effects = (one for one in run.effects if one.environment == place.name and one.request_id is None)
        deploys += [_of_run(run, one) for one in effects]
    return sorted(deploys, key=lambda one: one.at, reverse=True)


def history_of(
    place: Place,
    deploys: Sequence[Deploy],
    now: datetime,
    everybodys: Sequence[Deploy] | None = None,
    *,
    is_drift: bool = False,
) -> History | None:
    """Return the history of `place` by `deploys`, newest first; None where there is nothing to tell.

    `everybodys` are also those that are not shown here: one of them may have brought what is live. What is older than
    these brought nothing that is known: others may have come between. `is_drift`: nobody knows what brought it.
    """
    known = deploys if everybodys is None else everybodys
    every = sorted({one.href: one for one in (*known, *deploys)}.values(), key=lambda one: one.at, reverse=True)
    if not every:
        return None
    done = [one for one in every if one.word == "done"]
    took = [one.took for one in every if one.took is not None]
    days, live = _days([one.began or one.at for one in done], now), _COMMIT.search(place.text)
    brought = _now(known, live[0]) if live and not is_drift else None
    return History(
        now=brought if brought in deploys else None,
        newest=tuple(deploys[:_SHOWN]),
        days=_bars(days),
        waits=_bars([one.total_seconds() for one in took[:DAYS]][::-1]),
        done=sum(days),
        took=timedelta(seconds=median(one.total_seconds() for one in took)) if took else None,
    )


def _now(deploys: Iterable[Deploy], live: str) -> Deploy | None:
    """Return the deployment that put `live` there. What did not work may have done so all the same.

    What was put there before the newest one that worked is back another way.
    """
    begun, found = [one for one in deploys if one.began and one.commit and one.word != "not done"], None
    for one in sorted(begun, key=lambda one: one.began or one.at, reverse=True):
        if one.word == "done":
            return one if one.commit == live else found
        found = one if found is None and one.commit == live else found
    return found


def _approved(request: RequestView, run: Summary | None) -> Deploy:
    decision = request.decision
    return Deploy(
        href=f"/requests/{request.id}",
        title=request.title.removesuffix("?"),
        by=request.askers,
        at=request.opened_at,
        began=request.started_at,
        word=_word(request, run),
        commit=commit_of(request.call.effect) if request.call else "",
        decision=decision,
        took=decision.at - request.opened_at if decision and decision.by and not decision.standing else None,
    )


def _of_run(run: Summary, effect: EffectView) -> Deploy:
    at = effect.started_at
    return Deploy(f"/runs/{run.id}", run.wish, (run.requester,), at, at, _WORDS[effect.result], effect.commit)


_WORDS = {
    "running": "running",
    "left": "interrupted",
    "ok": "done",
    "error": "failed",
    "unknown": "unknown",
    "not_done": "not done",
}


def _word(request: RequestView, run: Summary | None) -> str:
    """Return what came of a request: by the result of what it allowed, and not by how its run went on."""
    if request.state != "approved":
        return request.state
    if request.started_at is None:
        return "not begun" if run and run.outcome else "approved"
    own = [one for one in run.effects if one.request_id == request.id] if run else []
    ended = [one for one in own if one.result in {"ok", "error"}]
    if own:
        return _WORDS[(ended or own)[-1].result]
    # Only the newest effects are kept; an older release kept none.
    return (run.word or run.state) if run and not run.effects else "started"


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
