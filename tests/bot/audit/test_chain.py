"""The chain: whatever is changed, removed, moved or put in is found, and the record that it happened to is named."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.chain import Checker, Finding, Head, Sealed, key_id, seal_of, sealed
from bot.errors import Invalid

KEY, DERIVED, EARLIER = b"k" * 32, b"d" * 32, b"e" * 32


def chain(count: int, key: bytes = KEY, shard: int = 3, words: str = "word") -> list[Sealed]:
    head, found = Head(shard), list[Sealed]()
    for number in range(count):
        one, head = sealed(key, head, {"kind": "vote", "at": "2026-11-22T12:00:00Z", "words": f"{words} {number}"})
        found.append(one)
    return found


def findings(records: Sequence[Sealed], keys: Sequence[bytes] = (KEY,)) -> list[Finding]:
    checker = Checker(3, keys)
    return [finding for one in records for finding in checker.check(one)[1]]


def places(records: Sequence[Sealed]) -> list[int]:
    return [finding.n for finding in findings(records)]


@given(st.integers(1, 12), st.integers(0, 400), st.integers(1, 255))
def test_a_record_in_which_one_byte_differs_is_named(place: int, at: int, flip: int) -> None:
    records = chain(12)
    body = bytearray(records[place - 1].body)
    body[at % len(body)] ^= flip
    records[place - 1] = replace(records[place - 1], body=bytes(body))

    assert places(records) == [place]


@given(st.integers(1, 12), st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_record_whose_seal_differs_is_named_and_the_next_one_is_not(place: int, at: int, letter: str) -> None:
    records = chain(12)
    seal = records[place - 1].seal
    other = seal[:at] + letter + seal[at + 1 :]
    records[place - 1] = replace(records[place - 1], seal=other)

    assert places(records) == ([place] if other != seal else [])


@given(st.integers(1, 11), st.integers(1, 11))
def test_what_was_removed_is_named_by_its_first_record(first: int, count: int) -> None:
    records = chain(12)
    del records[first - 1 : min(first - 1 + count, 11)]

    assert places(records) == [first]


@given(st.integers(1, 12), st.integers(1, 12))
def test_two_records_that_changed_places_are_both_named(one: int, other: int) -> None:
    records = chain(12)
    here, there = records[one - 1], records[other - 1]
    records[one - 1] = Sealed(one, there.body, there.seal)
    records[other - 1] = Sealed(other, here.body, here.seal)

    assert set(places(records)) >= ({one, other} if one != other else set())


@given(st.integers(1, 12), st.binary(min_size=1))
def test_a_record_that_was_put_in_is_named(place: int, body: bytes) -> None:
    records = chain(12)
    moved = [Sealed(one.place + 1, one.body, one.seal) for one in records[place - 1 :]]
    records[place - 1 :] = [Sealed(place, body, "0" * 64), *moved]

    assert places(records)[0] == place


@given(st.data())
def test_any_other_order_and_selection_of_records_is_found(data: st.DataObject) -> None:
    records = chain(6)
    chosen = data.draw(st.lists(st.sampled_from(records), min_size=1, max_size=8))

    is_beginning = chosen == records[: len(chosen)]
    assert bool(findings(chosen)) is not is_beginning


def test_attack_records_of_another_shard_do_not_pass_for_those_of_this_one() -> None:
    assert places(chain(3, shard=2)) == [1, 2, 3]


def test_attack_a_record_sealed_before_the_store_was_put_back_does_not_pass_for_one_that_stands() -> None:
    records, before = chain(5), chain(5, words="said before")

    assert places([*records[:2], before[2], *records[3:]]) == [3, 4]


def test_a_record_of_another_key_is_told_from_one_that_was_changed() -> None:
    assert "another key" in findings(chain(1, b"o" * 32))[0].what
    assert findings(chain(3, b"o" * 32), [KEY, b"o" * 32]) == []


def test_a_forged_chain_of_somebody_without_the_key_is_found() -> None:
    forged = chain(5, b"guessed")
    named = [replace(one, body=one.body.replace(b'"key": "', b'"key": "x')) for one in forged]

    assert len(findings(named)) == 5


def sealed_by(*turns: tuple[bytes, str]) -> list[Sealed]:
    """A record for each turn: the key that seals it, and when it was made."""
    head, found = Head(3), list[Sealed]()
    for key, at in turns:
        one, head = sealed(key, head, {"kind": "vote", "at": f"2026-11-{at}:00Z"})
        found.append(one)
    return found


def checked(records: Sequence[Sealed]) -> tuple[list[int], int]:
    """Return the records that are a finding, and how many have the key that is derived."""
    checker = Checker(3, [KEY, DERIVED, EARLIER], derived=[DERIVED, EARLIER])
    return [finding.n for one in records for finding in checker.check(one)[1]], checker.weaker


def test_attack_a_log_that_is_sealed_anew_with_a_weaker_key_is_found() -> None:
    real = sealed_by(*((KEY, f"{day}T12:00") for day in range(10, 16)))
    dropped, before, forged = 4, real[1].seal, list[Sealed]()
    for place, one in enumerate([real[2], *real[dropped:]], 3):
        body = json.dumps(json.loads(one.body) | {"n": place, "key": key_id(DERIVED), "outcome": "approve"}).encode()
        before = seal_of(DERIVED, before, body)
        forged.append(Sealed(place, body, before))

    assert checked([*real[:2], *forged]) == ([3, 4, 5], 3)


def test_attack_a_record_of_long_ago_is_not_put_in_with_a_weaker_key() -> None:
    assert checked(sealed_by((KEY, "10T12:00"), (KEY, "15T12:00"), (DERIVED, "10T12:01"))) == ([3], 1)


def test_what_was_sealed_before_there_was_a_key_or_by_workers_that_get_it_one_after_another_raises_no_alarm() -> None:
    before = (EARLIER, "01T12:00"), (DERIVED, "09T12:00"), (KEY, "10T12:00"), (KEY, "20T12:00")
    turns = (DERIVED, "10T11:58"), (KEY, "10T12:00"), (DERIVED, "10T12:01"), (KEY, "10T12:02"), (DERIVED, "11T11:59")

    assert checked(sealed_by(*before)) == ([], 2)
    assert checked(sealed_by(*turns, (KEY, "20T12:00"))) == ([], 3)


def test_a_worker_that_never_got_the_key_is_found() -> None:
    assert checked(sealed_by((KEY, "10T12:00"), (KEY, "12T12:00"), (DERIVED, "12T12:01"))) == ([3], 1)


def test_a_head_reads_back_as_it_was_written() -> None:
    head = Head(3, 1042, "ab" * 32)

    assert Head.parse(f" {head}\n") == head
    with pytest.raises(Invalid, match="Heads look like"):
        Head.parse("s3:1042:zz")
