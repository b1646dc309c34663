"""What is sealed stays as it was: each fact once, in its order, whoever dies or meddles."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.events import RequestReassigned, RunForked
from agents.requests import PersonId, RequestId, RunId
from agents.requests.moves import SeatsPassed
from agents.requests.proof import ByKey, ByMail
from bot.audit.chain import Head
from bot.audit.forgetting import Forgetting
from bot.audit.log import AuditLog
from bot.audit.reading import Query
from bot.audit.sealer import Sealer, head_of
from bot.config.data_dir import DataDir
from bot.config.settings import Settings
from bot.errors import Invalid, Unavailable
from bot.store import Commit, Keys, Store, StoreUnavailable, scripts
from bot.store.watch import ended
from bot.testing import events as build
from tests.bot.audit.parts import KEY, Names, a_reader, a_sealer, announced, log_of, sealed_all, verified
from tests.bot.store.stores import RUN, a_store, append, paused, started
from tests.kit.guards import guards
from tests.kit.waiting import until

CHAIN, KEPT = Keys(0).audit_chain, Keys(0).audit_kept


async def decided_run(store: Store) -> None:
    """Anna asks, Bo approves by mail, the tool runs."""
    happened = [build.started(run_id=RUN), build.chosen(gate="production"), build.opened()]
    vote = build.vote()
    proof = ByMail(server="mx.example", of="corp.example")
    proven = vote.model_copy(update={"vote": vote.vote.model_copy(update={"proof": proof})})
    await store.commit(Commit(run_id=RUN, events=[*happened, proven, build.decided("approved")], expect=0))
    began = build.tool_started().model_copy(update={"request_id": RequestId("q1")})
    await append(store, began, build.finished(output="ok"))


async def entry(store: Store, place: int) -> dict[str, Any]:
    ((_, fields),) = await store.client.do("XRANGE", CHAIN, f"0-{place}", f"0-{place}")
    return {name.decode(): value.decode() for name, value in fields.items()}


async def replaced(store: Store, bodies: dict[int, dict[str, Any] | None]) -> None:
    """Somebody who can write to Redis writes the chain anew."""
    entries = await store.client.do("XRANGE", CHAIN, "-", "+")
    await store.client.do("DEL", CHAIN)
    for name, fields in entries:
        place = int(name.decode().partition("-")[2])
        found = bodies.get(place, fields)
        if found is not None:
            await store.client.do("XADD", CHAIN, name, *(part for pair in found.items() for part in pair))


async def test_a_decision_leaves_records_of_what_was_asked_who_voted_how_that_was_known_and_what_was_done(
    store: Store,
) -> None:
    await decided_run(store)
    assert (await verified(store)).waiting == 2
    await sealed_all(store)

    found, checked = await log_of(store), await verified(store)

    assert [one["kind"] for one in found] == ["opened", "vote", "decided", "tool_started", "tool_finished"]
    vote = found[1]
    assert (vote["who"], vote["channel"], vote["outcome"]) == ("bo", "email", "approve")
    assert (vote["request_id"], vote["policy_name"]) == ("q1", "production")
    assert vote["evidence"] == "mx.example: dmarc=pass header.from=corp.example"
    assert (found[3]["tool"], found[3]["environment"]) == ("deploy", "production")
    assert vote["policy"]["rule"]["people"] == ["bo"]  # type: ignore[index,call-overload]
    assert (checked.findings, checked.waiting, checked.records) == ([], 0, 5)
    for keys, findings in (([b"another"], 5), ([b"another", KEY], 0)):
        assert len((await a_reader(store).verify(keys)).findings) == findings
    assert (await a_reader(store).verify([b"another", KEY], derived=[KEY])).weaker == 5


@guards("seal.lua:kept")
@pytest.mark.parametrize("broken", ["id", "chain", "kept", "memory"])
async def test_attack_facts_whose_records_can_not_be_written_are_kept(store: Store, broken: str) -> None:
    await decided_run(store)
    await sealed_all(store)
    await append(store, paused())
    keys, before = Keys(0), await whole_log(store)
    name = {"id": CHAIN, "chain": CHAIN, "kept": KEPT}.get(broken, "")
    copy = f"{name}:copy"
    match broken:
        case "memory":
            await store.client.do("CONFIG", "SET", "maxmemory", "1")
        case "id":
            await store.client.do("COPY", name, copy)
            await store.client.do("XADD", name, "0-99", "b", "{}", "s", "")
        case _:
            await store.client.do("RENAME", name, copy)
            await store.client.do("SET", name, "something else")
    damaged = await whole_log(store, but=name)

    await a_sealer(store).sweep(0)

    assert await store.client.do("XLEN", keys.audit_new) == 1
    assert await whole_log(store, but=name) == damaged
    await store.client.do("CONFIG", "SET", "maxmemory", "0")
    if name:
        await store.client.do("RENAME", copy, name)
    assert await whole_log(store) == before
    await sealed_all(store)
    assert [one["kind"] for one in await log_of(store)][-1] == "paused"
    assert ((await verified(store)).findings, (await verified(store)).waiting) == ([], 0)


async def whole_log(store: Store, but: str = "") -> dict[str, Any]:
    """What the store keeps of a shard's log, key by key."""
    keys = Keys(0)
    found = dict[str, Any]()
    for name in (keys.audit_new, CHAIN, KEPT, keys.audit_people, keys.audit_head):
        if name != but and await store.client.do("EXISTS", name):
            found[name] = await store.client.do("DUMP", name)
    return found


@guards("seal.lua:head")
async def test_what_another_seals_meanwhile_is_sealed_once(store: Store) -> None:
    await append(store, started(), paused(), expect=0)
    await sealed_all(store)
    await append(store, paused())
    has_read, may_seal = asyncio.Event(), asyncio.Event()

    async def there_is_more() -> None:
        has_read.set()
        await may_seal.wait()

    earlier = asyncio.create_task(interrupted(store, there_is_more).seal(0))
    await has_read.wait()
    await append(store, paused())

    async def the_earlier_one_seals() -> None:
        may_seal.set()
        await earlier

    assert await interrupted(store, the_earlier_one_seals).seal(0) is None

    assert [one["seq"] for one in await log_of(store)] == [2, 3]
    await sealed_all(store)
    assert [one["seq"] for one in await log_of(store)] == [2, 3, 4]
    assert (await verified(store)).findings == []


@guards("seal.lua:facts")
async def test_attack_no_fact_is_sealed_in_a_store_that_was_put_back_meanwhile_and_lacks_it(store: Store) -> None:
    await append(store, started(), paused(), expect=0)

    async def the_store_is_put_back() -> None:
        [(newest, _)] = await store.client.do("XREVRANGE", Keys(0).audit_new, "+", "-", "COUNT", 1)
        await store.client.do("XDEL", Keys(0).audit_new, newest)

    assert await interrupted(store, the_store_is_put_back).seal(0) is None

    assert await log_of(store) == []


@pytest.mark.parametrize("lost", ["answer", "telling"])
async def test_attack_a_head_is_said_once_redis_is_back_that_went_away_right_after_it_was_sealed(
    store: Store, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    said, run = list[Head](), store.client.run

    async def announce(head: Head) -> None:
        if lost == "telling" and has_gone.is_set():
            raise StoreUnavailable("Redis does not answer", "Start it")
        said.append(head)

    async def answer_lost(call: Any) -> Any:
        await run(call)
        raise StoreUnavailable("Redis does not answer", "Start it")

    sealer, has_gone = Sealer(store, Names(), lambda: KEY, announce), asyncio.Event()
    await append(store, started(), paused(), expect=0)
    await sealer.sweep(0)
    await append(store, paused())
    with monkeypatch.context() as gone:
        has_gone.set()
        if lost == "answer":
            gone.setattr(store.client, "run", answer_lost)
        await sealer.sweep(0)
    has_gone.clear()
    assert len(said) == 1

    sealing = asyncio.create_task(sealer.keep_sealing(0.01))
    await until(lambda: len(said) > 1, what="the newest head is said")
    await ended([sealing])

    assert said[1:] == [await head_of(store, 0)]


async def test_a_seal_whose_answer_was_lost_is_not_made_twice(store: Store) -> None:
    await append(store, started(), paused(), expect=0)
    heads = list[Head]()

    await a_sealer(store, heads).sweep(0)
    await a_sealer(store, heads).sweep(0)

    assert [head.n for head in heads] == [1, 1]  # the second process says it again: the first may have died before
    assert (await head_of(store, 0)).n == 1


class Clock:
    """It goes on by itself, and by each rest; others take so much of each."""

    def __init__(self, others_s: float = 0.0) -> None:
        self.now_s, self.rests_s, self._others_s = 0.0, list[float](), others_s

    def __call__(self) -> float:
        self.now_s += 0.0002
        return self.now_s

    async def rest(self, for_s: float) -> None:
        self.now_s += for_s + self._others_s
        self.rests_s.append(for_s)


async def waits(store: Store, records: int) -> None:
    await append(store, started(), expect=0)
    for _ in range(records):
        await append(store, paused())


async def test_other_work_has_its_turn_after_each_record_and_the_key_is_read_once_for_a_batch(store: Store) -> None:
    await waits(store, 50)
    turns, rested_in, keys_read = 0, list[int](), list[int]()

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def rest(_: float) -> None:
        rested_in.append(turns)
        await asyncio.sleep(0)

    def key() -> bytes:
        keys_read.append(1)
        return KEY

    other = asyncio.create_task(take_turns())
    head = await Sealer(store, Names(), key, announced, rest).seal(0)
    other.cancel()

    assert head == await head_of(store, 0)
    assert ((await head_of(store, 0)).n, len({*rested_in}), keys_read) == (50, 50, [1])


class Crowd(Names):
    """Ten thousand people, of whom is counted how often each is asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def all(self) -> Sequence[str]:
        return tuple(f"person-{number}" for number in range(10_000))

    def name_of(self, person: str) -> str:
        self.asked += 1
        return super().name_of(person)


async def test_whoever_is_in_the_directory_is_asked_for_once_however_many_batches_follow_and_opens_no_file_for_each(
    store: Store, tmp_path: Path
) -> None:
    folder, crowd = DataDir(tmp_path), Crowd()
    sealer = Sealer(store, crowd, lambda: folder.audit_keys(Settings())[0], announced)
    batches, opened = 3, list[str]()

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event == "open" and str(given[0]).startswith(str(tmp_path)):
            opened.append(str(given[0]))

    sys.addaudithook(watch)  # it can't be taken away, and hears of this folder alone
    await append(store, started(), expect=0)
    for _ in range(batches):
        for _ in range(30):
            await append(store, paused())
        await sealer.seal(0)

    assert (records := (await head_of(store, 0)).n) > 60
    assert crowd.asked <= 10_000 + 3 * records, "those whom a record is about"
    assert len(opened) <= 2 * batches, "the key is read once for a batch, and made at the first"


async def test_sealing_beside_other_work_rests_after_each_record_and_keeps_the_shard(store: Store) -> None:
    await waits(store, 120)
    clock = Clock()

    await Sealer(store, Names(), lambda: KEY, announced, clock.rest, clock).sweep(0, every_s=60)

    assert (await head_of(store, 0)).n == len(clock.rests_s) == 120
    assert min(clock.rests_s) > 0
    assert not await store.is_to_seal(0, 60), "another worker does not begin with it, too"


async def test_attack_where_others_keep_the_loop_long_sealing_takes_longer_turns_so_that_no_backlog_grows(
    store: Store,
) -> None:
    await waits(store, 60)
    clock = Clock(others_s=0.05)

    await Sealer(store, Names(), lambda: KEY, announced, clock.rest, clock).sweep(0, every_s=60)

    assert (await head_of(store, 0)).n == 60
    assert 2 < len(clock.rests_s) < 12


async def test_what_is_new_gives_way_to_other_work_before_each_run_that_is_read_and_after_each_record(
    store: Store,
) -> None:
    await append(store, started(), *(paused() for _ in range(4)), expect=0)
    calms = list[float]()

    async def calm(for_s: float) -> None:
        calms.append(for_s)

    await Sealer(store, Names(), lambda: KEY, announced, calm=calm).sweep(0, every_s=60)

    assert ((await head_of(store, 0)).n, len(calms)) == (4, 1 + 4)


async def test_attack_where_there_is_always_other_work_what_waits_for_seconds_is_sealed_all_the_same(
    store: Store,
) -> None:
    await append(store, started(), paused(), expect=0)
    ((name, fields),) = await store.client.do("XRANGE", Keys(0).audit_new, "-", "+")
    await store.client.do("DEL", Keys(0).audit_new)
    earlier = int(name.decode().partition("-")[0]) - 6_000
    said = [part for pair in fields.items() for part in pair]
    await store.client.do("XADD", Keys(0).audit_new, f"{earlier}-0", *said)

    async def never(_: float) -> None:
        raise AssertionError("it waits for others")

    await Sealer(store, Names(), lambda: KEY, announced, calm=never).sweep(0, every_s=60)

    assert (await head_of(store, 0)).n == 1


async def test_what_comes_while_the_last_of_it_is_sealed_waits_for_the_next_sweep(store: Store) -> None:
    await append(store, started(), paused(), expect=0)

    async def more_comes(_: float) -> None:
        await append(store, paused())

    sealer = Sealer(store, Names(), lambda: KEY, announced, calm=more_comes)
    await sealer.sweep(0, every_s=60)
    assert ((await head_of(store, 0)).n, (await verified(store)).waiting) == (1, 2)

    await sealer.sweep(0)

    assert ((await head_of(store, 0)).n, (await verified(store)).waiting) == (3, 0)


async def test_facts_of_many_runs_beside_each_other_are_sealed_in_their_order(store: Store) -> None:
    runs = [RunId(f"s0r-{letter * 13}") for letter in "abcdefghijklmnopqrst"]
    for run_id in runs:
        await store.commit(Commit(run_id=run_id, events=[build.started(run_id=run_id)], expect=0))
    for seq in (1, 2, 3):
        for run_id in runs:
            await store.commit(Commit(run_id=run_id, events=[paused()], expect=seq))
    await AuditLog(store).note("frozen", who=PersonId("bo"), near=RUN, proof=None)
    await sealed_all(store)

    found = await a_reader(store).search(Query())

    told = [(one["run_id"], one["seq"]) for one in found[0] if one["kind"] == "paused"]
    assert told == [(run_id, seq) for seq in (2, 3, 4) for run_id in runs]
    assert (found[0][-1]["kind"], (await verified(store)).findings) == ("frozen", [])


@pytest.mark.parametrize(("events", "held"), [(1, 8), (60, 1), (40, 2), (150, 1)])
async def test_few_runs_with_few_events_are_read_and_held_before_their_first_record(
    store: Store, events: int, held: int
) -> None:
    for letter in "abcdefghijklmnopqrst":
        run_id = RunId(f"s0r-{letter * 13}")
        before = [build.started(run_id=run_id), *(build.chosen() for _ in range(events - 2))]
        await store.commit(Commit(run_id=run_id, events=[*before, paused()], expect=0))
    read = list[int]()

    async def rest(_: float) -> None:
        read.append((await store.client.do("INFO", "commandstats"))["cmdstat_xrange"]["calls"] - 1)  # the new facts

    await store.client.do("CONFIG", "RESETSTAT")
    await Sealer(store, Names(), lambda: KEY, announced, rest).seal(0)

    assert read[0] == held


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(1, 5), how=st.sampled_from(["body", "seal", "removed", "kept", "kept away"]))
async def test_whatever_is_changed_in_redis_is_found_and_named(redis: str, place: int, how: str) -> None:
    async with a_store(redis) as store:
        await store.client.do("FLUSHALL")
        await decided_run(store)
        await sealed_all(store)
        found = await entry(store, place)
        match how:
            case "body":
                await replaced(store, {place: found | {"b": found["b"].replace('"at": "2026', '"at": "2025')}})
            case "seal":
                await replaced(store, {place: found | {"s": "0" * 64}})
            case "removed":
                await store.client.do("XDEL", CHAIN, f"0-{place}")
            case "kept":
                kept = json.loads(await store.client.do("HGET", KEPT, place))
                part = next(iter(kept))
                await store.client.do("HSET", KEPT, place, json.dumps(kept | {part: [kept[part][0], '"other"']}))
            case _:
                await store.client.do("HDEL", KEPT, place)

        assert {finding.n for finding in (await verified(store)).findings} == {place}


UNREADABLE: tuple[dict[str, str | bytes], ...] = (
    {"b": "7"},
    {"b": '{"n": 3, "shard": 0, "parts": 5}'},
    {"b": '{"n": 3, "shard": 0, "parts": {"words": []}, "of": 5}'},
    {"b": '{"n": 3, "shard": 0, "who": []}'},
    {"b": '{"n": 3, "shard": 0, "kind": "forgotten", "people": 5}'},
    {"b": '{"n": 3, "shard": 0, "kind": "forgotten", "people": [[]]}'},
    {"b": "[" * 200_000},
    {"b": b"\xff\xfe"},
    {"s": b"\xff"},
    {"s": "ü"},
)


async def test_attack_a_record_that_nothing_can_read_or_that_has_changed_places_keeps_the_check_from_no_other(
    store: Store,
) -> None:
    await decided_run(store)
    await sealed_all(store)
    second, third = await entry(store, 2), await entry(store, 3)

    for place, was in ((2, second), (3, third)):
        for fields in UNREADABLE:
            await replaced(store, {place: was | fields})
            assert {finding.n for finding in (await verified(store)).findings} == {place}, fields
        await replaced(store, {place: was})
    await replaced(store, {2: third, 3: second})
    assert {2, 3} <= {finding.n for finding in (await verified(store)).findings}


async def test_attack_a_record_whose_number_was_changed_sends_no_search_round_for_ever_nor_does_a_cursor_that_is_none(
    store: Store,
) -> None:
    await decided_run(store)
    await sealed_all(store)
    for cursor in ("0.99999999999999999999999", "0.-1", "0.1-", "x", "0.\u0661"):
        with pytest.raises(Invalid):
            await a_reader(store).search(Query(), cursor)

    found = await entry(store, 3)
    await replaced(store, {3: found | {"b": found["b"].replace('"n": 3', '"n": 1')}})

    for newest_first in (False, True):
        with pytest.raises(Unavailable, match="record 3"):
            await a_reader(store).search(Query(), newest_first=newest_first)


async def test_attack_a_text_that_nothing_can_read_is_named_and_can_be_forgotten(store: Store) -> None:
    await AuditLog(store).note("frozen", who=PersonId("bo"), words="because", proof=None)
    await sealed_all(store)

    for kept in ("7", "{", '{"words": 5}', '{"words": ["", "{"]}', '{"policy": ["\\ud800", "1"]}'):
        await store.client.do("HSET", KEPT, 1, kept)
        assert {finding.n for finding in (await verified(store)).findings} == {1}, kept
    await Forgetting(store, a_sealer(store)).forget("bo")


async def test_attack_a_name_that_nothing_can_read_or_that_was_given_to_somebody_else_is_found(store: Store) -> None:
    await decided_run(store)
    await sealed_all(store)
    people = Keys(0).audit_people
    rows = {name.decode(): json.loads(row) for name, row in (await store.client.do("HGETALL", people)).items()}
    bo = next(name for name, row in rows.items() if row["id"] == "bo")

    await store.client.do("HSET", people, bo, json.dumps(rows[bo] | {"id": "cy"}))
    assert "given to somebody else" in str((await verified(store)).findings[0])
    for row in ("7", "{", '{"id": "bo"}', "[" * 200_000):
        await store.client.do("HSET", people, bo, row)
        assert "not known any more who it was" in str((await verified(store)).findings)


async def test_a_cut_end_is_seen_by_what_the_store_has_noted_or_with_a_head_that_was_noted_outside(
    store: Store,
) -> None:
    await decided_run(store)
    await sealed_all(store)
    outside = await head_of(store, 0)
    await store.client.do("XDEL", CHAIN, "0-5")
    assert [finding.n for finding in (await verified(store)).findings] == [5]

    await store.client.do("XDEL", CHAIN, "0-4")
    before = Head(0, 3, (await entry(store, 3))["s"])
    await store.client.do("SET", Keys(0).audit_head, str(before))

    assert (await verified(store)).findings == []
    assert "the log ends at record 3" in str((await verified(store, outside)).findings[0])


async def test_attack_a_record_that_was_cut_off_is_hidden_by_the_one_that_was_sealed_in_its_place(
    store: Store,
) -> None:
    before, lost = [await noted_head(store) for _ in range(2)]
    await replaced(store, {lost.n: None})
    await store.client.do("SET", Keys(0).audit_head, str(before))
    in_its_place = await noted_head(store)

    assert in_its_place.n == lost.n
    for heads in ((before, lost, in_its_place), (before, in_its_place, lost)):
        [found] = (await verified(store, *heads)).findings
        assert str(found) == f"shard 0, record {lost.n}: not the record whose head was noted outside"
    assert (await verified(store, before, in_its_place, in_its_place)).findings == []


async def test_attack_a_head_of_a_shard_that_is_not_there_is_compared_with_nothing(store: Store) -> None:
    await noted_head(store)

    [found] = (await verified(store, Head(7, 4, "a" * 64))).findings

    assert str(found) == "shard 7, record 4: removed: the store has no such shard"


async def noted_head(store: Store) -> Head:
    """The head after something was noted and sealed in the first shard."""
    await AuditLog(store).note("frozen", who=PersonId("bo"), proof=None)
    await sealed_all(store)
    return await head_of(store, 0)


async def test_the_chain_itself_holds_no_name_and_no_word_of_anybody(store: Store) -> None:
    await decided_run(store)
    note = {"who": PersonId("bo"), "proof": ByKey(channel="cli", key="ab"), "words": "Bo Berg says so"}
    await AuditLog(store).note("frozen", **note)  # type: ignore[arg-type]
    await sealed_all(store)

    chain = str(await store.client.do("XRANGE", CHAIN, "-", "+"))

    assert [word for word in ('"bo"', ':bo"', "Berg", "says", "sayso_ab", "anna") if word in chain] == []
    assert (await log_of(store))[-1]["words"] == "Bo Berg says so"


async def test_somebody_who_is_forgotten_stands_nowhere_any_more_and_the_log_still_verifies(store: Store) -> None:
    await decided_run(store)
    await sealed_all(store)
    keys = Keys(0)
    people = await store.client.do("HGETALL", keys.audit_people)

    assert await Forgetting(store, a_sealer(store)).forget("bo") == 1

    left = await store.client.read(["XRANGE", CHAIN, "-", "+"], ["HGETALL", KEPT], ["HGETALL", keys.audit_people])
    assert [word for word in ('"bo"', ':bo"', '.bo"', "Bo Berg", "DKIM") if word in str(left)] == []
    found = await log_of(store)
    assert (found[1]["who"], found[1]["evidence"], found[1]["outcome"]) == ("forgotten", "forgotten", "approve")
    assert found[1]["policy"]["rule"]["people"] == ["forgotten"]  # type: ignore[index,call-overload]
    assert (found[0]["people"], found[-1]["kind"]) == (["anna"], "forgotten")
    checked = await verified(store)
    assert (checked.findings, checked.forgotten) == ([], 1)
    for name, row in people.items():  # as if it had died before the last step
        await store.client.do("HSET", keys.audit_people, name, row)
    await Forgetting(store, a_sealer(store)).forget("bo")
    assert ((await log_of(store))[1]["who"], (await verified(store)).findings) == ("forgotten", [])


def interrupted(store: Store, do: Callable[[], Awaitable[object]]) -> Sealer:
    """A sealer of which each batch of a hundred waits until `do` is done, before its records are written."""
    rests = 0

    async def rest(_: float) -> None:
        nonlocal rests
        rests += 1
        if rests % 100 == 1:
            await do()

    return Sealer(store, Names(), lambda: KEY, announced, rest)


@guards("seal.lua:people")
async def test_attack_what_is_sealed_while_somebody_is_forgotten_names_nobody_who_is_not_known_any_more(
    store: Store,
) -> None:
    await AuditLog(store).note("frozen", who=PersonId("bo"), words="because", proof=None)
    await sealed_all(store)
    people = Keys(0).audit_people
    await AuditLog(store).note("frozen", who=PersonId("bo"), words="once more", proof=None)

    async def end_of_forgetting() -> None:
        await store.client.do("DEL", people)

    await interrupted(store, end_of_forgetting).seal(0)
    await sealed_all(store)

    assert [one["who"] for one in await log_of(store)] == ["forgotten", "bo"]


async def test_attack_whatever_was_noted_of_somebody_is_forgotten_though_others_seal_at_the_same_time(
    store: Store,
) -> None:
    for number in range(220):
        await AuditLog(store).note("frozen", who=PersonId("bo"), words=f"secret {number}", proof=None)
    await a_sealer(store).seal(0)
    other = a_sealer(store)

    await Forgetting(store, interrupted(store, lambda: other.seal(0))).forget("bo")
    await sealed_all(store)

    assert b"secret" not in b"".join(await store.client.do("HVALS", KEPT))
    assert {str(one["who"]) for one in await log_of(store, Query(kind="frozen"))} == {"forgotten"}
    assert (await verified(store)).findings == []


@guards("planted:forgotten_at_the_head_that_was_read")
async def test_nobody_is_forgotten_while_texts_of_them_come(store: Store) -> None:
    await AuditLog(store).note("frozen", who=PersonId("bo"), words="because", proof=None)
    await sealed_all(store)
    keys, before = Keys(0), await head_of(store, 0)
    [name] = await store.client.do("HKEYS", keys.audit_people)
    await AuditLog(store).note("frozen", who=PersonId("bo"), words="once more", proof=None)
    await sealed_all(store)

    async def forget(head: Head) -> bool:
        return (await store.client.run(scripts.forget_people(keys, str(head), [name]))).is_set

    assert [await forget(before), await forget(await head_of(store, 0))] == [False, True]


async def test_what_was_copied_into_a_run_is_not_recorded_again(store: Store) -> None:
    await decided_run(store)
    events = (await store.load(RUN)).events
    copy = RunId("s0r-bbbbbbbbbbbbb")
    forked = RunForked(at=build.NOON, how="fork", source=RUN, at_seq=len(events), by=build.BO)
    await store.commit(Commit(run_id=copy, events=[*events, forked], expect=0))
    await sealed_all(store)

    assert [one["kind"] for one in await log_of(store, Query(run=copy))] == ["forked"]


async def test_facts_that_nobody_can_read_stand_in_the_log_and_hold_up_no_others(store: Store) -> None:
    await store.client.do("XADD", Keys(0).audit_new, "*", "note", "{")
    await store.client.do("XADD", Keys(0).audit_new, "*", "run", RUN, "first", "7", "count", "1")
    await store.client.do("XADD", Keys(0).audit_new, "*", "run", "nobody's", "first", "1", "count", "1")
    await append(store, started(), paused(), expect=0)
    for cards in ("[" * 100_000, "5", "[5]"):
        await store.client.do("XADD", Keys(0).audit_new, "*", "run", RUN, "first", "1", "count", "2", "cards", cards)
    await sealed_all(store)

    kinds = [one["kind"] for one in await log_of(store)]
    assert (kinds.count("unreadable"), kinds.count("paused")) == (6, 1)


async def test_pages_of_a_search_hold_each_record_once_in_their_order(store: Store) -> None:
    for number in range(7):
        run_id = f"s{number % 2}r-aaaaaaaaaaaaa"
        await AuditLog(store).note("refused", who=PersonId("bo"), run_id=run_id, words=str(number), proof=None)
    await sealed_all(store)

    for newest_first in (False, True):
        found, cursor = list[dict[str, Any]](), ""
        while True:
            page, cursor = await a_reader(store).search(Query(), cursor, 2, newest_first=newest_first)
            found += page
            if not cursor:
                break

        times = [datetime.fromisoformat(one["at"]) for one in found]
        assert times == sorted(times, reverse=newest_first)
        assert sorted(one["words"] for one in found) == [str(number) for number in range(7)]


async def test_records_are_found_by_person_policy_run_and_time(store: Store) -> None:
    await decided_run(store)
    await AuditLog(store).note("frozen", who=PersonId("cy"), proof=None)
    await sealed_all(store)

    async def kinds(**query: Any) -> list[object]:
        return [one["kind"] for one in await log_of(store, Query(**query))]

    assert await kinds(person="cy") == ["frozen"]
    assert await kinds(person="bo") == ["vote", "decided"]
    assert await kinds(policy="production", kind="opened") == ["opened"]
    assert "frozen" not in await kinds(run=RUN)
    assert await kinds(since=build.NOON, until=build.NOON) == []
    assert await kinds(person="nobody") == []


async def handed_on_run(store: Store) -> None:
    """Bo hands on what he is asked, says why, and has left by the time it is sealed; so has Dan, who may still deny."""
    asked = build.opened()
    edited = asked.model_copy(update={"request": asked.request.model_copy(update={"edits": {"environment": (LEFT,)}})})
    moved = RequestReassigned(
        at=build.NOON,
        request_id=RequestId("q1"),
        why="delegated",
        moves=(SeatsPassed(out=LEFT, into=PersonId("cy")), SeatsPassed(out=LEFT)),
        by=LEFT,
        person=LEFT,
        reason="I have my operation tomorrow",
    )
    happened = [build.started(run_id=RUN), build.chosen(gate="production"), edited, moved]
    await store.commit(Commit(run_id=RUN, events=happened, expect=0))
    await sealed_all(store)
    await append(store, build.vote(), expect=4)


LEFT = PersonId("leo")


async def test_attack_why_somebody_handed_it_on_and_who_had_left_by_then_is_read_in_a_policy_after_they_are_forgotten(
    store: Store,
) -> None:
    await handed_on_run(store)
    await sealed_all(store)
    assert (await log_of(store, Query(kind="reassigned")))[0]["words"] == "I have my operation tomorrow"
    [vote] = await log_of(store, Query(kind="vote"))
    assert vote["policy"]["handed_on"][0]["person"] == LEFT  # type: ignore[index,call-overload]

    await Forgetting(store, a_sealer(store)).forget(LEFT)

    left = str(await store.client.do("HGETALL", KEPT)).replace("\\", "")
    assert ("operation" in left, f'"{LEFT}"' in left) == (False, False)
    assert (await verified(store)).findings == []


async def test_attack_somebody_forgotten_is_read_in_what_changed_in_the_directory(store: Store) -> None:
    await AuditLog(store).note("tables_changed", channel="file", detail={"added": ["people.bo"]}, proof=None)
    await sealed_all(store)
    assert (await log_of(store))[0]["detail"] == {"added": ["people.bo"]}

    await Forgetting(store, a_sealer(store)).forget("bo")

    assert "people.bo" not in str(await store.client.do("HGETALL", KEPT))
    assert (await log_of(store))[0]["detail"] == {"added": ["people.forgotten"]}


async def test_attack_what_somebody_forgotten_wrote_is_read_on_a_later_card_of_their_request(store: Store) -> None:
    happened = [build.started(run_id=RUN), build.chosen(gate="production"), build.opened()]
    await store.commit(Commit(run_id=RUN, events=happened, expect=0))
    card = {"title": "Deploy?", "quoted": "as I am in hospital from tomorrow on"}
    entry = {"kind": "place", "person": "cy", "place": "", "card": card}
    body = json.dumps(entry, separators=(",", ":")).encode()
    moved = RequestReassigned(at=build.NOON, request_id=RequestId("q1"), why="escalated", to=(PersonId("cy"),))
    await store.commit(Commit(run_id=RUN, events=[moved], expect=3, outgoing=[("s0o-aaaaaaaaaaaaa", body)]))
    await sealed_all(store)
    assert "hospital" in str((await log_of(store, Query(kind="reassigned")))[0]["cards"])

    await Forgetting(store, a_sealer(store)).forget("anna")

    [record] = await log_of(store, Query(kind="reassigned"))
    assert (record["cards"], record["people"]) == ("forgotten", ["cy"])
    assert (await verified(store)).findings == []
