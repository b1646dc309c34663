"""Lists over all shards: who is in which, newest first, and what follows a place."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.run import RunState
from bot.store import Commit, Line, RecordWrite, Store
from bot.store.lists import Mark
from tests.bot.store.stores import AT, RUN, a_store, append, line, put, started, write
from tests.kit.guards import guards
from tests.kit.long import examples

STATES: tuple[RunState, ...] = get_args(RunState)
PEOPLE, AGENTS = ("anna", "bo", "cy"), ("clerk", "deploy")


def run_id(number: int) -> str:
    """In one of two shards."""
    return f"s{number % 2}r-aaaaaaaaaaa{chr(97 + number // 20)}{chr(97 + number % 20)}"


def request_id(number: int) -> str:
    return run_id(number).replace("r-", "q-")


def line_of(number: int, state: RunState = "running", after_s: float | None = None) -> Line:
    """Of a run that started so long after the first one."""
    at = AT + timedelta(seconds=number if after_s is None else after_s)
    return Line(b'{"state":"%s"}' % state.encode(), state, PEOPLE[number % 3], AGENTS[number % 2], at)


async def start(store: Store, number: int, after_s: float | None = None) -> None:
    await store.commit(
        Commit(run_id=run_id(number), events=[started()], expect=0, summary=line_of(number, after_s=after_s))
    )


def ids(marks: list[Mark]) -> list[str]:
    return [some_id for _, some_id in marks]


async def states(store: Store, run: str = RUN) -> list[str]:
    """The states in whose lists a run is."""
    return [state for state in STATES if run in ids(await store.lists.newest_runs(None, 100, state=state))]


@guards("lists.lua:one_state")
async def test_a_run_is_in_the_list_of_the_one_state_that_its_line_says(store: Store) -> None:
    await store.commit(Commit(run_id=RUN, events=[started()], expect=0, summary=line()))
    at_first = await states(store)
    assert not await store.settle(RUN, 7, None, line(state="done")), "a turn that is not ended leaves it"
    assert await states(store) == at_first == ["running"]

    await store.settle(RUN, 1, None, line(state="waiting"))
    later = await states(store)
    await store.commit(Commit(run_id=RUN, summary=line(state="done")))

    assert (later, await states(store)) == (["waiting"], ["done"])


async def test_neither_a_run_that_has_not_started_nor_a_change_that_is_refused_is_in_a_list(store: Store) -> None:
    await append(store)
    assert await store.settle(RUN, 0, None, None)
    refused = await store.commit(Commit(run_id=RUN, events=[started()], expect=3, summary=line(), records=[write()]))

    assert refused.state == "conflict"
    assert (await store.lists.newest_runs(None, 10), await store.lists.summaries()) == ([], [])
    assert await store.lists.newest_requests(None, 9, only_open=False) == []
    assert await store.lists.count_for("bo") == 0


async def test_runs_of_all_shards_are_read_page_by_page_newest_first_each_once(store: Store) -> None:
    for number in range(40):
        await start(store, number, after_s=number // 4)

    for count in (1, 5, 13, 40, 100):
        found, before = list[Mark](), None
        while page := await store.lists.newest_runs(before, count):
            found, before = found + page, page[-1]
            assert len(page) == count or len(found) == 40

        assert found == sorted(found, reverse=True)
        assert sorted(ids(found)) == sorted(run_id(number) for number in range(40))


async def test_a_page_is_whole_when_all_that_is_new_is_in_one_shard(store: Store) -> None:
    for number in range(0, 40, 2):
        await start(store, number)
    await start(store, 1, after_s=-1)

    order = [run_id(number) for number in (*range(38, -1, -2), 1)]
    for count in range(1, 22):
        assert ids(await store.lists.newest_runs(None, count)) == order[:count]


async def test_filters_choose_by_requester_agent_and_state_and_several_choose_by_the_rarest(store: Store) -> None:
    for number in range(12):
        await start(store, number)
    await store.settle(run_id(4), 1, None, line_of(4, "paused"))
    lists = store.lists

    assert ids(await lists.newest_runs(None, 3, requesters=("bo",))) == [run_id(10), run_id(7), run_id(4)]
    assert ids(await lists.newest_runs(None, 3, agent="deploy")) == [run_id(11), run_id(9), run_id(7)]
    assert ids(await lists.newest_runs(None, 3, state="paused", requesters=("bo",), agent="clerk")) == [run_id(4)]
    assert ids(await lists.newest_runs(None, 9, state="running", requesters=("bo",))) == [
        run_id(number) for number in (10, 7, 4, 1)
    ]
    assert await lists.newest_runs(None, 3, state="running", agent="nobody") == []


async def test_an_open_request_is_listed_for_those_who_may_decide_it_until_it_closes(store: Store) -> None:
    lists = store.lists
    await put(store, write(0))
    opened = [await lists.newest_requests(None, 9, only_open=True, people=(one,)) for one in ("bo", "cy", "dan")]
    counted = [await lists.count_for(one) for one in ("bo", "cy", "dan")]

    await put(store, write(1, state="denied"))

    mark = (round(AT.timestamp() * 1000), write().request_id)
    assert (opened, counted) == ([[mark], [mark], []], [1, 1, 0])
    assert await lists.newest_requests(None, 9, only_open=True, people=("bo",)) == []
    assert await lists.newest_requests(None, 9, only_open=False, people=("bo",)) == [mark]
    assert await lists.count_for("bo") == 0


async def test_whoever_is_asked_back_about_a_request_has_it_in_their_list_until_they_answer(store: Store) -> None:
    await put(store, replace(write(0), people=("bo", "anna")))
    assert await store.lists.count_for("anna") == 1

    await put(store, replace(write(1), others=("anna",)))

    assert [await store.lists.count_for(one) for one in ("anna", "bo")] == [0, 1]


moves = st.one_of(
    st.tuples(st.just("settle"), st.integers(0, 7), st.sampled_from(STATES)),
    st.tuples(st.just("commit"), st.integers(0, 7), st.sampled_from(STATES)),
    st.tuples(st.just("record"), st.integers(0, 7), st.sampled_from(("open", "approved", "expired", "revoked"))),
)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(moves, max_size=25))
async def test_whatever_is_written_in_whatever_order_lists_say_what_was_written_last(
    redis: str, story: list[tuple[str, int, RunState]]
) -> None:
    async with a_store(redis) as store:
        await store.client.do("FLUSHALL")
        runs, requests, versions = dict[str, str](), dict[str, str](), dict[str, int]()
        for verb, number, state in story:
            run, request = run_id(number), request_id(number)
            match verb:
                case "settle":
                    assert await store.settle(run, 0, None, line_of(number, state))
                    runs[run] = state
                case "commit":
                    await store.commit(Commit(run_id=run, summary=line_of(number, state)))
                    runs[run] = state
                case _:
                    record = RecordWrite(request, versions.get(request, 0), state, b"", AT, [PEOPLE[number % 3]])
                    await store.commit(Commit(run_id=run, records=[record]))
                    requests[request], versions[request] = state, versions.get(request, 0) + 1

        for state in STATES:
            found = ids(await store.lists.newest_runs(None, 50, state=state))
            assert sorted(found) == sorted(run for run, now in runs.items() if now == state)
        for number, person in enumerate(PEOPLE):
            theirs = {request_id(one) for one in range(number, 8, 3) if requests.get(request_id(one)) == "open"}
            found = ids(await store.lists.newest_requests(None, 50, only_open=True, people=(person,)))
            assert (set(found), await store.lists.count_for(person)) == (theirs, len(theirs))
