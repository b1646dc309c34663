"""One change to a run and all that follows from it: whole or not at all, once, and only if nothing forbids it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.requests import Freeze, PersonId
from bot.store import Accepted, Commit, Keys, Once, Store, StoreError, Wake, WorkItem
from tests.bot.store.stores import (
    CARD,
    ITEM,
    OUT,
    REQUEST,
    RUN,
    a_store,
    append,
    delivered,
    events,
    in_a,
    line,
    paused,
    put,
    started,
    stop_clock_at,
    woken,
    write,
)
from tests.kit.guards import guards
from tests.kit.long import examples


@guards("commit.lua:sequence")
async def test_what_was_decided_on_another_sequence_is_not_written_and_what_names_none_is_wherever_the_run_is(
    store: Store,
) -> None:
    assert ((await store.load(RUN)).events, await store.record(REQUEST)) == ((), None)
    await append(store, started(), expect=0)

    late = await append(store, paused(), expect=0)
    early = await append(store, paused(), expect=7)
    anywhere = await append(store, paused())

    assert (late.state, late.seq, early.state) == ("conflict", 1, "conflict")
    assert (anywhere.state, anywhere.seq) == ("committed", 2)
    assert (await store.load(RUN)).events == (started(), paused())


async def test_repeating_a_change_whose_answer_was_lost_writes_nothing_and_says_that_it_is_done(store: Store) -> None:
    change = Commit(run_id=RUN, events=[started()], expect=0, records=[write()], wake=[Wake(WorkItem("run", RUN))])
    await store.commit(change)
    await append(store, paused())

    again, of_somebody_else = await store.commit(change), await append(store, started(), expect=0)

    assert (again.state, again.seq, of_somebody_else.state) == ("committed", 2, "conflict")
    assert await events(store) == ["run_started", "run_paused"]


@pytest.mark.parametrize("name", ["requests", "open", "requests_for", "requests_seen_by", "requests_in"])
async def test_attack_a_list_that_somebody_put_in_by_hand_keeps_a_change_from_going_on(store: Store, name: str) -> None:
    keys, of = Keys.of(RUN), {"requests_for": "bo", "requests_seen_by": "anna", "requests_in": "desk"}
    await store.client.do("SET", getattr(keys, name)(of[name]) if name in of else getattr(keys, name), "by hand")
    asked = replace(write(), concerns=frozenset({PersonId("anna")}), place="desk")
    change = Commit(
        run_id=RUN, events=[started()], expect=0, records=[asked], outgoing=[(OUT, b"{}")],
        wake=[Wake(WorkItem("run", RUN))],
    )  # fmt: skip

    with pytest.raises(StoreError, match="WRONGTYPE"):
        await store.commit(change)

    assert await store.client.do("ZSCORE", keys.wake, f"run {RUN}")
    assert await store.client.do("HEXISTS", keys.outbox, OUT)


@guards("commit.lua:version")
async def test_a_record_that_has_changed_since_it_was_read_is_not_overwritten(store: Store) -> None:
    await put(store, write(0, body=b"first"))
    await put(store, write(1, body=b"second"))

    stale = await put(store, write(1, body=b"stale"), paused())

    record = await store.record(REQUEST)
    assert stale.state == "conflict"
    assert record is not None
    assert (record.version, record.body) == (2, b"second")
    assert await events(store) == []


@guards("planted:very_moment_of_expiry")
@guards("commit.lua:expiry")
async def test_nothing_is_written_from_the_very_moment_of_the_expiry_on(store: Store) -> None:
    expiry = await in_a(store, 100)
    await put(store, write(0))

    await stop_clock_at(store, expiry - timedelta(milliseconds=1))
    early = await put(store, write(1, before=expiry), paused())
    await stop_clock_at(store, expiry)
    late = await put(store, write(2, before=expiry), paused())

    assert (early.state, late.state) == ("committed", "late")
    assert await events(store) == ["run_paused"]


@guards("commit.lua:repeat")
async def test_one_reply_has_one_outcome_however_often_it_is_judged(store: Store) -> None:
    await put(store, write(0))

    first = await store.commit(
        Commit(run_id=RUN, events=[paused()], records=[write(1)], once=Once(REQUEST, "m1", b"decided"))
    )
    again = await store.commit(
        Commit(run_id=RUN, events=[paused()], records=[write(2)], once=Once(REQUEST, "m1", b"too late"))
    )
    other = await store.commit(
        Commit(run_id=RUN, events=[paused("cy")], records=[write(2)], once=Once(REQUEST, "m2", b"too late"))
    )

    assert (first.state, again.state, again.outcome, other.state) == ("committed", "repeat", b"decided", "committed")
    assert await events(store) == ["run_paused", "run_paused"]


@guards("commit.lua:gone")
async def test_an_inbound_item_has_its_effect_once(store: Store) -> None:
    await store.accept(Accepted(ITEM, "email:m1", b"body", b"raw", 60))
    change = [paused()]

    first = await store.commit(Commit(run_id=RUN, events=change, inbound=ITEM))
    again = await store.commit(Commit(run_id=RUN, events=change, inbound=ITEM))

    assert (first.state, again.state) == ("committed", "gone")
    assert await events(store) == ["run_paused"]
    assert await store.inbound(ITEM) is None
    assert f"in {ITEM}" not in await woken(store)


@guards("commit.lua:sent")
async def test_an_outbox_entry_is_recorded_as_sent_once(store: Store) -> None:
    await store.commit(Commit(run_id=RUN, outgoing=[(OUT, b"card")]))
    change = Commit(run_id=RUN, events=[delivered()], sent=OUT)
    await store.commit(change)

    again = await store.commit(Commit(run_id=RUN, events=[delivered()], sent=OUT))

    assert again.state == "gone"
    assert await events(store) == ["card_delivered"]
    assert await store.outgoing(OUT) is None
    assert await woken(store) == {}


async def test_attack_what_was_for_a_run_whose_stream_takes_nothing_is_kept(store: Store) -> None:
    await append(store, started(), paused(), expect=0)
    await store.accept(Accepted(ITEM, "email:m1", b"body", b"raw", 60))
    await store.commit(Commit(run_id=RUN, outgoing=[(OUT, b"card")]))
    await store.client.do("XDEL", Keys(0).run(RUN), "0-1")

    with pytest.raises(StoreError):
        await store.commit(Commit(run_id=RUN, events=[paused()], inbound=ITEM))
    with pytest.raises(StoreError):
        await store.commit(Commit(run_id=RUN, events=[delivered()], sent=OUT))

    assert await store.inbound(ITEM) is not None
    assert await store.outgoing(OUT) is not None


@guards("commit.lua:limit")
async def test_a_run_that_is_full_takes_no_more_events_but_those_that_have_room_of_their_own(store: Store) -> None:
    await append(store, started(), paused(), limit=2)

    full = await append(store, paused(), limit=2)
    human = await append(store, paused(), limit=3)
    silent = await append(store, limit=2)
    seen = await append(store, expect=3, limit=2)

    assert (full.state, human.state, silent.state, seen.state) == ("full", "committed", "committed", "committed")
    assert len(await events(store)) == 3


async def test_a_change_brings_everything_that_follows_from_it(store: Store) -> None:
    due = await in_a(store, 500)

    await store.commit(
        Commit(
            run_id=RUN,
            events=[started()],
            records=[write(body=b"record")],
            outgoing=[(OUT, b"card")],
            deliveries=[(CARD, b"placed")],
            wake=[Wake(WorkItem("run", RUN)), Wake(WorkItem("ask", REQUEST), due)],
            summary=line(),
        )
    )

    record, wake = await store.record(REQUEST), await woken(store)
    assert record is not None
    assert (record.version, record.body) == (1, b"record")
    assert (await store.outgoing(OUT), await store.delivery(CARD)) == (b"card", b"placed")
    assert await store.lists.summaries() == [line().body]
    assert await store.lists.requests(only_open=True) == [REQUEST]
    assert {name: round(in_s, -1) for name, in_s in wake.items()} == {
        f"run {RUN}": 0,
        f"out {OUT}": 0,
        f"ask {REQUEST}": 500,
    }


async def test_however_much_follows_from_a_change_all_of_it_does(store: Store) -> None:
    many = [(f"s0o-{number:013d}", b"{}") for number in range(5_000)]

    written = await store.commit(
        Commit(run_id=RUN, events=[started()], outgoing=many, wake=[Wake(WorkItem("run", RUN))])
    )

    assert written.state == "committed"
    assert len(await woken(store)) == len(many) + 1
    assert await store.client.do("HLEN", "{s0}:outbox") == len(many)


async def test_a_change_that_is_refused_leaves_no_trace(store: Store) -> None:
    await put(store, write(0, body=b"first"))
    before = await woken(store)

    refused = await store.commit(
        Commit(
            run_id=RUN,
            events=[started()],
            records=[write(7)],
            once=Once(REQUEST, "m1", b"outcome"),
            outgoing=[(OUT, b"card")],
            deliveries=[(CARD, b"placed")],
            wake=[Wake(WorkItem("run", RUN))],
            summary=line(),
        )
    )

    assert refused.state == "conflict"
    assert (await events(store), await store.outgoing(OUT), await store.delivery(CARD)) == ([], None, None)
    assert await store.lists.summaries() == []
    assert await woken(store) == before
    again = await store.commit(Commit(run_id=RUN, records=[write(1)], once=Once(REQUEST, "m1", b"other")))
    assert again.state == "committed"


@guards("commit.lua:freeze")
async def test_what_was_made_by_freezes_that_have_changed_since_is_not_written(store: Store) -> None:
    freeze = Freeze(environment="", by=PersonId("bo"), reason="incident", since=await store.now(RUN))
    made = [Commit(run_id=RUN, events=[started()], frozen=number) for number in (0, 1)]
    await store.freezes.put("", freeze)

    assert [(await store.commit(one)).state for one in made] == ["conflict", "committed"]


async def test_of_many_who_change_the_same_at_once_one_does_and_what_has_no_fence_all_lands(store: Store) -> None:
    await append(store, started(), expect=0)
    await put(store, write(0))

    appended = await asyncio.gather(*(append(store, paused(f"p{number}"), expect=1) for number in range(64)))
    changed = await asyncio.gather(*(put(store, write(1, body=b"%d" % number)) for number in range(64)))
    await asyncio.gather(*(append(store, paused(f"q{number}")) for number in range(64)))

    for written in (appended, changed):
        assert sorted(one.state for one in written) == ["committed"] + ["conflict"] * 63
    by = {event.by for event in (await store.load(RUN)).events if event.type == "run_paused"}
    assert len([person for person in by if person and person.startswith("q")]) == 64
    assert len(await events(store)) == 2 + 64


async def test_an_error_in_a_script_is_told_as_ours(store: Store) -> None:
    await store.client.do("SET", f"{{s0}}:run:{RUN}", "no stream")

    with pytest.raises(StoreError, match="Redis refused"):
        await append(store, started())


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=50), body=st.binary(max_size=50))
async def test_bodies_come_back_byte_for_byte(redis: str, text: str, body: bytes) -> None:
    async with a_store(redis) as store:
        await store.client.do("FLUSHALL")

        await store.commit(
            Commit(run_id=RUN, events=[delivered(text)], records=[write(body=body)], outgoing=[(OUT, body)])
        )

        record = await store.record(REQUEST)
        assert (await store.load(RUN)).events == (delivered(text),)
        assert await store.outgoing(OUT) == body
        assert record is not None
        assert record.body == body
