"""What operators are told: ages, times, failures and what waits; and what it costs to ask."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.outbound.dead_letter import Note
from bot.queries.figures import status
from bot.store import Accepted, Commit, Keys, Once, RecordWrite, Store, Wake, WorkItem
from bot.store.lists import DECIDED_S, NOT_DELIVERED, Figures, counted_as
from tests.bot.store.stores import AT, REQUEST, RUN, a_store, line, move_time, started
from tests.world import World

_HOUR_S = 3_600


@pytest.fixture
async def store(redis: str) -> AsyncIterator[Store]:
    async with a_store(redis) as store:
        yield store


async def opened(store: Store, number: int, age_s: float) -> None:
    """A request that has been open for so long."""
    digits = "".join("abcdefghij"[int(digit)] for digit in f"{number:03}")
    name = f"s{number % 2}q-aaaaaaaaaa{digits}"
    at = await store.now(name) - timedelta(seconds=age_s)
    record = RecordWrite(name, 0, "open", b"{}", at, ("bo",))
    await store.commit(Commit(run_id=name.replace("q-", "r-"), records=[record]))


async def test_open_requests_are_counted_by_age(store: Store) -> None:
    for number, age_s in enumerate((10, 20, 600, 2 * _HOUR_S, 30 * _HOUR_S, 2000 * _HOUR_S)):
        await opened(store, number, age_s)

    found = await store.lists.figures()

    assert found.open_by_age == (2, 1, 1, 0, 1, 0, 1)
    assert found.oldest_open_s >= 2000 * _HOUR_S


async def test_it_costs_the_same_to_ask_however_many_requests_are_open(store: Store) -> None:
    costs = list[int]()
    for numbers in (range(3), range(3, 300)):
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


@pytest.mark.parametrize("work", ["answers", "other", "schedule"])
async def test_how_long_work_waits_is_told_by_its_kind(store: Store, work: str) -> None:
    match work:
        case "answers":
            await store.accept(Accepted("s1i-aaaaaaaaaaaaa", "slack:1", b"{}", b"", 60, is_answer=True))
        case "other":
            await store.push(WorkItem("run", RUN))
        case _:
            await store.commit(Commit(run_id=RUN, wake=[Wake(WorkItem("run", RUN), await store.now(RUN))]))
    await move_time(store, 90)

    found = await store.lists.figures()

    lags = {"answers": found.answers_lag_s, "other": found.ready_lag_s, "schedule": found.overdue_s}
    assert lags[work] >= 90
    assert all(lag_s < 90 for name, lag_s in lags.items() if name not in {work, "schedule"})
    assert (found.answers, found.ready) == (int(work == "answers"), int(work == "other"))


async def test_a_decision_is_counted_once_by_how_long_it_took(store: Store) -> None:
    await store.commit(Commit(run_id=RUN, events=[started()], expect=0, summary=line()))
    counts = counted_as("decided", timedelta(seconds=61.5))
    decided = Commit(run_id=RUN, once=Once(REQUEST, "reply", b"{}"), counts=counts)
    for _ in range(2):
        await store.commit(decided)

    found = await store.lists.figures()

    assert found.counts == {f"decided within {DECIDED_S.index(300.0)}": 1, "decision ms": 61_500}


async def test_runs_dead_letters_and_failed_deliveries_are_told_apart(store: Store) -> None:
    await store.commit(Commit(run_id=RUN, events=[started()], expect=0, summary=line(state="waiting")))
    await store.commit(Commit(run_id=RUN, outgoing=[("s0o-aaaaaaaaaaaaa", b"{}")], counts={f"{NOT_DELIVERED}email": 2}))
    await store.give_up(WorkItem("out", "s0o-bbbbbbbbbbbbb"), _note("dead"))
    await store.hold("s1i-aaaaaaaaaaaaa", _note("quarantined"))

    found = await store.lists.figures()

    assert (found.started, dict(found.runs)) == (1, {"waiting": 1})
    assert (found.outbox, found.dead, found.quarantined) == (1, 1, 1)
    assert found.named(NOT_DELIVERED) == {"email": 2}


def _note(kind: str) -> bytes:
    return (
        Note.model_validate({"kind": kind, "what": "a card", "why": "nobody took it", "at": AT})
        .model_dump_json()
        .encode()
    )


async def test_nothing_needs_a_person_where_all_goes_well(store: Store) -> None:
    found = await status(store)

    assert (found.needs, found.decision_p50_s, found.lag_s) == ((), None, 0.0)
    assert await store.lists.figures() == Figures()


async def test_what_needs_a_person_is_said(store: Store) -> None:
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
    await world.opened(await world.trigger("press it"))

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
