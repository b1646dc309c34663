"""What operators are told: ages, times, failures and what waits; and what it costs to ask."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice, product

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.model import usage
from bot.outbound.dead_letter import Note
from bot.queries.figures import status
from bot.render.views import Status
from bot.store import Accepted, Commit, Keys, Once, RecordWrite, Store, Wake, WorkItem
from bot.store.lists import DECIDED_S, EXPIRED, GLASS_BROKEN, NOT_DELIVERED, UNCHANGED, Figures, counted_as
from bot.web.metrics import Metrics
from tests.bot.store.stores import AT, REQUEST, RUN, line, move_time, started
from tests.kit.world import World

_HOUR_S, _DAY_S = 3_600, 86_400


async def opened(store: Store, number: int, age_s: float) -> None:
    """A request that has been open for so long."""
    digits = "".join("abcdefghij"[int(digit)] for digit in f"{number:03}")
    name = f"s{number % 2}q-aaaaaaaaaa{digits}"
    at = await store.now(name) - timedelta(seconds=age_s)
    record = RecordWrite(name, 0, "open", b"", at, ("bo",))
    await store.commit(Commit(run_id=name.replace("q-", "r-"), records=[record]))


async def test_it_costs_the_same_to_ask_however_many_requests_are_open(store: Store) -> None:
    costs = list[int]()
    for numbers in (range(3), range(3, 60)):
        for number in numbers:
            await opened(store, number, 10)
        await store.lists.figures()
        before = await _commands(store)
        await store.lists.figures()
        costs.append(await _commands(store) - before)

    assert costs[0] == costs[1] <= store.shards * 35


async def _commands(store: Store) -> int:
    """How many commands the server has executed, those in scripts and not those that ask for it."""
    found = await store.client.do("INFO", "commandstats")
    return sum(stats["calls"] for name, stats in found.items() if name != "cmdstat_info")


async def test_how_long_work_waits_is_told_by_its_kind(store: Store) -> None:
    run = WorkItem("run", RUN)
    await store.commit(Commit(run_id=RUN, wake=[Wake(run, await store.now(RUN))]))
    for shift_s, work, leave in (
        (90, "schedule", None),
        (180, "other", store.push(run)),
        (270, "answers", store.accept(Accepted("s1i-aaaaaaaaaaaaa", "slack:1", b"{}", b"", 60, is_answer=True))),
    ):
        if leave:
            await leave
        await move_time(store, shift_s)

        now = await status(store)

        assert now.lags_s[work] >= 90
        assert all(now.lags_s[later] < 90 for later in ("other", "answers") if now.ready_by_work[later] == 0), work
    assert (await status(store)).ready_by_work == {"answers": 1, "other": 1}


async def test_a_decision_is_counted_once_by_how_long_it_took(store: Store) -> None:
    await store.commit(Commit(run_id=RUN, events=[started()], expect=0, summary=line()))
    counts = counted_as("decided", timedelta(seconds=61.5))
    decided = Commit(run_id=RUN, once=Once(REQUEST, "reply", b"{}"), counts=counts)
    for _ in range(2):
        await store.commit(decided)

    found = await store.lists.figures()

    assert found.counts == {f"decided within {DECIDED_S.index(300.0)}": 1, "decision ms": 61_500}


def _note(kind: str) -> bytes:
    return (
        Note.model_validate({"kind": kind, "what": "a card", "why": "nobody took it", "at": AT})
        .model_dump_json()
        .encode()
    )


async def test_what_needs_a_person_is_said_and_nothing_does_where_all_goes_well(store: Store) -> None:
    found = await status(store)
    assert (found.needs, found.decision_p50_s, found.lag_s) == ((), None, 0.0)
    assert await store.lists.figures() == Figures()

    await store.give_up(WorkItem("out", "s0o-bbbbbbbbbbbbb"), _note("dead"))
    await store.commit(Commit(run_id=RUN, events=[started()], expect=0, summary=line(state="unknown")))
    await store.push(WorkItem("run", RUN))
    await move_time(store, 90)

    needs = (await status(store, ["Slack: not connected."])).needs

    assert needs[0] == "Slack: not connected."
    assert [need.partition(":")[0] for need in needs[1:3]] == ["1 dead letters", "1 runs are unknown"]
    assert needs[3].startswith("work waits for ")


async def test_the_usual_time_to_decide_is_that_of_the_last_day(world: World) -> None:
    for after_s in (30, 90, 600):
        record = await world.opened(await world.trigger("press it"))
        await world.move_time(after_s)
        await world.decide("bo", record, "approve")
    newest = await world.opened(await world.trigger("press it"))
    newer = ("".join(letters) for letters in islice(product("abcdefgh", repeat=4), 600))
    for number, letters in enumerate(newer):  # however many there are
        later = newest.request.opened_at.timestamp() * 1_000 + number
        await world.app.store.client.do("ZADD", Keys(0).requests, round(later), f"s0q-aaaaaaaaa{letters}")

    now = await status(world.app.store)
    await world.move_time(25 * _HOUR_S)
    later = await status(world.app.store)

    assert now.decided_24h == 3
    assert now.decision_p50_s is not None
    assert 90 <= now.decision_p50_s < 600
    assert (later.decided_24h, later.decision_p50_s) == (0, None)


async def test_facts_that_wait_to_be_sealed_are_counted_and_need_somebody_after_a_minute(store: Store) -> None:
    await store.client.do("XADD", Keys(0).audit_new, "*", "note", "{}")
    now = await status(store)
    await store.client.do("DEL", Keys(0).audit_new)
    await store.client.do("XADD", Keys(0).audit_new, "1-1", "note", "{}")

    later = await status(store)

    assert (now.unsealed, now.unsealed_s < 60, now.needs) == (1, True, ())
    assert "1 facts wait to be sealed" in later.needs[0]


async def everything(store: Store) -> None:
    """Something of everything that is counted, and of each another number."""
    await opened(store, 1, _DAY_S)
    counts = {EXPIRED: 2, GLASS_BROKEN: 3, UNCHANGED: 15, "counted": 4, f"{NOT_DELIVERED}email": 5}
    await store.commit(Commit(run_id=RUN, events=[started()], expect=0, summary=line(), counts=counts))
    for took_s in (5.0, 100.0, 100_000_000.0):
        decided = counted_as("decided", timedelta(seconds=took_s))
        await store.commit(Commit(run_id=RUN, once=Once(REQUEST, str(took_s), b"{}"), counts=decided))
    await store.give_up(WorkItem("out", "s0o-bbbbbbbbbbbbb"), _note("dead"))
    for letter in "ab":
        await store.hold(f"s1i-aaaaaaaaaaaa{letter}", _note("quarantined"))
    await store.commit(Commit(run_id=RUN, outgoing=[("s0o-aaaaaaaaaaaaa", b"{}")]))
    await store.accept(Accepted("s1i-aaaaaaaaaaaaa", "slack:1", b"{}", b"", 60, is_answer=True))
    await store.push(WorkItem("run", RUN))
    await store.client.do("XADD", Keys(0).audit_new, "1-1", "note", "{}")
    used = {f"{usage.CALLS}chosen": 6, f"{usage.CALLS}dropped": 1, f"{usage.TOKENS}input": 70, usage.UNPRICED: 8}
    spent = {usage.MICRODOLLARS: 9_000_000, usage.MILLISECONDS: 14_000, f"{usage.WITHIN}0": 6, f"{usage.WITHIN}8": 1}
    for name, count in (used | spent).items():
        await store.client.do("HSET", Keys(0).model_use, name, count)
    await store.client.do("HSET", Keys(0).archived, "done", 11)
    await store.commit(Commit(run_id=RUN, wake=[Wake(WorkItem("run", RUN), await store.now(RUN))]))
    await move_time(store, _DAY_S)


def in_metrics(text: str) -> dict[str, dict[str, float]]:
    """The figures of all processes, by their names and the values of their label; not those of HTTP."""
    found = dict[str, dict[str, float]]()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if "_http_" not in sample.name and not sample.name.endswith("_created"):
                found.setdefault(sample.name, {})["".join(sample.labels.values())] = sample.value
    return found


def in_status(now: Status) -> Iterator[tuple[str, Mapping[str, float]]]:
    """The figures of a status under the names that `/metrics` gives them."""
    decided, called = now.decisions_within, now.model_calls_within
    yield "sayso_redis_up", {"": 1}
    yield "sayso_runs_started_total", {"": now.started}
    yield "sayso_runs", now.runs
    yield "sayso_runs_ended_total", now.ended
    yield "sayso_runs_unchanged_total", {"": now.unchanged}
    yield "sayso_requests_open", {"": now.open}
    yield "sayso_requests_open_by_age", now.open_by_age
    yield "sayso_request_oldest_age_seconds", {"": now.oldest_open_s}
    yield "sayso_requests_expired_total", {"": now.expired}
    yield "sayso_glass_broken_total", {"": now.glass_broken}
    yield "sayso_answers_total", now.answers
    yield from _histogram("sayso_decision_seconds", decided, now.decision_mean_s or 0)
    yield "sayso_queue_ready", now.ready_by_work
    yield "sayso_queue_lag_seconds", now.lags_s
    yield "sayso_outbox_waiting", {"": now.outbox}
    yield "sayso_delivery_failures_total", now.delivery_failures
    yield "sayso_dead_letters", {"": now.dead_letters}
    yield "sayso_quarantined_messages", {"": now.quarantined}
    yield "sayso_model_calls_total", now.model_outcomes
    yield "sayso_model_tokens_total", now.model_tokens
    yield "sayso_model_cost_dollars_total", {"": now.cost_usd}
    yield "sayso_model_unpriced_calls_total", {"": now.unpriced_calls}
    yield from _histogram("sayso_model_call_seconds", called, now.model_call_mean_s or 0)


def _histogram(name: str, within: Mapping[str, int], mean_s: float) -> Iterator[tuple[str, Mapping[str, float]]]:
    yield f"{name}_bucket", within
    yield f"{name}_count", {"": within["+Inf"]}
    yield f"{name}_sum", {"": mean_s * within["+Inf"]}


async def test_status_and_metrics_tell_the_same(store: Store) -> None:
    await everything(store)

    told = in_metrics((await Metrics().text(store)).decode())
    shown = dict(in_status(await status(store)))

    assert set(told) == set(shown)
    for name, values in told.items():
        there = {label: value for label, value in values.items() if value}
        # Ages of a day go on growing between the two.
        assert {label: value for label, value in shown[name].items() if value} == pytest.approx(there, rel=1e-3), name
        assert there, f"{name} is told, and nothing of it was counted here"
