"""`sayso audit`, as somebody types it: check a log that was tampered with, and take from one what is of some days."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from bot.audit.chain import Head
from bot.audit.heads import heads_in
from bot.audit.sealer import head_of
from bot.store.keys import Keys
from tests.bot.cli.shell import Ended, elsewhere, leave_word_of_redis, sayso
from tests.kit.long import few_of
from tests.kit.office import QUICK, TOML
from tests.kit.waiting import PATIENCE_S, until
from tests.kit.world import World, a_world
from tests.stories.test_audit import asked, records

DAY_S = 24 * 3600.0
Entries = list[tuple[bytes, dict[bytes, bytes]]]


async def verify(world: World, *words: str) -> Ended:
    """The command beside the store of `world`."""
    leave_word_of_redis(world)
    environ = {f"SAYSO_{name}": value for name, value in QUICK.items()}
    return await elsewhere(world.folder, "audit", "verify", *words, "--data", str(world.folder), **environ)


async def sealed(world: World) -> int:
    """The shard of a run whose story is sealed; its second record is a vote."""
    record = await asked(world)
    await world.decide("bo", record, "approve")
    [last] = await records(world, "tool_finished", record.request.id)
    await world.quiet()
    return int(last["shard"])


async def rewrite(world: World, shard: int, done: Callable[[Entries], Entries]) -> None:
    client, chain = world.app.store.client, Keys(shard).audit_chain
    entries: Entries = await client.do("XRANGE", chain, "-", "+")
    await client.do("DEL", chain)
    for place, fields in done(entries):
        await client.do("XADD", chain, place, *(part for pair in fields.items() for part in pair))


def changed(entries: Entries) -> Entries:
    """Bo approved what Cy did."""
    fields = entries[1][1]
    fields[b"b"] = fields[b"b"].replace(b"approve", b"denied_", 1)
    return entries


def removed(entries: Entries) -> Entries:
    """Nobody voted."""
    return [entries[0], *entries[2:]]


def reordered(entries: Entries) -> Entries:
    """The tool started before anybody voted."""
    (first, vote), (second, following) = entries[1:3]
    return [entries[0], (first, following), (second, vote), *entries[3:]]


@pytest.mark.parametrize(
    ("done", "told"),
    few_of(
        [
            (changed, ["record 2: changed: its seal does not fit it"]),
            (removed, ["record 2: removed: no record 2, so 3 can't be checked"]),
            (reordered, ["record 2: moved or replaced: record 3", "record 3: moved or replaced: record 2"]),
        ],
        0,
        rows=True,
    ),
)
async def test_verify_names_the_record_that_was_changed_removed_or_moved(
    world: World, done: Callable[[Entries], Entries], told: list[str]
) -> None:
    shard = await sealed(world)
    whole = await verify(world)

    await rewrite(world, shard, done)
    broken = await verify(world)
    of_shard = await verify(world, "--shard", str(shard), "--json")
    of_other = await verify(world, "--shard", str(1 - shard), "--json")

    assert (whole.code, whole.out.startswith("✓ ")) == (0, True), whole.out
    assert [broken.code, *(f"✗ shard {shard}, {each}" in broken.out for each in told)] == [1, *(True for _ in told)]
    assert {(one["shard"], one["record"]) for one in json.loads(of_shard.out)["findings"]} >= {(shard, 2)}
    assert (of_shard.code, of_other.code, json.loads(of_other.out)["findings"]) == (1, 0, [])


async def test_export_takes_what_is_from_one_time_on_and_before_another(world: World) -> None:
    first = await asked(world)
    await world.decide("bo", first, "deny")
    await world.move_time(2 * DAY_S)
    second = await asked(world)
    await records(world, "opened", second.request.id)
    now = await world.now()
    between = (now - timedelta(hours=1)).astimezone(timezone(timedelta(hours=9))).isoformat()

    async def exported(*words: str) -> set[str]:
        ended = await sayso(world, "audit", "export", *words)
        return {found for line in ended.out.splitlines() if (found := json.loads(line)["run_id"])}

    assert await exported("--until", between) == {first.request.run_id}
    assert await exported("--since", between) == {second.request.run_id}
    assert await exported("--since", "2020-01-01", "--until", f"{now:%Y-%m-%d}") == {first.request.run_id}


@pytest.fixture
def syslog(short_path: Path) -> Path:
    """Where the machine's syslog would listen."""
    return short_path / "log"


@pytest.fixture
async def office(redis: str, tmp_path: Path, syslog: Path) -> AsyncIterator[tuple[World, socket.socket]]:
    """A running sayso that sends its heads to a file, to syslog, to Anna, and to a folder, which can't be."""
    places = json.dumps([f"file:{tmp_path / 'heads'}", f"syslog:{syslog}", "mail:person:anna", f"file:{tmp_path}"])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(syslog))
        line.settimeout(PATIENCE_S)
        async with a_world(redis, tmp_path / "data", f"{TOML}\n[audit]\nheads = {places}\n") as world:
            yield world, line


async def test_heads_leave_for_a_file_syslog_and_a_mail_and_show_a_cut_end(
    office: tuple[World, socket.socket], tmp_path: Path
) -> None:
    (world, line), file = office, tmp_path / "heads"
    shard = await sealed(world)
    newest = await head_of(world.app.store, shard)
    await until(lambda: file.exists() and newest in heads_in(str(file)), what="the newest head is in the file")
    datagrams = [(await asyncio.to_thread(line.recv, 1_000)).decode() for _ in heads_in(str(file))]
    mail = await world.next_mail("anna", about="The heads of the audit log")
    [mailed] = [Head.parse(row) for row in mail.text.splitlines() if row.startswith(f"s{shard}:")]
    alarm = await world.next_mail("dan", about="A head of the audit log was not sent")
    whole = await verify(world, "--head", f"file:{file}", "--head", str(mailed))

    await cut_off_end(world, shard)
    unseen = await verify(world)
    seen = await verify(world, "--head", f"file:{file}", "--json")
    known = await verify(world, "--head", str(newest))

    assert {row.rpartition(" ")[2] for row in datagrams} <= set(map(str, heads_in(str(file))))
    assert str(newest) in "\n".join(datagrams)
    assert f"can't be sent to file:{tmp_path}: Is a directory" in alarm.text
    assert (whole.code, "A cut end can't be seen" in whole.out) == (0, False)
    assert (unseen.code, "A cut end can't be seen" in unseen.out) == (0, True)
    assert (seen.code, json.loads(seen.out)["heads_compared"]) == (1, len(heads_in(str(file))))
    assert (known.code, f"shard {shard}, record {newest.n}" in known.out) == (1, True)
    assert await world.dead() == []


async def cut_off_end(world: World, shard: int) -> None:
    """Somebody takes the newest record out, and notes the one before as the head."""
    keys, client = Keys(shard), world.app.store.client
    entries: Entries = await client.do("XRANGE", keys.audit_chain, "-", "+")
    await client.do("XDEL", keys.audit_chain, entries[-1][0])
    before = Head(shard, len(entries) - 1, entries[-2][1][b"s"].decode())
    await client.do("SET", keys.audit_head, str(before))
