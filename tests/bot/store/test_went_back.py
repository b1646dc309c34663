"""What a process remembers of a store, and what it says of one that lacks it."""

import asyncio
import json
import os
import resource
import threading
from pathlib import Path

import pytest

from agents.requests import AttemptId
from bot.store import Keys, Store, WentBack, scripts
from bot.store.client.durability import SHARDS, Closed, NotWhole
from bot.store.format import OtherFormat
from bot.store.ids import new_id
from bot.store.memory import FILE, Mark, kept_in
from bot.store.timers import boot_s
from bot.store.went_back import OtherStore, begin, compare, look
from tests.bot.store.stores import OTHER, RUN, a_store, append, events, started, tool_started
from tests.kit.guards import guards
from tests.kit.waiting import PATIENCE_S, until

KEYS = Keys(0)
SEAL = "c" * 64


@pytest.fixture
async def seen(store: Store, tmp_path: Path) -> Store:
    """A store that a process has seen: a start in it, and two records of the audit log."""
    await append(store, started(), expect=0)
    store.memory.settled_s = 0
    await store.client.do("DEL", *await store.client.do("KEYS", "*"))
    await begin(store, tmp_path)
    await append(store, started(), expect=0)
    assert (await store.start_tool(RUN, 1, "s0a-aaaaaaaaaaaaa", tool_started(), None)).state == "started"
    await store.client.do("XADD", KEYS.audit_chain, "0-1", "b", "{}", "s", "a" * 64)
    await store.client.do("XADD", KEYS.audit_chain, "0-2", "b", "{}", "s", SEAL)
    await store.client.do("SET", KEYS.audit_head, f"s0:2:{SEAL}")
    await look(store)
    return store


async def start_again(store: Store) -> str:
    """Another start in the same shard."""
    run = "s0r-bbbbbbbbbbbbb"
    return (await store.start_tool(run, 0, OTHER, tool_started(OTHER), None)).state


async def name(store: Store) -> str:
    return (await store.client.do("GET", KEYS.mark)).decode()


@guards("commit.lua:starts")
@pytest.mark.parametrize(
    "starts",
    ["{mark} 0 --------", "{mark} 1 bbbbbbbb ", "{mark} 3 dddddddd cccccccc bbbbbbbb ", "other 1 aaaaaaaa ", ""],
)
async def test_attack_nothing_starts_where_a_start_that_was_seen_is_missing(seen: Store, starts: str) -> None:
    text = starts.format(mark=await name(seen))
    await (seen.client.do("SET", KEYS.starts, text) if text else seen.client.do("DEL", KEYS.starts))

    with pytest.raises(WentBack, match="Nothing is executed in it"):
        await start_again(seen)

    assert await events(seen, "s0r-bbbbbbbbbbbbb") == []
    assert seen.memory.is_doubted
    with pytest.raises(WentBack):
        await look(seen)


@guards("commit.lua:sealed")
@pytest.mark.parametrize("head", [f"s0:1:{'a' * 64}", ""])
async def test_attack_nothing_starts_where_a_record_that_was_seen_is_missing(seen: Store, head: str) -> None:
    await (seen.client.do("SET", KEYS.audit_head, head) if head else seen.client.do("DEL", KEYS.audit_head))

    with pytest.raises(WentBack):
        await start_again(seen)

    with pytest.raises(WentBack, match=r"the audit log had 2 records, and it has [01] in shard 0"):
        await look(seen)


@guards("commit.lua:seal")
@pytest.mark.parametrize("number", [2, 3])
async def test_attack_another_record_under_the_same_number_is_noticed(seen: Store, number: int) -> None:
    await seen.client.do("DEL", KEYS.audit_chain)
    for one in range(1, number + 1):
        await seen.client.do("XADD", KEYS.audit_chain, f"0-{one}", "b", "{}", "s", "e" * 64)
    await seen.client.do("SET", KEYS.audit_head, f"s0:{number}:{'e' * 64}")

    with pytest.raises(WentBack, match="Nothing is executed in it"):
        await start_again(seen)

    with pytest.raises(WentBack, match="record 2 of the audit log was another one in shard 0"):
        await look(seen)


async def test_what_became_more_or_has_left_for_the_archive_is_not_missed(seen: Store) -> None:
    await seen.client.do("XADD", KEYS.audit_chain, "0-3", "b", "{}", "s", "d" * 64)
    await put_head(seen, 3)
    await look(seen)
    await seen.client.do("XTRIM", KEYS.audit_chain, "MINID", "0-3")
    await seen.client.do("SET", KEYS.audit_archived, json.dumps({"n": 2, "seal": SEAL, "since": ""}))

    assert await start_again(seen) == "started"
    await look(seen)


async def test_what_was_seen_just_now_of_the_audit_log_may_be_lost_by_a_fail_over(seen: Store) -> None:
    seen.memory.settled_s = 10
    await put_head(seen, 3)
    await look(seen)
    await put_head(seen, 2, SEAL)

    assert await start_again(seen) == "started"
    await look(seen)


async def test_what_was_seen_right_before_nobody_could_look_for_long_may_be_lost_by_a_fail_over(seen: Store) -> None:
    await put_head(seen, 3)
    await look(seen)
    seen.memory.settled_s = 0.05
    await passes(0.1)  # Redis is away, and comes back without what the replica had not heard
    await put_head(seen, 2, SEAL)

    assert await start_again(seen) == "started"
    await look(seen)


async def test_attack_what_was_still_there_when_it_was_looked_at_later_is_missed(seen: Store) -> None:
    await put_head(seen, 3)
    await look(seen)
    seen.memory.settled_s = 0.05
    await passes(0.1)
    await look(seen)
    await put_head(seen, 2, SEAL)

    with pytest.raises(WentBack):
        await start_again(seen)
    with pytest.raises(WentBack, match="the audit log had 3 records, and it has 2 in shard 0"):
        await look(seen)


async def put_head(store: Store, number: int, seal: str = "d" * 64) -> None:
    """The audit log of the shard ends with this record."""
    await store.client.do("SET", KEYS.audit_head, f"s0:{number}:{seal}")


async def passes(seconds: float) -> None:
    """So much time passes."""
    began = boot_s()
    await until(lambda: boot_s() - began > seconds)


async def test_attack_a_store_that_went_back_is_closed_to_those_who_know_nothing(
    seen: Store, redis: str, tmp_path: Path
) -> None:
    await seen.client.do("SET", KEYS.starts, f"{await name(seen)} 0 --------")
    with pytest.raises(WentBack):
        await look(seen)

    closed = Closed.parse(await seen.client.do("GET", SHARDS))
    assert closed
    assert (closed.kind, closed.shards) == ("went_back", 2)
    assert closed.why.startswith("Nobody works on it. This store is not what it was")
    async with a_store(redis) as other:
        with pytest.raises(NotWhole, match="run `sayso restore --loaded`; then start them again"):
            await begin(other, tmp_path / "other")
    with pytest.raises(NotWhole):
        await look(seen)


@guards("planted:closed_by_its_mark")
@guards("planted:closed_by_its_number")
async def test_what_is_said_first_of_a_store_that_went_back_stands_and_one_that_was_restored_is_not_closed(
    seen: Store,
) -> None:
    before = await name(seen)
    await seen.client.do("SET", KEYS.mark, f"new {before}")
    await close(seen, before)
    assert (await seen.client.do("GET", SHARDS)).isdigit(), "it was restored meanwhile"
    await seen.client.do("SET", KEYS.mark, before)
    held = Closed(kind="held", why="sayso restore --loaded holds what is unfinished", shards=2).model_dump_json()
    await seen.client.do("SET", SHARDS, held)
    await seen.client.do("SET", KEYS.starts, f"{await name(seen)} 0 --------")

    with pytest.raises(NotWhole, match=r"holds what is unfinished.*if it failed, run it again"):
        await look(seen)
    await close(seen, await name(seen))

    assert await seen.client.do("GET", SHARDS) == held.encode()


async def close(store: Store, mark: str) -> None:
    """What whoever read that `mark` writes when it finds that the store went back."""
    closed = Closed(kind="went_back", why="and more", shards=2).model_dump_json(exclude_none=True)
    await store.client.run(scripts.close(KEYS, mark, "2", closed))


async def test_another_store_is_told_from_the_one_that_was_seen(seen: Store) -> None:
    other = "another store than before.*delete"
    restored = f"new {await name(seen)}".encode(), "restored since this process began. Start the process again"
    for mark, says in ((b"other", other), restored, (b"", other), (b"\xff\xfe", other)):
        await (seen.client.do("SET", KEYS.mark, mark) if mark else seen.client.do("DEL", KEYS.mark))

        with pytest.raises(OtherStore, match=says):
            await look(seen)

        assert (await seen.client.do("GET", SHARDS)).isdigit()


async def test_attack_a_store_that_was_emptied_is_not_begun_anew(seen: Store, redis: str, tmp_path: Path) -> None:
    await seen.client.do("FLUSHALL")

    with pytest.raises(WentBack):
        await start_again(seen)
    with pytest.raises(OtherStore, match=r"was emptied.*restore FILE.*to begin anew .* delete .*store\.seen"):
        await look(seen)
    async with a_store(redis) as later:
        with pytest.raises(OtherStore, match="was emptied"):
            await begin(later, tmp_path)
    assert await seen.client.do("EXISTS", KEYS.format, KEYS.mark, SHARDS) == 0

    (tmp_path / FILE).unlink()
    async with a_store(redis) as anew:
        await begin(anew, tmp_path)
        assert await start_again(anew) == "started"


async def test_what_one_process_saw_another_of_the_same_data_directory_keeps(
    seen: Store, redis: str, tmp_path: Path
) -> None:
    async with a_store(redis) as other:
        await begin(other, tmp_path)
        assert await start_again(other) == "started"
        seen.memory.of(0).ends.clear()
        seen.memory.keep()

    kept = kept_in(tmp_path / FILE)
    assert kept
    starts, sealed = kept.shards[0].starts, kept.shards[0].settled(0)
    assert starts
    assert sealed
    assert (starts.number, sealed.n) == (2, 2)


async def test_attack_a_start_is_on_disk_before_its_effect_begins_and_a_killed_process_forgets_nothing(
    seen: Store, tmp_path: Path
) -> None:
    file = tmp_path / FILE
    for damage in (lambda: None, file.unlink, lambda: file.write_text(f'{file.read_text()}["cut')):
        damage()
        store_says = await start_again(seen)
        kept = kept_in(file)
        await seen.client.do("DEL", "{s0}:attempts:s0r-bbbbbbbbbbbbb", "{s0}:run:s0r-bbbbbbbbbbbbb")

        assert store_says == "started"
        assert kept
        assert kept.shards[0].starts == seen.memory.of(0).starts
        assert kept.shards[0].settled(0) == seen.memory.settled(0)


async def test_what_was_seen_is_kept_in_a_file_that_does_not_grow_for_ever(seen: Store, tmp_path: Path) -> None:
    mark, most = await name(seen), 0
    for number in range(2, 4_000):
        seen.memory.saw_start(0, f"{mark} {number} aaaaaaaa")
        most = max(most, (tmp_path / FILE).stat().st_size)

    assert (tmp_path / FILE).stat().st_size < most < 300_000
    kept = kept_in(tmp_path / FILE)
    assert kept
    assert kept.shards[0].starts
    assert kept.shards[0].starts.number == 3_999


async def test_attack_what_only_half_fits_on_disk_is_not_taken_to_be_there(seen: Store, tmp_path: Path) -> None:
    mark, file = await name(seen), tmp_path / FILE
    before, ends = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 10, ends))
    try:
        seen.memory.saw_start(0, f"{mark} 2 aaaaaaaa")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, ends))

    seen.memory.keep()

    kept = kept_in(file)
    assert kept
    assert kept.shards[0].starts == seen.memory.of(0).starts


@pytest.mark.parametrize("written", [b'["mark"\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n"], ids=["cut", "bytes", "deep"])
async def test_attack_what_can_not_be_read_of_what_was_seen_is_no_reason_to_begin(
    seen: Store, redis: str, tmp_path: Path, written: bytes
) -> None:
    (tmp_path / FILE).write_bytes(written)

    async with a_store(redis) as later:
        with pytest.raises(OtherStore, match=r"not known.*If Redis was not put back since, delete"):
            await begin(later, tmp_path)


async def test_attack_what_is_no_file_is_not_waited_for_where_it_stands_for_what_was_seen(
    seen: Store, redis: str, tmp_path: Path
) -> None:
    """Whoever waits for somebody to write into it would hear no signal either."""
    (tmp_path / FILE).unlink(missing_ok=True)
    os.mkfifo(tmp_path / FILE)
    # So that whoever waits for it fails, and does not stay for ever.
    writes = threading.Timer(PATIENCE_S / 10, (tmp_path / FILE).write_bytes, [b"late"])
    writes.start()

    async with a_store(redis) as later:
        with pytest.raises(OtherStore, match=r"a FIFO and no file.*If Redis was not put back since, delete"):
            await begin(later, tmp_path)

    writes.cancel()


async def test_a_look_from_a_command_changes_nothing(seen: Store, tmp_path: Path) -> None:
    before = await seen.client.do("GET", SHARDS)
    await seen.client.do("SET", KEYS.starts, f"{await name(seen)} 0 --------")

    with pytest.raises(WentBack):
        await compare(seen.client, 2, tmp_path)

    assert await seen.client.do("GET", SHARDS) == before


@pytest.mark.parametrize(
    ("now", "seen_as", "is_so"),
    [
        (Mark("new", ("old",)), Mark("old"), True),
        (Mark("old"), Mark("new", ("old",)), False),
        (Mark("newest", ("old",)), Mark("new", ("old",)), True),
        (Mark("new", ("old",)), Mark("newest", ("old", "new")), False),
        (Mark("other"), Mark("old"), False),
    ],
    ids=["restored", "put back to before it", "restored again", "put back to between", "another"],
)
def test_a_store_that_was_restored_is_known_by_the_names_it_had(now: Mark, seen_as: Mark, is_so: bool) -> None:
    assert now.is_restored_from(seen_as) is is_so


async def test_attack_a_store_as_it_was_before_it_was_restored_went_back(
    seen: Store, redis: str, tmp_path: Path
) -> None:
    before = await name(seen)
    await seen.client.do("SET", KEYS.mark, f"new {before}")
    await seen.client.do("DEL", KEYS.starts, Keys(1).starts)
    async with a_store(redis) as later:
        await begin(later, tmp_path)
        await later.client.do("SET", KEYS.mark, before)

        with pytest.raises(WentBack, match="as it was before it was restored"):
            await look(later)
        with pytest.raises(NotWhole):
            await look(later)


async def test_a_store_of_another_format_is_said_to_be_one(seen: Store) -> None:
    await seen.client.do("SET", KEYS.format, "99")

    with pytest.raises(OtherFormat):
        await look(seen)


async def test_a_look_misses_nothing_that_is_started_while_it_reads(
    seen: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    async def starts() -> None:
        run, attempt = new_id("run", 0), AttemptId(new_id("attempt", 0))
        assert (await seen.start_tool(run, 0, attempt, tool_started(attempt), None)).state == "started"

    async def looks() -> None:
        for _ in range(100):
            await look(seen)

    await asyncio.gather(looks(), *(starts() for _ in range(300)))

    assert "is not what it was" not in capsys.readouterr().out
