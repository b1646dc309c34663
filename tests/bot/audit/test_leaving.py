"""The oldest sealed records leave the store for the archive, and the log is one as before."""

import asyncio
import gzip
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.requests import PersonId
from bot.archive.keeper import Archive
from bot.archive.places import ArchiveUnavailable, FolderPlace
from bot.audit.chain import Sealed
from bot.audit.forgetting import Forgetting
from bot.audit.leaving import AuditLeaving
from bot.audit.log import AuditLog
from bot.audit.privacy import Row
from bot.audit.reading import Query
from bot.audit.sealer import head_of
from bot.audit.segments import pack, unpack
from bot.errors import Invalid, Unavailable
from bot.store import Keys, Store, scripts
from tests.bot.archive.places import Breaking
from tests.bot.audit.parts import KEY, a_reader, a_sealer, log_of, verified
from tests.kit.guards import guards
from tests.kit.long import few_of

KEYS = Keys(0)
DAYS_31 = 31 * 86_400_000
SEGMENT = 10
MONTH = timedelta(days=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def leaving(store: Store, folder: Path, at_most: int = 1_000) -> AuditLeaving:
    return AuditLeaving(store, Archive(FolderPlace(folder)), MONTH, at_most, SEGMENT)


async def noted(store: Store, count: int, who: str = "bo", words: str = "because") -> None:
    log = AuditLog(store)
    for _ in range(0, count, 50):
        await asyncio.gather(
            *(log.note("refused", who=PersonId(who), words=words, proof=None) for _ in range(min(count, 50)))
        )
    while await a_sealer(store).seal(0):
        pass


async def archived(store: Store, folder: Path, count: int = 3 * SEGMENT) -> Archive:
    """`count` records in the archive, and five more in the store."""
    await noted(store, count)
    await later(store)
    await leaving(store, folder).look(0)
    await noted(store, 5, "cy", "later")
    return Archive(FolderPlace(folder))


async def later(store: Store, by_ms: int = DAYS_31) -> None:
    await store.client.do("INCRBY", KEYS.clock, by_ms)


async def in_store(store: Store) -> int:
    return await store.client.do("XLEN", KEYS.audit_chain)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "audit" / "s0").iterdir())


def rewritten(file: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Somebody who can write to the archive writes a file anew, with as many lines as it says."""
    lines = change([json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()][:-1])
    lines.append({"lines": len(lines)})
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))


async def test_records_leave_after_their_time_and_the_log_is_read_and_checked_as_before(
    store: Store, folder: Path
) -> None:
    await noted(store, 25)
    outside, before = await head_of(store, 0), await log_of(store)
    assert await leaving(store, folder).look(0) == 0
    await later(store)

    assert await leaving(store, folder).look(0) == 20

    archive = Archive(FolderPlace(folder))
    assert (await in_store(store), await store.client.do("HLEN", KEYS.audit_kept)) == (5, 5)
    checked = await verified(store, outside, archive=archive)
    assert (checked.findings, checked.records, [head.n for head in checked.heads]) == ([], 25, [25])
    assert await log_of(store, archive=archive) == before
    assert checked.since == await a_reader(store, archive).since()


async def test_fewer_than_a_file_holds_wait_a_week_longer_and_of_too_many_the_oldest_leave_before_their_time(
    store: Store, folder: Path
) -> None:
    await noted(store, 4)
    await later(store)
    assert await leaving(store, folder).look(0) == 0
    await noted(store, 2)
    await later(store, 7 * 86_400_000)
    assert await leaving(store, folder).look(0) == 4
    assert (await verified(store, archive=Archive(FolderPlace(folder)))).findings == []

    await noted(store, 43)

    assert await leaving(store, folder, at_most=20).look(0) == 30
    assert await in_store(store) == 15


async def test_the_memory_of_the_log_stays_within_its_bound_however_much_is_recorded(
    store: Store, folder: Path
) -> None:
    async def size() -> int:
        sizes = [
            await store.client.do("MEMORY", "USAGE", key, "SAMPLES", 0)
            async for key in store.client.scan("{s0}:audit:[ckhap]*")
        ]
        return sum(sizes)

    look, sizes = leaving(store, folder, at_most=2 * SEGMENT).look, list[int]()
    for _ in range(6):
        await noted(store, 4 * SEGMENT)
        await look(0)
        sizes.append(await size())

    assert await in_store(store) <= 2 * SEGMENT
    assert max(sizes[1:]) <= 1.2 * sizes[0]
    checked = await verified(store, archive=Archive(FolderPlace(folder)))
    assert (checked.findings, checked.records) == ([], 24 * SEGMENT)


async def test_pages_go_on_from_the_store_into_the_archive_and_back(store: Store, folder: Path) -> None:
    reader = a_reader(store, await archived(store, folder))
    for newest_first, limit in ((False, 1), (False, 40), (True, 7)):
        numbers, cursor = list[int](), ""
        while True:
            page, cursor = await reader.search(Query(), cursor, limit, newest_first=newest_first)
            numbers += [int(str(one["n"])) for one in page]
            if not cursor:
                break

        assert numbers == sorted(range(1, 36), reverse=newest_first)


async def test_what_leaves_while_it_is_read_is_read_once(store: Store, folder: Path) -> None:
    await noted(store, 500)
    await later(store)
    reader = a_reader(store, Archive(FolderPlace(folder)))
    few = AuditLeaving(store, Archive(FolderPlace(folder)), MONTH, segment=100)

    checked, _, (found, _) = await asyncio.gather(
        reader.verify([KEY]), few.look(0), reader.search(Query(), limit=3_000)
    )

    assert (checked.findings, checked.records) == ([], 500)
    assert [one["n"] for one in found] == list(range(1, 501))


def changed(place: int, how: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    def swap(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lines[3], lines[4] = lines[4] | {"n": lines[3]["n"]}, lines[3] | {"n": lines[4]["n"]}
        return lines

    def body(line: dict[str, Any]) -> dict[str, Any]:
        return line | {"b": line["b"].replace('"bo', '"cy').replace("refused", "frozen")}

    changes: dict[str, Callable[[list[dict[str, Any]]], list[dict[str, Any]]]] = {
        "body": lambda lines: [body(line) if line.get("n") == place else line for line in lines],
        "seal": lambda lines: [line | {"s": "0" * 64} if line.get("n") == place else line for line in lines],
        "removed": lambda lines: [line for line in lines if line.get("n") != place],
        "words": lambda lines: [line for line in lines if "sealed" not in line],
        "swapped": swap,
    }
    return changes[how]


UNREADABLE: tuple[dict[str, object], ...] = (
    {"n": "3"}, {"n": None}, {"n": 10**30}, {"s": 5}, {"b": "7"}, {"b": '{"parts": 5}'}, {"b": 5},
)  # fmt: skip


async def test_whatever_is_changed_in_the_archive_is_found_and_named_and_keeps_the_check_from_no_other_file(
    store: Store, folder: Path
) -> None:
    archive = await archived(store, folder)
    whole = {file: file.read_bytes() for file in files(folder)}

    async def named() -> set[int]:
        return {finding.n for finding in (await verified(store, archive=archive)).findings}

    def mended() -> None:
        for file, body in whole.items():
            file.write_bytes(body)

    for place, how in ((1, "body"), (20, "body"), (11, "seal"), (30, "seal"), (10, "removed"), (15, "removed")):
        rewritten(files(folder)[(place - 1) // SEGMENT], changed(place, how))
        assert await named() == {place}, how
        mended()
    rewritten(files(folder)[2], changed(21, "words"))
    assert await named() == set(range(21, 31))
    mended()
    rewritten(files(folder)[1], changed(13, "swapped"))
    assert {13, 14} <= await named()
    mended()
    for change in UNREADABLE:
        rewritten(files(folder)[1], lambda lines, change=change: [*lines[:3], lines[3] | change, *lines[4:]])
        found = await named()
        assert (bool(found), found <= set(range(11, 22))) == (True, True), change
        mended()
    for body in (whole[files(folder)[1]][:left] for left in (0, 10, -1)):
        files(folder)[1].write_bytes(body)
        assert await named() == {11}, "it was cut"
        mended()
    first = files(folder)[0]
    first.write_bytes(gzip.compress(b"\n".join(gzip.decompress(first.read_bytes()).splitlines()[:-2])))
    assert "lines are missing" in str((await verified(store, archive=archive)).findings[0])


async def test_a_file_that_is_missing_is_named_and_an_archive_that_is_gone_for_all_that_was_there(
    store: Store, folder: Path
) -> None:
    archive = await archived(store, folder)
    for number, file in enumerate(files(folder)):
        body = file.read_bytes()
        file.unlink()

        findings = (await verified(store, archive=archive)).findings

        first = number * SEGMENT + 1
        assert f"missing in the archive: the file of records {first} to {first + 9}" in str(findings[0])
        assert {finding.n for finding in findings} == {first}
        for newest_first in (False, True):
            with pytest.raises(Unavailable, match="missing in the archive"):
                await a_reader(store, archive).search(Query(), newest_first=newest_first)
        file.write_bytes(body)

    for file in files(folder):
        file.unlink()
    findings = (await verified(store, archive=archive)).findings
    assert "missing in the archive: the file of records 1 to 30" in str(findings[0])
    with pytest.raises(ArchiveUnavailable, match="There is no archive"):
        await verified(store)


async def test_attack_a_text_that_somebody_deletes_is_found_within_the_hour_while_the_archive_is_away(
    store: Store, folder: Path
) -> None:
    await archived(store, folder)
    await store.client.do("HDEL", KEYS.audit_kept, 35)

    [found] = await a_reader(store).verify_newest([KEY], 3)

    assert (found.n, found.what) == (35, "its words was deleted, and nobody whom it is about was forgotten")


@pytest.mark.parametrize(
    ("letter", "times", "is_packed"),
    few_of([(b"[", 1_000_000, False), (b"[", 1_000_000, True), (b" ", 300_000_000, True)], 1, rows=True),
)
async def test_attack_a_file_that_fills_the_memory_is_named(
    store: Store, folder: Path, letter: bytes, times: int, is_packed: bool
) -> None:
    archive = await archived(store, folder)

    files(folder)[1].write_bytes(gzip.compress(letter * times, 1) if is_packed else letter * times)

    assert {finding.n for finding in (await verified(store, archive=archive)).findings} == {11}


async def test_a_note_that_was_taken_back_hides_nothing(store: Store, folder: Path) -> None:
    archive = await archived(store, folder)
    await store.client.do("DEL", KEYS.audit_archived)

    assert [finding.n for finding in (await verified(store, archive=archive)).findings] == [1]


async def test_somebody_who_is_forgotten_stands_in_no_file_either_though_none_is_written_anew(
    store: Store, folder: Path
) -> None:
    archive = await archived(store, folder)
    before = [file.read_bytes() for file in files(folder)]
    text = b"".join(map(gzip.decompress, before)).decode()
    assert [word for word in ('"bo"', ':bo"', "Berg", "because") if word in text] == [], "no name, no word of anybody"
    assert (await log_of(store, Query(person="bo"), archive))[0]["words"] == "because"

    assert await Forgetting(store, a_sealer(store)).forget("bo") == 0

    found = await log_of(store, archive=archive)
    assert {(str(one["who"]), str(one["words"])) for one in found[:30]} == {("forgotten", "forgotten")}
    assert found[30]["words"] == "later"
    assert [file.read_bytes() for file in files(folder)] == before
    checked = await verified(store, archive=archive)
    assert (checked.findings, checked.forgotten) == ([], 1)


async def test_what_leaves_while_somebody_is_forgotten_is_forgotten(store: Store, folder: Path) -> None:
    await noted(store, 3 * SEGMENT)
    await later(store)

    await asyncio.gather(Forgetting(store, a_sealer(store)).forget("bo"), leaving(store, folder).look(0))

    archive = Archive(FolderPlace(folder))
    assert {str(one["words"]) for one in (await log_of(store, archive=archive))[:-1]} == {"forgotten"}
    assert (await verified(store, archive=archive)).findings == []
    assert await store.client.do("HLEN", KEYS.audit_kept) == 0


@guards("write_if.lua:same")
async def test_what_has_left_meanwhile_is_not_put_back_by_forgetting_it(store: Store) -> None:
    answer = await store.client.run(scripts.set_if(KEYS.audit_kept, 7, "the policy", "what it was"))

    assert (answer.is_set, await store.client.do("HLEN", KEYS.audit_kept)) == (False, 0)


@pytest.mark.parametrize("at", few_of(range(1, 7), 1, 4))
async def test_whoever_dies_at_the_archive_loses_nothing_and_doubles_nothing(
    store: Store, folder: Path, at: int
) -> None:
    await noted(store, 2 * SEGMENT)
    await later(store)
    breaking = AuditLeaving(store, Archive(Breaking(FolderPlace(folder), at)), MONTH, segment=SEGMENT)
    with suppress(ArchiveUnavailable):
        await breaking.look(0)

    await leaving(store, folder).look(0)

    archive = Archive(FolderPlace(folder))
    assert (await in_store(store), (await verified(store, archive=archive)).findings) == (0, [])
    assert [one["n"] for one in await log_of(store, archive=archive)] == list(range(1, 21))


class Overtaken(Archive):
    """An archive in which `other` comes in between, once, after a segment was written."""

    other: AuditLeaving | None = None

    async def keep_segment(self, shard: int, name: str, body: bytes) -> None:
        await super().keep_segment(shard, name, body)
        other, self.other = self.other, None
        if other:
            await other.look(shard)


@guards("planted:trimmed_from_where_it_was_read")
async def test_a_worker_that_was_overtaken_forgets_nothing_of_what_others_have_archived(
    store: Store, folder: Path
) -> None:
    await noted(store, 3 * SEGMENT)
    await later(store)
    archive = Overtaken(FolderPlace(folder))
    archive.other = leaving(store, folder)

    assert await AuditLeaving(store, archive, MONTH, segment=SEGMENT).look(0) == 0

    assert [one["n"] for one in await log_of(store, archive=archive)] == list(range(1, 31))
    assert (await verified(store, archive=archive)).findings == []


async def test_several_workers_at_once_write_each_record_once(store: Store, folder: Path) -> None:
    await noted(store, 10 * SEGMENT)
    await later(store)

    await asyncio.gather(*(leaving(store, folder).look(0) for _ in range(8)))

    archive = Archive(FolderPlace(folder))
    assert (await in_store(store), len(files(folder))) == (0, 10)
    found, _ = await a_reader(store, archive).search(Query(), limit=300)
    assert [(one["n"], one["words"]) for one in found] == [(number, "because") for number in range(1, 101)]
    assert (await verified(store, archive=archive)).findings == []


@pytest.mark.parametrize(
    "body", few_of(["[" * 200_000, '{"n": 3, "at": "2026-01-01T00:00:00Z", "of": [[]]}', '{"of": 5}'], 0)
)
async def test_attack_a_record_that_nothing_can_read_keeps_no_others_in_the_store(
    store: Store, folder: Path, body: str
) -> None:
    await noted(store, SEGMENT)
    found = await store.client.do("XRANGE", KEYS.audit_chain, "-", "+")
    await store.client.do("DEL", KEYS.audit_chain)
    for name, fields in found:
        text = body if name == f"0-{SEGMENT}".encode() else fields[b"b"]
        await store.client.do("XADD", KEYS.audit_chain, name, "b", text, "s", fields[b"s"])
    await later(store)

    assert await leaving(store, folder).look(0) == SEGMENT


async def test_attack_a_record_that_no_file_can_hold_stays_in_the_store(store: Store, folder: Path) -> None:
    await noted(store, SEGMENT - 1)
    await store.client.do("XADD", KEYS.audit_chain, f"0-{SEGMENT}", "b", b" " * (17 << 20), "s", "no seal")
    await later(store)

    with pytest.raises(Invalid, match="a line is too long"):
        await leaving(store, folder).look(0)

    assert await in_store(store) == SEGMENT
    assert not (folder / "audit").exists()


@pytest.mark.parametrize("of", few_of([(), ("p-aaaaaaaaaaaaaaaaaaaa",)], 0))
def test_attack_more_texts_than_a_line_holds_are_read_again(of: tuple[str, ...]) -> None:
    part = "words" if of else "policy"
    body = {"at": "2026-03-02T12:00:00+00:00", "of": of, "parts": {part: "…"}}
    records = [Sealed(n, json.dumps({"n": n, **body}).encode(), "seal") for n in range(1, 5_001)]
    # As long as a policy that names two hundred. Words are packed on their line, so these are nothing that packs well.
    texts = {
        one.place: {part: ("salt", json.dumps(secrets.token_hex(2_500) if of else "p-" * 2_500))} for one in records
    }
    rows = {of[0]: Row(id="bo", name="Bo Berg", salt="salt")} if of else {}

    found = unpack(pack(0, records, texts, rows), rows)

    assert found == (records, texts)


async def test_what_was_changed_before_it_left_is_still_found_in_the_archive(store: Store, folder: Path) -> None:
    await noted(store, SEGMENT)
    await store.client.do("XDEL", KEYS.audit_chain, "0-1", "0-10")
    await store.client.do("XADD", KEYS.audit_chain, "0-11", "b", b"\xff no record", "s", "no seal")
    await later(store, DAYS_31 + 7 * 86_400_000)
    await leaving(store, folder).look(0)
    await leaving(store, folder).look(0)

    archive = Archive(FolderPlace(folder))
    assert await in_store(store) == 0
    assert {1, 10, 11} <= {finding.n for finding in (await verified(store, archive=archive)).findings}


async def test_a_store_out_of_a_backup_goes_on_beside_the_files_of_what_was_lost(store: Store, folder: Path) -> None:
    archive = await archived(store, folder, 1 * SEGMENT)
    keys = [KEYS.audit_head, KEYS.audit_chain, KEYS.audit_kept, KEYS.audit_people, KEYS.audit_archived]
    backup = {key: await store.client.do("DUMP", key) for key in keys}
    await noted(store, 3 * SEGMENT, words="lost")
    await later(store)
    await leaving(store, folder).look(0)
    for key, body in backup.items():
        await store.client.do("RESTORE", key, 0, body, "REPLACE")

    await noted(store, 3 * SEGMENT, words="again")
    await later(store)
    await leaving(store, folder).look(0)

    checked = await verified(store, archive=archive)
    assert (checked.findings, checked.records) == ([], 45)
    assert "lost" not in str(await log_of(store, archive=archive))
