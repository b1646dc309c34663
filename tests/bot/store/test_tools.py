"""Starting, leasing, finishing and orphaning an attempt at an effect."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from agents.events import StepChosen
from agents.requests import StepId
from agents.steps import Done, ModelCall
from bot.store import Store
from tests.bot.store.stores import (
    AT,
    ATTEMPT,
    LEASE_S,
    OTHER,
    REQUEST,
    RUN,
    a_store,
    append,
    events,
    finished,
    in_a,
    line,
    move_time,
    orphaned,
    paused,
    put,
    started,
    stop_clock_at,
    tool_started,
    woken,
    write,
)
from tests.kit.guards import guards


@pytest.fixture
async def run(store: Store) -> None:
    """A run of one event, and an approved request in version 2."""
    await append(store, started(), expect=0)
    await put(store, write(0))
    await put(store, write(1, state="approved"))


async def start(
    store: Store, expect: int = 1, version: int | None = None, until: datetime | None = None, attempt: str = ATTEMPT
) -> str:
    event = tool_started(OTHER if attempt == OTHER else ATTEMPT)
    until = until or await in_a(store, 900)
    record = None if version is None else write(version, "approved", b"started", until)
    return (await store.start_tool(RUN, expect, attempt, event, record)).state


async def test_an_attempt_is_recorded_once_with_a_lease_that_is_looked_at_when_it_ends(store: Store, run: None) -> None:
    for _ in range(2):  # starting again after a lost answer is the same start
        assert await start(store, version=2) == "started"

    assert await events(store) == ["run_started", "tool_started"]
    state, until = await store.lease(RUN, ATTEMPT)
    assert state == "alive"
    assert abs((until - await in_a(store, LEASE_S)).total_seconds()) < 1
    assert LEASE_S - 1 < (await woken(store))[f"run {RUN}"] <= LEASE_S
    record = await store.record(REQUEST)
    assert record is not None
    assert (record.version, record.body) == (3, b"started")


async def test_attack_no_answer_to_a_start_comes_once_its_lease_is_over_or_anothers(store: Store, run: None) -> None:
    assert await start(store) == "started"

    await move_time(store, LEASE_S + 1)
    assert await start(store) == "conflict", "whoever asks again would make the effect with no lease"
    await store.orphan(RUN, ATTEMPT, orphaned())
    assert await start(store, expect=3, attempt=OTHER) == "started"
    assert await start(store) == "conflict"

    assert await events(store) == ["run_started", "tool_started", "tool_orphaned", "tool_started"]


async def test_a_start_that_is_the_end_holds_no_lease_and_is_the_same_start_again(store: Store, run: None) -> None:
    for _ in range(2):
        assert (await store.start_tool(RUN, 1, ATTEMPT, tool_started(), None, outside_s=0.0)).state == "started"

    assert (await store.lease(RUN, ATTEMPT))[0] == "gone"
    assert await store.length(RUN) == 2


@guards("commit.lua:sequence")
@guards("commit.lua:lease")
async def test_the_thought_that_chose_the_step_is_recorded_with_the_start_or_not_at_all(
    store: Store, run: None
) -> None:
    await append(store, paused())
    assert await start(store, expect=1) == "conflict", "something else came in since it was thought of"

    assert (await store.start_tool(RUN, 2, ATTEMPT, tool_started(), None, thought=[paused()])).state == "started"
    assert (await store.start_tool(RUN, 4, OTHER, tool_started(OTHER), None, thought=[paused()])).state == "conflict"

    assert await events(store) == ["run_started", "run_paused", "run_paused", "tool_started"]


async def test_a_thought_that_starts_a_tool_at_once_is_counted_among_the_use_of_models(store: Store, run: None) -> None:
    call = ModelCall(model="claude-sonnet-5-5", rehearsal=False, output_tokens=20)
    thought = StepChosen(at=AT, step_id=StepId("s1"), step=Done(summary="over"), call=call, read_by=())

    for _ in range(2):
        assert (await store.start_tool(RUN, 1, ATTEMPT, tool_started(), None, thought=[thought])).state == "started"

    use = (await store.lists.figures()).model_use
    assert (use["calls chosen"], use["tokens output"]) == (1, 20)


@guards("commit.lua:version")
@guards("commit.lua:approved")
async def test_what_has_changed_since_it_was_looked_at_or_is_not_approved_starts_nothing(
    store: Store, run: None
) -> None:
    await put(store, write(2, state="approved", body=b"somebody answered"))
    assert await start(store, version=2) == "conflict"
    for version, state in enumerate(("open", "denied", "revoked", "expired", "withdrawn", "superseded"), 3):
        await put(store, write(version, state=state))
        assert await start(store, version=version + 1) == "conflict", state

    assert await events(store) == ["run_started"]


@guards("planted:very_moment_of_expiry")
@guards("commit.lua:expiry")
async def test_an_approval_starts_nothing_from_the_very_moment_on_in_which_it_becomes_too_old(
    store: Store, run: None
) -> None:
    until = await in_a(store, 900)

    await stop_clock_at(store, until)
    late = await start(store, version=2, until=until)
    await stop_clock_at(store, until - timedelta(milliseconds=1))
    early = await start(store, version=2, until=until)

    assert (late, early) == ("late", "started")
    assert await events(store) == ["run_started", "tool_started"]


async def test_of_many_who_start_the_same_step_at_once_one_does(store: Store, run: None) -> None:
    attempts = [f"s0a-aaaaaaaaaaa{one}{two}" for one in "abcdefgh" for two in "abcdefgh"]

    states = await asyncio.gather(*(start(store, version=2, attempt=attempt) for attempt in attempts))

    assert sorted(states) == ["conflict"] * 63 + ["started"]
    assert await events(store) == ["run_started", "tool_started"]


@pytest.mark.parametrize("number", range(4))
async def test_of_a_revocation_and_a_start_that_race_exactly_one_wins(
    store: Store, run: None, redis: str, number: int
) -> None:
    until = await in_a(store, 900)
    async with a_store(redis) as elsewhere:
        begin = start(elsewhere, version=2, until=until)
        revoke = put(store, write(2, state="revoked"))
        if number % 2:
            revoked, begun = await asyncio.gather(revoke, begin)
        else:
            begun, revoked = await asyncio.gather(begin, revoke)

    assert (begun, revoked.state) in {("started", "conflict"), ("conflict", "committed")}
    assert (await events(store))[1:] == (["tool_started"] if begun == "started" else [])


@guards("planted:end_of_a_tool_is_scheduled")
@guards("commit.lua:attempt")
@guards("commit.lua:finished")
async def test_a_result_is_kept_once_wherever_the_run_is_by_now_if_somebody_started_that(
    store: Store, run: None
) -> None:
    await start(store)
    await append(store, paused(), paused())

    assert not await store.finish_tool(RUN, OTHER, finished(OTHER))
    assert await store.finish_tool(RUN, ATTEMPT, finished(output="one"))
    assert await store.finish_tool(RUN, ATTEMPT, finished(output="two"))

    assert await events(store) == ["run_started", "tool_started", "run_paused", "run_paused", "tool_finished"]
    assert (await store.lease(RUN, ATTEMPT))[0] == "gone"
    assert (await woken(store))[f"run {RUN}"] < 2


async def test_the_result_of_an_orphan_is_kept_and_leaves_its_successors_lease_alone(store: Store, run: None) -> None:
    await start(store)
    await move_time(store, LEASE_S + 1)
    await store.orphan(RUN, ATTEMPT, orphaned())
    await start(store, expect=3, attempt=OTHER)

    assert await store.finish_tool(RUN, ATTEMPT, finished())

    assert (await store.lease(RUN, OTHER))[0] == "alive"
    assert (await events(store))[-2:] == ["tool_started", "tool_finished"]


@guards("keep_lease.lua:holder")
async def test_a_lease_is_dead_from_its_end_on_and_lives_longer_only_if_its_holder_renews_it(
    store: Store, run: None
) -> None:
    async def state() -> str:
        return (await store.lease(RUN, ATTEMPT))[0]

    assert not await store.renew(RUN, ATTEMPT)
    await start(store)
    await move_time(store, LEASE_S - 1)
    assert await state() == "alive"

    assert not await store.renew(RUN, OTHER, 0)
    assert await store.renew(RUN, ATTEMPT)

    await move_time(store, LEASE_S + 10)
    assert await state() == "alive"
    assert LEASE_S - 13 < (await woken(store))[f"run {RUN}"] < LEASE_S - 10
    await move_time(store, 2 * LEASE_S)
    assert await state() == "dead"
    await store.renew(RUN, ATTEMPT)
    await store.renew(RUN, ATTEMPT, 0)
    assert await state() == "dead", "it was given up"


@guards("commit.lua:alive")
async def test_an_attempt_whose_owner_lives_is_not_orphaned(store: Store, run: None) -> None:
    await start(store)

    assert await store.orphan(RUN, ATTEMPT, orphaned()) != "committed"

    await move_time(store, LEASE_S + 1)
    assert await store.orphan(RUN, ATTEMPT, orphaned()) == "committed"
    assert await events(store) == ["run_started", "tool_started", "tool_orphaned"]


@guards("commit.lua:sequence")
@guards("commit.lua:version")
async def test_an_owner_takes_back_a_start_before_anybody_else_can_by_all_that_was_written_of_it(
    store: Store, run: None
) -> None:
    await start(store)
    before = await store.record(REQUEST)
    assert before
    older, newer = (write(before.version - behind, body=b"newer") for behind in (1, 0))

    assert await store.orphan(RUN, ATTEMPT, orphaned(), seq=1, is_own=True, record=newer) == "conflict"
    assert await store.orphan(RUN, ATTEMPT, orphaned(), seq=2, is_own=True, record=older) == "conflict"
    assert await store.orphan(RUN, ATTEMPT, orphaned(), seq=2, is_own=True, record=newer) == "committed"

    assert (await store.lease(RUN, ATTEMPT))[0] == "gone"
    assert await store.orphan(RUN, ATTEMPT, orphaned()) != "committed"
    found = await store.record(REQUEST)
    assert found
    assert (found.version, found.body) == (before.version + 1, b"newer")


async def test_attack_what_was_approved_waits_again_where_a_start_did_not_begin(store: Store, run: None) -> None:
    await put(store, replace(write(2, state="approved"), waits=True))
    assert await start(store, version=3) == "started"
    assert await store.freezes.concerned(0) == []

    left = replace(write(4, state="approved"), waits=True)
    assert await store.orphan(RUN, ATTEMPT, orphaned(), is_own=True, record=left) == "committed"

    assert await store.freezes.concerned(0) == [REQUEST]


@guards("commit.lua:holder")
async def test_an_attempt_is_orphaned_once_and_not_after_its_result(store: Store, run: None) -> None:
    await start(store)
    await move_time(store, LEASE_S + 1)
    await store.finish_tool(RUN, ATTEMPT, finished())
    await start(store, expect=3, attempt=OTHER)
    await store.renew(RUN, OTHER, 0)

    assert await store.orphan(RUN, ATTEMPT, orphaned()) != "committed"

    assert (await events(store))[-1] == "tool_started"
    assert await store.orphan(RUN, OTHER, orphaned(OTHER)) == "committed"
    assert await store.orphan(RUN, OTHER, orphaned(OTHER)) != "committed"


@guards("commit.lua:sequence")
async def test_a_turn_ends_only_at_the_events_it_has_seen_and_its_run_is_looked_at_again_when_it_is_due(
    store: Store, run: None
) -> None:
    await append(store, paused())

    assert not await store.settle(RUN, 1, None, line("old"))
    assert await store.lists.summaries() == []
    assert await store.settle(RUN, 2, await in_a(store, 300), line("new"))
    assert await store.lists.summaries() == [line("new").body]
    assert 298 < (await woken(store))[f"run {RUN}"] <= 300

    await store.settle(RUN, 2, None, line())
    assert f"run {RUN}" not in await woken(store)
    await start(store, expect=2)
    await store.settle(RUN, 3, await in_a(store, 5 * LEASE_S), line())
    assert (await woken(store))[f"run {RUN}"] <= LEASE_S, "it does not make anybody forget a lease"


async def test_a_worker_is_silent_once_it_should_have_been_heard_of_twice_or_gave_up(store: Store, run: None) -> None:
    assert await start(store) == "started"
    assert await store.silent([]) == await store.silent([RUN, "s0r-bbbbbbbbbbbbb"]) == frozenset()

    await move_time(store, LEASE_S * 0.8)
    assert await store.silent([RUN, "s0r-bbbbbbbbbbbbb"]) == {RUN}
    await store.renew(RUN, ATTEMPT)
    assert await store.silent([RUN]) == frozenset()

    await store.renew(RUN, ATTEMPT, 0)
    assert await store.silent([RUN]) == {RUN}
    await store.orphan(RUN, ATTEMPT, orphaned())
    assert await store.silent([RUN]) == frozenset(), "nobody executes it any more"
