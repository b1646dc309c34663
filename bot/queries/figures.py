"""What operators ask: how much waits, for how long, what failed; for `/metrics` and `sayso status` alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from statistics import median

from agents.model import usage
from agents.requests.record import RequestRecord
from agents.run import RunState
from bot.render.views import Status
from bot.requests.stored import record_in
from bot.store import Store
from bot.store.format import FORMAT
from bot.store.lists import (
    DECIDED_S,
    DECIDED_WITHIN,
    DECISION_MS,
    EXPIRED,
    GLASS_BROKEN,
    NOT_DELIVERED,
    UNCHANGED,
    Figures,
)

AGES: tuple[str, ...] = ("under 5m", "5m-1h", "1h-4h", "4h-1d", "1d-3d", "3d-7d", "over 7d")
"""What the ages of open requests are called, by the places in `bot.store.lists.AGES_S`."""
ENDED: tuple[RunState, ...] = ("done", "failed", "cancelled")
"""The states that a run does not leave."""
LAG_S = 60.0
"""From then on work waits for want of workers, and not by chance."""
SEAL_S = 60.0
"""A sweep seals within a second or two."""

# So many are read at a time.
_AT_ONCE = 500
# A request is open for 30 days at most: an older one was decided before that day.
_DAY, _LONGEST = timedelta(days=1), timedelta(days=30)


def answers(found: Figures) -> dict[str, int]:
    """Answers by what became of them; those that decided are counted by how long it took."""
    others = (DECIDED_WITHIN, NOT_DELIVERED)
    counted = {
        name: count
        for name, count in found.counts.items()
        if name not in {DECISION_MS, EXPIRED, GLASS_BROKEN, UNCHANGED} and not name.startswith(others)
    }
    decided = counted.get("decided", 0) + sum(found.named(DECIDED_WITHIN).values())
    return counted | ({"decided": decided} if decided else {})


def ended(found: Figures) -> dict[str, int]:
    """Runs that have ended by how, those in the archive, too."""
    return {state: found.runs[state] + found.archived[state] for state in ENDED}


def ready(found: Figures) -> dict[str, int]:
    """What a worker could take now."""
    return {"answers": found.answers, "other": found.ready}


def lags_s(found: Figures) -> dict[str, float]:
    """For how long the oldest work of each kind waits."""
    return {
        "answers": found.answers_lag_s,
        "other": found.ready_lag_s,
        "schedule": found.overdue_s,
        "audit": found.unsealed_s,
    }


def decided_within(found: Figures) -> dict[str, int]:
    """Decisions that took no longer than so many seconds."""
    return _within(found.counts, DECIDED_WITHIN, DECIDED_S)


def called_within(use: Counter[str]) -> dict[str, int]:
    """Calls of models that took no longer than so many seconds."""
    return _within(use, usage.WITHIN, usage.SECONDS)


def _within(counts: Counter[str], begins: str, bounds: Sequence[float]) -> dict[str, int]:
    up_to = accumulate(counts[f"{begins}{place}"] for place in range(len(bounds) + 1))
    return dict(zip([*map(str, bounds), "+Inf"], up_to, strict=True))


async def status(store: Store, needs: Sequence[str] = (), frozen: Sequence[str] = ()) -> Status:
    """Everything as it stands now; `needs` and `frozen` are what its caller found. Raises StoreUnavailable."""
    found, (took_s, unread) = await store.lists.figures(), await _decided(store)
    lag_s = max(found.answers_lag_s, found.ready_lag_s, found.overdue_s)
    use, decided, called = found.model_use, decided_within(found), called_within(found.model_use)
    return Status(
        store_format=FORMAT,
        needs=(*needs, *_needs(found, lag_s, unread)),
        runs={state: count for state, count in sorted(found.runs.items()) if count},
        started=found.started,
        open=sum(found.open_by_age),
        open_by_age=dict(zip(AGES, found.open_by_age, strict=True)),
        oldest_open_s=round(found.oldest_open_s, 3),
        decided_24h=len(took_s),
        decision_p50_s=round(median(took_s), 3) if took_s else None,
        answers=dict(sorted(answers(found).items())),
        expired=found.counts[EXPIRED],
        ready=found.ready + found.answers,
        lag_s=round(lag_s, 3),
        outbox=found.outbox,
        dead_letters=found.dead,
        quarantined=found.quarantined,
        delivery_failures=dict(sorted(found.named(NOT_DELIVERED).items())),
        model_calls=sum(_named(use, usage.CALLS).values()),
        model_tokens=dict(sorted(_named(use, usage.TOKENS).items())),
        cost_usd=use[usage.MICRODOLLARS] / 1_000_000,
        unsealed=found.unsealed,
        unsealed_s=round(found.unsealed_s, 3),
        frozen=tuple(frozen),
        ended={state: count for state, count in ended(found).items() if count},
        unchanged=found.counts[UNCHANGED],
        glass_broken=found.counts[GLASS_BROKEN],
        decisions_within=decided,
        decision_mean_s=_mean_s(found.counts[DECISION_MS], decided),
        ready_by_work=ready(found),
        lags_s={work: round(waits_s, 3) for work, waits_s in lags_s(found).items()},
        model_outcomes=dict(sorted(_named(use, usage.CALLS).items())),
        unpriced_calls=use[usage.UNPRICED],
        model_calls_within=called,
        model_call_mean_s=_mean_s(use[usage.MILLISECONDS], called),
    )


def _mean_s(all_ms: int, within: Mapping[str, int]) -> float | None:
    count = within["+Inf"]
    return round(all_ms / 1_000 / count, 3) if count else None


def _named(use: Counter[str], begins: str) -> dict[str, int]:
    return {name.removeprefix(begins): count for name, count in use.items() if name.startswith(begins)}


def _needs(found: Figures, lag_s: float, unread: int) -> list[str]:
    needs = list[str]()
    if unread:
        needs.append(f"{unread} requests can't be read and are left out of lists: `sayso rebuild` makes them anew")
    if found.dead:
        needs.append(f"{found.dead} dead letters: `sayso dead` lists what was given up")
    if found.runs["unknown"]:
        needs.append(f"{found.runs['unknown']} runs are unknown: nobody has said whether their last effect happened")
    if lag_s > LAG_S:
        needs.append(f"work waits for {lag_s:.0f} s: start a worker, or one more")
    if found.unsealed_s > SEAL_S:
        needs.append(
            f"{found.unsealed} facts wait to be sealed for the audit log, the oldest for {found.unsealed_s:.0f} s: "
            "look whether a worker runs, and at its log"
        )
    return needs


async def _decided(store: Store) -> tuple[list[float], int]:
    """(the seconds that each decision of the last 24 h took; how many requests could not be read)."""
    found, unread, before = list[float](), 0, None
    while marks := await store.lists.newest_requests(before, _AT_ONCE, only_open=False):
        since = await store.now(marks[0][1]) - _DAY
        bodies = [body for body in await store.lists.records_of([request_id for _, request_id in marks]) if body]
        records = [record for record in map(record_in, bodies) if record]
        unread += len(bodies) - len(records)
        found += [took for record in records if (took := _took_s(record, since)) is not None]
        before = marks[-1]
        if before[0] < (since - _LONGEST).timestamp() * 1000:
            break
    return found, unread


def _took_s(record: RequestRecord, since: datetime) -> float | None:
    """How long people took, if they decided since then."""
    decision = record.decision
    if decision is None or decision.at < since or decision.state not in {"approved", "denied", "answered"}:
        return None
    return (decision.at - record.request.opened_at).total_seconds()
